// SPDX-License-Identifier: BSD-3-Clause
#include "prepare/normalise.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>

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

// Replaces what is not finite; how many there were.
std::uint64_t repair_row(std::span<float> transmission) {
    std::uint64_t replaced = 0;
    float left = 1;
    for (float& value : transmission) {
        if (!std::isfinite(value)) {
            value = left;
            ++replaced;
        }
        left = value;
    }
    return replaced;
}

// One detector row of one projection. That all is finite is found on the way, which is the usual case.
std::uint64_t transmission_of_row(std::span<float> row, const float* dark, const float* scale) {
    bool finite = true;
    for (std::size_t k = 0; k < row.size(); ++k) {
        row[k] = (row[k] - dark[k]) * scale[k];
        finite &= std::abs(row[k]) <= std::numeric_limits<float>::max();
    }
    return finite ? 0 : repair_row(row);
}

// -log(x) of a normal number to 2e-7, in a form that compilers make vectors of: x = m 2^e with m from sqrt(1/2) to
// sqrt(2), and log m = 2 artanh((m - 1) / (m + 1)), whose series ends soon.
float minus_log(float x) {
    constexpr std::int32_t root_of_half = 0x3f3504f3; // its bits
    const auto bits = std::bit_cast<std::int32_t>(x);
    const std::int32_t e = (bits - root_of_half) >> 23;
    const float f = std::bit_cast<float>(bits - (e << 23)) - 1, s = f / (f + 2), square = s * s;
    const float series = 1 + square * (1.f / 3 + square * (1.f / 5 + square * (1.f / 7 + square / 9)));
    return -(static_cast<float>(e) * std::numbers::ln2_v<float> + 2 * s * series);
}

// One detector row of one projection.
std::uint64_t line_integrals_of_row(std::span<float> row) {
    std::uint64_t opaque = 0;
    for (float& value : row) {
        opaque += value < least_transmission;
        value = std::max(value, least_transmission);
    }
    for (float& value : row) value = minus_log(value);
    return opaque;
}

// The sum of of_row(row, values) over all detector rows of all projections.
template <class OfRow>
std::uint64_t sum_over_rows(projections stack, int threads, OfRow&& of_row) {
    const std::size_t rows = stack.extent(1), columns = stack.extent(2);
    std::vector<std::uint64_t> of_worker(static_cast<std::size_t>(destrier::thread_count(threads)));
    destrier::parallel_ranges(stack.extent(0) * rows, threads,
                              [&](std::size_t i, std::size_t end, std::size_t worker) {
                                  std::uint64_t sum = 0;
                                  for (; i < end; ++i) {
                                      const std::size_t angle = i / rows, row = i % rows;
                                      sum += of_row(row, std::span(&stack(angle, row, 0u), columns));
                                  }
                                  of_worker[worker] = sum;
                              });
    return std::accumulate(of_worker.begin(), of_worker.end(), std::uint64_t{0});
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

guard_counts to_transmission(projections counts, const flat_field& flat, int threads) {
    if (counts.extent(1) != flat.rows || counts.extent(2) != flat.columns) {
        throw std::invalid_argument(
            "to_transmission: counts are (angles, " + std::to_string(counts.extent(1)) + ", " +
            std::to_string(counts.extent(2)) + "), the flat field is (" + std::to_string(flat.rows) +
            ", " + std::to_string(flat.columns) + ")");
    }
    guard_counts guarded;
    guarded.not_finite = sum_over_rows(counts, threads, [&](std::size_t row, std::span<float> values) {
        const std::size_t pixel = row * flat.columns;
        return transmission_of_row(values, &flat.dark[pixel], &flat.scale[pixel]);
    });
    return guarded;
}

guard_counts to_line_integrals(projections transmission, int threads) {
    guard_counts guarded;
    guarded.opaque = sum_over_rows(transmission, threads, [](std::size_t, std::span<float> values) {
        return line_integrals_of_row(values);
    });
    return guarded;
}

} // namespace tomo
