// SPDX-License-Identifier: BSD-3-Clause
//
// Real transforms of even length n as complex ones of h = n / 2: element k of the complex transform is
// x[2k] + i x[2k + 1], which in a lane block is what lies there already. What remains is to part, or to
// join, the spectra of the even and the odd samples, two mirrored elements at a time.
#pragma once

#include <cstddef>

#include <destrier/fft/passes.hpp>

namespace destrier::fft::detail {

// The roots exp(-2 pi i k / n) for k = 0 .. n / 4, which part and join share.
template <std::floating_point T>
buffer<T> half_spectrum_roots(std::size_t n) {
    buffer<T> w(2 * (n / 4 + 1), memory{.pages = pages::base});
    for (std::size_t k = 0; k <= n / 4; ++k) {
        const root r = unit_root(k, n);
        w[2 * k] = static_cast<T>(r.re);
        w[2 * k + 1] = static_cast<T>(r.im);
    }
    return w;
}

// In place: z holds half the complex transform Z[0 .. h - 1] (scaled by 1/2), and receives
// X[k] = (Z[k] + conj Z[h - k]) - i w^k (Z[k] - conj Z[h - k]) for k = 0 .. h.
template <class A, class T>
[[gnu::noinline]] void part_spectra(lines<T> z, std::size_t h, const T* w) noexcept {
    using V = batch<T, A>;
    const auto end = static_cast<std::ptrdiff_t>(h);
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        const complex<V> a = load<V>(z, 0, lane);
        const V zero(T(0)), two(T(2));
        store(z, 0, lane, complex<V>{(a.re + a.im) * two, zero});
        store(z, end, lane, complex<V>{(a.re - a.im) * two, zero});
    }
    for (std::ptrdiff_t k = 1; 2 * k <= end; ++k) {
        const V wr(w[2 * k]), wi(w[2 * k + 1]);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            const complex<V> a = load<V>(z, k, lane), b = load<V>(z, end - k, lane);
            const complex<V> even{a.re + b.re, a.im - b.im};
            const complex<V> odd{a.im + b.im, b.re - a.re}; // -i (a - conj b)
            const complex<V> o = multiply(odd, {wr, wi});
            store(z, k, lane, complex<V>{even.re + o.re, even.im + o.im});
            store(z, end - k, lane, complex<V>{even.re - o.re, o.im - even.im});
        }
    }
}

// Z[k] = (X[k] + conj X[h - k]) + i w^-k (X[k] - conj X[h - k]) for k = 0 .. h - 1.
template <class A, class T>
[[gnu::noinline]] void join_spectra(lines<const T> x, lines<T> z, std::size_t h, const T* w) noexcept {
    using V = batch<T, A>;
    const auto end = static_cast<std::ptrdiff_t>(h);
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        const V a = load<V>(x, 0, lane).re, b = load<V>(x, end, lane).re;
        store(z, 0, lane, complex<V>{a + b, a - b});
    }
    for (std::ptrdiff_t k = 1; 2 * k <= end; ++k) {
        const V wr(w[2 * k]), wi(w[2 * k + 1]);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            const complex<V> a = load<V>(x, k, lane), b = load<V>(x, end - k, lane);
            const complex<V> even{a.re + b.re, a.im - b.im};
            const complex<V> difference{a.re - b.re, a.im + b.im};
            // o = i conj(w) difference
            const complex<V> o{fnmadd(difference.im, wr, difference.re * wi),
                               fmadd(difference.re, wr, difference.im * wi)};
            store(z, k, lane, complex<V>{even.re + o.re, even.im + o.im});
            store(z, end - k, lane, complex<V>{even.re - o.re, o.im - even.im});
        }
    }
}

} // namespace destrier::fft::detail
