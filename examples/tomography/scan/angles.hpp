// SPDX-License-Identifier: BSD-3-Clause
//
// angles.hpp: what the numbers in theta mean, and how much each projection counts.
#pragma once

#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace tomo {

/// What theta is given in; automatic: as the file says, or as the numbers look where it says nothing.
enum class theta_units { automatic, degrees, radians };

struct read_angles {
    std::vector<double> theta; // radians
    std::string warning;       // empty, or what to tell the user
};

/// Angles as a file has them, in radians. All of the file's angles are wanted here, before any are
/// left out: whether they are degrees shows in how much of a turn they make. `declared` is the file's
/// attribute units ("" where there is none), `name` what to call the angles in messages.
///
/// Four angles or more that make 1 to 4 half turns to 1 %, in degrees or in radians, tell their units:
/// an error where the file says otherwise, and a warning where it says nothing and they are radians.
/// Other angles are what the file says, or degrees; a warning tells of what looks odd.
///
/// Throws  std::runtime_error on such an error, an angle that is not finite, or other units
read_angles as_radians(std::vector<double> values, const std::string& declared, theta_units wanted,
                       const std::string& name);

/// Weights for gridrec::options: the part of `period` that is nearer to an angle (modulo period) than to
/// any other, but at most twice the middle one of all, for what lies in a gap was not seen. Where there
/// are no gaps they add up to pi. The period is pi, but 2 pi in a half acquisition, where a projection
/// and the one half a turn on do not see the same.
std::vector<double> angle_weights(std::span<const double> theta, double period = std::numbers::pi);

/// No projections between these angles, in radians; 0 <= from < period, to may be beyond it.
struct angle_gap {
    double from, to;
};

/// The gaps that are wider than 3 usual steps, by angle (modulo period).
std::vector<angle_gap> gaps(std::span<const double> theta, double period = std::numbers::pi);

/// "no projections between 61.2 and 88.9 degrees"
std::string text_of(const angle_gap& gap);

} // namespace tomo
