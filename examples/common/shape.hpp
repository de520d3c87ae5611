// SPDX-License-Identifier: BSD-3-Clause
//
// shape.hpp: the shapes of what files hold.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace common {

/// "(4128, 4114)".
inline std::string shape_text(const std::vector<std::size_t>& extents) {
    std::string text;
    for (const std::size_t extent : extents)
        text.append(text.empty() ? "(" : ", ").append(std::to_string(extent));
    return text.empty() ? "()" : text.append(")");
}

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
