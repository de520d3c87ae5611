// SPDX-License-Identifier: BSD-3-Clause
//
// axis_of_scan.hpp: the rotation axis of each slice, as the user gave it or as the scan tells.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/ranks.hpp"
#include "prepare/prepared_scan.hpp"
#include "reconstruct/recon_options.hpp"

namespace tomo {

/// Centers are on the prepared scan's detector.
struct chosen_axis {
    bool trial = false; // one slice with each of the centers
    bool half = false;  // a half acquisition
    double center = 0;  // of all slices, or about those of `several`
    std::vector<double> several = {};
    std::string method = {};            // "given", or how it was found
    std::string for_configuration = {}; // what --center would have to be

    /// One a slice.
    std::vector<double> centers(std::size_t rows) const {
        return several.empty() ? std::vector<double>(rows, center) : several;
    }
    std::optional<double> half_center() const { return half ? std::optional(center) : std::nullopt; }
    /// All ranks have what the first one found.
    void share(const common::ranks& all);
};

/// Prints what is found. Only the first rank looks for it in the scan; that is done without phase retrieval, which
/// makes no difference to where things are.
///
/// Throws  std::runtime_error where --center does not fit the scan or the scan does not tell
chosen_axis axis_of_scan(const recon_options& options, const scan& input, const prepared_scan& prepared,
                         row_range rows, int threads, bool first_rank);

} // namespace tomo
