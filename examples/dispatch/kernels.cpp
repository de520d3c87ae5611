// SPDX-License-Identifier: BSD-3-Clause
//
// Compiled once for each architecture.
#include "kernels.hpp"

#include <destrier/legendre.hpp>

DESTRIER_PROVIDES(kernels) {
    static constexpr kernels table{
        .legendre = [](auto x, auto c, auto y) { destrier::legendre::eval<float>(x, c, y); },
        .lanes = destrier::width<float>};
    return table;
}
