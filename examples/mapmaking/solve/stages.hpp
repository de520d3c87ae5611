// SPDX-License-Identifier: BSD-3-Clause
//
// stages.hpp: what the time of a solve goes into.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace mapmaking {

enum class stage : std::size_t { read, point, set_up, iterate, bin, write, rest };
inline constexpr std::size_t stage_count = 7;

/// Seconds of each stage.
using stage_seconds = std::array<double, stage_count>;

constexpr const char* name_of(stage s) {
    constexpr std::array<const char*, stage_count> names{
        "read", "expand pointing", "set up", "iterate", "bin maps", "write maps", "rest"};
    return names[static_cast<std::size_t>(s)];
}

/// Books the time from one call to the next.
class stage_clock {
public:
    void ends(stage s) {
        const auto now = std::chrono::steady_clock::now();
        seconds_[static_cast<std::size_t>(s)] += std::chrono::duration<double>(now - last_).count();
        last_ = now;
    }
    const stage_seconds& seconds() const noexcept { return seconds_; }

private:
    stage_seconds seconds_{};
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace mapmaking
