// SPDX-License-Identifier: BSD-3-Clause
//
// sine.hpp: what sin z and cos z add to z and to 1, for |z| <= pi/4, so that a caller who knows z better than
// to one rounding loses nothing.
#pragma once

#include <array>
#include <cstddef>

#include <destrier/simd.hpp>

namespace destrier::legendre::detail {

// 1 / first! - z^2 / (first + 2)! + z^4 / (first + 4)! ...: the next one of eight terms would be below 1e-19.
template <std::size_t First, std::floating_point T, class A>
DESTRIER_INLINE xsimd::batch<T, A> alternating_factorials(xsimd::batch<T, A> squared) noexcept {
    using V = xsimd::batch<T, A>;
    constexpr std::size_t terms = 8;
    constexpr auto coefficients = [] {
        std::array<double, terms> c{};
        double factorial = 1;
        for (std::size_t i = 2; i <= First; ++i) factorial *= static_cast<double>(i);
        for (std::size_t i = 0; i < terms; ++i) {
            c[i] = (i % 2 == 0 ? 1 : -1) / factorial;
            factorial *= static_cast<double>((First + 2 * i + 1) * (First + 2 * i + 2));
        }
        return c;
    }();
    V sum(static_cast<T>(coefficients[terms - 1]));
    unroll<terms - 1>([&](auto i) DESTRIER_UNROLLED {
        sum = fmadd(sum, squared, V(static_cast<T>(coefficients[terms - 2 - i])));
    });
    return sum;
}

/// sin z - z
template <std::floating_point T, class A>
DESTRIER_INLINE xsimd::batch<T, A> sine_tail(xsimd::batch<T, A> z) noexcept {
    const auto squared = z * z;
    return -z * squared * alternating_factorials<3>(squared);
}

/// cos z - 1 + z^2 / 2
template <std::floating_point T, class A>
DESTRIER_INLINE xsimd::batch<T, A> cosine_tail(xsimd::batch<T, A> z) noexcept {
    const auto squared = z * z;
    return squared * squared * alternating_factorials<4>(squared);
}

} // namespace destrier::legendre::detail
