// SPDX-License-Identifier: BSD-3-Clause
//
// exposure.hpp: a preprocessed CCD image (desispec's preproc): electrons, their inverse variance, and a mask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace spectra {

struct exposure {
    std::size_t nx = 0, ny = 0;     // all arrays are (ny, nx), x fastest
    std::vector<float> image;       // electrons
    std::vector<float> ivar;        // 1 / electrons^2; 0 where the pixel says nothing
    std::vector<std::int32_t> mask; // bits of desispec.maskbits.ccdmask
    std::string camera;             // CAMERA of the IMAGE header; empty where it has none
    double exposure_time = 0;       // EXPTIME, s; 0 where it has none
};

/// Mask bits for which production discards a pixel (BAD HOT DEAD SATURATED COSMIC PIXFLATZERO PIXFLATLOW
/// HIGHVAR BADAMP): 0-7 and 9, not 8 (BADREADNOISE).
inline constexpr std::int32_t discarded_bits = 0x2ff;

/// Reads IMAGE, IVAR and MASK, plain or tile-compressed, the file gzipped or not. A missing MASK counts as
/// all zero.
///
/// Throws  std::runtime_error naming file, HDU, value and what was expected
exposure read_exposure(const std::filesystem::path& path);

/// Weights of the pixels: ivar, or 0 where the mask discards the pixel, where the pixel or its ivar is not
/// finite, or where ivar is not positive. Such pixels' values in `image` are set to zero too.
std::vector<float> usable_weights(exposure& e);

/// Writes IMAGE, IVAR and RICE-compressed MASK, float32 and int16.
void write_exposure(const std::filesystem::path& path, const exposure& e, const std::string& program,
                    const std::vector<std::pair<std::string, double>>& cards);

} // namespace spectra
