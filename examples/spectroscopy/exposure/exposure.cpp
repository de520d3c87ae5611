// SPDX-License-Identifier: BSD-3-Clause
#include "exposure/exposure.hpp"

#include <cmath>
#include <span>
#include <stdexcept>

#include "common/fits.hpp"
#include "common/shape.hpp"

namespace spectra {
namespace {

void require_image(const common::fits::hdu& image) {
    const std::vector<std::size_t> shape = image.shape();
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
        throw std::runtime_error(image.name() + ": is " + common::shape_text(shape) +
                                 ", expected a CCD image (rows, columns)");
    }
}

void require_shape(const common::fits::hdu& image, const exposure& e) {
    const std::vector<std::size_t> shape = image.shape(), expected{e.ny, e.nx};
    if (shape != expected) {
        throw std::runtime_error(image.name() + ": is " + common::shape_text(shape) + ", expected " +
                                 common::shape_text(expected) + " as IMAGE is");
    }
}

} // namespace

exposure read_exposure(const std::filesystem::path& path) {
    const common::fits::input_file file(path);
    const common::fits::hdu image = file["IMAGE"], ivar = file["IVAR"];
    require_image(image);
    exposure e;
    e.ny = image.shape()[0];
    e.nx = image.shape()[1];
    e.camera = image.text("CAMERA").value_or("");
    e.exposure_time = image.number("EXPTIME").value_or(0);
    e.image = image.image<float>();
    require_shape(ivar, e);
    e.ivar = ivar.image<float>();
    if (file.has("MASK")) {
        const common::fits::hdu mask = file["MASK"];
        require_shape(mask, e);
        e.mask = mask.image<std::int32_t>();
    } else {
        e.mask.assign(e.nx * e.ny, 0);
    }
    return e;
}

std::vector<float> usable_weights(exposure& e) {
    std::vector<float> weights(e.image.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const bool usable = (e.mask[i] & discarded_bits) == 0 && std::isfinite(e.image[i]) &&
                            std::isfinite(e.ivar[i]) && e.ivar[i] > 0;
        weights[i] = usable ? e.ivar[i] : 0;
        if (!usable) e.image[i] = 0;
    }
    return weights;
}

void write_exposure(const std::filesystem::path& path, const exposure& e, const std::string& program,
                    const std::vector<std::pair<std::string, double>>& cards) {
    const std::vector<std::size_t> shape{e.ny, e.nx};
    common::fits::output_file file(path);
    file.write_image("IMAGE", shape, std::span(e.image));
    file.write_key("BUNIT", "electron");
    file.write_key("CAMERA", e.camera);
    file.write_key("EXPTIME", e.exposure_time, "[s]");
    file.write_key("CREATOR", program);
    for (const auto& [key, value] : cards) file.write_key(key, value);
    file.write_image("IVAR", shape, std::span(e.ivar));
    file.write_key("BUNIT", "electron-2");
    const std::vector<std::int16_t> mask(e.mask.begin(), e.mask.end());
    file.write_image("MASK", shape, std::span(mask), common::fits::compression::rice);
    file.close();
}

} // namespace spectra
