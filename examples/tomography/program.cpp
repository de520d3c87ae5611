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
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include "common/commands.hpp"
#include "common/dispatched.hpp"
#include "common/hdf5.hpp"
#include "common/ranks.hpp"
#include "program.hpp"
#include "recon_command.hpp"
#include "simulate/compare.hpp"
#include "simulate_command.hpp"

namespace {

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

common::command add_compare(CLI::App& app) {
    const auto options = std::make_shared<compare_options>();
    app.add_option("first", options->first, "volume")->required()->type_name("A.h5");
    app.add_option("second", options->second, "volume of the same shape")->required()->type_name("B.h5");
    app.add_option("--rmse", options->rmse, "exit with 1 where they are farther apart than this")
        ->check(CLI::NonNegativeNumber);
    return [options] { run_compare(*options); };
}

int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    common::h5::prepare();
    common::commands commands("destrier-tomo", "Reconstructs tomography scans.",
                              common::with_architecture(tomo::program_name(), architecture), all);
    CLI::App& app = commands.app();
    app.set_config("--config", "", "read options from this file, such as a run leaves beside its volume")
        ->type_name("FILE");
    app.fallthrough(); // so that --config may follow the command

    commands.add("recon", "Reconstruct a scan into a volume",
                 [&](CLI::App& own) { return tomo::add_recon(app, own, all); });
    commands.add("simulate", "Write a scan of a phantom",
                 [&](CLI::App& own) { return common::of_first_rank(tomo::add_simulate(own), all); });
    commands.add(
        "compare", "Say how far two volumes are apart",
        [&](CLI::App& own) { return common::of_first_rank(add_compare(own), all); }, true);
    return commands.run(argc, argv, "a smaller --memory may help");
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
