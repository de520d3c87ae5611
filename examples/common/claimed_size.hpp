// SPDX-License-Identifier: BSD-3-Clause
//
// claimed_size.hpp: whether a file can hold what its header claims.
#pragma once

#include <cstddef>
#include <vector>

namespace common {

/// Whether values of these extents, of so many bytes each at least, can come from the bytes that are stored: a file
/// of a kilobyte can claim 2^60 of them, and no compression packs so tightly. Up to 64 MiB are believed anyway.
inline bool is_plausible(const std::vector<std::size_t>& extents, std::size_t value_bytes,
                         double stored_bytes) {
    constexpr double small = 1 << 26, tightest = 1 << 16;
    double bytes = static_cast<double>(value_bytes);
    for (const std::size_t extent : extents) bytes *= static_cast<double>(extent);
    return bytes <= small + tightest * stored_bytes;
}

} // namespace common
