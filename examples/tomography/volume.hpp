// SPDX-License-Identifier: BSD-3-Clause
//
// volume.hpp: where the slices go: one HDF5 file, and on request one TIFF file a slice. float32 both.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/hdf5.hpp"

namespace tomo {

/// What is written beside the numbers, so that they can be understood without the command line.
using attributes = std::vector<std::pair<std::string, std::variant<std::string, double>>>;

/// /exchange/data, (slices, y, x), in an HDF5 file.
class volume_file {
public:
    volume_file(const std::filesystem::path& path, std::size_t slices, std::size_t size,
                const attributes& notes);

    /// Slices first .. first + count - 1; values is (count, size, size).
    void write(std::size_t first, std::size_t count, const float* values);
    void close();

private:
    common::h5::file file_;
    common::h5::dataset data_;
    std::size_t size_;
};

/// A volume that was written before, read a slice at a time.
class volume_reader {
public:
    explicit volume_reader(const std::filesystem::path& path);

    const std::vector<std::size_t>& extents() const noexcept { return extents_; } // three
    std::size_t slices() const noexcept { return extents_[0]; }
    std::size_t rows() const noexcept { return extents_[1]; }
    std::size_t columns() const noexcept { return extents_[2]; }
    std::vector<float> read(std::size_t slice) const;

private:
    common::h5::file file_;
    common::h5::dataset data_;
    std::vector<std::size_t> extents_;
};

/// Writes one slice, (size, size), as slice_00042.tif, where 42 is its detector row.
void write_tiff(const std::filesystem::path& directory, std::size_t row, std::size_t size,
                const float* values);

} // namespace tomo
