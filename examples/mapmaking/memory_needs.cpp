// SPDX-License-Identifier: BSD-3-Clause
#include "memory_needs.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <stdexcept>

#include <sys/resource.h>

namespace mapmaking {
namespace {

constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();

// The number behind "NAME:" in a file such as /proc/meminfo, in bytes.
std::size_t kilobytes_after(const char* file, const std::string& name) {
    std::ifstream in(file);
    for (std::string word; in >> word;) {
        std::size_t kilobytes = 0;
        if (word == name + ":" && in >> kilobytes) return kilobytes << 10;
    }
    return unknown;
}

// The only number of a file of a control group; "max" is none.
std::size_t number_in(const char* file) {
    std::ifstream in(file);
    std::size_t number = 0;
    return in >> number ? number : unknown;
}

std::size_t less(std::size_t limit, std::size_t used) {
    if (limit == unknown || used == unknown) return unknown;
    return limit - std::min(limit, used);
}

std::size_t left_of_shell_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unknown;
    return less(limit.rlim_cur, kilobytes_after("/proc/self/status", "VmSize"));
}

} // namespace

// The entries of destripe/problem.hpp take 4 bytes for intensity, 12 with polarisation; while they are made there
// are up to 16 more. Its vectors and the solver's are 5 + 8 doubles a baseline.
memory_need needed_memory(const problem_sizes& s) {
    const std::size_t c = s.components, packed = c * (c + 1) / 2;
    const std::size_t entry = c == 1 ? 4 : 12, making = c == 1 ? 4 : 16;
    memory_need need{};
    need.per_sample_iterating = s.one_pass ? entry : 2 * entry;
    need.per_sample_setting_up = 2 * entry + making;
    const std::size_t reading = s.longest * (32 + 8 + 8 + 1 + 1 + 4 + 8 + 8 + 1 + 8);
    const std::size_t solving =
        s.baselines * 8 * (13 + 2 * s.band) + s.solve_pixels * 8 * (10 + c + packed);
    const std::size_t mapping = s.pixels * 8 * (2 * (1 + c + packed) + 2 * (c + packed + 1)) +
                                s.sphere_pixels * 8 * (s.columns + 1);
    constexpr std::size_t libraries = std::size_t{32} << 20; // and buffers of no great size
    need.bytes = libraries + s.sphere_pixels / 4 + reading +
                 std::max(s.samples * need.per_sample_setting_up + solving,
                          s.samples * need.per_sample_iterating + solving + mapping);
    return need;
}

std::size_t available_memory(std::size_t ranks_on_this_node) {
    const std::size_t group =
        less(number_in("/sys/fs/cgroup/memory.max"), number_in("/sys/fs/cgroup/memory.current"));
    const std::size_t node = std::min(kilobytes_after("/proc/meminfo", "MemAvailable"), group);
    return std::min(node == unknown ? unknown : node / ranks_on_this_node, left_of_shell_limit());
}

std::string bytes_text(std::size_t bytes) {
    char text[32];
    const double mebibytes = static_cast<double>(bytes) / (1 << 20);
    if (mebibytes < 1024) {
        std::snprintf(text, sizeof text, "%.3g MiB", mebibytes);
    } else {
        std::snprintf(text, sizeof text, "%.1f GiB", mebibytes / 1024);
    }
    return text;
}

void require_memory(const memory_need& need, std::size_t available, const problem_sizes& sizes) {
    if (need.bytes <= available) return;
    throw std::runtime_error(
        "needs " + std::to_string(need.bytes) + " bytes of memory (" + bytes_text(need.bytes) + ": " +
        std::to_string(need.per_sample_setting_up) + " bytes for each of " +
        std::to_string(sizes.samples) + " samples, the rest for maps of up to " +
        std::to_string(sizes.pixels) + " pixels), and " + std::to_string(available) + " (" +
        bytes_text(available) +
        ") are available to this rank; more ranks on more nodes need less each (mpirun -n), a smaller "
        "--nside less for maps");
}

} // namespace mapmaking
