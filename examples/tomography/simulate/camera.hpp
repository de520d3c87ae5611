// SPDX-License-Identifier: BSD-3-Clause
//
// camera.hpp: how a camera counts what arrives at it, with all that is wrong with cameras.
//
// The beam is brighter in the middle, no two pixels have the same gain, and dark frames are not 0. White frames
// see the gains, so that dividing by them takes these away. What it leaves are stripes in sinograms, here, if asked
// for, of the kinds that Vo, Atwood and Drakopoulos (Optics Express 26 (2018) 28396) tell apart:
//
//     full           the gain under the sample is not that of the white frames       one pixel in 16
//     fluctuating    it drifts away, from 0 at the start to twice as much             one in 64
//     large          blobs of 4 x 8 pixels that differ by four times as much          one blob in 200
//     unresponsive   the same count in every projection and in the white frames       one pixel in 400
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/random.hpp"

namespace tomo {

struct camera_options {
    std::size_t columns = 256, rows = 64;
    double full_beam = 50000; // counts where the beam is brightest
    double photons = 0;       // in a pixel there; 0: no noise
    double stripes = 0;       // most that a gain changes by in a full stripe, relative; 0: no stripes
    double zingers = 0;       // probability of a count, in any frame, to have one or two full beams more
    std::uint64_t seed = 1;
};

class camera {
public:
    enum kind : std::uint64_t { projection, white, dark };

    explicit camera(const camera_options& options);

    /// The counts of one row; row holds what part of the beam arrives, and receives the counts. `progress` is how
    /// much of the scan is over, 0 to 1.
    void expose(kind what, std::size_t frame, double progress, std::size_t row_number,
                std::span<double> row) const;

private:
    void spoil(std::size_t row_number); // makes the stripes
    double noisy(double beam, common::random_stream& random) const;
    void hit(kind what, std::size_t frame, std::size_t row_number, std::span<double> row) const;

    camera_options options_;
    std::vector<double> offset_, beam_; // counts in the dark, and what all of the beam adds
    // Where there are stripes: the gain under the sample, how much it drifts, and counts that are always the same.
    std::vector<double> gain_, drift_, stuck_;
};

} // namespace tomo
