// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/camera.hpp"

#include <cmath>

namespace tomo {
namespace {

constexpr double responds = -1; // in place of the count of a pixel that always has the same

// -1 .. 1
double pattern(std::uint64_t item, std::size_t k, std::uint64_t which) {
    return static_cast<double>(common::mixed(common::mixed(item) + 4 * k + which) >> 11) * 0x1p-52 - 1;
}

} // namespace

camera::camera(const camera_options& options)
    : options_(options), offset_(options.rows * options.columns), beam_(offset_.size()) {
    for (std::size_t row = 0; row < options.rows; ++row) {
        const double y = static_cast<double>(row) / static_cast<double>(options.rows) - 0.45;
        for (std::size_t k = 0; k < options.columns; ++k) {
            const double x = static_cast<double>(k) / static_cast<double>(options.columns) - 0.55;
            const double gain =
                std::exp(-1.5 * (x * x + y * y)) * (0.97 + 0.03 * pattern(row + 1, k, 0));
            offset_[row * options.columns + k] = 100 + 20 * pattern(row + 1, k, 1);
            beam_[row * options.columns + k] = options.full_beam * gain;
        }
    }
    if (options.stripes > 0) {
        gain_.assign(offset_.size(), 1);
        drift_.assign(offset_.size(), 0);
        stuck_.assign(offset_.size(), responds);
        for (std::size_t row = 0; row < options.rows; ++row) spoil(row);
    }
}

void camera::spoil(std::size_t row_number) {
    const std::uint64_t seed = common::mixed(options_.seed), item = seed + row_number;
    const std::uint64_t blobs = seed + (std::uint64_t{1} << 32) + row_number / 4;
    for (std::size_t k = 0; k < options_.columns; ++k) {
        const std::size_t pixel = row_number * options_.columns + k;
        const double change = options_.stripes * pattern(item, k, 0);
        const double chance = (1 + pattern(item, k, 1)) / 2; // 0 .. 1
        if (chance < 1.0 / 16) {
            gain_[pixel] += change;
        } else if (chance < 1.0 / 16 + 1.0 / 64) {
            drift_[pixel] = 2 * change;
        } else if (chance < 1.0 / 16 + 1.0 / 64 + 1.0 / 400) {
            stuck_[pixel] = offset_[pixel] + beam_[pixel] * (2 + pattern(item, k, 2)) / 4;
        }
        if (1 + pattern(blobs, k / 8, 0) < 2.0 / 200) {
            gain_[pixel] += 4 * options_.stripes * pattern(blobs, k / 8, 1);
        }
    }
}

void camera::expose(kind what, std::size_t frame, double progress, std::size_t row_number,
                    std::span<double> row) const {
    common::random_stream random(options_.seed, frame << 2 | what, row_number);
    const std::size_t first = row_number * options_.columns;
    const bool striped = options_.stripes > 0;
    for (std::size_t k = 0; k < row.size(); ++k) {
        const std::size_t pixel = first + k;
        double beam = what == dark ? 0 : beam_[pixel] * row[k];
        if (striped && what == projection) beam *= gain_[pixel] + drift_[pixel] * progress;
        row[k] = offset_[pixel] + (options_.photons > 0 ? noisy(beam, random) : beam);
        if (striped && what != dark && stuck_[pixel] != responds) row[k] = stuck_[pixel];
    }
    if (options_.zingers > 0) hit(what, frame, row_number, row);
}

double camera::noisy(double beam, common::random_stream& random) const {
    const double counts_per_photon = options_.full_beam / options_.photons;
    return counts_per_photon * common::poisson(beam / counts_per_photon, random);
}

// The zingers of one row, from numbers of their own: the noise is the same without them.
void camera::hit(kind what, std::size_t frame, std::size_t row_number, std::span<double> row) const {
    common::random_stream random(~options_.seed, frame << 2 | what, row_number);
    for (double& count : row) {
        if (random.uniform() < options_.zingers) count += options_.full_beam * (1 + random.uniform());
    }
}

} // namespace tomo
