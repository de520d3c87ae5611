// SPDX-License-Identifier: BSD-3-Clause
//
// picture.hpp: maps side by side, to look at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/drawing.hpp"
#include "output/sky_map.hpp"

namespace mapmaking {

/// How values become colors. Ranges reach 3.5 standard deviations (as the quartiles have them: few bright sources
/// do not count) from the median, or, diverging, from zero, and no farther than the values; logarithmic ones leave
/// out a two hundredth at each end.
enum class scale { linear, diverging, logarithmic };

struct picture_panel {
    std::string title; // with the unit
    std::span<const double>
        values; // (12 nside^2), `unseen` where nothing is known; logarithmic: also where not > 0
    scale kind = scale::linear;
    std::optional<std::size_t> like =
        {}; // as wide a range as that panel's, around this one's own middle
};

using common::drawing;

/// Panels in rows of up to three, under their titles, and under each what the ends of its colors stand for. What is
/// unseen is gray. North is up, and longitude grows to the left. The whole sphere is shown in Mollweide's
/// projection; a part of it that lies within 50 degrees around its middle is shown alone, in the gnomonic
/// projection. The first panel says what that part is. Where pixels of the map are smaller than those of the
/// picture, their mean is shown.
///
/// Throws  std::invalid_argument if there are no panels, or one has not 12 nside^2 values or is like none of them
drawing draw_picture(std::size_t nside, ordering order, const std::vector<picture_panel>& panels);

/// That, into a PNG file.
///
/// Throws  also std::runtime_error if the file cannot be written
void write_picture(const std::filesystem::path& path, std::size_t nside, ordering order,
                   const std::vector<picture_panel>& panels);

/// a - b less its median, `unseen` where one of them is: what destriping took out of a map.
std::vector<double> difference(std::span<const double> a, std::span<const double> b);

} // namespace mapmaking
