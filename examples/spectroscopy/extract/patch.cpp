// SPDX-License-Identifier: BSD-3-Clause
#include "extract/patch.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace spectra {
extent covered(const spot_table& spots, const exposure& ccd, fiber_span fibers, std::size_t first_wave,
               std::size_t waves) {
    const int nx = static_cast<int>(spots.nx), ny = static_cast<int>(spots.ny);
    const int ccd_nx = static_cast<int>(ccd.nx), ccd_ny = static_cast<int>(ccd.ny);
    constexpr int most = std::numeric_limits<int>::max(), least = std::numeric_limits<int>::min();
    extent e{most, least, most, least};
    for (std::size_t fiber = fibers.begin; fiber < fibers.end; ++fiber) {
        for (std::size_t wave = first_wave; wave < first_wave + waves; ++wave) {
            const int x = spots.x0[fiber * spots.wavelengths + wave];
            const int y = spots.y0[fiber * spots.wavelengths + wave];
            if (x <= -nx || y <= -ny || x >= ccd_nx || y >= ccd_ny) continue;
            e.x_begin = std::min(e.x_begin, x);
            e.y_begin = std::min(e.y_begin, y);
            e.x_end = std::max(e.x_end, x + nx);
            e.y_end = std::max(e.y_end, y + ny);
        }
    }
    return e;
}

std::vector<double> padded_wavelengths(std::span<const double> bins, const patch_shape& shape) {
    const std::size_t n = bins.size();
    if (n < 2) {
        throw std::invalid_argument("extract: the wavelength grid has " + std::to_string(n) +
                                    " bins, expected 2 or more");
    }
    for (std::size_t i = 1; i < n; ++i) {
        if (!(bins[i] > bins[i - 1])) {
            throw std::invalid_argument("extract: bin " + std::to_string(i) +
                                        " of the wavelength grid is at " + std::to_string(bins[i]) +
                                        ", expected more than " + std::to_string(bins[i - 1]));
        }
    }
    std::vector<double> out;
    const double below = bins[1] - bins[0], above = bins[n - 1] - bins[n - 2];
    for (std::size_t i = shape.wave_padding; i > 0; --i) {
        out.push_back(bins[0] - static_cast<double>(i) * below);
    }
    out.insert(out.end(), bins.begin(), bins.end());
    const std::size_t filling = (shape.waves - n % shape.waves) % shape.waves;
    for (std::size_t i = 1; i <= filling + shape.wave_padding; ++i) {
        out.push_back(bins[n - 1] + static_cast<double>(i) * above);
    }
    return out;
}

bundle_plan plan_bundle(fiber_span wanted, std::size_t fibers_of_psf, std::size_t bins,
                        const patch_shape& shape) {
    const std::size_t first = wanted.begin / shape.bundle * shape.bundle;
    const std::size_t last = std::min(first + shape.bundle, fibers_of_psf);
    if (wanted.begin >= wanted.end || wanted.end > last) {
        throw std::invalid_argument("extract: fibres " + std::to_string(wanted.begin) + ":" +
                                    std::to_string(wanted.end) + " are not of the bundle " +
                                    std::to_string(first) + ":" + std::to_string(last));
    }
    const std::size_t begin = first + (wanted.begin - first) / shape.fibers * shape.fibers;
    const std::size_t end =
        std::min(last, first + (wanted.end - first + shape.fibers - 1) / shape.fibers * shape.fibers);
    bundle_plan plan;
    plan.spots = {begin > first ? begin - 1 : begin, end < last ? end + 1 : end};
    plan.columns = (bins + shape.waves - 1) / shape.waves;
    for (std::size_t bin = 0; bin < bins; bin += shape.waves) {
        for (std::size_t fiber = begin; fiber < end; fiber += shape.fibers) {
            const std::size_t fiber_end = std::min(fiber + shape.fibers, end);
            const std::size_t padded_begin = fiber > first ? fiber - 1 : fiber;
            const std::size_t padded_end = fiber_end < last ? fiber_end + 1 : fiber_end;
            plan.patches.push_back({.first_bin = bin,
                                    .first_fiber = padded_begin - plan.spots.begin,
                                    .fibers = padded_end - padded_begin,
                                    .waves = shape.waves + 2 * shape.wave_padding,
                                    .kept_fiber = fiber - padded_begin,
                                    .kept_fibers = fiber_end - fiber,
                                    .kept_wave = shape.wave_padding,
                                    .kept_waves = std::min(shape.waves, bins - bin)});
        }
    }
    return plan;
}

void cut_out(const patch& at, const spot_table& spots, const exposure& ccd,
             std::span<const float> weights, double row_padding, patch_image& image) {
    const fiber_span fibers{at.first_fiber, at.first_fiber + at.fibers};
    const extent all = covered(spots, ccd, fibers, 0, at.waves);
    // The bins that fill up the last patch count with those that are kept, as in gpu_specter.
    const extent kept = covered(spots, ccd, fibers, at.kept_wave, at.waves - 2 * at.kept_wave);
    image.nx = image.ny = 0;
    if (kept.empty()) return;

    const int y_begin = all.y_begin + static_cast<int>((kept.y_begin - all.y_begin) * (1 - row_padding));
    const int y_end = all.y_begin + static_cast<int>((kept.y_end - all.y_begin) +
                                                     (all.y_end - kept.y_end) * row_padding);
    image.x0 = all.x_begin;
    image.y0 = all.y_begin;
    image.nx = static_cast<std::size_t>(all.x_end - all.x_begin);
    image.ny = static_cast<std::size_t>(all.y_end - all.y_begin);
    image.pitch = image.nx + spots.pitch;
    image.pixel.assign(image.ny * image.pitch, 0.0);
    image.weight.assign(image.ny * image.pitch, 0.0);
    const int x_from = std::max(all.x_begin, 0), x_to = std::min(all.x_end, static_cast<int>(ccd.nx));
    for (int y = std::max(y_begin, 0); y < std::min(y_end, static_cast<int>(ccd.ny)); ++y) {
        const std::size_t from = static_cast<std::size_t>(y) * ccd.nx + static_cast<std::size_t>(x_from);
        const std::size_t to = image.offset(x_from, y), count = static_cast<std::size_t>(x_to - x_from);
        std::copy_n(ccd.image.begin() + static_cast<std::ptrdiff_t>(from), count,
                    image.pixel.begin() + static_cast<std::ptrdiff_t>(to));
        std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(from), count,
                    image.weight.begin() + static_cast<std::ptrdiff_t>(to));
    }
}

} // namespace spectra
