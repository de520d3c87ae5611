// SPDX-License-Identifier: BSD-3-Clause
#include "prepare/binning.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>

namespace tomo {
namespace {

using destrier::view;

void check_shapes(const_projections in, std::size_t factor, projections out) {
    const auto shape = [](const_projections p) {
        return "(" + std::to_string(p.extent(0)) + ", " + std::to_string(p.extent(1)) + ", " +
               std::to_string(p.extent(2)) + ")";
    };
    if (factor == 0 || in.extent(0) != out.extent(0) || in.extent(1) != factor * out.extent(1) ||
        in.extent(2) / factor != out.extent(2)) {
        throw std::invalid_argument("bin: in is " + shape(in) + ", out " + shape(out) + ", factor " +
                                    std::to_string(factor) +
                                    ": expected factor times the rows and columns of out");
    }
}

// The mean of some detector rows, factor columns of them at once; sums has a place for each column.
void bin_rows(view<const float, 2> rows, std::size_t factor, std::span<float> sums, float* out,
              std::size_t columns) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (std::size_t row = 0; row < factor; ++row) {
        const float* const values = &rows(row, 0u);
        for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += values[k];
    }
    const auto pixels = static_cast<float>(factor * factor);
    for (std::size_t k = 0; k < columns; ++k) {
        float sum = 0;
        for (std::size_t i = 0; i < factor; ++i) sum += sums[k * factor + i];
        out[k] = sum / pixels;
    }
}

} // namespace

void bin(const_projections in, std::size_t factor, projections out, int threads) {
    check_shapes(in, factor, out);
    const std::size_t rows = out.extent(1), columns = out.extent(2);
    destrier::parallel_ranges(out.extent(0) * rows, threads,
                              [&](std::size_t i, std::size_t end, std::size_t) {
                                  std::vector<float> sums(factor * columns);
                                  for (; i < end; ++i) {
                                      const std::size_t angle = i / rows, row = i % rows;
                                      bin_rows(in.at(0, angle).slice(0, row * factor, factor), factor,
                                               sums, &out(angle, row, 0u), columns);
                                  }
                              });
}

frames binned(const frames& pile, std::size_t factor) {
    frames out{pile.count, pile.rows / factor, pile.columns / factor, {}};
    out.values.resize(out.count * out.rows * out.columns);
    bin(const_projections(pile.values.data(), {pile.count, pile.rows, pile.columns}), factor,
        projections(out.values.data(), {out.count, out.rows, out.columns}), 1);
    return out;
}

} // namespace tomo
