// SPDX-License-Identifier: BSD-3-Clause
//
// bandwidth.hpp: how fast this machine reads memory, to compare a solve with.
#pragma once

namespace mapmaking {

/// Bytes a second that this many threads read of an array far larger than caches, the best of some sweeps.
double read_bandwidth(int threads);

} // namespace mapmaking
