// SPDX-License-Identifier: BSD-3-Clause
#include "axis/center.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <set>
#include <stdexcept>

#include <destrier/parallel.hpp>

#include "axis/entropy.hpp"
#include "axis/half_acquisition.hpp"
#include "axis/phase_correlation.hpp"
#include "axis/vo.hpp"
#include "common/output.hpp"
#include "common/progress.hpp"

namespace tomo {
namespace {

using destrier::view;

constexpr std::size_t most_rows = 64;  // of a projection, for the phase correlation
constexpr std::size_t most_slices = 3; // for the double wedge and the overlap
constexpr double degree = std::numbers::pi / 180;

row_range middle_of(row_range rows, std::size_t most) {
    const std::size_t n = std::min(rows.size(), most);
    const std::size_t first = rows.first + (rows.size() - n) / 2;
    return {first, first + n};
}

// Rows at 1/6, 1/2 and 5/6 of them all.
std::vector<std::size_t> chosen_slices(row_range rows) {
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < most_slices; ++i) {
        chosen.insert(rows.first + (2 * i + 1) * rows.size() / (2 * most_slices));
    }
    return {chosen.begin(), chosen.end()};
}

// All methods, and what they read of the scan.
class search {
public:
    search(const line_integral_source& input, row_range rows, int threads)
        : input_(input), rows_(rows), threads_(threads),
          line_("rotation axis", "methods", most_methods) {}

    void by_phase_correlation() {
        const std::vector<opposite_pair> pairs = opposite_pairs(input_.theta());
        if (pairs.empty() || std::abs(pairs.front().missing) > 5 * degree) {
            throw no_axis("no two projections are half a turn apart to 5 degrees");
        }
        const row_range rows = middle_of(rows_, most_rows);
        std::map<std::size_t, row_spectra> spectra;
        std::vector<float> values(rows.size() * input_.columns());
        const view<float, 2> projection(values.data(), {rows.size(), input_.columns()});
        const auto spectra_of = [&](std::size_t angle) -> const row_spectra& {
            const auto known = spectra.find(angle);
            if (known != spectra.end()) return known->second;
            input_.read_projection(angle, rows, projection);
            return spectra.emplace(angle, row_spectra(projection, threads_)).first->second;
        };
        std::vector<double> axes;
        for (const opposite_pair& pair : pairs) {
            axes.push_back(mirror_axis(spectra_of(pair.first), spectra_of(pair.second), rows.size()));
        }
        found.phase_correlation = axis_of_pairs(pairs, axes);
        found.missing_degrees = pairs.front().missing / degree;
        done();
    }

    void by_double_wedge() {
        const const_projections lines = line_integrals();
        const view<const float, 3> sinograms(lines.data(),
                                             {lines.extent(1), lines.extent(0), lines.extent(2)},
                                             {lines.stride(1), lines.stride(0), lines.stride(2)});
        found.vo = vo_axis(sinograms, input_.theta(), threads_);
        done();
    }

    void by_overlap() {
        found.overlap = overlap_axis(line_integrals(), input_.theta(), threads_);
        done();
    }

    // Near this place, or where there is none anywhere in the middle half of the detector.
    void by_entropy(std::optional<double> near) {
        const auto width = static_cast<double>(input_.columns());
        double middle = (width - 1) / 2, reach = width / 4;
        if (near) {
            reach = width / 20;
            middle = std::clamp(*near, width / 8 + reach, width * 7 / 8 - reach);
        }
        const const_projections lines = line_integrals();
        found.entropy =
            entropy_axis(lines.at(1, lines.extent(1) / 2), input_.theta(), middle, reach, threads_);
        done();
    }

    // What it throws where it finds none, or "".
    std::string reason_against(void (search::*method)()) {
        try {
            (this->*method)();
        } catch (const no_axis& e) {
            return e.what();
        }
        return {};
    }

    axis used(const std::optional<double>& center, const char* method) {
        found.center = *center;
        found.method = method;
        return found;
    }

    axis found;

private:
    static constexpr std::size_t most_methods = 3;

    // The chosen slices, read once.
    const_projections line_integrals() {
        const std::vector<std::size_t> chosen = chosen_slices(rows_);
        const std::array extents{input_.angles(), chosen.size(), input_.columns()};
        if (values_.empty()) {
            values_.resize(extents[0] * extents[1] * extents[2]);
            for (std::size_t i = 0; i < chosen.size(); ++i) {
                common::stop_if_interrupted();
                input_.read({chosen[i], chosen[i] + 1},
                            projections(values_.data(), extents).slice(1, i, 1));
            }
        }
        return {values_.data(), extents};
    }

    void done() {
        line_.advance(1);
        common::stop_if_interrupted();
    }

    const line_integral_source& input_;
    row_range rows_;
    int threads_;
    common::progress line_;
    std::vector<float> values_;
};

// Of a half acquisition where this is one, or may be.
bool overlap_decides(search& all, const line_integral_source& input, half_scan half) {
    if (half == half_scan::yes) {
        all.by_overlap();
        return true;
    }
    return half == half_scan::automatic && is_whole_turn(input.theta()) &&
           all.reason_against(&search::by_overlap).empty() &&
           is_half_acquisition(input.theta(), *all.found.overlap, input.columns());
}

std::string disagreement(double phase_correlation) {
    char text[128];
    std::snprintf(text, sizeof text,
                  "the two methods disagree by more than a pixel; compare with --center %.2f",
                  phase_correlation);
    return text;
}

axis find_automatically(search& all, const line_integral_source& input, half_scan half) {
    if (overlap_decides(all, input, half)) return all.used(all.found.overlap, "overlap");
    const std::string against_pc = all.reason_against(&search::by_phase_correlation),
                      against_vo = all.reason_against(&search::by_double_wedge);
    axis& found = all.found;
    if (found.vo) {
        if (found.phase_correlation && std::abs(*found.phase_correlation - *found.vo) > 1) {
            found.warning = disagreement(*found.phase_correlation);
        }
        return all.used(found.vo, "Vo double wedge");
    }
    if (!found.phase_correlation) throw no_axis(against_pc + "; " + against_vo);
    found.warning = "Vo's method finds no axis: " + against_vo;
    return all.used(found.phase_correlation, "phase correlation");
}

// Bytes that the methods take, beyond the slices themselves, for `samples` = angles * columns in each.
namespace bytes {

double phase_correlation(double rows, double columns) {
    constexpr double projections = 20; // of ten pairs
    return std::min(rows + 15, most_rows + 0.0) * columns * (8 * projections + 20);
}
double overlap(double slices, double samples, double columns, int threads) {
    const double products = 1.5 * samples, transforms = 512 * columns * threads;
    return 4 * slices * samples + products + transforms;
}
double double_wedge(double slices, double samples, double angles, double columns, int threads) {
    const double coarse = 26 * columns * std::min(angles, 384.0), fine = 4 * (slices + 1) * samples,
                 transforms = 640 * angles * threads;
    return 4 * slices * samples + std::max(coarse, fine) + transforms;
}
double entropy(double angles, double columns, int threads) {
    const double n = std::min(columns, 1024.0), samples = std::min(angles, 4 * n) * n;
    const double slices = 102 * n * n, grid = 45 * n * n, window = 2500 * n * threads;
    return slices + grid + window + 165 * samples;
}

} // namespace bytes

} // namespace

axis find_axis(const line_integral_source& input, row_range rows, center_method method, half_scan half,
               int threads) {
    search all(input, rows, threads);
    switch (method) {
    case center_method::automatic: return find_automatically(all, input, half);
    case center_method::phase_correlation:
        all.by_phase_correlation();
        return all.used(all.found.phase_correlation, "phase correlation");
    case center_method::vo: all.by_double_wedge(); return all.used(all.found.vo, "Vo double wedge");
    case center_method::entropy:
        if (!all.reason_against(&search::by_double_wedge).empty()) {
            all.reason_against(&search::by_phase_correlation);
        }
        all.by_entropy(all.found.vo ? all.found.vo : all.found.phase_correlation);
        return all.used(all.found.entropy, "entropy");
    default: throw std::invalid_argument("find_axis: this method asks nothing of the scan");
    }
}

std::size_t find_axis_bytes(center_method method, half_scan half, std::size_t angles, std::size_t rows,
                            std::size_t columns, int threads) {
    const auto n = static_cast<double>(columns), p = static_cast<double>(angles);
    const auto slices = static_cast<double>(std::min(rows, most_slices));
    threads = destrier::thread_count(threads);
    const double pc = bytes::phase_correlation(static_cast<double>(rows), n),
                 vo = bytes::double_wedge(slices, p * n, p, n, threads),
                 overlap = half == half_scan::no ? 0 : bytes::overlap(slices, p * n, n, threads);
    double most = std::max(pc, vo);
    if (method == center_method::automatic) most = std::max(most, overlap);
    if (method == center_method::entropy) most = std::max(most, bytes::entropy(p, n, threads));
    return static_cast<std::size_t>(8e6 + 4 * slices * p * n + most);
}

} // namespace tomo
