// SPDX-License-Identifier: BSD-3-Clause
#include "axis/half_acquisition.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdio>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

#include "fft_kernels.hpp"

namespace tomo {
namespace {

using destrier::buffer;
using destrier::complex_blocks;
using destrier::real_blocks;
using destrier::view;

constexpr double pi = std::numbers::pi;
constexpr double widest_gap = 5 * pi / 180;
constexpr std::size_t lanes = destrier::line<float>;

// Slopes are taken over so many pixels on either side: more blurs, fewer let the noise in.
constexpr std::size_t reach = 4;
// Pixels of the least overlap that is looked at.
constexpr std::size_t least_overlap = 16;
// Correlation of opposite projections below which the best place is no axis.
constexpr double least_match = 0.2;

double in_turn(double angle) { return angle - 2 * pi * std::floor(angle / (2 * pi)); }

// Half a turn on from a projection: between two others.
struct opposite {
    std::size_t projection, before, after;
    float along; // 0 at before, 1 at after
};

// Of all projections that have neighbours, 5 degrees apart at most, half a turn on.
std::vector<opposite> opposites_of(std::span<const double> theta) {
    std::vector<std::size_t> order(theta.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<double> angle;
    for (const double t : theta) angle.push_back(in_turn(t));
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return angle[a] < angle[b]; });
    std::vector<opposite> found;
    for (std::size_t i = 0; i < theta.size(); ++i) {
        const double wanted = in_turn(angle[i] + pi);
        const auto above = std::upper_bound(order.begin(), order.end(), wanted,
                                            [&](double t, std::size_t j) { return t < angle[j]; });
        const std::size_t after = above == order.end() ? order.front() : *above;
        const std::size_t before = above == order.begin() ? order.back() : above[-1];
        const double past = in_turn(wanted - angle[before]), gap = past + in_turn(angle[after] - wanted);
        if (gap > widest_gap) continue;
        found.push_back({i, before, after, static_cast<float>(gap > 0 ? past / gap : 0)});
    }
    return found;
}

// Rows of a sinogram as their slopes, (angles, columns), less what all angles have in common: edges are
// what a mirror image is told by, and what stays where it is while the object turns is the detector's.
// Within `reach` of the detector's ends there is no slope, and zero.
std::vector<float> slopes_of(view<const float, 2> sinogram, int threads) {
    const std::size_t angles = sinogram.extent(0), columns = sinogram.extent(1);
    std::vector<float> slopes(angles * columns);
    destrier::parallel_for(angles, threads, [&](std::size_t p) {
        float* const out = slopes.data() + p * columns;
        for (std::size_t k = reach; k + reach < columns; ++k) {
            for (std::size_t i = 1; i <= reach; ++i) out[k] += sinogram(p, k + i) - sinogram(p, k - i);
        }
    });
    std::vector<double> mean(columns);
    for (std::size_t i = 0; i < slopes.size(); ++i) mean[i % columns] += slopes[i];
    for (std::size_t i = 0; i < slopes.size(); ++i) {
        slopes[i] -= static_cast<float>(mean[i % columns] / static_cast<double>(angles));
    }
    return slopes;
}

// How well opposite projections match in a mirror at x / 2, for any x: the sum over all pairs and pixels
// of -slope(s) opposite(x - s), for a mirror turns slopes round.
class matches {
public:
    explicit matches(std::size_t columns)
        : columns_(columns), plan_(destrier::fft::good_size_real(2 * columns)),
          spectrum_(plan_.spectrum_size()), energy_(columns) {}

    // slopes (angles, columns) as seen through a window (columns).
    void add(const std::vector<float>& slopes, const std::vector<opposite>& pairs,
             std::span<const float> window, int threads) {
        std::vector<part> parts((pairs.size() + lanes - 1) / lanes);
        destrier::parallel_for(parts.size(), threads, [&](std::size_t i) {
            const std::size_t first = i * lanes, count = std::min(lanes, pairs.size() - first);
            parts[i] = part_of(slopes, std::span(pairs).subspan(first, count), window);
        });
        for (const part& p : parts) {
            for (std::size_t k = 0; k < spectrum_.size(); ++k) spectrum_[k] += p.spectrum[k];
            for (std::size_t k = 0; k < columns_; ++k) energy_[k] += p.energy[k];
        }
    }

    // For x = 0, 1 ... 2 columns - 2.
    std::vector<double> at_whole_numbers() const {
        const std::size_t length = plan_.size();
        buffer<float> in(complex_blocks<float>::size_for(spectrum_.size(), 1)),
            out(real_blocks<float>::size_for(length, 1));
        const complex_blocks<float> spectrum(in.data(), spectrum_.size(), 1);
        const real_blocks<float> sums(out.data(), length, 1);
        for (std::size_t k = 0; k < spectrum_.size(); ++k) {
            *spectrum.at(0, k, 0) =
                static_cast<float>(spectrum_[k].real() / static_cast<double>(length));
            *spectrum.at(0, k, 1) =
                static_cast<float>(spectrum_[k].imag() / static_cast<double>(length));
        }
        plan_.backward(spectrum, sums);
        std::vector<double> values;
        for (std::size_t x = 0; x < 2 * columns_ - 1; ++x) values.push_back(*sums.at(0, x));
        return values;
    }
    double at(double x) const {
        double sum = 0;
        for (std::size_t k = 1; k < spectrum_.size(); ++k) {
            const double turns = static_cast<double>(k) * x / static_cast<double>(plan_.size());
            sum += (spectrum_[k] * std::polar(1.0, 2 * pi * turns)).real();
        }
        return 2 * sum / static_cast<double>(plan_.size());
    }

    // What a perfect match would give in the pixels before this one, for each.
    std::vector<double> energy_before() const {
        std::vector<double> sum(columns_ + 1);
        std::partial_sum(energy_.begin(), energy_.end(), sum.begin() + 1);
        return sum;
    }

private:
    struct part {
        std::vector<std::complex<double>> spectrum;
        std::vector<double> energy;
    };

    part part_of(const std::vector<float>& slopes, std::span<const opposite> pairs,
                 std::span<const float> window) const {
        const std::size_t length = plan_.size(), bins = plan_.spectrum_size();
        buffer<float> rows(2 * length * lanes), spectra(2 * bins * 2 * lanes);
        part sum{std::vector<std::complex<double>>(bins), std::vector<double>(columns_)};
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const opposite& pair = pairs[i];
            const float* const direct = slopes.data() + pair.projection * columns_;
            const float* const before = slopes.data() + pair.before * columns_;
            const float* const after = slopes.data() + pair.after * columns_;
            for (std::size_t k = 0; k < columns_; ++k) {
                const float a = window[k] * direct[k];
                const float b = window[k] * (before[k] + pair.along * (after[k] - before[k]));
                rows[k * lanes + i] = a;
                rows[(length + k) * lanes + i] = -b;
                sum.energy[k] += (static_cast<double>(a) * a + static_cast<double>(b) * b) / 2;
            }
        }
        const complex_blocks<float> out(spectra.data(), bins, 2 * lanes);
        plan_.forward(real_blocks<float>(rows.data(), length, 2 * lanes), out);
        for (std::size_t k = 0; k < bins; ++k) {
            const float *re = out.at(0, k, 0), *im = out.at(0, k, 1);
            const float *re2 = out.at(1, k, 0), *im2 = out.at(1, k, 1);
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sum.spectrum[k] += std::complex<double>(re[lane], im[lane]) *
                                   std::complex<double>(re2[lane], im2[lane]);
            }
        }
        return sum;
    }

    std::size_t columns_;
    destrier::fft::plan_r2c<float> plan_;
    std::vector<std::complex<double>> spectrum_;
    std::vector<double> energy_;
};

// Opposite projections of a few slices.
struct opposite_slopes {
    std::vector<opposite> pairs;
    std::vector<std::vector<float>> slices; // (angles, columns) each
    std::size_t columns;
    int threads;

    matches through(const std::vector<float>& window) const {
        matches sum(columns);
        for (const std::vector<float>& slopes : slices) sum.add(slopes, pairs, window, threads);
        return sum;
    }
};

// To half a pixel, by all that both of each pair see.
double best_half_pixel(const opposite_slopes& seen) {
    const std::size_t n = seen.columns;
    const matches all = seen.through(std::vector<float>(n, 1));
    const std::vector<double> match = all.at_whole_numbers(), energy = all.energy_before();
    // A narrow overlap at the end of the detector, with next to nothing in it, is no good match.
    const double little = 0.01 * energy.back();
    double best = 0;
    std::size_t best_x = 0;
    for (std::size_t x = least_overlap; x <= 2 * n - 2 - least_overlap; ++x) {
        const std::size_t first = x < n ? 0 : x - (n - 1), last = std::min(x, n - 1);
        const double score = match[x] / (energy[last + 1] - energy[first] + little);
        if (score > best) {
            best = score;
            best_x = x;
        }
    }
    if (!(best > least_match)) {
        char text[128];
        std::snprintf(text, sizeof text,
                      "opposite projections match nowhere: their best correlation is %.2f, expected %g",
                      best, least_match);
        throw no_axis(text);
    }
    return static_cast<double>(best_x) / 2;
}

// The axis once more, through a window about the last one: what is symmetric about the axis matches best
// in a mirror just there.
double refined(const opposite_slopes& seen, double axis) {
    const auto last = static_cast<double>(seen.columns - 1);
    const double half_width = std::min(axis, last - axis) - static_cast<double>(reach) + 1;
    std::vector<float> window(seen.columns);
    for (std::size_t k = 0; k < seen.columns; ++k) {
        const double from_axis = (static_cast<double>(k) - axis) / half_width;
        if (std::abs(from_axis) >= 1) continue;
        window[k] = static_cast<float>(std::pow(std::cos(pi / 2 * from_axis), 2));
    }
    const matches all = seen.through(window);
    constexpr double step = 1.0 / 8;
    std::array<double, 33> values; // of x, within 2 of the last
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = all.at(2 * axis + step * (static_cast<double>(i) - 16));
    }
    const auto top = std::max_element(values.begin() + 1, values.end() - 1);
    const double x = 2 * axis + step * (static_cast<double>(top - values.begin()) - 16);
    return (x + step * (top[-1] - top[1]) / (2 * (top[-1] - 2 * top[0] + top[1]))) / 2;
}

} // namespace

bool is_whole_turn(std::span<const double> theta) {
    return theta.size() > 1 && opposites_of(theta).size() == theta.size();
}

bool is_half_acquisition(std::span<const double> theta, double center, std::size_t columns) {
    const auto width = static_cast<double>(columns);
    return std::abs(center - (width - 1) / 2) > width / 8 && is_whole_turn(theta);
}

double overlap_axis(const_projections line_integrals, std::span<const double> theta, int threads) {
    opposite_slopes seen{opposites_of(theta), {}, line_integrals.extent(2), threads};
    if (seen.columns < 64) {
        throw no_axis("the detector has " + std::to_string(seen.columns) +
                      " columns, expected 64 or more");
    }
    if (2 * seen.pairs.size() < theta.size()) {
        throw no_axis("of " + std::to_string(theta.size()) + " projections only " +
                      std::to_string(seen.pairs.size()) +
                      " have others half a turn on, to 5 degrees: this is no whole turn");
    }
    for (std::size_t row = 0; row < line_integrals.extent(1); ++row) {
        seen.slices.push_back(slopes_of(line_integrals.at(1, row), threads));
    }
    // A window about a wrong axis draws the best match towards itself, the narrower it is the more.
    double axis = best_half_pixel(seen), last = -1;
    for (int i = 0; i < 20 && std::abs(axis - last) > 0.002; ++i) {
        last = axis;
        axis = refined(seen, axis);
    }
    return axis;
}

wide_detector::wide_detector(std::size_t columns, double center)
    : detector_columns_(columns), axis_is_right_(2 * center > static_cast<double>(columns) - 1) {
    const double last = static_cast<double>(columns) - 1, longer = std::max(center, last - center);
    const auto fail = [&](const char* what) {
        char text[192];
        std::snprintf(text, sizeof text,
                      "no half acquisition: the axis, %.2f, %s of the %zu columns, expected it 4 pixels "
                      "or more from the detector's ends and 1 or more from its middle, %g",
                      center, what, columns, last / 2);
        throw std::runtime_error(text);
    };
    if (!(last - longer >= 4)) fail("leaves no overlap");
    if (longer - last / 2 < 1) fail("is in the middle");
    columns_ = 2 * static_cast<std::size_t>(std::ceil(longer)) + 1;
    first_ = axis_is_right_ ? 0 : columns_ - detector_columns_;
}

void wide_detector::widen(const_projections in, std::span<const double> center, projections out,
                          int threads) const {
    const std::size_t angles = in.extent(0), rows = in.extent(1);
    if (in.extent(2) != detector_columns_ || out.extents() != std::array{angles, rows, columns_} ||
        (center.size() != 1 && center.size() != rows)) {
        throw std::invalid_argument("wide_detector::widen: shapes disagree");
    }
    destrier::buffer<float> weights(center.size() * detector_columns_);
    for (std::size_t i = 0; i < center.size(); ++i) {
        for (std::size_t k = 0; k < detector_columns_; ++k)
            weights[i * detector_columns_ + k] = weight(static_cast<double>(k), center[i]);
    }
    destrier::parallel_for(angles * rows, threads, [&](std::size_t i) {
        const std::size_t row = i % rows;
        const float* const w = weights.data() + (center.size() == 1 ? 0 : row * detector_columns_);
        const auto from = in.at(0, i / rows).at(0, row);
        const auto to = out.at(0, i / rows).at(0, row);
        for (std::size_t k = 0; k < first_; ++k) to(k) = 0;
        for (std::size_t k = 0; k < detector_columns_; ++k) to(first_ + k) = w[k] * from(k);
        for (std::size_t k = first_ + detector_columns_; k < columns_; ++k) to(k) = 0;
    });
}

// From the first pixel beyond the detector, where it is 0, over the axis to that one's mirror image.
float wide_detector::weight(double pixel, double center) const {
    const double from_axis = axis_is_right_ ? pixel - center : center - pixel;
    const auto n = static_cast<double>(detector_columns_);
    const double half_width = axis_is_right_ ? n - center : center + 1;
    if (from_axis <= -half_width) return 2;
    return static_cast<float>(1 - std::sin(pi / 2 * from_axis / half_width));
}

} // namespace tomo
