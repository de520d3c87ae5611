// SPDX-License-Identifier: BSD-3-Clause
#include <destrier/destrier.hpp>

#include <vector>

std::vector<double> nodes_of_the_other(std::size_t n) {
    std::vector<double> nodes(n), weights(n);
    destrier::legendre::gauss<double>(nodes, weights, {}, /*threads*/ 2);
    return nodes;
}
