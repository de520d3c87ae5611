// SPDX-License-Identifier: BSD-3-Clause
#include "common/drawing.hpp"

#include <algorithm>

#include "common/lettering.hpp"

namespace common {
namespace {

constexpr std::size_t dot = text_height / lettering::height; // pixels of a point of a letter
static_assert(letter_width == lettering::advance * dot);

} // namespace

void fill(drawing& d, std::size_t left, std::size_t top, std::size_t width, std::size_t height,
          rgb color) {
    for (std::size_t y = top; y < std::min(top + height, d.height()); ++y) {
        for (std::size_t x = left; x < std::min(left + width, d.width); ++x)
            d.pixels[y * d.width + x] = color;
    }
}

void write_text(drawing& d, std::size_t left, std::size_t top, std::string_view words, rgb color) {
    for (const char letter : words) {
        for (std::size_t y = 0; y < lettering::height; ++y) {
            for (std::size_t x = 0; x < lettering::width; ++x) {
                if (lettering::inked(letter, x, y))
                    fill(d, left + x * dot, top + y * dot, dot, dot, color);
            }
        }
        left += letter_width;
    }
}

} // namespace common
