// SPDX-License-Identifier: BSD-3-Clause
//
// center.hpp: where the rotation axis meets the detector, asked of the scan itself in two ways.
#pragma once

#include "normalise.hpp"
#include "scan.hpp"

namespace tomo {

/// In pixels; detector pixel k lies at k.
struct axis {
    double phase_correlation = 0; // of projections half a turn apart
    double missing_degrees = 0;   // what the best pair of them lacks to half a turn
    double vo = 0;                // double wedge, of up to three slices
};

/// Reads a few projections and slices of these rows.
///
/// Throws  no_axis (vo.hpp) where the scan does not tell
axis find_axis(const scan& input, row_range rows, average how, int threads);

} // namespace tomo
