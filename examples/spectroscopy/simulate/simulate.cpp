// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/simulate.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/fits.hpp"
#include "common/output.hpp"
#include "exposure/psf.hpp"
#include "program.hpp"
#include "simulate/project.hpp"

namespace spectra {
namespace {

namespace fs = std::filesystem;

fs::path truth_beside(const fs::path& exposure) {
    return exposure.parent_path() /
           (exposure.stem().string() + "-truth" + exposure.extension().string());
}

void require_other_file(const simulate_options& options, const fs::path& output) {
    for (const fs::path& input : {options.psf, options.sky, options.throughput}) {
        std::error_code none_there;
        if (!input.empty() && fs::equivalent(input, output, none_there))
            throw std::runtime_error(output.string() +
                                     ": is read as well, expected another file's name");
    }
}

psf read_psf_of_ccd(const fs::path& path) {
    psf p = read_psf(path);
    if (p.nx == 0 || p.ny == 0)
        throw std::runtime_error(path.string() +
                                 ": does not say how large the CCD is, expected NPIX_X and NPIX_Y");
    return p;
}

void write_truth(const fs::path& path, const psf& p, fiber_range fibers, const wavelength_grid& bins,
                 const std::vector<double>& photons, const std::vector<double>& light) {
    common::fits::output_file file(path);
    file.write_image<double>("TRUTH_PHOTONS", {fibers.count(), bins.size()}, photons);
    file.write_key("BUNIT", "photon");
    file.write_key("FIBERMIN", static_cast<long long>(fibers.first));
    file.write_image<double>("WAVELENGTH", {bins.size()}, bins.values());
    file.write_key("BUNIT", "Angstrom");
    file.write_image<float>("IMAGE", {p.ny, p.nx}, std::vector<float>(light.begin(), light.end()));
    file.write_key("BUNIT", "electron");
    file.close();
}

} // namespace

void simulate(const simulate_options& options) {
    common::fits::require_plain_name(options.output);
    const fs::path truth_name = truth_beside(options.output);
    require_other_file(options, options.output);
    require_other_file(options, truth_name);
    const psf p = read_psf_of_ccd(options.psf);
    const fiber_range fibers = fibers_of(p, options.fibers);
    const wavelength_grid bins = wavelengths_of(p, fibers, options.wavelengths);
    const curve sky = options.sky.empty() ? built_in_sky() : read_sky(options.sky);
    const throughput passes =
        options.throughput.empty() ? built_in_throughput() : read_throughput(options.throughput);
    common::staged_file image(options.output, options.overwrite), truth(truth_name, options.overwrite);
    common::require_free_space(image.part(), 4 * 4 * p.nx * p.ny);

    const std::vector<double> photons =
        electrons(sky, passes, fibers, bins, {options.exposure_time, options.camera.seed});
    const std::vector<double> light = project(p, fibers, bins, photons, options.threads);
    exposure seen = expose(light, p.nx, p.ny, options.camera, options.threads);
    seen.camera = p.camera;
    seen.exposure_time = options.exposure_time;
    write_exposure(image.part(), seen, program_name(), {{"RDNOISE", options.camera.read_noise}});
    common::stop_if_interrupted();
    write_truth(truth.part(), p, fibers, bins, photons, light);
    common::stop_if_interrupted();
    truth.commit();
    image.commit();
    std::printf("%s: %zu fibres, %zu bins of %g Angstrom from %g on, %zu x %zu pixels\n",
                options.output.c_str(), fibers.count(), bins.size(), bins.step, bins.first, p.nx, p.ny);
    std::printf("%s: what was put in\n", truth_name.c_str());
}

} // namespace spectra
