// SPDX-License-Identifier: BSD-3-Clause
#include "axis/axis_of_scan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "axis/center.hpp"
#include "axis/centers.hpp"
#include "axis/half_acquisition.hpp"
#include "axis/no_axis.hpp"
#include "common/process_memory.hpp"
#include "reconstruct/description.hpp"

namespace tomo {
namespace {

// An axis in the file's pixels, on the prepared scan's detector, which gridrec wants within a width of its middle.
double checked(double center, const prepared_scan& prepared, const std::string& option) {
    const auto width = static_cast<double>(prepared.columns());
    const double middle = (width - 1) / 2, here = prepared.from_file(center);
    if (std::abs(here - middle) <= width) return here;
    throw std::runtime_error(
        option + " " + short_text(center) + " is far outside the detector: expected " +
        short_text(prepared.in_file(middle - width)) + " to " +
        short_text(prepared.in_file(middle + width)) + ", it has " + std::to_string(prepared.columns()) +
        " columns" + (prepared.in_file(1) - prepared.in_file(0) > 1 ? " once binned" : ""));
}

chosen_axis given(const recon_options& options, const prepared_scan& prepared) {
    chosen_axis axis;
    axis.method = "given";
    axis.center = checked(options.center.center, prepared, "--center");
    axis.for_configuration = exact_text(options.center.center);
    return axis;
}

// Where bins have several rows of the file, the mean of theirs.
chosen_axis from_file(const recon_options& options, const prepared_scan& prepared, row_range rows) {
    const std::size_t bin = options.prepare.bin;
    const std::vector<double> of_rows =
        read_centers(options.center.file, rows.first * bin, rows.size() * bin);
    chosen_axis axis;
    axis.method = options.center.file.string();
    axis.for_configuration = std::filesystem::absolute(options.center.file).string();
    for (std::size_t row = 0; row < rows.size(); ++row) {
        double sum = 0;
        for (std::size_t i = 0; i < bin; ++i) sum += of_rows[row * bin + i];
        const std::string where = options.center.file.string() + ": of row " +
                                  std::to_string((rows.first + row) * bin) + ": center";
        axis.several.push_back(checked(sum / static_cast<double>(bin), prepared, where));
    }
    axis.center = axis.several[rows.size() / 2];
    return axis;
}

chosen_axis trial(const recon_options& options, const prepared_scan& prepared) {
    const center_choice& choice = options.center;
    chosen_axis axis;
    axis.trial = true;
    axis.method = "trial";
    axis.for_configuration = "try:" + exact_text(choice.first) + ":" + exact_text(choice.last) + ":" +
                             exact_text(choice.step);
    for (const double center : try_centers(choice.first, choice.last, choice.step)) {
        axis.several.push_back(checked(center, prepared, "--center"));
    }
    axis.center = axis.several[axis.several.size() / 2];
    return axis;
}

void print_found(const axis& found, const prepared_scan& prepared) {
    const char* before = "rotation axis:";
    const auto print = [&](const std::optional<double>& center, const std::string& how,
                           const char* method) {
        if (!center) return;
        std::printf("%-14s %.2f by %s%s\n", before, prepared.in_file(*center), how.c_str(),
                    found.method == method ? ", used" : "");
        before = "";
    };
    char lacks[80];
    std::snprintf(lacks, sizeof lacks,
                  "phase correlation (the best pair lacks %.2f degrees to half a turn)",
                  found.missing_degrees);
    print(found.phase_correlation, lacks, "phase correlation");
    print(found.vo, "Vo's double wedge", "Vo double wedge");
    print(found.entropy, "entropy", "entropy");
    print(found.overlap, "the overlap of opposite projections", "overlap");
    if (!found.warning.empty()) warn(found.warning);
}

void require_memory(const recon_options& options, const prepared_scan& prepared, row_range rows,
                    int threads) {
    const std::size_t search = find_axis_bytes(options.center.method, options.half, prepared.angles(),
                                               rows.size(), prepared.columns(), threads);
    const std::size_t reading =
        sizeof(float) * (prepared.counts_size(1) + prepared.work_size(1)) + prepared.scratch_bytes(1);
    const std::size_t need = common::resident_bytes() + search + reading;
    if (need <= options.memory) return;
    throw std::runtime_error("--memory of " + std::to_string(options.memory >> 20) +
                             " MiB is too small to find the rotation axis: expected " +
                             std::to_string((need >> 20) + 1) + " MiB or more, or a --center");
}

chosen_axis found_in(const scan& input, const recon_options& options, row_range rows, int threads) {
    preparation how = options.prepare;
    how.phase = {};
    const prepared_scan prepared(input, how, threads);
    require_memory(options, prepared, rows, threads);
    try {
        const axis found = find_axis(prepared, rows, options.center.method, options.half, threads);
        print_found(found, prepared);
        chosen_axis axis;
        axis.center = found.center;
        axis.method = found.method;
        axis.for_configuration = exact_text(prepared.in_file(found.center));
        return axis;
    } catch (const no_axis& e) {
        throw std::runtime_error(std::string("cannot find the rotation axis: ") + e.what() +
                                 "; give it with --center");
    }
}

void print(const chosen_axis& axis, const prepared_scan& prepared) {
    if (axis.method == "given") {
        std::printf("rotation axis: %s, as given\n", axis.for_configuration.c_str());
    } else if (axis.trial) {
        std::printf("rotation axis: %zu to try, %g to %g\n", axis.several.size(),
                    prepared.in_file(axis.several.front()), prepared.in_file(axis.several.back()));
    } else if (!axis.several.empty()) {
        const auto [least, greatest] = std::minmax_element(axis.several.begin(), axis.several.end());
        std::printf("rotation axis: %g to %g, one a slice, from %s\n", prepared.in_file(*least),
                    prepared.in_file(*greatest), axis.method.c_str());
    }
    if (axis.half)
        std::printf("half acquisition: the axis is near an edge, and a whole turn was seen\n");
}

bool is_half(const recon_options& options, const prepared_scan& prepared, double center) {
    if (options.half == half_scan::automatic) {
        return is_half_acquisition(prepared.theta(), center, prepared.columns());
    }
    if (options.half == half_scan::yes && !is_whole_turn(prepared.theta())) {
        throw std::runtime_error("--half yes: the angles leave more than 5 degrees of a whole turn "
                                 "without a projection, expected a whole turn");
    }
    return options.half == half_scan::yes;
}

} // namespace

void chosen_axis::share(const common::ranks& all) {
    const std::vector<double> sums =
        all.sums(all.first() ? std::vector{center, half ? 1.0 : 0.0} : std::vector{0.0, 0.0});
    center = sums[0];
    half = sums[1] != 0;
}

chosen_axis axis_of_scan(const recon_options& options, const scan& input, const prepared_scan& prepared,
                         row_range rows, int threads, bool first_rank) {
    chosen_axis axis;
    switch (options.center.method) {
    case center_method::number: axis = given(options, prepared); break;
    case center_method::file: axis = from_file(options, prepared, rows); break;
    case center_method::trial: axis = trial(options, prepared); break;
    default:
        if (!first_rank) return axis;
        axis = found_in(input, options, rows, threads);
    }
    axis.half = is_half(options, prepared, axis.center);
    if (first_rank) print(axis, prepared);
    return axis;
}

} // namespace tomo
