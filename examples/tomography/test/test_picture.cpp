// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "common/test_files.hpp"
#include "output/picture.hpp"
#include "output/survey.hpp"
#include "output/volume.hpp"
#include "reconstruct/circle.hpp"

#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::drawing;
using common::rgb;
using common::scratch;

namespace {

constexpr rgb background{16, 18, 24}, red{214, 48, 40};
constexpr std::size_t margin = 16, title = 24; // around and above each of the images

rgb at(const drawing& d, std::size_t x, std::size_t y) { return d.pixels.at(y * d.width + x); }

// A volume on the disk, what is found in it, and what its picture shows.
struct shown {
    std::size_t size, slices;
    std::vector<float> values;
    scratch directory;

    shown(std::size_t slice_size, std::size_t number, const std::vector<float>& all)
        : size(slice_size), slices(number), values(all) {
        create_volume(directory / "volume.h5", slices, size, {});
        volume_writer out(directory / "volume.h5");
        out.write(0, slices, values.data());
        out.close();
    }
    volume_reader volume() const { return volume_reader(directory / "volume.h5"); }
    survey found() const { return survey(volume(), common::ranks(), 1); }
    drawing picture() const { return draw_picture(volume(), found()); }
    float value(std::size_t z, std::size_t y, std::size_t x) const {
        return values[(z * size + y) * size + x];
    }
};

// What a value must look like.
rgb gray_of(float value, gray_range range) {
    const double level = (value - range.low) / (range.high - range.low);
    const auto gray = static_cast<std::uint8_t>(std::lround(255 * std::clamp(level, 0.0, 1.0)));
    return {gray, gray, gray};
}

bool nearly(rgb a, rgb b) {
    return std::abs(a.red - b.red) <= 1 && a.red == a.green && a.green == a.blue;
}

} // namespace

TEST_CASE("a picture shows three planes through the middle, each value as its gray") {
    constexpr std::size_t size = 40, slices = 20, zoom = 12, cell = 480;
    const shown s(size, slices, random_numbers<float>(slices * size * size));
    const drawing d = s.picture();
    const gray_range range = s.found().range(0.005);
    const std::size_t second = margin + title + cell + margin + title;
    REQUIRE(d.width == 3 * margin + 2 * cell);
    REQUIRE(d.height() == second + slices * zoom + margin);
    const circle inside(size);
    for (std::size_t v = 0; v < size; ++v) {
        for (std::size_t x = 0; x < size; ++x) {
            const rgb pixel = at(d, margin + x * zoom + 5, margin + title + v * zoom + 7);
            if (inside.contains(v, x)) {
                REQUIRE(nearly(pixel, gray_of(s.value(slices / 2, v, x), range)));
            } else {
                REQUIRE(pixel == background);
            }
            if (v >= slices) continue;
            const std::size_t y = second + v * zoom;
            REQUIRE(nearly(at(d, margin + x * zoom, y), gray_of(s.value(v, size / 2, x), range)));
            REQUIRE(
                nearly(at(d, 2 * margin + cell + x * zoom, y), gray_of(s.value(v, x, size / 2), range)));
        }
    }
}

TEST_CASE("what is not finite is red") {
    constexpr std::size_t size = 32, slices = 16, zoom = 16, cell = 512;
    std::vector<float> values = random_numbers<float>(slices * size * size);
    values[(8 * size + 5) * size + 16] = std::numeric_limits<float>::quiet_NaN();
    values[(3 * size + 16) * size + 20] = std::numeric_limits<float>::infinity();
    const drawing d = shown(size, slices, values).picture();
    const std::size_t second = margin + title + cell + margin + title;
    CHECK(at(d, margin + 16 * zoom, margin + title + 5 * zoom) == red);
    CHECK(at(d, 2 * margin + cell + 5 * zoom, second + 8 * zoom) == red);
    CHECK(at(d, margin + 20 * zoom, second + 3 * zoom) == red);
    const auto reds =
        std::count_if(d.pixels.begin(), d.pixels.end(), [](rgb pixel) { return pixel == red; });
    CHECK(reds == 3 * zoom * zoom);
}

TEST_CASE("large slices are averaged down") {
    constexpr std::size_t size = 1537, slices = 1; // of which 3 x 3 pixels become one
    std::vector<float> values(size * size);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i % size + i / size % 3);
    const shown s(size, slices, values);
    const drawing d = s.picture();
    const gray_range range = s.found().range(0.005);
    CHECK(d.width == 3 * margin + 2 * 512);
    for (std::size_t x = 20; x < 490; ++x) {
        const rgb pixel = at(d, margin + x, margin + title + 256);
        CHECK(nearly(pixel, gray_of(3 * static_cast<float>(x) + 2, range)));
    }
}

TEST_CASE("few slices are shown themselves") {
    constexpr std::size_t size = 64;
    for (const std::size_t slices : {1u, 2u, 3u, 15u}) {
        std::vector<float> values;
        for (std::size_t z = 0; z < slices; ++z)
            values.resize(values.size() + size * size, static_cast<float>(z));
        const shown s(size, slices, values);
        const drawing d = s.picture();
        const gray_range range = s.found().range(0.005);
        const std::size_t images = std::min<std::size_t>(slices, 3), columns = images == 2 ? 3 : 2;
        REQUIRE(d.width == margin + columns * (512 + margin));
        for (std::size_t i = 0; i < images; ++i) {
            const std::size_t place = images == 3 && i > 0 ? i + 1 : i; // the histogram is the second
            const rgb pixel = at(d, margin + place % columns * (512 + margin) + 256,
                                 margin + place / columns * (title + 512 + margin) + title + 256);
            CHECK(
                nearly(pixel, gray_of(static_cast<float>((2 * i + 1) * slices / (2 * images)), range)));
        }
    }
}

TEST_CASE("the histogram is highest where most values are, and its grays are those of the images") {
    constexpr std::size_t size = 64, slices = 16, left = 2 * margin + 512;
    std::vector<float> values = random_numbers<float>(slices * size * size);
    for (std::size_t i = 0; i < values.size(); i += 2) values[i] = 0.5f + 0.01f * values[i];
    const shown s(size, slices, values);
    const gray_range range = s.found().range(0.005);
    const drawing d = s.picture();
    const std::size_t bottom = margin + title + 512; // of the row of cells
    const auto place_of = [&](double value) {
        const double border = (range.high - range.low) / 4;
        return left + static_cast<std::size_t>((value - range.low + border) / (6 * border) * 512);
    };
    const auto blue_above = [&](double value) {
        std::size_t count = 0;
        for (std::size_t y = margin; y < bottom; ++y) {
            const rgb pixel = at(d, place_of(value), y);
            count += pixel.blue > pixel.red + 30 ? 1 : 0;
        }
        return count;
    };
    CHECK(blue_above(0.5) > blue_above(0.4) + 50);
    CHECK(blue_above(-0.3) > 200); // five decades are shown
    CHECK(blue_above(1.2) == 0);
    for (const float value : {-0.9f, -0.4f, 0.2f, 0.8f}) {
        const std::size_t ramp = bottom - 24 - 8;
        const double pixel = at(d, place_of(value), ramp).red, gray = gray_of(value, range).red;
        CHECK(std::abs(pixel - gray) <= 1);
    }
}

TEST_CASE("a contact sheet shows all slices, up to 25, in their order") {
    constexpr std::size_t size = 32;
    for (const std::size_t slices : {1u, 6u, 25u, 51u}) {
        std::vector<float> values;
        std::vector<std::string> labels;
        for (std::size_t z = 0; z < slices; ++z) {
            values.resize(values.size() + size * size, static_cast<float>(z));
            labels.push_back("center " + std::to_string(z));
        }
        const shown s(size, slices, values);
        const drawing d = draw_contact_sheet(s.volume(), s.found(), labels);
        const std::size_t count = std::min<std::size_t>(slices, 25);
        const std::size_t columns = count == 25  ? 5
                                    : count == 6 ? 3
                                                 : 1,
                          cell = (d.width - margin) / columns;
        const gray_range range = s.found().range(0.005);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t x = margin + i % columns * cell + (cell - margin) / 2;
            const std::size_t y = margin + i / columns * (cell + title) + title + (cell - margin) / 2;
            CHECK(nearly(at(d, x, y),
                         gray_of(static_cast<float>((2 * i + 1) * slices / (2 * count)), range)));
        }
        labels.pop_back();
        CHECK_THAT(message_of([&] { draw_contact_sheet(s.volume(), s.found(), labels); }),
                   ContainsSubstring("draw_contact_sheet: " + std::to_string(slices - 1) +
                                     " labels for " + std::to_string(slices) + " slices"));
    }
}

TEST_CASE("pictures of volumes without a finite value, and of one pixel, are drawn") {
    const std::vector<float> none(16 * 64, std::numeric_limits<float>::quiet_NaN());
    const drawing d = shown(8, 16, none).picture();
    CHECK(at(d, margin + 4 * 32, margin + title + 4 * 32) == red);
    CHECK(!shown(1, 3, {1, 2, 3}).picture().pixels.empty());
    CHECK(!shown(2, 900, std::vector<float>(3600, 1.0f)).picture().pixels.empty());
    CHECK(!shown(1, 900, std::vector<float>(900, 1.0f)).picture().pixels.empty());
}

TEST_CASE("pictures are PNG files, and a place for none is named") {
    const shown s(8, 2, std::vector<float>(128, 1.0f));
    write_picture(s.directory / "picture.png", s.volume(), s.found());
    write_contact_sheet(s.directory / "sheet.png", s.volume(), s.found(), {"a", "b"});
    for (const char* name : {"picture.png", "sheet.png"})
        CHECK(common::contents(s.directory / name).substr(1, 3) == "PNG");
    CHECK_THAT(message_of<std::runtime_error>(
                   [&] { write_picture(s.directory / "none" / "p.png", s.volume(), s.found()); }),
               ContainsSubstring("none/p.png: No such file or directory"));
}
