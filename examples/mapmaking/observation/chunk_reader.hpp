// SPDX-License-Identifier: BSD-3-Clause
//
// chunk_reader.hpp: the samples of one detector after the other, with their pointing, as destriping takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/pixel_set.hpp>
#include <destrier/destripe/pointing.hpp>

#include "observation/baselines.hpp"
#include "observation/observation.hpp"
#include "observation/work.hpp"
#include "solve/stages.hpp"

namespace mapmaking {

using pixel_set = destrier::destripe::pixel_set<>;

/// Reads and expands what is asked for, anew for each pass over the data: the arrays of one chunk are all that is
/// kept. Chunks are those of this rank; they are views, until the next one is asked for.
class chunk_reader {
public:
    struct options {
        std::size_t nside;
        bool polarised;
        bool half_wave_plate;
        baseline_options baselines;
        flag_masks masks;
        int threads;
    };

    chunk_reader(const work& all, const options& how, stage_clock& clock)
        : work_(all), how_(how), clock_(clock) {}

    /// Pixels of the sphere (nested) and flags; no weights and no signal.
    destrier::destripe::chunk pixels(std::size_t k);
    /// All of it, pixels as `numbering` has them, which is of a sphere 4^coarser times less fine.
    destrier::destripe::chunk samples(std::size_t k, const pixel_set& numbering, unsigned coarser);

    /// Flags those baselines of the chunk last read of which `known`, (baselines), is 0.
    void leave_out(std::span<const double> known);

    /// Of the chunk last read; what is set there is left out.
    std::span<std::uint8_t> flags() noexcept { return flags_; }

    /// Of the observation last read.
    double rate() const { return streams_->rate(); }

private:
    destrier::destripe::chunk view(std::size_t k) const;
    void open(std::size_t k);
    void expand(std::size_t k, bool weights);
    void read_flags(std::size_t k);

    const work& work_;
    options how_;
    stage_clock& clock_;

    std::size_t open_ = ~std::size_t{0}; // number of the observation
    std::optional<time_streams> streams_;
    observation_baselines baselines_;
    std::vector<std::int32_t> pixels_;
    std::vector<float> cosine_, sine_;
    std::vector<double> signal_;
    std::vector<std::uint8_t> flags_;
};

} // namespace mapmaking
