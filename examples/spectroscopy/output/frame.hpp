// SPDX-License-Identifier: BSD-3-Clause
//
// frame.hpp: extracted spectra, and the file that desispec, astropy and fitsio read them from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spectra {

/// Bits of MASK, desispec.maskbits.specmask.
namespace mask_bit {
inline constexpr std::uint32_t some_bad_pixels =
    1u << 0; // SOMEBADPIX: more than half of the spot is masked
inline constexpr std::uint32_t all_bad_pixels = 1u << 1; // ALLBADPIX
inline constexpr std::uint32_t bad_2d_fit = 1u << 7;     // BAD2DFIT
} // namespace mask_bit

struct frame {
    std::size_t first_fiber = 0, fibers = 0; // of the PSF
    std::size_t diagonals = 0;               // of the resolution, odd
    std::vector<double> wavelength;          // (nwave), Angstrom
    // (fibers, nwave) each; per Angstrom once finished
    std::vector<double> flux, ivar, chi2pix, pixmask_fraction;
    std::vector<std::uint32_t> mask;
    std::vector<double> resolution; // (fibers, diagonals, nwave), [k][j] = R[j + k - diagonals / 2, j]
    std::vector<float> model;       // (ny, nx) where asked for
    std::size_t nx = 0, ny = 0;
    std::string camera;
};

/// What the frame's headers say of where it came from.
struct frame_origin {
    std::filesystem::path psf, exposure; // FIBERMAP is copied from the exposure where it has one
    std::string program;                 // name and version
    std::string algorithm;
    double psf_error;
};

/// Writes the frame whole or not at all; an existing file only if overwrite.
void write_frame(const std::filesystem::path& path, const frame& f, const frame_origin& from,
                 bool overwrite);

} // namespace spectra
