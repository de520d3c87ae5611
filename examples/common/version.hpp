// SPDX-License-Identifier: BSD-3-Clause
//
// version.hpp: a program's name with its version, for the terminal and for the files it writes.
#pragma once

#include <string>

#include <destrier/version.hpp>

namespace common {

inline std::string with_version(const std::string& program) {
    return program + " " + std::to_string(DESTRIER_VERSION_MAJOR) + "." +
           std::to_string(DESTRIER_VERSION_MINOR) + "." + std::to_string(DESTRIER_VERSION_PATCH);
}

} // namespace common
