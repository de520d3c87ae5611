// SPDX-License-Identifier: BSD-3-Clause
//
// entropy.hpp: the rotation axis from the entropy of the reconstructed slice.
//
// A wrong axis doubles and smears edges, so that the slice's gray values scatter and the entropy of
// their histogram grows. One slice is reconstructed about sixteen axes at once, one in each lane of
// gridrec, first at low resolution in wide steps, then ever finer.
//
// Source  Donath, Beckmann, Schreyer, J. Opt. Soc. Am. A 23 (2006) 1048, doi:10.1364/JOSAA.23.001048
#pragma once

#include <span>

#include <destrier/layout.hpp>

#include "axis/no_axis.hpp"

namespace tomo {

/// The axis between near - reach and near + reach that gives the slice of least entropy.
///
/// Shapes  sinogram (angles, columns) of line integrals, any strides; theta (angles) in radians
/// Throws  no_axis where the least entropy is at the end of the range, or the range beyond the detector
double entropy_axis(destrier::view<const float, 2> sinogram, std::span<const double> theta, double near,
                    double reach, int threads);

} // namespace tomo
