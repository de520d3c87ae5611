// SPDX-License-Identifier: BSD-3-Clause
//
// The gridding kernel: how a sample between cells is shared among them.
//
// It is the prolate spheroidal wave function of order 0, which of all functions of its width has the
// least of its transform outside a given band, and so lets the least alias into the image. Each of its
// taps is a polynomial in the sample's place within its cell, so that all weights of a sample, along
// both axes, are one Horner scheme over 16 lanes. The transform that the image is divided by is that of
// these very polynomials.
//
// Source  Slepian and Pollak, Bell Syst. Tech. J. 40 (1961) 43; computed as Xiao, Rokhlin and Yarvin,
//         Inverse Problems 17 (2001) 805, doi:10.1088/0266-5611/17/4/315
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <destrier/simd.hpp>

namespace destrier::gridrec {

/// How close the result is to the exact adjoint: more taps on a finer grid, and more time.
///
///   preset    oversampling  taps  relative L2 error
///   fast      1.125         6     3e-4
///   standard  1.25          7     3e-5
///   accurate  1.5           8     5e-6
enum class accuracy { fast, standard, accurate };

namespace detail {

inline constexpr std::size_t max_taps = 8;
inline constexpr std::size_t kernel_degree = 8;

struct preset {
    double oversampling;
    std::size_t taps;
};

constexpr preset preset_of(accuracy a) noexcept {
    switch (a) {
    case accuracy::fast: return {1.125, 6};
    case accuracy::standard: return {1.25, 7};
    default: return {1.5, 8};
    }
}

// The prolate spheroidal wave function of order 0 and bandwidth c on [-1, 1], 1 at 0, as a series of
// even Legendre polynomials: the lowest eigenvector of a tridiagonal matrix, by inverse iteration.
class prolate {
public:
    explicit prolate(double c) {
        std::array<double, terms> diagonal, beside{};
        for (std::size_t i = 0; i < terms; ++i) {
            const double k = static_cast<double>(2 * i);
            diagonal[i] = k * (k + 1) + (2 * k * (k + 1) - 1) / ((2 * k + 3) * (2 * k - 1)) * c * c;
            beside[i] = (k + 2) * (k + 1) / ((2 * k + 3) * std::sqrt((2 * k + 1) * (2 * k + 5))) * c * c;
        }
        series_.fill(1);
        for (int iteration = 0; iteration < 60; ++iteration) solve(diagonal, beside);
        for (std::size_t i = 0; i < terms; ++i)
            series_[i] *= std::sqrt(static_cast<double>(2 * i) + 0.5);
        const double middle = (*this)(0);
        for (double& s : series_) s /= middle;
    }

    double operator()(double x) const noexcept {
        double before = 1, now = x, sum = series_[0];
        for (std::size_t k = 1; k < 2 * terms - 1; ++k) {
            const double n = static_cast<double>(k);
            const double next = ((2 * n + 1) * x * now - n * before) / (n + 1);
            before = now;
            now = next;
            if (k % 2 == 1) sum += series_[(k + 1) / 2] * now;
        }
        return sum;
    }

private:
    static constexpr std::size_t terms = 24; // more than enough for the presets, whose c is below 17

    // series = matrix^-1 series, of length 1: one elimination down and one substitution up.
    void solve(std::array<double, terms> diagonal, const std::array<double, terms>& beside) noexcept {
        for (std::size_t i = 1; i < terms; ++i) {
            const double ratio = beside[i - 1] / diagonal[i - 1];
            diagonal[i] -= ratio * beside[i - 1];
            series_[i] -= ratio * series_[i - 1];
        }
        double squares = 0;
        for (std::size_t i = terms; i-- > 0;) {
            if (i + 1 < terms) series_[i] -= beside[i] * series_[i + 1];
            series_[i] /= diagonal[i];
            squares += series_[i] * series_[i];
        }
        for (double& s : series_) s /= std::sqrt(squares);
    }

    std::array<double, terms> series_;
};

class kernel {
public:
    // Bandwidth: the frequencies that must not alias into the image begin at 1 - 1 / (2 oversampling)
    // cycles per cell.
    explicit kernel(preset p) : taps_(p.taps) {
        const prolate function(std::numbers::pi * static_cast<double>(p.taps) *
                               (1 - 0.5 / p.oversampling));
        for (std::size_t tap = 0; tap < taps_; ++tap) fit(tap, function);
    }

    std::size_t taps() const noexcept { return taps_; }

    // The coefficient of t^power for a tap, t in [-1, 1] across the cell.
    double coefficient(std::size_t power, std::size_t tap) const noexcept {
        return coefficients_[power][tap];
    }

    double operator()(std::size_t tap, double t) const noexcept {
        double sum = 0;
        for (std::size_t d = kernel_degree + 1; d-- > 0;) sum = sum * t + coefficients_[d][tap];
        return sum;
    }

    // The kernel's transform at `frequency` cycles per cell: Gauss's rule of 3 points on 16 panels a
    // cell, exact to rounding for these smooth pieces.
    double transform(double frequency) const {
        constexpr int panels = 16;
        const double node = std::sqrt(0.6);
        double sum = 0;
        for (std::size_t tap = 0; tap < taps_; ++tap) {
            for (int panel = 0; panel < panels; ++panel) {
                for (const int side : {-1, 0, 1}) {
                    const double t = (2 * panel + 1 + side * node) / panels - 1;
                    const double weight = (side == 0 ? 8.0 : 5.0) / (18 * panels);
                    sum += weight * (*this)(tap, t) *
                           std::cos(2 * std::numbers::pi * frequency * distance(tap, t));
                }
            }
        }
        return sum;
    }

private:
    // From the sample to the cell of a tap.
    double distance(std::size_t tap, double t) const noexcept {
        return static_cast<double>(tap) + 0.5 * (t + 1) - 0.5 * static_cast<double>(taps_);
    }

    // Newton's interpolation on Chebyshev points, expanded into powers.
    void fit(std::size_t tap, const prolate& function) {
        constexpr std::size_t n = kernel_degree + 1;
        std::array<double, n> x, c;
        for (std::size_t i = 0; i < n; ++i) {
            x[i] = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
            c[i] = function(2 * distance(tap, x[i]) / static_cast<double>(taps_));
        }
        for (std::size_t k = 1; k < n; ++k) {
            for (std::size_t i = n - 1; i >= k; --i) c[i] = (c[i] - c[i - 1]) / (x[i] - x[i - k]);
        }
        std::array<double, n> power{};
        for (std::size_t k = n; k-- > 0;) {
            for (std::size_t d = n - 1; d > 0; --d) power[d] = power[d - 1] - x[k] * power[d];
            power[0] = c[k] - x[k] * power[0];
        }
        for (std::size_t d = 0; d < n; ++d) coefficients_[d][tap] = power[d];
    }

    std::size_t taps_;
    std::array<std::array<double, max_taps>, kernel_degree + 1> coefficients_{};
};

// The kernel as scatter and gather evaluate it: lanes 0 .. 7 are the taps along u, 8 .. 15 along v.
template <std::floating_point T, class A>
class kernel_lanes {
    using V = batch<T, A>;
    static constexpr std::size_t w = width<T, A>;
    static constexpr std::size_t half = max_taps;

public:
    explicit kernel_lanes(const kernel& k) {
        for (std::size_t d = 0; d <= kernel_degree; ++d) {
            for (std::size_t lane = 0; lane < 2 * half; ++lane) {
                coefficients_[d][lane] = static_cast<T>(k.coefficient(d, lane % half));
            }
        }
        for (std::size_t lane = 0; lane < 2 * half; ++lane) is_v_[lane] = lane < half ? T(0) : T(1);
    }

    // weights[0 .. 7] along u at tu, weights[8 .. 15] along v at tv, both in [-1, 1].
    DESTRIER_INLINE void evaluate(T tu, T tv, T* weights) const noexcept {
        unroll<2 * half / w>([&](auto r) DESTRIER_UNROLLED {
            constexpr std::size_t lane = r * w;
            V t(lane < half ? tu : tv);
            if constexpr (w > half) t = fmadd(V(tv - tu), V::load_aligned(is_v_), V(tu));
            V sum = V::load_aligned(coefficients_[kernel_degree] + lane);
            unroll<kernel_degree>([&](auto d) DESTRIER_UNROLLED {
                sum = fmadd(sum, t, V::load_aligned(coefficients_[kernel_degree - 1 - d] + lane));
            });
            sum.store_aligned(weights + lane);
        });
    }

private:
    alignas(64) T coefficients_[kernel_degree + 1][2 * half];
    alignas(64) T is_v_[2 * half];
};

} // namespace detail

} // namespace destrier::gridrec
