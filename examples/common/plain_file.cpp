// SPDX-License-Identifier: BSD-3-Clause
#include "common/plain_file.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace common {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
    throw std::runtime_error("cannot " + std::string(what) + " " + path.string() + ": " +
                             std::strerror(errno));
}

// Calls move(done) until so many bytes are done: systems move a part of them, 2 GiB at most, at a time.
template <class Move>
void move_all(const char* what, const std::filesystem::path& path, std::size_t bytes, const Move& move) {
    for (std::size_t done = 0; done < bytes;) {
        const ssize_t moved = move(done);
        if (moved == 0)
            throw std::runtime_error("cannot " + std::string(what) + " " + path.string() +
                                     ": it ends early");
        if (moved > 0) done += static_cast<std::size_t>(moved);
        if (moved < 0 && errno != EINTR) fail(what, path);
    }
}

} // namespace

plain_file::plain_file(std::filesystem::path path, int flags)
    : path_(std::move(path)), descriptor_(open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail("open", path_);
}

plain_file::plain_file(plain_file&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

plain_file::~plain_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void plain_file::read(std::uint64_t offset, std::size_t bytes, void* values) const {
    move_all("read", path_, bytes, [&](std::size_t done) {
        return pread(descriptor_, static_cast<char*>(values) + done, bytes - done,
                     static_cast<off_t>(offset + done));
    });
}

void plain_file::write(std::uint64_t offset, std::size_t bytes, const void* values) const {
    move_all("write", path_, bytes, [&](std::size_t done) {
        return pwrite(descriptor_, static_cast<const char*>(values) + done, bytes - done,
                      static_cast<off_t>(offset + done));
    });
}

void plain_file::append(std::string_view text) const {
    move_all("write", path_, text.size(), [&](std::size_t done) {
        return ::write(descriptor_, text.data() + done, text.size() - done);
    });
}

void plain_file::truncate(std::uint64_t bytes) const {
    if (ftruncate(descriptor_, static_cast<off_t>(bytes)) < 0) fail("write", path_);
}

void plain_file::sync() const {
    const bool done =
        fdatasync(descriptor_) == 0 || errno == EINVAL; // of what the file system never holds back
    if (!done) fail("write", path_);
}

void plain_file::close() {
    sync();
    if (::close(std::exchange(descriptor_, -1)) < 0) fail("write", path_);
}

void sync_directory(const std::filesystem::path& directory) {
    const plain_file opened(directory, O_RDONLY | O_DIRECTORY);
    opened.sync();
}

} // namespace common
