// SPDX-License-Identifier: BSD-3-Clause
#include "extract/jobs.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "common/fits.hpp"
#include "common/output.hpp"

namespace spectra {
namespace {

namespace fs = std::filesystem;

bool into_directory(const extract_files_options& options) {
    return options.images.size() > 1 || !options.output.has_filename() ||
           fs::is_directory(options.output);
}

void require_sense(const extract_files_options& options) {
    const std::size_t psfs = options.psfs.size(), images = options.images.size();
    if (psfs != 1 && psfs != images) {
        throw std::runtime_error("--psf is given " + std::to_string(psfs) + " times and --image " +
                                 std::to_string(images) +
                                 " times, expected one PSF, or one for each image");
    }
    if (!options.picture.empty() && images > 1)
        throw std::runtime_error("--picture shows one exposure, and --image is given " +
                                 std::to_string(images) + " times");
    if (into_directory(options) && !fs::is_directory(options.output)) {
        throw std::runtime_error(options.output.string() +
                                 ": is no directory, expected one for the frames to go to");
    }
}

extract_options how_to(const extract_files_options& options, const psf& p, int threads) {
    const fiber_range fibers = fibers_of(p, options.fibers);
    extract_options how;
    how.algorithm = options.algorithm == "eigh" ? algorithm::eigh : algorithm::banded;
    how.psf_error = options.psf_error.value_or(p.model_error);
    how.first_fiber = fibers.first;
    how.fibers = fibers.count();
    how.wavelength = wavelengths_of(p, fibers, options.wavelengths).values();
    how.threads = threads;
    how.model = options.model || !options.picture.empty();
    return how;
}

std::size_t patches_of(const job& j) {
    std::size_t patches = 0;
    for (const fiber_span& wanted : j.bundles)
        patches +=
            plan_bundle(wanted, j.psf->fibers, j.how.wavelength.size(), j.how.patches).patches.size();
    return patches;
}

void require_other_file(const extract_files_options& options, const fs::path& output) {
    for (const std::vector<fs::path>& inputs : {options.psfs, options.images}) {
        for (const fs::path& input : inputs) {
            std::error_code none_there;
            if (fs::equivalent(input, output, none_there))
                throw std::runtime_error(output.string() +
                                         ": is read as well, expected another file's name");
        }
    }
}

} // namespace

fs::path frame_name(const fs::path& image) {
    std::string name = image.filename().string();
    for (const std::string_view end : {".gz", ".fz", ".fits"}) {
        if (name.ends_with(end)) name.resize(name.size() - end.size());
    }
    constexpr std::string_view before = "preproc-";
    if (name.starts_with(before)) name.erase(0, before.size());
    return "frame-" + name + ".fits";
}

plan plan_of(const extract_files_options& options, int threads) {
    require_sense(options);
    plan all;
    std::map<fs::path, const psf*> known;
    for (std::size_t i = 0; i < options.images.size(); ++i) {
        const fs::path& path = options.psfs[options.psfs.size() == 1 ? 0 : i];
        if (!known.contains(path)) known[path] = &all.psfs.emplace_back(read_psf(path));
        const fs::path& image = options.images[i];
        const fs::path frame =
            into_directory(options) ? options.output / frame_name(image) : options.output;
        job j{path, image, frame, known[path], how_to(options, *known[path], threads), {}, 0};
        j.bundles = bundles_of(j.how);
        j.patches = patches_of(j);
        all.jobs.push_back(std::move(j));
    }
    return all;
}

void require_files(const extract_files_options& options, const std::vector<job>& jobs) {
    std::vector<fs::path> outputs;
    for (const job& j : jobs) {
        common::fits::require_plain_name(j.frame);
        outputs.push_back(j.frame);
    }
    if (!options.picture.empty()) outputs.push_back(options.picture);
    std::set<fs::path> names;
    for (const fs::path& output : outputs) {
        if (!names.insert(output.lexically_normal()).second)
            throw std::runtime_error(output.string() +
                                     ": is to be written twice, expected different names");
        require_other_file(options, output);
        const common::staged_file probe(output, options.overwrite);
    }
    for (const job& j : jobs) {
        if (!fs::exists(j.image)) throw std::runtime_error(j.image.string() + ": no such file");
    }
}

} // namespace spectra
