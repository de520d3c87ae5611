// SPDX-License-Identifier: BSD-3-Clause
//
// each_series.hpp: a series for every point, lanes across the series.
//
// Coefficients come as callers hold them, a series' side by side; a transpose in registers turns as many series
// as there are lanes into registers of one term each.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <destrier/layout.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre::detail {

// Calls f(k, c_k) for k = terms - 1 .. 0, lane s of c_k being c(s, k); c has no more series than there are lanes.
// Usual: it has as many, with coefficients side by side. That is three times as fast by itself.
template <bool Usual, std::floating_point T, class A, class F>
DESTRIER_INLINE void for_each_term_down(view<const T, 2> c, F&& f) noexcept {
    constexpr std::size_t w = width<T, A>;
    const std::size_t terms = c.extent(1);
    for (std::size_t first = (terms - 1) / w * w;; first -= w) {
        const std::size_t count = std::min(w, terms - first);
        batch<T, A> tile[w];
        unroll<w>([&](auto s) DESTRIER_UNROLLED {
            const T* const from =
                c.data() + c.stride(0) * std::ptrdiff_t{s} + c.stride(1) * std::ptrdiff_t(first);
            if constexpr (Usual) {
                tile[s] = load_head<A>(from, count);
            } else if (s < c.extent(0)) {
                tile[s] = destrier::detail::load_row<A, T>(from, c.stride(1), count);
            } else {
                tile[s] = batch<T, A>(T(0));
            }
        });
        transpose<T, A>(tile);
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            constexpr std::size_t at = w - 1 - i;
            if (at < count) f(first + at, tile[at]);
        });
        if (first == 0) return;
    }
}

template <bool Usual, class Family, std::floating_point T, class A>
batch<T, A> clenshaw_lanes(batch<T, A> x, view<const T, 2> c, const mapping<T, A>& map,
                           const destrier::detail::recurrence_table<T, A, Family>& table) noexcept {
    using V = batch<T, A>;
    const V t = map(x);
    V sum = t * V(T(0)), ahead = sum; // NaN where the point is
    for_each_term_down<Usual, T, A>(c, [&](std::size_t k, V term) DESTRIER_UNROLLED {
        const V next = fmadd(V(table.slope()[k]) * t, sum, fnmadd(V(table.back()[k + 1]), ahead, term));
        ahead = sum;
        sum = next;
    });
    return sum;
}

template <bool Usual, std::floating_point T, class A>
batch<T, A>
reinsch_lanes(batch<T, A> x, view<const T, 2> c, const mapping<T, A>& map,
              const destrier::detail::recurrence_table<T, A, legendre_family>& table) noexcept {
    using V = batch<T, A>;
    const mirrored<T, A> at(x, map);
    V sum(T(0)), d(T(0));
    for_each_term_down<Usual, T, A>(c, [&](std::size_t k, V term) DESTRIER_UNROLLED {
        d = fmadd(V(table.back()[k + 1]), d, sum);
        const V signed_term = k % 2 == 0 ? term : term * at.sign;
        sum = fmadd(V(table.slope()[k]) * at.from_end, d, sum + signed_term);
    });
    return sum;
}

} // namespace destrier::legendre::detail
