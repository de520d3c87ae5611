// SPDX-License-Identifier: BSD-3-Clause
//
// process_memory.hpp: how much memory this process has, as the system counts it.
#pragma once

#include <cstddef>

namespace common {

/// Bytes now, and at most so far; 0 where the system does not tell.
std::size_t resident_bytes();
std::size_t peak_resident_bytes();

/// From now on large blocks go back to the system as soon as they are freed, so that what is resident is in use.
void return_large_blocks();

} // namespace common
