// SPDX-License-Identifier: BSD-3-Clause
//
// Arguments: what the plans of gridrec ask of theirs, before anything is written.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

namespace destrier::gridrec::detail {

// A geometry, for a plan of that name; empty weights are all right.
inline void check_geometry(const char* plan, std::span<const double> theta, std::size_t columns,
                           double padding, std::span<const double> weights) {
    const auto fail = [&](const std::string& what) {
        throw std::invalid_argument(std::string(plan) + ": " + what);
    };
    if (theta.empty()) fail("theta is empty, expected one angle or more");
    for (std::size_t i = 0; i < theta.size(); ++i) {
        if (!std::isfinite(theta[i])) {
            fail("theta[" + std::to_string(i) + "] is " + std::to_string(theta[i]) +
                 ", expected a finite angle in radians");
        }
    }
    constexpr std::size_t most = std::size_t{1} << 24;
    if (columns == 0 || columns > most) {
        fail("columns is " + std::to_string(columns) + ", expected 1 to " + std::to_string(most));
    }
    if (!(padding >= 2) || padding > 16) {
        fail("padding is " + std::to_string(padding) + ", expected 2 to 16");
    }
    if (!weights.empty() && weights.size() != theta.size()) {
        fail("weights has " + std::to_string(weights.size()) + " elements, theta has " +
             std::to_string(theta.size()));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!std::isfinite(weights[i])) fail("weights[" + std::to_string(i) + "] is not finite");
    }
}

// Slices on their way through a plan of (angles, columns), and their axes.
inline void check_slices(const char* call, const std::array<std::size_t, 3>& sinogram,
                         std::span<const double> center, const std::array<std::size_t, 3>& volume,
                         std::size_t angles, std::size_t columns) {
    const auto fail = [&](const std::string& what) {
        throw std::invalid_argument(std::string(call) + ": " + what);
    };
    const auto shape = [](const std::array<std::size_t, 3>& s) {
        std::string text = "("; // built up: "(" + ... makes g++ 12 warn of an overlap that is none
        return text.append(std::to_string(s[0]) + ", " + std::to_string(s[1]) + ", " +
                           std::to_string(s[2]) + ")");
    };
    const std::size_t slices = sinogram[0];
    if (const std::array expected{slices, angles, columns}; sinogram != expected) {
        fail("sinogram is " + shape(sinogram) +
             ", expected (slices, angles, columns) = " + shape(expected));
    }
    if (const std::array expected{slices, columns, columns}; volume != expected) {
        fail("volume is " + shape(volume) +
             ", expected (slices, columns, columns) = " + shape(expected));
    }
    if (center.size() != 1 && center.size() != slices) {
        fail("center has " + std::to_string(center.size()) + " elements, expected 1 or " +
             std::to_string(slices) + " (one a slice)");
    }
    const double middle = 0.5 * static_cast<double>(columns - 1);
    for (std::size_t i = 0; i < center.size(); ++i) {
        if (!(std::abs(center[i] - middle) <= static_cast<double>(columns))) {
            fail("center[" + std::to_string(i) + "] is " + std::to_string(center[i]) +
                 ", expected within " + std::to_string(columns) + " pixels of the detector's middle, " +
                 std::to_string(middle));
        }
    }
}

} // namespace destrier::gridrec::detail
