// SPDX-License-Identifier: BSD-3-Clause
//
// What a reconstruction is asked for, and what its plans have in common.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <type_traits>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec/filter.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/memory.hpp>

namespace destrier::gridrec {

/// How a projection goes on beyond the detector, in the radial padding.
enum class edge {
    zero,     ///< the object ends within the field of view
    replicate ///< with the detector's first and last value: the object is wider than the field of view
};

struct options {
    gridrec::filter filter = gridrec::filter::shepp();
    gridrec::accuracy accuracy = gridrec::accuracy::standard;
    gridrec::edge edge = gridrec::edge::zero;
    /// The radial length is at least this many times the columns; 2 keeps the filter from wrapping
    /// around wherever the rotation axis is near the detector's middle.
    double padding = 2;
    /// One for each angle, in radians (they add up to pi); empty: pi / angles each.
    std::vector<double> weights = {};
    destrier::memory memory = {};
};

/// The length P that projections are padded to before they are filtered.
inline std::size_t radial_size(std::size_t columns, double padding = 2) {
    return fft::good_size_real(
        static_cast<std::size_t>(std::ceil(padding * static_cast<double>(columns))));
}

/// Seconds spent in the stages of a plan.
struct stage_times {
    double radial = 0; ///< projections to spectra, or back
    double grid = 0;   ///< spectra to the grid and its transform along v, or back
    double image = 0;  ///< transform along u, deapodisation, transposed store, or back
};

namespace detail {

inline std::vector<double> weights_of(std::size_t angles, const options& o) {
    if (!o.weights.empty()) return o.weights;
    return std::vector<double>(angles, std::numbers::pi / static_cast<double>(angles));
}

// f(number of taps), known to the compiler.
template <class F>
void with_taps(std::size_t taps, F&& f) {
    switch (taps) {
    case 6: return f(std::integral_constant<std::size_t, 6>());
    case 7: return f(std::integral_constant<std::size_t, 7>());
    default: return f(std::integral_constant<std::size_t, 8>());
    }
}

// Calls f(); the time goes to `seconds`.
template <class F>
void timed(double& seconds, F&& f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace detail

} // namespace destrier::gridrec
