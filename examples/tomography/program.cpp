// SPDX-License-Identifier: BSD-3-Clause
//
// destrier-tomo: reconstructs tomography scans with destrier's gridrec.
//
//   destrier-tomo recon SCAN.h5 -o VOLUME.h5      a volume from a DataExchange scan
//   destrier-tomo simulate -o SCAN.h5             a scan of a phantom
//   destrier-tomo compare A.h5 B.h5               how far two volumes are apart
//
// Exit code 0 where all went well, 1 where it did not, 2 for a command line that makes no sense, and
// 128 + n after signal n.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "common/dispatched.hpp"
#include "common/hdf5.hpp"
#include "common/ranks.hpp"
#include "common/run_program.hpp"
#include "program.hpp"
#include "recon_command.hpp"
#include "simulate/compare.hpp"
#include "simulate_command.hpp"

namespace {

// A command, filled in by CLI11 and run once all of the command line has been understood.
using command = std::function<void()>;

struct compare_options {
    std::filesystem::path first, second;
    double rmse = std::numeric_limits<double>::infinity();
};

void run_compare(const compare_options& options) {
    const tomo::difference d = tomo::compare(options.first, options.second);
    std::printf("%zu slices of %zu x %zu, within the circle: rmse %.4g, largest difference %.4g, "
                "ratio of the means %.6f, correlation %.6f\n",
                d.slices, d.columns, d.columns, d.rmse, d.largest, d.mean_ratio, d.correlation);
    if (d.rmse <= options.rmse || std::isinf(options.rmse)) return;
    char text[80];
    std::snprintf(text, sizeof text, "rmse is %g, expected at most %g", d.rmse, options.rmse);
    throw std::runtime_error(text);
}

command add_compare(CLI::App& app) {
    const auto options = std::make_shared<compare_options>();
    app.add_option("first", options->first, "volume")->required()->type_name("A.h5");
    app.add_option("second", options->second, "volume of the same shape")->required()->type_name("B.h5");
    app.add_option("--rmse", options->rmse, "exit with 1 where they are farther apart than this")
        ->check(CLI::NonNegativeNumber);
    return [options] { run_compare(*options); };
}

// What is no work to share, the first rank does.
command of_first_rank(const command& work, const common::ranks& all) {
    return [work, &all] {
        all.together([&] {
            if (all.first()) work();
        });
    };
}

int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    const std::string name = common::with_architecture(tomo::program_name(), architecture);
    CLI::App app("Reconstructs tomography scans.", "destrier-tomo");
    app.set_version_flag("--version", name);
    app.set_config("--config", "", "read options from this file, such as a run leaves beside its volume")
        ->type_name("FILE");
    app.require_subcommand(1);
    app.fallthrough(); // so that --config may follow the command

    std::map<const CLI::App*, command> commands;
    CLI::App* const recon = app.add_subcommand("recon", "Reconstruct a scan into a volume");
    commands[recon] = tomo::add_recon(app, *recon, all);
    CLI::App* const simulate = app.add_subcommand("simulate", "Write a scan of a phantom");
    commands[simulate] = of_first_rank(tomo::add_simulate(*simulate), all);
    CLI::App* const compare = app.add_subcommand("compare", "Say how far two volumes are apart");
    commands[compare] = of_first_rank(add_compare(*compare), all);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (!all.first()) return e.get_exit_code() == 0 ? 0 : 2;
        return app.exit(e) == 0 ? 0 : 2; // CLI11 prints help, or what is wrong
    }
    common::h5::prepare();
    return common::run_program("destrier-tomo", "a smaller --memory may help", [&] {
        const bool is_read_by_scripts = compare->parsed();
        if (all.first() && !is_read_by_scripts) std::printf("%s\n", name.c_str());
        commands.at(app.get_subcommands().front())();
    });
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
