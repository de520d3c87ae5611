// SPDX-License-Identifier: BSD-3-Clause
//
// jobs.hpp: what a command line of `extract` asks for, exposure by exposure.
#pragma once

#include <cstddef>
#include <filesystem>
#include <list>
#include <string>
#include <vector>

#include "exposure/psf.hpp"
#include "extract/extract.hpp"
#include "extract/extract_files.hpp"

namespace spectra {

/// One exposure, and the frame that it becomes.
struct job {
    std::filesystem::path psf_path, image, frame;
    const spectra::psf* psf;
    extract_options how;
    std::vector<fiber_span> bundles;
    std::size_t patches; // of all bundles
};

struct plan {
    std::list<spectra::psf> psfs; // each file read once
    std::vector<job> jobs;
};

/// preproc-r0-00067784.fits.gz becomes frame-r0-00067784.fits.
std::filesystem::path frame_name(const std::filesystem::path& image);

/// Reads the PSFs, and finds the fibres, bins, bundles and the frame's name of each exposure.
///
/// Throws  std::runtime_error if the command line makes no sense, or a PSF has not what it asks for
plan plan_of(const extract_files_options& options, int threads);

/// Before hours of work, not after them: every input is there, and every output can be made, under a name of its
/// own.
///
/// Throws  std::runtime_error naming the file and what was expected
void require_files(const extract_files_options& options, const std::vector<job>& jobs);

} // namespace spectra
