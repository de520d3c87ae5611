// SPDX-License-Identifier: BSD-3-Clause
#include "output/frame.hpp"

#include <span>
#include <stdexcept>

#include "common/fits.hpp"
#include "common/output.hpp"
#include "common/shape.hpp"

namespace spectra {
namespace {

using extents = std::vector<std::size_t>;

void require_size(const char* what, std::size_t size, const extents& shape) {
    std::size_t expected = 1;
    for (const std::size_t n : shape) expected *= n;
    if (size != expected) {
        throw std::invalid_argument(std::string("write_frame: ") + what + " has " +
                                    std::to_string(size) + " elements, expected " +
                                    common::shape_text(shape));
    }
}

void require_sizes(const frame& f) {
    const extents shape{f.fibers, f.wavelength.size()};
    require_size("flux", f.flux.size(), shape);
    require_size("ivar", f.ivar.size(), shape);
    require_size("chi2pix", f.chi2pix.size(), shape);
    require_size("mask", f.mask.size(), shape);
    require_size("resolution", f.resolution.size(), {f.fibers, f.diagonals, f.wavelength.size()});
    if (!f.model.empty()) require_size("model", f.model.size(), {f.ny, f.nx});
}

std::vector<float> as_float(const std::vector<double>& values) { return {values.begin(), values.end()}; }

// DESI counts on through its spectrographs, whose number is in the camera's name.
std::size_t first_of_desi(const frame& f) {
    const bool named = f.camera.size() == 2 && f.camera[1] >= '0' && f.camera[1] <= '9';
    return f.first_fiber + (named ? 500 * static_cast<std::size_t>(f.camera[1] - '0') : 0);
}

// Keywords as desispec's extraction has them. File names come without their directories, so that the same
// spectra make the same file anywhere; nor is there a date.
void write_header(common::fits::output_file& file, const frame& f, const frame_origin& from,
                  const common::fits::input_file& exposure) {
    file.copy_keys(exposure["IMAGE"]);
    file.write_key("BUNIT", "electron/Angstrom");
    file.write_key("CREATOR", from.program);
    file.write_key("ALGORITH", from.algorithm, "of the extraction");
    file.write_key("IN_PSF", from.psf.filename().string(), "point-spread function");
    file.write_key("IN_IMG", from.exposure.filename().string(), "exposure");
    file.write_key("PSFERR", from.psf_error, "fractional error of the model image");
    if (!f.camera.empty()) file.write_key("CAMERA", f.camera);
    file.write_key("FIBERMIN", first_of_desi(f), "first fibre");
    file.write_key("NSPEC", f.fibers, "spectra");
    if (f.wavelength.empty()) return;
    file.write_key("WAVEMIN", f.wavelength.front(), "[Angstrom] first bin");
    file.write_key("WAVEMAX", f.wavelength.back(), "[Angstrom] last bin");
}

void write_spectra(common::fits::output_file& file, const frame& f, const frame_origin& from) {
    const common::fits::input_file exposure(from.exposure);
    const extents shape{f.fibers, f.wavelength.size()};
    file.write_image<float>("FLUX", shape, as_float(f.flux));
    write_header(file, f, from, exposure);
    file.write_image<float>("IVAR", shape, as_float(f.ivar));
    file.write_key("BUNIT", "electron-2 Angstrom2");
    file.write_image<std::uint32_t>("MASK", shape, f.mask);
    file.write_image<double>("WAVELENGTH", {f.wavelength.size()}, f.wavelength);
    file.write_key("BUNIT", "Angstrom");
    file.write_image<float>("RESOLUTION", {f.fibers, f.diagonals, f.wavelength.size()},
                            as_float(f.resolution));
    if (exposure.has("FIBERMAP")) file.copy_table(exposure["FIBERMAP"], f.first_fiber, f.fibers);
    file.write_image<float>("CHI2PIX", shape, as_float(f.chi2pix));
    if (f.model.empty()) return;
    file.write_image<float>("MODEL", {f.ny, f.nx}, f.model);
    file.write_key("BUNIT", "electron");
}

} // namespace

void write_frame(const std::filesystem::path& path, const frame& f, const frame_origin& from,
                 bool overwrite) {
    require_sizes(f);
    common::fits::require_plain_name(path);
    common::staged_file staged(path, overwrite);
    common::fits::output_file file(staged.part());
    write_spectra(file, f, from);
    file.close();
    staged.commit();
}

} // namespace spectra
