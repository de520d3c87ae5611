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
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>

#include "common/command_line.hpp"
#include "common/hdf5.hpp"
#include "common/output.hpp"
#include "compare.hpp"
#include "program.hpp"
#include "reconstruct.hpp"
#include "simulate.hpp"

namespace {

// The whole of text as a number.
template <class T>
bool parse(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

// "auto" or a finite number of pixels; an empty string means that all is well, as CLI11 has it.
std::string read_center(const std::string& text, std::optional<double>& center) {
    double value = 0;
    if (text == "auto") {
        center.reset();
    } else if (parse(text, value) && std::isfinite(value)) {
        center = value;
    } else {
        return "is " + text + ", expected auto or a number of pixels";
    }
    return {};
}

// "first:last", either of which may be left out.
std::string read_rows(const std::string& text, tomo::recon_options& options) {
    const std::size_t colon = text.find(':');
    const std::string first = text.substr(0, colon),
                      last = colon < text.size() ? text.substr(colon + 1) : "";
    if (colon == std::string::npos || (!first.empty() && !parse(first, options.first_row)) ||
        (!last.empty() && !parse(last, options.last_row))) {
        return "is " + text + ", expected first:last, such as 0:16";
    }
    return {};
}

std::string read_average(const std::string& text, tomo::average& how) {
    if (text != "mean" && text != "median") return "is " + text + ", expected mean or median";
    how = text == "mean" ? tomo::average::mean : tomo::average::median;
    return {};
}

std::string read_type(const std::string& text, bool& integers) {
    if (text != "uint16" && text != "float") return "is " + text + ", expected uint16 or float";
    integers = text == "uint16";
    return {};
}

// A command, filled in by CLI11 and run once all of the command line has been understood.
using command = std::function<int()>;

command add_recon(CLI::App& app, tomo::recon_options& options) {
    app.add_option("scan", options.scan, "HDF5 file with /exchange/data, data_white, data_dark, theta")
        ->required()
        ->type_name("SCAN.h5");
    app.add_option("-o,--output", options.volume, "volume to write, (slices, y, x) float32 in 1/pixel")
        ->required()
        ->type_name("VOLUME.h5");
    common::add_text(app, "--center", "rotation axis, in detector pixels; auto finds it [auto]",
                     "PIXELS|auto",
                     [&options](const std::string& text) { return read_center(text, options.center); });
    common::add_text(app, "--rows", "detector rows to reconstruct, the last left out [all]",
                     "FIRST:LAST",
                     [&options](const std::string& text) { return read_rows(text, options); });
    app.add_option("--filter", options.filter, "ramp filter window")
        ->capture_default_str()
        ->check(CLI::IsMember(
            {"none", "ramlak", "shepp", "cosine", "hann", "hamming", "parzen", "butterworth"}));
    app.add_option("--accuracy", options.accuracy, "of the gridding")
        ->capture_default_str()
        ->check(CLI::IsMember({"fast", "standard", "accurate"}));
    common::add_text(app, "--flat", "how white and dark frames are averaged [mean]", "mean|median",
                     [&options](const std::string& text) { return read_average(text, options.frames); });
    app.add_option("--tiff", options.tiff, "directory for a stack of TIFF files, float32, one a slice")
        ->type_name("DIR");
    app.add_option("--picture", options.picture, "a few slices side by side, to look at")
        ->type_name("P.png");
    app.add_option("--threads", options.threads, "0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--memory", options.memory, "memory to use, such as 500M or 4G [4G]")
        ->transform(CLI::AsSizeValue(false))
        ->type_name("SIZE");
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
    return [&options] {
        tomo::reconstruct(options);
        return 0;
    };
}

command add_simulate(CLI::App& app, tomo::simulate_options& options) {
    const auto at_least_one = CLI::Range(std::size_t{1}, std::size_t{1} << 20);
    app.add_option("-o,--output", options.output, "scan to write, in the DataExchange layout")
        ->required()
        ->type_name("SCAN.h5");
    app.add_option("--columns", options.columns, "detector pixels in a row")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{16}, std::size_t{1} << 20));
    app.add_option("--rows", options.rows, "detector rows")->capture_default_str()->check(at_least_one);
    app.add_option("--angles", options.angles, "projections")
        ->capture_default_str()
        ->check(at_least_one);
    app.add_option("--range", options.range, "degrees they cover, the end left out")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 3600.0));
    common::add_text(app, "--center", "rotation axis, in detector pixels [0.48 columns]", "PIXELS",
                     [&options](const std::string& text) {
                         return text == "auto" ? "is auto, expected a number of pixels"
                                               : read_center(text, options.center);
                     });
    app.add_option("--noise", options.photons, "photons in a pixel at the brightest spot; 0 is no noise")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e12))
        ->type_name("PHOTONS");
    app.add_option("--seed", options.seed, "of the noise")->capture_default_str();
    common::add_text(app, "--type", "of the counts [uint16]", "uint16|float",
                     [&options](const std::string& text) { return read_type(text, options.integers); });
    app.add_option("--gzip", options.gzip, "compression level; 0 is contiguous")
        ->capture_default_str()
        ->check(CLI::Range(0, 9));
    app.add_option("--truth", options.truth, "also write the object itself, as recon would")
        ->type_name("VOLUME.h5");
    app.add_option("--threads", options.threads, "0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
    return [&options] {
        tomo::simulate(options);
        return 0;
    };
}

struct compare_options {
    std::filesystem::path first, second;
    double rmse = std::numeric_limits<double>::infinity();
};

int run_compare(const compare_options& options) {
    const tomo::difference d = tomo::compare(options.first, options.second);
    std::printf("%zu slices of %zu x %zu, within the circle: rmse %.4g, largest difference %.4g, "
                "ratio of the means %.6f, correlation %.6f\n",
                d.slices, d.columns, d.columns, d.rmse, d.largest, d.mean_ratio, d.correlation);
    const bool close = d.rmse <= options.rmse || std::isinf(options.rmse);
    if (!close)
        std::fprintf(stderr, "destrier-tomo: rmse is %g, expected at most %g\n", d.rmse, options.rmse);
    return close ? 0 : 1;
}

command add_compare(CLI::App& app, compare_options& options) {
    app.add_option("first", options.first, "volume")->required()->type_name("A.h5");
    app.add_option("second", options.second, "volume of the same shape")->required()->type_name("B.h5");
    app.add_option("--rmse", options.rmse, "exit with 1 where they are farther apart than this")
        ->check(CLI::NonNegativeNumber);
    return [&options] { return run_compare(options); };
}

// Runs the command; whatever ends it is one line and an exit code.
int run(const command& work) {
    try {
        std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); // in step with standard error, in a log too
        common::note_signals();
        common::h5::prepare();
        return work();
    } catch (const common::interrupted& stop) {
        std::fprintf(stderr, "destrier-tomo: interrupted, nothing was written\n");
        return 128 + stop.signal;
    } catch (const std::bad_alloc& e) {
        std::fprintf(stderr, "destrier-tomo: out of memory (%s); a smaller --memory may help\n",
                     e.what());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "destrier-tomo: %s\n", e.what());
    }
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Reconstructs tomography scans.", "destrier-tomo");
    app.set_version_flag("--version", tomo::program_name());
    app.require_subcommand(1);

    tomo::recon_options recon;
    tomo::simulate_options simulate;
    compare_options compare;
    std::map<const CLI::App*, command> commands;
    CLI::App* const recon_app = app.add_subcommand("recon", "Reconstruct a scan into a volume");
    commands[recon_app] = add_recon(*recon_app, recon);
    CLI::App* const simulate_app = app.add_subcommand("simulate", "Write a scan of a phantom");
    commands[simulate_app] = add_simulate(*simulate_app, simulate);
    CLI::App* const compare_app = app.add_subcommand("compare", "Say how far two volumes are apart");
    commands[compare_app] = add_compare(*compare_app, compare);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2; // CLI11 prints help, or what is wrong
    }
    return run(commands.at(app.get_subcommands().front()));
}
