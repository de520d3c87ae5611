// SPDX-License-Identifier: BSD-3-Clause
//
// Roots of unity, to the last bit of long double.
//
// Every twiddle of a transform is one of these, rounded once to T: no recurrences, whose errors grow
// along the table. They are constexpr, so that the constants inside butterflies come from here too.
#pragma once

#include <cstddef>
#include <numbers>
#include <vector>

namespace destrier::fft::detail {

struct root {
    long double re, im;
};

// cos and sin of 2 pi k / n by their series, after an exact reduction to the first octant.
constexpr root cos_sin_of_turn(std::size_t k, std::size_t n) noexcept {
    k %= n;
    if (2 * k > n) { // second half of the circle mirrors the first
        const root r = cos_sin_of_turn(n - k, n);
        return {r.re, -r.im};
    }
    if (4 * k > n) { // second quarter: pi - angle, in units of 1 / (2 n)
        const root r = cos_sin_of_turn(n - 2 * k, 2 * n);
        return {-r.re, r.im};
    }
    if (8 * k > n) { // second octant: pi / 2 - angle, in units of 1 / (4 n)
        const root r = cos_sin_of_turn(n - 4 * k, 4 * n);
        return {r.im, r.re};
    }
    const long double x =
        2 * std::numbers::pi_v<long double> * static_cast<long double>(k) / static_cast<long double>(n);
    long double term = 1, cosine = 0, sine = 0;
    for (int i = 0; i < 36; i += 2) {
        cosine += term;
        term *= x / (i + 1);
        sine += term;
        term *= -x / (i + 2);
    }
    return {cosine, sine};
}

// exp(-2 pi i k / n): the sign of forward transforms.
constexpr root unit_root(std::size_t k, std::size_t n) noexcept {
    const root r = cos_sin_of_turn(k, n);
    return {r.re, -r.im};
}

// All roots of one order as products of two, from tables of about 2 sqrt(n): many at little expense, with one
// more rounding to Real.
template <class Real>
class root_table {
public:
    struct pair {
        Real re, im;
    };

    explicit root_table(std::size_t n) {
        while (((n - 1) >> bits_) >> bits_ > 0) ++bits_;
        for (std::size_t k = 0; k < std::size_t{1} << bits_; ++k)
            low_.push_back(rounded(unit_root(k, n)));
        for (std::size_t k = 0; k <= n >> bits_; ++k) high_.push_back(rounded(unit_root(k << bits_, n)));
    }

    // exp(-2 pi i k / n), k < n.
    pair operator()(std::size_t k) const noexcept {
        const pair a = high_[k >> bits_], b = low_[k & ((std::size_t{1} << bits_) - 1)];
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }

private:
    static pair rounded(root r) noexcept { return {static_cast<Real>(r.re), static_cast<Real>(r.im)}; }

    std::size_t bits_ = 0;
    std::vector<pair> low_, high_;
};

} // namespace destrier::fft::detail
