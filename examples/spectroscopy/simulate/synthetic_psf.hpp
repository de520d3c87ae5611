// SPDX-License-Identifier: BSD-3-Clause
//
// synthetic_psf.hpp: a point-spread function like DESI's, for where there is no real one.
#pragma once

#include <cstddef>
#include <filesystem>

#include "exposure/psf.hpp"

namespace spectra {

struct synthetic_psf_options {
    std::filesystem::path output;
    bool overwrite = false;
    std::size_t fibers = 25, rows = 1024; // of fibres; of the CCD, which is as wide as the fibres need
    double first_wavelength = 5760;       // Angstrom, at the lower edge of the CCD
};

/// Gauss-Hermite to degree 6, spots of 17 x 11 pixels that change from fibre to fibre and along the CCD, 0.54 Angstrom
/// a pixel, 7.3 pixels from fibre to fibre and 17 from bundle to bundle.
psf synthetic_psf(std::size_t fibers, std::size_t rows, double first_wavelength);

/// Writes it as specex does: XTRACE, YTRACE and the PSF table.
///
/// Throws  std::runtime_error naming the file and what went wrong
void write_synthetic_psf(const synthetic_psf_options& options);

} // namespace spectra
