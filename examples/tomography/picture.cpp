// SPDX-License-Identifier: BSD-3-Clause
#include "picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "circle.hpp"
#include "common/png.hpp"

namespace tomo {
namespace {

constexpr std::size_t most_tiles = 3;
constexpr std::size_t widest = 1024;
constexpr std::size_t gap = 4; // black pixels between the tiles

struct gray_scale {
    float black, white;

    std::uint8_t operator()(float value) const {
        const float level = (value - black) / (white - black);
        return level > 0 ? static_cast<std::uint8_t>(std::lround(255 * std::min(level, 1.0f)))
                         : 0; // NaN is black
    }
};

float percentile(std::vector<float>& values, double fraction) {
    const auto rank = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

gray_scale scale_for(std::vector<float> values) {
    if (values.empty()) return {0, 1};
    const float black = percentile(values, 0.005), white = percentile(values, 0.995);
    return {black, white > black ? white : black + 1};
}

// The mean of each step x step square; what does not fill a square at the far edges is left out.
std::vector<float> averaged_down(const float* values, std::size_t size, std::size_t step) {
    const std::size_t shown = size / step;
    std::vector<float> out(shown * shown);
    for (std::size_t y = 0; y < shown * step; ++y) {
        for (std::size_t x = 0; x < shown * step; ++x)
            out[y / step * shown + x / step] += values[y * size + x];
    }
    for (float& value : out) value /= static_cast<float>(step * step);
    return out;
}

} // namespace

picture::picture(std::size_t slices, std::size_t size)
    : size_(size), step_((size + widest - 1) / widest), shown_(size / step_) {
    const std::size_t count = std::min(slices, most_tiles);
    for (std::size_t i = 0; i < count; ++i) tiles_.push_back({(2 * i + 1) * slices / (2 * count), {}});
}

void picture::offer(std::size_t slice, const float* values) {
    for (tile& t : tiles_) {
        if (t.slice == slice) t.values = averaged_down(values, size_, step_);
    }
}

void picture::write(const std::filesystem::path& path) const {
    const circle inside(shown_);
    std::vector<float> visible;
    for (const tile& t : tiles_) {
        for (std::size_t i = 0; i < t.values.size(); ++i) {
            if (inside.contains(i / shown_, i % shown_) && std::isfinite(t.values[i]))
                visible.push_back(t.values[i]);
        }
    }
    const gray_scale scale = scale_for(std::move(visible));
    const std::size_t width = tiles_.size() * (shown_ + gap) - gap;
    std::vector<std::uint8_t> pixels(width * shown_);
    for (std::size_t n = 0; n < tiles_.size(); ++n) {
        for (std::size_t i = 0; i < tiles_[n].values.size(); ++i) {
            const std::size_t y = i / shown_, x = i % shown_;
            if (inside.contains(y, x))
                pixels[y * width + n * (shown_ + gap) + x] = scale(tiles_[n].values[i]);
        }
    }
    common::write_png(path, width, pixels);
}

} // namespace tomo
