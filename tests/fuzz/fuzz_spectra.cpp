// SPDX-License-Identifier: BSD-3-Clause
//
// What destrier-spectra reads: point-spread functions, exposures, the sky's light and the instrument's throughput.
#include <cstdint>
#include <vector>

#include "common/fits.hpp"
#include "exposure/curves.hpp"
#include "exposure/exposure.hpp"
#include "exposure/psf.hpp"
#include "mutated_fits.hpp"
#include "simulate/synthetic_psf.hpp"

namespace {

void write_psf(const std::filesystem::path& path) {
    spectra::write_synthetic_psf({.output = path, .overwrite = true, .fibers = 2, .rows = 64});
}

void write_exposure(const std::filesystem::path& path) {
    spectra::exposure e;
    e.nx = 12;
    e.ny = 10;
    e.image = e.ivar = std::vector<float>(120, 0.25f);
    e.mask = std::vector<std::int32_t>(120, 2);
    e.camera = "r0";
    e.exposure_time = 900;
    spectra::write_exposure(path, e, "fuzz", {{"RDNOISE", 3.0}});
}

void write_curves(const std::filesystem::path& path) {
    common::fits::output_file file(path);
    const std::vector<std::string> names{"wavelength", "flux", "throughput", "extinction"};
    file.write_table("THROUGHPUT", 3,
                     {{names[0], "D"}, {names[1], "E"}, {names[2], "D"}, {names[3], "D"}});
    for (const std::string& name : names) file.write_column(name, std::vector<double>{3000, 6000, 9000});
    file.write_key("GEOMAREA", 86787.);
    file.write_key("FIBERDIA", 1.52);
    file.close();
}

void evaluate(const spectra::fiber_series& series, const spectra::psf& p) {
    const std::vector<double> at{5000, 6000};
    std::vector<double> out(p.fibers * at.size());
    series.evaluate(0, at, {out.data(), {p.fibers, at.size()}});
}

void read_psf(const std::filesystem::path& path) {
    const spectra::psf p = spectra::read_psf(path);
    for (const auto* series : {&p.x, &p.y, &p.sigma_x, &p.sigma_y}) evaluate(*series, p);
    for (const spectra::fiber_series& series : p.gauss_hermite) evaluate(series, p);
    if (p.tails) evaluate(p.tails->index, p);
}

void read_exposure(const std::filesystem::path& path) {
    spectra::exposure e = spectra::read_exposure(path);
    if (spectra::usable_weights(e).size() != e.nx * e.ny) std::abort();
}

void read_curves(const std::filesystem::path& path) {
    const spectra::curve sky = spectra::read_sky(path);
    sky.mean(sky.first(), sky.last());
    const spectra::throughput passes = spectra::read_throughput(path);
    passes.instrument.at(5000);
    passes.extinction.mean(5000, 5001);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".fits");
    static const fuzz::sound_fits psf(write_psf), exposure(write_exposure), curves(write_curves);
    struct kind {
        const fuzz::sound_fits& sound;
        void (*read)(const std::filesystem::path&);
    };
    static const kind kinds[] = {{psf, read_psf}, {exposure, read_exposure}, {curves, read_curves}};
    fuzz::choices from(data, size);
    const kind& one = kinds[fuzz::below(from, std::size(kinds))];
    fuzz::write_mutated(made, one.sound, from);
    fuzz::expect_read_or_refused(made, [&] { one.read(made.path()); });
    return 0;
}
