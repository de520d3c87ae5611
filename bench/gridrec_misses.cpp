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
#include <cstdio>
#include <span>
#include <string_view>

#include <destrier/gridrec.hpp>

#include "untiled_scatter.hpp"

namespace {

using namespace untiled;
using destrier::buffer;
using destrier::line;
using destrier::view;
namespace gridrec = destrier::gridrec;

constexpr std::size_t slices = line<float>;
constexpr double center = columns / 2.0;

void reconstruct() {
    const gridrec::plan<float> plan(theta(), columns, {.accuracy = gridrec::accuracy::fast});
    auto work = plan.make_workspace();
    const buffer<float> sinogram(angles * columns); // of all slices: their stride is 0
    buffer<float> volume(slices * columns * columns);
    plan.apply(view<const float, 3>(sinogram.data(), {slices, angles, columns}, {0, columns, 1}),
               std::span(&center, 1), view<float, 3>(volume.data(), {slices, columns, columns}), work);
}

std::size_t samples(std::size_t step) { return angles * ((bins + step - 1) / step); }

void walk(std::size_t step) {
    const plane grid{grid_size()};
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
