// SPDX-License-Identifier: BSD-3-Clause
//
// spectra.hpp: the Fourier transforms of detector rows, as both searches for the axis use them.
#pragma once

#include <complex>
#include <cstddef>

#include <destrier/fft.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

#include "fft_kernels.hpp"

namespace tomo {

/// Half spectra of many rows of line integrals. The straight line through a row's ends is taken off,
/// so that an object wider than the detector makes no step there, and zeros follow to twice the
/// length, so that shifting by a phase moves nothing around the end.
///
/// A row seen in a mirror about c, g(s) = f(2 c - s), has the spectrum conj(F) exp(-2 pi i u 2 c).
class row_spectra {
public:
    /// rows is (n, columns).
    row_spectra(destrier::view<const float, 2> rows, int threads);

    /// The transforms' length; element k is the frequency u = k / length, in cycles a pixel.
    std::size_t length() const noexcept { return length_; }
    std::size_t size() const noexcept { return length_ / 2 + 1; }

    std::complex<float> operator()(std::size_t row, std::size_t k) const noexcept {
        constexpr std::size_t lanes = destrier::line<float>;
        const float* re = spectra_.at(row / lanes, k) + row % lanes;
        return {re[0], re[lanes]};
    }

private:
    std::size_t length_;
    destrier::buffer<float> memory_;
    destrier::complex_blocks<float> spectra_;
};

} // namespace tomo
