// SPDX-License-Identifier: BSD-3-Clause
#include "observation/chunk_reader.hpp"

#include <algorithm>

#include <destrier/parallel.hpp>

namespace mapmaking {

namespace ds = destrier::destripe;

void chunk_reader::open(std::size_t k) {
    const std::size_t number = work_.chunks[work_.mine.begin + k].observation;
    if (open_ == number) return;
    open_ = ~std::size_t{0};
    streams_.reset(); // before the next one needs the memory
    streams_.emplace(work_.observations[number], how_.masks);
    baselines_ = make_baselines(*streams_, how_.baselines);
    open_ = number;
}

void chunk_reader::read_flags(std::size_t k) {
    flags_.resize(work_.observation_of(k).samples);
    streams_->read_flags(work_.detector_of(k), flags_);
    for (std::size_t i = 0; i < baselines_.outside.size(); ++i)
        flags_[i] = static_cast<std::uint8_t>(flags_[i] | baselines_.outside[i]);
}

void chunk_reader::expand(std::size_t k, bool weights) {
    const detector& d = work_.detector_of(k);
    const std::size_t n = work_.observation_of(k).samples, polarised = weights && how_.polarised ? n : 0;
    pixels_.resize(n);
    cosine_.resize(polarised);
    sine_.resize(polarised);
    const std::span<const double> plate = how_.half_wave_plate && polarised > 0
                                              ? std::span<const double>(streams_->half_wave_plate())
                                              : std::span<const double>();
    ds::expand_pointing(std::span<const double>(streams_->boresight()),
                        {.quaternion = d.quaternion, .efficiency = d.efficiency, .gamma = d.gamma},
                        plate, {.nside = how_.nside, .order = ds::ordering::nest}, pixels_, cosine_,
                        sine_, how_.threads);
}

// An observation without baselines has no samples.
ds::chunk chunk_reader::view(std::size_t k) const {
    if (baselines_.baselines.empty()) return {};
    return {.pixels = pixels_,
            .cosine = cosine_,
            .sine = sine_,
            .signal = signal_,
            .flags = flags_,
            .weight = work_.detector_of(k).weight,
            .baselines = baselines_.baselines};
}

ds::chunk chunk_reader::pixels(std::size_t k) {
    open(k);
    read_flags(k);
    clock_.ends(stage::read);
    expand(k, false);
    clock_.ends(stage::point);
    return view(k);
}

ds::chunk chunk_reader::samples(std::size_t k, const pixel_set& numbering, unsigned coarser) {
    open(k);
    read_flags(k);
    signal_.resize(flags_.size());
    streams_->read_signal(work_.detector_of(k), flags_, signal_);
    clock_.ends(stage::read);
    expand(k, true);
    destrier::parallel_for(pixels_.size(), how_.threads,
                           [&](std::size_t i) { pixels_[i] >>= 2 * coarser; });
    numbering.renumber(pixels_, pixels_);
    clock_.ends(stage::point);
    return view(k);
}

void chunk_reader::leave_out(std::span<const double> known) {
    for (std::size_t b = 0; b < known.size(); ++b) {
        if (known[b] != 0) continue;
        const ds::baseline& part = baselines_.baselines[b];
        std::fill_n(flags_.begin() + static_cast<std::ptrdiff_t>(part.begin), part.length, 1);
    }
}

} // namespace mapmaking
