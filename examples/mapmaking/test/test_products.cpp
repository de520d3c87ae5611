// SPDX-License-Identifier: BSD-3-Clause
//
// What a solve makes is laid out as maps of the sphere; what it needs of memory is told.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "output/products.hpp"
#include "solve/memory_needs.hpp"

#include "reference.hpp"

using namespace mapmaking;
using namespace reference;

TEST_CASE("products are columns of the whole sphere", "[products]") {
    const std::vector<std::int32_t> pixels{1, 4, 9};
    const std::vector<double> map{1, 2, 3, 4, 5, 6}, binned{11, 12, 13, 14, 15, 16}, hits{3, 1, 7},
        rcond{0.5, 0, 0.25}, inverse{1, 2, 3, 4, 5, 6, 7, 8, 9};
    const pixel_products from{"QU", pixels, map, binned, hits, rcond, inverse, 0.1};
    const sky_map made = make_products(from, 1, ordering::nest, "K");
    CHECK(made.columns == std::vector<std::string>{"Q", "U", "BINNED_Q", "BINNED_U", "HITS", "RCOND",
                                                   "INVCOV_QQ", "INVCOV_QU", "INVCOV_UU"});
    CHECK(made.columns.size() == product_columns("QU"));
    CHECK(product_columns("IQU") == 14);
    CHECK(made.units == std::vector<std::string>{"K", "K", "K", "K", "", "", "1/K2", "1/K2", "1/K2"});

    const auto column = [](std::vector<std::pair<std::size_t, double>> seen, double otherwise) {
        std::vector<double> all(12, otherwise);
        for (const auto& [pixel, value] : seen) all[pixel] = value;
        return all;
    };
    CHECK(made.values[1] == column({{1, 2}, {9, 6}}, unseen)); // pixel 4 is cut
    CHECK(made.values[2] == column({{1, 11}, {9, 15}}, unseen));
    CHECK(made.values[4] == column({{1, 3}, {4, 1}, {9, 7}}, 0));
    CHECK(made.values[5] == column({{1, 0.5}, {4, 0}, {9, 0.25}}, unseen));
    CHECK(made.values[7] == column({{1, 2}, {4, 5}, {9, 8}}, unseen));

    const sky_map ring = make_products(from, 1, ordering::ring, "K");
    CHECK(ring.order == ordering::ring);
    CHECK(ring.values == made.values); // nside 1 has one order
}

TEST_CASE("more memory than there is is refused, in bytes", "[products]") {
    const problem_sizes sizes{.samples = 1000000,
                              .longest = 100000,
                              .pixels = 3072,
                              .solve_pixels = 3072,
                              .sphere_pixels = 3072,
                              .baselines = 10000,
                              .components = 3,
                              .columns = 14,
                              .band = 0,
                              .one_pass = false};
    const memory_need need = needed_memory(sizes);
    CHECK(need.per_sample_setting_up == 40);
    CHECK(need.per_sample_iterating == 24);
    CHECK(need.bytes > 40 * sizes.samples);
    problem_sizes half = sizes;
    half.samples /= 2;
    CHECK(need.bytes - needed_memory(half).bytes == 20 * sizes.samples);
    CHECK_NOTHROW(require_memory(need, need.bytes, sizes));
    CHECK_THROWS_WITH(require_memory(need, need.bytes - 1, sizes),
                      ContainsSubstring("needs " + std::to_string(need.bytes) + " bytes of memory") &&
                          ContainsSubstring("40 bytes for each of 1000000 samples") &&
                          ContainsSubstring(std::to_string(need.bytes - 1)) &&
                          ContainsSubstring("more ranks on more nodes need less each"));
    CHECK(available_memory(1) > 0);
    CHECK(bytes_text(3 << 19) == "1.5 MiB");
    CHECK(bytes_text(std::size_t{5} << 30) == "5.0 GiB");
}
