// SPDX-License-Identifier: BSD-3-Clause
//
// untiled_scatter.hpp: samples put on a grid as they come, angle after angle, the grid held whole in memory: what
// the library's order of samples is measured against. The geometry is bench_gridrec's, the weights are all 1.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <destrier/gridrec.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace untiled {

inline constexpr std::size_t columns = 2048, angles = 1501;
inline const std::size_t radial = destrier::gridrec::radial_size(columns), bins = radial / 2 + 1;
inline constexpr std::size_t taps = 6;
inline constexpr std::size_t cell_size = 2 * destrier::line<float>; // a line of re, a line of im

inline std::vector<double> theta() {
    std::vector<double> t(angles);
    for (std::size_t i = 0; i < angles; ++i) t[i] = std::numbers::pi * static_cast<double>(i) / angles;
    return t;
}

// M, of the same grid as that of plans with accuracy::fast.
inline std::size_t grid_size() {
    const double any_angle = 0;
    return destrier::gridrec::plan<float>({&any_angle, 1}, columns,
                                          {.accuracy = destrier::gridrec::accuracy::fast})
        .grid_size();
}

// The half plane u = 0 .. M / 2, v = -M / 2 .. M / 2, and a margin for the taps on all sides.
struct plane {
    std::size_t size; // M
    std::size_t rows() const { return size / 2 + 1 + 2 * taps; }
    std::size_t row_cells() const { return size + 1 + 2 * taps; }
    float* first_cell(destrier::buffer<float>& cells, double u, double v) const {
        const auto first = [](double x) { return static_cast<std::size_t>(std::ceil(x + taps / 2.0)); };
        return &cells[(first(u) * row_cells() + first(v + static_cast<double>(size) / 2)) * cell_size];
    }
};

inline void add_sample(const float* value, std::array<float, taps> weights, float* cells,
                       std::size_t row_cells) {
    constexpr std::size_t width = destrier::width<float>;
    for (std::size_t u = 0; u < taps; ++u)
        for (std::size_t v = 0; v < taps; ++v)
            for (std::size_t i = 0; i < cell_size; i += width) {
                float* const to = cells + (u * row_cells + v) * cell_size + i;
                const auto x = destrier::batch<float>::load_aligned(value + i);
                destrier::fmadd(x, destrier::batch<float>(weights[u] * weights[v]),
                                destrier::batch<float>::load_aligned(to))
                    .store_aligned(to);
            }
}

// Out of line, so that its misses have a name.
[[gnu::noinline]] inline void untiled_walk(const plane& grid, const destrier::buffer<float>& spectra,
                                           destrier::buffer<float>& cells, std::size_t step) {
    const double scale = static_cast<double>(grid.size) / static_cast<double>(radial);
    const std::vector<double> t = theta();
    for (std::size_t angle = 0; angle < angles; ++angle) {
        const double sign = std::cos(t[angle]) < 0 ? -scale : scale; // into the half plane u >= 0
        const double along_u = sign * std::cos(t[angle]), along_v = sign * std::sin(t[angle]);
        for (std::size_t bin = 0; bin < bins; bin += step) {
            const double r = static_cast<double>(bin);
            add_sample(&spectra[(angle * bins + bin) * cell_size], {1, 1, 1, 1, 1, 1},
                       grid.first_cell(cells, r * along_u, r * along_v), grid.row_cells());
        }
    }
}

} // namespace untiled
