// SPDX-License-Identifier: BSD-3-Clause
//
// outputs.hpp: the files of a solve: checked before the work, and all of them there in the end, or none.
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "common/output.hpp"
#include "observation/work.hpp"
#include "solve/solve.hpp"

namespace mapmaking {

/// A part of the data of which maps are made from the same offsets.
struct selection {
    std::string name = {};     // empty: all of it
    std::string detector = {}; // empty: all
    int half = 0;              // of each observation, 1 or 2; 0: both
};

/// All of the data first.
std::vector<selection> selections_of(const solve_options& options, const work& all);

/// MAPS.fits, MAPS-NAME.fits.
std::filesystem::path file_of(const solve_options& options, const selection& which);

/// Throws  std::runtime_error if a file would be read and written, or written twice, or cannot be made
void require_outputs(const solve_options& options, const std::vector<selection>& selections);

/// Files in the making, which appear together.
class staged_files {
public:
    explicit staged_files(bool overwrite) : overwrite_(overwrite) {}
    const std::filesystem::path& add(const std::filesystem::path& name) {
        return files_.emplace_back(name, overwrite_).part();
    }
    void commit() {
        for (common::staged_file& file : files_) file.commit();
    }

private:
    bool overwrite_;
    std::deque<common::staged_file> files_;
};

} // namespace mapmaking
