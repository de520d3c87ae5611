// SPDX-License-Identifier: BSD-3-Clause
//
// phase_correlation.hpp: the rotation axis from projections half a turn apart, which are each other's
// mirror image about it.
//
// Source  Kuglin and Hines, Proc. IEEE Int. Conf. Cybernetics and Society (1975) 163
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "axis/spectra.hpp"

namespace tomo {

/// Two projections nearly half a turn apart, and the angle that is missing to it, in radians.
struct opposite_pair {
    std::size_t first, second;
    double missing;
};

/// The pairs of a scan that come nearest to half a turn, ten at most, the nearest first.
std::vector<opposite_pair> opposite_pairs(std::span<const double> theta);

/// The axis that mirrors the one projection into the other; both are spectra of the same rows.
double mirror_axis(const row_spectra& projection, const row_spectra& opposite, std::size_t rows);

/// The axis of the scan from those of its pairs. Where no pair is exactly half a turn apart, the object
/// has turned on by the missing angle and its axis seems to move in proportion: a straight line through
/// the pairs is followed to where nothing is missing.
double axis_of_pairs(std::span<const opposite_pair> pairs, std::span<const double> axes);

} // namespace tomo
