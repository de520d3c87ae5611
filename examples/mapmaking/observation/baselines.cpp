// SPDX-License-Identifier: BSD-3-Clause
#include "observation/baselines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace mapmaking {

namespace ds = destrier::destripe;

std::string read_baseline(const std::string& text, baseline_options& into) {
    if (text == "intervals") {
        into.seconds = 0;
        return {};
    }
    constexpr std::array<std::pair<const char*, double>, 4> units{
        {{"s", 1}, {"ms", 1e-3}, {"min", 60}, {"h", 3600}}};
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    for (const auto& [unit, seconds] : units) {
        if (end != text.c_str() && end == std::string(unit) && number > 0 && std::isfinite(number)) {
            into.seconds = number * seconds;
            return {};
        }
    }
    return "is " + text + ", expected a time above 0 such as 1s, 100ms or 5min, or intervals";
}

std::size_t baseline_samples(const baseline_options& how, double rate) {
    return static_cast<std::size_t>(std::clamp(std::rint(how.seconds * rate), 1.0, 1e15));
}

observation_baselines make_baselines(const time_streams& streams, const baseline_options& how) {
    const std::size_t n = streams.times().size();
    observation_baselines made;
    std::vector<interval> spans{{0, n}};
    if (!how.intervals.empty()) {
        spans = streams.intervals(how.intervals);
        made.outside.assign(n, 1);
        for (const interval& i : spans)
            std::fill_n(made.outside.begin() + static_cast<std::ptrdiff_t>(i.begin), i.end - i.begin, 0);
    }
    if (how.contiguous) spans = {{0, n}};
    for (const interval& i : spans) {
        if (i.begin == i.end) continue;
        const std::size_t length =
            how.seconds == 0 ? i.end - i.begin : baseline_samples(how, streams.rate());
        for (const ds::baseline& b : ds::equal_baselines(i.begin, i.end, length))
            made.baselines.push_back(b);
    }
    return made;
}

} // namespace mapmaking
