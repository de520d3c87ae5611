// SPDX-License-Identifier: BSD-3-Clause
//
// Results that tests leave, in a folder of the build's, for compare.py: run.sh builds the tests for several
// architectures, and the results of all of these must agree.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace reference {

/// Leaves x, which the builds may have differ from each other by `bound` relative to its size in L2.
template <class X>
void leave_for_comparison(std::string name, double bound, const X& x) {
    using T = std::remove_cvref_t<decltype(x[0])>;
    name += std::is_same_v<T, float> ? ", float" : ", double";
    const std::filesystem::path folder(DESTRIER_TEST_RESULTS);
    std::filesystem::create_directories(folder);
    std::ofstream out(folder / name);
    out << std::hexfloat << bound << '\n';
    for (const T v : x) out << static_cast<double>(v) << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + (folder / name).string());
}

} // namespace reference
