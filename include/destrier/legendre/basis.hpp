// SPDX-License-Identifier: BSD-3-Clause
//
// basis.hpp: the polynomials themselves at many points, a tile at a time or as a whole matrix.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/layout.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

/// p_0 .. p_{terms - 1} at points first .. first + count - 1, for the time of a call.
template <std::floating_point T>
struct basis_tile {
    const T* values;   // [term][pitch], 64-byte aligned, anything behind count
    std::size_t pitch; // a multiple of line<T>
    std::size_t first, count;
    std::size_t worker; // which of the threads' ranges it belongs to

    const T* row(std::size_t term) const noexcept { return values + term * pitch; }
};

namespace detail {

// Points of a tile: the basis takes a third of L1, and rows of results are long enough for memory to like.
// Flat from 8 to 32 kB on Sapphire Rapids.
template <std::floating_point T, class A>
constexpr std::size_t tile_points(std::size_t terms) noexcept {
    constexpr std::size_t bytes = 16 << 10, shortest = 4 * width<T, A>, longest = 1024;
    const std::size_t points = bytes / sizeof(T) / std::max<std::size_t>(terms, 1) / shortest * shortest;
    return std::clamp(points, std::max(shortest, line<T>), longest);
}

// The basis at N registers of points, row k to basis + k pitch.
template <class Family, std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void
basis_registers(const T* x, T* basis, std::ptrdiff_t pitch, std::size_t terms, const mapping<T, A>& map,
                const destrier::detail::recurrence_table<T, A, Family>& table, bool streamed) noexcept {
    using V = batch<T, A>;
    V t[N], before[N], p[N];
    unroll<N>([&](auto i) DESTRIER_UNROLLED {
        t[i] = map(V::load_unaligned(x + i * V::size));
        before[i] = V(T(0));
        p[i] = fmadd(t[i], V(T(0)), V(T(1))); // NaN where the point is
    });
    for (std::size_t k = 0; k < terms; ++k) {
        const V slope_k(table.slope()[k]), back_k(table.back()[k]);
        store_registers(basis, p, streamed);
        basis += pitch;
        unroll<N>([&](auto i) DESTRIER_UNROLLED {
            const V next = fnmadd(back_k, before[i], slope_k * t[i] * p[i]);
            before[i] = p[i];
            p[i] = next;
        });
    }
}

// x is aligned and a whole number of lines long.
template <class Family, std::floating_point T, class A>
void fill_tile(const T* x, std::size_t points, T* basis, std::size_t pitch, std::size_t terms,
               const mapping<T, A>& map,
               const destrier::detail::recurrence_table<T, A, Family>& table) noexcept {
    constexpr std::size_t w = width<T, A>;
    std::size_t i = 0;
    for (; i + 4 * w <= points; i += 4 * w) {
        basis_registers<Family, 4>(x + i, basis + i, static_cast<std::ptrdiff_t>(pitch), terms, map,
                                   table, false);
    }
    for (; i < points; i += w) {
        basis_registers<Family, 1>(x + i, basis + i, static_cast<std::ptrdiff_t>(pitch), terms, map,
                                   table, false);
    }
}

// Calls f(points, whole, first, count, worker) for every tile of every thread's range of x: `count` points from
// first on, copied to a line's start and filled up to whole lines with `filler`.
template <class A, std::floating_point T, class F>
void for_each_stretch(std::span<const T> x, std::size_t pitch, T filler, int threads, F&& f) {
    const std::size_t tiles = (x.size() + pitch - 1) / pitch;
    parallel_ranges(tiles, threads, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        buffer<T> points(pitch);
        for (std::size_t tile = begin; tile < end; ++tile) {
            const std::size_t first = tile * pitch, count = std::min(pitch, x.size() - first);
            const std::size_t whole = (count + line<T> - 1) / line<T> * line<T>;
            std::copy_n(x.data() + first, count, points.data());
            std::fill(points.data() + count, points.data() + whole, filler);
            f(points.data(), whole, first, count, worker);
        }
    });
}

// Hands f(basis_tile) every tile of every thread's range of points.
template <class Family, std::floating_point T, class A, class F>
void for_each_tile(std::span<const T> x, std::size_t terms, domain over, int threads, F&& f) {
    const mapping<T, A> map(over);
    const destrier::detail::recurrence_table<T, A, Family> table(terms + 1);
    const std::size_t pitch = tile_points<T, A>(terms);
    const std::size_t workers = static_cast<std::size_t>(thread_count(threads));
    buffer<T> storage(workers * terms * pitch);
    for_each_stretch<A>(x, pitch, static_cast<T>(over.a), threads,
                        [&](const T* points, std::size_t whole, std::size_t first, std::size_t count,
                            std::size_t worker) {
                            T* const values = storage.data() + worker * terms * pitch;
                            fill_tile<Family, T, A>(points, whole, values, pitch, terms, map, table);
                            f(basis_tile<T>{values, pitch, first, count, worker});
                        });
}

// Whether every row of y starts on a line.
template <std::floating_point T>
bool rows_are_aligned(view<T, 2> y) noexcept {
    return reinterpret_cast<std::uintptr_t>(y.data()) % 64 == 0 &&
           y.stride(0) % static_cast<std::ptrdiff_t>(line<T>) == 0;
}

// Points of a tile times terms, transposed: the terms of a point side by side at out + point pitch.
template <std::floating_point T, class A>
void store_point_major(const basis_tile<T>& tile, std::size_t terms, T* out,
                       std::ptrdiff_t pitch) noexcept {
    constexpr std::size_t w = width<T, A>;
    for (std::size_t point = 0; point < tile.count; point += w) {
        const std::size_t points = std::min(w, tile.count - point);
        for (std::size_t first = 0; first < terms; first += w) {
            const std::size_t count = std::min(w, terms - first);
            batch<T, A> block[w];
            unroll<w>([&](auto k) DESTRIER_UNROLLED {
                block[k] = k < count ? batch<T, A>::load_aligned(tile.row(first + k) + point)
                                     : batch<T, A>(T(0));
            });
            transpose<T, A>(block);
            unroll<w>([&](auto i) DESTRIER_UNROLLED {
                if (i >= points) return;
                T* const to = out + static_cast<std::ptrdiff_t>(point + i) * pitch + first;
                if (count == w) return block[i].store_unaligned(to);
                store_head(to, block[i], count);
            });
        }
    }
}

// Terms after one another, straight from the registers.
template <class Family, std::floating_point T, class A>
void basis_by_term(std::span<const T> x, view<T, 2> out, domain over, int threads) {
    constexpr std::size_t step = 4 * width<T, A>;
    const std::size_t terms = out.extent(0), whole = x.size() / step, rest = x.size() % step;
    const mapping<T, A> map(over);
    const destrier::detail::recurrence_table<T, A, Family> table(terms + 1);
    const bool streamed = out.size() * sizeof(T) >= streamed_bytes && rows_are_aligned(out);
    parallel_ranges(whole, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t i = begin * step; i < end * step; i += step) {
            basis_registers<Family, 4>(x.data() + i, out.data() + i, out.stride(0), terms, map, table,
                                       streamed);
        }
        if (streamed) stream_fence();
    });
    if (rest == 0) return;
    T last[step] = {};
    std::copy_n(x.data() + whole * step, rest, last);
    buffer<T> tile(terms * step);
    basis_registers<Family, 4>(last, tile.data(), std::ptrdiff_t{step}, terms, map, table, false);
    for (std::size_t k = 0; k < terms; ++k)
        std::copy_n(tile.data() + k * step, rest, &out(k, whole * step));
}

template <class Family, std::floating_point T, class A>
void basis(const char* who, std::span<const T> x, view<T, 2> out, domain over, int threads) {
    if (out.extent(1) != x.size()) {
        throw std::invalid_argument(std::string(who) + ": out has points " +
                                    std::to_string(out.extent(1)) + ", x has size " +
                                    std::to_string(x.size()));
    }
    check_domain(who, over);
    if (out.size() == 0) return;
    if (out.stride(1) == 1) return basis_by_term<Family, T, A>(x, out, over, threads);
    for_each_tile<Family, T, A>(x, out.extent(0), over, threads, [&](const basis_tile<T>& tile) {
        if (out.stride(0) == 1) {
            store_point_major<T, A>(tile, out.extent(0), &out(std::size_t{0}, tile.first),
                                    out.stride(1));
        } else {
            for (std::size_t k = 0; k < out.extent(0); ++k) {
                for (std::size_t i = 0; i < tile.count; ++i) out(k, tile.first + i) = tile.row(k)[i];
            }
        }
    });
}

} // namespace detail

/// The design matrix: out(k, i) = P_k(x[i]).
///
/// Shapes    x (nx); out (terms, nx), any strides: {nx, 1} lays the terms after one another, {1, terms} the points
/// Aliasing  none
/// Domain    any x; P_k grows as x^k outside of the domain
/// Accuracy  (4 + k^2 / 2) u for |x| <= 1, (8 + 2 k^2) u through a domain other than [-1, 1]
/// Threads   any number gives the same bits
/// Memory    allocates a tile a thread: 20 KB, or 4 registers a term where that is more, and 2 numbers a term
///           beyond 63; 2 MiB and more are written past the caches where the terms come after one another and each
///           starts on a 64-byte line
/// Throws    std::invalid_argument if shapes disagree or the domain is empty; out untouched
/// Example   legendre::basis<double>(x, view<double, 2>(matrix, {terms, x.size()}, {1, terms}));
template <std::floating_point T, class A = default_arch>
void basis(std::span<const T> x, view<T, 2> out, domain over = {}, int threads = 1) {
    detail::basis<legendre_family, T, A>("legendre::basis", x, out, over, threads);
}

/// P_0 .. P_{terms - 1} a tile of points at a time, each handed to consumer(const basis_tile<T>&) while it is in
/// L1, so that the matrix is never in memory.
///
/// Shapes    x (nx); tiles of 4 registers of points and more, in order within a thread
/// Threads   tiles and their values are the same for any number; consumers run at the same time, each worker's
///           after one another
/// Memory    allocates a tile a thread, as basis does
/// Throws    std::invalid_argument if terms is 0 or the domain is empty; what the consumer throws
/// Example   legendre::for_each_tile<double>(x, 7, [&](const auto& tile) { use(tile.row(6), tile.count); });
template <std::floating_point T, class A = default_arch, class Consumer>
void for_each_tile(std::span<const T> x, std::size_t terms, Consumer&& consumer, domain over = {},
                   int threads = 1) {
    if (terms == 0)
        throw std::invalid_argument("legendre::for_each_tile: terms is 0, expected 1 or more");
    detail::check_domain("legendre::for_each_tile", over);
    detail::for_each_tile<legendre_family, T, A>(x, terms, over, threads, consumer);
}

} // namespace destrier::legendre
