// SPDX-License-Identifier: BSD-3-Clause
//
// simulate_command.hpp: the command line of destrier-map simulate.
#pragma once

#include <CLI/CLI.hpp>

#include "simulate/simulate.hpp"

namespace mapmaking {

/// What is on the command line goes into the options, which hold the defaults.
void add_simulate(CLI::App& app, simulate_options& options);

} // namespace mapmaking
