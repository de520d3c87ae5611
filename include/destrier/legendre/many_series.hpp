// SPDX-License-Identifier: BSD-3-Clause
//
// many_series.hpp: many series at the same points.
//
// The basis is made once for some points; a series is then one multiply-add a term.
//
//   short series   the basis stays in registers, and series after series goes by: nothing but coefficients is
//                  loaded, and results leave evenly
//   longer ones    the basis of a tile of points stays in L1. A few series and a few registers of points at a
//                  time share its loads: 24 sums, 4 registers of basis and 1 coefficient in 32 registers, 12, 2
//                  and 1 in 16.
//   tight          by differences, without a basis
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <destrier/layout.hpp>
#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre::detail {

template <class A>
inline constexpr bool many_registers =
    destrier::detail::is_avx512<A> || std::is_base_of_v<xsimd::neon64, A>;
template <class A>
inline constexpr std::size_t points_abreast = many_registers<A> ? 4 : 2; // registers
inline constexpr std::size_t most_sets = 6;                              // of series, by basis and dot
inline constexpr std::size_t tight_sets = 2;                             // of series, by differences

// Calls f(std::integral_constant<std::size_t, n>) for the n of 1 .. Most.
template <std::size_t Most, class F>
DESTRIER_INLINE void with_constant(std::size_t n, F&& f) {
    unroll<Most>([&](auto i) DESTRIER_UNROLLED {
        if (n == i + 1) f(std::integral_constant<std::size_t, i + 1>{});
    });
}

// Stores N registers of each of Sets series, stride apart.
template <std::size_t Sets, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void store_sets(const batch<T, A> (&v)[Sets][N], T* y, std::ptrdiff_t stride,
                                bool streamed) noexcept {
    unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
        store_registers(y + static_cast<std::ptrdiff_t>(std::size_t{s}) * stride, v[s], streamed);
    });
}

// The first `count` of them only.
template <std::size_t Sets, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void store_heads(const batch<T, A> (&v)[Sets][N], T* y, std::ptrdiff_t stride,
                                 std::size_t count) noexcept {
    alignas(64) T row[N * width<T, A>];
    unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
        store_registers(row, v[s], false);
        std::copy_n(row, count, y + static_cast<std::ptrdiff_t>(std::size_t{s}) * stride);
    });
}

// Scaled so that back(k) is 1, which saves one product a degree: p_k = scale[k] q_k,
// q_{k+1} = slope[k] x q_k - q_{k-1}. In long double, as products of rounded factors would cost places.
template <class Family, std::size_t Terms>
struct scaled_recurrence {
    std::array<long double, Terms> scale{}, slope{};

    constexpr scaled_recurrence() {
        scale.fill(1);
        for (std::size_t k = 1; k + 1 < Terms; ++k) {
            scale[k + 1] = Family::template back<long double>(k) * scale[k - 1];
            slope[k] = Family::template slope<long double>(k) * scale[k] / scale[k + 1];
        }
    }
};

// How many registers of points the basis of so many terms leaves room for, a sum or two and a coefficient beside
// each: 4, 2 or 1, whole lines being what memory likes.
template <class A>
constexpr std::size_t points_beside_basis(std::size_t terms) noexcept {
    return std::bit_floor(std::min<std::size_t>(4, (many_registers<A> ? 28 : 12) / terms));
}
template <class A>
inline constexpr std::size_t register_terms = many_registers<A> ? 14 : 12;

// The basis q_1 .. at N registers of points.
template <class Family, std::size_t Terms, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void basis_in_registers(const T* x, const mapping<T, A>& map,
                                        batch<T, A> (&q)[Terms][N]) noexcept {
    using V = batch<T, A>;
    static constexpr scaled_recurrence<Family, Terms> scaled;
    unroll<N>([&](auto i) DESTRIER_UNROLLED {
        const V t = map(V::load_unaligned(x + i * V::size));
        q[0][i] = fmadd(t, V(T(0)), V(T(1))); // NaN where the point is
        if constexpr (Terms > 1) q[1][i] = t;
    });
    if constexpr (Terms > 2) {
        unroll<Terms - 2>([&](auto k) DESTRIER_UNROLLED {
            const V slope(static_cast<T>(scaled.slope[k + 1]));
            unroll<N>([&](auto i) DESTRIER_UNROLLED {
                q[k + 2][i] = fmadd(slope * q[1][i], q[k + 1][i], -q[k][i]);
            });
        });
    }
}

// All series, [series][Terms] in c with the scale in them, at N registers of points.
template <class Family, std::size_t Terms, std::size_t N, std::floating_point T, class A>
void series_beside_basis(const T* x, const mapping<T, A>& map, const T* c, std::size_t sets, T* y,
                         std::ptrdiff_t stride, bool streamed) noexcept {
    using V = batch<T, A>;
    constexpr std::size_t together = N < 4 ? 2 : 1;
    V q[Terms][N];
    basis_in_registers<Family>(x, map, q);
    const auto some = [&](auto size) DESTRIER_UNROLLED {
        V v[size][N];
        unroll<Terms>([&](auto k) DESTRIER_UNROLLED {
            unroll<size>([&](auto s) DESTRIER_UNROLLED {
                const V c_k(c[s * Terms + k]);
                unroll<N>([&](auto i) DESTRIER_UNROLLED {
                    v[s][i] = k > 0 ? fmadd(c_k, q[k][i], v[s][i]) : Terms > 1 ? c_k : c_k * q[0][i];
                });
            });
        });
        store_sets(v, y, stride, streamed);
        c += size * Terms;
        y += static_cast<std::ptrdiff_t>(std::size_t{size}) * stride;
    };
    std::size_t s = 0;
    for (; s + together <= sets; s += together) some(std::integral_constant<std::size_t, together>{});
    if (s < sets) some(std::integral_constant<std::size_t, 1>{});
}

template <class Family, std::size_t Terms, std::floating_point T, class A>
void short_series(std::span<const T> x, view<const T, 2> c, view<T, 2> y, domain over, bool streamed,
                  int threads) {
    constexpr std::size_t n = points_beside_basis<A>(Terms), step = n * width<T, A>;
    static constexpr scaled_recurrence<Family, Terms> scaled;
    const mapping<T, A> map(over);
    const std::size_t sets = c.extent(0), whole = x.size() / step, rest = x.size() % step;
    buffer<T> coefficients(sets * Terms);
    for (std::size_t s = 0; s < sets; ++s) {
        for (std::size_t k = 0; k < Terms; ++k) {
            coefficients[s * Terms + k] = static_cast<T>(c(s, k) * scaled.scale[k]);
        }
    }
    parallel_ranges(whole, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t i = begin * step; i < end * step; i += step) {
            series_beside_basis<Family, Terms, n, T, A>(x.data() + i, map, coefficients.data(), sets,
                                                        y.data() + i, y.stride(0), streamed);
        }
        if (streamed) stream_fence();
    });
    if (rest == 0) return;
    T last[step] = {};
    std::copy_n(x.data() + whole * step, rest, last);
    buffer<T> rows(sets * step);
    series_beside_basis<Family, Terms, n, T, A>(last, map, coefficients.data(), sets, rows.data(),
                                                static_cast<std::ptrdiff_t>(step), false);
    for (std::size_t s = 0; s < sets; ++s) {
        std::copy_n(rows.data() + s * step, rest, &y(s, whole * step));
    }
}

// The coefficients of all series in groups of nearly equal size, [group][term][series of the group].
template <std::floating_point T, class A>
class grouped_coefficients {
public:
    grouped_coefficients(view<const T, 2> c, std::size_t largest)
        : sets_(c.extent(0)), terms_(c.extent(1)), groups_((sets_ + largest - 1) / largest),
          packed_(sets_ * terms_) {
        for (std::size_t g = 0; g < groups_; ++g) {
            const range r = group(g);
            T* to = packed_.data() + r.begin * terms_;
            for (std::size_t k = 0; k < terms_; ++k) {
                for (std::size_t s = r.begin; s < r.end; ++s) *to++ = c(s, k);
            }
        }
    }
    std::size_t groups() const noexcept { return groups_; }
    std::size_t terms() const noexcept { return terms_; }
    range group(std::size_t g) const noexcept { return part(sets_, groups_, g); }
    const T* of(std::size_t g) const noexcept { return packed_.data() + group(g).begin * terms_; }

private:
    std::size_t sets_, terms_, groups_;
    buffer<T> packed_;
};

// Sums of Sets series at N registers of points into y[set][register].
template <std::size_t Sets, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void dot(const T* basis, std::size_t pitch, const T* c, std::size_t terms,
                         batch<T, A> (&y)[Sets][N]) noexcept {
    using V = batch<T, A>;
    unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
        unroll<N>([&](auto i) DESTRIER_UNROLLED { y[s][i] = V(c[s]); });
    });
    for (std::size_t k = 1; k < terms; ++k) {
        V p[N];
        unroll<N>([&](auto i)
                      DESTRIER_UNROLLED { p[i] = V::load_aligned(basis + k * pitch + i * V::size); });
        unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
            const V c_s(c[k * Sets + s]);
            unroll<N>([&](auto i) DESTRIER_UNROLLED { y[s][i] = fmadd(c_s, p[i], y[s][i]); });
        });
    }
}

// Sets series at `count` points; values(point, registers) makes some registers of them.
template <std::size_t Sets, std::floating_point T, class A, class Values>
DESTRIER_INLINE void sets_at_points(std::size_t count, T* y, std::ptrdiff_t stride, bool streamed,
                                    const Values& values) noexcept {
    constexpr std::size_t n = points_abreast<A>, step = n * width<T, A>;
    batch<T, A> v[Sets][n];
    for (std::size_t i = 0; i < count; i += step) {
        values(i, v);
        if (i + step <= count) {
            store_sets(v, y + i, stride, streamed);
        } else {
            store_heads(v, y + i, stride, count - i);
        }
    }
}

// One tile of points for one group of series.
template <std::floating_point T, class A>
void dot_group(const basis_tile<T>& tile, const grouped_coefficients<T, A>& c, std::size_t group,
               view<T, 2> y, bool streamed) noexcept {
    const range sets = c.group(group);
    T* const out = y.data() + static_cast<std::ptrdiff_t>(sets.begin) * y.stride(0) + tile.first;
    with_constant<most_sets>(sets.end - sets.begin, [&](auto size) DESTRIER_UNROLLED {
        sets_at_points<size, T, A>(tile.count, out, y.stride(0), streamed,
                                   [&](std::size_t point, auto& v) DESTRIER_UNROLLED {
                                       dot(tile.values + point, tile.pitch, c.of(group), c.terms(), v);
                                   });
    });
}

template <class Family, std::floating_point T, class A>
void longer_series(std::span<const T> x, view<const T, 2> c, view<T, 2> y, domain over, bool streamed,
                   int threads) {
    const grouped_coefficients<T, A> grouped(c, most_sets);
    for_each_tile<Family, T, A>(x, c.extent(1), over, threads, [&](const basis_tile<T>& tile) {
        for (std::size_t g = 0; g < grouped.groups(); ++g) dot_group(tile, grouped, g, y, streamed);
        if (streamed) stream_fence();
    });
}

template <class Family, std::floating_point T, class A>
void fast_series(std::span<const T> x, view<const T, 2> c, view<T, 2> y, domain over, bool streamed,
                 int threads) {
    constexpr std::size_t most = register_terms<A>;
    if (c.extent(1) > most) return longer_series<Family, T, A>(x, c, y, over, streamed, threads);
    with_constant<most>(c.extent(1), [&](auto terms) {
        short_series<Family, terms, T, A>(x, c, y, over, streamed, threads);
    });
}

template <std::floating_point T, class A>
void reinsch_series(std::span<const T> x, view<const T, 2> c, view<T, 2> y, domain over, bool streamed,
                    int threads) {
    const mapping<T, A> map(over);
    const std::size_t terms = c.extent(1);
    const destrier::detail::recurrence_table<T, A, legendre_family> table(terms + 1);
    const grouped_coefficients<T, A> grouped(c, tight_sets);
    const auto points = [&](const T* from, std::size_t first, std::size_t count, std::size_t g) {
        const range sets = grouped.group(g);
        T* const out = y.data() + static_cast<std::ptrdiff_t>(sets.begin) * y.stride(0) + first;
        with_constant<tight_sets>(sets.end - sets.begin, [&](auto size) DESTRIER_UNROLLED {
            sets_at_points<size, T, A>(
                count, out, y.stride(0), streamed, [&](std::size_t point, auto& v) DESTRIER_UNROLLED {
                    constexpr std::size_t n = points_abreast<A>;
                    mirrored<T, A> at[n];
                    unroll<n>([&](auto i) DESTRIER_UNROLLED {
                        at[i] = {batch<T, A>::load_aligned(from + point + i * width<T, A>), map};
                    });
                    reinsch<size>(at, grouped.of(g), terms, table.slope(), table.back(), v);
                });
        });
    };
    for_each_stretch<A>(
        x, tile_points<T, A>(1), static_cast<T>(over.a), threads,
        [&](const T* from, std::size_t, std::size_t first, std::size_t count, std::size_t) {
            for (std::size_t g = 0; g < grouped.groups(); ++g) points(from, first, count, g);
            if (streamed) stream_fence();
        });
}

} // namespace destrier::legendre::detail
