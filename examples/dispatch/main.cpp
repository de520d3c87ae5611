// SPDX-License-Identifier: BSD-3-Clause
//
// One program for several architectures: this file is compiled for any machine, kernels.cpp for each.
#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

#include "kernels.hpp"

int main() try {
    const auto best = destrier::choose<kernels, DESTRIER_ARCHITECTURES>();
    const std::vector<float> c{0.2f, 0, 4 / 7.0f, 0, 8 / 35.0f}; // x^4
    std::vector<float> x(1000), y(1000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = -1 + float(i) / 500;
    best->legendre(x, c, y);

    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        worst = std::fmax(worst, std::fabs(y[i] - std::pow(double(x[i]), 4)));
    }
    std::printf("%s, %zu lanes: x^4 to %.1e\n", best.architecture, best->lanes, worst);
    return worst > 0 && worst < 1e-6 ? 0 : 1;
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
