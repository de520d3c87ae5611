// SPDX-License-Identifier: BSD-3-Clause
//
// extract.hpp: spectra from a CCD image, by the spectroperfectionism of A. S. Bolton and D. J. Schlegel (PASP 122
// (2010) 248): the fluxes that, spread by the point-spread function, come closest to the image; then as little
// smoothing as makes their errors independent, which is told as a resolution matrix.
//
// A bundle of fibres is extracted in one call, from its spots to its spectra; any number of bundles, from any number
// of processes, make a frame.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "exposure/exposure.hpp"
#include "exposure/psf.hpp"
#include "extract/patch.hpp"
#include "extract/solve.hpp"
#include "extract/stages.hpp"
#include "output/frame.hpp"

namespace spectra {

struct extract_options {
    spectra::algorithm algorithm = algorithm::banded;
    double psf_error = 0.01;                 // relative error of the model, for chi2pix
    std::size_t first_fiber = 0, fibers = 0; // of the PSF
    std::vector<double> wavelength;          // middles of the bins, rising, Angstrom
    int threads = 0;                         // 0: all
    bool model = false;                      // make the model image, too
    patch_shape patches = {};
};

/// A part of the model image.
struct model_piece {
    int x0 = 0, y0 = 0; // on the CCD, or beside it
    std::size_t nx = 0, ny = 0;
    std::vector<double> electrons; // (ny, nx)
};

/// Spectra of one bundle, per bin.
struct bundle_spectra {
    std::size_t first_fiber = 0, fibers = 0; // of the PSF
    std::size_t patches = 0;
    std::size_t clipped = 0; // patches whose matrix was not positive definite, and was made so
    stage_seconds seconds = {};
    std::vector<double> flux, ivar, chi2pix, pixmask_fraction; // (fibers, bins)
    std::vector<double> resolution;                            // (fibers, diagonals, bins)
    std::vector<model_piece> model; // that overlap; none where none was asked for

    /// All of it as numbers, to be sent elsewhere, appended to `to`; and back, from the front of `from`.
    void append_to(std::vector<double>& to) const;
    static bundle_spectra take_from(std::span<const double>& from);
};

/// The bundles that the options' fibres belong to, as the fibres that are wanted of each.
std::vector<fiber_span> bundles_of(const extract_options& options);

/// Called when a patch is done, by one thread at a time: patches done, and patches in all.
using patch_progress = std::function<void(std::size_t, std::size_t)>;

/// Extracts fibres that belong to one bundle.
///
/// Shapes   weights as image of the exposure: see usable_weights
/// Threads  any number gives the same bits, and so does any choice of fibres
/// Throws   std::invalid_argument naming the value and what was expected
bundle_spectra extract_bundle(const psf& p, const exposure& e, std::span<const float> weights,
                              fiber_span wanted, const extract_options& options,
                              const patch_progress& progress = {});

/// Puts bundles together, divides by the bins' widths, and sets the mask:
///
///   ALLBADPIX   no pixel of the bin is usable: ivar, flux and the bin's row of the resolution are 0
///   SOMEBADPIX  the unusable pixels hold more than half of its light
///   BAD2DFIT    chi2pix is more than 5 times its median over the fibre's bins, and also more than 5 times its median
///               over the bin's fibres where these are 3 or more
frame finish_frame(std::span<const bundle_spectra> bundles, const psf& p, const exposure& e,
                   const extract_options& options);

} // namespace spectra
