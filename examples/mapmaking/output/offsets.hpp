// SPDX-License-Identifier: BSD-3-Clause
//
// offsets.hpp: the offsets that a solve found, in an HDF5 file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include <destrier/destripe/chunk.hpp>

#include "observation/work.hpp"

namespace mapmaking {

struct found_offset {
    std::size_t chunk; // of all ranks'
    destrier::destripe::baseline samples;
    double offset;
    double weight; // 1 / variance from white noise; 0 for an offset of which no sample tells
};

/// As numbers, to be sent to the first rank.
void append_offset(std::vector<double>& to, const found_offset& offset);

/// Data sets offset, weight, first_sample, samples and chunk, one element a baseline; detector and observation,
/// texts of one line a chunk.
void write_offset_file(const std::filesystem::path& path, const work& all,
                       const std::vector<std::vector<double>>& parts);

} // namespace mapmaking
