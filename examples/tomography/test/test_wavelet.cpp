// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "reference.hpp"
#include "stripes/mirrored.hpp"
#include "stripes/wavelet.hpp"

using destrier::view;
using reference::random_numbers;

namespace {

double correlation(const std::vector<double>& h, std::size_t shift) {
    double sum = 0;
    for (std::size_t k = 0; k + shift < h.size(); ++k) sum += h[k] * h[k + shift];
    return sum;
}

std::vector<float> filled(std::size_t n) { return std::vector<float>(n, -77.0f); }

} // namespace

TEST_CASE("Daubechies' filters are the tabulated ones") {
    // In closed form, and as in Daubechies' table 6.1 (Ten Lectures on Wavelets).
    const double r = std::sqrt(3.0), norm = 4 * std::sqrt(2.0);
    const std::vector<double> two{(1 + r) / norm, (3 + r) / norm, (3 - r) / norm, (1 - r) / norm};
    const std::vector<double> five{.1601023979741929, .6038292697971895,  .7243085284377726,
                                   .1384281459013203, -.2422948870663823, -.0322448695846381,
                                   .0775714938400459, -.0062414902127983, -.0125807519990820,
                                   .0033357252854738};
    for (const std::vector<double>& known : {two, five}) {
        const std::vector<double> h = tomo::daubechies(known.size() / 2);
        REQUIRE(h.size() == known.size());
        for (std::size_t k = 0; k < h.size(); ++k) CHECK(h[k] == Approx(known[k]).margin(1e-14));
    }
}

TEST_CASE("Daubechies' filters are orthogonal to their even shifts and have their vanishing moments") {
    for (std::size_t order = 1; order <= tomo::highest_wavelet_order; ++order) {
        const std::vector<double> h = tomo::daubechies(order);
        REQUIRE(h.size() == 2 * order);
        double worst = std::abs(correlation(h, 0) - 1);
        for (std::size_t shift = 2; shift < h.size(); shift += 2) {
            worst = std::max(worst, std::abs(correlation(h, shift)));
        }
        CHECK(worst <= 1e-14);
        // The moments over places from -1 to 1, so that high ones do not drown in rounding.
        for (std::size_t moment = 0; moment < order; ++moment) {
            double sum = 0;
            for (std::size_t k = 0; k < h.size(); ++k) {
                const double place = (static_cast<double>(k) + 0.5) / static_cast<double>(order) - 1;
                sum += (k % 2 == 0 ? 1 : -1) * h[k] * std::pow(place, static_cast<double>(moment));
            }
            CHECK(std::abs(sum) <= 1e-11);
        }
        CHECK(h[0] > 0);
    }
}

TEST_CASE("A row of any length is mirrored again and again") {
    const std::vector<std::size_t> three{2, 1, 0, 0, 1, 2, 2, 1, 0, 0};
    for (std::size_t i = 0; i < three.size(); ++i) {
        CHECK(tomo::mirrored(static_cast<std::ptrdiff_t>(i) - 3, 3) == three[i]);
    }
    for (const std::ptrdiff_t i : {-7, -1, 0, 1, 12}) CHECK(tomo::mirrored(i, 1) == 0);
}

TEST_CASE("Both halves of a row are its sums with the filters, and give it back") {
    for (const std::size_t order : {1u, 2u, 5u, 13u, 20u}) {
        const tomo::wavelet wavelet(order);
        const std::vector<double> h = tomo::daubechies(order);
        for (const std::size_t n : {1u, 2u, 3u, 7u, 16u, 33u, 200u}) {
            const std::vector<float> row = random_numbers<float>(n, static_cast<unsigned>(n));
            const std::size_t half = wavelet.coefficients(n);
            std::vector<float> low = filled(half), high = low, back = filled(n), room(wavelet.room(n));
            wavelet.analyse(row, low, high, room);
            for (std::size_t i = 0; i < half; ++i) {
                double low_sum = 0, high_sum = 0;
                for (std::size_t k = 0; k < h.size(); ++k) {
                    const auto at = static_cast<std::ptrdiff_t>(2 * i + k + 2) -
                                    static_cast<std::ptrdiff_t>(h.size());
                    const double x = row[tomo::mirrored(at, n)];
                    low_sum += h[k] * x;
                    high_sum += (k % 2 == 0 ? 1 : -1) * h[h.size() - 1 - k] * x;
                }
                CHECK(low[i] == Approx(low_sum).margin(1e-6));
                CHECK(high[i] == Approx(high_sum).margin(1e-6));
            }
            wavelet.synthesise(low, high, back, room);
            for (std::size_t t = 0; t < n; ++t) CHECK(back[t] == Approx(row[t]).margin(1e-6));
        }
    }
}

TEST_CASE("Columns are analysed and synthesised as rows are") {
    const tomo::wavelet wavelet(4);
    for (const std::size_t n : {1u, 5u, 24u}) {
        constexpr std::size_t columns = 3;
        const std::size_t half = wavelet.coefficients(n);
        const std::vector<float> image = random_numbers<float>(n * columns);
        std::vector<float> low = filled(half * columns), back = filled(n * columns);
        wavelet.analyse_low(view<const float, 2>(image.data(), {n, columns}),
                            view<float, 2>(low.data(), {half, columns}));
        wavelet.synthesise_low(view<const float, 2>(low.data(), {half, columns}),
                               view<float, 2>(back.data(), {n, columns}));
        for (std::size_t column = 0; column < columns; ++column) {
            std::vector<float> row, row_low(half), row_high(half), row_back(n), room(wavelet.room(n));
            for (std::size_t t = 0; t < n; ++t) row.push_back(image[t * columns + column]);
            wavelet.analyse(row, row_low, row_high, room);
            for (std::size_t i = 0; i < half; ++i) {
                CHECK(low[i * columns + column] == Approx(row_low[i]).margin(1e-6));
            }
            wavelet.synthesise(row_low, std::vector<float>(half), row_back, room);
            for (std::size_t t = 0; t < n; ++t) {
                CHECK(back[t * columns + column] == Approx(row_back[t]).margin(1e-6));
            }
        }
    }
}
