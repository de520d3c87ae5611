// SPDX-License-Identifier: BSD-3-Clause
//
// survey.hpp: what is in a volume, found in one pass over its file: what a gray scale, a picture and a
// line of summary need.
//
// All of it is of the circle that every projection saw. Values are counted in bins by the upper bits of
// their float numbers: bins as wide everywhere, relative to what they hold, so that no range need be known
// before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/ranks.hpp"
#include "output/volume.hpp"

namespace tomo {

/// What black and white stand for: one scaling for the whole volume.
struct gray_range {
    float low, high;
};

class survey {
public:
    /// Reads the volume: (slices, n, n). All ranks call it, none within together(), and each reads its share
    /// of the slices.
    ///
    /// Accuracy  the same bits for any number of threads and of ranks
    /// Memory    3 MiB a thread, and 24 bytes for each of slices x size / step
    /// Throws    std::runtime_error if the volume cannot be read or its slices are not square;
    ///           common::interrupted; on ranks where all is well common::failed_elsewhere
    survey(const volume_reader& volume, const common::ranks& all, int threads);

    std::size_t slices() const noexcept { return slices_; }
    std::size_t size() const noexcept { return size_; }

    /// Of the finite values; 0 where there are none.
    double least() const noexcept { return least_; }
    double greatest() const noexcept { return greatest_; }
    double mean() const noexcept { return mean_; }
    std::uint64_t finite() const noexcept { return finite_; }
    std::uint64_t not_finite() const noexcept { return not_finite_; } // NaN and infinities

    /// The value below which this fraction of the finite ones lie.
    ///
    /// Accuracy  0.2 % of itself
    double percentile(double fraction) const;
    /// From the percentile of `outside` to that of 1 - `outside`; never of no width.
    gray_range range(double outside) const;
    /// How many values lie in each of so many bins of one width from low to high; what one of the survey's
    /// own bins holds counts as spread evenly over it.
    std::vector<double> histogram(gray_range within, std::size_t bins) const;

    /// The planes through the middle along z and x, at y = size / 2, and along z and y, at x = size / 2:
    /// (slices, size / step()), means of step() neighbours along x or y.
    std::size_t step() const noexcept { return step_; }
    const std::vector<float>& plane_zx() const noexcept { return zx_; }
    const std::vector<float>& plane_zy() const noexcept { return zy_; }

private:
    struct interval {
        double low, high;
    };
    // What a bin stands for, as far as there are values.
    interval values_in(std::size_t bin) const;

    std::size_t slices_, size_, step_;
    double least_ = 0, greatest_ = 0, mean_ = 0;
    std::uint64_t finite_ = 0, not_finite_ = 0;
    std::vector<double> counts_; // whole numbers, which are exact below 2^53
    std::vector<float> zx_, zy_;
};

} // namespace tomo
