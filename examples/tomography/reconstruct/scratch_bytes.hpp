// SPDX-License-Identifier: BSD-3-Clause
//
// scratch_bytes.hpp: what buffers take.
#pragma once

#include <cstddef>

namespace tomo {

/// The bytes of some buffers or vectors, those from 2 MiB on rounded up to whole huge pages.
template <class... Buffer>
std::size_t bytes_of(const Buffer&... buffers) {
    const auto rounded = [](std::size_t bytes) {
        constexpr std::size_t page = std::size_t{2} << 20;
        return bytes < page ? bytes : (bytes + page - 1) / page * page;
    };
    return (rounded(buffers.size() * sizeof(typename Buffer::value_type)) + ... + 0);
}

} // namespace tomo
