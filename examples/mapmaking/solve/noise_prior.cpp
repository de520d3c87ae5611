// SPDX-License-Identifier: BSD-3-Clause
#include "solve/noise_prior.hpp"

#include <destrier/destripe/banded.hpp>
#include <destrier/destripe/prior.hpp>
#include <destrier/memory.hpp>

#include "fft_kernels.hpp"

namespace mapmaking {
namespace {

namespace ds = destrier::destripe;

ds::offset_prior<> prior_of(const std::vector<noise_prior::part>& parts, double seconds, double rate,
                            int threads) {
    std::vector<ds::noise_model> models;
    std::vector<ds::prior_chunk> chunks;
    for (const noise_prior::part& p : parts) {
        chunks.push_back({p.amplitudes.begin, p.amplitudes.end - p.amplitudes.begin, models.size()});
        models.push_back(p.noise);
    }
    return {models, chunks, seconds, rate, threads};
}

} // namespace

struct noise_prior::operators {
    ds::offset_prior<> prior;
    ds::banded_preconditioner<> band;
    destrier::buffer<double> prior_scratch{prior.scratch_size()}, band_scratch{band.scratch_size()};
};

noise_prior::noise_prior(const std::vector<part>& parts, double seconds, double rate,
                         std::span<const double> diagonal, std::size_t width, int threads) {
    ds::offset_prior<> prior = prior_of(parts, seconds, rate, threads);
    ds::banded_preconditioner<> band(prior, diagonal, width, threads);
    operators_ = std::make_unique<operators>(operators{std::move(prior), std::move(band)});
}
noise_prior::~noise_prior() = default;

void noise_prior::add(std::span<const double> a, std::span<double> out) {
    operators_->prior.add(a, out, operators_->prior_scratch.span());
}

void noise_prior::precondition(std::span<const double> r, std::span<double> z) {
    operators_->band.apply(r, z, operators_->band_scratch.span());
}

} // namespace mapmaking
