// SPDX-License-Identifier: BSD-3-Clause
//
// output.hpp: results appear under their names complete or not at all.
//
// What is being made lies beside its name, with .part behind it. commit() renames; whatever ends the
// work before (an error, Ctrl-C, a batch system's SIGTERM) removes it, unless it is to be kept.
#pragma once

#include <cstdint>
#include <filesystem>

namespace common {

/// Where what is to become `name` is made, a file or a directory.
std::filesystem::path part_of(const std::filesystem::path& name);

/// Whether a part that an earlier run left is to be gone on with.
enum class part_file { anew, as_left };

/// A file in the making.
class staged_file {
public:
    /// Refuses a name that exists unless overwrite, and a place where no file can be made.
    staged_file(std::filesystem::path name, bool overwrite, part_file begin = part_file::anew);
    staged_file(const staged_file&) = delete;
    staged_file& operator=(const staged_file&) = delete;
    ~staged_file();

    const std::filesystem::path& part() const noexcept { return part_; }
    void commit();
    /// From now on, the part outlives what ends the work before commit(): a later run can go on with it.
    void keep() noexcept { kept_ = true; }

private:
    std::filesystem::path name_, part_;
    bool kept_ = false;
};

/// A directory of files in the making, all named *extension.
class staged_directory {
public:
    /// Refuses a directory with files in it unless overwrite; then those named *extension go when the
    /// new ones come, and others stay.
    staged_directory(const std::filesystem::path& name, std::filesystem::path extension, bool overwrite);
    staged_directory(const staged_directory&) = delete;
    staged_directory& operator=(const staged_directory&) = delete;
    ~staged_directory();

    const std::filesystem::path& part() const noexcept { return part_; }
    void commit();

private:
    std::filesystem::path name_, part_, extension_;
};

/// Refuses to start what the disk of this file has no room for.
void require_free_space(const std::filesystem::path& file, std::uintmax_t bytes);

/// Thrown by stop_if_interrupted().
struct interrupted {
    int signal;
    const char* text = "interrupted, nothing half-written is left"; // for the user
};

/// From now on the first SIGINT, SIGTERM or SIGHUP is noted; a second one ends the program at once.
void note_signals();
/// Throws interrupted if a signal has been noted.
void stop_if_interrupted();

} // namespace common
