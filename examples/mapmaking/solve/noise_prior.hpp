// SPDX-License-Identifier: BSD-3-Clause
//
// noise_prior.hpp: what the detectors' noise says of their offsets, compiled by itself: its transforms take longer
// than all the rest.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <destrier/destripe/noise.hpp>
#include <destrier/parallel.hpp>

namespace mapmaking {

class noise_prior {
public:
    /// Offsets of a detector in an observation, and its noise.
    struct part {
        destrier::range amplitudes;
        destrier::destripe::noise_model noise;
    };

    /// seconds: of a baseline; diagonal: F' N^-1 F; width: of the preconditioner's band, in baselines.
    noise_prior(const std::vector<part>& parts, double seconds, double rate,
                std::span<const double> diagonal, std::size_t width, int threads);
    ~noise_prior();

    void add(std::span<const double> a, std::span<double> out);        // out += C_a^-1 a
    void precondition(std::span<const double> r, std::span<double> z); // z = about (D + C_a^-1)^-1 r

private:
    struct operators;
    std::unique_ptr<operators> operators_;
};

} // namespace mapmaking
