// SPDX-License-Identifier: BSD-3-Clause
#include "normalise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>

#include <destrier/parallel.hpp>

namespace tomo {
namespace {

constexpr float least_transmission = 1e-5f;
constexpr float least_beam = 1e-3f; // of the mean of white - dark

float mean(std::span<const float> values) {
    return static_cast<float>(std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size()));
}

float median(std::vector<float>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// One frame out of many. A value that is not finite in one frame is left to the others.
std::vector<float> averaged(const frames& pile, average how) {
    const std::size_t pixels = pile.rows * pile.columns;
    std::vector<float> frame(pixels), values;
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        values.clear();
        for (std::size_t i = 0; i < pile.count; ++i) {
            const float value = pile.values[i * pixels + pixel];
            if (std::isfinite(value)) values.push_back(value);
        }
        if (!values.empty()) frame[pixel] = how == average::mean ? mean(values) : median(values);
    }
    return frame;
}

// white - dark becomes its inverse; the number of pixels that had to be clamped. The limit is the row's
// own, so that a row comes out the same whichever rows are read with it.
std::size_t invert_row(std::span<float> beam) {
    const float level = mean(beam);
    const float least = level > 0 ? least_beam * level : 1;
    std::size_t clamped = 0;
    for (float& value : beam) {
        clamped += value < least;
        value = 1 / std::max(value, least);
    }
    return clamped;
}

// One detector row of one projection.
guard_counts normalise_row(float* row, const float* dark, const float* scale, std::size_t columns) {
    guard_counts counts;
    float left = 0;
    for (std::size_t k = 0; k < columns; ++k) {
        const float transmission = (row[k] - dark[k]) * scale[k];
        if (!std::isfinite(transmission)) {
            ++counts.not_finite;
            row[k] = left;
            continue;
        }
        if (transmission < least_transmission) ++counts.opaque;
        left = row[k] = -std::log(std::max(transmission, least_transmission));
    }
    return counts;
}

} // namespace

flat_field make_flat_field(const frames& white, const frames& dark, average how) {
    flat_field flat{white.rows, white.columns, averaged(dark, how), averaged(white, how)};
    std::vector<float>& beam = flat.scale;
    std::transform(beam.begin(), beam.end(), flat.dark.begin(), beam.begin(), std::minus<>());
    for (std::size_t row = 0; row < flat.rows; ++row) {
        flat.clamped += invert_row({beam.data() + row * flat.columns, flat.columns});
    }
    if (flat.clamped == beam.size()) {
        throw std::runtime_error("the white frames are nowhere brighter than the dark ones");
    }
    return flat;
}

guard_counts normalise(float* projections, std::size_t angles, const flat_field& flat, int threads) {
    std::vector<guard_counts> of_angle(angles);
    destrier::parallel_for(angles, threads, [&](std::size_t angle) {
        for (std::size_t row = 0; row < flat.rows; ++row) {
            const std::size_t pixel = row * flat.columns;
            of_angle[angle] +=
                normalise_row(projections + (angle * flat.rows + row) * flat.columns,
                              flat.dark.data() + pixel, flat.scale.data() + pixel, flat.columns);
        }
    });
    guard_counts counts;
    for (const guard_counts& some : of_angle) counts += some;
    return counts;
}

} // namespace tomo
