// SPDX-License-Identifier: BSD-3-Clause
//
// reconstruct.hpp: from a scan's file to a volume's, a chunk of rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "normalise.hpp"
#include "scan.hpp"

namespace tomo {

struct recon_options {
    std::filesystem::path scan, volume;
    std::filesystem::path tiff, picture; // empty: none is written
    bool overwrite = false;
    std::optional<double> center; // in detector pixels; none: found in the scan
    std::size_t first_row = 0;
    std::size_t last_row = std::numeric_limits<std::size_t>::max(); // one past the last; default: all
    std::string filter = "shepp", accuracy = "standard";
    average frames = average::mean;
    int threads = 0;                               // 0: all
    std::uint64_t memory = std::uint64_t{4} << 30; // bytes
};

void reconstruct(const recon_options& options);

} // namespace tomo
