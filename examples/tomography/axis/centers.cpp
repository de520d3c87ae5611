// SPDX-License-Identifier: BSD-3-Clause
#include "axis/centers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace tomo {
namespace {

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
    return value;
}

std::runtime_error unexpected(const std::string& text) {
    return std::runtime_error("is " + text +
                              ", expected auto, pc, vo, entropy, a number of pixels, "
                              "try:FIRST:LAST:STEP or a file of rows and their centers");
}

// try:FIRST:LAST:STEP
center_choice parse_trial(const std::string& text) {
    std::vector<double> numbers;
    std::istringstream parts(text.substr(text.find(':') + 1));
    for (std::string part; std::getline(parts, part, ':');) {
        const std::optional<double> value = number(part);
        if (!value) throw unexpected(text);
        numbers.push_back(*value);
    }
    if (numbers.size() != 3 || text.ends_with(':')) throw unexpected(text);
    center_choice choice{
        .method = center_method::trial, .first = numbers[0], .last = numbers[1], .step = numbers[2]};
    try_centers(choice.first, choice.last, choice.step); // says what is wrong with them
    return choice;
}

// The rows of a file and their centers.
std::map<double, double> read_rows(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error(path.string() + ": cannot read this file of centers");
    std::map<double, double> centers;
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) {
        ++count;
        const auto fail = [&](const std::string& expected) {
            throw std::runtime_error(path.string() + ":" + std::to_string(count) + ": \"" + line +
                                     "\", expected " + expected);
        };
        std::istringstream words(line.substr(0, line.find('#')));
        const std::vector<std::string> word{std::istream_iterator<std::string>(words), {}};
        if (word.empty()) continue;
        const std::optional<double> row = number(word[0]),
                                    center = word.size() == 2 ? number(word[1]) : std::nullopt;
        if (!row || !center) fail("a row and its center");
        if (!centers.emplace(*row, *center).second) fail("each row once");
    }
    if (centers.empty()) {
        throw std::runtime_error(path.string() + ": has no line with a row and its center");
    }
    return centers;
}

double between(const std::map<double, double>& centers, double row) {
    const auto after = centers.lower_bound(row);
    if (after == centers.end()) return centers.rbegin()->second;
    if (after == centers.begin()) return after->second;
    const auto before = std::prev(after);
    const double along = (row - before->first) / (after->first - before->first);
    return before->second + along * (after->second - before->second);
}

} // namespace

center_choice parse_center(const std::string& text) {
    static const std::map<std::string, center_method> names{{"auto", center_method::automatic},
                                                            {"pc", center_method::phase_correlation},
                                                            {"vo", center_method::vo},
                                                            {"entropy", center_method::entropy}};
    const auto known = names.find(text);
    if (known != names.end()) return {.method = known->second};
    if (text.starts_with("try:")) return parse_trial(text);
    if (const std::optional<double> center = number(text)) {
        return {.method = center_method::number, .center = *center};
    }
    if (std::filesystem::exists(text)) return {.method = center_method::file, .file = text};
    throw unexpected(text);
}

std::vector<double> read_centers(const std::filesystem::path& path, std::size_t first_row,
                                 std::size_t rows) {
    const std::map<double, double> given = read_rows(path);
    std::vector<double> centers;
    for (std::size_t i = 0; i < rows; ++i) {
        centers.push_back(between(given, static_cast<double>(first_row + i)));
    }
    return centers;
}

std::vector<double> try_centers(double first, double last, double step) {
    constexpr double most = 1024;
    const double steps = (last - first) / step;
    if (!(step > 0) || !(steps >= 0) || !(steps < most)) {
        std::ostringstream text;
        text << "try:" << first << ":" << last << ":" << step
             << ": expected FIRST <= LAST, STEP > 0, and no more than " << most << " centers";
        throw std::runtime_error(text.str());
    }
    // What falls on a step but for rounding is on it.
    const auto count = static_cast<std::size_t>(std::floor(steps + 1e-6)) + 1;
    std::vector<double> centers;
    for (std::size_t i = 0; i < count; ++i) centers.push_back(first + step * static_cast<double>(i));
    return centers;
}

} // namespace tomo
