// SPDX-License-Identifier: BSD-3-Clause
//
// Chooses the architecture that DESTRIER_ARCHITECTURE names, uses what it provides; exits with 0 if all of
// it is right, and says "skipped: " where this CPU does not run it.
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <destrier/memory.hpp>

#include "tables.hpp"

std::string& constructed() {
    static std::string names;
    return names;
}

namespace {

int wrong = 0;

void expect(bool right, const char* what) {
    if (!right) std::printf("wrong: %s\n", what), ++wrong;
}

bool throws_across(const tables& table) {
    try {
        table.fail();
    } catch (const destrier::out_of_memory& e) {
        return std::string(e.what()).find(" 7 bytes") != std::string::npos;
    }
    return false;
}

void check(const destrier::chosen<tables>& best) {
    expect(best->sorted("b c a") == "abc", "sorted words");
    expect(std::fabs(best->summed(1001) - (1001 + 500)) < 1e-9, "the sum of a series");
    expect(throws_across(*best.table), "an exception of the chosen architecture, caught outside");
}

} // namespace

int main() {
    expect(constructed().empty(), "nothing is constructed before the choice");
    try {
        const auto best = destrier::choose<tables, DESTRIER_ARCHITECTURES>();
        check(best);
        check(destrier::choose<tables, DESTRIER_ARCHITECTURES>());
        std::string id = std::string(best.architecture) + " ";
        for (char& c : id) c = c == '-' ? '_' : c;
        expect(constructed() == id,
               "the objects of the chosen architecture, and no others, are constructed once");
        std::printf("%s: %d wrong\n", best.architecture, wrong);
    } catch (const std::runtime_error& e) {
        std::printf("skipped: %s\n", e.what());
    }
    return wrong;
}
