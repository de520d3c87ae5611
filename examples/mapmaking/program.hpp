// SPDX-License-Identifier: BSD-3-Clause
//
// program.hpp: what the program calls itself, on the terminal and in the files it writes.
#pragma once

#include <string>

#include "common/version.hpp"

namespace mapmaking {

inline std::string program_name() { return common::with_version("destrier-map"); }

} // namespace mapmaking
