// SPDX-License-Identifier: BSD-3-Clause
#include <cstddef>
#include <vector>

#include "prepare/binning.hpp"
#include "reference.hpp"

using namespace tomo;
using namespace reference;

TEST_CASE("a binned pixel is the mean of its pixels, and columns left over are left out") {
    constexpr std::size_t angles = 3, rows = 2, columns = 5;
    for (const std::size_t factor : {1u, 2u, 3u, 4u}) {
        for (std::size_t extra = 0; extra < factor; ++extra) {
            const std::size_t wide = factor * columns + extra;
            const std::vector<float> in = random_numbers<float>(angles * factor * rows * wide);
            std::vector<float> out(angles * rows * columns, -77.f), threads(out);
            const const_projections from(in.data(), {angles, factor * rows, wide});
            bin(from, factor, projections(out.data(), {angles, rows, columns}), 1);
            bin(from, factor, projections(threads.data(), {angles, rows, columns}), 4);
            CHECK(same_bits(out, threads));
            for (std::size_t i = 0; i < out.size(); ++i) {
                const std::size_t a = i / (rows * columns), r = i / columns % rows, k = i % columns;
                double sum = 0;
                for (std::size_t y = 0; y < factor; ++y) {
                    for (std::size_t x = 0; x < factor; ++x) {
                        sum += from(a, r * factor + y, k * factor + x);
                    }
                }
                CHECK(out[i] == Approx(sum / double(factor * factor)).margin(3e-7));
            }
        }
    }
}

TEST_CASE("rows bin alike whichever are binned with them") {
    constexpr std::size_t angles = 4, rows = 6, columns = 8, factor = 2;
    const std::vector<float> in = random_numbers<float>(angles * factor * rows * factor * columns);
    const const_projections from(in.data(), {angles, factor * rows, factor * columns});
    std::vector<float> all(angles * rows * columns), parts(all);
    const projections whole(all.data(), {angles, rows, columns});
    const projections pieces(parts.data(), {angles, rows, columns});
    bin(from, factor, whole, 2);
    for (const auto& [first, count] : {std::pair{0u, 1u}, {1u, 3u}, {4u, 2u}}) {
        bin(from.slice(1, factor * first, factor * count), factor, pieces.slice(1, first, count), 2);
    }
    CHECK(same_bits(all, parts));
}

TEST_CASE("frames bin as projections do") {
    const frames pile{2, 4, 7, random_numbers<float>(2 * 4 * 7)};
    const frames half = binned(pile, 2);
    CHECK(half.count == 2);
    CHECK(half.rows == 2);
    CHECK(half.columns == 3);
    CHECK(half.values.size() == 12);
    const float* const p = pile.values.data() + 28 + 2 * 7 + 4; // frame 1, row 2, column 4
    CHECK(half.values[6 + 3 + 2] == Approx((p[0] + p[1] + p[7] + p[8]) / 4.0));
}

TEST_CASE("shapes that do not fit are refused") {
    std::vector<float> in(2 * 4 * 6), out(2 * 2 * 3);
    const const_projections from(in.data(), {2, 4, 6});
    const auto said = [&](std::size_t factor, projections to) {
        return message_of([&] { bin(from, factor, to, 1); });
    };
    CHECK(said(2, {out.data(), {2, 2, 3}}).empty());
    CHECK_THAT(said(2, {out.data(), {2, 1, 3}}),
               ContainsSubstring("in is (2, 4, 6), out (2, 1, 3), factor 2"));
    CHECK(!said(2, {out.data(), {2, 2, 2}}).empty());
    CHECK(!said(2, {out.data(), {1, 2, 3}}).empty());
    CHECK(!said(0, {out.data(), {2, 2, 3}}).empty());
}
