// SPDX-License-Identifier: BSD-3-Clause
//
// circle.hpp: the part of a slice that every projection saw.
#pragma once

#include <cmath>
#include <cstddef>

namespace tomo {

/// The largest circle within size x size pixels about the origin, pixel (size / 2, size / 2), where
/// gridrec puts the rotation axis.
class circle {
public:
    explicit circle(std::size_t size) noexcept : origin_(size / 2), radius_(size - 1 - size / 2) {}

    bool contains(std::size_t row, std::size_t column) const noexcept {
        const std::size_t y = from_origin(row), x = from_origin(column);
        return x * x + y * y <= radius_ * radius_;
    }

    /// Columns begin .. end - 1; none where they are equal.
    struct chord {
        std::size_t begin, end;
    };
    /// The columns of a row that it contains.
    chord of_row(std::size_t row) const noexcept {
        const std::size_t y = from_origin(row);
        if (y > radius_) return {0, 0};
        // Squares of sizes below 2^26 are exact in double, and a root that is rounded never passes an integer.
        const auto half =
            static_cast<std::size_t>(std::sqrt(static_cast<double>(radius_ * radius_ - y * y)));
        return {origin_ - half, origin_ + half + 1};
    }

private:
    std::size_t from_origin(std::size_t i) const noexcept {
        return i > origin_ ? i - origin_ : origin_ - i;
    }

    std::size_t origin_, radius_;
};

} // namespace tomo
