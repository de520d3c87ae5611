// SPDX-License-Identifier: BSD-3-Clause
//
// mirrored.hpp: rows that go on as their mirror images beyond either end, ... x[1] x[0] x[0] x[1] ...
#pragma once

#include <cstddef>

namespace tomo {

/// The element of a row of n >= 1 that is seen at i, any number of mirrors away.
constexpr std::size_t mirrored(std::ptrdiff_t i, std::size_t n) noexcept {
    const auto period = static_cast<std::ptrdiff_t>(2 * n);
    const auto at = static_cast<std::size_t>((i % period + period) % period);
    return at < n ? at : 2 * n - 1 - at;
}

} // namespace tomo
