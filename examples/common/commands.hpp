// SPDX-License-Identifier: BSD-3-Clause
//
// commands.hpp: the command line of a program that does one of several things.
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/ranks.hpp"
#include "common/run_program.hpp"

namespace common {

/// What a command does, once all of the command line has been understood.
using command = std::function<void()>;

/// What is no work to share, the first rank does.
inline command of_first_rank(command work, const ranks& all) {
    return [work = std::move(work), &all] {
        all.together([&] {
            if (all.first()) work();
        });
    };
}

class commands {
public:
    /// `line` is the program's first, and what --version says.
    commands(std::string name, const std::string& purpose, std::string line, const ranks& all)
        : app_(purpose, name), name_(std::move(name)), line_(std::move(line)), all_(all) {
        app_.set_version_flag("--version", line_);
        app_.require_subcommand(1);
    }

    CLI::App& app() { return app_; }

    /// add(the command's own CLI::App) gives what it does. What scripts read has no line before it.
    template <class Add>
    void add(const std::string& name, const std::string& help, Add add, bool scripts_read_it = false) {
        CLI::App* const own = app_.add_subcommand(name, help);
        commands_[own] = {add(*own), scripts_read_it};
    }

    /// The program's exit code; `less` says what would need less memory.
    int run(int argc, char** argv, const char* less) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& e) {
            if (!all_.first()) return e.get_exit_code() == 0 ? 0 : 2;
            return app_.exit(e) == 0 ? 0 : 2; // CLI11 prints help, or what is wrong
        }
        return run_program(name_.c_str(), less, [&] {
            const entry& chosen = commands_.at(app_.get_subcommands().front());
            if (all_.first() && !chosen.scripts_read_it) std::printf("%s\n", line_.c_str());
            chosen.work();
        });
    }

private:
    struct entry {
        command work;
        bool scripts_read_it;
    };

    CLI::App app_;
    std::string name_, line_;
    const ranks& all_;
    std::map<const CLI::App*, entry> commands_;
};

} // namespace common
