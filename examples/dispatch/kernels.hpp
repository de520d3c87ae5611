// SPDX-License-Identifier: BSD-3-Clause
//
// What each architecture provides.
#pragma once

#include <cstddef>
#include <span>

#include <destrier/dispatch.hpp>

struct kernels {
    /// y[i] = sum over n of c[n] P_n(x[i])
    void (*legendre)(std::span<const float> x, std::span<const float> c, std::span<float> y);
    std::size_t lanes; ///< floats in a vector register
};
DESTRIER_DISPATCHED(kernels)
