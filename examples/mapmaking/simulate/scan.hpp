// SPDX-License-Identifier: BSD-3-Clause
//
// scan.hpp: where a telescope looks, sample by sample.
//
// The sky's frame is the equatorial one of the date: a rotation of the Earth at a constant rate, a Sun in a circle;
// no precession, nutation, aberration or refraction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "observation/observation.hpp"

namespace mapmaking {

/// A satellite that spins about an axis, which precesses about the direction away from the Sun.
struct satellite_scan {
    double spin_angle = 50;          // degrees, line of sight to spin axis
    double spin_period = 20;         // seconds
    double precession_angle = 45;    // degrees, spin axis to the direction away from the Sun
    double precession_period = 3600; // seconds
    double year = 365.25;            // days in which the Sun goes round
};

/// A telescope on the ground that sweeps forth and back in azimuth at one elevation while the sky turns.
struct ground_scan {
    double latitude = -22.96, longitude = -67.79;   // degrees north and east
    double altitude = 5190;                         // metres
    double elevation = 50;                          // degrees
    double azimuth_first = 110, azimuth_last = 150; // degrees from north by east
    double rate = 1;                                // degrees of azimuth a second
    double acceleration = 1;                        // degrees a second squared, in turnarounds
    bool mirror = true; // every other observation scans 360 - azimuth, where the field sets
};

/// The samples of one observation.
struct timing {
    double start;          // of the survey, seconds since 1970 UTC
    double rate;           // Hz
    std::size_t first;     // sample of the survey with which the observation begins
    std::size_t samples;   // of the observation
    double dead_every = 0; // seconds from the end of a dead time to that of the next; 0: none
    double dead_time = 0;  // seconds that each lasts
};

struct named_intervals {
    std::string name;
    std::vector<interval> intervals;
};

/// What all detectors of an observation share. Quaternions x y z w turn the telescope's frame, whose z axis is the
/// line of sight, into the sky's, or into the horizon's: x north, y west, z up.
struct scan {
    std::vector<double> times;
    std::vector<double> boresight;          // (n, 4)
    std::vector<double> horizontal;         // (n, 4), or empty
    std::vector<double> azimuth, elevation; // (n) radians, or empty
    std::vector<double> position, velocity; // (n, 3) of the Earth about the Sun, km and km/s
    std::vector<std::uint8_t> flags;        // (n) bits below
    std::vector<named_intervals> intervals;
};

/// TOAST's bits of shared flags: samples that are worthless, and those while the telescope turns around.
inline constexpr std::uint8_t invalid_flag = 1, turnaround_flag = 4;

/// Interval "scanning": all but dead times. Threads: 0 is all.
///
/// Throws  std::runtime_error naming an option that makes no sense
scan make_scan(const satellite_scan& how, const timing& when, int threads = 0);
/// Intervals as TOAST names them: scan_leftright (azimuth rises), turn_leftright (after it), throw_leftright (from
/// the middle of a turnaround to that of the next), ... rightleft, and scanning, turnaround, throw, which are both.
/// k: the number of the observation, which says whether it is a mirrored one.
///
/// Throws  std::runtime_error naming an option that makes no sense
scan make_scan(const ground_scan& how, const timing& when, std::size_t k, int threads = 0);

} // namespace mapmaking
