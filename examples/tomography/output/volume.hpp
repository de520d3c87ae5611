// SPDX-License-Identifier: BSD-3-Clause
//
// volume.hpp: slices in an HDF5 file, /exchange/data, (slices, y, x), float32.
//
// HDF5 makes the file once, with all of its space; slices are then written into their places by plain
// writes, from any thread and from any process, so that nobody waits for HDF5 or for one another.
//
//   create_volume(path, slices, size, notes);  // one process
//   volume_writer out(path);                   // every process, once the file is there
//   out.write(first, count, values);           // any thread
//   out.close();
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/hdf5.hpp"
#include "common/plain_file.hpp"

namespace tomo {

/// What is written beside the numbers, so that they can be understood without the command line: attributes
/// of the data set, or, of many numbers, a data set of that name beside it.
using attributes =
    std::vector<std::pair<std::string, std::variant<std::string, double, std::vector<double>>>>;

/// Makes the file, with room for slices of size x size values that are not defined yet.
///
/// Throws  std::runtime_error naming the file and what HDF5 or the system says
void create_volume(const std::filesystem::path& path, std::size_t slices, std::size_t size,
                   const attributes& notes);

/// Writes slices of a volume that create_volume has made.
///
/// Threads  write() and sync() may be called from several at once
/// Throws   std::runtime_error naming the file and what the system says: "No space left on device"
class volume_writer {
public:
    explicit volume_writer(const std::filesystem::path& path);

    std::size_t slices() const noexcept { return slices_; }
    std::size_t size() const noexcept { return size_; }
    /// Slices first .. first + count - 1; values is (count, size, size).
    void write(std::size_t first, std::size_t count, const float* values);
    /// Returns when all that was written is on the disk.
    void sync() { file_.sync(); }
    /// The same, and closes the file.
    void close() { file_.close(); }

private:
    std::size_t slices_, size_;
    std::uint64_t offset_; // of slice 0 in the file
    common::plain_file file_;
};

/// A volume that was written before, by this program or by another one.
///
/// Threads  read() may be called from several at once; where the values lie in one piece as float32, as
///          they do in this program's files, HDF5 is not asked and nobody waits
class volume_reader {
public:
    explicit volume_reader(const std::filesystem::path& path);

    const std::string& name() const noexcept { return data_.name(); } // the file's and the data set's
    const std::vector<std::size_t>& extents() const noexcept { return extents_; } // three
    std::size_t slices() const noexcept { return extents_[0]; }
    std::size_t rows() const noexcept { return extents_[1]; }
    std::size_t columns() const noexcept { return extents_[2]; }

    std::vector<float> read(std::size_t slice) const;
    /// Slices first .. first + count - 1; values is (count, rows, columns).
    void read(std::size_t first, std::size_t count, float* values) const;
    /// Rows first .. first + count - 1 of a slice; values is (count, columns).
    void read_rows(std::size_t slice, std::size_t first, std::size_t count, float* values) const;

private:
    common::h5::file file_;
    common::h5::dataset data_;
    std::vector<std::size_t> extents_;
    std::optional<std::uint64_t> offset_; // of slice 0 in the file, where HDF5 is not asked
    common::plain_file plain_;
    mutable std::mutex hdf5_; // which may not be built for threads
};

} // namespace tomo
