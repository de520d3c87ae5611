// SPDX-License-Identifier: BSD-3-Clause
//
// memory.hpp: where data lives.
//
// A buffer<T> owns n values of T, zero at first, aligned to 64 bytes (to 2 MiB where huge pages are
// asked for), touched first by the threads that will use it so that each page lies near its user.
// How it is to be placed is a `memory`; what the system then gave is asked of the buffer.
//
//   memory m{.pages = pages::transparent, .placement = placement::prefer_high_bandwidth};
//   buffer<float> grid(n, m, threads);
//   grid.pages();                 // the policy in force: what was asked, or what it fell back to
//   grid.huge_bytes();            // bytes that lie on huge pages now, as the kernel counts them
//   grid.placement();             // what was asked, or anywhere unless all of it lies there
//   grid.high_bandwidth_bytes();  // bytes that do, as the kernel counts them
//
// MCDRAM and HBM are found by hwloc, where a program is compiled with it: destrier's CMake target does so where
// hwloc is installed (DESTRIER_USE_HWLOC); by hand it takes -DDESTRIER_HWLOC and -lhwloc, in all translation
// units or none. Without it, what is preferred lies anywhere, and what is required is an error. Huge pages and
// placement are for Linux.
//
// No thread and no process is bound. Each thread's part comes from the high-bandwidth node of the CPU it runs
// on, as ordinary memory would: bind threads (OMP_PROC_BIND) where there are several such nodes. Of a node that
// is full, what is preferred overflows into ordinary memory, and what is required into other nodes of its kind.
//
//   memory/policy.hpp      what can be asked, what is thrown
//   memory/placement.hpp   which NUMA nodes are high-bandwidth memory, and how pages get there
//   memory/allocation.hpp  bytes on the pages and in the memory that were asked for
//   memory/accounts.hpp    what the kernel's lists say of them
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <destrier/memory/allocation.hpp>
#include <destrier/memory/policy.hpp>
#include <destrier/parallel.hpp>

namespace destrier {

/// The product of extents, for the size of a buffer.
///
/// Throws  std::invalid_argument if it does not fit into std::size_t; `what` names the array
inline std::size_t product_of(std::initializer_list<std::size_t> extents, const char* what) {
    if (std::find(extents.begin(), extents.end(), std::size_t{0}) != extents.end()) return 0;
    std::size_t product = 1;
    for (const std::size_t n : extents) {
        if (product > std::numeric_limits<std::size_t>::max() / n) {
            throw std::invalid_argument(std::string("destrier: ") + what + " exceeds the address space");
        }
        product *= n;
    }
    return product;
}

/// n values of T in one aligned, contiguous piece of memory; move-only.
///
/// Threads  the values are initialised, and thereby placed, by the ranges of parallel_ranges(n, threads)
/// Memory   n * sizeof(T) bytes; in high-bandwidth memory rounded up to whole pages, on huge pages to 2 MiB
/// Throws   std::invalid_argument if n * sizeof(T) overflows; destrier::out_of_memory;
///          destrier::no_high_bandwidth_memory where that is required and there is none, or too little
template <class T>
class buffer {
    static_assert(std::is_trivially_destructible_v<T> && !std::is_const_v<T>,
                  "destrier::buffer holds plain values");
    static_assert(alignof(T) <= detail::cache_line, "destrier::buffer aligns to 64 bytes");

public:
    using value_type = T;

    buffer() = default;
    explicit buffer(std::size_t n, memory where = {}, int threads = 1)
        : bytes_(checked_bytes(n), where, threads), size_(n) {
        parallel_ranges(n, threads, [this](std::size_t begin, std::size_t end, std::size_t) {
            std::uninitialized_value_construct(data() + begin, data() + end);
        });
        bytes_.settle();
    }
    buffer(buffer&& other) noexcept
        : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    T* data() noexcept { return static_cast<T*>(bytes_.data()); }
    const T* data() const noexcept { return static_cast<const T*>(bytes_.data()); }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    T* begin() noexcept { return data(); }
    T* end() noexcept { return data() + size_; }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data() + size_; }
    T& operator[](std::size_t i) noexcept { return data()[i]; }
    const T& operator[](std::size_t i) const noexcept { return data()[i]; }
    std::span<T> span() noexcept { return {data(), size_}; }
    std::span<const T> span() const noexcept { return {data(), size_}; }

    /// The page policy in force.
    destrier::pages pages() const noexcept { return bytes_.pages(); }
    /// Bytes that lie on huge pages at this moment; the kernel may add some later.
    std::size_t huge_bytes() const { return bytes_.huge_bytes(); }
    /// The placement as it was asked for if all of the buffer lies there at this moment, else anywhere.
    destrier::placement placement() const { return bytes_.placement(); }
    /// Bytes that lie in high-bandwidth memory at this moment, in whole pages; 0 of a buffer placed anywhere.
    std::size_t high_bandwidth_bytes() const { return bytes_.high_bandwidth_bytes(); }

private:
    static std::size_t checked_bytes(std::size_t n) {
        constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T);
        if (n > most - detail::huge_page) {
            throw std::invalid_argument("destrier: a buffer of " + std::to_string(n) + " elements of " +
                                        std::to_string(sizeof(T)) + " bytes exceeds the address space");
        }
        return n * sizeof(T);
    }

    detail::allocation bytes_;
    std::size_t size_ = 0;
};

} // namespace destrier
