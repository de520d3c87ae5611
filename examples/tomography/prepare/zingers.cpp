// SPDX-License-Identifier: BSD-3-Clause
#include "prepare/zingers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>

namespace tomo {
namespace {

using destrier::view;

constexpr std::size_t largest_size = 15;

struct zinger {
    float* count;
    float median;
};

// The indices at most `reach` from i among 0 .. n - 1.
destrier::range around(std::size_t i, std::size_t reach, std::size_t n) {
    return {i - std::min(i, reach), std::min(i + reach + 1, n)};
}

// Finds the zingers of one projection in a sinogram. A count c exceeds 1 + threshold medians where the median is
// below c / (1 + threshold), which is where more than half of the neighbours are: so neighbours are counted, many
// columns at once, and medians looked for where there is a zinger only.
class finder {
public:
    finder(const zinger_options& options, std::size_t columns)
        : divisor_(static_cast<float>(1 + options.threshold)), reach_(options.size / 2), limit_(columns),
          below_(columns) {}

    void find(view<float, 2> sinogram, std::size_t angle, std::vector<zinger>& found) {
        const std::size_t columns = limit_.size();
        const destrier::range angles = around(angle, reach_, sinogram.extent(0));
        set_limits(&sinogram(angle, 0u));
        for (std::size_t a = angles.begin; a < angles.end; ++a) count_below(&sinogram(a, 0u));
        const std::size_t height = angles.end - angles.begin,
                          fewest = height * std::min(reach_ + 1, columns);
        std::uint32_t most = 0;
        for (const std::uint32_t below : below_) most = std::max(most, below);
        if (2 * std::size_t{most} <= fewest) return; // the usual case
        for (std::size_t k = 0; k < columns; ++k) {
            const destrier::range near = around(k, reach_, columns);
            if (2 * std::size_t{below_[k]} <= height * (near.end - near.begin)) continue;
            found.push_back({&sinogram(angle, k), median(sinogram, angles, near)});
        }
    }

private:
    // Nothing is below the limit of what is not positive, or NaN.
    void set_limits(const float* counts) {
        const float divisor = divisor_;
        std::transform(counts, counts + limit_.size(), limit_.begin(), [divisor](float count) {
            return count > 0 ? count / divisor : std::numeric_limits<float>::lowest();
        });
        std::fill(below_.begin(), below_.end(), std::uint32_t{0});
    }

    // One projection's part in the numbers of neighbours below each limit.
    void count_below(const float* counts) {
        const std::size_t columns = limit_.size();
        for (std::size_t shift = 0; shift <= 2 * reach_; ++shift) { // column k meets k + shift - reach
            const std::size_t begin = reach_ - std::min(shift, reach_);
            const std::size_t end = columns - std::min(columns, std::max(shift, reach_) - reach_);
            const float* const shifted = counts + shift - reach_;
            for (std::size_t k = begin; k < end; ++k) below_[k] += shifted[k] < limit_[k] ? 1u : 0u;
        }
    }

    // Of an even number the upper one of the middle; a NaN counts as more than all.
    float median(view<float, 2> sinogram, destrier::range angles, destrier::range columns) {
        values_.clear();
        for (std::size_t a = angles.begin; a < angles.end; ++a) {
            for (std::size_t k = columns.begin; k < columns.end; ++k) {
                const float value = sinogram(a, k);
                values_.push_back(std::isnan(value) ? std::numeric_limits<float>::infinity() : value);
            }
        }
        const auto middle = values_.begin() + static_cast<std::ptrdiff_t>(values_.size() / 2);
        std::nth_element(values_.begin(), middle, values_.end());
        return *middle;
    }

    float divisor_;
    std::size_t reach_;
    std::vector<float> limit_, values_;
    std::vector<std::uint32_t> below_;
};

} // namespace

void check(const zinger_options& options) {
    if (!(options.threshold >= 0 && std::isfinite(options.threshold))) {
        throw std::runtime_error("zingers: threshold is " + std::to_string(options.threshold) +
                                 ", expected 0 (off) or a positive number of medians");
    }
    if (options.size % 2 == 0 || options.size < 3 || options.size > largest_size) {
        throw std::runtime_error("zingers: size is " + std::to_string(options.size) +
                                 ", expected an odd number from 3 to " + std::to_string(largest_size));
    }
}

std::uint64_t remove_zingers(projections counts, const zinger_options& options, int threads) {
    check(options);
    if (options.threshold == 0) return 0;
    const std::size_t angles = counts.extent(0);
    // All are found before one is replaced, so that none is compared with what took another's place.
    std::vector<std::vector<zinger>> of_worker(
        static_cast<std::size_t>(destrier::thread_count(threads)));
    destrier::parallel_ranges(counts.extent(1) * angles, threads,
                              [&](std::size_t i, std::size_t end, std::size_t worker) {
                                  finder one(options, counts.extent(2));
                                  for (; i < end; ++i) {
                                      one.find(counts.at(1, i / angles), i % angles, of_worker[worker]);
                                  }
                              });
    std::uint64_t removed = 0;
    for (const std::vector<zinger>& found : of_worker) {
        for (const zinger& z : found) *z.count = z.median;
        removed += found.size();
    }
    return removed;
}

} // namespace tomo
