// SPDX-License-Identifier: BSD-3-Clause
//
// psf.hpp: a spectrograph's point-spread function as DESI's specex writes it (PSFTYPE GAUSS-HERMITE).
//
// Where the light of a fibre falls, and how it spreads, are smooth functions of wavelength: each is a set of
// Legendre series, one a fibre.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/legendre/domain.hpp>

namespace spectra {

/// One quantity as a function of wavelength (Angstrom), for every fibre.
struct fiber_series {
    destrier::legendre::domain wavelengths;
    std::size_t terms = 0;            // of each series
    std::vector<double> coefficients; // (fibers, terms)

    /// Fibres first .. first + out.extent(0) - 1 at these wavelengths: out (fibers, wavelengths.size()).
    void evaluate(std::size_t first, std::span<const double> at, destrier::view<double, 2> out) const;
};

/// The power-law tails beyond the Gauss-Hermite core.
struct psf_tails {
    fiber_series amplitude, core, x_scale, y_scale,
        index; // TAILAMP, TAILCORE, TAILXSCA, TAILYSCA, TAILINDE
};

struct psf {
    std::string camera; // "r0"; empty where the file has none
    std::size_t fibers = 0;
    std::size_t nx = 0, ny = 0;              // pixels of the CCD image it is for; 0 where unknown
    std::size_t half_x = 0, half_y = 0;      // a spot is (2 half_y + 1, 2 half_x + 1) pixels
    std::size_t degree_x = 0, degree_y = 0;  // of the Gauss-Hermite expansion
    double model_error = 0.01;               // PSFERR: relative error of the model image
    fiber_series x, y;                       // trace, pixels; a pixel's centre is a whole number
    fiber_series sigma_x, sigma_y;           // pixels
    std::vector<fiber_series> gauss_hermite; // GH-i-j at [i * (degree_y + 1) + j], i along x
    std::optional<psf_tails> tails;          // where an amplitude differs from zero
};

/// Reads XTRACE, YTRACE and the PSF table.
///
/// Throws  std::runtime_error naming file, HDU, value and what was expected
psf read_psf(const std::filesystem::path& path);

} // namespace spectra
