// SPDX-License-Identifier: BSD-3-Clause
#include "tables.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <vector>

#include <destrier/memory.hpp>

#define DESTRIER_TEXT(name) DESTRIER_TEXT_OF(name)
#define DESTRIER_TEXT_OF(name) #name

namespace {

struct announcement {
    announcement() { constructed() += DESTRIER_TEXT(DESTRIER_ARCHITECTURE) " "; }
} announced;

std::string sorted(const std::string& words) {
    std::istringstream in(words);
    std::vector<std::string> all;
    for (std::string word; in >> word;) all.push_back(word);
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& word : all) text += word;
    return text;
}

void fail() { throw destrier::out_of_memory(7); }

} // namespace

DESTRIER_PROVIDES(tables) {
    static constexpr tables table{.sorted = sorted, .summed = sum_of_series, .fail = fail};
    return table;
}
