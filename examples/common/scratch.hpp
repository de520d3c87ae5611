// SPDX-License-Identifier: BSD-3-Clause
//
// scratch.hpp: for tests, a directory that goes when they end.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>

namespace common {

class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "destrier-XXXXXX").string();
        directory_ = mkdtemp(name.data());
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() { std::filesystem::remove_all(directory_); }

    std::filesystem::path operator/(const std::filesystem::path& name) const { return directory_ / name; }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_),
                                                      std::filesystem::directory_iterator()));
    }

private:
    std::filesystem::path directory_;
};

} // namespace common
