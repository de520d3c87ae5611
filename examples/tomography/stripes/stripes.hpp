// SPDX-License-Identifier: BSD-3-Clause
//
// stripes.hpp: takes out what each detector pixel adds of its own.
//
// A pixel that is brighter or darker than its white frames say adds the same to its line integral at all angles:
// a stripe along the sinogram, a ring in the slice. Four methods, by what they take for a stripe:
//
//   fw   what varies across columns by wavelets of up to 2^levels pixels, and along angles in less than about
//        sigma periods (fourier_wavelet.hpp)
//   ti   what a least-squares fit of the mean over angles finds rough, against a penalty on stripes (mean_stripes.hpp)
//   sf   what the mean over angles has and its running mean over columns has not
//   vo   columns whose distribution of values is not that of their neighbours; dead, fluctuating and wide
//        stripes are found and replaced first (vo_stripes.hpp)
//
// All four mistake what is round about the rotation axis for stripes, as no sinogram tells one from the other.
//
// Source  fw: Munch, Trtik, Marone, Stampanoni, Opt. Express 17 (2009) 8567, doi:10.1364/OE.17.008567;
//         ti: Titarenko, Withers, Yagola, Appl. Math. Lett. 23 (2010) 1489, doi:10.1016/j.aml.2010.08.022;
//         vo: Vo, Atwood, Drakopoulos, Opt. Express 26 (2018) 28396, doi:10.1364/OE.26.028396
#pragma once

#include <cstddef>

#include "scan/stack.hpp"

namespace tomo {

enum class stripe_method { none, fourier_wavelet, titarenko, smoothing, vo };

struct stripe_options {
    stripe_method method = stripe_method::none;

    // fw
    std::size_t levels = 0;  // of the wavelet transform; 0: chosen from the columns
    double sigma = 2;        // of the damping, in periods over all angles
    std::size_t wavelet = 5; // order of Daubechies' wavelet, 1 to 20: its vanishing moments

    // ti
    double alpha = 0.2;     // weight of the penalty: stripes of up to about 1 / sqrt(alpha) pixels go
    std::size_t blocks = 1; // of angles, each with stripes of its own

    // sf
    std::size_t window = 7; // columns of the running mean, odd

    // vo
    double snr = 3;              // how far a column must stand out to be replaced
    std::size_t large_size = 61; // columns of the median that finds wide stripes, odd
    std::size_t small_size = 11; // columns of the median that takes out narrow ones, odd
};

/// Throws  std::runtime_error that names the option, where the chosen method cannot use it on such sinograms
void check(const stripe_options& options, std::size_t angles, std::size_t columns);

/// What remove_stripes takes besides, with buffers rounded up to whole huge pages.
std::size_t stripe_scratch_bytes(const stripe_options& options, std::size_t angles, std::size_t columns,
                                 int threads);

/// Takes stripes out where the line integrals lie, each detector row by itself.
///
/// Threads  over rows; any number gives the same bits. NaN stays in its row
/// Throws   as check
void remove_stripes(projections line_integrals, const stripe_options& options, int threads);

} // namespace tomo
