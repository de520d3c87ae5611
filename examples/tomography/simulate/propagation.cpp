// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/propagation.hpp"

#include <cmath>
#include <numbers>

namespace tomo {

propagation::propagation(double blur) {
    const double height = 1 / std::sqrt(2 * std::numbers::pi);
    for (std::size_t i = 0; i <= 2 * margin; ++i) {
        const double x = static_cast<double>(i) - static_cast<double>(margin);
        g_.push_back(height * std::exp(-x * x / 2));
        bend_.push_back(-blur * blur * (x * x - 1) * g_.back());
    }
}

void propagation::apply(destrier::view<const double, 2> transmission,
                        std::span<double> intensity) const {
    // Down the columns first, then along the row: (g + bend)(y) g(x) + g(y) bend(x).
    const std::size_t wide = transmission.extent(1);
    std::vector<double> bent(wide), plain(wide);
    for (std::size_t i = 0; i < g_.size(); ++i) {
        const double* const row = &transmission(i, 0u);
        const double down = g_[i], down_bent = g_[i] + bend_[i];
        for (std::size_t k = 0; k < wide; ++k) {
            plain[k] += down * row[k];
            bent[k] += down_bent * row[k];
        }
    }
    for (std::size_t k = 0; k < intensity.size(); ++k) {
        double sum = 0;
        for (std::size_t i = 0; i < g_.size(); ++i) {
            sum += g_[i] * bent[k + i] + bend_[i] * plain[k + i];
        }
        intensity[k] = sum;
    }
}

} // namespace tomo
