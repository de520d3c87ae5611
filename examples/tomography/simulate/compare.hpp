// SPDX-License-Identifier: BSD-3-Clause
//
// compare.hpp: how far two volumes are apart, within the circle that every projection saw.
#pragma once

#include <cstddef>
#include <filesystem>

namespace tomo {

struct difference {
    std::size_t slices = 0, columns = 0;
    double rmse = 0;       // NaN where either volume holds one
    double largest = 0;    // of the absolute differences
    double mean_ratio = 0; // mean of the second over mean of the first
    double correlation = 0;
};

/// Accuracy  the same bits for any number of threads
/// Throws    std::runtime_error if the volumes cannot be read or their shapes differ; common::interrupted
difference compare(const std::filesystem::path& first, const std::filesystem::path& second,
                   int threads = 0);

} // namespace tomo
