// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include "prepare/phase_retrieval.hpp"
#include "reference.hpp"

using namespace tomo;
using namespace reference;

namespace {

constexpr double pi = std::numbers::pi;

// Options with this L, in pixels.
paganin_options with_blur(double blur) {
    paganin_options o{.pixel_cm = 1e-4, .distance_cm = 5, .energy_kev = 25, .delta_beta = 1};
    o.delta_beta = std::pow(blur / blur_of(o), 2);
    return o;
}

struct stack {
    std::size_t angles, rows, columns;
    std::vector<float> values;

    stack(std::size_t a, std::size_t r, std::size_t c)
        : angles(a), rows(r), columns(c), values(a * r * c) {}
    projections view() { return {values.data(), {angles, rows, columns}}; }
    float& operator()(std::size_t a, std::size_t r, std::size_t c) {
        return values[(a * rows + r) * columns + c];
    }
};

// Transmissions between 0.1 and 0.9.
stack noise(std::size_t angles, std::size_t rows, std::size_t columns) {
    stack s(angles, rows, columns);
    s.values = random_numbers<float>(s.values.size());
    for (float& v : s.values) v = 0.5f + 0.4f * v;
    return s;
}

double largest_difference(const stack& a, const stack& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        worst = std::max(worst, std::abs(double(a.values[i]) - double(b.values[i])));
    }
    return worst;
}

// A quarter of the kernel, by a sum over frequencies, cut and divided by its whole sum.
std::vector<double> brute_kernel(const phase_retrieval& filter) {
    const std::size_t n = filter.margin() + 1, steps = 300;
    std::vector<double> cosine(n * steps), rows(n * steps), kernel(n * n);
    const auto frequency = [&](std::size_t i) { return (double(i) + 0.5) / double(steps) / 2; };
    for (std::size_t x = 0; x < n; ++x) {
        for (std::size_t i = 0; i < steps; ++i)
            cosine[x * steps + i] = std::cos(2 * pi * double(x) * frequency(i));
    }
    double sum = 0;
    for (std::size_t x = 0; x < n; ++x) {
        for (std::size_t j = 0; j < steps; ++j) {
            double& row = rows[x * steps + j];
            for (std::size_t i = 0; i < steps; ++i) {
                row += filter.transfer(frequency(i), frequency(j)) * cosine[x * steps + i];
            }
        }
        for (std::size_t y = 0; y < n; ++y) {
            double& value = kernel[y * n + x];
            for (std::size_t j = 0; j < steps; ++j) value += rows[x * steps + j] * cosine[y * steps + j];
            sum += (x > 0 ? 2 : 1) * (y > 0 ? 2 : 1) * value;
        }
    }
    for (double& value : kernel) value /= sum;
    return kernel;
}

// The whole kernel as the filter has it: what becomes of a single bright pixel.
stack measured_kernel(const phase_retrieval& filter, std::size_t columns) {
    const std::size_t reach = filter.margin();
    stack in(1, 2 * reach + 1, columns), out(1, 2 * reach + 1, columns);
    in(0, reach, columns / 2) = 1;
    filter.apply(in.view(), 0, out.view(), 1);
    return out;
}

} // namespace

TEST_CASE("the transfer function of Paganin's filter has the constants of the paper") {
    // 20 keV is 0.61992 Angstrom; mu = 4 pi beta / lambda; 1 + (z delta / mu) k^2, k in radians per cm.
    const paganin_options o{.pixel_cm = 0.65e-4, .distance_cm = 12, .energy_kev = 20, .delta_beta = 300};
    const double wavelength = 0.6199209921e-8, beta = 1e-9, delta = 300 * beta;
    const double mu = 4 * pi * beta / wavelength;
    const phase_retrieval filter(o, 256);
    CHECK(filter.blur() == Approx(std::sqrt(12 * delta / mu) / 0.65e-4).epsilon(1e-9));
    for (const auto& [u, v] : {std::pair{0.0, 0.0}, {0.01, 0.0}, {0.0, 0.07}, {0.3, -0.4}}) {
        const double k2 = 4 * pi * pi * (u * u + v * v) / (0.65e-4 * 0.65e-4);
        CHECK(filter.transfer(u, v) == Approx(1 / (1 + 12 * delta / mu * k2)).epsilon(1e-9));
    }
    CHECK(blur_of(o) == filter.blur());
}

TEST_CASE("a cosine pattern is attenuated by the transfer function") {
    for (const double blur : {1.0, 3.0}) {
        const phase_retrieval filter(with_blur(blur), 200);
        const std::size_t m = filter.margin(), rows = 8, columns = 200;
        for (const auto& [u, v] : {std::pair{0.0, 0.05}, {0.02, 0.0}, {0.11, 0.23}, {0.4, 0.1}}) {
            stack in(1, rows + 2 * m, columns), out(1, rows, columns);
            for (std::size_t r = 0; r < in.rows; ++r) {
                for (std::size_t k = 0; k < columns; ++k) {
                    in(0, r, k) = static_cast<float>(
                        0.6 + 0.3 * std::cos(2 * pi * (u * double(k) + v * double(r))));
                }
            }
            filter.apply(in.view(), m, out.view(), 1);
            double worst = 0;
            for (std::size_t r = 0; r < rows; ++r) {
                for (std::size_t k = m; k + m < columns; ++k) { // where edges are out of reach
                    const double wave = std::cos(2 * pi * (u * double(k) + v * double(r + m)));
                    worst = std::max(
                        worst, std::abs(out(0, r, k) - (0.6 + 0.3 * filter.transfer(u, v) * wave)));
                }
            }
            CHECK(worst < 0.3 * 3e-4 + 1e-6);
        }
    }
}

TEST_CASE("cutting the kernel changes the transfer function by less than 3e-4") {
    for (const double blur : {0.5, 1.5, 4.0, 9.0, 30.0}) {
        const phase_retrieval filter(with_blur(blur), 601);
        const std::size_t reach = filter.margin();
        stack kernel = measured_kernel(filter, 601);
        double below = 0, all = 0, sum = 0;
        for (const double v : {0.0, 0.003, 0.02, 0.1, 0.25, 0.4, 0.47, 0.5}) {
            std::vector<double> column(kernel.columns);
            for (std::size_t k = 0; k < kernel.columns; ++k) {
                for (std::size_t r = 0; r < kernel.rows; ++r) {
                    column[k] += kernel(0, r, k) * std::cos(2 * pi * v * (double(r) - double(reach)));
                }
            }
            for (const double u : {0.0, 0.005, 0.03, 0.15, 0.33, 0.4, 0.45, 0.5}) {
                double value = 0;
                for (std::size_t k = 0; k < kernel.columns; ++k) {
                    value += column[k] * std::cos(2 * pi * u * (double(k) - double(kernel.columns / 2)));
                }
                const double error = std::abs(value - filter.transfer(u, v));
                all = std::max(all, error);
                if (std::max(u, v) <= 0.4) below = std::max(below, error);
                if (u == 0 && v == 0) sum = value;
            }
        }
        CAPTURE(blur, reach);
        CHECK(sum == Approx(1).epsilon(2e-6)); // a constant stays what it is
        CHECK(below < 3e-4);
        CHECK(all < 4e-3);
    }
}

TEST_CASE("the filter is the convolution with the cut kernel, edges repeated") {
    const phase_retrieval filter(with_blur(0.8), 21);
    const std::size_t m = filter.margin(), rows = 9, columns = 21;
    const std::vector<double> kernel = brute_kernel(filter);
    stack in = noise(2, rows, columns), out(2, rows, columns);
    filter.apply(in.view(), 0, out.view(), 1);
    double worst = 0;
    const auto reach = static_cast<std::ptrdiff_t>(m);
    const auto inside = [](std::ptrdiff_t i, std::size_t n) {
        return static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(i, 0, static_cast<std::ptrdiff_t>(n) - 1));
    };
    for (std::size_t a = 0; a < 2; ++a) {
        for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t k = 0; k < columns; ++k) {
                double sum = 0;
                for (std::ptrdiff_t y = -reach; y <= reach; ++y) {
                    for (std::ptrdiff_t x = -reach; x <= reach; ++x) {
                        sum += kernel[static_cast<std::size_t>(std::abs(y)) * (m + 1) +
                                      static_cast<std::size_t>(std::abs(x))] *
                               in(a, inside(static_cast<std::ptrdiff_t>(r) + y, rows),
                                  inside(static_cast<std::ptrdiff_t>(k) + x, columns));
                    }
                }
                worst = std::max(worst, std::abs(sum - out(a, r, k)));
            }
        }
    }
    CHECK(worst < 5e-6);
}

TEST_CASE("chunks of rows, their order and threads do not matter") {
    const phase_retrieval filter(with_blur(1.2), 33);
    const std::size_t m = filter.margin(), rows = 3 * m + 5;
    stack in = noise(3, rows, 33), whole(3, rows, 33), parts(3, rows, 33), threads(3, rows, 33);
    filter.apply(in.view(), 0, whole.view(), 1);
    filter.apply(in.view(), 0, threads.view(), 2);
    CHECK(same_bits(whole.values, threads.values));
    for (const std::size_t step : {std::size_t{1}, std::size_t{13}, m + 3}) {
        for (std::size_t first = 0; first < rows; first += step) {
            const std::size_t n = std::min(step, rows - first), above = std::min(first, m);
            const std::size_t below = std::min(rows - first - n, m);
            filter.apply(in.view().slice(1, first - above, above + n + below), above,
                         parts.view().slice(1, first, n), 1);
        }
        CHECK(largest_difference(whole, parts) < 5e-7);
    }
}

TEST_CASE("rows out of reach have no influence, and rows can be filtered where they lie") {
    const phase_retrieval filter(with_blur(0.5), 24);
    const std::size_t m = filter.margin(), more = m + 4, rows = 6;
    stack in = noise(2, rows + 2 * more, 24), out(2, rows, 24), again(2, rows, 24);
    filter.apply(in.view(), more, out.view(), 1);
    for (std::size_t a = 0; a < 2; ++a) {
        for (std::size_t k = 0; k < 24; ++k) {
            in(a, 3, k) = 1e30f;
            in(a, in.rows - 4, k) = std::numeric_limits<float>::quiet_NaN();
        }
    }
    filter.apply(in.view(), more, again.view(), 1);
    CHECK(same_bits(out.values, again.values));
    const stack before = in;
    filter.apply(in.view(), more, in.view().slice(1, more, rows), 2);
    for (std::size_t a = 0; a < 2; ++a) {
        for (std::size_t r = 0; r < in.rows; ++r) {
            const float* const expected = r < more || r >= more + rows
                                              ? &before.values[(a * in.rows + r) * 24]
                                              : &out.values[(a * rows + r - more) * 24];
            CHECK(same_bits(std::vector<float>(&in(a, r, 0), &in(a, r, 0) + 24),
                            std::vector<float>(expected, expected + 24)));
        }
    }
}

TEST_CASE("options that make no sense are named") {
    const auto said = [](paganin_options o) {
        return message_of<std::runtime_error>([&] { phase_retrieval(o, 100); });
    };
    const paganin_options good{.pixel_cm = 1e-4, .distance_cm = 5, .energy_kev = 25, .delta_beta = 100};
    CHECK(said(good).empty());
    paganin_options o = good;
    o.pixel_cm = 0;
    CHECK_THAT(said(o), ContainsSubstring("pixel size is 0 cm, expected a positive number"));
    o = good;
    o.distance_cm = -3;
    CHECK_THAT(said(o), ContainsSubstring("distance is -3 cm"));
    o = good;
    o.energy_kev = std::nan("");
    CHECK_THAT(said(o), ContainsSubstring("energy is nan keV"));
    o = good;
    o.delta_beta = std::numeric_limits<double>::infinity();
    CHECK_THAT(said(o), ContainsSubstring("delta / beta is inf"));
    o = good;
    o.distance_cm = 1e6;
    CHECK_THAT(said(o), ContainsSubstring("expected at most 64: are pixel size"));

    const phase_retrieval filter(good, 100);
    stack in(1, 4, 100), out(1, 2, 100);
    CHECK_THAT(message_of([&] { filter.apply(in.view(), 3, out.view(), 1); }),
               ContainsSubstring("in is (1, 4, 100) with 3 rows above, out (1, 2, 100)"));
    stack narrow(1, 4, 99);
    CHECK(!message_of([&] { filter.apply(narrow.view(), 0, out.view(), 1); }).empty());
}
