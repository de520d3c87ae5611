// SPDX-License-Identifier: BSD-3-Clause
//
// Polynomials and series with 113 bits: what the tests of the Legendre kernels compare with.
#pragma once

#include "quad.hpp"
#include "reference.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <destrier/legendre/domain.hpp>

namespace reference {

// p_0 .. p_n by next(k, p_k, p_{k-1}); the recurrences lose n^2 places, of which 113 bits leave plenty.
template <class Next>
std::vector<quad> by_recurrence(quad first, std::size_t n, const Next& next) {
    std::vector<quad> p = {1, first};
    for (std::size_t k = 1; k < n; ++k) p.push_back(next(static_cast<quad>(k), p[k], p[k - 1]));
    p.resize(n + 1);
    return p;
}
inline std::vector<quad> legendre_polynomials(quad x, std::size_t n) {
    return by_recurrence(
        x, n, [x](quad k, quad p, quad before) { return ((2 * k + 1) * x * p - k * before) / (k + 1); });
}
inline std::vector<quad> hermite_e_polynomials(quad x, std::size_t n) {
    return by_recurrence(x, n, [x](quad k, quad p, quad before) { return x * p - k * before; });
}
inline std::vector<quad> chebyshev_polynomials(quad x, std::size_t n) {
    return by_recurrence(x, n, [x](quad, quad p, quad before) { return 2 * x * p - before; });
}

/// Where in [-1, 1] a point of [a, b] lies, the ends being numbers of type T.
template <class T>
quad mapped(T x, destrier::legendre::domain over) {
    const quad a = static_cast<T>(over.a), b = static_cast<T>(over.b);
    return (2 * static_cast<quad>(x) - a - b) / (b - a);
}

/// The points at which recurrences lose most, and others: the ends and close to them, 0, the least number.
template <class T>
std::vector<T> delicate_points() {
    std::vector<T> x = {0, std::numeric_limits<T>::denorm_min(), T(1), std::nextafter(T(1), T(0))};
    for (T distance = T(0.1); distance > epsilon<T>; distance /= 10) x.push_back(1 - distance);
    for (const T distance : random_numbers<T>(60)) {
        x.push_back(1 - std::pow(static_cast<T>(epsilon<T>), (distance + 1) / 2));
    }
    for (std::size_t i = 1; i < 20; ++i) x.push_back(static_cast<T>(i) / 20);
    const std::size_t right = x.size();
    for (std::size_t i = 0; i < right; ++i) x.push_back(-x[i]);
    return x;
}

/// Those of [-1, 1] taken to [a, b].
template <class T>
std::vector<T> stretched(std::vector<T> x, destrier::legendre::domain over) {
    for (T& v : x) v = static_cast<T>(over.a + (1 + static_cast<double>(v)) / 2 * (over.b - over.a));
    return x;
}

/// An array of canaries with room in it, at a start that no register is aligned to.
template <class T>
class guarded {
public:
    explicit guarded(std::size_t n) : size_(n), storage_(n + 2 * margin, T(-77)) {}
    T* data() { return storage_.data() + margin; }
    std::span<T> span() { return {data(), size_}; }
    bool canaries_live() const {
        const auto live = [](T v) { return v == T(-77); };
        return std::all_of(storage_.begin(), storage_.begin() + margin, live) &&
               std::all_of(storage_.end() - margin, storage_.end(), live);
    }

private:
    static constexpr std::ptrdiff_t margin = 19;
    std::size_t size_;
    std::vector<T> storage_;
};

/// What f says in refusing, y staying as it was.
inline std::string refusal(const std::function<void(std::span<double>)>& f) {
    std::vector<double> y(12, 5);
    const std::string message = message_of([&] { f(y); });
    CHECK(y == std::vector<double>(12, 5));
    return message;
}

} // namespace reference
