// SPDX-License-Identifier: BSD-3-Clause
#include "tables.hpp"

#include <vector>

#include <destrier/legendre.hpp>

// Sum over k < n of P_0(x) + P_1(x) at x = k / n: that of 1 + k / n.
double sum_of_series(std::size_t n) {
    destrier::buffer<double> x(n), y(n);
    for (std::size_t k = 0; k < n; ++k) x[k] = static_cast<double>(k) / static_cast<double>(n);
    const std::vector<double> c{1, 1};
    destrier::legendre::eval<double>(x.span(), c, y.span());
    double sum = 0;
    for (const double v : y) sum += v;
    return sum;
}
