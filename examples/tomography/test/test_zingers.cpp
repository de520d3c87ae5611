// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "prepare/zingers.hpp"
#include "reference.hpp"

using namespace tomo;
using namespace reference;

namespace {

struct block {
    std::size_t angles, rows, columns;
    std::vector<float> values;
    projections view() { return {values.data(), {angles, rows, columns}}; }
};

// Counts that vary smoothly, with noise of a few parts in a hundred.
block smooth(std::size_t angles, std::size_t rows, std::size_t columns) {
    block b{angles, rows, columns, random_numbers<float>(angles * rows * columns)};
    for (std::size_t i = 0; i < b.values.size(); ++i) {
        const double k = double(i % columns), a = double(i / (rows * columns));
        b.values[i] =
            static_cast<float>((1000 + 300 * std::sin(0.05 * k + 0.02 * a)) * (1 + 0.02 * b.values[i]));
    }
    return b;
}

// The definition, count by count: sort what neighbours there are.
std::size_t brute(block& b, const zinger_options& options) {
    const block before = b;
    const auto reach = static_cast<std::ptrdiff_t>(options.size / 2);
    std::size_t found = 0;
    for (std::size_t a = 0; a < b.angles; ++a) {
        for (std::size_t r = 0; r < b.rows; ++r) {
            for (std::size_t k = 0; k < b.columns; ++k) {
                std::vector<float> near;
                for (std::ptrdiff_t i = -reach; i <= reach; ++i) {
                    for (std::ptrdiff_t j = -reach; j <= reach; ++j) {
                        const auto y = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(a) + i);
                        const auto x = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(k) + j);
                        if (y < b.angles && x < b.columns) {
                            near.push_back(before.values[(y * b.rows + r) * b.columns + x]);
                        }
                    }
                }
                for (float& v : near) v = std::isnan(v) ? std::numeric_limits<float>::infinity() : v;
                std::sort(near.begin(), near.end());
                const float median = near[near.size() / 2];
                float& value = b.values[(a * b.rows + r) * b.columns + k];
                if (value > 0 && value > static_cast<float>(1 + options.threshold) * median) {
                    value = median;
                    ++found;
                }
            }
        }
    }
    return found;
}

} // namespace

TEST_CASE("zingers are replaced by the median, as by the definition") {
    for (const std::size_t size : {3u, 5u, 9u}) {
        block b = smooth(23, 3, 41);
        const std::vector<float> clean = b.values;
        const std::vector<float> where = random_numbers<float>(b.values.size(), 7);
        std::size_t put = 0;
        for (std::size_t i = 0; i < b.values.size(); ++i) {
            if (where[i] < 0.97f) continue;
            b.values[i] *= 3 + where[i];
            ++put;
        }
        block expected = b;
        const zinger_options options{.threshold = 0.6, .size = size};
        CHECK(brute(expected, options) == put);
        CHECK(remove_zingers(b.view(), options, 2) == put);
        CHECK(same_bits(b.values, expected.values));
        double worst = 0;
        for (std::size_t i = 0; i < clean.size(); ++i) {
            worst = std::max(worst, std::abs(double(b.values[i]) / clean[i] - 1));
        }
        CHECK(worst < 0.15);
    }
}

TEST_CASE("counts without zingers stay as they are, and so they do at threshold 0") {
    block b = smooth(20, 2, 50);
    const std::vector<float> clean = b.values;
    CHECK(remove_zingers(b.view(), {.threshold = 0.3}, 1) == 0);
    b.values[333] = 1e6f;
    CHECK(remove_zingers(b.view(), {}, 1) == 0);
    CHECK(b.values[333] == 1e6f);
    b.values[333] = clean[333];
    CHECK(same_bits(b.values, clean));
}

TEST_CASE("neighbours are those that exist, and what is no number or not positive is no zinger") {
    // One row of 5 columns and 3 angles; corners have four neighbours.
    block b{3,
            1,
            5,
            {900, 10, 10, -10, -10, //
             10, 10, 10, -10, -4,   //
             0, 10, 0, 0, 0}};
    b.values[13] = std::numeric_limits<float>::quiet_NaN();
    b.values[10] = std::numeric_limits<float>::infinity();
    block expected = b;
    const std::size_t found = brute(expected, {.threshold = 0.5});
    CHECK(found == 2);
    CHECK(remove_zingers(b.view(), {.threshold = 0.5}, 1) == found);
    CHECK(same_bits(b.values, expected.values));
    CHECK(b.values[0] == 10);
    CHECK(std::isnan(b.values[13]));
}

TEST_CASE("rows by themselves, within a larger block and with any threads have the same zingers") {
    block b = smooth(31, 4, 30);
    for (std::size_t i = 11; i < b.values.size(); i += 61) b.values[i] *= 4;
    const block before = b;
    block one = b;
    const std::uint64_t all = remove_zingers(b.view(), {.threshold = 1}, 3);
    CHECK(remove_zingers(one.view(), {.threshold = 1}, 1) == all);
    CHECK(same_bits(one.values, b.values));
    block parts = before;
    std::uint64_t sum = 0;
    for (std::size_t row = 0; row < b.rows; ++row) {
        sum += remove_zingers(parts.view().slice(1, row, 1), {.threshold = 1}, 2);
    }
    CHECK(sum == all);
    CHECK(same_bits(parts.values, b.values));
}

TEST_CASE("detectors narrower than the neighbourhood") {
    for (const std::size_t columns : {1u, 2u, 3u, 4u}) {
        block b = smooth(9, 1, columns);
        b.values[4 * columns] = 1e5f;
        block expected = b;
        const zinger_options options{.threshold = 1, .size = 7};
        CHECK(brute(expected, options) == 1);
        CHECK(remove_zingers(b.view(), options, 1) == 1);
        CHECK(same_bits(b.values, expected.values));
    }
}

TEST_CASE("zinger options that make no sense") {
    const auto said = [](zinger_options options) {
        return message_of<std::runtime_error>([&] { check(options); });
    };
    CHECK_THAT(said({.threshold = -1}), ContainsSubstring("threshold is -1"));
    CHECK_THAT(said({.threshold = std::nan("")}), ContainsSubstring("threshold is"));
    CHECK_THAT(said({.threshold = 1, .size = 4}),
               ContainsSubstring("size is 4, expected an odd number from 3 to 15"));
    CHECK_THAT(said({.threshold = 1, .size = 17}), ContainsSubstring("size is 17"));
    CHECK(said({.threshold = 0.5, .size = 5}).empty());
}
