// SPDX-License-Identifier: BSD-3-Clause
//
// solve_command.hpp: the options of "destrier-map solve", for CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include "solve/solve.hpp"

namespace mapmaking {

void add_solve(CLI::App& app, solve_options& options);

} // namespace mapmaking
