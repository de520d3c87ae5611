// SPDX-License-Identifier: BSD-3-Clause
//
// project.hpp: spectra onto the CCD.
#pragma once

#include <span>
#include <vector>

#include "exposure/psf.hpp"
#include "extract/grid.hpp"

namespace spectra {

/// Image of these electrons, each bin's light at its middle: (ny, nx) of the PSF's CCD. What falls beside the CCD is
/// lost.
///
/// Shapes   electrons (fibers, bins)
/// Threads  any number gives the same bits
std::vector<double> project(const psf& p, fiber_range fibers, const wavelength_grid& bins,
                            std::span<const double> electrons, int threads);

} // namespace spectra
