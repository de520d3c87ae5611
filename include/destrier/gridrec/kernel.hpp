// SPDX-License-Identifier: BSD-3-Clause
//
// The gridding kernel: how a sample between cells is shared among them.
//
// It is the "exponential of a semicircle", exp(beta (sqrt(1 - (2 d / w)^2) - 1)) for |d| < w / 2, which
// at every width w keeps what aliases into the image near the least possible. Each of the w taps is a
// polynomial in the sample's place within its cell, so that all weights of a sample, along both axes,
// are one Horner scheme over 16 lanes. The transform that the image is divided by is that of these very
// polynomials.
//
// Source  Barnett, Magland and af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479,
//         doi:10.1137/18M120885X
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
inline constexpr std::size_t kernel_degree = 12;

struct preset {
    double oversampling;
    std::size_t taps;
    double beta; // per tap
};

constexpr preset preset_of(accuracy a) noexcept {
    constexpr double pi = std::numbers::pi;
    switch (a) {
    case accuracy::fast: return {1.125, 6, pi * (1 - 0.5 / 1.125) * 0.98};
    case accuracy::standard: return {1.25, 7, pi * (1 - 0.5 / 1.25) * 0.98};
    default: return {1.5, 8, pi * (1 - 0.5 / 1.5) * 0.98};
    }
}

class kernel {
public:
    explicit kernel(preset p) : taps_(p.taps) {
        for (std::size_t tap = 0; tap < taps_; ++tap) fit(tap, p.beta * static_cast<double>(p.taps));
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
    void fit(std::size_t tap, double beta) {
        constexpr std::size_t n = kernel_degree + 1;
        std::array<double, n> x, c;
        for (std::size_t i = 0; i < n; ++i) {
            x[i] = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
            const double y = 2 * distance(tap, x[i]) / static_cast<double>(taps_);
            c[i] = std::exp(beta * (std::sqrt(std::max(0.0, 1 - y * y)) - 1));
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
