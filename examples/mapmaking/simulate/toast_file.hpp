// SPDX-License-Identifier: BSD-3-Clause
//
// toast_file.hpp: observations into HDF5 files, as TOAST 3 writes and reads them (its format version 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/hdf5.hpp"
#include "simulate/focal_plane.hpp"
#include "simulate/noise_stream.hpp"
#include "simulate/scan.hpp"

namespace mapmaking {

/// Of a telescope on the ground: degrees north and east, metres.
struct site {
    double latitude, longitude, altitude;
};

/// All of an observation but its detectors' samples.
struct new_observation {
    std::string name;
    double rate;                            // Hz
    double field_of_view;                   // degrees
    std::vector<placed_detector> detectors; // one or more
    std::vector<noise_options> noise;       // (detectors), all of one `lowest`
    scan shared;
    std::vector<double> half_wave_plate; // (n) its angle, radians, or empty
    std::optional<site> ground;          // none: in space
};

/// Bytes of samples and of what detectors share.
std::uintmax_t file_size(const new_observation& o);

class observation_writer {
public:
    /// Throws  std::runtime_error that names the file and what HDF5 or the system says, as the others here do
    observation_writer(const std::filesystem::path& path, const new_observation& o);

    /// The samples of detector d: signal in K, TOAST's bits of flags.
    void write(std::size_t d, std::span<const double> signal, std::span<const std::uint8_t> flags);
    void close();

private:
    common::h5::file file_;
    common::h5::dataset signal_, flags_;
};

} // namespace mapmaking
