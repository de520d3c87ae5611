// SPDX-License-Identifier: BSD-3-Clause
#include "output/tiff_stack.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <tiffio.h>

#include "program.hpp"
#include "reconstruct/over_slices.hpp"

namespace tomo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t strip_bytes = std::size_t{1} << 20; // of the floats

// What libtiff said last to this thread; its default is to print.
thread_local std::string tiff_message;

void keep_tiff_message(const char* module, const char* format, std::va_list arguments) {
    char text[400];
    std::vsnprintf(text, sizeof text, format, arguments);
    tiff_message = std::string(module ? module : "libtiff") + ": " + text;
}

// ---- numbers

template <class Pixel>
double step_of(gray_range range) {
    return (static_cast<double>(range.high) - range.low) / std::numeric_limits<Pixel>::max();
}

template <class Pixel>
std::string description_of(gray_range range) {
    if constexpr (std::is_same_v<Pixel, float>) {
        return "linear attenuation coefficient in 1/pixel";
    } else {
        char text[160];
        std::snprintf(text, sizeof text,
                      "linear attenuation coefficient in 1/pixel = %.9g + %.12g * value",
                      static_cast<double>(range.low), step_of<Pixel>(range));
        return text;
    }
}

template <class Pixel>
Pixel scaled(float value, double low, double step) {
    const double level = (value - low) / step;
    if (!(level > 0)) return 0; // so is NaN
    return static_cast<Pixel>(std::min<double>(level, std::numeric_limits<Pixel>::max()) + 0.5);
}

// ---- files

// One slice's file.
class slice_file {
public:
    explicit slice_file(fs::path path) : path_(std::move(path)), tiff_(nullptr, TIFFClose) {
        attempt([&] {
            tiff_.reset(TIFFOpen(path_.c_str(), "w"));
            return tiff_ != nullptr;
        });
    }

    template <class Pixel>
    void describe(std::size_t columns, std::size_t rows, std::size_t rows_in_strip,
                  const std::string& description) {
        const int format = std::is_same_v<Pixel, float> ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT;
        attempt([&] {
            return set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(columns)) &&
                   set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(rows)) &&
                   set(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(rows_in_strip)) &&
                   set(TIFFTAG_BITSPERSAMPLE, 8 * static_cast<int>(sizeof(Pixel))) &&
                   set(TIFFTAG_SAMPLEFORMAT, format) && set(TIFFTAG_SAMPLESPERPIXEL, 1) &&
                   set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK) &&
                   set(TIFFTAG_IMAGEDESCRIPTION, description.c_str()) &&
                   set(TIFFTAG_SOFTWARE, program_name().c_str());
        });
    }

    // libtiff takes a pointer to what it might have to byte-swap; here it only writes it.
    template <class Pixel>
    void write(std::size_t strip, std::span<const Pixel> pixels) {
        const auto bytes = static_cast<tmsize_t>(pixels.size_bytes());
        attempt([&] {
            return TIFFWriteEncodedStrip(tiff_.get(), static_cast<std::uint32_t>(strip),
                                         const_cast<Pixel*>(pixels.data()), bytes) == bytes;
        });
    }

    void finish() {
        attempt([&] { return TIFFWriteDirectory(tiff_.get()) != 0; });
    }

private:
    template <class Value>
    bool set(std::uint32_t tag, Value value) {
        return TIFFSetField(tiff_.get(), tag, value) != 0;
    }

    // Why the system refuses, libtiff does not tell, but leaves in errno.
    template <class F>
    void attempt(F&& f) {
        errno = 0;
        if (f()) return;
        throw std::runtime_error("cannot write " + path_.string() + ": " +
                                 (errno != 0 ? std::strerror(errno) : tiff_message));
    }

    fs::path path_;
    std::unique_ptr<TIFF, void (*)(TIFF*)> tiff_;
};

template <class Pixel>
class slice_writer {
public:
    slice_writer(const volume_reader& volume, const fs::path& directory, const tiff_options& options)
        : volume_(volume), directory_(directory), options_(options),
          rows_(std::clamp<std::size_t>(strip_bytes / (sizeof(float) * volume.columns()), 1,
                                        volume.rows())),
          values_(rows_ * volume.columns()), pixels_(values_.size()) {}

    void operator()(std::size_t slice) {
        slice_file file(path_of(slice));
        file.describe<Pixel>(volume_.columns(), volume_.rows(), rows_,
                             description_of<Pixel>(options_.range));
        for (std::size_t first = 0; first < volume_.rows(); first += rows_) {
            const std::size_t count = std::min(rows_, volume_.rows() - first);
            volume_.read_rows(slice, first, count, values_.data());
            scale(count * volume_.columns());
            file.write(first / rows_, std::span<const Pixel>(pixels_.data(), count * volume_.columns()));
        }
        file.finish();
    }

private:
    fs::path path_of(std::size_t slice) const {
        char name[40];
        std::snprintf(name, sizeof name, "slice_%05zu.tif",
                      options_.first_row + slice * options_.row_step);
        return directory_ / name;
    }

    void scale(std::size_t count) {
        if constexpr (std::is_same_v<Pixel, float>) {
            pixels_.swap(values_);
        } else {
            const double low = options_.range.low, step = step_of<Pixel>(options_.range);
            for (std::size_t i = 0; i < count; ++i) pixels_[i] = scaled<Pixel>(values_[i], low, step);
        }
    }

    const volume_reader& volume_;
    const fs::path& directory_;
    const tiff_options& options_;
    std::size_t rows_; // of a strip
    std::vector<float> values_;
    std::vector<Pixel> pixels_;
};

template <class Pixel>
void write_slices(const volume_reader& volume, const fs::path& directory, const tiff_options& options,
                  int threads) {
    const std::size_t last = std::min(options.slice_last, volume.slices());
    over_slices("tiff", std::min(options.slice_first, last), last, threads,
                [&](std::size_t) { return slice_writer<Pixel>(volume, directory, options); });
}

void check(const tiff_options& options) {
    const bool wide = options.range.high > options.range.low && std::isfinite(options.range.low) &&
                      std::isfinite(options.range.high);
    if (options.format == tiff_format::float32 || wide) return;
    throw std::invalid_argument("write_tiff_stack: range is " + std::to_string(options.range.low) +
                                " to " + std::to_string(options.range.high) +
                                ", expected finite low < high");
}

} // namespace

void write_tiff_stack(const volume_reader& volume, const fs::path& directory,
                      const tiff_options& options, int threads) {
    check(options);
    TIFFSetErrorHandler(keep_tiff_message);
    TIFFSetWarningHandler(nullptr);
    switch (options.format) {
    case tiff_format::uint8: return write_slices<std::uint8_t>(volume, directory, options, threads);
    case tiff_format::uint16: return write_slices<std::uint16_t>(volume, directory, options, threads);
    case tiff_format::float32: return write_slices<float>(volume, directory, options, threads);
    }
}

} // namespace tomo
