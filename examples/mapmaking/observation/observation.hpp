// SPDX-License-Identifier: BSD-3-Clause
//
// observation.hpp: observations as TOAST 3 writes them into HDF5 files: what is in them, and, one detector at a
// time, the samples.
//
//   observation o = read_observation("obs.h5");
//   time_streams streams(o, masks);      // the boresight and whatever else the detectors share
//   streams.read_signal(d, signal);
//   streams.read_flags(d, flags);        // the shared ones among them
//
// Every failure is a std::runtime_error that names file, data set, value and what was expected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <destrier/destripe/noise.hpp>

#include "common/hdf5.hpp"

namespace mapmaking {

/// A detector as the focal plane's table has it.
struct placed {
    std::string name;
    std::array<double, 4> quaternion; // x y z w, focal plane to boresight
    double efficiency = 1;            // of the polariser
    double gamma = 0;                 // of its polarisation in the focal plane, radians
};

/// A detector of which there are samples.
struct detector : placed {
    std::size_t row = 0; // in the files' arrays
    double weight = 1;   // 1 / variance of its white noise, in the signal's unit; 0: not to be used
    destrier::destripe::noise_model noise = {}; // in the signal's unit; empty without a noise model
};

/// Samples begin .. end - 1.
struct interval {
    std::size_t begin, end;
};

/// Which bits of the flags leave a sample, or a detector, out. TOAST's own for anything but science: invalid,
/// processing, Solar system object; invalid, processing, unstable scan rate, irregular.
struct flag_masks {
    unsigned detector = 7;
    unsigned shared = 15;
};

struct observation {
    std::filesystem::path path;
    std::string name;
    std::size_t samples = 0;
    double rate = 1;                 // Hz, on average
    std::string unit;                // of the signal
    std::vector<placed> focal_plane; // all of the table
    std::vector<detector> detectors; // those with samples that are neither flagged nor without weight
    std::vector<std::string> unused; // names of the others
    bool has_noise_model = false;
    bool has_half_wave_plate = false;
};

struct observation_options {
    flag_masks masks;
    bool uniform_weights = false; // 1 for all, noise model or not
};

/// Reads and checks all but the time-ordered data, of which it checks the shapes.
observation read_observation(const std::filesystem::path& path, const observation_options& options = {});

/// The time-ordered data of an observation.
class time_streams {
public:
    /// Reads what the detectors share; flagged samples have the identity for a boresight.
    time_streams(const observation& of, const flag_masks& masks);

    const std::vector<double>& times() const noexcept { return times_; }
    double rate() const noexcept { return rate_; } // Hz; 1 where there are less than two samples
    const std::vector<double>& boresight() const noexcept { return boresight_; }       // (n, 4) x y z w
    const std::vector<double>& half_wave_plate() const noexcept { return hwp_angle_; } // (n), or empty
    const std::vector<std::uint8_t>& shared_flags() const noexcept { return flags_; }  // (n), masked

    /// TOAST's: samples from `start` on and before `stop`, and the last sample if `stop` is its time.
    std::vector<interval> intervals(const std::string& name) const;

    /// (n) of one detector; refuses a signal that is no number where it is not flagged.
    void read_flags(const detector& of, std::span<std::uint8_t> flags) const; // masked, shared ones too
    void read_signal(const detector& of, std::span<const std::uint8_t> flags,
                     std::span<double> signal) const;

private:
    std::filesystem::path path_;
    common::h5::file file_;
    flag_masks masks_;
    std::size_t samples_;
    std::vector<double> times_, boresight_, hwp_angle_;
    std::vector<std::uint8_t> flags_;
    double rate_ = 1;
};

/// Refuses a detector without a noise density, or with one that is not above 0 everywhere.
void require_density(const observation& o, const detector& d);

/// Refuses observations whose focal planes differ: other detectors, or a detector at another place.
void require_same_focal_plane(const observation& first, const observation& other);

} // namespace mapmaking
