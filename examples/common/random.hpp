// SPDX-License-Identifier: BSD-3-Clause
//
// random.hpp: noise that depends on where it is alone: one stream of random numbers a row, so that neither threads
// nor the order of the work change it.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

namespace common {

/// Mixes the bits of x (the finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
constexpr std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/// SplitMix64, a stream for each (seed, kind, item).
class random_stream {
public:
    using result_type = std::uint64_t;
    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return ~result_type{0}; }

    random_stream(std::uint64_t seed, std::uint64_t kind, std::uint64_t item)
        : state_(mixed(mixed(mixed(seed + step) + kind) + item)) {}

    result_type operator()() { return mixed(state_ += step); }

    /// From 0 (included) to 1 (not).
    double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

private:
    static constexpr std::uint64_t step = 0x9e3779b97f4a7c15u;
    std::uint64_t state_;
};

/// Two normal deviates (Box and Muller).
inline std::array<double, 2> normal_pair(random_stream& random) {
    const double radius = std::sqrt(-2 * std::log1p(-random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Poisson; from a thousand on the normal distribution is as good, and ten times as fast.
inline double poisson(double mean, random_stream& random) {
    if (mean <= 0) return 0;
    if (mean < 1000) return static_cast<double>(std::poisson_distribution<long long>(mean)(random));
    return std::round(std::normal_distribution<double>(mean, std::sqrt(mean))(random));
}

} // namespace common
