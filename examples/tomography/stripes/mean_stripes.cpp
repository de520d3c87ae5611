// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/mean_stripes.hpp"

#include <algorithm>

#include <destrier/parallel.hpp>

#include "stripes/mirrored.hpp"

namespace tomo {

using destrier::view;

void running_mean::operator()(std::span<const double> profile, std::span<double> smooth) const {
    const auto reach = static_cast<std::ptrdiff_t>(window_ / 2);
    for (std::size_t k = 0; k < columns_; ++k) {
        double sum = 0;
        for (std::ptrdiff_t i = -reach; i <= reach; ++i) {
            sum += profile[mirrored(static_cast<std::ptrdiff_t>(k) + i, columns_)];
        }
        smooth[k] = sum / static_cast<double>(window_);
    }
}

// Gaussian elimination of a tridiagonal matrix: on the diagonal alpha and the number of neighbours, -1 beside it.
least_squares_profile::least_squares_profile(std::size_t columns, double alpha)
    : alpha_(alpha), pivot_(columns) {
    for (std::size_t k = 0; k < columns; ++k) {
        const double neighbours = (k > 0 ? 1 : 0) + (k + 1 < columns ? 1 : 0);
        pivot_[k] = 1 / (alpha + neighbours - (k > 0 ? pivot_[k - 1] : 0));
    }
}

void least_squares_profile::operator()(std::span<const double> profile, std::span<double> smooth) const {
    double before = 0;
    for (std::size_t k = 0; k < profile.size(); ++k) {
        before = smooth[k] = (alpha_ * profile[k] + before) * pivot_[k];
    }
    for (std::size_t k = profile.size() - 1; k-- > 0;) smooth[k] += smooth[k + 1] * pivot_[k];
}

void mean_profiles(view<const float, 2> sinogram, std::size_t blocks, std::span<double> profiles) {
    const std::size_t columns = sinogram.extent(1);
    for (std::size_t block = 0; block < blocks; ++block) {
        const auto [begin, end] = destrier::part(sinogram.extent(0), blocks, block);
        double* const mean = profiles.data() + block * columns;
        std::fill_n(mean, columns, 0.0);
        for (std::size_t angle = begin; angle < end; ++angle) {
            const float* const row = &sinogram(angle, 0);
            for (std::size_t k = 0; k < columns; ++k) mean[k] += row[k];
        }
        for (std::size_t k = 0; k < columns; ++k) mean[k] /= static_cast<double>(end - begin);
    }
}

void subtract_profiles(std::span<const double> profiles, std::size_t blocks, view<float, 2> sinogram) {
    const std::size_t angles = sinogram.extent(0), columns = sinogram.extent(1);
    const auto middle = [&](std::size_t block) {
        const auto [begin, end] = destrier::part(angles, blocks, block);
        return static_cast<double>(begin + end - 1) / 2;
    };
    std::size_t block = 0; // the last one whose middle is not behind the angle, or the first
    for (std::size_t angle = 0; angle < angles; ++angle) {
        const auto at = static_cast<double>(angle);
        while (block + 1 < blocks && middle(block + 1) <= at) ++block;
        const std::size_t next = std::min(block + 1, blocks - 1);
        const double weight =
            next == block ? 0 : std::max(0.0, (at - middle(block)) / (middle(next) - middle(block)));
        const double *a = profiles.data() + block * columns, *b = profiles.data() + next * columns;
        float* const row = &sinogram(angle, 0);
        for (std::size_t k = 0; k < columns; ++k) {
            row[k] = static_cast<float>(row[k] - (a[k] + weight * (b[k] - a[k])));
        }
    }
}

} // namespace tomo
