// SPDX-License-Identifier: BSD-3-Clause
//
// camera.hpp: what a CCD makes of the light on it: noise, defects, cosmic rays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exposure/exposure.hpp"

namespace spectra {

/// Bits of MASK, desispec.maskbits.ccdmask.
namespace ccd_bit {
inline constexpr std::int32_t bad = 1 << 0;            // BAD
inline constexpr std::int32_t dead = 1 << 2;           // DEAD
inline constexpr std::int32_t cosmic = 1 << 4;         // COSMIC
inline constexpr std::int32_t bad_read_noise = 1 << 8; // BADREADNOISE: used all the same
} // namespace ccd_bit

struct camera {
    double read_noise = 3; // electrons
    bool noise = true;     // Poisson and read noise; without, the image is the light itself
    // Weights from the light itself, which no real exposure knows; else from the noisy image, as real ones have them.
    bool true_variance = true;
    double bad_pixels =
        0.001; // part of all that hold nonsense; a fourth as many are only said to be noisy
    std::size_t dead_columns = 1; // of no signal
    std::size_t cosmics = 50;     // tracks of 5 to 40 pixels
    std::uint64_t seed = 1;
};

/// IMAGE: Poisson(light) + normal(0, read noise). IVAR: 1 / (light + read noise^2), for what is masked as well. MASK: the
/// defects, which hold values that would show if they were used. Where the light is, (ny, nx), in electrons.
///
/// Threads  any number gives the same bits
exposure expose(const std::vector<double>& light, std::size_t nx, std::size_t ny, const camera& c,
                int threads);

} // namespace spectra
