// SPDX-License-Identifier: BSD-3-Clause
#include "solve/memory_needs.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <stdexcept>

#include <sys/resource.h>

#include <destrier/destripe/problem_bytes.hpp>

namespace mapmaking {
namespace {

namespace destripe = destrier::destripe;

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

// What the problem takes for each sample, and in all.
struct problem_need {
    destripe::problem_bytes sample, all;
};
template <destripe::stokes S>
problem_need of_problem(const problem_sizes& s) {
    const auto passes = s.one_pass ? destripe::passes::one : destripe::passes::two;
    const destripe::problem_size size{
        .samples = s.samples, .baselines = s.baselines, .pixels = s.solve_pixels};
    return {destripe::sample_bytes<S>(passes), destripe::bytes_of_problem<S>(size, passes)};
}
problem_need of_problem(const problem_sizes& s) {
    switch (s.components) {
    case 1: return of_problem<destripe::stokes::i>(s);
    case 2: return of_problem<destripe::stokes::qu>(s);
    default: return of_problem<destripe::stokes::iqu>(s);
    }
}

} // namespace

// The solver's vectors are 8 doubles a baseline and 2 for each of the band, and it works in 1 more, or 1 and 8 for one
// pass, and in a map of at most 4 numbers a pixel and its sums.
memory_need needed_memory(const problem_sizes& s) {
    const std::size_t c = s.components, packed = c * (c + 1) / 2;
    const problem_need problem = of_problem(s);
    memory_need need{};
    need.per_sample_iterating = problem.sample.kept;
    need.per_sample_setting_up = problem.sample.setting_up;
    const std::size_t reading = s.longest * (32 + 8 + 8 + 1 + 1 + 4 + 8 + 8 + 1 + 8);
    const std::size_t solving =
        s.baselines * 8 * (9 + (s.one_pass ? 8 : 0) + 2 * s.band) + s.solve_pixels * 8 * (4 + c);
    const std::size_t mapping = s.pixels * 8 * (2 * (1 + c + packed) + 2 * (c + packed + 1)) +
                                s.sphere_pixels * 8 * (s.columns + 1);
    constexpr std::size_t libraries = std::size_t{32} << 20; // and buffers of no great size
    need.bytes = libraries + s.sphere_pixels / 4 + reading +
                 std::max(problem.all.setting_up + solving, problem.all.kept + solving + mapping);
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
