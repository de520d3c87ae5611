// SPDX-License-Identifier: BSD-3-Clause
//
// fourier_wavelet.hpp: stripes as what is rough across columns and smooth along angles.
//
// Level after level, the sinogram is parted by a wavelet into what is smooth both ways, which goes on to the next
// level, and what is smooth along angles and rough across columns, where the stripes are. Of that, Fourier
// component m along angles is damped by 1 - exp(-m^2 / (2 sigma^2)).
//
// The transform being linear and invertible, what the damping takes away is put together alone and taken off
// the sinogram: the other parts need no computing, and what is no stripe is not touched by rounding.
//
// Source  Munch, Trtik, Marone, Stampanoni, Opt. Express 17 (2009) 8567, doi:10.1364/OE.17.008567
#pragma once

#include <cstddef>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

#include "fft_kernels.hpp"
#include "stripes/wavelet.hpp"

namespace tomo {

class fourier_wavelet {
public:
    /// For sinograms (angles, columns); `order` is that of the wavelet.
    fourier_wavelet(std::size_t angles, std::size_t columns, std::size_t levels, std::size_t order,
                    double sigma);

    /// For one thread.
    class work_space {
    public:
        explicit work_space(const fourier_wavelet& plan);
        std::size_t bytes() const;

    private:
        friend fourier_wavelet;
        std::vector<destrier::buffer<float>> smooth, rough; // of each level
        destrier::buffer<float> halved, row, block, scratch;
    };

    void remove(destrier::view<float, 2> sinogram, work_space& work) const;

private:
    struct extents {
        std::size_t angles, columns;
        std::size_t size() const noexcept { return angles * columns; }
    };

    void keep_slow(std::size_t level, float* rough, work_space& work) const;

    wavelet wavelet_;
    std::vector<extents> extents_;                        // of each level, the sinogram's own first
    std::vector<destrier::fft::convolution<float>> slow_; // of each level: what the damping takes away
};

} // namespace tomo
