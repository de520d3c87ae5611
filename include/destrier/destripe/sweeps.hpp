// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/sweeps.hpp: the loops over entries that an iteration consists of.
//
//   bin_sweep       y = B p for each pixel, then m = C y: reads the entries by pixel, gathers p
//   project_sweep   g = B' m for each baseline: reads the entries by baseline, gathers m
//   both_sweep      both at once, from the entries by pixel alone: adds to g instead of gathering m
//
// A pixel or a baseline is summed up by one thread in the order of its entries, so that the bits are the same for
// any number of threads. A pixel's m is four numbers side by side (I, Q, U and a zero), one access, or one for
// intensity alone; Q and U are in weight_unit's units, so that the whole numbers of entries need no scaling.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/entries.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe::detail {

/// Numbers of T that m takes a pixel.
template <stokes S>
inline constexpr std::size_t map_stride = S == stokes::i ? 1 : 4;

// The weights of an entry: n, c, s, and nothing of the entry behind it. Q and U alone have no use for n.
template <stokes S>
struct weight_mask {
    alignas(16) static constexpr std::int32_t bits[4] = {S == stokes::iqu ? most_samples : 0, -1, -1, 0};
};
template <stokes S, class A>
DESTRIER_INLINE double4<A> weights(const polarised_entry* e) noexcept {
    return double4<A>::load(reinterpret_cast<const std::int32_t*>(e), weight_mask<S>::bits);
}

// Entries are called for so many bytes before they are read: the processor does so of itself, but gives up at each
// page's end, and has all the computing of a few entries to look past. On a Sapphire Rapids 2048 to 4096 are alike;
// with none, sweeps of I, Q and U take 1.4 to 2.7 times as long.
inline constexpr std::size_t prefetched_bytes = 4096;
template <class E>
DESTRIER_INLINE void prefetch(const E* e) noexcept {
    __builtin_prefetch(reinterpret_cast<const char*>(e) + prefetched_bytes);
}

// The sum over entries of their samples times x at their places. With x = p this is B p of a pixel, with x = m
// B' m of a baseline.
template <class A, class T>
DESTRIER_INLINE double summed(const intensity_entry* e, const intensity_entry* end,
                              const T* x) noexcept {
    if constexpr (destrier::detail::is_avx512<A>) {
        const auto add = [x](const intensity_entry* from, std::size_t n, batch<double, A> sum)
                             DESTRIER_UNROLLED { return add_counted<count_bits>(&from->at, n, x, sum); };
        batch<double, A> sum[2] = {batch<double, A>(0.0), batch<double, A>(0.0)};
        for (; e + 16 <= end; e += 16) {
            prefetch(e);
            unroll<2>([&](auto k) DESTRIER_UNROLLED { sum[k] = add(e + 8 * k, 8, sum[k]); });
        }
        if (e + 8 <= end) {
            sum[0] = add(e, 8, sum[0]);
            e += 8;
        }
        if (e < end) sum[1] = add(e, static_cast<std::size_t>(end - e), sum[1]);
        alignas(64) double lanes[8];
        (sum[0] + sum[1]).store_aligned(lanes);
        return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
               ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
    }
    double sum[4] = {};
    for (; e + 4 <= end; e += 4) {
        prefetch(e);
        unroll<4>([&](auto k) DESTRIER_UNROLLED {
            sum[k] += samples(e[k]) * static_cast<double>(x[place(e[k])]);
        });
    }
    for (; e < end; ++e) sum[0] += samples(*e) * static_cast<double>(x[place(*e)]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// The same of I, Q and U: the sum of weights times value(entry).
template <stokes S, class A, class F>
DESTRIER_INLINE double4<A> summed(const polarised_entry* e, const polarised_entry* end,
                                  F&& value) noexcept {
    double4<A> sum[4];
    unroll<4>([&](auto k) DESTRIER_UNROLLED { sum[k] = double4<A>(0.0); });
    for (; e + 4 <= end; e += 4) {
        prefetch(e);
        unroll<4>([&](auto k)
                      DESTRIER_UNROLLED { sum[k] = fmadd(weights<S, A>(e + k), value(e[k]), sum[k]); });
    }
    for (; e < end; ++e) sum[0] = fmadd(weights<S, A>(e), value(*e), sum[0]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// B p of one pixel.
template <stokes S, class A>
DESTRIER_INLINE void binned(const entry<S>* e, const entry<S>* end, const double* p,
                            double* y) noexcept {
    if constexpr (S == stokes::i) {
        y[0] = summed<A>(e, end, p);
    } else {
        summed<S, A>(e, end, [p](const entry<S>& of) DESTRIER_UNROLLED {
            return double4<A>(p[place(of)]);
        }).store(y);
    }
}

// m = C y of one pixel, C packed and in the units of entries; y and m have I, Q, U at their places.
template <stokes S, class T>
DESTRIER_INLINE void solved(const double* c, const double* y, T* m) noexcept {
    if constexpr (S == stokes::i) {
        m[0] = static_cast<T>(c[0] * y[0]);
    } else if constexpr (S == stokes::qu) {
        m[0] = m[3] = 0;
        m[1] = static_cast<T>(c[0] * y[1] + c[1] * y[2]);
        m[2] = static_cast<T>(c[1] * y[1] + c[2] * y[2]);
    } else {
        m[0] = static_cast<T>(c[0] * y[0] + c[1] * y[1] + c[2] * y[2]);
        m[1] = static_cast<T>(c[1] * y[0] + c[3] * y[1] + c[4] * y[2]);
        m[2] = static_cast<T>(c[2] * y[0] + c[4] * y[1] + c[5] * y[2]);
        m[3] = 0;
    }
}

// B' m of one baseline.
template <stokes S, class A, class T>
DESTRIER_INLINE double projected(const entry<S>* e, const entry<S>* end, const T* m) noexcept {
    if constexpr (S == stokes::i) {
        return summed<A>(e, end, m);
    } else {
        double lanes[4];
        summed<S, A>(e, end, [m](const entry<S>& of) DESTRIER_UNROLLED {
            return double4<A>::load(m + 4 * place(of));
        }).store(lanes);
        return lanes[0] + lanes[1] + lanes[2];
    }
}

/// y = B p of pixels first .. last - 1.
template <stokes S, class A>
void bin_sweep(const entry_table<S>& table, std::size_t first, std::size_t last, const double* p,
               double* y) noexcept {
    const entry<S>* const all = table.entries.data();
    for (std::size_t pixel = first; pixel < last; ++pixel) {
        double sums[4];
        binned<S, A>(all + table.first[pixel], all + table.first[pixel + 1], p, sums);
        for (std::size_t k = 0; k < components<S>; ++k) {
            y[pixel * components<S> + k] = sums[k + (S == stokes::qu ? 1 : 0)];
        }
    }
}

/// m = C B p of pixels first .. last - 1.
template <stokes S, class A, class T>
void bin_and_solve_sweep(const entry_table<S>& table, std::size_t first, std::size_t last,
                         const double* p, const double* c, T* m) noexcept {
    const entry<S>* const all = table.entries.data();
    for (std::size_t pixel = first; pixel < last; ++pixel) {
        double sums[4];
        binned<S, A>(all + table.first[pixel], all + table.first[pixel + 1], p, sums);
        solved<S>(c + pixel * packed<S>, sums, m + pixel * map_stride<S>);
    }
}

/// m = C y of pixels first .. last - 1.
template <stokes S, class A, class T>
void solve_sweep(std::size_t first, std::size_t last, const double* c, const double* y, T* m) noexcept {
    for (std::size_t pixel = first; pixel < last; ++pixel) {
        double sums[4] = {};
        for (std::size_t k = 0; k < components<S>; ++k) {
            sums[k + (S == stokes::qu ? 1 : 0)] = y[pixel * components<S> + k];
        }
        solved<S>(c + pixel * packed<S>, sums, m + pixel * map_stride<S>);
    }
}

/// Calls f(baseline, its B' m) for baselines first .. last - 1.
template <stokes S, class A, class T, class F>
DESTRIER_INLINE void project_sweep(const entry_table<S>& table, std::size_t first, std::size_t last,
                                   const T* m, F&& f) noexcept {
    const entry<S>* const all = table.entries.data();
    for (std::size_t b = first; b < last; ++b) {
        f(b, projected<S, A>(all + table.first[b], all + table.first[b + 1], m));
    }
}

// Adds entries' weights times m to the g of their baselines.
template <stokes S, class A>
DESTRIER_INLINE void scatter(const entry<S>* e, const entry<S>* end, const double* m,
                             double* g) noexcept {
    if constexpr (S == stokes::i) {
        for (; e + 4 <= end; e += 4) {
            unroll<4>([&](auto k) DESTRIER_UNROLLED { g[place(e[k])] += samples(e[k]) * m[0]; });
        }
        for (; e < end; ++e) g[place(*e)] += samples(*e) * m[0];
    } else {
        const double4<A> value = double4<A>::load(m), zero(0.0);
        const auto of = [&](const entry<S>* one)
                            DESTRIER_UNROLLED { return weights<S, A>(one) * value; };
        double added[4];
        for (; e + 4 <= end; e += 4) {
            sums(of(e), of(e + 1), of(e + 2), of(e + 3)).store(added);
            unroll<4>([&](auto k) DESTRIER_UNROLLED { g[place(e[k])] += added[k]; });
        }
        for (; e < end; ++e) {
            sums(of(e), zero, zero, zero).store(added);
            g[place(*e)] += added[0];
        }
    }
}

/// g += B' C B p of pixels first .. last - 1.
template <stokes S, class A, class T>
void both_sweep(const entry_table<S>& table, std::size_t first, std::size_t last, const double* p,
                const double* c, double* g) noexcept {
    const entry<S>* const all = table.entries.data();
    for (std::size_t pixel = first; pixel < last; ++pixel) {
        const entry<S>* const begin = all + table.first[pixel];
        const entry<S>* const end = all + table.first[pixel + 1];
        double sums[4];
        T m[4];
        binned<S, A>(begin, end, p, sums);
        solved<S>(c + pixel * packed<S>, sums, m);
        const double wide[4] = {m[0], S == stokes::i ? 0 : m[1], S == stokes::i ? 0 : m[2], 0};
        scatter<S, A>(begin, end, wide, g);
    }
}

} // namespace destrier::destripe::detail
