// SPDX-License-Identifier: BSD-3-Clause
//
// recon_command.hpp: the command line of `destrier-tomo recon`.
#pragma once

#include <functional>

#include "common/ranks.hpp"

namespace CLI {
class App;
}

namespace tomo {

/// Adds the command to the program; what is returned runs it, once its options have been read.
std::function<void()> add_recon(CLI::App& program, CLI::App& app, const common::ranks& all);

} // namespace tomo
