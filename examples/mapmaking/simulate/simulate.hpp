// SPDX-License-Identifier: BSD-3-Clause
//
// simulate.hpp: observations of a known sky, written as TOAST writes them.
//
// A sample is what the pixel under the detector holds, I + Q c + U s with c and s as the library's operators have
// them, and noise. The sky's map lies in the frame of the pointing, whatever coordinates it says it has: a map made
// of the samples is to be the map that they were made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "simulate/focal_plane.hpp"
#include "simulate/noise_stream.hpp"
#include "simulate/scan.hpp"

namespace mapmaking {

enum class survey { satellite, ground };

struct simulate_options {
    std::filesystem::path output; // of several observations -0, -1, ... comes before the extension
    std::filesystem::path sky;    // HEALPix map of I or of I, Q, U; empty: the built-in sky
    std::string sky_unit;         // K, mK or uK; empty: as the map says
    std::size_t sky_nside = 32;   // of the built-in sky
    std::filesystem::path truth;  // the sky as it was looked at, in K; empty: none is written
    bool overwrite = false;

    std::size_t observations = 1;
    double duration = 3600;    // seconds of each
    double every = 0;          // seconds from one start to the next; 0: one follows the other
    double rate = 20;          // samples a second
    double start = 1767225600; // of the first, seconds since 1970 UTC: 2026-01-01

    survey how = survey::satellite;
    satellite_scan satellite;
    ground_scan ground;
    focal_plane_options focal_plane;
    double half_wave_plate = 0; // turns a second; 0: there is none

    bool signal = true, noise = true; // the noise: the atmosphere too
    noise_options detector_noise;
    double spread = 0;                         // relative, of the detectors' NET and knee
    noise_options atmosphere{0, 1, 2.7, 1e-3}; // one for all detectors, and its gradients; net 0: none
    double gradient = 0.3;                     // of it, at the edge of the field of view

    double flag_fraction = 0; // of single samples
    double flag_spans = 0;    // a detector and hour
    double flag_length = 5;   // seconds that each lasts
    double dead_every = 0;    // seconds from one dead time to the next, all detectors; 0: none
    double dead_time = 60;    // seconds that each lasts
    bool nan_where_flagged = false;

    std::uint64_t seed = 1;
    int threads = 0;
};

/// Writes the observations, a few detectors at a time. The same options give the same samples on any number of
/// threads; a detector's noise and flags do not depend on how many others there are.
///
/// Throws  std::runtime_error naming the option or the file, its value and what was expected; nothing is written
void simulate(const simulate_options& options);

} // namespace mapmaking
