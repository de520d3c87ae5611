// SPDX-License-Identifier: BSD-3-Clause
//
// domain.hpp: from the caller's interval to [-1, 1], and back.
#pragma once

#include <cmath>
#include <concepts>
#include <stdexcept>
#include <string>

#include <destrier/simd.hpp>

namespace destrier::legendre {

/// The interval [a, b] that maps to [-1, 1]; points outside of it are extrapolated to.
struct domain {
    double a = -1, b = 1;
};

namespace detail {

// x as one rounding of the difference to an end, one of the product and one of the sum: the multiplied-out form
// x s + t would lose |x s| more. One minus |x| keeps its relative precision at both ends, as from_below and
// from_above are distances to them.
template <std::floating_point T, class A>
struct mapping {
    T a, b, scale;
    bool is_identity;

    // Of the rounded ends, so that the distances to them add up to 2.
    explicit mapping(domain over)
        : a(static_cast<T>(over.a)), b(static_cast<T>(over.b)),
          scale(static_cast<T>(2 / (static_cast<double>(b) - static_cast<double>(a)))),
          is_identity(a == -1 && b == 1) {}

    template <class V>
    DESTRIER_INLINE V operator()(V w) const noexcept {
        return is_identity ? w : (w - V(a)) * V(scale) - V(T(1));
    }
    /// 1 + x
    template <class V>
    DESTRIER_INLINE V from_below(V w) const noexcept {
        return (w - V(a)) * V(scale);
    }
    /// 1 - x
    template <class V>
    DESTRIER_INLINE V from_above(V w) const noexcept {
        return (V(b) - w) * V(scale);
    }
};

inline void check_domain(const char* who, domain over) {
    if (std::isfinite(over.a) && std::isfinite(over.b) && over.a != over.b) return;
    throw std::invalid_argument(std::string(who) + ": the domain is [" + std::to_string(over.a) + ", " +
                                std::to_string(over.b) + "], expected two different finite ends");
}

} // namespace detail

} // namespace destrier::legendre
