// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/resource.h>
#include <tiffio.h>

#include "common/test_files.hpp"
#include "output/tiff_stack.hpp"
#include "output/volume.hpp"

#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
namespace fs = std::filesystem;

namespace {

// A stack of a volume of random numbers in (-1, 1), but for those that are set here.
struct stack {
    static constexpr std::size_t slices = 7, size = 30, n = size * size;
    scratch directory;
    std::vector<float> values = random_numbers<float>(slices * n);

    stack() {
        values[0] = std::numeric_limits<float>::quiet_NaN();
        values[1] = std::numeric_limits<float>::infinity();
        values[2] = -std::numeric_limits<float>::infinity();
        values[3] = 0.5f;
        values[4] = -0.25f;
        fs::create_directory(directory / "stack");
    }
    void write(const tiff_options& options, int threads = 2) const {
        create_volume(directory / "volume.h5", slices, size, {});
        volume_writer out(directory / "volume.h5");
        out.write(0, slices, values.data());
        out.close();
        write_tiff_stack(volume_reader(directory / "volume.h5"), directory / "stack", options, threads);
    }
    std::set<std::string> names() const {
        std::set<std::string> found;
        for (const fs::directory_entry& entry : fs::directory_iterator(directory / "stack"))
            found.insert(entry.path().filename().string());
        return found;
    }
};

struct slice_read {
    std::string description, software;
    std::vector<double> values;
};

template <class Pixel>
slice_read read_slice(const fs::path& path) {
    slice_read read;
    const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(TIFFOpen(path.c_str(), "r"), TIFFClose);
    REQUIRE(tiff);
    std::uint32_t width = 0, height = 0;
    std::uint16_t bits = 0, format = 0;
    const char *description = nullptr, *software = nullptr;
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width));
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height));
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, &bits));
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_SAMPLEFORMAT, &format));
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, &description));
    REQUIRE(TIFFGetField(tiff.get(), TIFFTAG_SOFTWARE, &software));
    CHECK(bits == 8 * sizeof(Pixel));
    CHECK(format == (std::is_same_v<Pixel, float> ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT));
    read.description = description;
    read.software = software;
    std::vector<Pixel> row(width);
    for (std::uint32_t y = 0; y < height; ++y) {
        REQUIRE(TIFFReadScanline(tiff.get(), row.data(), y) == 1);
        read.values.insert(read.values.end(), row.begin(), row.end());
    }
    return read;
}

// The numbers of an equation "... = LOW + STEP * value".
struct scaling {
    double low = 0, step = 0;
    explicit scaling(const std::string& description) {
        REQUIRE(std::sscanf(description.c_str(),
                            "linear attenuation coefficient in 1/pixel = %lf + %lf * value", &low,
                            &step) == 2);
    }
};

} // namespace

TEST_CASE("float TIFF files hold the slices' bits, under the names of their detector rows") {
    const stack s;
    tiff_options options;
    options.first_row = 100;
    options.row_step = 4;
    s.write(options);
    CHECK(s.names() == std::set<std::string>{"slice_00100.tif", "slice_00104.tif", "slice_00108.tif",
                                             "slice_00112.tif", "slice_00116.tif", "slice_00120.tif",
                                             "slice_00124.tif"});
    for (std::size_t slice = 0; slice < stack::slices; ++slice) {
        const slice_read read = read_slice<float>(
            s.directory / ("stack/slice_00" + std::to_string(100 + 4 * slice) + ".tif"));
        CHECK(read.description == "linear attenuation coefficient in 1/pixel");
        CHECK_THAT(read.software, ContainsSubstring("destrier-tomo"));
        const std::vector<float> floats(read.values.begin(), read.values.end());
        const auto begin = s.values.begin() + static_cast<std::ptrdiff_t>(slice * stack::n);
        CHECK(same_bits(floats, std::vector<float>(begin, begin + stack::n)));
    }
}

TEMPLATE_TEST_CASE("integers are the nearest ones, and the description tells what they stand for", "",
                   std::uint8_t, std::uint16_t) {
    const stack s;
    tiff_options options;
    options.format = sizeof(TestType) == 1 ? tiff_format::uint8 : tiff_format::uint16;
    options.range = {-0.25f, 0.5f};
    s.write(options);
    const double greatest = std::numeric_limits<TestType>::max();
    for (std::size_t slice = 0; slice < stack::slices; ++slice) {
        const slice_read read =
            read_slice<TestType>(s.directory / ("stack/slice_0000" + std::to_string(slice) + ".tif"));
        const scaling to(read.description);
        CHECK(to.low == Approx(-0.25).epsilon(1e-8));
        CHECK(to.low + greatest * to.step == Approx(0.5).epsilon(1e-8));
        REQUIRE(read.values.size() == stack::n);
        for (std::size_t i = 0; i < stack::n; ++i) {
            const float value = s.values[slice * stack::n + i];
            const double pixel = read.values[i], back = to.low + pixel * to.step;
            if (std::isnan(value)) {
                REQUIRE(pixel == 0);
            } else if (value <= -0.25f || value >= 0.5f) {
                REQUIRE(pixel == (value < 0 ? 0 : greatest));
            } else {
                REQUIRE(std::abs(back - static_cast<double>(value)) <= 0.5000001 * to.step);
            }
        }
    }
}

TEST_CASE("parts of a stack that are written by several ranks make up the whole") {
    const stack whole, parts;
    tiff_options options;
    options.format = tiff_format::uint16;
    options.range = {-1, 1};
    whole.write(options, 1);
    for (const std::size_t first : {0u, 3u, 6u}) {
        options.slice_first = first;
        options.slice_last = first + 3; // the last part is shorter
        parts.write(options, 3);
    }
    REQUIRE(parts.names() == whole.names());
    CHECK(whole.names().size() == stack::slices);
    for (const std::string& name : whole.names()) {
        CHECK(common::contents(parts.directory / "stack" / name) ==
              common::contents(whole.directory / "stack" / name));
    }
}

TEST_CASE("slices of more than one strip are whole") {
    constexpr std::size_t size = 777; // 337 rows are a strip
    const scratch directory;
    const std::vector<float> values = random_numbers<float>(size * size);
    create_volume(directory / "volume.h5", 1, size, {});
    volume_writer out(directory / "volume.h5");
    out.write(0, 1, values.data());
    out.close();
    const volume_reader volume(directory / "volume.h5");
    write_tiff_stack(volume, directory / ".", {}, 1);
    const slice_read read = read_slice<float>(directory / "slice_00000.tif");
    CHECK(same_bits(std::vector<float>(read.values.begin(), read.values.end()), values));
    tiff_options bytes;
    bytes.format = tiff_format::uint8;
    bytes.range = {-1, 1};
    write_tiff_stack(volume, directory / ".", bytes, 1);
    const std::vector<double> levels = read_slice<std::uint8_t>(directory / "slice_00000.tif").values;
    for (std::size_t i = 0; i < values.size(); ++i)
        REQUIRE(std::abs(levels[i] - 127.5 * (1 + static_cast<double>(values[i]))) <= 0.500001);
}

TEST_CASE("TIFF files that cannot be written are named, with what the system says") {
    const stack s;
    fs::remove(s.directory / "stack");
    const std::string said = message_of<std::runtime_error>([&] { s.write({}); });
    CHECK_THAT(said, ContainsSubstring("stack/slice_00000.tif: No such file or directory"));

    tiff_options narrow;
    narrow.format = tiff_format::uint8;
    narrow.range = {0.5f, 0.5f};
    CHECK_THAT(message_of([&] { s.write(narrow); }), ContainsSubstring("expected finite low < high"));

    fs::create_directory(s.directory / "stack");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const volume_reader volume(s.directory / "volume.h5");
    void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
    for (const rlim_t bytes : {4u, 2000u, 3650u}) { // in the head, in the strip, in the directory
        const rlimit limit{bytes, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        const std::string full = message_of<std::runtime_error>(
            [&] { write_tiff_stack(volume, s.directory / "stack", {}, 1); });
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK(full ==
              "cannot write " + (s.directory / "stack/slice_00000.tif").string() + ": File too large");
    }
    std::signal(SIGXFSZ, handler);
}
