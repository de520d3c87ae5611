// SPDX-License-Identifier: BSD-3-Clause
//
// circle.hpp: the part of a slice that every projection saw.
#pragma once

#include <cstddef>

namespace tomo {

/// The largest circle within size x size pixels about the origin, pixel (size / 2, size / 2), where
/// gridrec puts the rotation axis.
class circle {
public:
    explicit circle(std::size_t size) noexcept : origin_(size / 2), radius_(size - 1 - size / 2) {}

    bool contains(std::size_t row, std::size_t column) const noexcept {
        const std::size_t y = row > origin_ ? row - origin_ : origin_ - row;
        const std::size_t x = column > origin_ ? column - origin_ : origin_ - column;
        return x * x + y * y <= radius_ * radius_;
    }

private:
    std::size_t origin_, radius_;
};

} // namespace tomo
