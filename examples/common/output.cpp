// SPDX-License-Identifier: BSD-3-Clause
#include "common/output.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace common {
namespace {

namespace fs = std::filesystem;

// Threads other than the one that the signal has interrupted ask for it too.
std::atomic<int> noted_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int signal) { noted_signal = signal; }

fs::path without_trailing_slash(const fs::path& name) {
    return name.has_filename() ? name : name.parent_path();
}

[[noreturn]] void refuse_existing(const fs::path& name, const char* what) {
    throw std::runtime_error(name.string() + ": " + what + "; --overwrite replaces it");
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error) {
        throw std::runtime_error("cannot rename " + from.string() + " to " + to.string() + ": " +
                                 error.message());
    }
}

void remove_named(const fs::path& directory, const fs::path& extension) {
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        if (entry.path().extension() == extension) fs::remove(entry.path());
    }
}

} // namespace

fs::path part_of(const fs::path& name) {
    fs::path part = without_trailing_slash(name);
    part += ".part";
    return part;
}

staged_file::staged_file(fs::path name, bool overwrite, part_file begin)
    : name_(std::move(name)), part_(part_of(name_)) {
    if (fs::is_directory(name_))
        throw std::runtime_error(name_.string() + ": is a directory, expected a file's name");
    if (fs::exists(name_) && !fs::is_regular_file(name_)) {
        throw std::runtime_error(name_.string() +
                                 ": is not a regular file, and cannot be replaced by one");
    }
    if (fs::exists(name_) && !overwrite) refuse_existing(name_, "exists");
    const auto mode = begin == part_file::anew ? std::ios::trunc : std::ios::app;
    if (!std::ofstream(part_, mode)) {
        throw std::runtime_error("cannot create " + part_.string() + ": " + std::strerror(errno));
    }
}

staged_file::~staged_file() {
    if (kept_) return;
    std::error_code ignored;
    fs::remove(part_, ignored);
}

void staged_file::commit() { rename_or_throw(part_, name_); }

staged_directory::staged_directory(const fs::path& name, fs::path extension, bool overwrite)
    : name_(without_trailing_slash(name)), part_(part_of(name_)), extension_(std::move(extension)) {
    if (fs::exists(name_) && !fs::is_directory(name_)) {
        throw std::runtime_error(name_.string() + ": is a file, expected a directory's name");
    }
    if (fs::exists(name_) && !fs::is_empty(name_) && !overwrite) refuse_existing(name_, "is not empty");
    std::error_code error;
    fs::remove_all(part_, error);
    if (!fs::create_directory(part_, error)) {
        throw std::runtime_error("cannot create " + part_.string() + ": " + error.message());
    }
}

staged_directory::~staged_directory() {
    std::error_code ignored;
    fs::remove_all(part_, ignored);
}

void staged_directory::commit() {
    if (!fs::exists(name_)) {
        rename_or_throw(part_, name_);
        return;
    }
    remove_named(name_, extension_);
    for (const fs::directory_entry& entry : fs::directory_iterator(part_)) {
        rename_or_throw(entry.path(), name_ / entry.path().filename());
    }
}

void require_free_space(const fs::path& file, std::uintmax_t bytes) {
    std::error_code error;
    const fs::space_info space = fs::space(file, error);
    // A file system that tells nothing of itself says so with an error or with zeros.
    if (error || space.capacity == 0 || space.available >= bytes) return;
    throw std::runtime_error(file.string() + ": needs " + std::to_string(bytes >> 20) +
                             " MiB, its disk has " + std::to_string(space.available >> 20) +
                             " MiB free");
}

void note_signals() {
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before = {};
        sigaction(signal, nullptr, &before);
        const bool ignored = before.sa_handler == SIG_IGN; // as nohup does, and it is to stay so
        if (!ignored) sigaction(signal, &action, nullptr);
    }
}

void stop_if_interrupted() {
    if (const int signal = noted_signal; signal != 0) throw interrupted{.signal = signal};
}

} // namespace common
