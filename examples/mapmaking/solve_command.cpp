// SPDX-License-Identifier: BSD-3-Clause
#include "solve_command.hpp"

#include <bit>
#include <cstddef>
#include <string>

#include "common/command_line.hpp"

namespace mapmaking {
namespace {

using destrier::destripe::ordering;
using destrier::destripe::stokes;

CLI::Option* add_nside(CLI::App& app, const std::string& name, const std::string& help,
                       std::size_t& nside) {
    return app.add_option(name, nside, help)
        ->check([](const std::string& text) {
            unsigned long n = 0;
            const bool number = CLI::detail::lexical_cast(text, n);
            return number && std::has_single_bit(n) && n <= 8192
                       ? std::string()
                       : "is " + text + ", expected a power of two from 1 to 8192";
        })
        ->type_name("NSIDE");
}

void add_usual(CLI::App& app, solve_options& options) {
    app.add_option("--threads", options.threads, "0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
}

void add_files(CLI::App& app, solve_options& options) {
    app.add_option("observations", options.observations, "observations as TOAST 3 writes them")
        ->required()
        ->type_name("OBS.h5");
    app.add_option("-o,--output", options.output,
                   "maps to write: I, Q, U, the same without destriping (BINNED_), HITS, RCOND, and the "
                   "inverse covariance")
        ->required()
        ->type_name("MAPS.fits");
    app.add_option("--picture", options.picture, "maps, and what was taken out, to look at")
        ->type_name("P.png");
    app.add_option("--offsets", options.offsets, "the baselines' offsets, too")->type_name("OFFSETS.h5");
    app.add_option("--mask", options.mask,
                   "HEALPix map of 1 for pixels to solve with, 0 for others; maps have all of them")
        ->type_name("M.fits");
    app.add_option(
           "--checkpoint", options.checkpoint,
           "where the solver's state is saved, for a run that was stopped to go on from; removed "
           "in the end")
        ->type_name("F");
    app.add_option("--checkpoint-every", options.checkpoint_every, "iterations from one to the next")
        ->capture_default_str()
        ->type_name("N")
        ->check(CLI::Range(1, 1000000));
}

void add_maps(CLI::App& app, solve_options& options) {
    add_nside(app, "--nside", "of the maps", options.nside)->required();
    add_nside(app, "--solve-nside", "of the solve, at most the maps' [the maps']", options.solve_nside);
    common::add_choice<stokes>(app, "--stokes", "what is solved for [IQU]",
                               {{"I", stokes::i}, {"QU", stokes::qu}, {"IQU", stokes::iqu}},
                               options.stokes);
    common::add_choice<ordering>(app, "--order", "of the pixels in MAPS.fits [nest]",
                                 {{"nest", ordering::nest}, {"ring", ordering::ring}}, options.order);
    app.add_flag("--float32", options.float32, "write maps in single precision");
    app.add_flag("--partial", options.partial, "write the pixels that were seen, not the whole sphere");
    common::add_choice<splits>(
        app, "--splits",
        "more maps from the same offsets, MAPS-NAME.fits: of each detector, of halves of observations",
        {{"detectors", splits::detectors}, {"halves", splits::halves}}, options.splits);
    app.add_option("--rcond", options.rcond, "least condition of a pixel's matrix in the maps")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
}

void add_solver(CLI::App& app, solve_options& options) {
    common::add_text(
        app, "--baseline", "time that shares an offset, or intervals: one each [1s]", "TIME|intervals",
        [&options](const std::string& text) { return read_baseline(text, options.baselines); });
    app.add_option(
           "--interval", options.baselines.intervals,
           "intervals that are made use of; no baseline reaches over their ends, unless there is "
           "a prior [all samples; scanning with --baseline intervals]")
        ->type_name("NAME");
    app.add_flag("--prior", options.prior, "expect offsets as the detectors' noise spectra have them");
    app.add_option("--precond-width", options.precond_width,
                   "of the prior's part in the preconditioner, in baselines")
        ->capture_default_str()
        ->check(CLI::Range(1, 10000));
    app.add_option("--solve-rcond", options.solve_rcond,
                   "least condition of a pixel's matrix in the solve")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--iterations", options.iterations, "at most")
        ->capture_default_str()
        ->check(CLI::Range(0, 10000000));
    app.add_option("--tolerance", options.tolerance, "of the residual, relative to the right-hand side")
        ->capture_default_str()
        ->check(CLI::Range(1e-300, 1.0));
    app.add_flag("--one-pass", options.one_pass,
                 "read the pointing once an iteration: half the memory; for one process");
}

void add_reading(CLI::App& app, solve_options& options) {
    app.add_option("--det-mask", options.reading.masks.detector,
                   "bits of detdata/flags and of detectors' flags that leave out")
        ->capture_default_str()
        ->check(CLI::Range(0, 255));
    app.add_option("--shared-mask", options.reading.masks.shared,
                   "bits of shared/flags that leave samples out")
        ->capture_default_str()
        ->check(CLI::Range(0, 255));
    common::add_choice<bool>(app, "--weights", "of detectors: from their noise, or 1 for all [noise]",
                             {{"noise", false}, {"uniform", true}}, options.reading.uniform_weights);
    app.add_flag_callback(
        "--no-hwp", [&options] { options.half_wave_plate = false; },
        "the half-wave plate's angle is not to be made use of");
    app.add_flag("--mixed-focal-planes", options.mixed_focal_planes,
                 "observations may be of different focal planes");
    app.add_option("--memory", options.memory, "that a rank may take, such as 500M or 4G [what is free]")
        ->transform(CLI::AsSizeValue(false))
        ->type_name("BYTES");
}

} // namespace

void add_solve(CLI::App& app, solve_options& options) {
    add_files(app, options);
    add_maps(app, options);
    add_solver(app, options);
    add_reading(app, options);
    add_usual(app, options);
}

} // namespace mapmaking
