// SPDX-License-Identifier: BSD-3-Clause
//
// memory.hpp: where data lives.
//
// A buffer<T> owns n values of T, zero at first, aligned to 64 bytes (to 2 MiB where huge pages are
// asked for), touched first by the threads that will use it so that each page lies near its user.
// How it is to be placed is a `memory`; what the system then gave is asked of the buffer.
//
//   memory m{.pages = pages::transparent};
//   buffer<float> grid(n, m, threads);
//   grid.pages();        // the policy in force: what was asked, or what it fell back to
//   grid.huge_bytes();   // bytes that lie on huge pages now, as the kernel counts them
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <destrier/parallel.hpp>

namespace destrier {

/// The pages a buffer lies on. Each falls back to the one before it where the system has none; only
/// buffers of 2 MiB and more are concerned, smaller ones always lie on base pages.
enum class pages {
    base,        ///< the system's default
    transparent, ///< 2 MiB where the kernel finds them, without a reserved pool (madvise)
    huge         ///< 2 MiB from the reserved pool (vm.nr_hugepages), else transparent
};

/// How a buffer, or the work space of a plan, is to be placed.
struct memory {
    destrier::pages pages = destrier::pages::transparent;
};

/// Thrown where a buffer cannot be had; says how much was asked for.
class out_of_memory : public std::bad_alloc {
public:
    explicit out_of_memory(std::size_t bytes)
        : text_("destrier: no memory for a buffer of " + std::to_string(bytes) + " bytes") {}
    const char* what() const noexcept override { return text_.c_str(); }

private:
    std::string text_;
};

namespace detail {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;

// Owns bytes without knowing what they hold.
class allocation {
public:
    allocation() = default;
    allocation(std::size_t bytes, memory where) {
        if (bytes == 0) return;
#if defined(__linux__)
        if (bytes >= huge_page && where.pages != destrier::pages::base) {
            map(bytes, where.pages);
            return;
        }
#endif
        data_ = ::operator new (bytes, std::align_val_t{cache_line}, std::nothrow);
        if (!data_) throw out_of_memory(bytes);
        bytes_ = bytes;
    }
    allocation(allocation&& other) noexcept { swap(other); }
    allocation& operator=(allocation&& other) noexcept {
        allocation(std::move(other)).swap(*this);
        return *this;
    }
    ~allocation() {
#if defined(__linux__)
        if (mapping_) {
            ::munmap(mapping_, mapped_);
            return;
        }
#endif
        ::operator delete (data_, std::align_val_t{cache_line});
    }

    void* data() const noexcept { return data_; }
    destrier::pages pages() const noexcept { return pages_; }

    // The kernel lists each mapping with the bytes of it that lie on huge pages.
    std::size_t huge_bytes() const {
        if (pages_ == destrier::pages::base) return 0;
        if (pages_ == destrier::pages::huge) return bytes_;
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> smaps(std::fopen("/proc/self/smaps", "r"),
                                                                    &std::fclose);
        char text[512];
        bool ours = false;
        while (smaps && std::fgets(text, sizeof text, smaps.get())) {
            unsigned long long begin = 0, end = 0, kib = 0;
            if (std::sscanf(text, "%llx-%llx ", &begin, &end) == 2) {
                const auto address = reinterpret_cast<std::uintptr_t>(data_);
                ours = begin <= address && address < end;
            } else if (ours && std::sscanf(text, "AnonHugePages: %llu kB", &kib) == 1) {
                return static_cast<std::size_t>(kib) << 10;
            }
        }
        return 0;
    }

private:
    void swap(allocation& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        std::swap(mapping_, other.mapping_);
        std::swap(mapped_, other.mapped_);
        std::swap(pages_, other.pages_);
    }

#if defined(__linux__)
    void map(std::size_t bytes, destrier::pages wanted) {
        const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
        if (wanted == destrier::pages::huge) {
            void* p = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
            if (p != MAP_FAILED) {
                set_mapping(p, whole, p, whole, destrier::pages::huge);
                return;
            }
        }
        // Reserved without access first: what stays so on both sides keeps the mapping apart from
        // its neighbours, in the kernel's books (huge_bytes) and against overruns.
        const std::size_t reserved = whole + 2 * huge_page;
        void* p = ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw out_of_memory(bytes);
        const auto address = reinterpret_cast<std::uintptr_t>(p) + 1;
        void* aligned = reinterpret_cast<void*>((address + huge_page - 1) / huge_page * huge_page);
        if (::mprotect(aligned, whole, PROT_READ | PROT_WRITE) != 0) {
            ::munmap(p, reserved);
            throw out_of_memory(bytes);
        }
        const bool advised = ::madvise(aligned, whole, MADV_HUGEPAGE) == 0;
        set_mapping(p, reserved, aligned, whole,
                    advised ? destrier::pages::transparent : destrier::pages::base);
    }
    void set_mapping(void* mapping, std::size_t mapped, void* data, std::size_t bytes,
                     destrier::pages got) noexcept {
        mapping_ = mapping;
        mapped_ = mapped;
        data_ = data;
        bytes_ = bytes;
        pages_ = got;
    }
#endif

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
    void* mapping_ = nullptr; // null where the bytes came from operator new
    std::size_t mapped_ = 0;
    destrier::pages pages_ = destrier::pages::base;
};

} // namespace detail

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
/// Memory   n * sizeof(T) bytes, rounded up to 2 MiB on huge pages
/// Throws   std::invalid_argument if n * sizeof(T) overflows; destrier::out_of_memory
template <class T>
class buffer {
    static_assert(std::is_trivially_destructible_v<T> && !std::is_const_v<T>,
                  "destrier::buffer holds plain values");
    static_assert(alignof(T) <= detail::cache_line, "destrier::buffer aligns to 64 bytes");

public:
    using value_type = T;

    buffer() = default;
    explicit buffer(std::size_t n, memory where = {}, int threads = 1)
        : bytes_(checked_bytes(n), where), size_(n) {
        parallel_ranges(n, threads, [this](std::size_t begin, std::size_t end, std::size_t) {
            std::uninitialized_value_construct(data() + begin, data() + end);
        });
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
