// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/pixel_matrices.hpp: symmetric matrices of 1 x 1, 2 x 2 or 3 x 3, one a pixel.
//
// Each is its upper triangle, row by row: (pixels, packed<S>). P' N^-1 P is such an array; its inverse is the
// covariance of a map, and its reciprocal condition number
//
//     rcond = smallest eigenvalue / largest eigenvalue
//
// says how well a pixel's samples tell I, Q and U apart: 1/2 at best for I, Q and U, 0 if all samples had the
// same angle. Lanes are pixels: eigenvalues come from Jacobi's rotations, which lose nothing where two of
// them are alike, as the closed form does; inverses from L D L'.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/destripe/chunk.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

namespace detail {

// Where element (i, j), i <= j, of an N x N matrix lies.
template <std::size_t N>
constexpr std::size_t packed_at(std::size_t i, std::size_t j) noexcept {
    return i * (2 * N - i - 1) / 2 + j;
}

// A power of two that brings a number close to 1: scaled by it, matrices of any unit neither overflow nor
// underflow, and lose no bit.
constexpr double power_of_two_for(double x) noexcept {
    const std::uint64_t exponent = std::bit_cast<std::uint64_t>(x) >> 52 & 2047;
    return std::bit_cast<double>((2046 - std::clamp<std::uint64_t>(exponent, 1, 2045)) << 52);
}

// Jacobi's rotation of rows and columns P and Q, after which element (P, Q) is 0.
template <std::size_t N, std::size_t P, std::size_t Q, class V>
DESTRIER_INLINE void rotate(V* m) noexcept {
    constexpr std::size_t pp = packed_at<N>(P, P), qq = packed_at<N>(Q, Q), pq = packed_at<N>(P, Q);
    const V tiny(1e-300), one(1.0);
    const V difference = m[qq] - m[pp], twice = m[pq] + m[pq];
    // tan 2 angle = twice / difference; of the two angles the smaller one
    const V root = square_root(fmadd(difference, difference, twice * twice));
    const V hypotenuse = xsimd::select(root < xsimd::abs(twice), xsimd::abs(twice), root);
    const V tangent =
        xsimd::select(difference < V(0.0), -twice, twice) / (xsimd::abs(difference) + hypotenuse + tiny);
    m[pp] = fnmadd(tangent, m[pq], m[pp]);
    m[qq] = fmadd(tangent, m[pq], m[qq]);
    m[pq] = V(0.0);
    if constexpr (N == 3) {
        constexpr std::size_t r = 3 - P - Q;
        constexpr std::size_t pr = packed_at<N>(std::min(P, r), std::max(P, r));
        constexpr std::size_t qr = packed_at<N>(std::min(Q, r), std::max(Q, r));
        const V cosine = one / square_root(fmadd(tangent, tangent, one)), sine = tangent * cosine;
        const V p = m[pr], q = m[qr];
        m[pr] = fnmadd(sine, q, cosine * p);
        m[qr] = fmadd(sine, p, cosine * q);
    }
}

// Leaves the eigenvalues on the diagonal.
template <std::size_t N, class V>
DESTRIER_INLINE void diagonalise(V* m) noexcept {
    if constexpr (N == 2) rotate<2, 0, 1>(m);
    if constexpr (N == 3) {
        // Three sweeps over all elements may leave 2e-10 of an eigenvalue, four leave nothing that a fifth
        // would change.
        for (int sweep = 0; sweep < 4; ++sweep) {
            rotate<3, 0, 1>(m);
            rotate<3, 0, 2>(m);
            rotate<3, 1, 2>(m);
        }
    }
}

// The smallest eigenvalue over the largest, 0 where the smallest is not positive. Overwrites m.
template <std::size_t N, class V>
DESTRIER_INLINE V reciprocal_condition(V* m) noexcept {
    diagonalise<N>(m);
    V least = m[0], most = m[0];
    unroll<N - 1>([&](auto i) DESTRIER_UNROLLED {
        const V eigenvalue = m[packed_at<N>(i + 1, i + 1)];
        least = xsimd::select(eigenvalue < least, eigenvalue, least);
        most = xsimd::select(most < eigenvalue, eigenvalue, most);
    });
    return xsimd::select(least <= V(0.0), V(0.0), least / most);
}

// m^-1 in m's place, by m = L D L': m^-1 = M' D^-1 M with M = L^-1.
template <std::size_t N, class V>
DESTRIER_INLINE void invert_in_place(V* m) noexcept {
    const V one(1.0);
    const V e0 = one / m[0];
    if constexpr (N == 1) {
        m[0] = e0;
    } else if constexpr (N == 2) {
        const V l = m[1] * e0;
        const V e1 = one / fnmadd(l, m[1], m[2]);
        m[2] = e1;
        m[1] = -l * e1;
        m[0] = fnmadd(l, m[1], e0);
    } else {
        const V l10 = m[1] * e0, l20 = m[2] * e0;
        const V e1 = one / fnmadd(l10, m[1], m[3]);
        const V below = fnmadd(l10, m[2], m[4]);
        const V l21 = below * e1;
        const V e2 = one / fnmadd(l21, below, fnmadd(l20, m[2], m[5]));
        const V m20 = fnmadd(l20, one, l21 * l10);
        m[5] = e2;
        m[4] = -l21 * e2;
        m[2] = m20 * e2;
        m[3] = fnmadd(l21, m[4], e1);
        const V along = l10 * e1;
        m[1] = fnmadd(l21, m[2], -along);
        m[0] = fmadd(m20, m[2], fmadd(l10, along, e0));
    }
}

// The matrices of `count` <= width pixels; lanes without one hold zeros.
template <stokes S, class A>
DESTRIER_INLINE void invert_lanes(const double* matrices, std::size_t count, double threshold,
                                  double* inverse, double* rcond) noexcept {
    using V = batch<double, A>;
    constexpr std::size_t N = components<S>, size = packed<S>, w = width<double, A>;
    alignas(64) double lanes[size][w] = {}, powers[w] = {};
    for (std::size_t lane = 0; lane < count; ++lane) {
        const double* const matrix = matrices + lane * size;
        double trace = 0;
        unroll<N>([&](auto i) DESTRIER_UNROLLED { trace += matrix[packed_at<N>(i, i)]; });
        powers[lane] = power_of_two_for(trace);
        unroll<size>([&](auto e) DESTRIER_UNROLLED { lanes[e][lane] = matrix[e]; });
    }
    const V power = V::load_aligned(powers);
    V m[size], eigen[size];
    unroll<size>([&](auto e) DESTRIER_UNROLLED { eigen[e] = m[e] = V::load_aligned(lanes[e]) * power; });
    const V condition = reciprocal_condition<N>(eigen);
    const auto cut = condition < V(threshold) || condition == V(0.0);
    invert_in_place<N>(m);
    unroll<size>([&](auto e) DESTRIER_UNROLLED {
        xsimd::select(cut, V(0.0), m[e] * power).store_aligned(lanes[e]);
    });
    store_head(rcond, condition, count);
    for (std::size_t lane = 0; lane < count; ++lane) {
        unroll<size>([&](auto e) DESTRIER_UNROLLED { inverse[lane * size + e] = lanes[e][lane]; });
    }
}

inline void check_pixel_array(const char* call, const char* name, std::size_t size, std::size_t pixels,
                              std::size_t each) {
    if (size != pixels * each) {
        throw std::invalid_argument("destripe::" + std::string(call) + ": " + name + " has " +
                                    std::to_string(size) + " elements, expected " +
                                    std::to_string(each) + " for each of " + std::to_string(pixels) +
                                    " pixels");
    }
}

} // namespace detail

/// Inverts matrices that are positive definite. Those whose rcond is below the threshold, or 0, get zeros; rcond
/// is 0 where nothing was seen, and where rounding has made an eigenvalue negative.
///
/// Shapes    matrices, inverse (pixels, packed<S>), rcond (pixels)
/// Aliasing  inverse may be matrices
/// Domain    entries of any unit, traces from 1e-300 to 1e300; NaN makes a pixel's own inverse and rcond NaN
/// Accuracy  inverse 1e-15 / rcond of its largest element, rcond 1e-15, of 1
/// Threads   the same bits for any number of them
/// Throws    std::invalid_argument if spans disagree, or the threshold is negative or NaN
template <stokes S, class A = default_arch>
void invert(std::span<const double> matrices, double threshold, std::span<double> inverse,
            std::span<double> rcond, int threads = 0) {
    constexpr std::size_t w = width<double, A>, size = packed<S>;
    const std::size_t n = rcond.size();
    detail::check_pixel_array("invert", "matrices", matrices.size(), n, size);
    detail::check_pixel_array("invert", "inverse", inverse.size(), n, size);
    if (!(threshold >= 0)) {
        throw std::invalid_argument("destripe::invert: threshold is " + std::to_string(threshold) +
                                    ", expected 0 or more");
    }
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t i = begin; i < end; i += w) {
            detail::invert_lanes<S, A>(matrices.data() + i * size, std::min(w, end - i), threshold,
                                       inverse.data() + i * size, rcond.data() + i);
        }
    });
}

/// y = matrix x in every pixel.
///
/// Shapes    matrices (pixels, packed<S>), x, y (pixels, components<S>)
/// Aliasing  y may be x
/// Threads   the same bits for any number of them
/// Throws    std::invalid_argument if spans disagree
template <stokes S, class A = default_arch>
void apply(std::span<const double> matrices, std::span<const double> x, std::span<double> y,
           int threads = 0) {
    constexpr std::size_t N = components<S>;
    const std::size_t n = x.size() / N;
    detail::check_pixel_array("apply", "x", x.size(), n, N);
    detail::check_pixel_array("apply", "y", y.size(), n, N);
    detail::check_pixel_array("apply", "matrices", matrices.size(), n, packed<S>);
    parallel_for(n, threads, [&](std::size_t pixel) {
        const double* const m = matrices.data() + pixel * packed<S>;
        double in[N], out[N] = {};
        std::copy_n(x.data() + pixel * N, N, in);
        unroll<N>([&](auto i) DESTRIER_UNROLLED {
            unroll<N>([&](auto j) DESTRIER_UNROLLED {
                out[i] +=
                    m[detail::packed_at<N>(std::min<std::size_t>(i, j), std::max<std::size_t>(i, j))] *
                    in[j];
            });
        });
        std::copy_n(out, N, y.data() + pixel * N);
    });
}

} // namespace destrier::destripe
