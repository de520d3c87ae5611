// SPDX-License-Identifier: BSD-3-Clause
//
// patch.hpp: how a bundle is cut into patches that are solved one by one: some fibres and wavelengths that are
// kept, and others around them that are solved for too, and discarded, as their light falls on the same pixels.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "exposure/exposure.hpp"
#include "extract/spots.hpp"

namespace spectra {

struct patch_shape {
    std::size_t bundle = 25;            // fibres that stand together on the CCD, apart from others
    std::size_t fibers = 5, waves = 50; // kept of a patch
    std::size_t wave_padding =
        12;                   // bins to each side; one fibre to each side that is not a bundle's end
    double row_padding = 0.8; // of the rows that only padding bins touch, the share that is used
};

/// Some fibres of a table of spots and all of its wavelengths, padding included; what is kept is counted from there.
struct patch {
    std::size_t first_bin; // of the grid, that is kept
    std::size_t first_fiber, fibers, waves;
    std::size_t kept_fiber, kept_fibers, kept_wave, kept_waves;

    std::size_t unknowns() const { return fibers * waves; }
    /// Unknowns lie side by side that share pixels: all fibres of one wavelength, then those of the next.
    std::size_t unknown(std::size_t fiber, std::size_t wave) const { return wave * fibers + fiber; }
};

/// The wavelengths that patches of these bins need: padding below, the bins, those that fill up the last patch,
/// and padding above, by the first and by the last step. A column of patches needs those from its first bin on.
///
/// Throws  std::invalid_argument if there are fewer than two bins, or if they do not rise
std::vector<double> padded_wavelengths(std::span<const double> bins, const patch_shape& shape);

/// Fibres begin .. end - 1.
struct fiber_span {
    std::size_t begin, end;
};

/// The fibres whose spots are needed for `wanted`, all of one bundle, and the patches that hold them. Patches start
/// at fixed places of the bundle, so that a fibre comes out the same whichever others are wanted.
struct bundle_plan {
    fiber_span spots;
    std::size_t columns;        // patches of the same wavelengths
    std::vector<patch> patches; // column after column

    std::span<const patch> column(std::size_t number) const {
        const std::size_t size = patches.size() / columns;
        return std::span(patches).subspan(number * size, size);
    }
};
bundle_plan plan_bundle(fiber_span wanted, std::size_t fibers_of_psf, std::size_t bins,
                        const patch_shape& shape);

/// Pixels begin .. end - 1 in both directions.
struct extent {
    int x_begin, x_end, y_begin, y_end;

    bool empty() const { return x_begin >= x_end; }
};

/// What the spots of some fibres and waves of a table cover, of those that touch the CCD.
extent covered(const spot_table& spots, const exposure& ccd, fiber_span fibers, std::size_t first_wave,
               std::size_t waves);

/// The image under a patch: as many pixels as the spots that touch the CCD need, weight 0 beyond the CCD and in the
/// rows that are not used. Rows are padded so that any row of a spot can be read in whole registers.
struct patch_image {
    int x0 = 0, y0 = 0; // of the first pixel, on the CCD
    std::size_t nx = 0, ny = 0, pitch = 0;
    std::vector<double> pixel, weight; // (ny, pitch)

    bool empty() const { return nx == 0; }
    bool holds(int x, int y, const spot_table& spots) const {
        return x >= x0 && y >= y0 && x + static_cast<int>(spots.nx) <= x0 + static_cast<int>(nx) &&
               y + static_cast<int>(spots.ny) <= y0 + static_cast<int>(ny);
    }
    std::size_t offset(int x, int y) const {
        return static_cast<std::size_t>(y - y0) * pitch + static_cast<std::size_t>(x - x0);
    }
};

/// Fills `image`; empty where no spot that is kept touches the CCD.
void cut_out(const patch& at, const spot_table& spots, const exposure& ccd,
             std::span<const float> weights, double row_padding, patch_image& image);

} // namespace spectra
