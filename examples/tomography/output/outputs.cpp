// SPDX-License-Identifier: BSD-3-Clause
#include "output/outputs.hpp"

#include <exception>
#include <stdexcept>
#include <system_error>

#include "output/journal.hpp"

namespace tomo {
namespace {

namespace fs = std::filesystem;

const fs::path& checked_volume(const recon_options& o) {
    std::error_code ignored;
    if (fs::equivalent(o.scan, o.volume, ignored)) {
        throw std::runtime_error(o.volume.string() +
                                 ": is the scan itself, expected another name for the volume");
    }
    if (o.picture == o.volume) {
        throw std::runtime_error(o.volume.string() + ": is both the volume and the picture");
    }
    return o.volume;
}

} // namespace

outputs::outputs(const recon_options& options)
    : keeps_volume_(options.resume && fs::exists(common::part_of(options.volume))),
      volume_(checked_volume(options), options.overwrite, common::part_file::as_left) {
    if (keeps_volume_) volume_.keep();
    if (!options.tiff.empty()) tiff_.emplace(options.tiff, ".tif", options.overwrite);
    if (!options.picture.empty()) picture_.emplace(options.picture, options.overwrite);
    if (options.configuration) {
        const fs::path name = configuration_of(options);
        std::error_code ignored;
        const bool read_from_it = fs::equivalent(options.configuration_read, name, ignored);
        configuration_.emplace(name, options.overwrite || read_from_it);
    }
}

outputs::~outputs() {
    if (keeps_volume_) return;
    try {
        remove_journals(volume_.part());
    } catch (const std::exception&) { // who sees it can only remove them himself
    }
}

fs::path outputs::configuration_of(const recon_options& options) {
    fs::path name = options.volume;
    return name.replace_extension(".toml");
}

void outputs::require_space(std::uintmax_t volume_bytes, std::uintmax_t tiff_bytes) const {
    common::require_free_space(volume_.part(), volume_bytes);
    if (tiff_) common::require_free_space(tiff_->part(), tiff_bytes);
}

void outputs::keep_volume() {
    volume_.keep();
    keeps_volume_ = true;
}

void outputs::commit() {
    volume_.commit();
    keeps_volume_ = false; // its journals have done their work
    if (tiff_) tiff_->commit();
    if (picture_) picture_->commit();
    if (configuration_) configuration_->commit();
}

} // namespace tomo
