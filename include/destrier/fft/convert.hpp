// SPDX-License-Identifier: BSD-3-Clause
//
// Between lane blocks and what callers hold: complex numbers with re and im in pairs, of which the next
// element (rows) or the next transform (columns) comes first. layout.hpp does the same for any strides and
// types; here the cases are served that must not cost more than the transform itself.
#pragma once

#include <algorithm>
#include <complex>
#include <cstddef>

#include <destrier/fft/butterfly.hpp>
#include <destrier/layout.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

// Up to width complex numbers side by side; zeros in the lanes behind them.
template <class V, class T>
DESTRIER_INLINE complex<V> load_pairs(const T* p, std::size_t count) noexcept {
    using A = typename V::arch_type;
    V re, im;
    if (count >= V::size) {
        re = V::load_unaligned(p);
        im = V::load_unaligned(p + V::size);
    } else {
        const std::size_t reals = 2 * count;
        re = load_head<A>(p, std::min(reals, V::size));
        im = reals > V::size ? load_head<A>(p + V::size, reals - V::size) : V(T(0));
    }
    deinterleave(re, im);
    return {re, im};
}

template <class V, class T>
DESTRIER_INLINE void store_pairs(T* p, std::size_t count, complex<V> v) noexcept {
    interleave(v.re, v.im);
    if (count >= V::size) {
        v.re.store_unaligned(p);
        v.im.store_unaligned(p + V::size);
    } else {
        const std::size_t reals = 2 * count;
        store_head(p, v.re, std::min(reals, V::size));
        if (reals > V::size) store_head(p + V::size, v.im, reals - V::size);
    }
}

// width numbers past the caches, to whole lines.
template <class V, class T>
DESTRIER_INLINE void stream_pairs(T* p, complex<V> v) noexcept {
    interleave(v.re, v.im);
    stream(p, v.re);
    stream(p + V::size, v.im);
}

// f(first) for the registers that cover n >= W reals; the last one overlaps where W does not divide n.
template <std::size_t W, class F>
DESTRIER_INLINE void for_tiles(std::size_t n, F&& f) noexcept {
    for (std::size_t at = 0; at < n; at += W) f(std::min(at, n - W));
}

// `count` rows of n elements, `stride` values of T apart, into one block: a transpose of their reals parts re
// from im.
template <class A, class T>
void rows_to_block(const T* rows, std::ptrdiff_t stride, std::size_t count, std::size_t n,
                   T* block) noexcept {
    constexpr std::size_t w = width<T, A>;
    if (count < line<T> || 2 * n < w) {
        const view<const T, 2> reals(rows, {count, 2 * n}, {stride, 1});
        return pack<A>(reals, real_blocks<T>(block, 2 * n, count));
    }
    for (std::size_t lane = 0; lane < line<T>;
         lane += w, rows += static_cast<std::ptrdiff_t>(w) * stride) {
        for_tiles<w>(2 * n, [&](std::size_t first) {
            batch<T, A> tile[w];
            unroll<w>([&](auto i) DESTRIER_UNROLLED {
                tile[i] =
                    batch<T, A>::load_unaligned(rows + static_cast<std::ptrdiff_t>(i) * stride + first);
            });
            transpose<T, A>(tile);
            unroll<w>([&](auto i) DESTRIER_UNROLLED {
                tile[i].store_aligned(block + (first + i) * line<T> + lane);
            });
        });
    }
}

// The other way.
template <class A, class T>
void block_to_rows(const T* block, std::size_t count, std::size_t n, T* rows,
                   std::ptrdiff_t stride) noexcept {
    constexpr std::size_t w = width<T, A>;
    if (count < line<T> || 2 * n < w) {
        const view<T, 2> reals(rows, {count, 2 * n}, {stride, 1});
        return unpack<A>(real_blocks<const T>(block, 2 * n, count), reals);
    }
    for (std::size_t lane = 0; lane < line<T>;
         lane += w, rows += static_cast<std::ptrdiff_t>(w) * stride) {
        for_tiles<w>(2 * n, [&](std::size_t first) {
            batch<T, A> tile[w];
            unroll<w>([&](auto i) DESTRIER_UNROLLED {
                tile[i] = batch<T, A>::load_aligned(block + (first + i) * line<T> + lane);
            });
            transpose<T, A>(tile);
            unroll<w>([&](auto i) DESTRIER_UNROLLED {
                tile[i].store_unaligned(rows + static_cast<std::ptrdiff_t>(i) * stride + first);
            });
        });
    }
}

// `count` <= line complex numbers side by side into an element of a block, zeros behind them.
template <class A, class T>
DESTRIER_INLINE void columns_to_element(const T* p, std::size_t count, T* element) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < line<T>; lane += V::size) {
        const complex<V> x = load_pairs<V>(p + 2 * lane, count - std::min(count, lane));
        x.re.store_aligned(element + lane);
        x.im.store_aligned(element + line<T> + lane);
    }
}

template <class A, class T>
DESTRIER_INLINE void element_to_columns(const T* element, std::size_t count, T* p) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < count; lane += V::size) {
        store_pairs(
            p + 2 * lane, count - lane,
            complex<V>{V::load_aligned(element + lane), V::load_aligned(element + line<T> + lane)});
    }
}

// All n elements of a block.
template <class A, class T>
void columns_to_block(const T* p, std::ptrdiff_t stride, std::size_t count, std::size_t n,
                      T* block) noexcept {
    for (std::size_t i = 0; i < n; ++i, p += stride, block += 2 * line<T>) {
        columns_to_element<A>(p, count, block);
    }
}
template <class A, class T>
void block_to_columns(const T* block, std::size_t count, std::size_t n, T* p,
                      std::ptrdiff_t stride) noexcept {
    for (std::size_t i = 0; i < n; ++i, p += stride, block += 2 * line<T>) {
        element_to_columns<A>(block, count, p);
    }
}

} // namespace destrier::fft::detail
