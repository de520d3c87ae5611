// SPDX-License-Identifier: BSD-3-Clause
#include "extract/normal_equations.hpp"

#include <algorithm>
#include <cstdlib>

#include <destrier/simd.hpp>

namespace spectra {
namespace {

using V = destrier::batch<double>;
constexpr std::size_t lanes = destrier::width<double>;

double sum_of(V v) {
    alignas(64) double lane[lanes];
    v.store_aligned(lane);
    double sum = 0;
    for (const double x : lane) sum += x;
    return sum;
}

// Whether two spots share pixels.
bool overlap(const patch_spots& s, std::size_t i, std::size_t j) {
    return s.spot[i] && s.spot[j] && std::abs(s.x[i] - s.x[j]) < static_cast<int>(s.nx) &&
           std::abs(s.y[i] - s.y[j]) < static_cast<int>(s.ny);
}

} // namespace

void patch_spots::place(const patch& at, const spot_table& table, const patch_image& image) {
    nx = table.nx;
    ny = table.ny;
    pitch = table.pitch;
    const std::size_t n = at.unknowns();
    spot.assign(n, nullptr);
    offset.assign(n, 0);
    x.resize(n);
    y.resize(n);
    for (std::size_t wave = 0; wave < at.waves; ++wave) {
        for (std::size_t fiber = 0; fiber < at.fibers; ++fiber) {
            const std::size_t i = at.unknown(fiber, wave);
            const std::size_t from = (at.first_fiber + fiber) * table.wavelengths + wave;
            x[i] = table.x0[from];
            y[i] = table.y0[from];
            if (image.empty() || !image.holds(x[i], y[i], table)) continue;
            spot[i] = table.spot(at.first_fiber + fiber, wave);
            offset[i] = image.offset(x[i], y[i]);
        }
    }
}

void accumulator::accumulate(const patch& at, const patch_spots& spots, const patch_image& image,
                             normal_equations& out) {
    out.unknowns = at.unknowns();
    sum_over_spots(spots, image, out);
    find_band(at, spots, out);
    out.band.assign(out.unknowns * (out.half_bandwidth + 1), 0.0);
    weighted_.assign(spots.ny * (spots.pitch + 2 * (spots.nx - 1)), 0.0);
    for (std::size_t j = 0; j < out.unknowns; ++j) fill_row(j, spots, image, out);
}

void accumulator::sum_over_spots(const patch_spots& spots, const patch_image& image,
                                 normal_equations& out) const {
    out.weighted_light.assign(out.unknowns, 0.0);
    out.weight.assign(out.unknowns, 0.0);
    out.masked_fraction.assign(out.unknowns, 1.0);
    for (std::size_t j = 0; j < out.unknowns; ++j) {
        if (!spots.spot[j]) continue;
        V light(0.0), weight(0.0), masked(0.0);
        for (std::size_t row = 0; row < spots.ny; ++row) {
            const double* spot = spots.spot[j] + row * spots.pitch;
            const double* weights = &image.weight[spots.offset[j] + row * image.pitch];
            const double* pixels = &image.pixel[spots.offset[j] + row * image.pitch];
            for (std::size_t ix = 0; ix < spots.pitch; ix += lanes) {
                const V s = V::load_aligned(spot + ix), w = V::load_unaligned(weights + ix);
                const V weighted = s * w;
                light = destrier::fmadd(weighted, V::load_unaligned(pixels + ix), light);
                weight += weighted;
                masked += xsimd::select(w == V(0.0), s, V(0.0));
            }
        }
        out.weighted_light[j] = sum_of(light);
        out.weight[j] = sum_of(weight);
        out.masked_fraction[j] = out.weight[j] > 0 ? sum_of(masked) : 1.0;
    }
}

// The first unknown that each shares pixels with: the widest distance is the half bandwidth.
void accumulator::find_band(const patch& at, const patch_spots& spots, normal_equations& out) {
    struct rows {
        int low, high; // of the spots' first rows
    };
    std::vector<rows> covered(at.waves, rows{-nowhere, nowhere});
    for (std::size_t j = 0; j < out.unknowns; ++j) {
        if (!spots.spot[j]) continue;
        rows& c = covered[j / at.fibers];
        c.low = std::min(c.low, spots.y[j]);
        c.high = std::max(c.high, spots.y[j]);
    }
    const int ny = static_cast<int>(spots.ny);
    first_.resize(out.unknowns);
    out.half_bandwidth = 0;
    for (std::size_t wave = 0; wave < at.waves; ++wave) {
        std::size_t near = 0;
        while (near < wave && (covered[wave].low - covered[near].high >= ny ||
                               covered[near].low - covered[wave].high >= ny)) {
            ++near;
        }
        for (std::size_t j = wave * at.fibers; j < (wave + 1) * at.fibers; ++j) {
            std::size_t i = near * at.fibers;
            while (i < j && !overlap(spots, i, j)) ++i;
            first_[j] = i;
            out.half_bandwidth = std::max(out.half_bandwidth, j - i);
        }
    }
}

// Products of spot j, weighted, with those before it, as many sums at a time as there are lanes.
void accumulator::fill_row(std::size_t j, const patch_spots& spots, const patch_image& image,
                           normal_equations& out) {
    if (!spots.spot[j]) return;
    const std::size_t margin = spots.nx - 1, pitch = spots.pitch + 2 * margin;
    for (std::size_t row = 0; row < spots.ny; ++row) {
        const double* spot = spots.spot[j] + row * spots.pitch;
        const double* weights = &image.weight[spots.offset[j] + row * image.pitch];
        for (std::size_t ix = 0; ix < spots.pitch; ix += lanes) {
            const V weighted = V::load_aligned(spot + ix) * V::load_unaligned(weights + ix);
            weighted.store_unaligned(&weighted_[row * pitch + margin + ix]);
        }
    }

    // The sum over the pixels that spot i shares with spot j, one part in each lane.
    const auto product = [&](std::size_t i) DESTRIER_UNROLLED {
        V sum(0.0);
        if (!overlap(spots, i, j)) return sum;
        const int dx = spots.x[i] - spots.x[j], dy = spots.y[i] - spots.y[j];
        const int nx = static_cast<int>(spots.nx), ny = static_cast<int>(spots.ny);
        const std::size_t rows = static_cast<std::size_t>(ny - std::abs(dy));
        const std::size_t begin = static_cast<std::size_t>(std::max(0, -dx)) / lanes * lanes;
        const std::size_t end = static_cast<std::size_t>(std::min(nx, nx - dx));
        const double* a = spots.spot[i] + static_cast<std::size_t>(std::max(0, -dy)) * spots.pitch;
        const double* b = weighted_.data() + static_cast<std::size_t>(std::max(0, dy)) * pitch +
                          static_cast<std::size_t>(static_cast<int>(margin) + dx);
        for (std::size_t ix = begin; ix < end; ix += lanes) {
            for (std::size_t row = 0; row < rows; ++row) {
                sum = destrier::fmadd(V::load_aligned(a + row * spots.pitch + ix),
                                      V::load_unaligned(b + row * pitch + ix), sum);
            }
        }
        return sum;
    };

    double* const to = out.row(j) + out.half_bandwidth - j; // to[i] is column i
    for (std::size_t i = first_[j]; i <= j; i += lanes) {
        V sums[lanes];
        destrier::unroll<lanes>(
            [&](auto k) DESTRIER_UNROLLED { sums[k] = i + k <= j ? product(i + k) : V(0.0); });
        destrier::transpose(sums);
        V total = sums[0];
        destrier::unroll<lanes - 1>([&](auto k) DESTRIER_UNROLLED { total += sums[k + 1]; });
        destrier::store_head(to + i, total, std::min(lanes, j - i + 1));
    }
}

void regularise(normal_equations& equations) {
    const double least = 1e-4 * *std::max_element(equations.weight.begin(), equations.weight.end());
    for (std::size_t i = 0; i < equations.unknowns; ++i) {
        const double alpha = std::max(least - equations.weight[i], 0.0);
        equations.row(i)[equations.half_bandwidth] += alpha * alpha + 1e-15;
    }
}

} // namespace spectra
