// SPDX-License-Identifier: BSD-3-Clause
#include "exposure/curves.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "common/fits.hpp"

namespace spectra {
namespace {

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

curve constant(const std::string& what, double value) { return {what, {1000, 20000}, {value, value}}; }

// The first table that has these columns.
common::fits::hdu table_with(const common::fits::input_file& file,
                             const std::vector<std::string>& columns) {
    for (std::size_t i = 0; i < file.size(); ++i) {
        common::fits::hdu here = file[i];
        const bool fits =
            here.is_table() && std::all_of(columns.begin(), columns.end(),
                                           [&](const auto& column) { return here.has_column(column); });
        if (fits) return here;
    }
    std::string names = columns.front();
    for (std::size_t i = 1; i < columns.size(); ++i) names += " and " + columns[i];
    throw std::runtime_error(file.path().string() + ": has no table with columns " + names);
}

curve read_curve(const common::fits::hdu& table, const std::string& column) {
    return {table.name() + " " + column, table.numbers("wavelength"), table.numbers(column)};
}

double positive_number(const common::fits::hdu& table, const std::string& key) {
    const double value = table.required_number(key);
    if (!(value > 0))
        throw std::runtime_error(table.name() + ": " + key + " is " + text_of(value) +
                                 ", expected more than 0");
    return value;
}

} // namespace

curve::curve(std::string what, std::vector<double> wavelength, std::vector<double> value)
    : what_(std::move(what)), wavelength_(std::move(wavelength)), value_(std::move(value)) {
    if (wavelength_.size() < 2) {
        throw std::runtime_error(what_ + ": has " + std::to_string(wavelength_.size()) +
                                 " points, expected 2 or more");
    }
    for (std::size_t i = 0; i < wavelength_.size(); ++i) {
        const std::string here = what_ + ": point " + std::to_string(i);
        if (!std::isfinite(wavelength_[i]) || !std::isfinite(value_[i])) {
            throw std::runtime_error(here + " is (" + text_of(wavelength_[i]) + ", " +
                                     text_of(value_[i]) + "), expected finite numbers");
        }
        if (i > 0 && wavelength_[i] <= wavelength_[i - 1]) {
            throw std::runtime_error(here + " has wavelength " + text_of(wavelength_[i]) + " after " +
                                     text_of(wavelength_[i - 1]) + ", expected increasing ones");
        }
    }
}

// The last of the points that starts a segment and is not above.
std::size_t curve::left_of(double wavelength) const {
    const auto after = std::upper_bound(wavelength_.begin() + 1, wavelength_.end() - 1, wavelength);
    return static_cast<std::size_t>(after - wavelength_.begin()) - 1;
}

double curve::at(double wavelength) const {
    const double w = std::clamp(wavelength, first(), last());
    const std::size_t i = left_of(w);
    const double part = (w - wavelength_[i]) / (wavelength_[i + 1] - wavelength_[i]);
    return value_[i] + part * (value_[i + 1] - value_[i]);
}

// From the low end of segment i to wavelength, which lies in it.
double curve::integral(std::size_t i, double wavelength) const {
    return (wavelength - wavelength_[i]) * (value_[i] + at(wavelength)) / 2;
}

double curve::mean(double low, double high) const {
    const std::size_t begin = left_of(low), end = left_of(high);
    double sum = integral(end, high) - integral(begin, low);
    for (std::size_t i = begin; i < end; ++i) sum += integral(i, wavelength_[i + 1]);
    return sum / (high - low);
}

void curve::require(double low, double high) const {
    if (low >= first() && high <= last()) return;
    throw std::runtime_error(what_ + ": covers " + text_of(first()) + " to " + text_of(last()) +
                             " Angstrom, expected " + text_of(low) + " to " + text_of(high));
}

curve read_sky(const std::filesystem::path& path) {
    const common::fits::input_file file(path);
    return read_curve(table_with(file, {"wavelength", "flux"}), "flux");
}

throughput read_throughput(const std::filesystem::path& path) {
    const common::fits::input_file file(path);
    const common::fits::hdu table = table_with(file, {"wavelength", "throughput"});
    const auto column_or = [&](const std::string& column, double otherwise) {
        return table.has_column(column) ? read_curve(table, column) : constant(column, otherwise);
    };
    return {read_curve(table, "throughput"), column_or("extinction", 0), column_or("fiberinput", 1),
            positive_number(table, "GEOMAREA"), positive_number(table, "FIBERDIA")};
}

curve built_in_sky() {
    struct line {
        double wavelength, flux; // 1e-17 erg/s/cm^2/arcsec^2
    };
    // The brightest lines of the night: mercury of cities, oxygen, sodium, and OH.
    constexpr std::array<line, 36> lines = {
        {{4046.56, 3},  {4358.34, 6},  {5460.74, 8},  {5577.34, 180}, {5889.95, 25}, {5895.92, 15},
         {6300.30, 90}, {6363.78, 30}, {6498.73, 6},  {6533.04, 8},   {6553.62, 7},  {6577.28, 4},
         {6863.96, 18}, {6923.22, 16}, {6949.05, 6},  {7276.41, 20},  {7316.28, 35}, {7340.89, 30},
         {7369.25, 12}, {7524.12, 7},  {7571.75, 10}, {7750.64, 40},  {7794.11, 35}, {7821.50, 30},
         {7913.71, 45}, {7964.65, 50}, {7993.33, 40}, {8344.60, 60},  {8399.17, 75}, {8430.17, 60},
         {8465.36, 30}, {8827.10, 70}, {8885.85, 90}, {8919.64, 80},  {9337.85, 80}, {9439.66, 70}}};
    constexpr double first = 3000, step = 0.1, sigma = 0.2; // Angstrom
    constexpr std::size_t points = 80001, reach = 15;
    std::vector<double> wavelength(points), brightness(points);
    for (std::size_t i = 0; i < points; ++i) {
        wavelength[i] = first + step * static_cast<double>(i);
        brightness[i] = 0.9 + 0.3 * wavelength[i] / 6000;
    }
    for (const line& l : lines) {
        const auto middle = static_cast<std::size_t>((l.wavelength - first) / step);
        for (std::size_t i = middle - reach; i <= middle + reach; ++i) {
            const double z = (wavelength[i] - l.wavelength) / sigma;
            brightness[i] += l.flux / (sigma * std::sqrt(2 * std::numbers::pi)) * std::exp(-z * z / 2);
        }
    }
    return {"the built-in sky", std::move(wavelength), std::move(brightness)};
}

throughput built_in_throughput() {
    // DESI's mirror and fibres, and no dichroic.
    return {{"the built-in throughput",
             {3000, 4000, 6000, 8000, 9500, 11000},
             {0.02, 0.25, 0.38, 0.40, 0.35, 0.02}},
            {"the built-in extinction", {3000, 4000, 6000, 11000}, {1.1, 0.35, 0.12, 0.04}},
            constant("the built-in fibre input", 0.5),
            86787,
            1.52};
}

} // namespace spectra
