// SPDX-License-Identifier: BSD-3-Clause
//
// solve.hpp: observations in, destriped maps out: the work shared among ranks and threads, and where the time went.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/pointing.hpp>

#include "common/ranks.hpp"
#include "observation/baselines.hpp"
#include "observation/observation.hpp"

namespace mapmaking {

enum class splits { none, detectors, halves };

struct solve_options {
    std::vector<std::filesystem::path> observations;
    std::filesystem::path output;
    std::filesystem::path picture; // empty: none
    std::filesystem::path offsets; // the offsets that were found; empty: none
    bool overwrite = false;

    std::size_t nside = 0;
    std::size_t solve_nside = 0; // 0: the map's
    destrier::destripe::stokes stokes = destrier::destripe::stokes::iqu;
    destrier::destripe::ordering order = destrier::destripe::ordering::nest;
    bool float32 = false; // the maps' numbers
    bool partial = false; // only pixels that were seen are written
    mapmaking::splits splits = mapmaking::splits::none;

    baseline_options baselines;
    bool prior = false;
    std::size_t precond_width = 20; // of the prior's band, in baselines
    std::filesystem::path mask;     // for the solve only; empty: none

    double rcond = 1e-6, solve_rcond = 1e-3;
    double tolerance = 1e-8;
    std::size_t iterations = 500;
    bool one_pass = false;

    observation_options reading;
    bool half_wave_plate = true; // as far as the files have one
    bool mixed_focal_planes = false;

    std::filesystem::path checkpoint; // empty: none
    std::size_t checkpoint_every = 50;

    std::size_t memory = 0; // of a rank, in bytes; 0: what there is
    int threads = 0;        // of each rank
};

/// Destripes the observations and writes the maps, which appear under their names when all of them are whole.
/// Ranks share detectors in observations, and the first one writes. The maps are bitwise the same for any number
/// of threads.
///
/// Throws  std::runtime_error naming file, data set, value and what was expected; failed_elsewhere where another
///         rank did; interrupted
void solve(const solve_options& options, const common::ranks& all);

} // namespace mapmaking
