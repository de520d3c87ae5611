// SPDX-License-Identifier: BSD-3-Clause
//
// recon_options.hpp: what a user asks of a reconstruction.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "axis/center.hpp"
#include "output/tiff_stack.hpp"
#include "prepare/prepared_scan.hpp"
#include "scan/scan.hpp"

namespace tomo {

struct recon_options {
    std::filesystem::path scan, volume;
    std::filesystem::path tiff, picture; // empty: none is written
    bool overwrite = false;
    bool resume = false; // go on with what an earlier run has left unfinished

    scan_choice use;
    index_choice rows; // of the file
    preparation prepare;
    center_choice center; // in the file's pixels
    half_scan half = half_scan::automatic;
    std::string filter = "shepp", accuracy = "standard";

    tiff_format tiff_type = tiff_format::float32;
    std::optional<gray_range> tiff_range; // none: from the volume's histogram

    int threads = 0;                               // of a rank; 0: all
    std::uint64_t memory = std::uint64_t{4} << 30; // bytes, of a rank

    std::filesystem::path configuration_read; // that the options came from, or empty
    /// The text of a configuration that repeats the run, with this as --center; empty: none is written.
    std::function<std::string(const std::string& center)> configuration = {};
};

} // namespace tomo
