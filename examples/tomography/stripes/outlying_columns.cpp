// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/outlying_columns.hpp"

#include <algorithm>
#include <cmath>

#include <destrier/parallel.hpp>

namespace tomo {
namespace {

constexpr std::size_t fewest_columns = 8;
constexpr std::size_t slope_window =
    9; // columns; a slope that lasts for more than half as many is no jump

// A line through values in order of size, at its first and at its last.
struct line_ends {
    double low, high;
};

// By least squares, through the middle half.
line_ends line_of(std::span<const float> sorted) {
    const std::size_t n = sorted.size(), begin = n / 4, end = n - n / 4;
    const double middle = static_cast<double>(n - 1) / 2;
    double mean = 0, slope = 0, squares = 0;
    for (std::size_t i = begin; i < end; ++i) {
        const double place = static_cast<double>(i) - middle;
        mean += sorted[i] / static_cast<double>(end - begin);
        slope += sorted[i] * place;
        squares += place * place;
    }
    slope /= squares;
    return {mean - slope * middle, mean + slope * middle};
}

// From the first to the last jump at columns begin to end or next to them; empty where there is one at most.
destrier::range between_jumps(std::size_t begin, std::size_t end, std::span<const char> jumping) {
    std::size_t first = std::max<std::size_t>(begin, 1) - 1;
    std::size_t last = std::min(end + 1, jumping.size() - 1);
    while (first < last && jumping[first] == 0) ++first;
    while (first < last && jumping[last] == 0) --last;
    return {first, last};
}

} // namespace

outlying_columns::outlying_columns(std::size_t columns, double snr, std::size_t widest)
    : snr_(snr), widest_(widest), median_(columns, slope_window), jumps_(columns), slopes_(columns),
      sorted_(columns), outlying_(columns), jumping_(columns), stripes_(columns) {}

void outlying_columns::mark(std::span<const float> values, double least_noise,
                            std::span<char> outlying) {
    std::copy(values.begin(), values.end(), sorted_.begin());
    std::sort(sorted_.begin(), sorted_.end());
    const auto [low, high] = line_of(sorted_);
    const double noise = std::max(high - low, least_noise);
    const bool any_above = sorted_.back() - high >= snr_ * noise;
    const bool any_below = low - sorted_.front() >= snr_ * noise;
    for (std::size_t k = 0; k < values.size(); ++k) {
        outlying[k] = (any_above && values[k] > high + snr_ * noise / 2) ||
                      (any_below && values[k] < low - snr_ * noise / 2);
    }
}

// From each column to the next, less the slope around.
void outlying_columns::find_jumps(std::span<const float> values) {
    for (std::size_t k = 1; k < values.size(); ++k) jumps_[k] = values[k] - values[k - 1];
    jumps_[0] = jumps_[1];
    median_(jumps_, slope_window, slopes_);
    for (std::size_t k = 0; k < values.size(); ++k) jumps_[k] -= slopes_[k];
}

std::span<const char> outlying_columns::find(std::span<const float> values, double least_noise) {
    std::fill(stripes_.begin(), stripes_.end(), char{0});
    const auto is_finite = [](float value) { return std::isfinite(value); };
    if (values.size() < fewest_columns || !std::all_of(values.begin(), values.end(), is_finite)) {
        return stripes_;
    }
    mark(values, least_noise, outlying_);
    find_jumps(values);
    mark(jumps_, least_noise, jumping_);
    jumping_[0] = 0; // there is no column before it
    for (std::size_t begin = 0, end = 0; begin < values.size(); begin = end) {
        while (end < values.size() && outlying_[end] == outlying_[begin]) ++end;
        if (outlying_[begin] == 0) continue;
        const auto [first, last] = between_jumps(begin, end, jumping_);
        if (last - first > widest_) continue;
        for (std::size_t k = first; k < last; ++k) stripes_[k] = 1;
    }
    return stripes_;
}

} // namespace tomo
