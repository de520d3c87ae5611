// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "prepare/normalise.hpp"
#include "reference.hpp"

using namespace tomo;
using namespace reference;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

// Frames whose pixels are level + the frame's number, and a little more along the row.
frames pile(std::size_t count, std::size_t rows, std::size_t columns, float level) {
    frames f{count, rows, columns, {}};
    for (std::size_t i = 0; i < count * rows * columns; ++i) {
        f.values.push_back(level + static_cast<float>(i / (rows * columns) + i % columns));
    }
    return f;
}

// The flat field in which counts are transmissions.
flat_field nothing_to_do(std::size_t rows, std::size_t columns) {
    return {rows, columns, std::vector<float>(rows * columns, 0.f),
            std::vector<float>(rows * columns, 1.f)};
}

} // namespace

TEST_CASE("a flat field is made of the mean or of the median of its frames") {
    frames white = pile(4, 2, 3, 1000), dark = pile(3, 2, 3, 100);
    dark.values[2 * 6 + 1] = 5000;  // a zinger in the last frame
    white.values[5] = not_a_number; // which the other three make up for
    const flat_field mean = make_flat_field(white, dark, average::mean);
    CHECK(mean.dark[0] == Approx(101));
    CHECK(mean.dark[1] == Approx((101 + 102 + 5000) / 3.0));
    CHECK(mean.scale[0] == Approx(1 / (1001.5 - 101)));
    CHECK(mean.scale[5] == Approx(1 / (1004.0 - 103)));
    const flat_field median = make_flat_field(white, dark, average::median);
    CHECK(median.dark[1] == Approx(102));
    CHECK(median.scale[1] == Approx(1 / (1002.5 - 102)));
    CHECK(median.clamped == 0);
}

TEST_CASE("pixels without beam are clamped within their row, and no beam at all is an error") {
    frames white = pile(1, 2, 4, 1000);
    const frames dark{1, 2, 4, std::vector<float>(8, 50.f)};
    white.values[2] = 50;
    const flat_field flat = make_flat_field(white, dark, average::mean);
    CHECK(flat.clamped == 1);
    CHECK(flat.scale[2] == Approx(1 / (1e-3 * (950 + 951 + 0 + 953) / 4)));
    // A row comes out the same alone.
    const frames second{1, 1, 4, {white.values.begin() + 4, white.values.end()}};
    const frames second_dark{1, 1, 4, std::vector<float>(4, 50.f)};
    const flat_field alone = make_flat_field(second, second_dark, average::mean);
    CHECK(same_bits(alone.scale, std::vector<float>(flat.scale.begin() + 4, flat.scale.end())));
    CHECK_THAT(message_of<std::runtime_error>([&] { make_flat_field(dark, dark, average::mean); }),
               ContainsSubstring("nowhere brighter than the dark"));
}

TEST_CASE("counts become transmissions and these line integrals") {
    constexpr std::size_t angles = 5, rows = 3, columns = 37;
    const frames white = pile(2, rows, columns, 30000), dark = pile(2, rows, columns, 90);
    const flat_field flat = make_flat_field(white, dark, average::mean);
    std::vector<float> counts = random_numbers<float>(angles * rows * columns);
    for (float& c : counts) c = 15200 + 15000 * c;
    std::vector<float> values = counts;
    const projections stack(values.data(), {angles, rows, columns});
    CHECK(to_transmission(stack, flat, 2).not_finite == 0);
    const std::vector<float> transmission = values;
    CHECK(to_line_integrals(stack, 2).opaque == 0);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const double beam = 29910, expected = (counts[i] - 90.5 - double(i % columns)) / beam;
        CHECK(transmission[i] == Approx(expected).epsilon(1e-6));
        CHECK(values[i] == Approx(-std::log(double(transmission[i]))).epsilon(2e-7).margin(2e-7));
    }
}

TEST_CASE("the logarithm is good to 2e-7 over all transmissions") {
    std::vector<float> t;
    for (double x = 1e-5; x < 1e4; x *= 1.0017) t.push_back(static_cast<float>(x));
    std::vector<float> values = t;
    to_line_integrals(projections(values.data(), {1, 1, t.size()}), 1);
    double worst = 0;
    for (std::size_t i = 0; i < t.size(); ++i) {
        const double exact = -std::log(double(t[i]));
        worst = std::max(worst, std::abs(values[i] - exact) / std::max(std::abs(exact), 1e-3));
    }
    CHECK(worst < 2e-7);
}

TEST_CASE("samples without a logarithm are guarded and counted") {
    std::vector<float> values{not_a_number, 0.5f, infinity, -infinity, 0.25f, -3, 1e-6f, not_a_number};
    const projections stack(values.data(), {1, 1, values.size()});
    CHECK(to_transmission(stack, nothing_to_do(1, values.size()), 1).not_finite == 4);
    CHECK(values == std::vector<float>{1, 0.5f, 0.5f, 0.5f, 0.25f, -3, 1e-6f, 1e-6f});
    CHECK(to_line_integrals(stack, 1).opaque == 3);
    CHECK(values[0] == 0);
    CHECK(values[3] == Approx(std::log(2.0)));
    CHECK(values[5] == Approx(-std::log(1e-5)));
    CHECK(values[7] == values[5]);
}

TEST_CASE("rows of a larger block, and any number of threads, give the same bits") {
    constexpr std::size_t angles = 7, rows = 4, columns = 19;
    std::vector<float> block = random_numbers<float>(angles * (rows + 2) * columns);
    block[100] = not_a_number;
    const projections all(block.data(), {angles, rows + 2, columns});
    const projections inner = all.slice(1, 1, rows);
    const std::vector<float> before = block;
    std::vector<float> apart;
    for (std::size_t a = 0; a < angles; ++a) {
        const float* const first = &inner(a, 0u, 0u);
        apart.insert(apart.end(), first, first + rows * columns);
    }
    const projections alone(apart.data(), {angles, rows, columns});
    const flat_field flat = nothing_to_do(rows, columns);
    const auto one = to_transmission(alone, flat, 1), three = to_transmission(inner, flat, 3);
    CHECK(one.not_finite == three.not_finite);
    CHECK(to_line_integrals(alone, 1).opaque == to_line_integrals(inner, 3).opaque);
    for (std::size_t a = 0; a < angles; ++a) {
        for (std::size_t i = 0; i < columns; ++i) {
            CHECK(same_bits(std::vector{all(a, 0u, i)},
                            std::vector{before[a * (rows + 2) * columns + i]}));
            for (std::size_t r = 0; r < rows; ++r) CHECK(inner(a, r, i) == alone(a, r, i));
        }
    }
    CHECK_THAT(message_of([&] { to_transmission(all, flat, 1); }),
               ContainsSubstring("counts are (angles, 6, 19), the flat field is (4, 19)"));
}
