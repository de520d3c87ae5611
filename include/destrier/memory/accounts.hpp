// SPDX-License-Identifier: BSD-3-Clause
//
// memory/accounts.hpp: what the kernel's lists say of the pages of a mapping, which may be several in them: each
// entry begins with its first address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

namespace destrier::detail {

struct mapping {
    const void* data = nullptr;
    std::size_t bytes = 0;

    bool holds(std::uintptr_t address) const noexcept {
        return address - reinterpret_cast<std::uintptr_t>(data) < bytes;
    }
};

template <class F>
void for_each_line(const char* path, F&& f) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "r"), &std::fclose);
    char line[1024];
    while (file && std::fgets(line, sizeof line, file.get())) f(line);
}

// The bytes on transparent huge pages.
inline std::size_t transparent_bytes(const mapping& m) {
    std::size_t bytes = 0;
    bool ours = false;
    for_each_line("/proc/self/smaps", [&](const char* line) {
        unsigned long long begin = 0, end = 0, kib = 0;
        if (std::sscanf(line, "%llx-%llx ", &begin, &end) == 2) {
            ours = m.holds(begin);
        } else if (ours && std::sscanf(line, "AnonHugePages: %llu kB", &kib) == 1) {
            bytes += static_cast<std::size_t>(kib) << 10;
        }
    });
    return bytes;
}

// The bytes on NUMA nodes whose number is `counted`.
template <class Counted>
std::size_t bytes_on_nodes(const mapping& m, Counted&& counted) {
    std::size_t bytes = 0;
    for_each_line("/proc/self/numa_maps", [&](const char* line) {
        unsigned long long begin = 0, kib = 0;
        if (std::sscanf(line, "%llx ", &begin) != 1 || !m.holds(begin)) return;
        const char* const size = std::strstr(line, "kernelpagesize_kB=");
        if (!size || std::sscanf(size, "kernelpagesize_kB=%llu", &kib) != 1) return;
        for (const char* at = line; (at = std::strstr(at, " N")); ++at) {
            unsigned node = 0;
            unsigned long long pages = 0;
            if (std::sscanf(at, " N%u=%llu", &node, &pages) == 2 && counted(node)) {
                bytes += static_cast<std::size_t>(pages * kib) << 10;
            }
        }
    });
    return bytes;
}

} // namespace destrier::detail
