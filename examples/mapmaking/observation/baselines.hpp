// SPDX-License-Identifier: BSD-3-Clause
//
// baselines.hpp: the stretches of samples that share an offset, of all detectors of an observation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <destrier/destripe/chunk.hpp>

#include "observation/observation.hpp"

namespace mapmaking {

struct baseline_options {
    double seconds = 1;         // 0: an offset for each interval
    std::string intervals = {}; // only samples in these count; empty: all do
    bool contiguous = false;    // the noise prior's: baselines go on between intervals
};

/// Reads "1s", "0.5s", "100ms", "5min" or "intervals"; returns what is wrong with it, or an empty string.
std::string read_baseline(const std::string& text, baseline_options& into);

/// Samples of a baseline at that rate: TOAST's, at least one.
std::size_t baseline_samples(const baseline_options& how, double rate);

struct observation_baselines {
    std::vector<destrier::destripe::baseline> baselines;
    std::vector<std::uint8_t> outside; // (n) 1 for samples that no interval has, or empty
};

observation_baselines make_baselines(const time_streams& streams, const baseline_options& how);

} // namespace mapmaking
