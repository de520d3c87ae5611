// SPDX-License-Identifier: BSD-3-Clause
//
// memory/policy.hpp: what can be asked of memory, and what is thrown where it cannot be had.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <utility>

namespace destrier {

/// The pages a buffer lies on. Each falls back to the one before it where the system has none; only
/// buffers of 2 MiB and more are concerned, smaller ones always lie on base pages.
enum class pages {
    base,        ///< the system's default
    transparent, ///< 2 MiB where the kernel finds them, without a reserved pool (madvise)
    huge         ///< 2 MiB from the reserved pool (vm.nr_hugepages), else transparent
};

/// The memory a buffer lies in. High-bandwidth memory is a NUMA node that hwloc calls MCDRAM or HBM, or any
/// node of a CPU that has no other memory; never that of a GPU, nor MCDRAM or HBM that the machine uses as a
/// cache before its other memory. It goes before pages: from the reserved pool only come pages of such a node.
enum class placement {
    anywhere,              ///< where the threads that touch it first are
    prefer_high_bandwidth, ///< what of it there is and is free, else anywhere
    require_high_bandwidth ///< no_high_bandwidth_memory is thrown unless all of it lies there
};

/// How a buffer, or the work space of a plan, is to be placed.
struct memory {
    destrier::pages pages = destrier::pages::transparent;
    destrier::placement placement = destrier::placement::anywhere;
};

/// Thrown where a buffer cannot be had; says how much was asked for.
class out_of_memory : public std::bad_alloc {
public:
    explicit out_of_memory(std::size_t bytes)
        : out_of_memory("destrier: no memory for a buffer of " + std::to_string(bytes) + " bytes") {}
    const char* what() const noexcept override { return text_.c_str(); }

protected:
    explicit out_of_memory(std::string text) : text_(std::move(text)) {}

private:
    std::string text_;
};

/// Thrown where high-bandwidth memory is required and cannot be had; says why, what memory there is, and what
/// would do.
class no_high_bandwidth_memory : public out_of_memory {
public:
    no_high_bandwidth_memory(std::size_t bytes, const std::string& why)
        : out_of_memory("destrier: a buffer of " + std::to_string(bytes) +
                        " bytes requires high-bandwidth memory, " + why +
                        "; placement::prefer_high_bandwidth takes what there is") {}
};

} // namespace destrier
