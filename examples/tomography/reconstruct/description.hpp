// SPDX-License-Identifier: BSD-3-Clause
//
// description.hpp: what a reconstruction is of, in words: for the terminal, for the volume, and for a later run that
// wants to know whether it would do the same.
#pragma once

#include <cstddef>
#include <string>

#include "axis/axis_of_scan.hpp"
#include "output/volume.hpp"
#include "prepare/prepared_scan.hpp"
#include "reconstruct/pipeline.hpp"
#include "reconstruct/recon_options.hpp"

namespace tomo {

/// As few digits as tell the number from its neighbours, of a double; or six at most.
std::string exact_text(double value);
std::string short_text(double value);

/// A line on standard error.
void warn(const std::string& text);

/// What there is, and what is to be done with it.
void announce(const recon_options& options, const scan& input, const prepared_scan& prepared,
              row_range rows);
void announce_gaps(const prepared_scan& prepared, bool half);

/// All that slices depend on.
attributes describe(const recon_options& options, const scan& input, const prepared_scan& prepared,
                    const chosen_axis& axis, const slice_list& slices);

/// The same and the scan's size and angles, one "name = value" a line.
std::string request_of(const attributes& notes, const scan& input, const slice_list& slices);

} // namespace tomo
