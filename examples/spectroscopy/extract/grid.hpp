// SPDX-License-Identifier: BSD-3-Clause
//
// grid.hpp: the wavelengths and fibres that a command line asks for, and whether a PSF has them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "exposure/psf.hpp"

namespace spectra {

/// Bins of one width, from first to last, in Angstrom; a bin's wavelength is that of its middle.
struct wavelength_grid {
    double first, last, step;

    std::size_t size() const; // last is in where it is a whole number of steps away, up to rounding
    std::vector<double> values() const;
};

/// Fibres first .. last - 1.
struct fiber_range {
    std::size_t first, last;

    std::size_t count() const noexcept { return last - first; }
};

/// Reads "5760:7620:0.8"; an empty string means that all is well, as CLI11 has it.
std::string read_grid(const std::string& text, std::optional<wavelength_grid>& grid);
/// Reads "0:25".
std::string read_fibers(const std::string& text, std::optional<fiber_range>& fibers);

/// What was asked for, else all fibres of the PSF.
///
/// Throws  std::runtime_error if the PSF does not have them
fiber_range fibers_of(const psf& p, const std::optional<fiber_range>& asked);

/// What was asked for, else, in steps of 0.8 Angstrom, the whole Angstroms at which all these fibres lie on the CCD
/// (within the series of the PSF, if the PSF does not tell its CCD's size).
///
/// Throws  std::runtime_error if the grid is more than a twentieth of the PSF's own range outside of it, or where
///         no bin of these fibres is on the CCD
wavelength_grid wavelengths_of(const psf& p, fiber_range fibers,
                               const std::optional<wavelength_grid>& asked);

} // namespace spectra
