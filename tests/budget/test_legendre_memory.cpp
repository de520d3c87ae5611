// SPDX-License-Identifier: BSD-3-Clause
//
// What Legendre series are said to allocate, against what is allocated.
#include "../reference.hpp"
#include "allocations.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <destrier/legendre.hpp>

namespace {

using allocations::counter;
using destrier::view;
namespace legendre = destrier::legendre;

using numbers = std::vector<double>;

constexpr std::size_t points = 6000, number = sizeof(double), some = 2000; // bytes that hardly count
constexpr std::size_t registers = 4 * sizeof(double) * destrier::width<double>;

template <class F>
std::size_t bytes_of(F&& call) {
    const counter count;
    call();
    return count.most();
}

std::size_t tiles(std::size_t terms, std::size_t threads) {
    return threads * (std::max<std::size_t>(20000, terms * registers) + 2 * number * terms) + 500;
}

} // namespace

TEST_CASE("series allocate what they say", "[budget]") {
    const numbers x = reference::random_numbers<double>(points);
    numbers y(points);
    for (const std::size_t terms : std::vector<std::size_t>{7, 63, 64, 1000}) {
        CAPTURE(terms);
        const numbers c(terms, 1e-3);
        const std::size_t coefficients = terms <= 63 ? 0 : 2 * number * terms;
        const auto is_small = [&](std::size_t bytes) {
            return coefficients <= bytes && bytes <= coefficients + (coefficients > 0 ? 64 : 0);
        };
        CHECK(is_small(bytes_of([&] { legendre::eval<double>(x, c, y); })));
        CHECK(is_small(bytes_of([&] { destrier::hermite_e::eval<double>(x, c, y); })));
        CHECK(is_small(bytes_of([&] { destrier::chebyshev::eval<double>(x, c, y); })));
        CHECK(is_small(bytes_of([&] {
            legendre::eval_each<double>(std::span(x).first(1),
                                        view<const double, 2>(c.data(), {1, terms}),
                                        std::span(y).first(1));
        })));
        for (const int threads : {1, 2}) {
            const auto tile = tiles(terms, static_cast<std::size_t>(threads));
            CHECK(bytes_of([&] {
                      legendre::for_each_tile<double>(
                          x, terms, [](const auto&) {}, {}, threads);
                  }) <= tile);
            numbers matrix(terms * points);
            CHECK(bytes_of([&] {
                      legendre::basis<double>(x, view<double, 2>(matrix.data(), {terms, points}), {},
                                              threads);
                  }) <= tile);
            const std::size_t sets = 20;
            const numbers many(sets * terms, 1e-3);
            numbers values(sets * points);
            CHECK(bytes_of([&] {
                      legendre::eval<double>(x, view<const double, 2>(many.data(), {sets, terms}),
                                             view<double, 2>(values.data(), {sets, points}),
                                             {.threads = threads});
                  }) <= sets * terms * number + sets * registers + tile + some);
        }
    }
}

TEST_CASE("fits, surfaces and plans of Legendre functions allocate what they say", "[budget]") {
    const std::size_t terms = 7, n = 600, rows = 8;
    const numbers far = reference::random_numbers<double>(points), data(rows * points, 1.0);
    numbers fitted(rows * terms);
    const auto of_fit = [&](int threads) {
        return bytes_of([&] {
            legendre::fit<double>(far, view<const double, 2>(data.data(), {rows, points}), {},
                                  view<double, 2>(fitted.data(), {rows, terms}), {}, threads);
        });
    };
    CHECK(of_fit(1) >= (terms + 2) * points * number);
    CHECK(of_fit(1) <= (terms + 2) * points * number + some);
    CHECK(of_fit(3) <= (terms + 4) * points * number + some);

    const numbers x = reference::random_numbers<double>(n), c(terms * terms, 0.1);
    numbers z(n), image(n * n);

    const view<const double, 2> surface(c.data(), {terms, terms});
    CHECK(bytes_of([&] { legendre::eval_points<double>(x, x, surface, z); }) <=
          terms * terms * number + tiles(2 * terms, 1));
    CHECK(bytes_of([&] {
              legendre::eval_grid<double>(x, x, surface, view<double, 2>(image.data(), {n, n}));
          }) <= terms * n * number + n * (terms * number + registers) + tiles(terms, 1));

    const counter count;
    const legendre::plm<double> plan(1000, 17);
    CHECK(count.kept() == 6 * (1000 - 17 + 2) * number);
    numbers lambda(3 * 984);
    const numbers theta{0.1, 0.5, 1.0};
    CHECK(bytes_of([&] { plan.apply(theta, view<double, 2>(lambda.data(), {984, 3})); }) == 0);
    numbers nodes(40), weights(40);
    CHECK(bytes_of([&] { legendre::gauss<double>(nodes, weights); }) == 0);
}
