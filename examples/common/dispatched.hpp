// SPDX-License-Identifier: BSD-3-Clause
//
// dispatched.hpp: a program as each architecture that it is compiled for provides it; main.cpp chooses one.
#pragma once

#include <string>

#include <destrier/dispatch.hpp>
#include <destrier/simd.hpp>

namespace common {

struct program {
    /// What main would do; `architecture` is the one that was chosen.
    int (*run)(int argc, char** argv, const char* architecture);
};

} // namespace common

DESTRIER_DISPATCHED(common::program)

namespace common {

/// A program's name and version, and the architecture that runs.
inline std::string with_architecture(const std::string& program, const std::string& architecture) {
    std::string text = program + ", " + architecture;
    if (architecture == destrier::native::name) text.append(": ").append(destrier::default_arch::name());
    return text;
}

} // namespace common
