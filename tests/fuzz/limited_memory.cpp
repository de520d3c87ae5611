// SPDX-License-Identifier: BSD-3-Clause
//
// Memory for fuzz targets: more than 256 MiB at once is std::bad_alloc, as if the machine had no more. What the
// libraries ask of malloc, libFuzzer and the address sanitizer watch.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t most = std::size_t{1} << 28;

void* limited(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > most) return nullptr;
    return std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
}

void* required(void* memory) {
    if (!memory) throw std::bad_alloc();
    return memory;
}

} // namespace

void* operator new(std::size_t bytes) { return required(limited(bytes, alignof(std::max_align_t))); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return limited(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return required(limited(bytes, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return limited(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// malloc and calloc say no as the C library's do, without ending the program.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
