// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/fourier_wavelet.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "reconstruct/scratch_bytes.hpp"

namespace tomo {
namespace {

using destrier::real_blocks;
using destrier::view;

constexpr std::size_t lanes = destrier::line<float>;

// The response of n elements whose Fourier component m is exp(-m^2 / (2 sigma^2)).
std::vector<float> gaussian_response(std::size_t n, double sigma) {
    // Components beyond are below the rounding of the largest.
    const auto highest = static_cast<std::size_t>(std::min(8 * sigma, static_cast<double>(n / 2)));
    std::vector<float> response(n);
    for (std::size_t t = 0; t < n; ++t) {
        double sum = 1;
        for (std::size_t m = 1; m <= highest; ++m) {
            const double x = static_cast<double>(m) / sigma;
            const double both = 2 * m == n ? 1 : 2; // m and -m
            sum +=
                both * std::exp(-x * x / 2) *
                std::cos(2 * std::numbers::pi * static_cast<double>(m * t % n) / static_cast<double>(n));
        }
        response[t] = static_cast<float>(sum / static_cast<double>(n));
    }
    return response;
}

} // namespace

fourier_wavelet::fourier_wavelet(std::size_t angles, std::size_t columns, std::size_t levels,
                                 std::size_t order, double sigma)
    : wavelet_(order), extents_{{angles, columns}} {
    for (std::size_t level = 0; level < levels; ++level) {
        const extents& finer = extents_.back();
        extents_.push_back({wavelet_.coefficients(finer.angles), wavelet_.coefficients(finer.columns)});
        slow_.emplace_back(gaussian_response(extents_.back().angles, sigma));
    }
}

fourier_wavelet::work_space::work_space(const fourier_wavelet& plan) {
    std::size_t scratch_size = 0, most_halved = 0, most_block = 0, longest = 0;
    for (std::size_t level = 0; level < plan.extents_.size(); ++level) {
        const extents& here = plan.extents_[level];
        smooth.emplace_back(here.size());
        rough.emplace_back(level == 0 ? 0 : here.size());
        longest = std::max(longest, here.columns);
        if (level == 0) continue;
        most_halved = std::max(most_halved, here.angles * plan.extents_[level - 1].columns);
        most_block = std::max(most_block, here.angles * lanes);
        scratch_size = std::max(scratch_size, plan.slow_[level - 1].scratch_size());
    }
    halved = destrier::buffer<float>(most_halved);
    row = destrier::buffer<float>(plan.wavelet_.room(longest));
    block = destrier::buffer<float>(most_block);
    scratch = destrier::buffer<float>(scratch_size);
}

std::size_t fourier_wavelet::work_space::bytes() const {
    std::size_t sum = bytes_of(halved, row, block, scratch);
    for (const auto* const levels : {&smooth, &rough}) {
        for (const destrier::buffer<float>& level : *levels) sum += bytes_of(level);
    }
    return sum;
}

// Convolves each column, sixteen at a time.
void fourier_wavelet::keep_slow(std::size_t level, float* rough, work_space& work) const {
    const auto [angles, columns] = extents_[level];
    const real_blocks<float> block(work.block.data(), angles, lanes);
    for (std::size_t first = 0; first < columns; first += lanes) {
        const std::size_t count = std::min(lanes, columns - first);
        for (std::size_t angle = 0; angle < angles; ++angle) {
            std::copy_n(rough + angle * columns + first, count, block.at(0, angle));
        }
        slow_[level - 1].apply(block, block, work.scratch.span());
        for (std::size_t angle = 0; angle < angles; ++angle) {
            std::copy_n(block.at(0, angle), count, rough + angle * columns + first);
        }
    }
}

void fourier_wavelet::remove(view<float, 2> sinogram, work_space& work) const {
    const std::size_t levels = slow_.size();
    const auto row_of = [](destrier::buffer<float>& image, std::size_t i, std::size_t columns) {
        return image.span().subspan(i * columns, columns);
    };
    const auto halved_at = [&](std::size_t level) {
        return view<float, 2>(work.halved.data(), {extents_[level].angles, extents_[level - 1].columns});
    };
    const auto smooth_at = [&](std::size_t level) {
        return view<float, 2>(work.smooth[level].data(),
                              {extents_[level].angles, extents_[level].columns});
    };

    for (std::size_t level = 1; level <= levels; ++level) {
        const auto [angles, columns] = extents_[level];
        const std::size_t finer = extents_[level - 1].columns;
        wavelet_.analyse_low(level == 1 ? sinogram : smooth_at(level - 1), halved_at(level));
        for (std::size_t i = 0; i < angles; ++i) {
            wavelet_.analyse(row_of(work.halved, i, finer), row_of(work.smooth[level], i, columns),
                             row_of(work.rough[level], i, columns), work.row.span());
        }
        keep_slow(level, work.rough[level].data(), work);
    }

    std::fill(work.smooth[levels].begin(), work.smooth[levels].end(), 0.0f);
    for (std::size_t level = levels; level > 0; --level) {
        const auto [angles, columns] = extents_[level];
        const std::size_t finer = extents_[level - 1].columns;
        for (std::size_t i = 0; i < angles; ++i) {
            wavelet_.synthesise(row_of(work.smooth[level], i, columns),
                                row_of(work.rough[level], i, columns), row_of(work.halved, i, finer),
                                work.row.span());
        }
        wavelet_.synthesise_low(halved_at(level), smooth_at(level - 1));
    }

    const view<const float, 2> stripes = smooth_at(0);
    for (std::size_t angle = 0; angle < sinogram.extent(0); ++angle) {
        float* const row = &sinogram(angle, 0);
        for (std::size_t k = 0; k < sinogram.extent(1); ++k) row[k] -= stripes(angle, k);
    }
}

} // namespace tomo
