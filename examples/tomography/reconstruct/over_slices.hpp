// SPDX-License-Identifier: BSD-3-Clause
//
// over_slices.hpp: work on each slice of a volume, with a progress line, that Ctrl-C ends.
#pragma once

#include <algorithm>
#include <cstddef>

#include <destrier/parallel.hpp>

#include "common/output.hpp"
#include "common/progress.hpp"

namespace tomo {

/// Calls work(slice) for first .. last - 1, in parallel, where each thread has its own work = make(number of
/// the thread) for some slices at a time.
///
/// Throws  what these throw; common::interrupted
template <class Make>
void over_slices(const char* what, std::size_t first, std::size_t last, int threads, const Make& make) {
    const std::size_t group = 16 * static_cast<std::size_t>(destrier::thread_count(threads));
    common::progress line(what, "slices", last - first);
    for (std::size_t begin = first; begin < last; begin += group) {
        common::stop_if_interrupted();
        const std::size_t count = std::min(group, last - begin);
        destrier::parallel_ranges(count, threads,
                                  [&](std::size_t from, std::size_t to, std::size_t thread) {
                                      auto work = make(thread);
                                      for (std::size_t i = from; i < to; ++i) work(begin + i);
                                  });
        line.advance(count);
    }
}

} // namespace tomo
