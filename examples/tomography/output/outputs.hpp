// SPDX-License-Identifier: BSD-3-Clause
//
// outputs.hpp: what a reconstruction leaves, under temporary names until all is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/output.hpp"
#include "reconstruct/recon_options.hpp"

namespace tomo {

class outputs {
public:
    /// Refused at once if they cannot be made.
    explicit outputs(const recon_options& options);
    outputs(const outputs&) = delete;
    outputs& operator=(const outputs&) = delete;
    ~outputs();

    /// VOLUME.toml for VOLUME.h5.
    static std::filesystem::path configuration_of(const recon_options& options);

    const std::filesystem::path& volume() const noexcept { return volume_.part(); }
    const std::optional<common::staged_directory>& tiff() const noexcept { return tiff_; }
    const std::optional<common::staged_file>& picture() const noexcept { return picture_; }
    const std::optional<common::staged_file>& configuration() const noexcept { return configuration_; }

    void require_space(std::uintmax_t volume_bytes, std::uintmax_t tiff_bytes) const;
    /// From now on the volume outlives what ends the run, for another one to go on with.
    void keep_volume();
    void commit();

private:
    bool keeps_volume_; // as there is something to go on with
    common::staged_file volume_;
    std::optional<common::staged_directory> tiff_;
    std::optional<common::staged_file> picture_, configuration_;
};

} // namespace tomo
