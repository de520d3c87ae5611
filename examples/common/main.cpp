// SPDX-License-Identifier: BSD-3-Clause
//
// The beginning of every program here: chooses the architecture that runs. All else is compiled for each.
#include <cstdio>
#include <exception>

#include "common/dispatched.hpp"

int main(int argc, char** argv) {
    try {
        const auto best = destrier::choose<common::program, DESTRIER_ARCHITECTURES>();
        return best->run(argc, argv, best.architecture);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
        return 1;
    }
}
