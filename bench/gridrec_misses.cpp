// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec_misses: what gridrec_misses.sh counts the cache misses of.
//
//   gridrec_misses tiled     reconstructs 16 slices, the samples in the library's order
//   gridrec_misses untiled   puts the same samples on the same grid as they come, angle after angle, the grid
//                            held whole in memory
//   gridrec_misses unpadded  does so with every other sample: those that projections without padding have, a
//                            cell apart and no longer half of one
//
// Prints how many samples there are, and how many lines of the grid each of them touches. The geometry is
// bench_gridrec's: 2048 columns, 1501 angles, accuracy::fast. The values do not matter here: all data are 0,
// and the untiled walk weighs all cells alike.
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include <destrier/gridrec.hpp>

namespace {

using destrier::batch;
using destrier::buffer;
using destrier::line;
using destrier::view;
namespace gridrec = destrier::gridrec;

constexpr std::size_t columns = 2048, angles = 1501, slices = line<float>;
constexpr double center = columns / 2.0;
const std::size_t radial = gridrec::radial_size(columns), bins = radial / 2 + 1;
constexpr std::size_t taps = 6;
constexpr std::size_t cell_size = 2 * line<float>; // a line of re, a line of im

std::vector<double> theta() {
    std::vector<double> t(angles);
    for (std::size_t i = 0; i < angles; ++i) t[i] = std::numbers::pi * static_cast<double>(i) / angles;
    return t;
}

void reconstruct() {
    const gridrec::plan<float> plan(theta(), columns, {.accuracy = gridrec::accuracy::fast});
    auto work = plan.make_workspace();
    const buffer<float> sinogram(angles * columns); // of all slices: their stride is 0
    buffer<float> volume(slices * columns * columns);
    plan.apply(view<const float, 3>(sinogram.data(), {slices, angles, columns}, {0, columns, 1}),
               std::span(&center, 1), view<float, 3>(volume.data(), {slices, columns, columns}), work);
}

// The half plane u = 0 .. M / 2, v = -M / 2 .. M / 2, and a margin for the taps on all sides.
struct plane {
    std::size_t size; // M
    std::size_t rows() const { return size / 2 + 1 + 2 * taps; }
    std::size_t row_cells() const { return size + 1 + 2 * taps; }
    float* first_cell(buffer<float>& cells, double u, double v) const {
        const auto first = [](double x) { return static_cast<std::size_t>(std::ceil(x + taps / 2.0)); };
        return &cells[(first(u) * row_cells() + first(v + static_cast<double>(size) / 2)) * cell_size];
    }
};

void add_sample(const float* value, std::array<float, taps> weights, float* cells,
                std::size_t row_cells) {
    constexpr std::size_t width = destrier::width<float>;
    for (std::size_t u = 0; u < taps; ++u)
        for (std::size_t v = 0; v < taps; ++v)
            for (std::size_t i = 0; i < cell_size; i += width) {
                float* const to = cells + (u * row_cells + v) * cell_size + i;
                const auto x = batch<float>::load_aligned(value + i);
                destrier::fmadd(x, batch<float>(weights[u] * weights[v]), batch<float>::load_aligned(to))
                    .store_aligned(to);
            }
}

// Out of line, so that its misses have a name.
[[gnu::noinline]] void untiled_walk(const plane& grid, const buffer<float>& spectra,
                                    buffer<float>& cells, std::size_t step) {
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

std::size_t samples(std::size_t step) { return angles * ((bins + step - 1) / step); }

void walk(std::size_t step) {
    const double any_angle = 0;
    const gridrec::plan<float> plan({&any_angle, 1}, columns, {.accuracy = gridrec::accuracy::fast});
    const plane grid{plan.grid_size()};
    const buffer<float> spectra(angles * bins * cell_size);
    buffer<float> cells(grid.rows() * grid.row_cells() * cell_size);
    untiled_walk(grid, spectra, cells, step);
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc == 2 ? argv[1] : "";
    const std::size_t step = what == "unpadded" ? 2 : 1;
    if (what == "tiled") {
        reconstruct();
    } else if (what == "untiled" || what == "unpadded") {
        walk(step);
    } else {
        std::fprintf(stderr, "gridrec_misses: expected one argument, tiled, untiled or unpadded\n");
        return 1;
    }
    std::printf("%zu %zu\n", samples(step), 2 * taps * taps);
}
