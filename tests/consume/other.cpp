// SPDX-License-Identifier: BSD-3-Clause
#include <destrier/destrier.hpp>

void transform(destrier::complex_blocks<float> data) {
    destrier::fft::plan_c2c<float>(data.elements()).forward(data, data);
}
