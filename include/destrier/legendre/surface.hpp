// SPDX-License-Identifier: BSD-3-Clause
//
// surface.hpp: series of two variables, sum_ij c_ij P_i(x) P_j(y), at points and on grids.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>

#include <destrier/layout.hpp>
#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/eval.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/many_series.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

struct surface_options {
    domain x = {}, y = {};
    int threads = 1;
};

namespace detail {

// The basis along one axis at a tile of points.
template <std::floating_point T, class A>
class axis_basis {
public:
    axis_basis(std::size_t terms, domain over, std::size_t pitch)
        : terms_(terms), pitch_(pitch), map_(over), table_(terms + 1), points_(pitch),
          values_(terms * pitch) {}

    void fill(std::span<const T> x) noexcept {
        const std::size_t whole = (x.size() + line<T> - 1) / line<T> * line<T>;
        std::copy(x.begin(), x.end(), points_.data());
        std::fill(points_.data() + x.size(), points_.data() + whole, map_.a);
        fill_tile<legendre_family, T, A>(points_.data(), whole, values_.data(), pitch_, terms_, map_,
                                         table_);
    }
    const T* row(std::size_t term) const noexcept { return values_.data() + term * pitch_; }
    std::size_t pitch() const noexcept { return pitch_; }

private:
    std::size_t terms_, pitch_;
    mapping<T, A> map_;
    destrier::detail::recurrence_table<T, A, legendre_family> table_;
    buffer<T> points_, values_;
};

inline constexpr std::size_t terms_abreast = 4;

// The surface at points i and on of a tile: for some i at a time the series in y, each then times P_i(x).
template <std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void surface_at(const axis_basis<T, A>& x, const axis_basis<T, A>& y,
                                const grouped_coefficients<T, A>& c, std::size_t i,
                                batch<T, A> (&z)[N]) noexcept {
    using V = batch<T, A>;
    unroll<N>([&](auto n) DESTRIER_UNROLLED { // NaN where y is
        z[n] = V::load_aligned(y.row(0) + i + n * V::size) * V(T(0));
    });
    for (std::size_t g = 0; g < c.groups(); ++g) {
        const range terms = c.group(g);
        with_constant<terms_abreast>(terms.end - terms.begin, [&](auto some) DESTRIER_UNROLLED {
            V series[some][N];
            dot(y.row(0) + i, y.pitch(), c.of(g), c.terms(), series);
            unroll<some>([&](auto k) DESTRIER_UNROLLED {
                const T* const p = x.row(terms.begin + k) + i;
                unroll<N>([&](auto n) DESTRIER_UNROLLED {
                    z[n] = fmadd(series[k][n], V::load_aligned(p + n * V::size), z[n]);
                });
            });
        });
    }
}

template <std::floating_point T, class A>
void surface_tile(const axis_basis<T, A>& x, const axis_basis<T, A>& y,
                  const grouped_coefficients<T, A>& c, std::span<T> out) noexcept {
    constexpr std::size_t n = points_abreast<A>, step = n * width<T, A>;
    batch<T, A> z[n];
    for (std::size_t i = 0; i < out.size(); i += step) {
        surface_at(x, y, c, i, z);
        if (i + step <= out.size()) {
            store_registers(out.data() + i, z, false);
        } else {
            alignas(64) T row[step];
            store_registers(row, z, false);
            std::copy_n(row, out.size() - i, out.data() + i);
        }
    }
}

inline void check_surface(const char* who, std::size_t x_terms, std::size_t y_terms,
                          const surface_options& options) {
    check_terms(who, x_terms * y_terms);
    check_domain(who, options.x);
    check_domain(who, options.y);
}

template <class T>
view<T, 2> transposed(view<T, 2> v) noexcept {
    return {v.data(), {v.extent(1), v.extent(0)}, {v.stride(1), v.stride(0)}};
}

} // namespace detail

/// A series of two variables at points: out[p] = sum_ij c(i, j) P_i(x[p]) P_j(y[p]).
///
/// Shapes    x, y, out (n); c (x_terms, y_terms), any strides
/// Aliasing  out may be x or y
/// Domain    any x and y; outside of the domains the series is extrapolated
/// Accuracy  (8 + (n^2 + m^2) / 2) u sum |c_ij| in [-1, 1], n and m being the degrees; through other domains, where
///           x and y themselves are rounded, (16 + 2 (n^2 + m^2)) u sum |c_ij|
/// Threads   any number gives the same bits
/// Memory    allocates a copy of c and a tile of x_terms + y_terms a thread, as basis does
/// Throws    std::invalid_argument if sizes disagree, c is empty or a domain is; out untouched
/// Example   legendre::eval_points<double>(x, y, view<const double, 2>(c, {4, 7}), z, {.y = {5543, 7826}});
template <std::floating_point T, class A = default_arch>
void eval_points(std::span<const T> x, std::span<const T> y, view<const T, 2> c, std::span<T> out,
                 const surface_options& options = {}) {
    constexpr const char* who = "legendre::eval_points";
    if (y.size() != x.size()) detail::refuse(who, "y has size", y.size(), "x has size", x.size());
    if (out.size() != x.size()) detail::refuse(who, "out has size", out.size(), "x has size", x.size());
    detail::check_surface(who, c.extent(0), c.extent(1), options);
    const detail::grouped_coefficients<T, A> grouped(c, detail::terms_abreast);
    const std::size_t pitch = detail::tile_points<T, A>(c.extent(0) + c.extent(1));
    const std::size_t tiles = (x.size() + pitch - 1) / pitch;
    parallel_ranges(tiles, options.threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        detail::axis_basis<T, A> along_x(c.extent(0), options.x, pitch),
            along_y(c.extent(1), options.y, pitch);
        for (std::size_t tile = begin; tile < end; ++tile) {
            const std::size_t first = tile * pitch, count = std::min(pitch, x.size() - first);
            along_x.fill(x.subspan(first, count));
            along_y.fill(y.subspan(first, count));
            detail::surface_tile(along_x, along_y, grouped, out.subspan(first, count));
        }
    });
}

/// A series of two variables on a grid: out(p, q) = sum_ij c(i, j) P_i(x[p]) P_j(y[q]).
///
/// Shapes    x (nx); y (ny); c (x_terms, y_terms) and out (nx, ny), any strides
/// Aliasing  none
/// Domain    any x and y; outside of the domains the series is extrapolated
/// Accuracy  (8 + (n^2 + m^2) / 2) u sum |c_ij| in [-1, 1], n and m being the degrees; through other domains, where
///           x and y themselves are rounded, (16 + 2 (n^2 + m^2)) u sum |c_ij|
/// Threads   any number gives the same bits
/// Memory    allocates y_terms * nx numbers beside what `eval` of many series does
/// Throws    std::invalid_argument if shapes disagree, c is empty or a domain is; out untouched
/// Example   legendre::eval_grid<double>(x, y, view<const double, 2>(c, {4, 7}), view<double, 2>(image, {nx, ny}));
template <std::floating_point T, class A = default_arch>
void eval_grid(std::span<const T> x, std::span<const T> y, view<const T, 2> c, view<T, 2> out,
               const surface_options& options = {}) {
    constexpr const char* who = "legendre::eval_grid";
    if (out.extent(0) != x.size()) {
        detail::refuse(who, "out has rows", out.extent(0), "x has size", x.size());
    }
    if (out.extent(1) != y.size()) {
        detail::refuse(who, "out has columns", out.extent(1), "y has size", y.size());
    }
    detail::check_surface(who, c.extent(0), c.extent(1), options);
    if (out.stride(1) != 1 && out.stride(0) == 1) {
        return eval_grid<T, A>(y, x, detail::transposed(c), detail::transposed(out),
                               {.x = options.y, .y = options.x, .threads = options.threads});
    }
    // As series in y, with coefficients that are series in x.
    buffer<T> coefficients(c.extent(1) * x.size());
    const view<T, 2> of_y(coefficients.data(), {c.extent(1), x.size()});
    eval<T, A>(x, detail::transposed(c), of_y, {.domain = options.x, .threads = options.threads});
    eval<T, A>(y, view<const T, 2>(detail::transposed(of_y)), out,
               {.domain = options.y, .threads = options.threads});
}

} // namespace destrier::legendre
