// SPDX-License-Identifier: BSD-3-Clause
//
// plain_file.hpp: a file by the system's own calls: bytes at places, from any thread, and the certainty that
// they are on the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace common {

/// Throws   std::runtime_error naming the file and what the system says
/// Threads  read(), write() and sync() may be called from several at once
class plain_file {
public:
    /// flags are open(2)'s.
    plain_file(std::filesystem::path path, int flags);
    plain_file(plain_file&& other) noexcept;
    plain_file& operator=(plain_file&&) = delete;
    ~plain_file();

    const std::filesystem::path& path() const noexcept { return path_; }
    void read(std::uint64_t offset, std::size_t bytes, void* values) const;
    void write(std::uint64_t offset, std::size_t bytes, const void* values) const;
    void append(std::string_view text) const; // of a file that is opened for that: O_APPEND
    void truncate(std::uint64_t bytes) const;
    /// Returns when all that was written is on the disk.
    void sync() const;
    /// The same, and closes the file.
    void close();

private:
    std::filesystem::path path_;
    int descriptor_;
};

/// Returns when files that came into a directory, or went, have done so on the disk too.
void sync_directory(const std::filesystem::path& directory);

} // namespace common
