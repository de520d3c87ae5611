// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <numeric>
#include <vector>

#include "common/test_files.hpp"
#include "output/survey.hpp"
#include "output/volume.hpp"
#include "reconstruct/circle.hpp"

#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
namespace fs = std::filesystem;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();

void write_volume(const fs::path& path, std::size_t size, const std::vector<float>& values) {
    const std::size_t slices = values.size() / (size * size);
    create_volume(path, slices, size, {});
    volume_writer out(path);
    out.write(0, slices, values.data());
    out.close();
}

survey survey_of(const std::vector<float>& values, std::size_t size, int threads = 2) {
    const scratch directory;
    write_volume(directory / "volume.h5", size, values);
    return survey(volume_reader(directory / "volume.h5"), common::ranks(), threads);
}

// The finite values of all circles, in their order.
std::vector<float> sorted_inside(const std::vector<float>& values, std::size_t size) {
    const circle inside(size);
    std::vector<float> found;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (inside.contains(i / size % size, i % size) && std::isfinite(values[i]))
            found.push_back(values[i]);
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Numbers of both signs over six decades.
std::vector<float> wide_numbers(std::size_t n) {
    std::vector<float> values = random_numbers<float>(n, 3);
    const std::vector<float> exponents = random_numbers<float>(n, 4);
    for (std::size_t i = 0; i < n; ++i) values[i] *= std::pow(10.0f, 3 * exponents[i]);
    return values;
}

} // namespace

TEST_CASE("a survey finds what sorting all values finds") {
    constexpr std::size_t size = 45, slices = 20;
    for (const float offset : {0.0f, 5.0f}) {
        std::vector<float> values = wide_numbers(slices * size * size);
        for (float& value : values) value += offset;
        const survey found = survey_of(values, size);
        const std::vector<float> sorted = sorted_inside(values, size);
        CHECK(found.slices() == slices);
        CHECK(found.size() == size);
        CHECK(found.least() == sorted.front());
        CHECK(found.greatest() == sorted.back());
        CHECK(found.finite() == sorted.size());
        CHECK(found.not_finite() == 0);
        const auto sum = std::accumulate(sorted.begin(), sorted.end(), 0.0L);
        CHECK(found.mean() ==
              Approx(static_cast<double>(sum / static_cast<long double>(sorted.size()))));
        for (const double fraction : {0.001, 0.005, 0.1, 0.4, 0.5, 0.9, 0.995, 0.999}) {
            const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(sorted.size()));
            const double below = sorted[rank - 1], above = sorted[rank],
                         value = found.percentile(fraction);
            CHECK(value >= below - 0.002 * std::abs(below));
            CHECK(value <= above + 0.002 * std::abs(above));
        }
        CHECK(found.percentile(0) == sorted.front());
        CHECK(found.percentile(1) == sorted.back());
    }
}

TEST_CASE("percentiles of evenly spread values are finer than the survey's bins") {
    constexpr std::size_t size = 101;
    std::vector<float> values(4 * size * size);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = 3 + static_cast<float>(i * 7919 % values.size()) / static_cast<float>(values.size());
    const std::vector<float> sorted = sorted_inside(values, size);
    const survey found = survey_of(values, size);
    for (std::size_t rank = 0; rank < sorted.size(); rank += 500) {
        const double fraction = static_cast<double>(rank) / static_cast<double>(sorted.size());
        CHECK(found.percentile(fraction) == Approx(sorted[rank]).epsilon(5e-4));
    }
}

TEST_CASE("the survey's histogram counts as a plain one does") {
    constexpr std::size_t size = 120, bins = 20;
    std::vector<float> values = random_numbers<float>(10 * size * size);
    values[size / 2 * size + size / 2] = 7; // far outside of the bins
    const survey found = survey_of(values, size);
    const gray_range within{-0.75f, 0.5f};
    std::vector<double> expected(bins);
    for (const float value : sorted_inside(values, size)) {
        const float at = (value - within.low) / (within.high - within.low) * bins;
        if (at >= 0 && at < bins) expected[static_cast<std::size_t>(at)] += 1;
    }
    const std::vector<double> counted = found.histogram(within, bins);
    CHECK(std::accumulate(counted.begin(), counted.end(), 0.0) ==
          Approx(std::accumulate(expected.begin(), expected.end(), 0.0)).epsilon(1e-3));
    for (std::size_t bin = 0; bin < bins; ++bin)
        CHECK(counted[bin] == Approx(expected[bin]).epsilon(0.02));
    CHECK(found.histogram({6.5f, 7.5f}, 1).front() == Approx(1));
}

TEST_CASE("what is not finite is counted and changes nothing else") {
    constexpr std::size_t size = 33, n = size * size;
    std::vector<float> values = random_numbers<float>(5 * n);
    std::vector<float> spoilt = values;
    values[2 * n + size / 2 * size + 20] = values[4 * n + 20 * size + size / 2] = 0;
    spoilt[2 * n + size / 2 * size + 20] = not_a_number;
    spoilt[4 * n + 20 * size + size / 2] = -infinity;
    spoilt[0] = not_a_number; // outside of the circle
    const survey good = survey_of(values, size), bad = survey_of(spoilt, size);
    CHECK(bad.not_finite() == 2);
    CHECK(bad.finite() + 2 == good.finite());
    CHECK(bad.least() == good.least());
    CHECK(bad.greatest() == good.greatest());
    CHECK(bad.mean() * static_cast<double>(bad.finite()) ==
          Approx(good.mean() * static_cast<double>(good.finite())));
    CHECK(std::isnan(bad.plane_zx()[2 * size + 20]));
    CHECK(bad.plane_zy()[4 * size + 20] == -infinity);

    const survey none = survey_of(std::vector<float>(n, not_a_number), size);
    CHECK(none.finite() == 0);
    CHECK(none.not_finite() == bad.not_finite() / 2 * (good.finite() / 5));
    for (const double number : {none.least(), none.greatest(), none.mean(), none.percentile(0.5)})
        CHECK(number == 0);
    CHECK(none.range(0.005).high > none.range(0.005).low);
}

TEST_CASE("a range of grays is never of no width") {
    for (const float value : {0.0f, 0.02f, -3.0f, 1e10f}) {
        const gray_range range = survey_of(std::vector<float>(2 * 64, value), 8).range(0.005);
        CHECK(range.low == Approx(value));
        CHECK(range.high > range.low);
    }
}

TEST_CASE("a survey has the same bits for any number of threads") {
    constexpr std::size_t size = 60, slices = 23;
    const scratch directory;
    write_volume(directory / "volume.h5", size, wide_numbers(slices * size * size));
    const volume_reader volume(directory / "volume.h5");
    const common::ranks alone;
    const survey one(volume, alone, 1);
    for (const int threads : {2, 3, 8, 40}) {
        const survey other(volume, alone, threads);
        CHECK(same_bits(
            std::vector{one.least(), one.greatest(), one.mean(), one.percentile(0.3)},
            std::vector{other.least(), other.greatest(), other.mean(), other.percentile(0.3)}));
        CHECK(same_bits(one.plane_zx(), other.plane_zx()));
        CHECK(same_bits(one.plane_zy(), other.plane_zy()));
        CHECK(one.histogram({-1, 1}, 50) == other.histogram({-1, 1}, 50));
    }
}

TEST_CASE("the planes of a survey are those through the middle, as wide as a "
          "picture") {
    for (const std::size_t size : {50u, 1541u}) {
        const std::size_t slices = 3, n = size * size, step = (size + 767) / 768, shown = size / step;
        std::vector<float> values(slices * n);
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<float>(i % 8191) + 10000 * static_cast<float>(i / n);
        const survey found = survey_of(values, size);
        REQUIRE(found.step() == step);
        REQUIRE(found.plane_zx().size() == slices * shown);
        REQUIRE(found.plane_zy().size() == slices * shown);
        const auto at = [&](std::size_t z, std::size_t y, std::size_t x) {
            return static_cast<double>(values[z * n + y * size + x]);
        };
        for (std::size_t i = 0; i < slices * shown; ++i) {
            const std::size_t z = i / shown, begin = i % shown * step;
            double along_x = 0, along_y = 0;
            for (std::size_t k = begin; k < begin + step; ++k) {
                along_x += at(z, size / 2, k) / static_cast<double>(step);
                along_y += at(z, k, size / 2) / static_cast<double>(step);
            }
            REQUIRE(found.plane_zx()[i] == Approx(along_x));
            REQUIRE(found.plane_zy()[i] == Approx(along_y));
        }
    }
}

TEST_CASE("slices that are not square are refused") {
    const scratch directory;
    common::h5::file file = common::h5::file::create(directory / "volume.h5");
    file.create_dataset("/exchange/data", {2, 3, 4}, {H5T_NATIVE_FLOAT, {}, 0, true}).close();
    file.close();
    CHECK_THAT(message_of<std::runtime_error>(
                   [&] { survey(volume_reader(directory / "volume.h5"), common::ranks(), 1); }),
               ContainsSubstring("shape is (2, 3, 4), expected (slices, n, n)"));
}
