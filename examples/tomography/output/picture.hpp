// SPDX-License-Identifier: BSD-3-Clause
//
// picture.hpp: a volume to look at, in one PNG file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/drawing.hpp"
#include "output/survey.hpp"
#include "output/volume.hpp"

namespace tomo {

/// Three planes through the middle at right angles, or, of a volume of fewer than 16 slices, up to three of
/// them, and the histogram, with the grays under it: from the 0.5th to the 99.5th percentile, for all. What
/// is wider than 768 pixels is averaged down; what is not finite is red.
///
/// Throws  std::runtime_error if the volume cannot be read
common::drawing draw_picture(const volume_reader& volume, const survey& found);

/// Up to 25 slices, spread evenly over the volume, side by side, each under its label: labels[slice].
/// Grays as above.
///
/// Throws  also std::invalid_argument if there is not one label a slice
common::drawing draw_contact_sheet(const volume_reader& volume, const survey& found,
                                   const std::vector<std::string>& labels);

/// Those, into a PNG file.
///
/// Throws  also std::runtime_error naming the file and what libpng says
void write_picture(const std::filesystem::path& path, const volume_reader& volume, const survey& found);
void write_contact_sheet(const std::filesystem::path& path, const volume_reader& volume,
                         const survey& found, const std::vector<std::string>& labels);

} // namespace tomo
