// SPDX-License-Identifier: BSD-3-Clause
//
// memory_needs.hpp: how much is read, reconstructed and written at once, so that the whole process stays within
// its memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prepare/prepared_scan.hpp"
#include "reconstruct/slice_maker.hpp"

namespace tomo {

struct memory_layout {
    std::size_t chunk = 0;   // slices that are read at once
    std::size_t batch = 0;   // slices that are reconstructed at once
    std::size_t inputs = 2;  // buffers for chunks: with two, one is read while the other is worked on
    std::size_t outputs = 2; // buffers for batches, likewise
    double bytes = 0;        // of the whole process, at most
};

struct memory_request {
    std::size_t slices;           // to make
    std::size_t rows_in_block;    // of the file, 0: it has no blocks
    std::size_t reference_frames; // white and dark
    bool one_row = false;         // all slices are of one row
    std::size_t resident;         // bytes that are taken already
    std::uint64_t limit;          // bytes
};

/// The fastest way that stays within the limit.
///
/// Throws  std::runtime_error saying what the least limit is
memory_layout share_memory(const prepared_scan& input, const slice_maker& maker,
                           const memory_request& request);

} // namespace tomo
