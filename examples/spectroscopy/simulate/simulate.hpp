// SPDX-License-Identifier: BSD-3-Clause
//
// simulate.hpp: an exposure of known spectra, as a CCD would have recorded it, and the truth beside it.
#pragma once

#include <filesystem>
#include <optional>

#include "extract/grid.hpp"
#include "simulate/camera.hpp"
#include "simulate/sources.hpp"

namespace spectra {

struct simulate_options {
    std::filesystem::path psf, sky, throughput; // sky, throughput: empty for the built-in ones
    std::filesystem::path output;               // FILE.fits; the truth is FILE-truth.fits
    bool overwrite = false;
    std::optional<fiber_range> fibers;          // none: all of the PSF
    std::optional<wavelength_grid> wavelengths; // none: all that is on the CCD
    double exposure_time = 900;                 // s
    spectra::camera camera;                     // its seed is that of the sources, too
    int threads = 0;
};

/// Writes IMAGE, IVAR and MASK, and beside them TRUTH_PHOTONS (fibers, bins), photons in a bin, WAVELENGTH and
/// IMAGE, without noise or defects. The same options give the same files for any number of threads.
///
/// Throws  std::runtime_error naming file, value and what was expected
void simulate(const simulate_options& options);

} // namespace spectra
