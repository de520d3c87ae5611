// SPDX-License-Identifier: BSD-3-Clause
//
// picture.hpp: what was extracted, to look at.
#pragma once

#include <filesystem>

#include "exposure/exposure.hpp"
#include "output/frame.hpp"

namespace spectra {

/// Writes a PNG file. Above, side by side, a part of the CCD around the brightest sky line: image, model, and
/// residual from -5 sigma (blue) to 5 sigma (red), gray where a pixel is discarded; wavelength goes up. Below,
/// spectra of up to four fibres with bands of one sigma, numbered by fibre; wavelength goes to the right, and flux
/// is linear near zero and logarithmic far from it, with a line at each power of ten.
///
/// Throws  std::invalid_argument if the frame has no model of the exposure's size; std::runtime_error if the file
///         cannot be written
void write_picture(const std::filesystem::path& path, const exposure& e, const frame& f);

} // namespace spectra
