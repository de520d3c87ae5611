// SPDX-License-Identifier: BSD-3-Clause
#include "volume.hpp"

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <tiffio.h>

namespace tomo {
namespace {

constexpr const char* data_name = "/exchange/data";

// What libtiff said last; its default is to print.
std::string tiff_message;

void keep_tiff_message(const char* module, const char* format, std::va_list arguments) {
    char text[400];
    std::vsnprintf(text, sizeof text, format, arguments);
    tiff_message = std::string(module ? module : "libtiff") + ": " + text;
}

bool fill_tiff(TIFF* tiff, std::size_t size, const float* values) {
    const auto n = static_cast<std::uint32_t>(size);
    const bool tagged = TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, n) &&
                        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, n) &&
                        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 32) &&
                        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1) &&
                        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP) &&
                        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK) &&
                        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, n);
    // libtiff takes a pointer to what it might have to byte-swap; here it only writes it.
    const auto bytes = static_cast<tmsize_t>(size * size * sizeof(float));
    return tagged && TIFFWriteEncodedStrip(tiff, 0, const_cast<float*>(values), bytes) == bytes &&
           TIFFFlush(tiff);
}

} // namespace

volume_file::volume_file(const std::filesystem::path& path, std::size_t slices, std::size_t size,
                         const attributes& notes)
    : file_(common::h5::file::create(path)),
      data_(file_.create_dataset(data_name, {slices, size, size}, {H5T_NATIVE_FLOAT})), size_(size) {
    for (const auto& [name, value] : notes) {
        std::visit([&, &key = name](const auto& v) { data_.set_attribute(key, v); }, value);
    }
    file_.write_text("/implements", "exchange");
}

void volume_file::write(std::size_t first, std::size_t count, const float* values) {
    data_.write({{first, 0, 0}, {count, size_, size_}}, values);
}

void volume_file::close() {
    data_.close();
    file_.close();
}

volume_reader::volume_reader(const std::filesystem::path& path)
    : file_(common::h5::file::open(path)), data_(file_.open_dataset(data_name)),
      extents_(data_.extents()) {
    if (extents_.size() != 3) {
        throw std::runtime_error(data_.name() + ": shape is " + common::h5::shape_text(extents_) +
                                 ", expected (slices, y, x)");
    }
}

std::vector<float> volume_reader::read(std::size_t slice) const {
    std::vector<float> values(rows() * columns());
    data_.read({{slice, 0, 0}, {1, rows(), columns()}}, values.data());
    return values;
}

void write_tiff(const std::filesystem::path& directory, std::size_t row, std::size_t size,
                const float* values) {
    TIFFSetErrorHandler(keep_tiff_message);
    TIFFSetWarningHandler(nullptr);
    char name[40];
    std::snprintf(name, sizeof name, "slice_%05zu.tif", row);
    const std::filesystem::path path = directory / name;
    const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(TIFFOpen(path.c_str(), "w"), TIFFClose);
    if (!tiff || !fill_tiff(tiff.get(), size, values)) {
        throw std::runtime_error("cannot write " + path.string() + ": " + tiff_message);
    }
}

} // namespace tomo
