// SPDX-License-Identifier: BSD-3-Clause
//
// stages.hpp: what the time of an extraction goes into.
#pragma once

#include <array>
#include <cstddef>

#include <time.h>

namespace spectra {

enum class stage : std::size_t { spots, accumulate, factorise, inverse, square_root, rest };
inline constexpr std::size_t stage_count = 6;

/// Seconds of CPU time of each stage, summed over threads.
using stage_seconds = std::array<double, stage_count>;

constexpr const char* name_of(stage s) {
    constexpr std::array<const char*, stage_count> names{"spots",   "accumulate",  "factorise",
                                                         "inverse", "square root", "rest"};
    return names[static_cast<std::size_t>(s)];
}

/// Books the thread's CPU time from one call to the next: what others do on the machine does not count.
class stage_clock {
public:
    explicit stage_clock(stage_seconds& seconds) : seconds_(seconds) {}

    void ends(stage s) {
        const double now = cpu_seconds();
        seconds_[static_cast<std::size_t>(s)] += now - last_;
        last_ = now;
    }

private:
    static double cpu_seconds() {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    }

    stage_seconds& seconds_;
    double last_ = cpu_seconds();
};

} // namespace spectra
