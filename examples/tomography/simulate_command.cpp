// SPDX-License-Identifier: BSD-3-Clause
#include "simulate_command.hpp"

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>

#include "common/command_line.hpp"
#include "simulate/simulate.hpp"

namespace tomo {
namespace {

std::string read_center(const std::string& text, std::optional<double>& center) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return "is " + text + ", expected a number of pixels";
    }
    center = value;
    return {};
}

std::string read_type(const std::string& text, bool& integers) {
    if (text != "uint16" && text != "float") return "is " + text + ", expected uint16 or float";
    integers = text == "uint16";
    return {};
}

void add_size(CLI::App& app, simulate_options& options) {
    const auto at_least_one = CLI::Range(std::size_t{1}, std::size_t{1} << 20);
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
                     [&options](const std::string& text) { return read_center(text, options.center); });
}

void add_defects(CLI::App& app, simulate_options& options) {
    app.add_option("--noise", options.photons, "photons in a pixel at the brightest spot; 0 is no noise")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e12))
        ->type_name("PHOTONS");
    app.add_option(
           "--stripes", options.stripes,
           "most that the gain of a pixel changes by, relative, to 0.2; some drift, some are dead")
        ->capture_default_str()
        ->type_name("AMPLITUDE");
    app.add_option("--zingers", options.zingers,
                   "probability of a count to be hit by a stray X-ray, to 0.1")
        ->capture_default_str()
        ->type_name("FRACTION");
    app.add_option("--seed", options.seed, "of noise, stripes and zingers")->capture_default_str();
}

// An option in the unit that people use, kept in the one that the formulae use.
CLI::Option* add_length(CLI::App& app, const std::string& name, const std::string& help,
                        const std::string& unit, double in_cm, double& value) {
    return app
        .add_option_function<double>(
            name, [&value, in_cm](const double& given) { value = given * in_cm; }, help)
        ->check(common::positive())
        ->type_name(unit);
}

void add_phase(CLI::App& app, paganin_options& phase) {
    CLI::Option* const ratio =
        app.add_option(
               "--phase", phase.delta_beta,
               "delta / beta of the phantom: its edges become fringes on the way to the detector")
            ->check(common::positive())
            ->type_name("RATIO");
    CLI::Option* const pixel =
        add_length(app, "--pixel-size", "width of a detector pixel", "UM", 1e-4, phase.pixel_cm);
    CLI::Option* const distance =
        add_length(app, "--distance", "from the phantom to the detector", "MM", 0.1, phase.distance_cm);
    CLI::Option* const energy = app.add_option("--energy", phase.energy_kev, "of the X-rays")
                                    ->check(common::positive())
                                    ->type_name("KEV");
    for (CLI::Option* other : {pixel, distance, energy}) {
        ratio->needs(other);
        other->needs(ratio);
    }
}

void add_file(CLI::App& app, simulate_options& options) {
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
}

} // namespace

std::function<void()> add_simulate(CLI::App& app) {
    const auto options = std::make_shared<simulate_options>();
    app.add_option("-o,--output", options->output, "scan to write, in the DataExchange layout")
        ->required()
        ->type_name("SCAN.h5");
    add_size(app, *options);
    add_defects(app, *options);
    add_phase(app, options->phase);
    add_file(app, *options);
    return [options] { simulate(*options); };
}

} // namespace tomo
