// SPDX-License-Identifier: BSD-3-Clause
//
// program.hpp: what the program calls itself, on the terminal and in the files it writes.
#pragma once

#include <string>

#include <destrier/version.hpp>

namespace spectra {

inline std::string program_name() {
    return "destrier-spectra " + std::to_string(DESTRIER_VERSION_MAJOR) + "." +
           std::to_string(DESTRIER_VERSION_MINOR) + "." + std::to_string(DESTRIER_VERSION_PATCH);
}

} // namespace spectra
