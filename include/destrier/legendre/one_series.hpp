// SPDX-License-Identifier: BSD-3-Clause
//
// one_series.hpp: one series at many points, lanes across the points.
//
// Registers of points go through the recurrence side by side, enough of them to hide the latency of a
// multiply-add. Three forms:
//
//   horner      1 operation a degree, for up to 8 terms, after which powers of x lose too much
//   blocks      1 1/4 operations a degree, for up to 20 terms (blocks.hpp)
//   clenshaw    3 operations a degree
//   reinsch     4 operations a degree, in differences from the value at the nearer end of the domain
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre::detail {

// Registers of points at a time: 3 each for the recurrence, of 32 or of 16.
template <class A>
inline constexpr std::size_t abreast = destrier::detail::is_avx512<A> ? 8 : 4;

// Stores past the caches pay where points and results outgrow L2; measured on Sapphire Rapids with 2 MiB of it, where
// 1 MiB loses a third and 4 MiB gains a third.
inline constexpr std::size_t streamed_bytes = std::size_t{2} << 20;

// Stores N registers to p on, past the caches if `streamed`; p then starts on a line.
template <std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void store_registers(T* p, const batch<T, A> (&v)[N], bool streamed) noexcept {
    constexpr std::size_t w = width<T, A>;
    if (streamed) {
        unroll<N>([&](auto i) DESTRIER_UNROLLED { stream(p + i * w, v[i]); });
    } else {
        unroll<N>([&](auto i) DESTRIER_UNROLLED { v[i].store_unaligned(p + i * w); });
    }
}

// y = f(x) for N registers of points: f(const V (&x)[N], V (&y)[N]).
template <std::size_t N, std::floating_point T, class A, class F>
DESTRIER_INLINE void transform_registers(const T* x, T* y, bool streamed, const F& f) noexcept {
    using V = batch<T, A>;
    V in[N], out[N];
    unroll<N>([&](auto i) DESTRIER_UNROLLED { in[i] = V::load_unaligned(x + i * V::size); });
    f(in, out);
    store_registers(y, out, streamed);
}

// What is less than N registers, by way of a whole number of them.
template <std::size_t N, std::floating_point T, class A, class F>
DESTRIER_INLINE void transform_rest(const T* x, T* y, std::size_t count, const F& f) noexcept {
    alignas(64) T in[N * width<T, A>] = {}, out[N * width<T, A>];
    std::memcpy(in, x, count * sizeof(T));
    transform_registers<N, T, A>(in, out, false, f);
    std::memcpy(y, out, count * sizeof(T));
}

// Elements up to the first that starts a line in memory.
template <std::floating_point T>
std::size_t to_alignment(const T* p, std::size_t count) noexcept {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(p) % 64 / sizeof(T);
    return std::min(count, past == 0 ? 0 : line<T> - past);
}

// y[i] = f(x[i]) for any count, past the caches if `streamed`.
template <std::floating_point T, class A, class F>
DESTRIER_INLINE void for_each_point(const T* x, T* y, std::size_t count, bool streamed,
                                    const F& f) noexcept {
    constexpr std::size_t n = abreast<A>, step = n * width<T, A>;
    std::size_t i = streamed ? to_alignment(y, count) : 0;
    if (i > 0) transform_rest<n, T, A>(x, y, i, f);
    for (; i + step <= count; i += step) transform_registers<n, T, A>(x + i, y + i, streamed, f);
    if (streamed) stream_fence();
    const std::size_t rest = count - i;
    if (rest > step / 4) {
        transform_rest<n, T, A>(x + i, y + i, rest, f);
    } else if (rest > 0) {
        transform_rest<n / 4, T, A>(x + i, y + i, rest, f);
    }
}

// Powers of x for up to this many terms: there they are as good as the recurrence.
inline constexpr std::size_t horner_terms = 8;

// Row k holds the coefficients of P_k in powers of x, all exact.
inline constexpr auto powers_of_legendre = [] {
    std::array<std::array<double, horner_terms>, horner_terms> p{};
    p[0][0] = 1;
    p[1][1] = 1;
    for (std::size_t k = 1; k + 1 < horner_terms; ++k) {
        const double degree = static_cast<double>(k);
        for (std::size_t i = 0; i <= k + 1; ++i) {
            const double raised = i > 0 ? (2 * degree + 1) * p[k][i - 1] : 0;
            p[k + 1][i] = (raised - degree * p[k - 1][i]) / (degree + 1);
        }
    }
    return p;
}();

// Terms is the number of terms.
template <std::size_t Terms, std::floating_point T, class A>
void horner(const T* x, const T* c, T* y, std::size_t count, const mapping<T, A>& map,
            bool streamed) noexcept {
    std::array<T, Terms> power{};
    for (std::size_t i = 0; i < Terms; ++i) {
        double sum = 0;
        for (std::size_t k = i; k < Terms; k += 2)
            sum += static_cast<double>(c[k]) * powers_of_legendre[k][i];
        power[i] = static_cast<T>(sum);
    }
    for_each_point<T, A>(
        x, y, count, streamed,
        [&]<std::size_t N>(const batch<T, A>(&in)[N], batch<T, A>(&out)[N]) DESTRIER_UNROLLED {
            using V = batch<T, A>;
            V t[N];
            unroll<N>([&](auto i) DESTRIER_UNROLLED {
                t[i] = map(in[i]);
                // A series of one term is NaN at NaN too.
                out[i] = Terms == 1 ? fmadd(t[i], V(T(0)), V(power[0])) : V(power[Terms - 1]);
            });
            unroll<Terms - 1>([&](auto k) DESTRIER_UNROLLED {
                const V term(power[Terms - 2 - k]);
                unroll<N>([&](auto i) DESTRIER_UNROLLED { out[i] = fmadd(out[i], t[i], term); });
            });
        });
}

// Of any family.
template <class Family, std::floating_point T, class A>
void clenshaw(const T* x, const T* c, std::size_t terms, T* y, std::size_t count,
              const mapping<T, A>& map, const destrier::detail::recurrence_table<T, A, Family>& table,
              bool streamed) noexcept {
    const T* const slope = table.slope();
    const T* const back = table.back();
    for_each_point<T, A>(
        x, y, count, streamed,
        [&]<std::size_t N>(const batch<T, A>(&in)[N], batch<T, A>(&out)[N]) DESTRIER_UNROLLED {
            using V = batch<T, A>;
            V t[N], sum[N], ahead[N];
            unroll<N>([&](auto i) DESTRIER_UNROLLED {
                t[i] = map(in[i]);
                sum[i] = V(c[terms - 1]);
                ahead[i] = V(T(0));
            });
            // b, the sum before a, becomes the one after it.
            const auto step = [&](std::size_t k, const V(&a)[N], V(&b)[N]) DESTRIER_UNROLLED {
                const V term(c[k]), slope_k(slope[k]), back_k(back[k + 1]);
                unroll<N>([&](auto i) DESTRIER_UNROLLED {
                    b[i] = fmadd(slope_k * t[i], a[i], fnmadd(back_k, b[i], term));
                });
            };
            std::size_t k = terms - 1;
            for (; k >= 2; k -= 2) {
                step(k - 1, sum, ahead);
                step(k - 2, ahead, sum);
            }
            if (k == 1) step(0, sum, ahead);
            unroll<N>([&](auto i) DESTRIER_UNROLLED {
                const V last = k == 1 ? ahead[i] : sum[i];
                out[i] = terms == 1 ? fmadd(t[i], V(T(0)), last) : last;
            });
        });
}

// The mirror that makes a point's distance to the nearer end of the domain: y = |x| - 1, and the sign of x.
template <std::floating_point T, class A>
struct mirrored {
    batch<T, A> from_end, sign;

    DESTRIER_INLINE mirrored() = default;
    DESTRIER_INLINE mirrored(batch<T, A> w, const mapping<T, A>& map) {
        using V = batch<T, A>;
        const V below = map.from_below(w), above = map.from_above(w);
        const auto left = below < above;
        from_end = -xsimd::select(left, below, above);
        sign = xsimd::select(left, V(T(-1)), V(T(1)));
    }
};

// Sets series at N registers of points. Coefficients come as c[k * Sets + set]. With p the value so far and d
// the difference from it that x - 1 makes, both stay small where the sum of the series does.
template <std::size_t Sets, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void reinsch(const mirrored<T, A> (&at)[N], const T* c, std::size_t terms,
                             const T* slope, const T* back, batch<T, A> (&p)[Sets][N]) noexcept {
    using V = batch<T, A>;
    V d[Sets][N];
    unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
        unroll<N>([&](auto i) DESTRIER_UNROLLED { p[s][i] = d[s][i] = V(T(0)); });
    });
    const auto step = [&](std::size_t k, auto odd) DESTRIER_UNROLLED {
        const V slope_k(slope[k]), back_k(back[k + 1]);
        unroll<N>([&](auto i) DESTRIER_UNROLLED {
            const V rise = slope_k * at[i].from_end;
            unroll<Sets>([&](auto s) DESTRIER_UNROLLED {
                const V term(c[k * Sets + s]);
                d[s][i] = fmadd(back_k, d[s][i], p[s][i]);
                const V sum = odd ? fmadd(term, at[i].sign, p[s][i]) : p[s][i] + term;
                p[s][i] = fmadd(rise, d[s][i], sum);
            });
        });
    };
    std::size_t k = terms;
    if (k % 2 == 1) step(--k, std::false_type{});
    while (k > 0) {
        step(--k, std::true_type{});
        step(--k, std::false_type{});
    }
}

template <std::floating_point T, class A>
void reinsch_points(const T* x, const T* c, std::size_t terms, T* y, std::size_t count,
                    const mapping<T, A>& map,
                    const destrier::detail::recurrence_table<T, A, legendre_family>& table,
                    bool streamed) noexcept {
    for_each_point<T, A>(
        x, y, count, streamed,
        [&]<std::size_t N>(const batch<T, A>(&in)[N], batch<T, A>(&out)[N]) DESTRIER_UNROLLED {
            constexpr std::size_t half =
                std::max<std::size_t>(N / 2, 1); // 4 registers a register of points
            unroll<N / half>([&](auto h) DESTRIER_UNROLLED {
                mirrored<T, A> at[half];
                unroll<half>([&](auto i) DESTRIER_UNROLLED { at[i] = {in[h * half + i], map}; });
                batch<T, A> p[1][half];
                reinsch<1>(at, c, terms, table.slope(), table.back(), p);
                unroll<half>([&](auto i) DESTRIER_UNROLLED { out[h * half + i] = p[0][i]; });
            });
        });
}

} // namespace destrier::legendre::detail
