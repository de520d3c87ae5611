// SPDX-License-Identifier: BSD-3-Clause
//
// rotation.hpp: rotations as unit quaternions x y z w, composed as matrices are: a * b turns by b first.
#pragma once

#include <array>
#include <cmath>
#include <numbers>

namespace mapmaking {

using quaternion = std::array<double, 4>;

constexpr double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

inline quaternion turn_x(double angle) { return {std::sin(angle / 2), 0, 0, std::cos(angle / 2)}; }
inline quaternion turn_y(double angle) { return {0, std::sin(angle / 2), 0, std::cos(angle / 2)}; }
inline quaternion turn_z(double angle) { return {0, 0, std::sin(angle / 2), std::cos(angle / 2)}; }

constexpr quaternion operator*(const quaternion& a, const quaternion& b) {
    return {a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
            a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
            a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
            a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]};
}

} // namespace mapmaking
