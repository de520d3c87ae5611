// SPDX-License-Identifier: BSD-3-Clause
//
// account.hpp: where the time of a solve went, and how fast that was.
#pragma once

#include <cstddef>

#include "common/ranks.hpp"
#include "solve/stages.hpp"

namespace mapmaking {

/// Of one rank, or summed over ranks.
struct account {
    stage_seconds seconds = {};
    double samples = 0, solve_samples = 0; // read; of those, in the solve
    double operator_seconds = 0;           // in F' N^-1 Z F
    double operator_bytes = 0;             // of pointing that it read
    double read_bandwidth = 0;             // bytes a second
};

account sum_of(const account& mine, const common::ranks& all);

void print(const account& sum, std::size_t iterations, std::size_t ranks, int threads);

} // namespace mapmaking
