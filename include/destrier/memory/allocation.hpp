// SPDX-License-Identifier: BSD-3-Clause
//
// memory/allocation.hpp: bytes on the pages and in the memory that were asked for, or what they fall back to.
//
// The order matters: pages are mapped, given their node, advised to be huge, and only then touched. Each thread
// names the node for the range that it will touch, so that where every part of a machine has fast memory of its
// own (SNC-4, several sockets) each part of a buffer lies near its user.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <destrier/memory/accounts.hpp>
#include <destrier/memory/placement.hpp>
#include <destrier/memory/policy.hpp>
#include <destrier/parallel.hpp>

namespace destrier::detail {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;

// Returns what mmap gave so many bytes of, or, for none, what operator new gave.
struct release {
    std::size_t mapped = 0;
    void operator()(void* p) const noexcept {
#if defined(__linux__)
        if (mapped > 0) {
            ::munmap(p, mapped);
            return;
        }
#endif
        ::operator delete (p, std::align_val_t{cache_line});
    }
};

// Owns bytes without knowing what they hold.
class allocation {
public:
    allocation() = default;
    // `here` is asked only where a placement is; tests give another machine than this one.
    allocation(std::size_t bytes, memory where, int threads, const machine& (*here)() = &machine::here)
        : bytes_(bytes) {
        if (bytes == 0) return;
        if (where.placement != destrier::placement::anywhere) choose(where.placement, here());
#if defined(__linux__)
        const bool huge = bytes >= huge_page && where.pages != destrier::pages::base;
        if (huge && where.pages == destrier::pages::huge && map_from_pool(threads)) return;
        if (huge || machine_) {
            map(huge ? huge_page : static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
            bind(threads);
            if (huge && ::madvise(data_, whole_, MADV_HUGEPAGE) == 0) {
                pages_ = destrier::pages::transparent;
            }
            return;
        }
#endif
        owner_.reset(::operator new (bytes, std::align_val_t{cache_line}, std::nothrow));
        if (!owner_) throw out_of_memory(bytes);
        data_ = owner_.get();
    }
    allocation(allocation&& other) noexcept { swap(other); }
    allocation& operator=(allocation&& other) noexcept {
        allocation(std::move(other)).swap(*this);
        return *this;
    }
    ~allocation() = default;

    // To be called when all is touched: what is required and lies elsewhere is moved. The kernel's word that all is
    // done is checked by its own account, for some kernels (4.0 to 5.0) gave it whatever happened.
    void settle() {
        if (placement_ != destrier::placement::require_high_bandwidth) return;
        int error = machine_->gather(data_, whole_);
        if (error == 0 && high_bandwidth_bytes() < bytes_) error = EIO;
        if (error != 0) throw no_high_bandwidth_memory(bytes_, machine_->hindrance(error));
    }

    void* data() const noexcept { return data_; }
    destrier::pages pages() const noexcept { return pages_; }
    destrier::placement placement() const {
        return high_bandwidth_bytes() >= bytes_ ? placement_ : destrier::placement::anywhere;
    }

    std::size_t huge_bytes() const {
        if (pages_ == destrier::pages::base) return 0;
        return pages_ == destrier::pages::huge ? whole_ : transparent_bytes({data_, whole_});
    }
    std::size_t high_bandwidth_bytes() const {
        if (!machine_) return 0;
        return bytes_on_nodes({data_, whole_},
                              [&](unsigned n) { return machine_->is_high_bandwidth_node(n); });
    }

private:
    void swap(allocation& other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        std::swap(page_, other.page_);
        std::swap(whole_, other.whole_);
        std::swap(machine_, other.machine_);
        std::swap(placement_, other.placement_);
        std::swap(pages_, other.pages_);
    }

    void choose(destrier::placement wanted, const machine& here) {
        const bool required = wanted == destrier::placement::require_high_bandwidth;
        if (required && here.capacity() < bytes_) throw no_high_bandwidth_memory(bytes_, here.lack());
        if (here.capacity() == 0) return;
        machine_ = &here;
        placement_ = wanted;
    }

#if defined(__linux__)
    // Pages of the reserved pool, all of them or none.
    bool map_from_pool(int threads) {
        measure(huge_page);
        void* const p = ::mmap(nullptr, whole_, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
        if (p == MAP_FAILED) return false;
        own(p, whole_);
        data_ = p;
        pages_ = destrier::pages::huge;
        bind(threads);
        if (populate(threads) && (!machine_ || high_bandwidth_bytes() >= bytes_)) return true;
        owner_.reset();
        pages_ = destrier::pages::base;
        return false;
    }

    // Reserved without access first: what stays so on both sides keeps the mapping apart from its
    // neighbours, in the kernel's books (huge_bytes) and against overruns.
    void map(std::size_t page) {
        measure(page);
        const std::size_t reserved = whole_ + 2 * page;
        void* const p = ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw out_of_memory(bytes_);
        own(p, reserved);
        data_ = reinterpret_cast<void*>(rounded_up(reinterpret_cast<std::uintptr_t>(p) + 1, page));
        if (::mprotect(data_, whole_, PROT_READ | PROT_WRITE) != 0) throw out_of_memory(bytes_);
    }

    void measure(std::size_t page) noexcept {
        page_ = page;
        whole_ = rounded_up(bytes_, page);
    }
    void own(void* p, std::size_t mapped) { owner_ = {p, release{mapped}}; }

    static std::size_t rounded_up(std::size_t bytes, std::size_t unit) noexcept {
        return (bytes + unit - 1) / unit * unit;
    }

    void bind(int threads) {
        if (!machine_) return;
        for_each_part(threads, [this](void* p, std::size_t n) { machine_->prefer_near_caller(p, n); });
    }

    // Touches the pages from the threads that will use them. The pool may promise more than a limit on this
    // process allows: then the kernel says so here, and would kill it at a plain touch. Before Linux 5.14 it
    // cannot be asked.
    bool populate(int threads) {
        constexpr int populate_write = 23; // MADV_POPULATE_WRITE
        std::atomic<bool> all = true;
        for_each_part(threads, [&](void* p, std::size_t n) {
            if (::madvise(p, n, populate_write) != 0 && errno != EINVAL) all = false;
        });
        return all;
    }

    // Calls f(begin, bytes) for what each thread will touch, to a page.
    template <class F>
    void for_each_part(int threads, F&& f) {
        parallel_ranges(whole_ / page_, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
            f(static_cast<char*>(data_) + begin * page_, (end - begin) * page_);
        });
    }
#endif

    std::unique_ptr<void, release> owner_;
    void* data_ = nullptr;
    std::size_t bytes_ = 0; // as asked for
    std::size_t page_ = 0;  // where pages are mapped, their size
    std::size_t whole_ = 0; // and the bytes of them all
    const machine* machine_ = nullptr;
    destrier::placement placement_ = destrier::placement::anywhere;
    destrier::pages pages_ = destrier::pages::base;
};

} // namespace destrier::detail
