// SPDX-License-Identifier: BSD-3-Clause
#include "axis/spectra.hpp"

#include <algorithm>
#include <numeric>

namespace tomo {
namespace {

using destrier::view;

// What is left of a row without the line through its ends, each end the mean of a few pixels.
void flatten(view<const float, 1> row, float* out) {
    const std::size_t n = row.extent(0), few = std::min<std::size_t>(5, n);
    float left = 0, right = 0;
    for (std::size_t i = 0; i < few; ++i) {
        left += row(i) / static_cast<float>(few);
        right += row(n - 1 - i) / static_cast<float>(few);
    }
    const float slope = n > 1 ? (right - left) / static_cast<float>(n - 1) : 0;
    for (std::size_t k = 0; k < n; ++k) out[k] = row(k) - (left + slope * static_cast<float>(k));
}

} // namespace

row_spectra::row_spectra(view<const float, 2> rows, int threads)
    : length_(destrier::fft::good_size_real(2 * rows.extent(1))),
      memory_(destrier::complex_blocks<float>::size_for(size(), rows.extent(0)), {}, threads),
      spectra_(memory_.data(), size(), rows.extent(0)) {
    const std::size_t n = rows.extent(0);
    destrier::buffer<float> padded(n * length_, {}, threads);
    destrier::parallel_for(n, threads,
                           [&](std::size_t i) { flatten(rows.at(0, i), padded.data() + i * length_); });

    destrier::buffer<float> packed(destrier::real_blocks<float>::size_for(length_, n), {}, threads);
    const destrier::real_blocks<float> blocks(packed.data(), length_, n);
    destrier::pack(view<float, 2>(padded.data(), {n, length_}), blocks, destrier::no_step{}, threads);
    const destrier::fft::plan_r2c<float> plan(length_);
    plan.forward(blocks, spectra_, {}, 1, threads);
}

} // namespace tomo
