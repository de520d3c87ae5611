// SPDX-License-Identifier: BSD-3-Clause
#include "output/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>

namespace tomo {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ranges_follow = "slices on the disk, the last of a line left out:\n";

fs::path directory_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

std::string beginning_of_names(const fs::path& part) { return part.filename().string() + ".done."; }

fs::path journal_of(const fs::path& part, std::size_t rank) {
    return directory_of(part) / (beginning_of_names(part) + std::to_string(rank));
}

std::vector<fs::path> journals_of(const fs::path& part) {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_of(part))) {
        if (entry.path().filename().string().starts_with(beginning_of_names(part)))
            found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

struct slice_range {
    std::size_t first, last;
};

// What a journal holds for certain: from the first line on that is not as it should be, the disk lost it.
struct contents {
    std::string request; // empty: not even that
    std::vector<slice_range> ranges;
    std::size_t length = 0; // of all that, in bytes
};

// "16 32"
std::optional<slice_range> range_in(std::string_view line) {
    slice_range range{};
    const char* const end = line.data() + line.size();
    const auto [space, no_first] = std::from_chars(line.data(), end, range.first);
    if (no_first != std::errc() || space == end || *space != ' ') return {};
    const auto [rest, no_last] = std::from_chars(space + 1, end, range.last);
    if (no_last != std::errc() || rest != end || range.first >= range.last) return {};
    return range;
}

contents contents_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string() + ": " + std::strerror(errno));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    contents found;
    const std::size_t request = text.find(ranges_follow);
    if (request == std::string::npos) return found;
    found.request = text.substr(0, request);
    found.length = request + ranges_follow.size();
    for (std::size_t end; (end = text.find('\n', found.length)) != std::string::npos;) {
        const auto range = range_in(std::string_view(text).substr(found.length, end - found.length));
        if (!range) break;
        found.ranges.push_back(*range);
        found.length = end + 1;
    }
    return found;
}

// A request whose last line ends as the others do.
std::string lines(std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    return text;
}

void require_same_request(const fs::path& path, const std::string& found, const std::string& expected) {
    std::istringstream theirs(found), ours(expected);
    for (;;) {
        std::string their_line, our_line;
        const bool they_end = !std::getline(theirs, their_line), we_end = !std::getline(ours, our_line);
        if (they_end && we_end) return;
        if (their_line != our_line) {
            throw std::runtime_error(path.string() + ": is of another run: \"" + their_line +
                                     "\", expected \"" + our_line +
                                     "\"; without --resume the run starts afresh");
        }
    }
}

} // namespace

std::vector<bool> finished_slices(const fs::path& part, std::size_t slices, const std::string& request) {
    std::vector<bool> finished(slices);
    if (!fs::exists(part) || fs::file_size(part) == 0) return finished;
    for (const fs::path& path : journals_of(part)) {
        const contents found = contents_of(path);
        if (found.request.empty()) continue;
        require_same_request(path, found.request, lines(request));
        for (const slice_range& range : found.ranges) {
            if (range.last > slices) {
                throw std::runtime_error(path.string() + ": has slices up to " +
                                         std::to_string(range.last) + ", expected up to " +
                                         std::to_string(slices));
            }
            std::fill(finished.begin() + static_cast<std::ptrdiff_t>(range.first),
                      finished.begin() + static_cast<std::ptrdiff_t>(range.last), true);
        }
    }
    return finished;
}

void remove_journals(const fs::path& part) {
    const std::vector<fs::path> all = journals_of(part);
    for (const fs::path& path : all) fs::remove(path);
    if (!all.empty()) common::sync_directory(directory_of(part));
}

journal::journal(const fs::path& part, std::size_t rank, const std::string& request)
    : file_(journal_of(part, rank), O_RDWR | O_CREAT | O_APPEND) {
    const contents found = contents_of(file_.path());
    if (!found.request.empty()) require_same_request(file_.path(), found.request, lines(request));
    file_.truncate(found.length); // of what the disk lost, so that the next line is one
    if (found.request.empty()) append(lines(request) + std::string(ranges_follow));
    common::sync_directory(directory_of(file_.path()));
}

void journal::add(std::size_t first, std::size_t last) {
    append(std::to_string(first) + " " + std::to_string(last) + "\n");
}

void journal::append(const std::string& text) {
    file_.append(text);
    file_.sync();
}

} // namespace tomo
