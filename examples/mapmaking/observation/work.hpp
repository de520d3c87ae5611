// SPDX-License-Identifier: BSD-3-Clause
//
// work.hpp: the observations that are to be solved together, and which of their detectors a rank works on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include <destrier/parallel.hpp>

#include "observation/observation.hpp"

namespace mapmaking {

/// A detector in an observation.
struct detector_chunk {
    std::size_t observation, detector;
};

struct work {
    std::vector<observation> observations;
    std::vector<detector_chunk> chunks; // of all ranks, observation after observation
    destrier::range mine{0, 0};         // those of this rank

    std::size_t size() const noexcept { return mine.end - mine.begin; }
    const observation& observation_of(std::size_t k) const { // k counts this rank's chunks
        return observations[chunks[mine.begin + k].observation];
    }
    const detector& detector_of(std::size_t k) const {
        return observation_of(k).detectors[chunks[mine.begin + k].detector];
    }
    std::size_t samples() const; // of all ranks
    std::size_t my_samples() const;
    std::size_t my_longest() const; // observation, in samples
};

/// Reads what there is to do, and cuts it into `ranks` runs of chunks of about as many samples.
///
/// Throws  std::runtime_error naming the file: of what read_observation() refuses, of other units than the first
///         one's; of another focal plane, unless mixed; if no detector is left
work plan_work(const std::vector<std::filesystem::path>& paths, const observation_options& options,
               bool mixed_focal_planes, std::size_t rank, std::size_t ranks);

} // namespace mapmaking
