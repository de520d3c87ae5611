// SPDX-License-Identifier: BSD-3-Clause
//
// simulate.hpp: a scan of the phantom, written as a camera would have written it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "prepare/phase_retrieval.hpp"

namespace tomo {

struct simulate_options {
    std::filesystem::path output;
    std::filesystem::path truth; // empty: none is written
    bool overwrite = false;
    std::size_t columns = 256, rows = 64, angles = 402;
    double range = 180;           // degrees; the angles are equally spaced, the end is left out
    std::optional<double> center; // none: 0.48 columns, so that finding it means something
    double photons = 0;           // in a pixel at the brightest spot; 0: no noise
    double stripes = 0;           // most that the gain of a pixel changes by; camera.hpp tells more
    double zingers = 0;           // probability of a count to be hit by a stray X-ray
    paganin_options phase;        // the beam travels on behind the phantom, a sample of one material
    std::uint64_t seed = 1;
    bool integers = true; // uint16, else float32
    unsigned gzip = 0;
    int threads = 0;
};

/// Writes the scan, some projections at a time, so that scans larger than memory can be made; and the
/// volume a perfect reconstruction would give, if asked for. The same options give the same counts.
/// With a phase, fringes take up to 2.5 times the beam: it is half as bright then.
void simulate(const simulate_options& options);

} // namespace tomo
