// SPDX-License-Identifier: BSD-3-Clause
//
// extract_files.hpp: exposures in, frames out: the work shared among ranks and threads, and where the time went.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/ranks.hpp"
#include "extract/grid.hpp"

namespace spectra {

struct extract_files_options {
    std::vector<std::filesystem::path> psfs;   // one for all exposures, or one for each
    std::vector<std::filesystem::path> images; // exposures
    // The frame; or, of several exposures or where it is a directory, where frames go: preproc-X.fits.gz becomes
    // frame-X.fits.
    std::filesystem::path output;
    std::filesystem::path picture; // empty: none; of one exposure only
    bool overwrite = false;
    std::optional<fiber_range> fibers;          // none: all of the PSF
    std::optional<wavelength_grid> wavelengths; // none: all that is on the CCD
    std::string algorithm = "banded";           // or eigh
    std::optional<double> psf_error;            // none: the PSF's own
    bool model = false;                         // in the frame, too
    int threads = 0;                            // of each rank
};

/// Extracts frame after frame; each appears under its name when it is whole. Ranks share bundles of 25 fibres, the
/// first rank writes. The frames are bitwise the same for any number of ranks and threads.
///
/// Throws  std::runtime_error naming file, value and what was expected; failed_elsewhere where another rank did
void extract_files(const extract_files_options& options, const common::ranks& all);

} // namespace spectra
