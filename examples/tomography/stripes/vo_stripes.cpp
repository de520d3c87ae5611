// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/vo_stripes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "reconstruct/scratch_bytes.hpp"
#include "stripes/mirrored.hpp"

namespace tomo {
namespace {

using destrier::view;

constexpr std::size_t fluctuation_window = 11; // angles; what changes more slowly is the object
constexpr std::size_t dropped = 20;            // one in so many ranks of a sorted column, at either end
// Noise that is taken to be there: in how much columns fluctuate, in powers of two; in means, over the range of all
// columns'.
constexpr double least_fluctuation_noise = 0.5, least_mean_noise = 0.005;
constexpr float least_fluctuation = 1e-3f; // over that of the columns around

// copy(angle, column) for all, eight angles at a time: rows a power of two apart share their place in caches.
template <class Copy>
void for_each_transposed(std::size_t angles, std::size_t columns, Copy&& copy) {
    constexpr std::size_t few = 8;
    for (std::size_t angle = 0; angle < angles; angle += few) {
        const std::size_t end = std::min(angle + few, angles);
        for (std::size_t k = 0; k < columns; ++k) {
            for (std::size_t i = angle; i < end; ++i) copy(i, k);
        }
    }
}

// Sums that run side by side, in this order on every machine.
template <class Number, class Value>
Number sum_of(std::size_t n, Value&& value) {
    std::array<Number, median_lanes> sums{};
    for (std::size_t i = 0; i < n; i += sums.size()) {
        for (std::size_t k = 0; k < std::min(sums.size(), n - i); ++k) sums[k] += value(i + k);
    }
    return std::accumulate(sums.begin(), sums.end(), Number(0));
}

// How much a column changes from angle to angle: the sum of distances from its running mean.
float fluctuation(std::span<const float> column, std::span<float> room) {
    constexpr std::size_t reach = fluctuation_window / 2;
    const std::size_t n = column.size();
    std::copy(column.begin(), column.end(), room.begin() + reach);
    for (std::size_t i = 0; i < reach; ++i) {
        room[reach - 1 - i] = column[mirrored(static_cast<std::ptrdiff_t>(i), n)];
        room[reach + n + i] = column[mirrored(static_cast<std::ptrdiff_t>(n + i), n)];
    }
    return sum_of<float>(n, [&](std::size_t i) {
        float sum = 0;
        for (std::size_t k = 0; k < fluctuation_window; ++k) sum += room[i + k];
        return std::abs(room[i + reach] - sum / static_cast<float>(fluctuation_window));
    });
}

// Sorts by the upper halves of words, equal ones as they are: by byte after byte, from the lowest.
void sort_words(std::span<std::uint64_t> words, std::span<std::uint64_t> other) {
    const auto byte_of = [](std::uint64_t word, std::size_t byte) {
        return word >> (32 + 8 * byte) & 255;
    };
    std::array<std::array<std::uint32_t, 256>, 4> places{};
    for (const std::uint64_t word : words) {
        for (std::size_t byte = 0; byte < 4; ++byte) ++places[byte][byte_of(word, byte)];
    }
    for (std::size_t byte = 0; byte < 4; ++byte) {
        std::uint32_t first = 0;
        for (std::uint32_t& place : places[byte]) first += std::exchange(place, first);
        for (const std::uint64_t word : words) other[places[byte][byte_of(word, byte)]++] = word;
        std::swap(words, other);
    }
}

} // namespace

vo_stripes::vo_stripes(std::size_t angles, std::size_t columns, double snr, std::size_t large_size,
                       std::size_t small_size)
    : angles_(angles), columns_(columns),
      pitch_((angles + median_lanes - 1) / median_lanes * median_lanes), snr_(snr),
      large_size_(large_size), small_size_(small_size) {}

vo_stripes::work_space::work_space(const vo_stripes& plan)
    : values(plan.columns_ * plan.pitch_), sorted(values.size()), medians(values.size()),
      angles(values.size()), window(std::max(plan.large_size_, plan.small_size_) * median_lanes),
      words(2 * plan.angles_), column(plan.angles_ + fluctuation_window), list(plan.columns_),
      around(plan.columns_), median(plan.columns_, plan.large_size_),
      outlying(plan.columns_, plan.snr_, plan.large_size_ / 2) {}

std::size_t vo_stripes::work_space::bytes() const {
    return bytes_of(values, sorted, medians, angles, window, words, column);
}

void vo_stripes::replace_dead(work_space& work) const {
    for (std::size_t k = 0; k < columns_; ++k) {
        work.list[k] = fluctuation({&work.values[k * pitch_], angles_}, work.column);
    }
    work.median(work.list, large_size_, work.around);
    for (std::size_t k = 0; k < columns_; ++k) {
        const float ratio = work.around[k] != 0 ? work.list[k] / work.around[k] : 1;
        work.list[k] = std::log2(std::max(ratio, least_fluctuation));
    }
    interpolate(work.outlying.find(work.list, least_fluctuation_noise), work);
}

// A stripe is between jumps, so it has columns on either side.
void vo_stripes::interpolate(std::span<const char> dead, work_space& work) const {
    const auto column = [&](std::size_t k) { return &work.values[k * pitch_]; };
    for (std::size_t begin = 0, end = 0; begin < columns_; begin = end) {
        while (end < columns_ && dead[end] == dead[begin]) ++end;
        if (dead[begin] == 0) continue;
        const float *left = column(begin - 1), *right = column(end);
        for (std::size_t k = begin; k < end; ++k) {
            const float weight = static_cast<float>(k + 1 - begin) / static_cast<float>(end + 1 - begin);
            float* const out = column(k);
            for (std::size_t i = 0; i < angles_; ++i) out[i] = left[i] + weight * (right[i] - left[i]);
        }
    }
}

// A value and its angle are one word, so that equal values stay in order of angle.
void vo_stripes::sort(work_space& work) const {
    constexpr std::uint32_t sign = 0x80000000u; // of keys; words have none
    const auto words = std::span(work.words).first(angles_), other = std::span(work.words).last(angles_);
    for (std::size_t column = 0; column < columns_ * pitch_; column += pitch_) {
        for (std::size_t i = 0; i < angles_; ++i) {
            const std::uint32_t key = static_cast<std::uint32_t>(to_key(work.values[column + i])) ^ sign;
            words[i] = std::uint64_t{key} << 32 | i;
        }
        sort_words(words, other);
        for (std::size_t rank = 0; rank < angles_; ++rank) {
            const auto key = static_cast<std::uint32_t>(words[rank] >> 32) ^ sign;
            work.sorted[column + rank] = static_cast<std::int32_t>(key);
            work.angles[column + rank] = static_cast<std::uint32_t>(words[rank]);
        }
    }
}

void vo_stripes::take_medians(std::size_t window, beyond_ends beyond, work_space& work) const {
    for (std::size_t rank = 0; rank < angles_; rank += median_lanes) {
        running_median(work.sorted.data() + rank, work.medians.data() + rank, columns_, pitch_, window,
                       beyond, work.window.data());
    }
}

void vo_stripes::replace_large(work_space& work) const {
    take_medians(large_size_, beyond_ends::nearest, work);
    const std::size_t drop = angles_ / dropped, kept = angles_ - 2 * drop;
    const auto mean = [&](const destrier::buffer<std::int32_t>& keys, std::size_t k) {
        const std::int32_t* const first = keys.data() + k * pitch_ + drop;
        const auto value = [&](std::size_t i) { return static_cast<double>(from_key(first[i])); };
        return static_cast<float>(sum_of<double>(kept, value) / static_cast<double>(kept));
    };
    for (std::size_t k = 0; k < columns_; ++k) {
        work.around[k] = mean(work.medians, k);
        work.list[k] = mean(work.sorted, k) - work.around[k];
    }
    const auto [least, greatest] = std::minmax_element(work.around.begin(), work.around.end());
    const std::span<const char> large =
        work.outlying.find(work.list, least_mean_noise * (*greatest - *least));
    for (std::size_t k = 0; k < columns_; ++k) {
        if (large[k] != 0) std::copy_n(&work.medians[k * pitch_], angles_, &work.sorted[k * pitch_]);
    }
}

void vo_stripes::put_back(work_space& work) const {
    for (std::size_t column = 0; column < columns_ * pitch_; column += pitch_) {
        for (std::size_t rank = 0; rank < angles_; ++rank) {
            work.values[column + work.angles[column + rank]] = from_key(work.medians[column + rank]);
        }
    }
}

void vo_stripes::remove(view<float, 2> sinogram, work_space& work) const {
    for_each_transposed(angles_, columns_, [&](std::size_t angle, std::size_t k) {
        work.values[k * pitch_ + angle] = sinogram(angle, k);
    });
    replace_dead(work);
    sort(work);
    replace_large(work);
    take_medians(small_size_, beyond_ends::mirrored, work);
    put_back(work);
    for_each_transposed(angles_, columns_, [&](std::size_t angle, std::size_t k) {
        sinogram(angle, k) = work.values[k * pitch_ + angle];
    });
}

} // namespace tomo
