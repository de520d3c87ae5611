// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/noise_stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include <destrier/parallel.hpp>

#include "common/random.hpp"

namespace mapmaking {
namespace {

using real_blocks = destrier::real_blocks<double>;
using complex_blocks = destrier::complex_blocks<double>;

// The next 4, 5, 6 or 7 times a power of two.
std::size_t round_length(std::size_t n) {
    const std::size_t step = std::max<std::size_t>(std::bit_ceil(n) / 8, 1);
    return (n + step - 1) / step * step;
}

} // namespace

double noise_density(const noise_options& noise, double frequency) {
    const double f = std::pow(frequency, noise.slope);
    return noise.net * noise.net * (f + std::pow(noise.knee, noise.slope)) /
           (f + std::pow(noise.lowest, noise.slope));
}

noise_maker::noise_maker(std::size_t samples, double rate, int threads)
    : rate_(rate), threads_(threads), plan_(round_length(2 * samples)),
      spectra_(complex_blocks::size_for(plan_.spectrum_size(), lanes)),
      streams_(real_blocks::size_for(plan_.size(), lanes)), scratch_(plan_.scratch_size(1)) {}

void noise_maker::make(std::span<const noise_options> noise, std::span<const noise_seed> seeds) {
    if (seeds.size() > lanes || noise.size() != seeds.size()) {
        throw std::invalid_argument("noise_maker: " + std::to_string(noise.size()) + " spectra and " +
                                    std::to_string(seeds.size()) + " seeds, expected as many, at most " +
                                    std::to_string(lanes));
    }
    destrier::parallel_for(seeds.size(), threads_,
                           [&](std::size_t lane) { draw(lane, noise[lane], seeds[lane]); });
    plan_.backward(complex_blocks(spectra_.data(), plan_.spectrum_size(), lanes),
                   real_blocks(streams_.data(), plan_.size(), lanes), scratch_.span());
}

void noise_maker::add(std::size_t k, double scale, std::span<double> samples) const {
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] += scale * streams_[i * lanes + k];
}

// The variance of an element of the whole spectrum is density x rate / period; the two that have no conjugate beside
// them are real.
void noise_maker::draw(std::size_t lane, const noise_options& noise, const noise_seed& seed) {
    common::random_stream random(seed.seed, seed.kind, seed.item);
    const complex_blocks spectra(spectra_.data(), plan_.spectrum_size(), lanes);
    const double n = static_cast<double>(period());
    for (std::size_t k = 0; k < plan_.spectrum_size(); ++k) {
        const double density = noise_density(noise, static_cast<double>(k) * rate_ / n);
        const bool is_real = k == 0 || 2 * k == period();
        const double size = std::sqrt(density * rate_ / n * (is_real ? 1 : 0.5));
        const auto [re, im] = common::normal_pair(random);
        spectra.at(0, k, 0)[lane] = size * re;
        spectra.at(0, k, 1)[lane] = is_real ? 0 : size * im;
    }
}

} // namespace mapmaking
