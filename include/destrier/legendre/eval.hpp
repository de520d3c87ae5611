// SPDX-License-Identifier: BSD-3-Clause
//
// eval.hpp: series at points: one series, many at the same points, one point each, and a single point.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <destrier/layout.hpp>
#include <destrier/legendre/blocks.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/each_series.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/many_series.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

/// What eval may lose, u being half the distance from 1 to the next number, S the sum of the |c_k|, n the
/// degree, up to 64, -1 <= x <= 1:
///
///   fast    (4 + n^2 / 2) u S; one series up to degree 7: 72 u S. Through a domain other than [-1, 1], where x
///           itself is rounded: (8 + 2 n^2) u S, 128 u S
///   tight   (4 + n / 4) u S through any domain; P_n itself to 64 u up to degree 10^4
///
/// A domain's ends are taken as T has them.
enum class accuracy { fast, tight };

struct eval_options {
    legendre::domain domain = {};
    legendre::accuracy accuracy = accuracy::fast;
    int threads = 1;
};

namespace detail {

[[noreturn]] inline void refuse(const char* who, const char* problem, std::size_t has, const char* than,
                                std::size_t expected) {
    throw std::invalid_argument(std::string(who) + ": " + problem + " " + std::to_string(has) + ", " +
                                than + " " + std::to_string(expected));
}

inline void check_terms(const char* who, std::size_t terms) {
    if (terms == 0) {
        throw std::invalid_argument(std::string(who) + ": c has 0 coefficients, expected 1 or more");
    }
}

template <std::floating_point T, class A>
void one_series(std::span<const T> x, std::span<const T> c, T* y, const eval_options& options) {
    const mapping<T, A> map(options.domain);
    const bool streamed = x.size() * sizeof(T) >= streamed_bytes;
    const bool fast = options.accuracy == accuracy::fast;
    const destrier::detail::recurrence_table<T, A, legendre_family> table(c.size() + 1);
    parallel_ranges(x.size(), options.threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        const T* const from = x.data() + begin;
        T* const to = y + begin;
        const std::size_t count = end - begin;
        if (fast && c.size() <= horner_terms) {
            with_constant<horner_terms>(c.size(), [&](auto terms) DESTRIER_UNROLLED {
                horner<terms, T, A>(from, c.data(), to, count, map, streamed);
            });
        } else if (fast && c.size() <= blocks_terms) {
            blocks(from, c.data(), c.size(), to, count, map, streamed);
        } else if (fast) {
            clenshaw(from, c.data(), c.size(), to, count, map, table, streamed);
        } else {
            reinsch_points(from, c.data(), c.size(), to, count, map, table, streamed);
        }
    });
}

template <std::floating_point T, class A>
void many_series(std::span<const T> x, view<const T, 2> c, view<T, 2> y, const eval_options& options) {
    const bool streamed = y.size() * sizeof(T) >= streamed_bytes && rows_are_aligned(y);
    if (options.accuracy == accuracy::fast) {
        fast_series<legendre_family, T, A>(x, c, y, options.domain, streamed, options.threads);
    } else {
        reinsch_series<T, A>(x, c, y, options.domain, streamed, options.threads);
    }
}

} // namespace detail

/// One series at many points: y[i] = sum_k c[k] P_k(x[i]).
///
/// Shapes    x, y (n); c (1 or more)
/// Aliasing  y may be x
/// Domain    any x; outside of the domain the series is extrapolated
/// Accuracy  as `accuracy` says; beyond the domain, to 1.1 times its size, the same with S = sum |c_k P_k(x)|
/// Threads   any number gives the same bits
/// Memory    allocates only for more than 63 terms, 2 numbers a term; results of 2 MiB and more are written past
///           the caches
/// Throws    std::invalid_argument if sizes disagree, c is empty or the domain is; y untouched
/// Source    C. W. Clenshaw, Math. Tables Aids Comput. 9 (1955) 118; for `tight` the form in differences of
///           C. Reinsch (see J. Oliver, J. Inst. Maths Applics 20 (1977) 379)
/// Example   legendre::eval<double>(wavelength, c, y, {.domain = {3600, 5800}});
template <std::floating_point T, class A = default_arch>
void eval(std::span<const T> x, std::span<const T> c, std::span<T> y, const eval_options& options = {}) {
    constexpr const char* who = "legendre::eval";
    if (y.size() != x.size()) detail::refuse(who, "y has size", y.size(), "x has size", x.size());
    detail::check_terms(who, c.size());
    detail::check_domain(who, options.domain);
    detail::one_series<T, A>(x, c, y.data(), options);
}

/// Many series at the same points: y(s, i) = sum_k c(s, k) P_k(x[i]).
///
/// Shapes    x (nx); c (nset, ncoef), any strides; y (nset, nx), any strides, without elements that coincide
/// Aliasing  none
/// Domain    as for one series
/// Accuracy  as `accuracy` says, for any degree what it says of higher ones
/// Threads   any number gives the same bits
/// Memory    allocates a copy of c, 4 registers a series, and a tile a thread as basis does; results of 2 MiB and
///           more are written past the caches where the rows of y start on 64-byte lines
/// Throws    std::invalid_argument if shapes disagree, there are no coefficients, or the domain is empty; y
///           untouched
/// Example   legendre::eval<double>(x, view<const double, 2>(c, {500, 9}), view<double, 2>(y, {500, 6000}));
template <std::floating_point T, class A = default_arch>
void eval(std::span<const T> x, view<const T, 2> c, view<T, 2> y, const eval_options& options = {}) {
    constexpr const char* who = "legendre::eval";
    if (y.extent(1) != x.size())
        detail::refuse(who, "y has points", y.extent(1), "x has size", x.size());
    if (y.extent(0) != c.extent(0)) {
        detail::refuse(who, "y has series", y.extent(0), "c has series", c.extent(0));
    }
    detail::check_terms(who, c.extent(1));
    detail::check_domain(who, options.domain);
    if (x.empty() || c.extent(0) == 0) return;
    if (y.stride(1) != 1) { // by way of contiguous rows
        buffer<T> rows(y.size());
        const view<T, 2> contiguous(rows.data(), y.extents());
        detail::many_series<T, A>(x, c, contiguous, options);
        for (std::size_t s = 0; s < y.extent(0); ++s) {
            for (std::size_t i = 0; i < y.extent(1); ++i) y(s, i) = contiguous(s, i);
        }
        return;
    }
    // Where points make too few tiles to go round, threads share the series.
    const std::size_t threads = static_cast<std::size_t>(thread_count(options.threads));
    const std::size_t tiles = x.size() / detail::tile_points<T, A>(c.extent(1));
    if (threads > 1 && tiles < threads) {
        eval_options alone = options;
        alone.threads = 1;
        parallel_ranges(
            c.extent(0), options.threads, [&](std::size_t begin, std::size_t end, std::size_t) {
                const std::size_t count = end - begin;
                detail::many_series<T, A>(x, c.slice(0, begin, count), y.slice(0, begin, count), alone);
            });
    } else {
        detail::many_series<T, A>(x, c, y, options);
    }
}

/// One series at one point; otherwise as many points.
template <std::floating_point T, class A = default_arch>
T eval(T x, std::span<const T> c, const eval_options& options = {}) {
    T y;
    eval<T, A>(std::span<const T>(&x, 1), c, std::span<T>(&y, 1), options);
    return y;
}

/// One point for each series: y[s] = sum_k c(s, k) P_k(x[s]). Lanes run across the series.
///
/// Shapes    x, y (nset); c (nset, ncoef), any strides
/// Aliasing  y may be x
/// Domain    as for one series, the same for all
/// Accuracy  as `accuracy` says, for any degree what it says of higher ones
/// Threads   any number gives the same bits
/// Memory    allocates only for more than 63 terms, 2 numbers a term
/// Throws    std::invalid_argument if shapes disagree, there are no coefficients, or the domain is empty; y
///           untouched
/// Example   legendre::eval_each<double>(x, view<const double, 2>(c, {500, 7}), y);
template <std::floating_point T, class A = default_arch>
void eval_each(std::span<const T> x, view<const T, 2> c, std::span<T> y,
               const eval_options& options = {}) {
    constexpr const char* who = "legendre::eval_each";
    if (y.size() != x.size()) detail::refuse(who, "y has size", y.size(), "x has size", x.size());
    if (c.extent(0) != x.size())
        detail::refuse(who, "c has series", c.extent(0), "x has size", x.size());
    detail::check_terms(who, c.extent(1));
    detail::check_domain(who, options.domain);
    const detail::mapping<T, A> map(options.domain);
    const destrier::detail::recurrence_table<T, A, legendre_family> table(c.extent(1) + 1);
    constexpr std::size_t w = width<T, A>;
    parallel_for((x.size() + w - 1) / w, options.threads, [&](std::size_t group) {
        const std::size_t first = group * w, count = std::min(w, x.size() - first);
        const batch<T, A> points = load_head<A>(x.data() + first, count);
        const view<const T, 2> series = c.slice(0, first, count);
        const auto sums = [&](auto usual) {
            return options.accuracy == accuracy::fast
                       ? detail::clenshaw_lanes<usual>(points, series, map, table)
                       : detail::reinsch_lanes<usual>(points, series, map, table);
        };
        const bool usual = count == w && c.stride(1) == 1;
        store_head(y.data() + first, usual ? sums(std::true_type{}) : sums(std::false_type{}), count);
    });
}

} // namespace destrier::legendre
