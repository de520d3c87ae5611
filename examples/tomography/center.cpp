// SPDX-License-Identifier: BSD-3-Clause
#include "center.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "common/output.hpp"
#include "common/progress.hpp"
#include "phase_correlation.hpp"
#include "vo.hpp"

namespace tomo {
namespace {

using destrier::view;

constexpr std::size_t most_rows = 64;  // of a projection, for the phase correlation
constexpr std::size_t most_slices = 3; // for the double wedge
constexpr double degree = std::numbers::pi / 180;

flat_field flat_field_of(const scan& input, row_range rows, average how) {
    return make_flat_field(input.read_white(rows), input.read_dark(rows), how);
}

row_range middle_of(row_range rows, std::size_t most) {
    const std::size_t n = std::min(rows.size(), most);
    const std::size_t first = rows.first + (rows.size() - n) / 2;
    return {first, first + n};
}

void find_by_phase_correlation(const scan& input, row_range rows, average how, int threads,
                               axis& found) {
    const std::vector<opposite_pair> pairs = opposite_pairs(input.theta());
    if (pairs.empty() || std::abs(pairs.front().missing) > 5 * degree) {
        throw no_axis("no two projections are half a turn apart to 5 degrees");
    }
    rows = middle_of(rows, most_rows);
    const flat_field flat = flat_field_of(input, rows, how);
    std::map<std::size_t, row_spectra> spectra;
    std::vector<float> projection(rows.size() * input.columns());
    const auto spectra_of = [&](std::size_t angle) -> const row_spectra& {
        const auto known = spectra.find(angle);
        if (known != spectra.end()) return known->second;
        input.read_projection(angle, rows, projection.data());
        normalise(projection.data(), 1, flat, threads);
        const view<const float, 2> lines(projection.data(), {rows.size(), input.columns()});
        return spectra.emplace(angle, row_spectra(lines, threads)).first->second;
    };
    std::vector<double> axes;
    for (const opposite_pair& pair : pairs) {
        axes.push_back(mirror_axis(spectra_of(pair.first), spectra_of(pair.second), rows.size()));
    }
    found.phase_correlation = axis_of_pairs(pairs, axes);
    found.missing_degrees = pairs.front().missing / degree;
}

void find_by_double_wedge(const scan& input, row_range rows, average how, int threads, axis& found) {
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < most_slices; ++i) {
        chosen.insert(rows.first + (2 * i + 1) * rows.size() / (2 * most_slices));
    }
    const std::size_t one = input.angles() * input.columns();
    std::vector<float> sinograms(chosen.size() * one);
    float* next = sinograms.data();
    for (const std::size_t row : chosen) {
        const row_range only{row, row + 1};
        input.read_projections(only, next);
        normalise(next, input.angles(), flat_field_of(input, only, how), threads);
        next += one;
    }
    found.vo =
        vo_axis(view<const float, 3>(sinograms.data(), {chosen.size(), input.angles(), input.columns()}),
                input.theta(), threads);
}

} // namespace

axis find_axis(const scan& input, row_range rows, average how, int threads) {
    axis found;
    common::progress line("rotation axis", "methods", 2);
    find_by_phase_correlation(input, rows, how, threads, found);
    line.advance(1);
    common::stop_if_interrupted();
    find_by_double_wedge(input, rows, how, threads, found);
    return found;
}

} // namespace tomo
