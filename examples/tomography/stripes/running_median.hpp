// SPDX-License-Identifier: BSD-3-Clause
//
// running_median.hpp: medians over a window that slides along many rows side by side.
//
// Sixteen rows lie in the lanes, as whole numbers in the order of their values, of which every vector unit knows the
// lesser and the greater, NaN or not. The window is kept sorted: as it moves on by one element, one number is taken
// out and one put in, in a pass without branches.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <destrier/memory.hpp>

namespace tomo {

/// A float as a whole number: they are in the same order, -0 and 0 are one, NaN is at the ends.
inline std::int32_t to_key(float value) noexcept {
    const auto bits = std::bit_cast<std::int32_t>(value + 0.0f);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}
inline float from_key(std::int32_t key) noexcept {
    return std::bit_cast<float>(key ^ ((key >> 31) & 0x7fffffff));
}

/// Rows in the lanes.
inline constexpr std::size_t median_lanes = 16;

/// How rows go on beyond their ends: as their mirror images, or as their last element.
enum class beyond_ends { mirrored, nearest };

/// out[i] is the median of in[i - window / 2] .. in[i + window / 2] in each lane.
///
/// Shapes    in, out (n, median_lanes), lines `stride` apart; room (window, median_lanes), 64-byte aligned
/// Aliasing  none
/// Domain    window odd, n >= 1
void running_median(const std::int32_t* in, std::int32_t* out, std::size_t n, std::size_t stride,
                    std::size_t window, beyond_ends beyond, std::int32_t* room) noexcept;

/// Running medians of one list, in all the lanes, the ends going on as their nearest element.
class list_median {
public:
    list_median(std::size_t n, std::size_t widest_window);

    void operator()(std::span<const float> list, std::size_t window, std::span<float> medians);

private:
    destrier::buffer<std::int32_t> keys_, medians_, window_;
};

} // namespace tomo
