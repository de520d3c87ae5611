// SPDX-License-Identifier: BSD-3-Clause
//
// Each method against another way to the same result: a whole wavelet transform with a naive Fourier sum in it,
// dense normal equations, sums by definition, sorts and medians by the standard library.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "reference.hpp"
#include "stripes/mirrored.hpp"
#include "stripes/running_median.hpp"
#include "stripes/stripes.hpp"
#include "stripes/wavelet.hpp"

using reference::ContainsSubstring;
using reference::message_of;
using reference::random_numbers;
using reference::same_bits;
using tomo::stripe_method;
using tomo::stripe_options;

namespace {

// One detector row.
struct sinogram {
    std::size_t angles, columns;
    std::vector<float> values;

    sinogram(std::size_t angles_, std::size_t columns_)
        : angles(angles_), columns(columns_), values(angles_ * columns_) {}
    float& operator()(std::size_t angle, std::size_t k) { return values[angle * columns + k]; }
    float operator()(std::size_t angle, std::size_t k) const { return values[angle * columns + k]; }
};

sinogram cleaned(sinogram s, const stripe_options& options) {
    tomo::remove_stripes(tomo::projections(s.values.data(), {s.angles, 1, s.columns}), options, 1);
    return s;
}

sinogram random_sinogram(std::size_t angles, std::size_t columns, unsigned seed = 1) {
    sinogram s(angles, columns);
    s.values = random_numbers<float>(s.values.size(), seed);
    return s;
}

double greatest_difference(const sinogram& a, const sinogram& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(a.values[i]) - b.values[i]));
    }
    return worst;
}

std::vector<double> mean_over_angles(const sinogram& s) {
    std::vector<double> mean(s.columns);
    for (std::size_t angle = 0; angle < s.angles; ++angle) {
        for (std::size_t k = 0; k < s.columns; ++k) {
            mean[k] += s(angle, k) / static_cast<double>(s.angles);
        }
    }
    return mean;
}

stripe_options fourier_wavelet(std::size_t levels, std::size_t order, double sigma) {
    return {
        .method = stripe_method::fourier_wavelet, .levels = levels, .sigma = sigma, .wavelet = order};
}
stripe_options titarenko(double alpha, std::size_t blocks = 1) {
    return {.method = stripe_method::titarenko, .alpha = alpha, .blocks = blocks};
}
stripe_options smoothing(std::size_t window) {
    return {.method = stripe_method::smoothing, .window = window};
}
stripe_options vo(std::size_t large_size, std::size_t small_size) {
    return {.method = stripe_method::vo, .large_size = large_size, .small_size = small_size};
}
const std::vector<std::pair<std::string, stripe_options>> methods{
    {"fw", {.method = stripe_method::fourier_wavelet}},
    {"ti", {.method = stripe_method::titarenko}},
    {"sf", {.method = stripe_method::smoothing}},
    {"vo", {.method = stripe_method::vo}}};

// ---- fw ----

struct image {
    std::size_t rows, columns;
    std::vector<double> values;

    image(std::size_t rows_, std::size_t columns_)
        : rows(rows_), columns(columns_), values(rows_ * columns_) {}
    double& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }
    double operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
};

image transposed(const image& in) {
    image out(in.columns, in.rows);
    for (std::size_t r = 0; r < out.rows; ++r) {
        for (std::size_t c = 0; c < out.columns; ++c) out(r, c) = in(c, r);
    }
    return out;
}

// Every second sum with a filter, along rows.
image filtered(const image& in, const std::vector<double>& filter) {
    image out(in.rows, (in.columns + filter.size() - 1) / 2);
    for (std::size_t r = 0; r < out.rows; ++r) {
        for (std::size_t i = 0; i < out.columns; ++i) {
            for (std::size_t k = 0; k < filter.size(); ++k) {
                const auto at = static_cast<std::ptrdiff_t>(2 * i + k + 2) -
                                static_cast<std::ptrdiff_t>(filter.size());
                out(r, i) += filter[k] * in(r, tomo::mirrored(at, in.columns));
            }
        }
    }
    return out;
}

// Adds the image of n columns that these coefficients stand for.
void add_expanded(const image& in, const std::vector<double>& filter, image& out) {
    for (std::size_t r = 0; r < in.rows; ++r) {
        for (std::size_t i = 0; i < in.columns; ++i) {
            for (std::size_t k = 0; k < filter.size(); ++k) {
                const std::size_t t = 2 * i + k + 2;
                if (t < filter.size() || t - filter.size() >= out.columns) continue;
                out(r, t - filter.size()) += filter[k] * in(r, i);
            }
        }
    }
}

// Damps each column's Fourier components, summed one by one.
void damp(image& rough, double sigma) {
    const std::size_t n = rough.rows;
    const auto root = [&](std::size_t product) {
        return std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(product % n) /
                                   static_cast<double>(n));
    };
    for (std::size_t c = 0; c < rough.columns; ++c) {
        std::vector<std::complex<double>> spectrum(n);
        for (std::size_t m = 0; m < n; ++m) {
            const auto order = static_cast<double>(std::min(m, n - m));
            for (std::size_t t = 0; t < n; ++t) spectrum[m] += rough(t, c) * std::conj(root(m * t));
            spectrum[m] *= 1 - std::exp(-order * order / (2 * sigma * sigma));
        }
        for (std::size_t t = 0; t < n; ++t) {
            std::complex<double> sum = 0;
            for (std::size_t m = 0; m < n; ++m) sum += spectrum[m] * root(m * t);
            rough(t, c) = sum.real() / static_cast<double>(n);
        }
    }
}

// Munch and colleagues' method as they wrote it: all four parts of each level, and back.
image without_stripes(const image& in, std::size_t levels, const std::vector<double>& low,
                      double sigma) {
    if (levels == 0) return in;
    std::vector<double> high(low.rbegin(), low.rend());
    for (std::size_t k = 1; k < high.size(); k += 2) high[k] = -high[k];
    const auto part = [&](const std::vector<double>& along_angles, const std::vector<double>& across) {
        return transposed(filtered(transposed(filtered(in, across)), along_angles));
    };
    const image smooth = without_stripes(part(low, low), levels - 1, low, sigma);
    image rough = part(low, high);
    damp(rough, sigma);
    const auto join = [&](const image& a, const image& b) {
        image halved(a.columns, in.rows);
        add_expanded(transposed(a), low, halved);
        add_expanded(transposed(b), high, halved);
        return transposed(halved);
    };
    image out(in.rows, in.columns);
    add_expanded(join(smooth, part(high, low)), low, out);
    add_expanded(join(rough, part(high, high)), high, out);
    return out;
}

// ---- ti ----

// Solves a x = b by elimination with exchanges.
std::vector<double> solved(image a, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t p = 0; p < n; ++p) {
        std::size_t best = p;
        for (std::size_t r = p + 1; r < n; ++r) {
            if (std::abs(a(r, p)) > std::abs(a(best, p))) best = r;
        }
        for (std::size_t c = 0; c < n; ++c) std::swap(a(p, c), a(best, c));
        std::swap(b[p], b[best]);
        for (std::size_t r = p + 1; r < n; ++r) {
            const double factor = a(r, p) / a(p, p);
            for (std::size_t c = p; c < n; ++c) a(r, c) -= factor * a(p, c);
            b[r] -= factor * b[p];
        }
    }
    for (std::size_t p = n; p-- > 0;) {
        for (std::size_t c = p + 1; c < n; ++c) b[p] -= a(p, c) * b[c];
        b[p] /= a(p, p);
    }
    return b;
}

// The stripes q that make the mean over angles of sum_k ((s - q)[k + 1] - (s - q)[k])^2, plus alpha |q|^2, least:
// normal equations summed angle by angle.
std::vector<double> least_squares_stripes(const sinogram& s, double alpha) {
    const std::size_t n = s.columns;
    image normal(n, n);
    std::vector<double> right(n);
    for (std::size_t k = 0; k < n; ++k) normal(k, k) = alpha;
    const double weight = 1 / static_cast<double>(s.angles);
    for (std::size_t angle = 0; angle < s.angles; ++angle) {
        for (std::size_t k = 0; k + 1 < n; ++k) {
            const double difference = static_cast<double>(s(angle, k + 1)) - s(angle, k);
            normal(k, k) += weight, normal(k + 1, k + 1) += weight;
            normal(k, k + 1) -= weight, normal(k + 1, k) -= weight;
            right[k] -= weight * difference, right[k + 1] += weight * difference;
        }
    }
    return solved(normal, right);
}

// ---- vo ----

std::size_t nearest(std::ptrdiff_t i, std::size_t n) {
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(i, 0, static_cast<std::ptrdiff_t>(n) - 1));
}

using beyond = std::function<std::size_t(std::ptrdiff_t, std::size_t)>;

template <class Number>
Number median_around(const std::vector<Number>& row, std::size_t i, std::size_t window,
                     const beyond& at) {
    std::vector<Number> some;
    for (std::size_t k = 0; k < window; ++k) {
        some.push_back(row[at(
            static_cast<std::ptrdiff_t>(i + k) - static_cast<std::ptrdiff_t>(window / 2), row.size())]);
    }
    std::sort(some.begin(), some.end());
    return some[window / 2];
}

std::vector<bool> standing_out(const std::vector<double>& values, double snr, double least_noise) {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    // The line through the middle half, by the formula with sums of x, y, x x and x y.
    const std::size_t n = values.size();
    double count = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t i = n / 4; i < n - n / 4; ++i) {
        const auto place = static_cast<double>(i);
        count += 1, x += place, y += sorted[i], xx += place * place, xy += place * sorted[i];
    }
    const double slope = (count * xy - x * y) / (count * xx - x * x), low = (y - slope * x) / count;
    const double high = low + slope * static_cast<double>(n - 1),
                 noise = std::max(high - low, least_noise);
    std::vector<bool> out;
    for (const double value : values) {
        const bool above = sorted.back() >= high + snr * noise && value > high + snr * noise / 2;
        const bool below = sorted.front() <= low - snr * noise && value < low - snr * noise / 2;
        out.push_back(above || below);
    }
    return out;
}

// Columns from the first to the last jump near a run of columns that stand out.
std::vector<bool> stripes_of(const std::vector<double>& values, double snr, double least_noise,
                             std::size_t widest) {
    const std::size_t n = values.size();
    const std::vector<bool> outlying = standing_out(values, snr, least_noise);
    std::vector<double> steps(n), jumps(n);
    for (std::size_t k = 0; k < n; ++k) {
        const std::size_t from = std::max<std::size_t>(k, 1);
        steps[k] = values[from] - values[from - 1];
    }
    for (std::size_t k = 0; k < n; ++k)
        jumps[k] = steps[k] - median_around<double>(steps, k, 9, nearest);
    const std::vector<bool> jumping = standing_out(jumps, snr, least_noise);
    std::vector<bool> stripes(n);
    for (std::size_t k = 0; k < n; ++k) {
        if (!outlying[k]) continue;
        std::size_t begin = k, end = k;
        while (begin > 0 && outlying[begin - 1]) --begin;
        while (end + 1 < n && outlying[end + 1]) ++end;
        std::vector<std::size_t> edges;
        for (std::size_t edge = 1; edge < n; ++edge) {
            if (jumping[edge] && edge + 1 >= begin && edge <= end + 2) edges.push_back(edge);
        }
        if (edges.empty() || edges.back() - edges.front() > widest) continue;
        for (std::size_t i = edges.front(); i < edges.back(); ++i) stripes[i] = true;
    }
    return stripes;
}

// The columns that were replaced by either step, too.
struct vo_result {
    sinogram clean;
    std::vector<bool> dead, large;
};

vo_result vo_by_definition(sinogram s, double snr, std::size_t large_size, std::size_t small_size) {
    const std::size_t n = s.columns;
    std::vector<std::vector<double>> columns(n);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t angle = 0; angle < s.angles; ++angle) columns[k].push_back(s(angle, k));
    }

    std::vector<double> fluctuations(n), ratios(n);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t angle = 0; angle < s.angles; ++angle) {
            double mean = 0;
            for (std::ptrdiff_t i = -5; i <= 5; ++i) {
                mean +=
                    columns[k][tomo::mirrored(static_cast<std::ptrdiff_t>(angle) + i, s.angles)] / 11;
            }
            fluctuations[k] += std::abs(columns[k][angle] - mean);
        }
    }
    for (std::size_t k = 0; k < n; ++k) {
        const double around = median_around<double>(fluctuations, k, large_size, nearest);
        ratios[k] = std::log2(std::max(fluctuations[k] / around, 1e-3));
    }
    const std::vector<bool> dead = stripes_of(ratios, snr, 0.5, large_size / 2);
    for (std::size_t k = 0; k < n; ++k) {
        if (!dead[k]) continue;
        std::size_t left = k, right = k;
        while (dead[left]) --left;
        while (dead[right]) ++right;
        for (std::size_t angle = 0; angle < s.angles; ++angle) {
            const double along = static_cast<double>(k - left) / static_cast<double>(right - left);
            columns[k][angle] = (1 - along) * columns[left][angle] + along * columns[right][angle];
        }
    }

    std::vector<std::vector<std::size_t>> order(n);
    std::vector<std::vector<double>> ranks(s.angles, std::vector<double>(n)); // (rank, column)
    for (std::size_t k = 0; k < n; ++k) {
        order[k].resize(s.angles);
        std::iota(order[k].begin(), order[k].end(), std::size_t{0});
        std::stable_sort(order[k].begin(), order[k].end(),
                         [&](std::size_t a, std::size_t b) { return columns[k][a] < columns[k][b]; });
        for (std::size_t rank = 0; rank < s.angles; ++rank) ranks[rank][k] = columns[k][order[k][rank]];
    }
    const auto medians = [&](std::size_t window, const beyond& at) {
        std::vector<std::vector<double>> out = ranks;
        for (std::size_t rank = 0; rank < s.angles; ++rank) {
            for (std::size_t k = 0; k < n; ++k) out[rank][k] = median_around(ranks[rank], k, window, at);
        }
        return out;
    };
    const std::vector<std::vector<double>> usual = medians(large_size, nearest);
    std::vector<double> difference(n), level(n);
    const std::size_t drop = s.angles / 20;
    for (std::size_t rank = drop; rank < s.angles - drop; ++rank) {
        for (std::size_t k = 0; k < n; ++k) {
            level[k] += usual[rank][k] / static_cast<double>(s.angles - 2 * drop);
            difference[k] +=
                (ranks[rank][k] - usual[rank][k]) / static_cast<double>(s.angles - 2 * drop);
        }
    }
    const auto [least, greatest] = std::minmax_element(level.begin(), level.end());
    const std::vector<bool> large =
        stripes_of(difference, snr, 0.005 * (*greatest - *least), large_size / 2);
    for (std::size_t rank = 0; rank < s.angles; ++rank) {
        for (std::size_t k = 0; k < n; ++k) {
            if (large[k]) ranks[rank][k] = usual[rank][k];
        }
    }
    const std::vector<std::vector<double>> smooth =
        medians(small_size, [](std::ptrdiff_t i, std::size_t size) { return tomo::mirrored(i, size); });
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t rank = 0; rank < s.angles; ++rank) {
            s(order[k][rank], k) = static_cast<float>(smooth[rank][k]);
        }
    }
    return {s, dead, large};
}

// ---- an object, its noise, and stripes ----

struct ellipse {
    double x, y, a, b, degrees,
        density; // in half widths of the detector; line integrals of the whole are about 1
};

sinogram object_sinogram(std::size_t angles, std::size_t columns) {
    const std::vector<ellipse> parts{
        {0, 0, .69, .92, 0, 1},           {0, -.0184, .6624, .874, 0, -.8}, {.22, 0, .11, .31, -18, -.2},
        {-.22, 0, .16, .41, 18, -.2},     {0, .35, .21, .25, 0, .1},        {0, .1, .046, .046, 0, .1},
        {-.08, -.605, .046, .023, 0, .1}, {.5, .3, .03, .03, 0, .4},        {-.4, .5, .02, .02, 0, .5}};
    sinogram s(angles, columns);
    const double half = static_cast<double>(columns) / 2;
    for (std::size_t angle = 0; angle < angles; ++angle) {
        const double theta = std::numbers::pi * static_cast<double>(angle) / static_cast<double>(angles);
        for (const ellipse& e : parts) {
            const double turned = theta - e.degrees * std::numbers::pi / 180;
            const double reach = std::hypot(e.a * std::cos(turned), e.b * std::sin(turned));
            for (std::size_t k = 0; k < columns; ++k) {
                const double from = (static_cast<double>(k) - half - 1.3) / half -
                                    (e.x * std::cos(theta) + e.y * std::sin(theta));
                if (std::abs(from) >= reach) continue;
                const double chord =
                    2 * e.a * e.b * std::sqrt(reach * reach - from * from) / (reach * reach);
                s(angle, k) += static_cast<float>(e.density * chord);
            }
        }
    }
    return s;
}

sinogram with_noise(sinogram s, double sigma) {
    std::mt19937 generator(5);
    std::normal_distribution<double> normal(0, sigma);
    for (float& value : s.values) value += static_cast<float>(normal(generator));
    return s;
}

// What draws rings: what the mean over angles is off by, as the root mean square over columns of that and of how it
// changes from column to column, of which most of a ring is made by the ramp filter.
struct rings {
    double level = 0, edges = 0;
};

rings rings_of(const sinogram& s, const sinogram& truth) {
    std::vector<double> off = mean_over_angles(s);
    const std::vector<double> expected = mean_over_angles(truth);
    for (std::size_t k = 0; k < off.size(); ++k) off[k] -= expected[k];
    rings sum;
    for (std::size_t k = 1; k < off.size(); ++k) {
        sum.level += off[k] * off[k];
        sum.edges += (off[k] - off[k - 1]) * (off[k] - off[k - 1]);
    }
    const auto n = static_cast<double>(off.size());
    return {std::sqrt(sum.level / n), std::sqrt(sum.edges / n)};
}

} // namespace

TEST_CASE("fw is the whole wavelet transform with damped vertical details") {
    struct test_case {
        std::size_t angles, columns, levels, order;
        double sigma;
    };
    for (const auto& [angles, columns, levels, order, sigma] :
         {test_case{24, 32, 1, 1, 2}, test_case{31, 37, 2, 3, 1}, test_case{40, 53, 3, 5, 2.5},
          test_case{7, 64, 4, 2, 20}}) {
        const sinogram s = random_sinogram(angles, columns);
        image in(angles, columns);
        std::copy(s.values.begin(), s.values.end(), in.values.begin());
        const image expected = without_stripes(in, levels, tomo::daubechies(order), sigma);
        const sinogram out = cleaned(s, fourier_wavelet(levels, order, sigma));
        double worst = 0;
        for (std::size_t i = 0; i < expected.values.size(); ++i) {
            worst = std::max(worst, std::abs(out.values[i] - expected.values[i]));
        }
        CHECK(worst <= 1e-6);
        CHECK(greatest_difference(out, s) > 0.1);
    }
}

TEST_CASE("ti solves the normal equations of a whole sinogram") {
    for (const double alpha : {0.01, 0.2, 3.0}) {
        const sinogram s = random_sinogram(13, 40);
        const std::vector<double> stripes = least_squares_stripes(s, alpha);
        const sinogram out = cleaned(s, titarenko(alpha));
        for (std::size_t angle = 0; angle < s.angles; ++angle) {
            for (std::size_t k = 0; k < s.columns; ++k) {
                CHECK(out(angle, k) == Approx(s(angle, k) - stripes[k]).margin(1e-6));
            }
        }
    }
}

TEST_CASE("ti smoothes the mean over angles with an exponential") {
    // Of one projection nothing is left but its smooth part.
    constexpr double alpha = 0.3;
    sinogram s(1, 201);
    s(0, 100) = 1;
    const sinogram out = cleaned(s, titarenko(alpha));
    const double tau = 2 * std::asinh(std::sqrt(alpha) / 2);
    for (std::size_t k = 0; k < s.columns; ++k) {
        const double expected =
            std::tanh(tau / 2) * std::exp(-tau * std::abs(static_cast<double>(k) - 100));
        CHECK(out(0, k) == Approx(expected).margin(1e-7));
    }
}

TEST_CASE("ti in blocks follows stripes that grow with the angle") {
    constexpr std::size_t angles = 60, columns = 30, blocks = 6;
    const std::vector<float> profile = random_numbers<float>(columns);
    sinogram s(angles, columns), one(1, columns);
    one.values = profile;
    const sinogram smooth = cleaned(one, titarenko(0.2));
    for (std::size_t angle = 0; angle < angles; ++angle) {
        for (std::size_t k = 0; k < columns; ++k)
            s(angle, k) = 0.1f * static_cast<float>(angle) * profile[k];
    }
    const sinogram out = cleaned(s, titarenko(0.2, blocks));
    for (std::size_t angle = 0; angle < angles; ++angle) {
        // Blocks are 10 angles long: before the middle of the first one and behind that of the last nothing changes.
        const double middle = std::clamp(static_cast<double>(angle), 4.5, 54.5);
        for (std::size_t k = 0; k < columns; ++k) {
            const double stripe = 0.1 * middle * (static_cast<double>(profile[k]) - smooth(0, k));
            CHECK(out(angle, k) == Approx(s(angle, k) - stripe).margin(2e-6));
        }
    }
}

TEST_CASE("sf takes off what the running mean of the mean over angles has not") {
    for (const std::size_t window : {3u, 9u}) {
        const sinogram s = random_sinogram(11, 35);
        const std::vector<double> mean = mean_over_angles(s);
        const sinogram out = cleaned(s, smoothing(window));
        for (std::size_t k = 0; k < s.columns; ++k) {
            double smooth = 0;
            for (std::size_t i = 0; i < window; ++i) {
                const auto at =
                    static_cast<std::ptrdiff_t>(k + i) - static_cast<std::ptrdiff_t>(window / 2);
                smooth += mean[tomo::mirrored(at, s.columns)] / static_cast<double>(window);
            }
            for (std::size_t angle = 0; angle < s.angles; ++angle) {
                CHECK(out(angle, k) == Approx(s(angle, k) - mean[k] + smooth).margin(1e-6));
            }
        }
    }
}

TEST_CASE("Running medians are those of sorted windows") {
    std::mt19937 generator(2);
    for (const std::size_t n : {1u, 2u, 5u, 40u}) {
        for (const std::size_t window : {1u, 3u, 9u, 61u}) {
            constexpr std::size_t lanes = tomo::median_lanes, stride = lanes + 3;
            std::vector<std::int32_t> in(n * stride), out(in.size());
            for (std::int32_t& value : in) {
                value =
                    static_cast<std::int32_t>(generator()) >> (generator() % 32); // many equal ones, too
            }
            in[0] = std::numeric_limits<std::int32_t>::max();
            in[1] = std::numeric_limits<std::int32_t>::min();
            destrier::buffer<std::int32_t> room(window * lanes);
            for (const auto& [ends, at] :
                 {std::pair<tomo::beyond_ends, beyond>{tomo::beyond_ends::nearest, nearest},
                  {tomo::beyond_ends::mirrored, tomo::mirrored}}) {
                tomo::running_median(in.data(), out.data(), n, stride, window, ends, room.data());
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    std::vector<std::int32_t> row;
                    for (std::size_t i = 0; i < n; ++i) row.push_back(in[i * stride + lane]);
                    for (std::size_t i = 0; i < n; ++i) {
                        REQUIRE(out[i * stride + lane] == median_around(row, i, window, at));
                    }
                }
            }
        }
    }
}

TEST_CASE("Keys are in the order of floats") {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> rising{-infinity, -2e30f, -1, -1e-40f, 0, 1e-40f, 1, 2e30f, infinity};
    for (std::size_t i = 0; i < rising.size(); ++i) {
        CHECK(tomo::from_key(tomo::to_key(rising[i])) == rising[i]);
        if (i > 0) CHECK(tomo::to_key(rising[i - 1]) < tomo::to_key(rising[i]));
    }
    CHECK(tomo::to_key(-0.0f) == tomo::to_key(0.0f));
    CHECK(tomo::to_key(std::numeric_limits<float>::quiet_NaN()) > tomo::to_key(infinity));
}

TEST_CASE("vo sorts, takes medians and replaces as by definition") {
    struct test_case {
        std::size_t angles, columns, large_size, small_size;
    };
    for (const auto& [angles, columns, large_size, small_size] :
         {test_case{50, 120, 31, 7}, test_case{33, 97, 21, 5}, test_case{16, 200, 61, 21}}) {
        sinogram s = with_noise(object_sinogram(angles, columns), 0.02);
        const std::size_t dead = columns / 3, wide = columns / 2, fluctuating = 3 * columns / 4;
        std::mt19937 generator(4);
        std::normal_distribution<float> normal(0, 5);
        for (std::size_t angle = 0; angle < angles; ++angle) {
            s(angle, dead) = 0.7f + 1e-6f * static_cast<float>(angle);
            for (std::size_t k = wide; k < wide + 5; ++k) s(angle, k) += 0.8f;
            s(angle, fluctuating) += normal(generator);
        }
        const vo_result expected = vo_by_definition(s, 3, large_size, small_size);
        CHECK(expected.dead[dead]);
        CHECK(expected.dead[fluctuating]);
        CHECK(std::all_of(expected.large.begin() + static_cast<std::ptrdiff_t>(wide),
                          expected.large.begin() + static_cast<std::ptrdiff_t>(wide) + 5,
                          [](bool replaced) { return replaced; }));
        CHECK(greatest_difference(cleaned(s, vo(large_size, small_size)), expected.clean) <= 1e-6);
    }
}

TEST_CASE("Stripes go and the object stays") {
    // Line integrals up to 1.3, noise of 0.01 in each.
    constexpr std::size_t angles = 360, columns = 512;
    const sinogram object = object_sinogram(angles, columns), noisy = with_noise(object, 0.01);
    sinogram narrow = noisy, wide = noisy, broken = noisy;
    std::mt19937 generator(6);
    std::normal_distribution<float> normal(0, 0.03f), wild(0, 0.3f);
    for (std::size_t k = 0; k < columns; ++k) {
        const float gain = generator() % 8 == 0 ? normal(generator) : 0;
        for (std::size_t angle = 0; angle < angles; ++angle) narrow(angle, k) += gain;
    }
    for (std::size_t angle = 0; angle < angles; ++angle) {
        for (std::size_t k = 300; k < 309; ++k) wide(angle, k) += 0.15f;
        broken(angle, 200) = 11.5f; // dead, and one that flickers
        broken(angle, 390) += wild(generator);
    }
    const rings before = rings_of(narrow, noisy);
    CHECK(before.level == Approx(0.0099).epsilon(0.01));
    CHECK(before.edges == Approx(0.0139).epsilon(0.01));

    struct limits {
        double level, edges;
    };
    struct expected {
        limits damage, narrow;
        double greatest_damage;
    };
    const std::vector<expected> bounds{{{.0008, .0009}, {.0049, .0027}, .032},  // fw
                                       {{.0020, .0009}, {.0040, .0019}, .012},  // ti
                                       {{.0014, .0009}, {.0039, .0023}, .007},  // sf
                                       {{.0012, .0007}, {.0017, .0013}, .105}}; // vo
    for (std::size_t i = 0; i < methods.size(); ++i) {
        const stripe_options& options = methods[i].second;
        INFO(methods[i].first);
        const sinogram same = cleaned(object, options);
        const rings damage = rings_of(same, object), left = rings_of(cleaned(narrow, options), noisy);
        CHECK(damage.level <= bounds[i].damage.level);
        CHECK(damage.edges <= bounds[i].damage.edges);
        CHECK(greatest_difference(same, object) <= bounds[i].greatest_damage);
        CHECK(left.level <= bounds[i].narrow.level);
        CHECK(left.edges <= bounds[i].narrow.edges);
    }
    for (const sinogram& s : {wide, broken}) { // edges of 0.0094 and 0.70
        const rings left = rings_of(cleaned(s, {.method = stripe_method::vo}), noisy);
        CHECK(left.level <= .0018);
        CHECK(left.edges <= .0010);
    }
}

TEST_CASE("vo takes out stripes that come and go, which a mean over angles does not show") {
    constexpr std::size_t angles = 360, columns = 512, first = 300, count = 3;
    const sinogram noisy = with_noise(object_sinogram(angles, columns), 0.01);
    sinogram s = noisy; // pixels that see attenuation half as strongly again
    for (std::size_t angle = 0; angle < angles; ++angle) {
        for (std::size_t k = first; k < first + count; ++k) s(angle, k) *= 1.5f;
    }
    const auto off = [&](const sinogram& result) {
        double sum = 0;
        for (std::size_t angle = 0; angle < angles; ++angle) {
            for (std::size_t k = first; k < first + count; ++k) {
                sum += std::pow(static_cast<double>(result(angle, k)) - noisy(angle, k), 2);
            }
        }
        return std::sqrt(sum / static_cast<double>(angles * count));
    };
    CHECK(off(s) >= .16);
    CHECK(off(cleaned(s, {.method = stripe_method::vo})) <= .0032);
    CHECK(off(cleaned(s, {.method = stripe_method::smoothing})) >= .07);
}

TEST_CASE("Sinograms of any size are finite afterwards, and constant ones stay") {
    for (const auto& [name, options] : methods) {
        INFO(name);
        for (const std::size_t angles : {1u, 2u, 3u, 17u}) {
            for (const std::size_t columns : {1u, 2u, 3u, 5u, 8u, 33u}) {
                const sinogram out = cleaned(random_sinogram(angles, columns), options);
                CHECK(std::all_of(out.values.begin(), out.values.end(),
                                  [](float value) { return std::abs(value) <= 3; }));
                sinogram flat(angles, columns);
                std::fill(flat.values.begin(), flat.values.end(), 0.7f);
                CHECK(greatest_difference(cleaned(flat, options), flat) <= 1e-6);
            }
        }
        tomo::remove_stripes(tomo::projections(nullptr, {0, 1, 0}), options, 1);
    }
}

TEST_CASE("Each row is by itself, whatever the threads and the strides, and NaN stays in its own") {
    constexpr std::size_t angles = 21, rows = 5, columns = 50, pitch = columns + 3;
    const std::vector<float> values = random_numbers<float>(angles * rows * columns);
    for (const auto& [name, options] : methods) {
        INFO(name);
        std::vector<float> together = values;
        tomo::remove_stripes(tomo::projections(together.data(), {angles, rows, columns}), options, 1);
        for (const int threads : {2, 3, 7}) {
            std::vector<float> again = values;
            tomo::remove_stripes(tomo::projections(again.data(), {angles, rows, columns}), options,
                                 threads);
            CHECK(same_bits(again, together));
        }

        // Rows of a larger block, the middle one with NaN in it.
        std::vector<float> block(angles * (rows + 2) * pitch, -77.0f);
        const tomo::projections inner(block.data() + pitch, {angles, rows, columns},
                                      {static_cast<std::ptrdiff_t>((rows + 2) * pitch), pitch, 1});
        const tomo::const_projections in(values.data(), {angles, rows, columns});
        const tomo::const_projections out(together.data(), {angles, rows, columns});
        const auto for_each = [&](const auto& f) {
            for (std::size_t angle = 0; angle < angles; ++angle) {
                for (std::size_t row = 0; row < rows; ++row) {
                    for (std::size_t k = 0; k < columns; ++k) f(angle, row, k);
                }
            }
        };
        for_each([&](auto... at) { inner(at...) = in(at...); });
        inner(4, 2, 20) = std::numeric_limits<float>::quiet_NaN();
        tomo::remove_stripes(inner, options, 2);
        bool same = true;
        for_each([&](std::size_t angle, std::size_t row, std::size_t k) {
            same = same && (row == 2 || inner(angle, row, k) == out(angle, row, k));
        });
        CHECK(same);
        CHECK(std::count(block.begin(), block.end(), -77.0f) ==
              static_cast<std::ptrdiff_t>(block.size() - angles * rows * columns));
    }
}

TEST_CASE("Without a method nothing is done") {
    const sinogram s = random_sinogram(5, 6);
    CHECK(same_bits(cleaned(s, {}).values, s.values));
    CHECK(tomo::stripe_scratch_bytes({}, 5, 6, 2) == 0);
}

TEST_CASE("What stripe removal takes besides grows with the sinogram and the threads") {
    // Four buffers as large as the sinogram, rounded up to pages of 2 MiB.
    for (const auto& [name, options] : methods) {
        INFO(name);
        const std::size_t one = tomo::stripe_scratch_bytes(options, 720, 1024, 1);
        CHECK(tomo::stripe_scratch_bytes(options, 720, 1024, 3) == 3 * one);
        const double sinograms = static_cast<double>(one) / (720 * 1024 * sizeof(float));
        CHECK(sinograms <= 6);
    }
}

TEST_CASE("Options that do not fit are named with what was expected") {
    const auto message = [](const stripe_options& options) {
        return message_of<std::runtime_error>([&] { tomo::check(options, 100, 1000); });
    };
    CHECK(message({}).empty());
    for (const auto& [name, options] : methods) CHECK(message(options).empty());
    CHECK(message(fourier_wavelet(10, 5, 2)) ==
          "stripes: levels is 10, expected 0 (chosen) to 9 for 1000 columns");
    CHECK_THAT(message(fourier_wavelet(0, 5, 0)), ContainsSubstring("sigma is 0"));
    CHECK_THAT(message(fourier_wavelet(0, 5, std::nan(""))), ContainsSubstring("sigma is nan"));
    CHECK(message(fourier_wavelet(0, 21, 2)) == "stripes: wavelet is 21, expected 1 to 20");
    CHECK_THAT(message(fourier_wavelet(0, 0, 2)), ContainsSubstring("wavelet is 0"));
    CHECK_THAT(message(titarenko(-1)), ContainsSubstring("alpha is -1"));
    CHECK(message(titarenko(1, 101)) == "stripes: blocks is 101, expected 1 to the 100 angles");
    CHECK_THAT(message(titarenko(1, 0)), ContainsSubstring("blocks is 0"));
    CHECK(message(smoothing(4)) == "stripes: window is 4, expected an odd number of columns from 3");
    CHECK_THAT(message(smoothing(1)), ContainsSubstring("window is 1"));
    CHECK_THAT(message(vo(60, 11)), ContainsSubstring("large_size is 60"));
    CHECK_THAT(message(vo(61, 2)), ContainsSubstring("small_size is 2"));
    stripe_options loud = vo(61, 11);
    loud.snr = 0;
    CHECK_THAT(message(loud), ContainsSubstring("snr is 0"));

    sinogram s(10, 20);
    CHECK_THAT(message_of<std::runtime_error>([&] { cleaned(s, smoothing(4)); }),
               ContainsSubstring("window is 4"));
}
