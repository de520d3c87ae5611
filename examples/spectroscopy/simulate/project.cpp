// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/project.hpp"

#include <algorithm>
#include <cstddef>

#include "common/output.hpp"
#include "common/progress.hpp"
#include "extract/spots.hpp"

namespace spectra {
namespace {

constexpr std::size_t fibers_at_once = 5; // of 2326 bins: 25 MB of spots

// Adds `electrons` times the part of the spot that is on the CCD.
void add_spot(const spot_table& spots, std::size_t fiber, std::size_t bin, double electrons,
              const psf& p, std::vector<double>& image) {
    const double* const spot = spots.spot(fiber, bin);
    const std::ptrdiff_t x0 = spots.x0[fiber * spots.wavelengths + bin];
    const std::ptrdiff_t y0 = spots.y0[fiber * spots.wavelengths + bin];
    const auto nx = static_cast<std::ptrdiff_t>(p.nx), ny = static_cast<std::ptrdiff_t>(p.ny);
    const auto wide = static_cast<std::ptrdiff_t>(spots.nx),
               high = static_cast<std::ptrdiff_t>(spots.ny);
    const auto pitch = static_cast<std::ptrdiff_t>(spots.pitch);
    for (std::ptrdiff_t y = std::max<std::ptrdiff_t>(0, -y0); y < std::min(high, ny - y0); ++y) {
        double* const row = image.data() + (y0 + y) * nx;
        for (std::ptrdiff_t x = std::max<std::ptrdiff_t>(0, -x0); x < std::min(wide, nx - x0); ++x)
            row[x0 + x] += electrons * spot[y * pitch + x];
    }
}

} // namespace

std::vector<double> project(const psf& p, fiber_range fibers, const wavelength_grid& bins,
                            std::span<const double> electrons, int threads) {
    const std::vector<double> wavelength = bins.values();
    std::vector<double> image(p.nx * p.ny);
    common::progress shown("project", "fibres", fibers.count());
    for (std::size_t first = 0; first < fibers.count(); first += fibers_at_once) {
        const std::size_t count = std::min(fibers_at_once, fibers.count() - first);
        const spot_table spots = evaluate_spots(p, fibers.first + first, count, wavelength, threads);
        // One thread and one order: adding is a thousandth of the work of making spots.
        for (std::size_t f = 0; f < count; ++f) {
            for (std::size_t i = 0; i < wavelength.size(); ++i)
                add_spot(spots, f, i, electrons[(first + f) * wavelength.size() + i], p, image);
        }
        shown.advance(count);
        common::stop_if_interrupted();
    }
    return image;
}

} // namespace spectra
