// SPDX-License-Identifier: BSD-3-Clause
//
// fit.hpp: the series nearest to data in the sense of weighted least squares.
//
// The weighted basis, a term a row, is made orthonormal row by row: a row loses its share of the rows before it,
// twice, after which it is orthogonal to the last place; what it loses makes the triangle that takes the data's
// shares back to coefficients. Normal equations would lose twice the digits.
//
// Source  Giraud, Langou, Rozloznik, van den Eshof, Numer. Math. 101 (2005) 87: twice is enough
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/layout.hpp>
#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/eval.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/many_series.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

namespace detail {

// Products are summed in T over so many points, sums of them in double: 200000 floats lose no more than some
// hundred do.
inline constexpr std::size_t summed_points = 512;
inline constexpr std::size_t rows_abreast = 8; // chains of multiply-adds enough for two ports

// sums[k] += rows k . y over some points
template <std::size_t Rows, std::floating_point T, class A>
DESTRIER_INLINE void add_products(const T* rows, std::size_t pitch, const T* y, std::size_t points,
                                  double* sums) noexcept {
    using V = batch<T, A>;
    V chain[Rows];
    unroll<Rows>([&](auto k) DESTRIER_UNROLLED { chain[k] = V(T(0)); });
    for (std::size_t i = 0; i < points; i += V::size) {
        const V y_i = V::load_aligned(y + i);
        unroll<Rows>([&](auto k) DESTRIER_UNROLLED {
            chain[k] = fmadd(V::load_aligned(rows + k * pitch + i), y_i, chain[k]);
        });
    }
    unroll<Rows>([&](auto k) DESTRIER_UNROLLED {
        alignas(64) T lanes[V::size];
        chain[k].store_aligned(lanes);
        for (const T lane : lanes) sums[k] += static_cast<double>(lane);
    });
}

// sums[k] = row k . y for the first `count` rows, pitch apart and as long.
template <std::floating_point T, class A>
void products(const T* rows, std::size_t pitch, std::size_t count, const T* y, double* sums) noexcept {
    std::fill_n(sums, count, 0.0);
    for (std::size_t i = 0; i < pitch; i += summed_points) {
        const std::size_t points = std::min(summed_points, pitch - i);
        for (std::size_t k = 0; k < count; k += rows_abreast) {
            with_constant<rows_abreast>(
                std::min(rows_abreast, count - k), [&](auto some) DESTRIER_UNROLLED {
                    add_products<some, T, A>(rows + k * pitch + i, pitch, y + i, points, sums + k);
                });
        }
    }
}

template <std::size_t Rows, std::floating_point T, class A>
DESTRIER_INLINE void subtract_rows(const T* rows, std::size_t pitch, const double* shares,
                                   T* y) noexcept {
    using V = batch<T, A>;
    V share[Rows];
    unroll<Rows>([&](auto k) DESTRIER_UNROLLED { share[k] = V(static_cast<T>(shares[k])); });
    for (std::size_t i = 0; i < pitch; i += V::size) {
        V rest = V::load_aligned(y + i);
        unroll<Rows>([&](auto k) DESTRIER_UNROLLED {
            rest = fnmadd(share[k], V::load_aligned(rows + k * pitch + i), rest);
        });
        rest.store_aligned(y + i);
    }
}

// y -= sum_k shares[k] row k over the first `count` rows.
template <std::floating_point T, class A>
void subtract(const T* rows, std::size_t pitch, std::size_t count, const double* shares, T* y) noexcept {
    for (std::size_t k = 0; k < count; k += rows_abreast) {
        with_constant<rows_abreast>(std::min(rows_abreast, count - k), [&](auto some) DESTRIER_UNROLLED {
            subtract_rows<some, T, A>(rows + k * pitch, pitch, shares + k, y);
        });
    }
}

// The basis of terms at weighted points as orthonormal rows q and a triangle r: w P_k = sum_{j <= k} r_jk q_j.
template <std::floating_point T, class A>
class orthonormal_basis {
    using V = batch<T, A>;

public:
    orthonormal_basis(std::span<const T> x, std::span<const T> w, std::size_t terms, domain over)
        : points_(x.size()), pitch_(odd_lines(x.size())), terms_(terms), weight_(pitch_),
          rows_(terms * pitch_), triangle_(terms * terms) {
        set_weights(w);
        make_rows(x, over);
        for (std::size_t k = 0; k < terms; ++k) orthonormalise(k);
    }

    std::size_t pitch() const noexcept { return pitch_; }

    /// The coefficients of the series nearest to y. weighted (pitch) and sums (terms) are work space.
    void fit(view<const T, 1> y, view<T, 1> c, T* weighted, double* sums) const noexcept {
        for (std::size_t i = 0; i < pitch_; i += V::size) {
            const std::size_t count = std::min(V::size, points_ - std::min(i, points_));
            const T* const from = y.data() + static_cast<std::ptrdiff_t>(i) * y.stride(0);
            weigh(destrier::detail::load_row<A, T>(from, y.stride(0), count), i)
                .store_aligned(weighted + i);
        }
        products<T, A>(rows_.data(), pitch_, terms_, weighted, sums);
        for (std::size_t k = terms_; k-- > 0;) {
            for (std::size_t j = k + 1; j < terms_; ++j) sums[k] -= r(k, j) * sums[j];
            sums[k] /= r(k, k);
            c(k) = static_cast<T>(sums[k]);
        }
    }

private:
    // What is behind the last point is 0. An odd number of lines keeps rows from falling into the same sets of a
    // cache.
    static std::size_t odd_lines(std::size_t points) noexcept {
        return ((points + line<T> - 1) / line<T> | 1) * line<T>;
    }

    T* row(std::size_t k) noexcept { return rows_.data() + k * pitch_; }
    double& r(std::size_t j, std::size_t k) noexcept { return triangle_[j * terms_ + k]; }
    double r(std::size_t j, std::size_t k) const noexcept { return triangle_[j * terms_ + k]; }

    // By a power of 2 close to 1, so that no square of a weight leaves the range of T.
    void set_weights(std::span<const T> w) {
        std::fill_n(weight_.data(), points_, T(1));
        if (w.empty()) return;
        T largest = 0;
        for (const T v : w) largest = std::max(largest, std::abs(v));
        const int exponent = largest > 0 ? std::ilogb(largest) : 0;
        std::transform(w.begin(), w.end(), weight_.data(),
                       [&](T v) { return std::scalbn(v, -exponent); });
    }

    // Points i and on, weighted; those of weight 0 do not count, whatever they are.
    DESTRIER_INLINE V weigh(V values, std::size_t i) const noexcept {
        const V w = V::load_aligned(weight_.data() + i), none(T(0));
        return xsimd::select(w == none, none, w * values);
    }

    void make_rows(std::span<const T> x, domain over) {
        for_each_tile<legendre_family, T, A>(x, terms_, over, 1, [&](const basis_tile<T>& tile) {
            const std::size_t end = std::min(tile.first + tile.pitch, pitch_);
            for (std::size_t k = 0; k < terms_; ++k) {
                const T* const from = tile.row(k);
                for (std::size_t i = tile.first; i < end; i += V::size) {
                    weigh(V::load_aligned(from + (i - tile.first)), i).store_aligned(row(k) + i);
                }
            }
        });
    }

    double norm(const T* q) const noexcept {
        double square = 0;
        products<T, A>(q, pitch_, 1, q, &square);
        return std::sqrt(square);
    }

    void orthonormalise(std::size_t k) {
        T* const q = row(k);
        const double whole = norm(q);
        buffer<double> shares(k);
        for (int time = 0; time < 2; ++time) {
            products<T, A>(rows_.data(), pitch_, k, q, shares.data());
            subtract<T, A>(rows_.data(), pitch_, k, shares.data(), q);
            for (std::size_t j = 0; j < k; ++j) r(j, k) += shares[j];
        }
        const double rest = norm(q);
        constexpr double roundings = 16 * static_cast<double>(std::numeric_limits<T>::epsilon());
        if (!(rest > roundings * static_cast<double>(terms_) * whole)) {
            throw std::invalid_argument("legendre::fit: at these points and weights P_" +
                                        std::to_string(k) +
                                        " is a sum of those below it, expected points that tell " +
                                        std::to_string(terms_) + " terms apart");
        }
        r(k, k) = rest;
        for (std::size_t i = 0; i < pitch_; i += V::size) {
            (V::load_aligned(q + i) * V(static_cast<T>(1 / rest))).store_aligned(q + i);
        }
    }

    std::size_t points_, pitch_, terms_;
    buffer<T> weight_, rows_;
    buffer<double> triangle_;
};

// Points and weights that a fit can be made of.
template <std::floating_point T, class A>
void check_points(const char* who, std::span<const T> x, std::span<const T> w, std::size_t terms) {
    const auto at = [&](const char* name, std::size_t i, T value) {
        return std::string(who) + ": " + name + "[" + std::to_string(i) + "] is " +
               std::to_string(value) + ", expected a finite number";
    };
    std::size_t counted = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T weight = w.empty() ? T(1) : w[i];
        if (!std::isfinite(weight)) throw std::invalid_argument(at("w", i, weight));
        if (weight == 0) continue;
        if (!std::isfinite(x[i])) throw std::invalid_argument(at("x", i, x[i]));
        ++counted;
    }
    if (counted < terms) {
        refuse(who, "points of weight other than 0 are", counted, "expected at least one a term,",
               terms);
    }
}

} // namespace detail

/// The series nearest to data: for every row s of y, the c(s, .) that makes the sum over i of
/// (w[i] (y(s, i) - sum_k c(s, k) P_k(x[i])))^2 least. w is one over the standard deviation, not the variance.
///
/// Shapes    x (nx); y (ny, nx), any strides; w (nx), or empty for weights of 1; c (ny, terms), any strides; or one
///           y, (nx), and one c, (terms)
/// Aliasing  none
/// Domain    any x. Points of weight 0 do not count, whatever their x and y; NaN in other y gives NaN coefficients in
///           that row of c alone
/// Accuracy  64 u of the largest |y| where the points tell the terms apart well, as those do that crowd at the ends
///           like the zeros of P_nx. 10 terms of 1000 points at random are recovered to 32 u. Where the terms look
///           alike, coefficients are large and lose as much; what the fit leaves of the data is orthogonal to the
///           terms to 64 u sum |c_k| still (70 terms of 101 points at equal distances)
/// Threads   any number gives the same bits; they share the rows of y
/// Memory    allocates terms + 1 numbers a point, and one more a point for each thread
/// Throws    std::invalid_argument if shapes disagree, c has no terms, the domain is empty, there are fewer points than
///           terms or too few different ones, or a weight, or a point that counts, is not finite; c untouched
/// Example   legendre::fit<double>(wavelength, y, {}, c, {5543, 7826});
template <std::floating_point T, class A = default_arch>
void fit(std::span<const T> x, view<const T, 2> y, std::span<const T> w, view<T, 2> c, domain over = {},
         int threads = 1) {
    constexpr const char* who = "legendre::fit";
    const std::size_t terms = c.extent(1);
    if (y.extent(1) != x.size())
        detail::refuse(who, "y has points", y.extent(1), "x has size", x.size());
    if (!w.empty() && w.size() != x.size()) {
        detail::refuse(who, "w has size", w.size(), "x has size", x.size());
    }
    if (c.extent(0) != y.extent(0)) {
        detail::refuse(who, "c has series", c.extent(0), "y has rows", y.extent(0));
    }
    detail::check_terms(who, terms);
    detail::check_domain(who, over);
    detail::check_points<T, A>(who, x, w, terms);
    const detail::orthonormal_basis<T, A> basis(x, w, terms, over);
    parallel_ranges(y.extent(0), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        buffer<T> weighted(basis.pitch());
        buffer<double> sums(terms);
        for (std::size_t s = begin; s < end; ++s) {
            basis.fit(y.at(0, s), c.at(0, s), weighted.data(), sums.data());
        }
    });
}

template <std::floating_point T, class A = default_arch>
void fit(std::span<const T> x, std::span<const T> y, std::span<const T> w, std::span<T> c,
         domain over = {}) {
    fit<T, A>(x, view<const T, 2>(y.data(), {1, y.size()}), w, view<T, 2>(c.data(), {1, c.size()}),
              over);
}

} // namespace destrier::legendre
