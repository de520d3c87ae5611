// SPDX-License-Identifier: BSD-3-Clause
//
// Butterflies: forward transforms of R complex registers, R known to the compiler.
//
// Even lengths split into even and odd elements and are joined by X[k] = E[k] +- w^k O[k], where the
// eighth roots cost no multiplication of their own; odd lengths are summed from the symmetric and
// antisymmetric halves with real constants. Everything is unrolled and fused, nothing negated.
// Backward transforms are the same with re and im exchanged, which costs nothing where they are
// loaded and stored.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <destrier/fft/roots.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

template <class V>
struct complex {
    V re, im;
};

// cos and sin of k turns / N. Behind an opaque pointer each is an operand of 7 bytes where it is used; as
// literals those for which there is no register are vectors in memory, in instructions of 10 bytes.
template <class T, std::size_t N>
inline constexpr auto turns = [] {
    std::array<T, 2 * N> table{};
    for (std::size_t k = 0; k < N; ++k) {
        const root r = cos_sin_of_turn(k, N);
        table[2 * k] = static_cast<T>(r.re);
        table[2 * k + 1] = static_cast<T>(r.im);
    }
    return table;
}();

// even + w odd and even - w odd, for w = exp(-2 pi i K / N).
template <std::size_t K, std::size_t N, class V>
DESTRIER_INLINE void add_rotated(complex<V> even, complex<V> odd, complex<V>& plus,
                                 complex<V>& minus) noexcept {
    using T = typename V::value_type;
    if constexpr (K == 0) { // w = 1
        plus = {even.re + odd.re, even.im + odd.im};
        minus = {even.re - odd.re, even.im - odd.im};
    } else if constexpr (4 * K == N) { // w = -i
        plus = {even.re + odd.im, even.im - odd.re};
        minus = {even.re - odd.im, even.im + odd.re};
    } else if constexpr (8 * K == N || 8 * K == 3 * N) { // w = (+-1 - i) / sqrt(2)
        constexpr root eighth = cos_sin_of_turn(1, 8);
        const V c(static_cast<T>(eighth.re));
        const V sum = odd.im + odd.re, difference = odd.im - odd.re;
        const V re = 8 * K == N ? sum : difference, im = 8 * K == N ? difference : sum;
        plus.re = fmadd(c, re, even.re);
        minus.re = fnmadd(c, re, even.re);
        plus.im = 8 * K == N ? fmadd(c, im, even.im) : fnmadd(c, im, even.im);
        minus.im = 8 * K == N ? fnmadd(c, im, even.im) : fmadd(c, im, even.im);
    } else {
        const T* table = turns<T, N>.data();
        opaque(table);
        const V cosine(table[2 * K]), sine(table[2 * K + 1]);
        plus.re = fmadd(sine, odd.im, fmadd(cosine, odd.re, even.re));
        plus.im = fnmadd(sine, odd.re, fmadd(cosine, odd.im, even.im));
        minus.re = fnmadd(sine, odd.im, fnmadd(cosine, odd.re, even.re));
        minus.im = fmadd(sine, odd.re, fnmadd(cosine, odd.im, even.im));
    }
}

// Odd R: with s = x[k] + x[R - k] and d = x[k] - x[R - k],
// X[j], X[R - j] = x[0] + sum cos(2 pi j k / R) s  -+  i sum sin(2 pi j k / R) d.
template <std::size_t R, class V, class Done>
DESTRIER_INLINE void butterfly_odd(complex<V>* x, const Done& done) noexcept {
    using T = typename V::value_type;
    constexpr std::size_t half = (R - 1) / 2;
    complex<V> s[half], d[half];
    const complex<V> first = x[0];
    const T* table = turns<T, R>.data();
    if constexpr (R > 7) opaque(table); // up to 7 there is a register for each
    unroll<half>([&](auto k) DESTRIER_UNROLLED {
        s[k] = {x[k + 1].re + x[R - 1 - k].re, x[k + 1].im + x[R - 1 - k].im};
        d[k] = {x[k + 1].re - x[R - 1 - k].re, x[k + 1].im - x[R - 1 - k].im};
        x[0] = {x[0].re + s[k].re, x[0].im + s[k].im};
    });
    done(std::integral_constant<std::size_t, 0>{});
    unroll<half>([&](auto j) DESTRIER_UNROLLED {
        complex<V> even = first, odd{};
        unroll<half>([&](auto k) DESTRIER_UNROLLED {
            constexpr std::size_t turn = (j + 1) * (k + 1) % R;
            const V cosine(table[2 * turn]), sine(table[2 * turn + 1]);
            even = {fmadd(cosine, s[k].re, even.re), fmadd(cosine, s[k].im, even.im)};
            if constexpr (k == 0) {
                odd = {sine * d[k].re, sine * d[k].im};
            } else {
                odd = {fmadd(sine, d[k].re, odd.re), fmadd(sine, d[k].im, odd.im)};
            }
        });
        x[j + 1] = {even.re + odd.im, even.im - odd.re};
        x[R - 1 - j] = {even.re - odd.im, even.im + odd.re};
        done(std::integral_constant<std::size_t, j + 1>{});
        done(std::integral_constant<std::size_t, R - 1 - j>{});
    });
}

// Transforms x[0 .. R - 1] in place, and calls done(q) when x[q] is: what is stored there and then leaves
// its registers to the others.
template <std::size_t R, class V, class Done>
DESTRIER_INLINE void butterfly(complex<V>* x, const Done& done) noexcept {
    if constexpr (R == 1) {
        done(std::integral_constant<std::size_t, 0>{});
    } else if constexpr (R % 2 == 1) {
        butterfly_odd<R>(x, done);
    } else {
        complex<V> even[R / 2], odd[R / 2];
        unroll<R / 2>([&](auto k) DESTRIER_UNROLLED {
            even[k] = x[2 * k];
            odd[k] = x[2 * k + 1];
        });
        constexpr auto nothing = [](auto) DESTRIER_UNROLLED {};
        butterfly<R / 2>(even, nothing);
        butterfly<R / 2>(odd, nothing);
        unroll<R / 2>([&](auto k) DESTRIER_UNROLLED {
            add_rotated<k, R>(even[k], odd[k], x[k], x[k + R / 2]);
            done(k);
            done(std::integral_constant<std::size_t, k + R / 2>{});
        });
    }
}
template <std::size_t R, class V>
DESTRIER_INLINE void butterfly(complex<V>* x) noexcept {
    butterfly<R>(x, [](auto) DESTRIER_UNROLLED {});
}

} // namespace destrier::fft::detail
