// SPDX-License-Identifier: BSD-3-Clause
//
// What run.sh asks of FITS files:
//
//   spectra_check pulls FRAME TRUTH          distances from the truth, blurred by the resolution, in sigmas
//   spectra_check against FRAME REFERENCE    distances from another extraction
//   spectra_check bits FRAME                 bins with each bit of MASK, and whether they say the right thing
//   spectra_check odd PREPROC DIRECTORY      writes exposures with something odd about them
//
// Prints numbers for the script to judge.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/fits.hpp"
#include "exposure/exposure.hpp"
#include "output/frame.hpp"

namespace {

namespace fs = std::filesystem;
using common::fits::input_file;

struct extracted {
    std::size_t fibers, bins, diagonals;
    std::vector<double> flux, ivar, mask, wavelength, resolution;
    double step = 1; // what makes flux that of a bin

    explicit extracted(const fs::path& path) {
        const input_file file(path);
        fibers = file["FLUX"].shape()[0];
        bins = file["FLUX"].shape()[1];
        diagonals = file["RESOLUTION"].shape()[1];
        flux = file["FLUX"].image<double>();
        ivar = file["IVAR"].image<double>();
        if (file.has("MASK")) mask = file["MASK"].image<double>();
        wavelength = file["WAVELENGTH"].image<double>();
        resolution = file["RESOLUTION"].image<double>();
        if (file["FLUX"].text("BUNIT") == "electron/Angstrom") step = wavelength[1] - wavelength[0];
    }

    // What the resolution makes of a fibre's true spectrum.
    double blurred(std::size_t fiber, std::size_t bin, const double* truth) const {
        double sum = 0;
        for (std::size_t k = 0; k < diagonals; ++k) { // R[bin, from], bin = from + k - half
            const std::size_t half = diagonals / 2, from = bin + half - k;
            if (from < bins) sum += resolution[(fiber * diagonals + k) * bins + from] * truth[from];
        }
        return sum;
    }
};

// truth holds the same bins, and the same fibres or more; the frame's start at its fibre `first`.
int pulls(const fs::path& frame, const fs::path& truth, std::size_t first = 0) {
    const extracted f(frame);
    const input_file file(truth);
    const std::vector<std::size_t> shape = file["TRUTH_PHOTONS"].shape();
    if (shape[1] != f.bins || shape[0] < first + f.fibers) throw std::runtime_error("shapes differ");
    const std::vector<double> photons = file["TRUTH_PHOTONS"].image<double>();
    double sum = 0, square = 0, largest = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < f.flux.size(); ++i) {
        const bool flagged =
            (static_cast<std::uint32_t>(f.mask[i]) & ~spectra::mask_bit::bad_2d_fit) != 0;
        if (flagged || !(f.ivar[i] > 0)) continue; // chi2 tells little where there is no noise
        const std::size_t fiber = i / f.bins;
        const double expected = f.blurred(fiber, i % f.bins, photons.data() + (first + fiber) * f.bins);
        const double pull = (f.flux[i] - expected / f.step) * std::sqrt(f.ivar[i]);
        sum += pull;
        square += pull * pull;
        largest = std::max(largest, std::abs(pull));
        ++n;
    }
    const double mean = sum / static_cast<double>(n);
    std::printf("bins %zu of %zu mean %.6f std %.6f largest %.6f\n", n, f.flux.size(), mean,
                std::sqrt(square / static_cast<double>(n) - mean * mean), largest);
    return 0;
}

// Where both say something of a bin, and the frame nothing against it.
int against(const fs::path& frame, const fs::path& reference, std::size_t first = 0) {
    const extracted f(frame), r(reference);
    if (r.bins != f.bins || r.diagonals != f.diagonals || r.fibers < first + f.fibers)
        throw std::runtime_error("shapes differ");
    double pull = 0, center = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < f.flux.size(); ++i) {
        const std::size_t fiber = i / f.bins, bin = i % f.bins, j = (first + fiber) * f.bins + bin;
        if (f.mask[i] != 0 || !(f.ivar[i] > 0) || !(r.ivar[j] > 0)) continue;
        const auto middle = [bin](const extracted& e, std::size_t of) {
            return e.resolution[(of * e.diagonals + e.diagonals / 2) * e.bins + bin];
        };
        const double apart = std::abs(f.flux[i] * (f.step / r.step) - r.flux[j]);
        pull = std::max(pull, apart * std::sqrt(r.ivar[j]));
        center = std::max(center, std::abs(middle(f, fiber) / middle(r, first + fiber) - 1));
        ++n;
    }
    std::printf("bins %zu of %zu pull %.3e center %.3e\n", n, f.flux.size(), pull, center);
    return 0;
}

int bits(const fs::path& frame) {
    const extracted f(frame);
    std::size_t some = 0, all = 0, bad = 0, wrong = 0;
    for (std::size_t i = 0; i < f.flux.size(); ++i) {
        const auto mask = static_cast<std::uint32_t>(f.mask[i]);
        const bool dark = (mask & spectra::mask_bit::all_bad_pixels) != 0;
        some += (mask & spectra::mask_bit::some_bad_pixels) != 0;
        all += dark;
        bad += (mask & spectra::mask_bit::bad_2d_fit) != 0;
        wrong += !std::isfinite(f.flux[i]) || !std::isfinite(f.ivar[i]) || (f.ivar[i] == 0) != dark ||
                 (dark && f.flux[i] != 0);
    }
    wrong += static_cast<std::size_t>(std::count_if(f.resolution.begin(), f.resolution.end(),
                                                    [](double r) { return !std::isfinite(r); }));
    std::printf("some %zu all %zu bad_fit %zu of %zu wrong %zu\n", some, all, bad, f.flux.size(), wrong);
    return 0;
}

int odd(const fs::path& preproc, const fs::path& directory) {
    const spectra::exposure good = spectra::read_exposure(preproc);
    const auto write = [&](const char* name, const spectra::exposure& e) {
        spectra::write_exposure(directory / name, e, "spectra_check", {});
    };
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();

    spectra::exposure e = good;
    std::fill(e.mask.begin(), e.mask.end(), 1);
    write("all_masked.fits", e);

    e = good; // what is masked must not matter; and where there is no number, nothing is known
    for (std::size_t i = 0; i < e.image.size(); ++i) {
        if ((e.mask[i] & spectra::discarded_bits) != 0) {
            e.image[i] = i % 2 == 0 ? nan : 1e30f;
            e.ivar[i] = i % 3 == 0 ? nan : 1;
        }
    }
    write("nan_where_masked.fits", e);

    e = good;
    for (std::size_t i = 0; i < e.image.size(); ++i) {
        if ((e.mask[i] & spectra::discarded_bits) == 0) continue;
        e.mask[i] = 0;
        (i % 2 == 0 ? e.image[i] : e.ivar[i]) =
            i % 3 == 0 ? nan : -std::numeric_limits<float>::infinity();
    }
    write("nan.fits", e);

    e = good;
    e.ny /= 2;
    for (auto* values : {&e.image, &e.ivar}) values->resize(e.nx * e.ny);
    e.mask.resize(e.nx * e.ny);
    write("half.fits", e);

    e = good;
    e.camera = "b7";
    write("other_camera.fits", e);

    const std::vector<std::size_t> shape{good.ny, good.nx};
    common::fits::output_file no_ivar(directory / "no_ivar.fits");
    no_ivar.write_image("IMAGE", shape, std::span(good.image));
    no_ivar.close();
    common::fits::output_file no_mask(directory / "no_mask.fits");
    no_mask.write_image("IMAGE", shape, std::span(good.image));
    no_mask.write_image("IVAR", shape, std::span(good.ivar));
    no_mask.close();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> words(argv + 1, argv + argc);
        const std::size_t first = words.size() > 3 ? std::stoul(words[3]) : 0;
        if (words.size() < 2) throw std::runtime_error("expected a command and files");
        if (words[0] == "bits") return bits(words[1]);
        if (words.size() < 3) throw std::runtime_error("expected two files");
        if (words[0] == "pulls") return pulls(words[1], words[2], first);
        if (words[0] == "against") return against(words[1], words[2], first);
        if (words[0] == "odd") return odd(words[1], words[2]);
        throw std::runtime_error(words[0] + " is no command");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "spectra_check: %s\n", e.what());
        return 1;
    }
}
