// SPDX-License-Identifier: BSD-3-Clause
//
// phase_retrieval.hpp: the transmission behind a sample of one material, from what the camera sees after the
// beam has travelled on and bent edges have become fringes.
//
// For a sample whose refractive index is 1 - delta + i beta with one ratio delta / beta, a distance z before the
// camera, near-field intensity I and transmission T are related by (Paganin et al., eq. 10, mu = 4 pi beta / lambda)
//
//     I = T - (z delta / mu) laplacian T
//
// so that T is I behind a low pass. At u, v cycles per pixel of width p it is
//
//     H(u, v) = 1 / (1 + pi lambda z (delta / beta) / p^2 (u^2 + v^2))
//
// Its kernel decays over L = sqrt(lambda z (delta / beta) / (4 pi)) / p pixels: one dimension of it is
// exp(-|x| / L) / (2 L). Here the kernel is cut to a square and divided by its sum, and the cut kernel is applied to
// the detector with its edge rows and columns repeated. So an output depends on the input within margin() rows and
// nothing else, and a projection comes out the same however its rows are divided into chunks.
//
// Source  Paganin, Mayo, Gureyev, Miller, Wilkins, J. Microscopy 206 (2002) 33
#pragma once

#include <cstddef>
#include <vector>

#include "scan/stack.hpp"

namespace tomo {

struct paganin_options {
    double pixel_cm = 0;    // width of a pixel (of a binned one, if they are), at the sample
    double distance_cm = 0; // from the sample to the camera
    double energy_kev = 0;
    double delta_beta = 0; // delta / beta; 0: no phase retrieval
};

/// L, in pixels: sqrt(z delta / mu) is L pixels. Throws std::runtime_error naming the option that is no positive
/// number.
double blur_of(const paganin_options& options);

class phase_retrieval {
public:
    /// Throws std::runtime_error as blur_of does, and where L is more than 64 pixels and an eighth of the columns,
    /// which is usually a wrong unit.
    phase_retrieval(const paganin_options& options, std::size_t columns);

    /// L, in pixels.
    double blur() const noexcept { return blur_; }
    /// Rows wanted on either side of those that come out.
    std::size_t margin() const noexcept { return margin_; }
    /// H(u, v), of the filter before its kernel is cut. For L from 0.5 to 30 pixels the cut changes it by less than
    /// 3e-4 up to 0.4 cycles per pixel, and by less than 4e-3 beyond; H(0, 0) stays 1.
    double transfer(double u, double v) const noexcept;

    /// What apply takes for so many rows that come out, whatever the angles.
    std::size_t scratch_bytes(std::size_t rows, int threads) const;

    /// Filters transmissions. in has `above` rows more than out at the top and some more at the bottom, margin() of
    /// each or fewer; where there are fewer the edge row is repeated, as it is at the detector's edges. out may be
    /// these rows of in.
    /// Throws std::invalid_argument where the shapes do not fit.
    void apply(const_projections in, std::size_t above, projections out, int threads) const;

private:
    double blur_;
    std::size_t columns_, margin_;
    std::vector<double> kernel_; // (margin + 1, margin + 1), a quarter
};

} // namespace tomo
