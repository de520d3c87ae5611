// SPDX-License-Identifier: BSD-3-Clause
//
// noise_stream.hpp: Gaussian noise of a given spectrum, one stream a detector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <destrier/fft.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

#include "fft_kernels.hpp"

namespace mapmaking {

/// White and 1/f noise of density net^2 (f^slope + knee^slope) / (f^slope + lowest^slope), two-sided: samples of the
/// white part at a rate r have the variance net^2 r. As destrier::destripe::one_over_f tabulates it.
struct noise_options {
    double net = 2e-4;    // K sqrt(s)
    double knee = 0.1;    // Hz; 0: white
    double slope = 1.7;   // how fast it rises to low frequencies
    double lowest = 1e-5; // Hz, where it no longer does
};

/// At frequencies of 0 and more.
double noise_density(const noise_options& noise, double frequency);

/// Which random numbers a stream is made of.
struct noise_seed {
    std::uint64_t seed, kind, item;
};

/// Makes streams of n samples, as many at once as a transform has lanes. They are cut out of a period twice as long,
/// so that their ends know little of their beginnings. What a stream holds depends on its spectrum and seed alone,
/// not on those beside it or on the number of threads. Memory: about 450 bytes a sample.
class noise_maker {
public:
    static constexpr std::size_t lanes = destrier::line<double>;

    noise_maker(std::size_t samples, double rate, int threads);

    std::size_t period() const noexcept { return plan_.size(); }
    /// New streams, of one seed each, at most `lanes`.
    void make(std::span<const noise_options> noise, std::span<const noise_seed> seeds);
    /// Adds scale x the k-th of the last streams made.
    void add(std::size_t k, double scale, std::span<double> samples) const;

private:
    void draw(std::size_t lane, const noise_options& noise, const noise_seed& seed);

    double rate_;
    int threads_;
    destrier::fft::plan_r2c<double> plan_;
    destrier::buffer<double> spectra_, streams_, scratch_;
};

} // namespace mapmaking
