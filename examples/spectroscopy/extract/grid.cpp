// SPDX-License-Identifier: BSD-3-Clause
#include "extract/grid.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace spectra {
namespace {

constexpr double most_bins = 100'000;

template <class T>
bool parse(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':')) {
        parts.push_back(text.substr(0, colon));
        text.remove_prefix(colon + 1);
    }
    parts.push_back(text);
    return parts;
}

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

std::string text_of(const wavelength_grid& g) {
    return text_of(g.first) + ":" + text_of(g.last) + ":" + text_of(g.step);
}

// At each of these wavelengths, how many of the fibres have their middles on the CCD.
std::vector<std::size_t> fibers_on_ccd(const psf& p, fiber_range fibers,
                                       std::span<const double> wavelengths) {
    const std::size_t n = wavelengths.size();
    std::vector<double> x(fibers.count() * n), y(fibers.count() * n);
    const auto evaluate = [&](const fiber_series& series, std::vector<double>& values) {
        series.evaluate(fibers.first, wavelengths, {values.data(), {fibers.count(), n}});
    };
    evaluate(p.x, x);
    evaluate(p.y, y);
    const auto within = [](double position, std::size_t pixels) {
        return pixels == 0 || (position >= -0.5 && position < static_cast<double>(pixels) - 0.5);
    };
    std::vector<std::size_t> count(n);
    for (std::size_t i = 0; i < x.size(); ++i) count[i % n] += within(x[i], p.nx) && within(y[i], p.ny);
    return count;
}

// Whole Angstroms that the series of the PSF cover.
std::vector<double> whole_angstroms(const psf& p) {
    std::vector<double> w;
    for (double a = std::ceil(p.y.wavelengths.a); a <= p.y.wavelengths.b; ++a) w.push_back(a);
    return w;
}

wavelength_grid all_wavelengths(const psf& p, fiber_range fibers) {
    const std::vector<double> candidates = whole_angstroms(p);
    const std::vector<std::size_t> on_ccd = fibers_on_ccd(p, fibers, candidates);
    double first = 0, last = -1;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (on_ccd[i] < fibers.count()) continue;
        if (last < 0) first = candidates[i];
        last = candidates[i];
    }
    if (last < 0)
        throw std::runtime_error("at no wavelength are all fibres on the CCD; expected --wavelength");
    return {first, last, 0.8};
}

void require_on_ccd(const psf& p, fiber_range fibers, const wavelength_grid& grid) {
    const double low = p.y.wavelengths.a, high = p.y.wavelengths.b, margin = (high - low) / 20;
    if (grid.first < low - margin || grid.last > high + margin) {
        throw std::runtime_error("--wavelength " + text_of(grid) +
                                 " is far outside of the PSF's range: expected " + text_of(low) +
                                 " to " + text_of(high) + " Angstrom");
    }
    const std::vector<std::size_t> on_ccd = fibers_on_ccd(p, fibers, grid.values());
    if (std::all_of(on_ccd.begin(), on_ccd.end(), [](std::size_t n) { return n == 0; }))
        throw std::runtime_error("--wavelength " + text_of(grid) + ": none of it falls on the CCD");
}

} // namespace

std::size_t wavelength_grid::size() const {
    return static_cast<std::size_t>((last - first) / step + 1e-6) + 1;
}

std::vector<double> wavelength_grid::values() const {
    std::vector<double> w(size());
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = first + static_cast<double>(i) * step;
    return w;
}

std::string read_grid(const std::string& text, std::optional<wavelength_grid>& grid) {
    const std::vector<std::string_view> parts = parts_of(text);
    wavelength_grid g{};
    if (parts.size() != 3 || !parse(parts[0], g.first) || !parse(parts[1], g.last) ||
        !parse(parts[2], g.step) || !std::isfinite(g.first) || !std::isfinite(g.last) ||
        !std::isfinite(g.step)) {
        return "is " + text + ", expected first:last:step in Angstrom, such as 5760:7620:0.8";
    }
    if (g.step <= 0) return "is " + text + ", expected a step above 0";
    if (g.first <= 0 || g.last <= g.first) return "is " + text + ", expected 0 < first < last";
    if (g.size() < 2) return "is " + text + ", expected at least one step from first to last";
    if ((g.last - g.first) / g.step > most_bins)
        return "is " + text + ", expected at most " + text_of(most_bins) + " steps";
    grid = g;
    return {};
}

std::string read_fibers(const std::string& text, std::optional<fiber_range>& fibers) {
    const std::vector<std::string_view> parts = parts_of(text);
    fiber_range range{};
    if (parts.size() != 2 || !parse(parts[0], range.first) || !parse(parts[1], range.last))
        return "is " + text + ", expected first:last, the last left out, such as 0:25";
    if (range.last <= range.first) return "is " + text + ", expected first < last";
    fibers = range;
    return {};
}

fiber_range fibers_of(const psf& p, const std::optional<fiber_range>& asked) {
    const fiber_range range = asked.value_or(fiber_range{0, p.fibers});
    if (range.last > p.fibers) {
        throw std::runtime_error("--fibers " + std::to_string(range.first) + ":" +
                                 std::to_string(range.last) + " does not fit: the PSF has " +
                                 std::to_string(p.fibers) + " fibres");
    }
    return range;
}

wavelength_grid wavelengths_of(const psf& p, fiber_range fibers,
                               const std::optional<wavelength_grid>& asked) {
    const wavelength_grid grid = asked ? *asked : all_wavelengths(p, fibers);
    require_on_ccd(p, fibers, grid);
    return grid;
}

} // namespace spectra
