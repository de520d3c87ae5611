// SPDX-License-Identifier: BSD-3-Clause
//
// Real transforms of even length n as complex ones of h = n / 2: element k of the complex transform is
// x[2k] + i x[2k + 1], which is what lies there already, in a lane block as in a row. What remains is to part,
// or to join, the spectra of the even and the odd samples, two mirrored elements at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <destrier/fft/convert.hpp>
#include <destrier/fft/passes.hpp>

namespace destrier::fft::detail {

// The roots exp(-2 pi i k / n) for k = 0 .. n / 4, which part and join share: all re, then all im.
template <std::floating_point T>
buffer<T> half_spectrum_roots(std::size_t n) {
    buffer<T> w(2 * (n / 4 + 1), memory{.pages = pages::base});
    const root_table<long double> roots(n);
    for (std::size_t k = 0; k <= n / 4; ++k) {
        const auto r = roots(k);
        w[k] = static_cast<T>(r.re);
        w[n / 4 + 1 + k] = static_cast<T>(r.im);
    }
    return w;
}

// X[k] and X[h - k] from Z[k] and Z[h - k], and the other way.
template <class V>
DESTRIER_INLINE void part_pair(complex<V>& a, complex<V>& b, complex<V> w) noexcept {
    const complex<V> even{a.re + b.re, a.im - b.im};
    const complex<V> o = multiply(complex<V>{a.im + b.im, b.re - a.re}, w); // -i (a - conj b) w
    a = {even.re + o.re, even.im + o.im};
    b = {even.re - o.re, o.im - even.im};
}
template <class V>
DESTRIER_INLINE void join_pair(complex<V>& a, complex<V>& b, complex<V> w) noexcept {
    const complex<V> even{a.re + b.re, a.im - b.im}, difference{a.re - b.re, a.im + b.im};
    const complex<V> o{fnmadd(difference.im, w.re, difference.re * w.im), // i (a - conj b) conj w
                       fmadd(difference.re, w.re, difference.im * w.im)};
    a = {even.re + o.re, even.im + o.im};
    b = {even.re - o.re, o.im - even.im};
}

// z holds half the complex transform Z[0 .. h - 1] (scaled by 1/2); put(k, lane, X) receives a register of each
// X[k] = (Z[k] + conj Z[h - k]) - i w^k (Z[k] - conj Z[h - k]) for k = 0 .. h, k and h - k together.
template <class A, class T, class Put>
DESTRIER_INLINE void part_spectra(lines<const T> z, std::size_t h, const T* w, Put&& put) noexcept {
    using V = batch<T, A>;
    const auto end = static_cast<std::ptrdiff_t>(h);
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        const complex<V> a = load<V>(z, 0, lane);
        const V zero(T(0)), two(T(2));
        put(std::ptrdiff_t{0}, lane, complex<V>{(a.re + a.im) * two, zero});
        put(end, lane, complex<V>{(a.re - a.im) * two, zero});
    }
    for (std::ptrdiff_t k = 1; 2 * k <= end; ++k) {
        const V wr(w[k]), wi(w[end / 2 + 1 + k]);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            complex<V> a = load<V>(z, k, lane), b = load<V>(z, end - k, lane);
            part_pair(a, b, {wr, wi});
            put(k, lane, a);
            put(end - k, lane, b);
        }
    }
}

// The same in place.
template <class A, class T>
[[gnu::noinline]] void part_spectra(lines<T> z, std::size_t h, const T* w) noexcept {
    using V = batch<T, A>;
    part_spectra<A>(lines<const T>(z), h, w,
                    [&](std::ptrdiff_t k, std::size_t lane, complex<V> x)
                        DESTRIER_UNROLLED { store(z, k, lane, x); });
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
        const V wr(w[k]), wi(w[end / 2 + 1 + k]);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            complex<V> a = load<V>(x, k, lane), b = load<V>(x, end - k, lane);
            join_pair(a, b, {wr, wi});
            store(z, k, lane, a);
            store(z, end - k, lane, b);
        }
    }
}

// The same of a row, where the elements from k on and those that mirror them are registers: `mirrored` has
// its lanes turned round, so that lane i is element h - k - i where lane i of the other is element k + i.
template <class R, std::size_t... Lane>
DESTRIER_INLINE R reversed(R r, std::index_sequence<Lane...>) noexcept {
    return __builtin_shufflevector(r, r, static_cast<int>(sizeof...(Lane) - 1 - Lane)...);
}
template <class V, class T>
DESTRIER_INLINE complex<V> load_mirrored(const T* end) noexcept {
    using R = typename V::register_type;
    constexpr std::make_index_sequence<V::size> lanes;
    const complex<V> x = load_pairs<V>(end - 2 * (V::size - 1), V::size);
    return {reversed(R(x.re), lanes), reversed(R(x.im), lanes)};
}
template <class V, class T>
DESTRIER_INLINE void store_mirrored(T* end, complex<V> x) noexcept {
    using R = typename V::register_type;
    constexpr std::make_index_sequence<V::size> lanes;
    const complex<V> turned{reversed(R(x.re), lanes), reversed(R(x.im), lanes)};
    store_pairs(end - 2 * (V::size - 1), V::size, turned);
}

// f(a, b, root) on all pairs of elements k and h - k of a row, 0 < k <= h / 2, from `in` to `out`, which may
// be the same.
template <class A, class T, class F>
DESTRIER_INLINE void for_mirrored_pairs(const T* in, T* out, std::size_t h, const T* w, F&& f) noexcept {
    using V = batch<T, A>;
    constexpr std::size_t many = V::size;
    std::size_t k = 1;
    for (; 2 * (k + many) <= h + 1; k += many) {
        complex<V> a = load_pairs<V>(in + 2 * k, many), b = load_mirrored<V>(in + 2 * (h - k));
        f(a, b, complex<V>{V::load_unaligned(w + k), V::load_unaligned(w + h / 2 + 1 + k)});
        store_pairs(out + 2 * k, many, a);
        store_mirrored(out + 2 * (h - k), b);
    }
    // What is left in the middle, less than two registers, as lanes of one each.
    const std::size_t left = h / 2 + 1 - std::min(h / 2 + 1, k);
    if (left == 0) return;
    alignas(64) T mirror[2 * many] = {};
    for (std::size_t i = 0; i < left; ++i) std::copy_n(in + 2 * (h - k - i), 2, mirror + 2 * i);
    complex<V> a = load_pairs<V>(in + 2 * k, left), b = load_pairs<V>(mirror, many);
    f(a, b, complex<V>{load_head<A>(w + k, left), load_head<A>(w + h / 2 + 1 + k, left)});
    store_pairs(mirror, many, b);
    store_pairs(out + 2 * k, left, a);
    for (std::size_t i = 0; i < left; ++i) std::copy_n(mirror + 2 * i, 2, out + 2 * (h - k - i));
}

// Half the complex transform Z[0 .. h - 1] of a row (scaled by 1/2) into X[0 .. h].
template <class A, class T>
[[gnu::noinline]] void part_row(T* row, std::size_t h, const T* w) noexcept {
    const T re = row[0], im = row[1];
    row[0] = (re + im) * 2;
    row[1] = 0;
    row[2 * h] = (re - im) * 2;
    row[2 * h + 1] = 0;
    for_mirrored_pairs<A>(row, row, h, w,
                          [](auto& a, auto& b, auto root) DESTRIER_UNROLLED { part_pair(a, b, root); });
}
// X[0 .. h] into Z[0 .. h - 1]; out may be x.
template <class A, class T>
[[gnu::noinline]] void join_row(const T* x, T* out, std::size_t h, const T* w) noexcept {
    const T first = x[0], last = x[2 * h];
    for_mirrored_pairs<A>(x, out, h, w,
                          [](auto& a, auto& b, auto root) DESTRIER_UNROLLED { join_pair(a, b, root); });
    out[0] = first + last;
    out[1] = first - last;
}

} // namespace destrier::fft::detail
