// SPDX-License-Identifier: BSD-3-Clause
//
// centers.hpp: what a user says about the rotation axis.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace tomo {

enum class center_method {
    automatic,         // auto: as suits the scan
    phase_correlation, // pc
    vo,                // vo
    entropy,           // entropy
    number,            // the axis itself
    file,              // a text file, see read_centers
    trial              // try:FIRST:LAST:STEP, one slice with each of them
};

struct center_choice {
    center_method method = center_method::automatic;
    double center = 0;                    // number
    std::filesystem::path file = {};      // file
    double first = 0, last = 0, step = 0; // trial
};

/// Throws  std::runtime_error where the text is nothing of the above, nor the name of a file
center_choice parse_center(const std::string& text);

/// One axis for each of the detector rows first_row .. first_row + rows - 1 from lines of a row and its
/// axis, both in pixels and in any order, # before a comment: on straight lines between the rows given,
/// the same as the nearest one's beyond them.
///
/// Throws  std::runtime_error naming the line
std::vector<double> read_centers(const std::filesystem::path& path, std::size_t first_row,
                                 std::size_t rows);

/// first, first + step, ... up to last, which is one of them where it falls on a step.
///
/// Throws  std::runtime_error unless first <= last, step > 0, and they are 1024 at most
std::vector<double> try_centers(double first, double last, double step);

} // namespace tomo
