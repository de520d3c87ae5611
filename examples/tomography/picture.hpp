// SPDX-License-Identifier: BSD-3-Clause
//
// picture.hpp: a few slices side by side, in gray, to look at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace tomo {

class picture {
public:
    /// Will show up to three of the slices, spread evenly over the volume.
    picture(std::size_t slices, std::size_t size);

    /// Offers slice number `slice`, (size, size); it is kept if it is one of those to show.
    void offer(std::size_t slice, const float* values);

    /// One gray scale for all: the 0.5th to the 99.5th percentile of what lies in the circles. Slices
    /// wider than 1024 pixels are averaged down.
    void write(const std::filesystem::path& path) const;

private:
    struct tile {
        std::size_t slice;
        std::vector<float> values; // (shown_, shown_)
    };

    std::size_t size_, step_, shown_;
    std::vector<tile> tiles_;
};

} // namespace tomo
