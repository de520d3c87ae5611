// SPDX-License-Identifier: BSD-3-Clause
#include "allocations.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

std::atomic<std::size_t> allocated{0}, most_allocated{0};

void count(std::size_t bytes) {
    const std::size_t now = allocated += bytes;
    std::size_t most = most_allocated;
    while (most < now && !most_allocated.compare_exchange_weak(most, now)) {
    }
}

// In front of each piece lies its size.
void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t whole = (bytes + 2 * alignment - 1) / alignment * alignment;
    auto* const begin = static_cast<char*>(std::aligned_alloc(alignment, whole));
    if (!begin) return nullptr;
    std::memcpy(begin, &bytes, sizeof bytes);
    count(bytes);
    return begin + alignment;
}
void release(void* p, std::size_t alignment) noexcept {
    if (!p) return;
    char* const begin = static_cast<char*>(p) - alignment;
    std::size_t bytes = 0;
    std::memcpy(&bytes, begin, sizeof bytes);
    allocated -= bytes;
    std::free(begin);
}

constexpr std::size_t usual = alignof(std::max_align_t);

std::size_t size_of(std::align_val_t alignment) {
    return std::max(static_cast<std::size_t>(alignment), usual);
}

void* checked(void* p) {
    if (!p) throw std::bad_alloc();
    return p;
}

} // namespace

void* operator new(std::size_t n) { return checked(allocate(n, usual)); }
void* operator new[](std::size_t n) { return checked(allocate(n, usual)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new(std::size_t n, std::align_val_t a) { return checked(allocate(n, size_of(a))); }
void* operator new[](std::size_t n, std::align_val_t a) { return checked(allocate(n, size_of(a))); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(n, size_of(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(n, size_of(a));
}
void operator delete(void* p) noexcept { release(p, usual); }
void operator delete[](void* p) noexcept { release(p, usual); }
void operator delete(void* p, std::size_t) noexcept { release(p, usual); }
void operator delete[](void* p, std::size_t) noexcept { release(p, usual); }
void operator delete(void* p, std::align_val_t a) noexcept { release(p, size_of(a)); }
void operator delete[](void* p, std::align_val_t a) noexcept { release(p, size_of(a)); }
void operator delete(void* p, std::size_t, std::align_val_t a) noexcept { release(p, size_of(a)); }
void operator delete[](void* p, std::size_t, std::align_val_t a) noexcept { release(p, size_of(a)); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p, usual); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p, usual); }
void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
    release(p, size_of(a));
}
void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
    release(p, size_of(a));
}

namespace allocations {

counter::counter() : before_(allocated) { most_allocated = before_; }
std::size_t counter::kept() const { return allocated - before_; }
std::size_t counter::most() const { return most_allocated - before_; }

} // namespace allocations
