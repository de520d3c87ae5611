// SPDX-License-Identifier: BSD-3-Clause
//
// What the two architectures of test_program provide, and what they say of themselves.
#pragma once

#include <cstddef>
#include <string>

#include <destrier/dispatch.hpp>

struct tables {
    std::string (*sorted)(
        const std::string& words);   ///< makes the compiler emit strings, vectors, algorithms
    double (*summed)(std::size_t n); ///< and much of destrier
    void (*fail)();                  ///< throws destrier::out_of_memory
};
DESTRIER_DISPATCHED(tables)

/// The architectures whose static objects have been constructed, a blank behind each.
std::string& constructed();

/// From the other source of an architecture.
double sum_of_series(std::size_t n);
