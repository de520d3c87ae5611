// SPDX-License-Identifier: BSD-3-Clause
//
// Two translation units that both include all of destrier: that they link shows that it defines nothing twice.
// There and back, a transform multiplies by its length.
#include <destrier/destrier.hpp>

#include <cmath>
#include <iostream>
#include <vector>

std::vector<double> nodes_of_the_other(std::size_t n);

namespace {

bool transform_comes_back() {
    constexpr std::size_t n = 60;
    using blocks = destrier::complex_blocks<float>;
    destrier::buffer<float> storage(blocks::size_for(n, 1));
    const blocks data(storage.data(), n, 1);
    for (std::size_t i = 0; i < n; ++i) *data.at(0, i) = static_cast<float>(i);
    const destrier::fft::plan_c2c<float> plan(n);
    plan.forward(data, data);
    plan.backward(data, data);
    for (std::size_t i = 0; i < n; ++i) {
        if (std::abs(*data.at(0, i) / n - static_cast<float>(i)) > 1e-4f) {
            std::cerr << "element " << i << " is " << *data.at(0, i) / n << '\n';
            return false;
        }
    }
    return true;
}

bool both_have_the_same_nodes() {
    constexpr std::size_t n = 1000;
    std::vector<double> nodes(n), weights(n);
    destrier::legendre::gauss<double>(nodes, weights);
    if (nodes == nodes_of_the_other(n)) return true;
    std::cerr << "two translation units have other nodes\n";
    return false;
}

} // namespace

int main() {
    if (!transform_comes_back() || !both_have_the_same_nodes()) return 1;
#if defined(_OPENMP)
    std::cout << "works with threads\n";
#else
    std::cout << "works without threads\n";
#endif
}
