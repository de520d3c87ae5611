// SPDX-License-Identifier: BSD-3-Clause
//
// command_line.hpp: options that CLI11 does not read by itself.
#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace common {

/// An option whose text read(text) takes in; it returns what is wrong with it, or an empty string.
template <class Read>
CLI::Option* add_text(CLI::App& app, const std::string& name, const std::string& help,
                      const std::string& shown, Read read) {
    return app
        .add_option_function<std::string>(
            name,
            [name, read](const std::string& text) {
                const std::string complaint = read(text);
                if (!complaint.empty()) throw CLI::ValidationError(name, complaint);
            },
            help)
        ->type_name(shown);
}

/// Checks that a number is above 0.
inline CLI::Validator positive() {
    return CLI::Validator(
        [](const std::string& text) {
            double value = 0;
            if (CLI::detail::lexical_cast(text, value) && value > 0) return std::string();
            return "is " + text + ", expected a positive number";
        },
        "");
}

/// An option whose words stand for values.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, const std::string& help,
                        const std::map<std::string, T>& words, T& value) {
    std::string shown;
    for (const auto& [word, meaning] : words) shown.append(shown.empty() ? "" : "|").append(word);
    return add_text(app, name, help, shown, [&value, words, shown](const std::string& text) {
        const auto found = words.find(text);
        if (found == words.end()) return "is " + text + ", expected " + shown;
        value = found->second;
        return std::string();
    });
}

} // namespace common
