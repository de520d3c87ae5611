// SPDX-License-Identifier: BSD-3-Clause
//
// command_line.hpp: options that CLI11 does not read by itself.
#pragma once

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

} // namespace common
