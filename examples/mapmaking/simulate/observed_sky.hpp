// SPDX-License-Identifier: BSD-3-Clause
//
// observed_sky.hpp: the sky that a simulation looks at.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <destrier/destripe/pointing.hpp>

namespace mapmaking {

/// I, Q and U in K, constant within a pixel.
class observed_sky {
public:
    /// A map of I or of I, Q, U, in its own order.
    ///
    /// Throws  std::runtime_error naming the file and what was expected where there are other numbers of columns, or a
    ///         unit that is not known; unit: K, mK or uK, or empty for what the map says
    static observed_sky read(const std::filesystem::path& path, const std::string& unit);
    /// A band of dust and some large patches, of the size of what WMAP saw.
    static observed_sky built_in(std::size_t nside);

    const destrier::destripe::sphere& grid() const noexcept { return grid_; }
    /// signal += I + Q c + U s, c and s rounded as destrier's operators do.
    ///
    /// Throws  std::runtime_error naming a pixel of which nothing is known
    void look(std::span<const std::int32_t> pixels, std::span<const float> cosine,
              std::span<const float> sine, std::span<double> signal) const;
    void write(const std::filesystem::path& path) const;

private:
    observed_sky(std::string name, const destrier::destripe::sphere& grid)
        : name_(std::move(name)), grid_(grid), values_(grid.pixels()) {}

    std::string name_; // for messages
    destrier::destripe::sphere grid_;
    std::vector<std::array<double, 3>> values_;
};

} // namespace mapmaking
