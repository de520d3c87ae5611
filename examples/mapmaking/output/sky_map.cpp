// SPDX-License-Identifier: BSD-3-Clause
#include "output/sky_map.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <healpix_cxx/healpix_base.h>

#include "common/fits.hpp"

namespace mapmaking {
namespace {

namespace fs = std::filesystem;
namespace fits = common::fits;

constexpr std::size_t largest_nside = 8192;
constexpr std::size_t row_length =
    1024; // values of a column that HEALPix puts into a row of a large map

bool is_nside(std::size_t nside) { return std::has_single_bit(nside) && nside <= largest_nside; }

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string keyword(const fits::hdu& table, const std::string& key) {
    return upper(table.text(key).value_or(""));
}

// ---- reading

bool is_map(const fits::hdu& table) {
    return table.is_table() && (keyword(table, "PIXTYPE") == "HEALPIX" || table.text("NSIDE"));
}

fits::hdu first_map(const fits::input_file& file) {
    for (std::size_t i = 0; i < file.size(); ++i) {
        if (is_map(file[i])) return file[i];
    }
    throw std::runtime_error(file.path().string() +
                             ": holds no HEALPix map, expected a table with PIXTYPE = HEALPIX or NSIDE");
}

std::size_t nside_of(const fits::hdu& table) {
    const std::size_t nside = table.whole_number("NSIDE", 1, largest_nside);
    if (!is_nside(nside))
        throw std::runtime_error(table.name() + ": NSIDE is " + std::to_string(nside) +
                                 ", expected a power of two");
    return nside;
}

ordering order_of(const fits::hdu& table) {
    const std::string order = keyword(table, "ORDERING");
    if (order == "RING") return ordering::ring;
    if (order == "NESTED" || order == "NEST") return ordering::nest;
    throw std::runtime_error(table.name() + ": ORDERING is " + (order.empty() ? "missing" : order) +
                             ", expected RING or NESTED");
}

bool lists_pixels(const fits::hdu& table) {
    const std::string scheme = keyword(table, "INDXSCHM");
    return scheme == "EXPLICIT" || (scheme.empty() && keyword(table, "OBJECT") == "PARTIAL");
}

// The sphere's numbers of the rows.
std::vector<std::size_t> pixel_list(const fits::hdu& table, const std::string& column,
                                    std::size_t pixels) {
    std::vector<std::size_t> list;
    std::vector<bool> listed(pixels);
    for (const double value : table.numbers(column)) {
        if (!(value >= 0 && value < static_cast<double>(pixels)) || value != std::floor(value)) {
            throw std::runtime_error(table.name() + ": column " + column + ", row " +
                                     std::to_string(list.size()) + " is " + std::to_string(value) +
                                     ", expected a pixel, 0 to " + std::to_string(pixels - 1));
        }
        const auto pixel = static_cast<std::size_t>(value);
        if (listed[pixel]) {
            throw std::runtime_error(table.name() + ": column " + column + " has pixel " +
                                     std::to_string(pixel) + " twice, expected each once");
        }
        listed[pixel] = true;
        list.push_back(pixel);
    }
    return list;
}

void require_size(const fits::hdu& table, const std::string& column, std::size_t size,
                  std::size_t expected, const std::string& why) {
    if (size != expected) {
        throw std::runtime_error(table.name() + ": column " + column + " has " + std::to_string(size) +
                                 " values, expected " + std::to_string(expected) + ", " + why);
    }
}

// NaN is no HEALPix value: it may be a pixel that was not seen, or one that was spoilt.
void make_unseen_exact(const fits::hdu& table, const std::string& column, std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) {
            throw std::runtime_error(table.name() + ": column " + column + ", value " +
                                     std::to_string(i) + " is " + std::to_string(values[i]) +
                                     ", expected a number, or -1.6375e30 where nothing is known");
        }
        if (!is_seen(values[i])) values[i] = unseen;
    }
}

std::vector<double> spread(const std::vector<std::size_t>& pixels, const std::vector<double>& values,
                           std::size_t size) {
    std::vector<double> sphere(size, unseen);
    for (std::size_t i = 0; i < pixels.size(); ++i) sphere[pixels[i]] = values[i];
    return sphere;
}

// U or U_STOKES, U-POLARISATION ..., but not UNITS.
bool is_stokes_u(const std::string& column) {
    return upper(column.substr(0, 1)) == "U" &&
           (column.size() == 1 || !std::isalnum(static_cast<unsigned char>(column[1])));
}

void change_sign(std::vector<double>& values) {
    for (double& value : values) value = is_seen(value) ? -value : value;
}

// ---- writing

void require_consistent(const sky_map& map) {
    const auto refuse = [](const std::string& what) {
        throw std::invalid_argument("write_sky_map: " + what);
    };
    if (!is_nside(map.nside))
        refuse("nside is " + std::to_string(map.nside) + ", expected a power of two, 1 to 8192");
    if (map.values.empty()) refuse("there are no columns, expected one at least");
    if (map.columns.size() != map.values.size() ||
        (!map.units.empty() && map.units.size() != map.values.size())) {
        refuse(std::to_string(map.values.size()) + " columns have " +
               std::to_string(map.columns.size()) + " names and " + std::to_string(map.units.size()) +
               " units");
    }
    for (std::size_t c = 0; c < map.values.size(); ++c) {
        const std::vector<double>& values = map.values[c];
        if (values.size() != map.pixels())
            refuse("column " + map.columns[c] + " has " + std::to_string(values.size()) +
                   " values, expected " + std::to_string(map.pixels()) + " for nside " +
                   std::to_string(map.nside));
        const auto bad = std::find_if(values.begin(), values.end(),
                                      [](double value) { return !std::isfinite(value); });
        if (bad != values.end())
            refuse("column " + map.columns[c] + ", pixel " + std::to_string(bad - values.begin()) +
                   " is " + std::to_string(*bad) + ", expected a number");
    }
}

std::vector<std::size_t> known_pixels(const sky_map& map) {
    std::vector<std::size_t> known;
    for (std::size_t i = 0; i < map.pixels(); ++i) {
        const auto tells = [i](const std::vector<double>& column) {
            return is_seen(column[i]) && column[i] != 0;
        };
        if (std::any_of(map.values.begin(), map.values.end(), tells)) known.push_back(i);
    }
    return known;
}

template <class T>
std::vector<double> chosen(const std::vector<std::size_t>& pixels, const T& value_of) {
    std::vector<double> values;
    for (const std::size_t pixel : pixels) values.push_back(value_of(pixel));
    return values;
}

void write_header(fits::output_file& file, const sky_map& map, coverage which, const keywords& notes) {
    const bool partial = which == coverage::partial;
    file.write_key("PIXTYPE", "HEALPIX", "HEALPix pixels");
    file.write_key("ORDERING", map.order == ordering::ring ? "RING" : "NESTED", "of the pixels");
    file.write_key("NSIDE", map.nside, "the sphere has 12 NSIDE^2 pixels");
    file.write_key("INDXSCHM", partial ? "EXPLICIT" : "IMPLICIT",
                   partial ? "the first column has the pixels' numbers" : "all pixels in order");
    file.write_key("OBJECT", partial ? "PARTIAL" : "FULLSKY", "what is covered");
    if (!partial) {
        file.write_key("FIRSTPIX", 0, "counted from 0");
        file.write_key("LASTPIX", map.pixels() - 1, "counted from 0");
    }
    file.write_key("BAD_DATA", unseen, "where nothing is known");
    if (!map.coordinates.empty())
        file.write_key("COORDSYS", map.coordinates, "G galactic, E ecliptic, C equatorial");
    if (std::any_of(map.columns.begin(), map.columns.end(), is_stokes_u))
        file.write_key("POLCCONV", "COSMO", "sign of U");
    for (const auto& [key, value] : notes)
        std::visit([&, &name = key](const auto& v) { file.write_key(name, v); }, value);
}

std::string unit_of(const sky_map& map, std::size_t column) {
    return map.units.empty() ? "" : map.units[column];
}

void write_full(fits::output_file& file, const sky_map& map, const std::string& type,
                const keywords& notes) {
    const std::size_t in_row = map.pixels() % row_length == 0 ? row_length : 1;
    std::vector<fits::column> columns;
    for (std::size_t c = 0; c < map.columns.size(); ++c)
        columns.push_back({map.columns[c], std::to_string(in_row) + type, {}, unit_of(map, c)});
    file.write_table("MAP", map.pixels() / in_row, columns);
    write_header(file, map, coverage::full, notes);
    for (std::size_t c = 0; c < map.columns.size(); ++c)
        file.write_column(map.columns[c], std::span(map.values[c]));
}

void write_partial(fits::output_file& file, const sky_map& map, const std::string& type,
                   const keywords& notes) {
    const std::vector<std::size_t> pixels = known_pixels(map);
    std::vector<fits::column> columns{{"PIXEL", "J"}};
    for (std::size_t c = 0; c < map.columns.size(); ++c)
        columns.push_back({map.columns[c], type, {}, unit_of(map, c)});
    file.write_table("MAP", pixels.size(), columns);
    write_header(file, map, coverage::partial, notes);
    file.write_column("PIXEL", chosen(pixels, [](std::size_t i) { return static_cast<double>(i); }));
    for (std::size_t c = 0; c < map.columns.size(); ++c)
        file.write_column(map.columns[c],
                          chosen(pixels, [&](std::size_t i) { return map.values[c][i]; }));
}

double mean_of_seen(std::span<const double> values) {
    double sum = 0;
    std::size_t count = 0;
    for (const double value : values) {
        if (!is_seen(value)) continue;
        sum += value;
        ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : unseen;
}

} // namespace

sky_map read_sky_map(const fs::path& path, std::size_t most_columns) {
    const fits::input_file file(path);
    const fits::hdu table = first_map(file);
    sky_map map{.nside = nside_of(table), .order = order_of(table), .columns = table.columns()};
    map.coordinates = table.text("COORDSYS").value_or("");
    const bool listed = lists_pixels(table);
    std::vector<std::size_t> pixels;
    if (listed && !map.columns.empty()) {
        pixels = pixel_list(table, map.columns.front(), map.pixels());
        map.columns.erase(map.columns.begin());
    }
    if (map.columns.empty()) throw std::runtime_error(table.name() + ": has no columns of values");
    map.columns.resize(std::min(map.columns.size(), most_columns));
    const bool iau = keyword(table, "POLCCONV") == "IAU";
    for (const std::string& column : map.columns) {
        std::vector<double> values = table.numbers(column);
        make_unseen_exact(table, column, values);
        if (listed) {
            require_size(table, column, values.size(), pixels.size(), "one a pixel of the list");
            values = spread(pixels, values, map.pixels());
        }
        require_size(table, column, values.size(), map.pixels(),
                     "12 NSIDE^2 with NSIDE " + std::to_string(map.nside));
        if (iau && is_stokes_u(column)) change_sign(values);
        map.values.push_back(std::move(values));
        map.units.push_back(table.unit(column));
    }
    return map;
}

void write_sky_map(const fs::path& path, const sky_map& map, number_type type, coverage which,
                   const keywords& notes) {
    require_consistent(map);
    const std::string letter = type == number_type::float32 ? "E" : "D";
    fits::output_file file(path);
    if (which == coverage::full) {
        write_full(file, map, letter, notes);
    } else {
        write_partial(file, map, letter, notes);
    }
    file.close();
}

std::vector<double> reordered(std::span<const double> values, std::size_t nside, ordering from,
                              ordering to) {
    std::vector<double> out(values.begin(), values.end());
    if (from == to) return out;
    const Healpix_Base sphere(static_cast<int>(nside), from == ordering::ring ? RING : NEST, SET_NSIDE);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const int pixel = static_cast<int>(i);
        out[static_cast<std::size_t>(from == ordering::ring ? sphere.ring2nest(pixel)
                                                            : sphere.nest2ring(pixel))] = values[i];
    }
    return out;
}

sky_map reordered(sky_map map, ordering to) {
    for (std::vector<double>& column : map.values) column = reordered(column, map.nside, map.order, to);
    map.order = to;
    return map;
}

std::vector<double> resized(std::span<const double> nested, std::size_t from, std::size_t to) {
    std::vector<double> out(12 * to * to);
    if (to < from) {
        const std::size_t merged = from / to * (from / to);
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = mean_of_seen(nested.subspan(i * merged, merged));
    } else {
        const std::size_t copies = to / from * (to / from);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = nested[i / copies];
    }
    return out;
}

sky_map resized(sky_map map, std::size_t nside) {
    if (nside == map.nside) return map;
    for (std::vector<double>& column : map.values) {
        const std::vector<double> nested = reordered(column, map.nside, map.order, ordering::nest);
        column = reordered(resized(nested, map.nside, nside), nside, ordering::nest, map.order);
    }
    map.nside = nside;
    return map;
}

std::vector<std::uint8_t> kept_pixels(const sky_map& mask, std::size_t nside, ordering order) {
    const std::vector<double> nested = resized(
        reordered(mask.values.front(), mask.nside, mask.order, ordering::nest), mask.nside, nside);
    const std::vector<double> values = reordered(nested, nside, ordering::nest, order);
    std::vector<std::uint8_t> kept(values.size());
    std::transform(values.begin(), values.end(), kept.begin(),
                   [](double value) { return static_cast<std::uint8_t>(value > 0.5); });
    return kept;
}

} // namespace mapmaking
