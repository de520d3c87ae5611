// SPDX-License-Identifier: BSD-3-Clause
//
// destrier-map: makes maps of the sky from time-ordered data, and makes such data.
//
//   destrier-map solve OBS.h5... -o MAPS.fits --nside 256       destriped maps of observations
//   destrier-map simulate --sky IQU.fits -o OBS.h5              observations of a known sky
//
// Exit code 0 where all went well, 1 where it did not, 2 for a command line that makes no sense, and
// 128 + n after signal n.
#include "program.hpp"
#include "common/commands.hpp"
#include "common/dispatched.hpp"
#include "common/hdf5.hpp"
#include "common/ranks.hpp"
#include "simulate/simulate.hpp"
#include "simulate_command.hpp"
#include "solve/solve.hpp"
#include "solve_command.hpp"

namespace {

// A solve is the work of all ranks, a simulation that of the first.
int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    common::h5::prepare();
    common::commands commands("destrier-map", "Makes maps of the sky from time-ordered data.",
                              common::with_architecture(mapmaking::program_name(), architecture), all);
    mapmaking::solve_options solve;
    commands.add("solve", "Make maps of observations", [&](CLI::App& own) {
        mapmaking::add_solve(own, solve);
        return [&] { mapmaking::solve(solve, all); };
    });
    mapmaking::simulate_options simulate;
    commands.add("simulate", "Write observations of a known sky", [&](CLI::App& own) {
        mapmaking::add_simulate(own, simulate);
        return common::of_first_rank([&] { mapmaking::simulate(simulate); }, all);
    });
    return commands.run(argc, argv, "more ranks need less each");
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
