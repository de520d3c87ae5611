// SPDX-License-Identifier: BSD-3-Clause
//
// memory_needs.hpp: what a solve needs of memory, told before it starts, and what there is.
#pragma once

#include <cstddef>
#include <string>

namespace mapmaking {

/// What decides how much a rank needs.
struct problem_sizes {
    std::size_t samples;       // of this rank
    std::size_t longest;       // observation of this rank, in samples
    std::size_t pixels;        // of the map, at most
    std::size_t solve_pixels;  // of the solve, at most
    std::size_t sphere_pixels; // columns that are written have so many; 0 on ranks that write none
    std::size_t baselines;     // of this rank
    std::size_t components;    // 1, 2 or 3 of a pixel
    std::size_t columns;       // that are written
    std::size_t band;          // of the preconditioner; 0 without a noise prior
    bool one_pass;
};

/// Bytes of a rank, at most, and how they come about.
struct memory_need {
    std::size_t per_sample_setting_up, per_sample_iterating;
    std::size_t bytes; // in all, at the worst moment
};

memory_need needed_memory(const problem_sizes& sizes);

/// Bytes that this process may still take: its share of what the node has free, unless a control group or a limit
/// of the shell's leaves less.
std::size_t available_memory(std::size_t ranks_on_this_node);

/// "23.1 GiB", "512 MiB".
std::string bytes_text(std::size_t bytes);

/// Throws  std::runtime_error naming both numbers and what helps, if more is needed than there is
void require_memory(const memory_need& need, std::size_t available, const problem_sizes& sizes);

} // namespace mapmaking
