// SPDX-License-Identifier: BSD-3-Clause
//
// simulate_command.hpp: the command line of `destrier-tomo simulate`.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace tomo {

/// Adds the options; what is returned simulates the scan they describe, once they have been read.
std::function<void()> add_simulate(CLI::App& app);

} // namespace tomo
