// SPDX-License-Identifier: BSD-3-Clause
//
// run_program.hpp: how a program ends.
#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "common/output.hpp"
#include "common/ranks.hpp"

namespace common {

/// Calls work(). Whatever ends it is one line on standard error, with the program's name in front, and an exit
/// code: 0, 1 where it failed, 128 + n after signal n. `less` says what would need less memory.
template <class F>
int run_program(const char* name, const char* less, F&& work) {
    try {
        std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); // in step with standard error, in a log too
        note_signals();
        work();
        return 0;
    } catch (const interrupted& stop) {
        std::fprintf(stderr, "%s: %s\n", name, stop.text);
        return 128 + stop.signal;
    } catch (const failed_elsewhere&) { // and said there
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "%s: out of memory; %s\n", name, less);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", name, e.what());
    }
    return 1;
}

} // namespace common
