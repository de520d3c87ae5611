// SPDX-License-Identifier: BSD-3-Clause
//
// destrier-map: makes maps of the sky from time-ordered data, and makes such data.
//
//   destrier-map solve OBS.h5... -o MAPS.fits --nside 256       destriped maps of observations
//   destrier-map simulate --sky IQU.fits -o OBS.h5              observations of a known sky
//
// Exit code 0 where all went well, 1 where it did not, 2 for a command line that makes no sense, and
// 128 + n after signal n.
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "common/dispatched.hpp"
#include "common/hdf5.hpp"
#include "common/ranks.hpp"
#include "common/run_program.hpp"
#include "program.hpp"
#include "simulate.hpp"
#include "simulate_command.hpp"
#include "solve.hpp"
#include "solve_command.hpp"

namespace {

// A command, filled in by CLI11 and run once all of the command line has been understood.
using command = std::function<void()>;

// A solve is the work of all ranks, a simulation that of the first.
command solve_command(CLI::App& app, mapmaking::solve_options& options, const common::ranks& all) {
    mapmaking::add_solve(app, options);
    return [&options, &all] { mapmaking::solve(options, all); };
}

command simulate_command(CLI::App& app, mapmaking::simulate_options& options, const common::ranks& all) {
    mapmaking::add_simulate(app, options);
    return [&options, &all] {
        all.together([&] {
            if (all.first()) mapmaking::simulate(options);
        });
    };
}

int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    const std::string name = common::with_architecture(mapmaking::program_name(), architecture);
    CLI::App app("Makes maps of the sky from time-ordered data.", "destrier-map");
    app.set_version_flag("--version", name);
    app.require_subcommand(1);

    mapmaking::solve_options solve;
    mapmaking::simulate_options simulate;
    std::map<const CLI::App*, command> commands;
    CLI::App* const solve_app = app.add_subcommand("solve", "Make maps of observations");
    commands[solve_app] = solve_command(*solve_app, solve, all);
    CLI::App* const simulate_app = app.add_subcommand("simulate", "Write observations of a known sky");
    commands[simulate_app] = simulate_command(*simulate_app, simulate, all);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (!all.first()) return e.get_exit_code() == 0 ? 0 : 2;
        return app.exit(e) == 0 ? 0 : 2; // CLI11 prints help, or what is wrong
    }
    common::h5::prepare();
    return common::run_program("destrier-map", "more ranks need less each", [&] {
        if (all.first()) std::printf("%s\n", name.c_str());
        commands.at(app.get_subcommands().front())();
    });
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
