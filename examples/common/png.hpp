// SPDX-License-Identifier: BSD-3-Clause
//
// png.hpp: pictures into PNG files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace common {

struct rgb {
    std::uint8_t red, green, blue;
    friend bool operator==(const rgb&, const rgb&) = default;
};

/// Writes pixels, whose rows of `width` go from the top of the picture down, 8 bits a channel.
///
/// Throws  std::runtime_error naming the file and what libpng says
void write_png(const std::filesystem::path& path, std::size_t width, std::span<const std::uint8_t> gray);
void write_png(const std::filesystem::path& path, std::size_t width, std::span<const rgb> colors);

} // namespace common
