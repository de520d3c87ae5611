// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/running_median.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "stripes/mirrored.hpp"

namespace tomo {
namespace {

typedef std::int32_t numbers __attribute__((vector_size(4 * median_lanes)));

constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t greatest = std::numeric_limits<std::int32_t>::max();

// Takes one number out of each lane of a sorted window and puts another in.
void exchange(numbers* sorted, std::size_t window, const std::int32_t* leaving,
              const std::int32_t* coming) noexcept {
    numbers out, in;
    std::memcpy(&out, leaving, sizeof out);
    std::memcpy(&in, coming, sizeof in);
    numbers here = sorted[0], before = numbers{} + least;
    for (std::size_t i = 0; i < window; ++i) {
        const numbers next = i + 1 < window ? sorted[i + 1] : numbers{} + greatest;
        const numbers rest = here < out ? here : next; // element i of what is left
        const numbers lesser = rest < in ? rest : in;
        sorted[i] = before > lesser ? before : lesser;
        before = rest;
        here = next;
    }
}

} // namespace

void running_median(const std::int32_t* in, std::int32_t* out, std::size_t n, std::size_t stride,
                    std::size_t window, beyond_ends beyond, std::int32_t* room) noexcept {
    numbers* const sorted = reinterpret_cast<numbers*>(room);
    const auto reach = static_cast<std::ptrdiff_t>(window / 2);
    const auto line_at = [&](std::ptrdiff_t i) {
        const auto last = static_cast<std::ptrdiff_t>(n - 1);
        if (beyond == beyond_ends::mirrored) return in + mirrored(i, n) * stride;
        return in + static_cast<std::size_t>(std::clamp(i, std::ptrdiff_t{0}, last)) * stride;
    };

    const numbers nothing = numbers{} + greatest;
    std::fill_n(sorted, window, nothing);
    std::int32_t none[median_lanes];
    std::memcpy(none, &nothing, sizeof none);
    for (std::ptrdiff_t i = -reach; i <= reach; ++i) exchange(sorted, window, none, line_at(i));
    for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(out + i * stride, sorted + window / 2, sizeof(numbers));
        const auto at = static_cast<std::ptrdiff_t>(i);
        exchange(sorted, window, line_at(at - reach), line_at(at + reach + 1));
    }
}

list_median::list_median(std::size_t n, std::size_t widest_window)
    : keys_(n * median_lanes), medians_(n * median_lanes), window_(widest_window * median_lanes) {}

void list_median::operator()(std::span<const float> list, std::size_t window, std::span<float> medians) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        std::fill_n(&keys_[i * median_lanes], median_lanes, to_key(list[i]));
    }
    running_median(keys_.data(), medians_.data(), list.size(), median_lanes, window,
                   beyond_ends::nearest, window_.data());
    for (std::size_t i = 0; i < list.size(); ++i) medians[i] = from_key(medians_[i * median_lanes]);
}

} // namespace tomo
