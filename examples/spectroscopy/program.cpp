// SPDX-License-Identifier: BSD-3-Clause
//
// destrier-spectra: extracts spectra from the images of fibre spectrographs, and makes such images.
//
//   destrier-spectra extract --psf PSF.fits --image PREPROC.fits -o FRAME.fits     spectra from an exposure
//   destrier-spectra simulate --psf PSF.fits -o PREPROC.fits                       an exposure of known spectra
//   destrier-spectra psf -o PSF.fits                                               a PSF to try the others with
//
// Exit code 0 where all went well, 1 where it did not, 2 for a command line that makes no sense, and
// 128 + n after signal n.
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "common/command_line.hpp"
#include "common/dispatched.hpp"
#include "common/ranks.hpp"
#include "common/run_program.hpp"
#include "extract_files.hpp"
#include "program.hpp"
#include "simulate.hpp"
#include "synthetic_psf.hpp"

namespace {

// A command, filled in by CLI11 and run once all of the command line has been understood.
using command = std::function<void()>;

template <class Options>
void add_selection(CLI::App& app, Options& options) {
    common::add_text(
        app, "--fibers", "fibres of the PSF, the last left out [all]", "FIRST:LAST",
        [&options](const std::string& text) { return spectra::read_fibers(text, options.fibers); });
    common::add_text(
        app, "--wavelength", "bins, in Angstrom [whole Angstroms on the CCD, in steps of 0.8]",
        "FIRST:LAST:STEP",
        [&options](const std::string& text) { return spectra::read_grid(text, options.wavelengths); });
}

template <class Options>
void add_usual(CLI::App& app, Options& options) {
    app.add_option("--threads", options.threads, "0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
}

command add_extract(CLI::App& app, spectra::extract_files_options& options, const common::ranks& all) {
    app.add_option("--psf", options.psfs, "PSF as specex writes it; one for all images, or one for each")
        ->required()
        ->type_name("PSF.fits");
    app.add_option("--image", options.images,
                   "exposure with IMAGE, IVAR, MASK; may be given several times")
        ->required()
        ->type_name("PREPROC.fits");
    app.add_option("-o,--output", options.output, "frame to write; for several images, their directory")
        ->required()
        ->type_name("FRAME.fits");
    add_selection(app, options);
    app.add_option("--algorithm", options.algorithm, "banded Cholesky, or gpu_specter's eigenvectors")
        ->capture_default_str()
        ->check(CLI::IsMember({"banded", "eigh"}));
    app.add_option("--psferr", options.psf_error,
                   "relative error of the PSF, for CHI2PIX [the PSF's own]")
        ->check(CLI::Range(0.0, 1.0));
    app.add_flag("--model", options.model, "write the model image, too");
    app.add_option("--picture", options.picture, "image, model, residual and a few spectra, to look at")
        ->type_name("P.png");
    add_usual(app, options);
    return [&options, &all] { spectra::extract_files(options, all); };
}

command add_simulate(CLI::App& app, spectra::simulate_options& options, const common::ranks& all) {
    app.add_option("--psf", options.psf, "PSF as specex writes it")->required()->type_name("PSF.fits");
    app.add_option("--sky", options.sky, "table of wavelength and flux of the sky [built in]")
        ->type_name("SKY.fits");
    app.add_option("--throughput", options.throughput, "table of wavelength and throughput [built in]")
        ->type_name("T.fits");
    app.add_option("-o,--output", options.output,
                   "exposure to write; the truth goes to PREPROC-truth.fits")
        ->required()
        ->type_name("PREPROC.fits");
    add_selection(app, options);
    app.add_option("--exposure-time", options.exposure_time, "in seconds")
        ->capture_default_str()
        ->check(CLI::Range(1e-3, 1e6));
    app.add_option("--read-noise", options.camera.read_noise, "in electrons")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1e3));
    app.add_flag_callback(
        "--noiseless", [&options] { options.camera.noise = false; }, "the image is the light itself");
    app.add_flag_callback(
        "--noisy-variance", [&options] { options.camera.true_variance = false; },
        "IVAR from the noisy image, as real exposures have it, not from the truth");
    app.add_option("--bad-pixels", options.camera.bad_pixels, "part of all pixels")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 0.5));
    app.add_option("--dead-columns", options.camera.dead_columns, "among those with light")
        ->capture_default_str()
        ->check(CLI::Range(0, 1000));
    app.add_option("--cosmics", options.camera.cosmics, "tracks of cosmic rays")
        ->capture_default_str()
        ->check(CLI::Range(0, 1000000));
    app.add_option("--seed", options.camera.seed, "of the objects and of the noise")
        ->capture_default_str();
    add_usual(app, options);
    return [&options, &all] {
        all.together([&] {
            if (all.first()) spectra::simulate(options);
        });
    };
}

command add_psf(CLI::App& app, spectra::synthetic_psf_options& options, const common::ranks& all) {
    app.add_option("-o,--output", options.output, "PSF to write, in specex's format")
        ->required()
        ->type_name("PSF.fits");
    app.add_option("--fibers", options.fibers, "number of fibres")
        ->capture_default_str()
        ->check(CLI::Range(1, 5000));
    app.add_option("--rows", options.rows, "of the CCD, 0.54 Angstrom each")
        ->capture_default_str()
        ->check(CLI::Range(64, 8192));
    app.add_option("--first-wavelength", options.first_wavelength, "at the lower edge, in Angstrom")
        ->capture_default_str()
        ->check(CLI::Range(3000.0, 20000.0));
    app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
    return [&options, &all] {
        all.together([&] {
            if (all.first()) spectra::write_synthetic_psf(options);
        });
    };
}

int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    const std::string name = common::with_architecture(spectra::program_name(), architecture);
    CLI::App app("Extracts spectra from the images of fibre spectrographs.", "destrier-spectra");
    app.set_version_flag("--version", name);
    app.require_subcommand(1);

    spectra::extract_files_options extract;
    spectra::simulate_options simulate;
    spectra::synthetic_psf_options psf;
    std::map<const CLI::App*, command> commands;
    CLI::App* const extract_app = app.add_subcommand("extract", "Extract spectra from exposures");
    commands[extract_app] = add_extract(*extract_app, extract, all);
    CLI::App* const simulate_app = app.add_subcommand("simulate", "Write an exposure of known spectra");
    commands[simulate_app] = add_simulate(*simulate_app, simulate, all);
    CLI::App* const psf_app = app.add_subcommand("psf", "Write a PSF to try the others with");
    commands[psf_app] = add_psf(*psf_app, psf, all);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (!all.first()) return e.get_exit_code() == 0 ? 0 : 2;
        return app.exit(e) == 0 ? 0 : 2; // CLI11 prints help, or what is wrong
    }
    return common::run_program("destrier-spectra", "fewer --threads or --fibers need less", [&] {
        if (all.first()) std::printf("%s\n", name.c_str());
        commands.at(app.get_subcommands().front())();
    });
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
