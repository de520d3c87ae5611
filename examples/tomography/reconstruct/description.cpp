// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct/description.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <numbers>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "program.hpp"
#include "scan/angles.hpp"

namespace tomo {
namespace {

constexpr double degree = std::numbers::pi / 180;

std::string text_of(const stripe_options& s) {
    switch (s.method) {
    case stripe_method::fourier_wavelet:
        return "fw, levels " + (s.levels > 0 ? std::to_string(s.levels) : "auto") + ", sigma " +
               short_text(s.sigma) + ", wavelet db" + std::to_string(s.wavelet);
    case stripe_method::titarenko:
        return "ti, alpha " + short_text(s.alpha) + ", blocks " + std::to_string(s.blocks);
    case stripe_method::smoothing: return "sf, window " + std::to_string(s.window);
    case stripe_method::vo:
        return "vo, snr " + short_text(s.snr) + ", sizes " + std::to_string(s.large_size) + " and " +
               std::to_string(s.small_size);
    default: return "none";
    }
}

std::string text_of(const zinger_options& z) {
    return z.threshold > 0 ? short_text(z.threshold) + " above the median of " + std::to_string(z.size) +
                                 " x " + std::to_string(z.size)
                           : "stay";
}

std::string text_of(const paganin_options& p) {
    return "Paganin, delta/beta " + short_text(p.delta_beta) + ", pixel " +
           short_text(p.pixel_cm * 1e4) + " um, distance " + short_text(p.distance_cm * 10) +
           " mm, energy " + short_text(p.energy_kev) + " keV";
}

std::string text_of(average flat) { return flat == average::mean ? "mean" : "median"; }

// What is done besides averaging frames, "" if nothing is.
std::string steps_of(const preparation& how) {
    std::string text;
    const auto add = [&](const std::string& step) {
        text.append(text.empty() ? "" : "; ").append(step);
    };
    if (how.zingers.threshold > 0) add("zingers: " + text_of(how.zingers));
    if (how.bin > 1) add("binned " + std::to_string(how.bin) + " x " + std::to_string(how.bin));
    if (how.phase.delta_beta != 0) add("phase: " + text_of(how.phase));
    if (how.stripes.method != stripe_method::none) add("stripes: " + text_of(how.stripes));
    return text;
}

// Stands for values that are too many for a line.
std::string digest(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text.append(exact_text(value)).append(" ");
    return std::to_string(values.size()) + " values, " + std::to_string(std::hash<std::string>()(text));
}

} // namespace

std::string exact_text(double value) {
    char text[40];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string short_text(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

void warn(const std::string& text) {
    std::fprintf(stderr, "destrier-tomo: warning: %s\n", text.c_str());
}

void announce(const recon_options& options, const scan& input, const prepared_scan& prepared,
              row_range rows) {
    const auto [low, high] = std::minmax_element(input.theta().begin(), input.theta().end());
    std::printf("%s: %zu projections of %zu rows x %zu columns, theta %g to %g degrees\n",
                options.scan.c_str(), input.projections_in_file(), input.rows(), input.columns_in_file(),
                *low / degree, *high / degree);
    for (const std::string& warning : input.warnings()) warn(warning);
    if (input.angles() < input.projections_in_file() || input.columns() < input.columns_in_file()) {
        std::printf("in use: %zu projections, columns %zu:%zu\n", input.angles(), input.first_column(),
                    input.first_column() + input.columns());
    }
    const std::size_t bin = options.prepare.bin;
    std::printf("rows %zu:%zu, %s of white and dark frames\n", rows.first * bin, rows.last * bin,
                text_of(options.prepare.flat).c_str());
    const std::string steps = steps_of(options.prepare);
    if (!steps.empty()) std::printf("%s\n", steps.c_str());
    if (prepared.margin() > 0)
        std::printf("phase retrieval reads %zu rows more on either side\n", prepared.margin() * bin);
}

void announce_gaps(const prepared_scan& prepared, bool half) {
    for (const angle_gap& gap : gaps(prepared.theta(), (half ? 2 : 1) * std::numbers::pi)) {
        std::printf("%s: their neighbours count for at most twice as much as others\n",
                    text_of(gap).c_str());
    }
}

attributes describe(const recon_options& options, const scan& input, const prepared_scan& prepared,
                    const chosen_axis& axis, const slice_list& slices) {
    const preparation& how = options.prepare;
    attributes notes{{"units", "1/pixel"},
                     {"axes", axis.trial ? "center:y:x" : "z:y:x"},
                     {"description", "linear attenuation coefficient"},
                     {"source", std::filesystem::absolute(options.scan).string()},
                     {"first_row", static_cast<double>(slices.rows.first * how.bin)},
                     {"bin", static_cast<double>(how.bin)},
                     {"first_column", static_cast<double>(input.first_column())},
                     {"columns", static_cast<double>(input.columns())},
                     {"projections", static_cast<double>(input.angles())},
                     {"center_method", axis.method},
                     {"half_acquisition", axis.half ? "yes" : "no"},
                     {"zingers", text_of(how.zingers)},
                     {"flat", text_of(how.flat)},
                     {"phase", how.phase.delta_beta != 0 ? text_of(how.phase) : "none"},
                     {"stripes", text_of(how.stripes)},
                     {"filter", options.filter},
                     {"accuracy", options.accuracy},
                     {"program", program_name()}};
    if (axis.several.empty()) {
        notes.emplace_back("center", prepared.in_file(axis.center));
    } else {
        std::vector<double> centers;
        for (const double center : axis.several) centers.push_back(prepared.in_file(center));
        notes.emplace_back("center", std::move(centers));
    }
    return notes;
}

std::string request_of(const attributes& notes, const scan& input, const slice_list& slices) {
    std::string text;
    const auto add = [&](const std::string& name, const std::string& value) {
        text.append(name).append(" = ").append(value).append("\n");
    };
    const auto text_of_value = [](const auto& value) {
        using type = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<type, std::string>) {
            return value;
        } else if constexpr (std::is_same_v<type, double>) {
            return exact_text(value);
        } else {
            return digest(value);
        }
    };
    for (const auto& [name, value] : notes) {
        if (name != "center_method")
            add(name, std::visit(text_of_value, value)); // which one rank alone knows
    }
    add("slices", std::to_string(slices.size()));
    add("bytes in scan", std::to_string(std::filesystem::file_size(input.path())));
    add("theta", digest(input.theta()));
    return text;
}

} // namespace tomo
