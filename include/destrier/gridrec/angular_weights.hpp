// SPDX-License-Identifier: BSD-3-Clause
//
// What each angle of a scan counts for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace destrier::gridrec {

/// Weights for angles that are uneven, repeated or missing: the part of the half circle that is nearer
/// to an angle (modulo pi) than to any other, shared among equal ones.
///
/// Shapes  theta (angles), in radians; the result as many, adding up to pi
/// Throws  std::invalid_argument if theta is empty or holds a value that is not finite
inline std::vector<double> angular_weights(std::span<const double> theta) {
    if (theta.empty()) throw std::invalid_argument("gridrec::angular_weights: theta is empty");
    constexpr double pi = std::numbers::pi;
    const std::size_t n = theta.size();
    std::vector<double> turned(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (!std::isfinite(theta[i])) {
            throw std::invalid_argument("gridrec::angular_weights: theta[" + std::to_string(i) +
                                        "] is not finite");
        }
        turned[i] = theta[i] - pi * std::floor(theta[i] / pi);
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return turned[a] < turned[b]; });
    std::vector<double> weights(n);
    // Half of each gap to the angle before it, half to the one after; of equal angles only the first
    // and the last have a gap, which they then share.
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t a = order[i], b = order[(i + 1) % n];
        const double gap = i + 1 < n ? turned[b] - turned[a] : turned[b] + pi - turned[a];
        weights[a] += gap / 2;
        weights[b] += gap / 2;
    }
    constexpr double equal = 1e-9; // radians
    for (std::size_t i = 0; i < n;) {
        std::size_t end = i + 1;
        while (end < n && turned[order[end]] - turned[order[i]] < equal) ++end;
        double sum = 0;
        for (std::size_t k = i; k < end; ++k) sum += weights[order[k]];
        for (std::size_t k = i; k < end; ++k) weights[order[k]] = sum / static_cast<double>(end - i);
        i = end;
    }
    return weights;
}

} // namespace destrier::gridrec
