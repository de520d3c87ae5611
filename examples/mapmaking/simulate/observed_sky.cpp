// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/observed_sky.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <healpix_cxx/healpix_base.h>

#include <destrier/destripe/chunk.hpp>

#include "output/sky_map.hpp"

namespace mapmaking {
namespace {

// As FITS files have it: "mK", "mK,thermodynamic", "K_CMB", "uK_CMB" ...
double in_kelvin(const std::string& unit) {
    const std::string name = unit.substr(0, unit.find_first_of("_, ("));
    if (name == "K" || name == "Kelvin") return 1;
    if (name == "mK") return 1e-3;
    if (name == "uK" || name == "muK") return 1e-6;
    return 0;
}

double unit_of(const sky_map& map, const std::string& given, const std::string& path) {
    const std::string said = map.units.empty() ? "" : map.units.front();
    const double unit = in_kelvin(given.empty() ? said : given);
    if (unit > 0) return unit;
    if (!given.empty())
        throw std::runtime_error("the sky's unit is " + given + ", expected K, mK or uK");
    const std::string what = said.empty() ? "says no unit" : "is in " + said;
    throw std::runtime_error(path + ": " + what + ", expected K, mK or uK; --sky-unit says which it is");
}

} // namespace

observed_sky observed_sky::read(const std::filesystem::path& path, const std::string& unit) {
    const sky_map map = read_sky_map(path, 3);
    if (map.columns.size() == 2)
        throw std::runtime_error(path.string() + ": has 2 columns, expected I, or I, Q and U");
    const double scale = unit_of(map, unit, path.string());
    observed_sky sky(path.string(), {map.nside, map.order});
    for (std::size_t s = 0; s < map.columns.size(); ++s) {
        for (std::size_t p = 0; p < sky.values_.size(); ++p) {
            const double value = map.values[s][p];
            sky.values_[p][s] = is_seen(value) ? scale * value : unseen;
        }
    }
    return sky;
}

observed_sky observed_sky::built_in(std::size_t nside) {
    observed_sky sky("the built-in sky", {nside});
    const auto order = static_cast<int>(std::log2(nside));
    const Healpix_Base grid(order, NEST);
    for (std::size_t p = 0; p < sky.values_.size(); ++p) {
        const vec3 at = grid.pix2vec(static_cast<int>(p));
        const double height = 0.87 * at.z - 0.48 * at.x + 0.12 * at.y; // above a tilted plane
        const double dust = 2e-3 / (1 + 200 * height * height) * (1.3 + at.x + at.y * at.z);
        const double patches = std::sin(7 * at.x + 3 * at.z) * std::cos(9 * at.y - 4 * at.z) +
                               std::sin(23 * at.x * at.y) * std::cos(19 * at.z);
        const double angle = 3 * at.x + 5 * at.y * at.z; // of the dust's polarisation
        sky.values_[p] = {dust + 1e-4 * patches, 0.05 * dust * std::cos(2 * angle) + 5e-6 * patches,
                          0.05 * dust * std::sin(2 * angle)};
    }
    return sky;
}

void observed_sky::look(std::span<const std::int32_t> pixels, std::span<const float> cosine,
                        std::span<const float> sine, std::span<double> signal) const {
    using destrier::destripe::rounded_weight;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const auto& [intensity, q, u] = values_[static_cast<std::size_t>(pixels[i])];
        if (!is_seen(intensity) || !is_seen(q) || !is_seen(u)) {
            throw std::runtime_error(name_ + ": nothing is known of pixel " + std::to_string(pixels[i]) +
                                     ", which is looked at");
        }
        signal[i] += intensity + q * rounded_weight(cosine[i]) + u * rounded_weight(sine[i]);
    }
}

void observed_sky::write(const std::filesystem::path& path) const {
    sky_map map{grid_.nside, grid_.order, {"I", "Q", "U"}, {"K", "K", "K"}, {}};
    for (std::size_t s = 0; s < 3; ++s) {
        map.values.emplace_back();
        for (const auto& value : values_) map.values.back().push_back(value[s]);
    }
    write_sky_map(path, map);
}

} // namespace mapmaking
