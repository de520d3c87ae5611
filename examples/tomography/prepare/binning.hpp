// SPDX-License-Identifier: BSD-3-Clause
//
// binning.hpp: detector pixels joined to larger ones: fewer, and less noise in each.
#pragma once

#include <cstddef>

#include "scan/scan.hpp"
#include "scan/stack.hpp"

namespace tomo {

/// The mean of factor x factor pixels (rows, columns). in is (angles, factor * rows, columns of the detector), out
/// (angles, rows, columns of the detector / factor); columns that do not fill a pixel are left out on the right.
/// Throws std::invalid_argument where the shapes do not fit.
void bin(const_projections in, std::size_t factor, projections out, int threads);

/// The same of white or dark frames.
frames binned(const frames& pile, std::size_t factor);

} // namespace tomo
