// SPDX-License-Identifier: BSD-3-Clause
//
// Fits, against numpy and against normal equations with 113 bits.
#include "legendre_truth.hpp"

#include <array>
#include <limits>
#include <vector>

#include <destrier/legendre/fit.hpp>

using namespace destrier;
using reference::quad;

namespace {

constexpr legendre::domain wavelengths = {5543, 7826};

// Points in [-1, 1], in no order, as dense at its ends as makes fits of any degree harmless, and weights.
template <class T>
struct sample {
    std::vector<T> x, w;

    explicit sample(std::size_t n) : x(n), w(reference::random_numbers<T>(n, 7)) {
        for (std::size_t i = 0; i < n; ++i) {
            const double theta =
                (static_cast<double>(i) + 0.5) / static_cast<double>(n) * std::numbers::pi;
            x[n % 2 == 0 ? n - 1 - i : i] = static_cast<T>(std::cos(theta));
            w[i] = 1 + w[i] / 2;
        }
    }
};

// By the normal equations and Cholesky's decomposition.
template <class T>
std::vector<quad> normal_equations(const std::vector<T>& x, const std::vector<T>& w, view<const T, 1> y,
                                   std::size_t terms) {
    std::vector<quad> a(terms * terms, 0), c(terms, 0);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto p = reference::legendre_polynomials(x[i], terms);
        const quad weight = static_cast<quad>(w[i]) * w[i];
        for (std::size_t k = 0; k < terms; ++k) {
            c[k] += weight * p[k] * y(i);
            for (std::size_t j = 0; j <= k; ++j) a[k * terms + j] += weight * p[k] * p[j];
        }
    }
    // L D L^T in place, then forwards and back.
    for (std::size_t k = 0; k < terms; ++k) {
        for (std::size_t i = k + 1; i < terms; ++i) {
            const quad factor = a[i * terms + k] / a[k * terms + k];
            for (std::size_t j = i; j < terms; ++j) a[j * terms + i] -= factor * a[j * terms + k];
            c[i] -= factor * c[k];
        }
    }
    for (std::size_t k = terms; k-- > 0;) {
        for (std::size_t i = k + 1; i < terms; ++i) c[k] -= a[i * terms + k] * c[i];
        c[k] /= a[k * terms + k];
    }
    return c;
}

// The data of the series c at these points of a domain, as exact as T can be.
template <class T>
std::vector<T> data_of(const std::vector<T>& c, const std::vector<T>& x, legendre::domain over) {
    std::vector<T> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto p = reference::legendre_polynomials(reference::mapped(x[i], over), c.size());
        quad sum = 0;
        for (std::size_t k = 0; k < c.size(); ++k) sum += c[k] * p[k];
        y[i] = static_cast<T>(sum);
    }
    return y;
}

template <class T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        if (!(difference <= largest)) largest = difference;
    }
    return largest;
}

} // namespace

TEST_CASE("a fit is numpy's", "[legendre]") {
    // numpy 1.24.4: polynomial.Legendre.fit(x, y, 9, domain=[5543, 7826], w=w).coef
    const std::vector<double> expected = {
        1.716650368047115, 2.908918149421517, 4.103283588300379, 4.994454474892981,  4.894265611582227,
        4.519009765184012, 3.490016026263969, 2.737915450880977, 1.2072617043287586, 0.7603243096395387};
    std::vector<double> x(200), y(200), w(200), c(10);
    for (std::size_t i = 0; i < 200; ++i) {
        x[i] = static_cast<double>(5600 + 10 * i + i * i % 7);
        y[i] = static_cast<double>((37 * i * i + 11 * i) % 101) / 64;
        w[i] = static_cast<double>(1 + i % 5) / 4;
    }
    legendre::fit<double>(x, y, w, c, wavelengths);
    CHECK(largest_difference(c, expected) < 1e-12);
}

TEMPLATE_TEST_CASE("a series is recovered from its values", "[legendre]", float, double) {
    using T = TestType;
    std::vector<T> x = reference::random_numbers<T>(1000, 3), got(10);
    const std::vector<T> c = reference::random_numbers<T>(10, 4);
    for (T& v : x) v = static_cast<T>(6684.5 + 1141.5 * static_cast<double>(v));
    legendre::fit<T>(x, data_of(c, x, wavelengths), {}, got, wavelengths);
    const double error = largest_difference(got, c) / (reference::epsilon<T> / 2);
    UNSCOPED_INFO(error);
    CHECK(error < 32); // 1e-13 in double would be 900
}

TEST_CASE("many numbers are summed as well as few", "[legendre]") {
    const auto x = reference::random_numbers<float>(200000, 3),
               y = reference::random_numbers<float>(200000, 4);
    std::vector<float> data(y.size()), c(10);
    for (std::size_t i = 0; i < x.size(); ++i) data[i] = 1 + x[i] + y[i] / 8;
    std::vector<double> exact(10);
    legendre::fit<float>(x, data, {}, c);
    legendre::fit<double>(std::vector<double>(x.begin(), x.end()),
                          std::vector<double>(data.begin(), data.end()), {}, exact);
    const double error = largest_difference(std::vector<double>(c.begin(), c.end()), exact);
    CHECK(error < 4 * reference::epsilon<float> / 2); // 47 without sums of sums
}

TEMPLATE_LIST_TEST_CASE("fits solve the normal equations", "[legendre]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>, rows = 3;
    double worst = 0;
    for (const std::size_t terms : {1u, 2u, 3u, 7u, 8u, 9u, 17u}) {
        for (const std::size_t n : {terms, terms + 1, w - 1, w, w + 1, 2 * w + 1, std::size_t{64},
                                    std::size_t{513}, std::size_t{1100}}) {
            if (n < terms) continue;
            const sample<T> at(n);
            // Rows of y next to each other, and of c with a gap; a canary behind.
            const auto numbers = reference::random_numbers<T>(rows * n, static_cast<unsigned>(n));
            std::vector<T> out(rows * (terms + 1), T(-77));
            const view<const T, 2> y(numbers.data(), {rows, n}, {1, rows});
            const view<T, 2> c(out.data(), {rows, terms}, {static_cast<std::ptrdiff_t>(terms + 1), 1});
            legendre::fit<T, A>(at.x, y, at.w, c);
            for (std::size_t s = 0; s < rows; ++s) {
                const auto expected = normal_equations(at.x, at.w, y.at(0, s), terms);
                for (std::size_t k = 0; k < terms; ++k) {
                    const quad error = reference::absolute(static_cast<quad>(c(s, k)) - expected[k]);
                    worst = std::max(worst, static_cast<double>(error) * 2 / reference::epsilon<T>);
                }
                CHECK(out[s * (terms + 1) + terms] == -77);
            }
            std::vector<T> shared(out.size(), T(-77));
            legendre::fit<T, A>(at.x, y, at.w, view<T, 2>(shared.data(), c.extents(), c.strides()), {},
                                2);
            CHECK(reference::same_bits(shared, out));
        }
    }
    UNSCOPED_INFO(worst);
    CHECK(worst < 64);
    CHECK(worst > 0.1);
}

TEST_CASE("what a fit leaves is orthogonal to the terms, however ill they are told apart",
          "[legendre]") {
    constexpr std::size_t n = 101, terms = 70; // at equal distances
    std::vector<double> x(n), c(terms), fitted(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(i) / 50 - 1;
    const auto y = reference::random_numbers<double>(n, 5);
    legendre::fit<double>(x, y, {}, c);
    std::vector<quad> rest(y.begin(), y.end());
    std::vector<quad> shares(terms, 0);
    for (std::size_t i = 0; i < n; ++i) {
        const auto p = reference::legendre_polynomials(x[i], terms);
        for (std::size_t k = 0; k < terms; ++k) rest[i] -= c[k] * p[k];
        for (std::size_t k = 0; k < terms; ++k) shares[k] += rest[i] * p[k];
    }
    quad worst = 0, size = 0;
    for (const quad share : shares) worst = std::max(worst, reference::absolute(share));
    for (const double c_k : c) size += reference::absolute(c_k);
    const double error = static_cast<double>(worst / size) / (reference::epsilon<double> / 2);
    UNSCOPED_INFO(error);
    CHECK(size > static_cast<quad>(10000)); // tells the terms apart badly enough
    CHECK(error < 64);
}

TEMPLATE_TEST_CASE("points of weight 0 do not count, and NaN stays in its row", "[legendre]", float,
                   double) {
    using T = TestType;
    constexpr std::size_t n = 50, terms = 4;
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    const sample<T> few(n);
    sample<T> at = few;
    const auto y = reference::random_numbers<T>(2 * n, 6);
    std::vector<T> without(terms), alone(terms), data(y.begin(), y.begin() + n);
    legendre::fit<T>(few.x, data, few.w, without);
    for (const std::size_t i : {0u, 17u, 48u}) { // NaN or infinite, x or y or both, at weight 0
        const auto place = static_cast<std::ptrdiff_t>(i);
        at.x.insert(at.x.begin() + place, i == 17 ? T(0.1) : nan);
        at.w.insert(at.w.begin() + place, 0);
        data.insert(data.begin() + place, i == 0 ? T(1) : std::numeric_limits<T>::infinity());
    }
    legendre::fit<T>(at.x, data, at.w, alone);
    CHECK(largest_difference(alone, without) < 8 * reference::epsilon<T>);

    std::vector<T> rows = data;
    rows.insert(rows.end(), data.begin(), data.end());
    rows[5] = nan;
    std::vector<T> c(2 * terms);
    legendre::fit<T>(at.x, view<const T, 2>(rows.data(), {2, data.size()}), at.w,
                     view<T, 2>(c.data(), {2, terms}));
    CHECK(std::all_of(c.begin(), c.begin() + terms, [](T v) { return std::isnan(v); }));
    CHECK(reference::same_bits(std::vector<T>(c.begin() + terms, c.end()), alone));
}

TEMPLATE_TEST_CASE("weights may be as large or small as numbers are", "[legendre]", float, double) {
    using T = TestType;
    const sample<T> at(30);
    const auto y = reference::random_numbers<T>(30, 6);
    std::vector<T> c(5), same(5);
    legendre::fit<T>(at.x, y, at.w, c);
    for (const int power : {-100, 100}) {
        auto w = at.w;
        for (T& v : w) v = std::ldexp(-v, power);
        legendre::fit<T>(at.x, y, w, same);
        CHECK(reference::same_bits(same, c));
    }
}

TEST_CASE("a fit that cannot be made says why, and writes nothing", "[legendre]") {
    using reference::ContainsSubstring;
    std::vector<double> x(12), y(12, 1), w(12, 1), c(5, -77);
    for (std::size_t i = 0; i < 12; ++i) x[i] = static_cast<double>(i % 4) / 4;
    const auto message = [&](legendre::domain over = {}) {
        return reference::message_of([&] { legendre::fit<double>(x, y, w, c, over); });
    };
    CHECK_THAT(message(), ContainsSubstring("legendre::fit: at these points and weights P_4"));
    x[5] = 0.3;
    w[5] = 0;
    CHECK_THAT(message(), ContainsSubstring("P_4"));
    w[5] = 1e-3;
    CHECK(message().empty());
    std::fill(c.begin(), c.end(), -77);
    CHECK_THAT(message({1, 1}), ContainsSubstring("legendre::fit: the domain is [1"));
    x[3] = std::numeric_limits<double>::infinity();
    CHECK(message() == "legendre::fit: x[3] is inf, expected a finite number");
    w[2] = std::numeric_limits<double>::quiet_NaN();
    CHECK(message() == "legendre::fit: w[2] is nan, expected a finite number");
    std::fill(w.begin(), w.end(), 0);
    w[7] = 1;
    CHECK(message() ==
          "legendre::fit: points of weight other than 0 are 1, expected at least one a term, 5");
    w.pop_back();
    CHECK(message() == "legendre::fit: w has size 11, x has size 12");
    w.clear();
    y.pop_back();
    CHECK(message() == "legendre::fit: y has points 11, x has size 12");
    const view<const double, 2> two(y.data(), {2, 4});
    const auto rows = [&](view<double, 2> out) {
        return reference::message_of(
            [&] { legendre::fit<double>(std::span(x).first(4), two, {}, out); });
    };
    CHECK(rows({c.data(), {1, 2}}) == "legendre::fit: c has series 1, y has rows 2");
    CHECK(rows({c.data(), {2, 0}}) == "legendre::fit: c has 0 coefficients, expected 1 or more");
    CHECK(std::all_of(c.begin(), c.end(), [](double v) { return v == -77; }));
}
