// SPDX-License-Identifier: BSD-3-Clause
//
// drawing.hpp: pictures that are drawn in memory: areas of a color, and words.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "common/png.hpp"

namespace common {

struct drawing {
    std::size_t width = 0;
    std::vector<rgb> pixels; // rows from the top down

    std::size_t height() const noexcept { return width > 0 ? pixels.size() / width : 0; }
};

/// Fills a rectangle, as far as it lies in the drawing.
void fill(drawing& d, std::size_t left, std::size_t top, std::size_t width, std::size_t height,
          rgb color);

inline constexpr std::size_t letter_width = 12, text_height = 16; // in pixels; letters are a gap apart

/// What words take of the width, with the gap behind the last letter.
constexpr std::size_t width_of(std::string_view words) { return words.size() * letter_width; }

/// Writes words from their upper left corner on.
void write_text(drawing& d, std::size_t left, std::size_t top, std::string_view words, rgb color);

} // namespace common
