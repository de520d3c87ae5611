// SPDX-License-Identifier: BSD-3-Clause
//
// Two translation units that both include all of destrier and use the same kernels: that they link
// shows that it defines nothing twice. There and back, a transform multiplies by its length.
#include <destrier/destrier.hpp>

#include <cmath>
#include <iostream>

void transform(destrier::complex_blocks<float> data);

int main() {
    constexpr std::size_t n = 60;
    using blocks = destrier::complex_blocks<float>;
    destrier::buffer<float> storage(blocks::size_for(n, 1));
    const blocks data(storage.data(), n, 1);
    for (std::size_t i = 0; i < n; ++i) *data.at(0, i) = static_cast<float>(i);
    transform(data);
    destrier::fft::plan_c2c<float>(n).backward(data, data);
    for (std::size_t i = 0; i < n; ++i) {
        if (std::abs(*data.at(0, i) / n - static_cast<float>(i)) > 1e-4f) {
            std::cerr << "element " << i << " is " << *data.at(0, i) / n << '\n';
            return 1;
        }
    }
}
