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
#include <string>

#include <CLI/CLI.hpp>

#include "common/command_line.hpp"
#include "common/commands.hpp"
#include "common/dispatched.hpp"
#include "common/ranks.hpp"
#include "extract/extract_files.hpp"
#include "program.hpp"
#include "simulate/simulate.hpp"
#include "simulate/synthetic_psf.hpp"

namespace {

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

common::command add_extract(CLI::App& app, spectra::extract_files_options& options,
                            const common::ranks& all) {
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

common::command add_simulate(CLI::App& app, spectra::simulate_options& options,
                             const common::ranks& all) {
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
    return common::of_first_rank([&options] { spectra::simulate(options); }, all);
}

common::command add_psf(CLI::App& app, spectra::synthetic_psf_options& options,
                        const common::ranks& all) {
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
    return common::of_first_rank([&options] { spectra::write_synthetic_psf(options); }, all);
}

int run(int argc, char** argv, const char* architecture) {
    const common::ranks all;
    common::commands commands("destrier-spectra",
                              "Extracts spectra from the images of fibre spectrographs.",
                              common::with_architecture(spectra::program_name(), architecture), all);
    spectra::extract_files_options extract;
    commands.add("extract", "Extract spectra from exposures",
                 [&](CLI::App& own) { return add_extract(own, extract, all); });
    spectra::simulate_options simulate;
    commands.add("simulate", "Write an exposure of known spectra",
                 [&](CLI::App& own) { return add_simulate(own, simulate, all); });
    spectra::synthetic_psf_options psf;
    commands.add("psf", "Write a PSF to try the others with",
                 [&](CLI::App& own) { return add_psf(own, psf, all); });
    return commands.run(argc, argv, "fewer --threads or --fibers need less");
}

} // namespace

DESTRIER_PROVIDES(common::program) {
    static constexpr common::program table{.run = run};
    return table;
}
