// SPDX-License-Identifier: BSD-3-Clause
//
// test_files.hpp: what tests do with files, in a directory that goes when they end.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "reference.hpp"

namespace common {

/// A directory that goes when the test ends.
class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "destrier-XXXXXX").string();
        directory_ = mkdtemp(name.data());
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() { std::filesystem::remove_all(directory_); }

    std::filesystem::path operator/(const std::filesystem::path& name) const {
        return directory_ / name;
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_),
                                                      std::filesystem::directory_iterator()));
    }

private:
    std::filesystem::path directory_;
};

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void put(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Replaces the first of these bytes in a file by as many others.
inline void replace(const std::filesystem::path& path, const std::string& old, const std::string& with) {
    std::string bytes = contents(path);
    const std::size_t where = bytes.find(old);
    REQUIRE(where != std::string::npos);
    REQUIRE(old.size() == with.size());
    put(path, bytes.replace(where, old.size(), with));
}

} // namespace common
