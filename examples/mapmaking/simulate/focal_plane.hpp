// SPDX-License-Identifier: BSD-3-Clause
//
// focal_plane.hpp: where the detectors look and which way they are polarised.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "observation/observation.hpp"

namespace mapmaking {

enum class layout { hexagon, grid };

struct focal_plane_options {
    std::size_t detectors =
        4; // two in a pixel, at right angles; an odd number leaves the last pixel one
    layout shape = layout::hexagon;
    double field_of_view = 5; // degrees, between the outermost pixels
    double efficiency = 1;    // of the polarisers
};

/// A detector in the focal plane, whose z axis is the line of sight and whose x axis points down on the sky.
struct placed_detector : placed {
    std::string pixel;
    char polarisation; // 'A' or 'B'
    double x, y;       // -1 .. 1 across the field of view
};

/// Pixels on the rings of a hexagon from its middle on, or on a square grid row by row. From one pixel to the next
/// polarisations turn by 45 degrees; the two detectors of a pixel are at right angles.
///
/// Throws  std::runtime_error naming an option that makes no sense
std::vector<placed_detector> make_focal_plane(const focal_plane_options& options);

} // namespace mapmaking
