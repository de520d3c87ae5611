// SPDX-License-Identifier: BSD-3-Clause
#include "recon_command.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "axis/centers.hpp"
#include "common/command_line.hpp"
#include "program.hpp"
#include "reconstruct/recon_options.hpp"
#include "reconstruct/reconstruct.hpp"

namespace tomo {
namespace {

// The whole of text as a number.
template <class T>
bool parse(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ':') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

// "first:last" or "first:last:step", any of which may be left out; an empty string means that all is well, as
// CLI11 has it.
std::string read_choice(const std::string& text, bool with_step, index_choice& choice) {
    const std::vector<std::string> parts = split(text);
    const auto is_read = [&](std::size_t i, std::size_t& value) {
        return i >= parts.size() || parts[i].empty() || parse(parts[i], value);
    };
    choice = {};
    if (parts.size() < 2 || parts.size() > (with_step ? 3 : 2) || !is_read(0, choice.first) ||
        !is_read(1, choice.last) || !is_read(2, choice.step) || choice.step == 0) {
        return "is " + text + ", expected first:last" +
               (with_step ? " or first:last:step, such as 0:720:2" : ", such as 0:16");
    }
    return {};
}

std::string read_angles_out(const std::string& text, std::vector<angle_range>& ranges) {
    const std::vector<std::string> parts = split(text);
    angle_range range{};
    if (parts.size() != 2 || !parse(parts[0], range.from) || !parse(parts[1], range.to) ||
        !(range.from <= range.to)) {
        return "is " + text + ", expected from:to in degrees, such as 61.5:88";
    }
    ranges.push_back(range);
    return {};
}

std::string read_gray(const std::string& text, std::optional<gray_range>& range) {
    const std::vector<std::string> parts = split(text);
    gray_range given{};
    if (parts.size() != 2 || !parse(parts[0], given.low) || !parse(parts[1], given.high) ||
        !std::isfinite(given.low) || !std::isfinite(given.high) || !(given.low < given.high)) {
        return "is " + text + ", expected low:high in 1/pixel, such as -0.001:0.02";
    }
    range = given;
    return {};
}

std::string read_center(const std::string& text, center_choice& choice) {
    try {
        choice = parse_center(text);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return {};
}

void add_files(CLI::App& app, recon_options& options) {
    app.add_option("scan", options.scan, "HDF5 file with /exchange/data, data_white, data_dark, theta")
        ->required()
        ->type_name("SCAN.h5");
    app.add_option("-o,--output", options.volume,
                   "volume to write, (slices, y, x) float32 in 1/pixel; its options go to VOLUME.toml")
        ->required()
        ->type_name("VOLUME.h5");
    app.add_option("--tiff", options.tiff, "directory for a stack of TIFF files, one a slice")
        ->type_name("DIR");
    common::add_choice<tiff_format>(app, "--tiff-type", "of their values [float32]",
                                    {{"float32", tiff_format::float32},
                                     {"uint16", tiff_format::uint16},
                                     {"uint8", tiff_format::uint8}},
                                    options.tiff_type);
    common::add_text(
        app, "--tiff-range",
        "values that become 0 and the greatest integer [0.5th to 99.5th percentile of the volume]",
        "LOW:HIGH", [&options](const std::string& text) { return read_gray(text, options.tiff_range); });
    app.add_option("--picture", options.picture, "slices and their histogram, to look at")
        ->type_name("P.png");
}

void add_choices(CLI::App& app, recon_options& options) {
    common::add_text(
        app, "--rows", "detector rows to reconstruct, the last left out [all]", "FIRST:LAST",
        [&options](const std::string& text) { return read_choice(text, false, options.rows); });
    common::add_text(
        app, "--columns", "detector columns to make use of, the last left out [all]", "FIRST:LAST",
        [&options](const std::string& text) { return read_choice(text, false, options.use.columns); });
    common::add_text(app, "--projections", "projections to make use of, the last left out [all]",
                     "FIRST:LAST:STEP", [&options](const std::string& text) {
                         return read_choice(text, true, options.use.projections);
                     });
    app.add_option_function<std::vector<std::string>>(
           "--blocked",
           [&options](const std::vector<std::string>& texts) {
               for (const std::string& text : texts) {
                   const std::string complaint = read_angles_out(text, options.use.blocked);
                   if (!complaint.empty()) throw CLI::ValidationError("--blocked", complaint);
               }
           },
           "leave out projections at these angles, in degrees; may be given again")
        ->allow_extra_args(false)
        ->type_name("FROM:TO");
    common::add_choice<theta_units>(app, "--theta-units", "of the angles [as the file says]",
                                    {{"auto", theta_units::automatic},
                                     {"degrees", theta_units::degrees},
                                     {"radians", theta_units::radians}},
                                    options.use.units);
}

void add_geometry(CLI::App& app, recon_options& options) {
    common::add_text(app, "--center",
                     "rotation axis, in the file's pixels: a number, a file of rows and their axes, "
                     "auto|pc|vo|entropy "
                     "to find it, or some to try on one slice [auto]",
                     "PIXELS|FILE|auto|pc|vo|entropy|try:FIRST:LAST:STEP",
                     [&options](const std::string& text) { return read_center(text, options.center); });
    common::add_choice<half_scan>(
        app, "--half", "whether a whole turn is about an axis near the detector's edge [auto]",
        {{"auto", half_scan::automatic}, {"yes", half_scan::yes}, {"no", half_scan::no}}, options.half);
}

void add_preparation(CLI::App& app, preparation& how) {
    common::add_choice<average>(app, "--flat", "how white and dark frames are averaged [mean]",
                                {{"mean", average::mean}, {"median", average::median}}, how.flat);
    app.add_option("--zingers", how.zingers.threshold,
                   "replace counts this far above the median around them, in medians [0: none]")
        ->type_name("THRESHOLD");
    app.add_option("--zinger-size", how.zingers.size, "of what the median is of, odd")
        ->capture_default_str()
        ->type_name("N");
    app.add_option("--bin", how.bin, "join so many pixels along rows and columns")
        ->capture_default_str()
        ->check(CLI::Range(1, 64).description(""))
        ->type_name("N");
}

void add_phase(CLI::App& app, preparation& how) {
    const auto add = [&app](const std::string& name, const std::string& help, const char* unit,
                            double in_own_unit, double& value) {
        return app
            .add_option_function<double>(
                name, [&value, in_own_unit](double given) { value = given * in_own_unit; }, help)
            ->check(common::positive())
            ->type_name(unit);
    };
    CLI::Option* const ratio =
        add("--paganin", "delta / beta of the sample, to retrieve the phase [none]", "RATIO", 1,
            how.phase.delta_beta);
    ratio
        ->needs(
            add("--pixel-size", "of the file's pixels, at the sample", "UM", 1e-4, how.phase.pixel_cm))
        ->needs(add("--distance", "from the sample to the camera", "MM", 0.1, how.phase.distance_cm))
        ->needs(add("--energy", "of the beam", "KEV", 1, how.phase.energy_kev));
}

void add_stripes(CLI::App& app, stripe_options& how) {
    common::add_choice<stripe_method>(app, "--stripes",
                                      "how stripes, which make rings, are removed [none]",
                                      {{"none", stripe_method::none},
                                       {"fw", stripe_method::fourier_wavelet},
                                       {"ti", stripe_method::titarenko},
                                       {"sf", stripe_method::smoothing},
                                       {"vo", stripe_method::vo}},
                                      how.method);
    const auto add = [&app](const std::string& name, auto& value, const std::string& help) {
        app.add_option(name, value, help)->capture_default_str()->type_name("N");
    };
    add("--stripe-levels", how.levels, "fw: of the wavelet transform; 0 is chosen from the columns");
    add("--stripe-sigma", how.sigma, "fw: of the damping");
    add("--stripe-wavelet", how.wavelet, "fw: order of Daubechies' wavelet");
    add("--stripe-alpha", how.alpha, "ti: weight of the penalty");
    add("--stripe-blocks", how.blocks, "ti: blocks of angles with stripes of their own");
    add("--stripe-window", how.window, "sf: columns of the running mean, odd");
    add("--stripe-snr", how.snr, "vo: how far a column must stand out");
    add("--stripe-large", how.large_size, "vo: columns of the median that finds wide stripes, odd");
    add("--stripe-small", how.small_size, "vo: columns of the median that takes out narrow ones, odd");
}

void add_reconstruction(CLI::App& app, recon_options& options) {
    app.add_option("--filter", options.filter, "ramp filter window")
        ->capture_default_str()
        ->check(CLI::IsMember(
            {"none", "ramlak", "shepp", "cosine", "hann", "hamming", "parzen", "butterworth"}));
    app.add_option("--accuracy", options.accuracy, "of the gridding")
        ->capture_default_str()
        ->check(CLI::IsMember({"fast", "standard", "accurate"}));
}

void add_running(CLI::App& app, recon_options& options) {
    app.add_option("--threads", options.threads, "of a rank; 0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber.description(""))
        ->type_name("N");
    app.add_option("--memory", options.memory, "that a rank may take, such as 500M or 4G [4G]")
        ->transform(CLI::AsSizeValue(false).description(""))
        ->type_name("SIZE");
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist")->configurable(false);
    app.add_flag("--resume", options.resume, "go on with what a run that was stopped has left")
        ->configurable(false);
}

// What the program would have to read to do the same again, wherever it is started.
std::string configuration(CLI::App& program, CLI::App& app, const recon_options& options,
                          const std::string& center) {
    const auto set = [&](const std::string& name, const std::string& value) {
        CLI::Option* const option = app.get_option(name);
        option->clear();
        option->add_result(value);
    };
    const auto set_path = [&](const std::string& name, const std::filesystem::path& path) {
        if (!path.empty()) set(name, std::filesystem::absolute(path).string());
    };
    set_path("scan", options.scan);
    set_path("--output", options.volume);
    set_path("--tiff", options.tiff);
    set_path("--picture", options.picture);
    set("--center", center);
    return "# " + program_name() + "\n" + program.config_to_str();
}

} // namespace

std::function<void()> add_recon(CLI::App& program, CLI::App& app, const common::ranks& all) {
    const auto options = std::make_shared<recon_options>();
    app.configurable(); // a section of the file is the command
    app.allow_config_extras(CLI::config_extras_mode::error);
    program.allow_config_extras(CLI::config_extras_mode::error);
    add_files(app, *options);
    add_choices(app, *options);
    add_geometry(app, *options);
    add_preparation(app, options->prepare);
    add_phase(app, options->prepare);
    add_stripes(app, options->prepare.stripes);
    add_reconstruction(app, *options);
    add_running(app, *options);
    app.footer(
        "--config FILE reads options from a file such as VOLUME.toml; those given here go first.");
    return [options, &program, &app, &all] {
        const CLI::Option* const config = program.get_config_ptr();
        if (config->count() > 0) options->configuration_read = config->as<std::string>();
        options->configuration = [options = options.get(), &program, &app](const std::string& center) {
            return configuration(program, app, *options, center);
        };
        reconstruct(*options, all);
    };
}

} // namespace tomo
