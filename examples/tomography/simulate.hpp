// SPDX-License-Identifier: BSD-3-Clause
//
// simulate.hpp: a scan of the phantom, written as a camera would have written it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace tomo {

struct simulate_options {
    std::filesystem::path output;
    std::filesystem::path truth; // empty: none is written
    bool overwrite = false;
    std::size_t columns = 256, rows = 64, angles = 402;
    double range = 180;           // degrees; the angles are equally spaced, the end is left out
    std::optional<double> center; // none: 0.48 columns, so that finding it means something
    double photons = 0;           // in a pixel at the brightest spot; 0: no noise
    std::uint64_t seed = 1;
    bool integers = true; // uint16, else float32
    unsigned gzip = 0;
    int threads = 0;
};

/// Writes the scan, some projections at a time, so that scans larger than memory can be made; and the
/// volume a perfect reconstruction would give, if asked for. The same options give the same counts.
void simulate(const simulate_options& options);

} // namespace tomo
