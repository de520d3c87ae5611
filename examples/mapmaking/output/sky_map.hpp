// SPDX-License-Identifier: BSD-3-Clause
//
// sky_map.hpp: maps of the sphere in HEALPix pixels, from FITS files and into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <destrier/destripe/healpix.hpp>

namespace mapmaking {

using destrier::destripe::ordering;

/// HEALPix's value of a pixel of which nothing is known.
inline constexpr double unseen = -1.6375e30;
/// Files have it rounded to float.
constexpr bool is_seen(double value) { return value > 0.99 * unseen; }

/// Several values a pixel of the same sphere: I, Q, U, hits ...
struct sky_map {
    std::size_t nside = 1; // a power of two, 1 to 8192
    ordering order = ordering::nest;
    std::vector<std::string> columns = {};        // names
    std::vector<std::string> units = {};          // one a column, "" where unknown; or none at all
    std::vector<std::vector<double>> values = {}; // (columns, 12 nside^2); unseen: nothing is known
    std::string coordinates = {}; // G, E, C (equatorial) ...; empty: the file does not say

    std::size_t pixels() const noexcept { return 12 * nside * nside; }
};

/// The first table of the file that is a map, its first `most_columns` columns; of the whole sphere or of a part of
/// it (explicit indexing). In the file's order. U is as the COSMO convention has it: with POLCCONV = IAU its sign
/// is changed.
///
/// Throws  std::runtime_error naming file, HDU, value and what was expected: no HEALPix map, nside none of those
///         above, rows that disagree with it, pixels outside of the sphere or twice in a list, NaN, a file cut short
sky_map read_sky_map(const std::filesystem::path& path, std::size_t most_columns = 99);

enum class number_type { float32, float64 };
/// All pixels, or a list of those of which some column is seen and not zero.
enum class coverage { full, partial };

/// What is to be written beside a map: NAME = value.
using keywords = std::vector<std::pair<std::string, std::variant<std::string, double>>>;

/// A file that healpy.read_map and other HEALPix programs read; in the map's order, COSMO convention.
///
/// Throws  std::invalid_argument if columns, units, values and nside disagree or a value is not finite;
///         std::runtime_error if the file cannot be written
void write_sky_map(const std::filesystem::path& path, const sky_map& map,
                   number_type type = number_type::float64, coverage which = coverage::full,
                   const keywords& notes = {});

/// One column, (12 nside^2), in another order.
std::vector<double> reordered(std::span<const double> values, std::size_t nside, ordering from,
                              ordering to);
sky_map reordered(sky_map map, ordering to);

/// One column of a NESTED map in larger or smaller pixels: the mean of those seen, or copies.
std::vector<double> resized(std::span<const double> nested, std::size_t from, std::size_t to);
sky_map resized(sky_map map, std::size_t nside);

/// 1 where the map's first column, a mask, is more than 0.5 in pixels of that size, else 0.
std::vector<std::uint8_t> kept_pixels(const sky_map& mask, std::size_t nside, ordering order);

} // namespace mapmaking
