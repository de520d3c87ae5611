// SPDX-License-Identifier: BSD-3-Clause
//
// spots.hpp: the image of one fibre at one wavelength, integrated over pixels, for all fibres and wavelengths
// of a bundle at once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <destrier/memory.hpp>

#include "exposure/psf.hpp"

namespace spectra {

/// x0 and y0 of a spot that is not on any CCD.
inline constexpr int nowhere = -1000000;

/// Spots of `fibers` fibres at `wavelengths` wavelengths. A spot is (ny, nx) pixels, rows padded with zeros to
/// `pitch`, of sum 1, none negative; its lower left pixel is (x0, y0) of the CCD, which may lie outside of it.
/// Where the series of the PSF, far outside of their domain, make no sense, the spot is all zero and lies at `nowhere`.
struct spot_table {
    std::size_t first_fiber = 0, fibers = 0, wavelengths = 0;
    std::size_t nx = 0, ny = 0, pitch = 0;
    destrier::buffer<double> values; // (fibers, wavelengths, ny, pitch)
    std::vector<int> x0, y0;         // (fibers, wavelengths)

    const double* spot(std::size_t fiber, std::size_t wave) const {
        return values.data() + (fiber * wavelengths + wave) * ny * pitch;
    }
};

/// Fibres first .. first + count - 1 of the PSF, at these wavelengths (Angstrom).
///
/// Accuracy  1e-15, of spots whose sum is 1; with tails 1e-12
/// Threads   any number gives the same bits, and so does any range of fibres
spot_table evaluate_spots(const psf& p, std::size_t first, std::size_t count,
                          std::span<const double> wavelengths, int threads = 1);
/// The same into `out`, whose memory is used again if it held as many spots.
void evaluate_spots(const psf& p, std::size_t first, std::size_t count,
                    std::span<const double> wavelengths, spot_table& out, int threads = 1);

} // namespace spectra
