// SPDX-License-Identifier: BSD-3-Clause
//
// vo.hpp: the rotation axis from whole sinograms, by the double wedge.
//
// A sinogram over a whole turn is the measured half and its mirror image about the axis. Its
// two-dimensional Fourier transform, over angle (order m) and detector (frequency u), is nearly zero
// outside the double wedge |m| <= 2 pi u R, R the radius of the object. A wrong axis tears the two
// halves apart and spills energy out of the wedge: the axis is where least lies outside.
//
// The lanes hold sixteen candidates. What a candidate sees is cut out of the detector symmetrically
// about itself, with soft edges: so an object wider than the detector makes no steps, and no candidate
// has an advantage over another.
//
// Source  Vo, Drakopoulos, Atwood, Reinhard, Opt. Express 22 (2014) 19078, doi:10.1364/OE.22.019078;
//         the wedge: Edholm, Lewitt, Lindholm, Proc. SPIE 671 (1986) 8
#pragma once

#include <span>

#include <destrier/layout.hpp>

#include "axis/no_axis.hpp"

namespace tomo {

/// The axis of all these slices, sought in the middle half of the detector, to 1/64 pixel.
///
/// Shapes  sinograms (slices, angles, columns) of line integrals, any strides; theta (angles) in radians
/// Throws  no_axis if theta leaves more than 5 degrees of half a turn without a projection, there are
///         fewer than 64 columns, or the best candidate is the first or the last
double vo_axis(destrier::view<const float, 3> sinograms, std::span<const double> theta, int threads);

} // namespace tomo
