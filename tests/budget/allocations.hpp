// SPDX-License-Identifier: BSD-3-Clause
//
// What is really allocated: this program's operator new counts (allocations.cpp), which is why it is one of its
// own. Buffers of 2 MiB and more on other than base pages do not come from operator new.
#pragma once

#include <cstddef>

namespace allocations {

/// Counts from its construction on.
class counter {
public:
    counter();
    /// Bytes that are allocated now and were not then.
    std::size_t kept() const;
    /// The most that there were at any time between.
    std::size_t most() const;

private:
    std::size_t before_;
};

} // namespace allocations
