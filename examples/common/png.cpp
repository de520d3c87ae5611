// SPDX-License-Identifier: BSD-3-Clause
#include "common/png.hpp"

#include <stdexcept>
#include <string>

#include <png.h>

namespace common {
namespace {

void write(const std::filesystem::path& path, std::size_t width, std::size_t pixels, png_uint_32 format,
           const void* data) {
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width);
    image.height = static_cast<png_uint_32>(pixels / width);
    image.format = format;
    if (!png_image_write_to_file(&image, path.c_str(), 0, data, 0, nullptr)) {
        throw std::runtime_error("cannot write " + path.string() + ": " + image.message);
    }
}

} // namespace

void write_png(const std::filesystem::path& path, std::size_t width,
               std::span<const std::uint8_t> gray) {
    write(path, width, gray.size(), PNG_FORMAT_GRAY, gray.data());
}

void write_png(const std::filesystem::path& path, std::size_t width, std::span<const rgb> colors) {
    static_assert(sizeof(rgb) == 3, "libpng reads the channels side by side");
    write(path, width, colors.size(), PNG_FORMAT_RGB, colors.data());
}

} // namespace common
