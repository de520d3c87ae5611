// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "axis/half_acquisition.hpp"
#include "reference.hpp"
#include "scan/angles.hpp"
#include "simulate/phantom.hpp"

using namespace tomo;
using namespace reference;

namespace {

constexpr double pi = std::numbers::pi;

std::vector<double> turn(std::size_t angles, double range = 2 * pi) {
    std::vector<double> theta(angles);
    for (std::size_t i = 0; i < angles; ++i) {
        theta[i] = 0.3 + range * static_cast<double>(i) / static_cast<double>(angles);
    }
    return theta;
}

// Gaussians of sigma 2 pixels; a detector of pixels a sigma / 2 wide misses nothing of them.
struct blobs {
    struct blob {
        double x, y, height;
    };
    static constexpr double sigma = 2;
    std::vector<blob> all;

    // Within so many pixels from the axis.
    explicit blobs(double radius) {
        const std::vector<double> u = random_numbers<double>(60);
        for (std::size_t i = 0; i < 20; ++i) {
            const double r = (radius - 5 * sigma) * std::sqrt(std::abs(u[i])), angle = pi * u[20 + i];
            all.push_back({r * std::cos(angle), r * std::sin(angle), 1 + 0.5 * u[40 + i]});
        }
    }
    double at(double x, double y) const {
        double sum = 0;
        for (const blob& b : all) {
            sum += b.height *
                   std::exp(-(std::pow(x - b.x, 2) + std::pow(y - b.y, 2)) / (2 * sigma * sigma));
        }
        return sum;
    }
    // (angles, columns)
    std::vector<float> sinogram(std::span<const double> theta, double center,
                                std::size_t columns) const {
        std::vector<float> values;
        for (const double t : theta) {
            for (std::size_t k = 0; k < columns; ++k) {
                const double s = static_cast<double>(k) - center;
                double sum = 0;
                for (const blob& b : all) {
                    const double away = s - b.x * std::cos(t) - b.y * std::sin(t);
                    sum += b.height * sigma * std::sqrt(2 * pi) *
                           std::exp(-away * away / (2 * sigma * sigma));
                }
                values.push_back(static_cast<float>(sum));
            }
        }
        return values;
    }
};

// The ramp up to the Nyquist frequency, in space.
double ramp(double t) {
    const auto sinc = [](double x) { return x == 0 ? 1 : std::sin(pi * x) / (pi * x); };
    return sinc(t) / 2 - std::pow(sinc(t / 2), 2) / 4;
}

// One point of the slice, by the sum over all samples.
double filtered_back_projection(const std::vector<float>& sinogram, std::span<const double> theta,
                                std::span<const double> weights, double center, double x, double y) {
    const std::size_t columns = sinogram.size() / theta.size();
    double sum = 0;
    for (std::size_t p = 0; p < theta.size(); ++p) {
        const double s = x * std::cos(theta[p]) + y * std::sin(theta[p]) + center;
        for (std::size_t k = 0; k < columns; ++k) {
            const double g = sinogram[p * columns + k];
            if (g != 0) sum += weights[p] * g * ramp(s - static_cast<double>(k));
        }
    }
    return sum;
}

std::vector<float> widened(const wide_detector& wide, const std::vector<float>& sinogram,
                           std::size_t angles, double center) {
    std::vector<float> out(angles * wide.columns(), -1);
    wide.widen(const_projections(sinogram.data(), {angles, 1, sinogram.size() / angles}), {&center, 1},
               projections(out.data(), {angles, 1, wide.columns()}), 2);
    return out;
}

// Line integrals (angles, rows, columns) of the phantom, its head 0.9 of what the half acquisition can
// see; with the noise of so many photons.
struct phantom_scan {
    static constexpr std::size_t rows = 2, columns = 200;
    std::vector<double> theta;
    std::vector<float> values;

    phantom_scan(std::size_t angles, double center, double photons, double range = 2 * pi)
        : theta(turn(angles, range)) {
        const double longer = std::max(center, static_cast<double>(columns) - 1 - center);
        const phantom object(static_cast<std::size_t>(1.96 * longer));
        std::mt19937 random(1);
        std::normal_distribution<double> normal;
        for (const double t : theta) {
            for (std::size_t row = 0; row < rows; ++row) {
                std::vector<double> line(columns);
                object.project(5.0 * static_cast<double>(row), t, center, line);
                for (const double v : line) {
                    const double noise = std::exp(v / 2) * normal(random) / std::sqrt(photons);
                    values.push_back(static_cast<float>(v + noise));
                }
            }
        }
    }
    const_projections lines() const { return {values.data(), {theta.size(), rows, columns}}; }
};

std::string refusal_of(std::size_t columns, double center) {
    return message_of<std::runtime_error>([&] { wide_detector(columns, center); });
}

} // namespace

TEST_CASE("a half acquisition gives the slice of the full scan") {
    constexpr std::size_t columns = 90;
    // Either side; whole, half and other fractions of a pixel; an odd number of angles, none opposite.
    const auto [center, angles] = GENERATE(table<double, std::size_t>(
        {{75, 320}, {74.5, 320}, {75.3, 320}, {12.8, 320}, {60.37, 321}, {83.1, 321}, {14, 321}}));
    CAPTURE(center, angles);
    const wide_detector wide(columns, center);
    const double wide_center = wide.center(center),
                 radius = std::max(center, static_cast<double>(columns - 1) - center);
    REQUIRE(static_cast<double>(wide.columns()) > 2 * radius);
    const blobs object(radius);
    const std::vector<double> theta = turn(angles), weights = angle_weights(theta, 2 * pi);
    const std::vector<float> full = object.sinogram(theta, wide_center, wide.columns()),
                             half =
                                 widened(wide, object.sinogram(theta, center, columns), angles, center);
    double worst = 0, worst_of_full = 0;
    const std::vector<double> u = random_numbers<double>(120);
    for (std::size_t i = 0; i < 60; ++i) {
        const double x = 0.7 * radius * u[2 * i], y = 0.7 * radius * u[2 * i + 1];
        const double a = filtered_back_projection(full, theta, weights, wide_center, x, y),
                     b = filtered_back_projection(half, theta, weights, wide_center, x, y);
        worst = std::max(worst, std::abs(b - a));
        worst_of_full = std::max(worst_of_full, std::abs(a - object.at(x, y)));
    }
    CHECK(worst_of_full < 1e-6); // of blobs 0.5 to 1.5 high
    CHECK(worst < (std::fmod(center, 0.5) == 0 ? 1e-6 : 5e-4));
}

TEST_CASE("the overlap tells the axis of a half acquisition") {
    // To a twentieth of a pixel, wherever it is, with the noise of ten thousand photons a pixel.
    const auto [center, angles] = GENERATE(table<double, std::size_t>(
        {{15.0, 300}, {20.3, 301}, {49.75, 300}, {150.5, 301}, {168.2, 300}, {181.4, 301}}));
    CAPTURE(center, angles);
    const phantom_scan scan(angles, center, 1e4);
    const double found = overlap_axis(scan.lines(), scan.theta, 2);
    CHECK(std::abs(found - center) < 0.05);
    CHECK(is_half_acquisition(scan.theta, found, scan.columns));
    CHECK(found == overlap_axis(scan.lines(), scan.theta, 1));
}

TEST_CASE("an axis in the middle is told as well, and is no half acquisition") {
    const phantom_scan scan(300, 101.3, 1e4);
    const double found = overlap_axis(scan.lines(), scan.theta, 1);
    CHECK(std::abs(found - 101.3) < 0.05);
    CHECK(!is_half_acquisition(scan.theta, found, scan.columns));
}

TEST_CASE("stripes and a narrow overlap do not mislead") {
    phantom_scan scan(300, 191.6, 1e5); // 15 pixels of overlap
    const std::vector<double> gain = random_numbers<double>(scan.columns);
    for (std::size_t i = 0; i < scan.values.size(); ++i) {
        scan.values[i] += static_cast<float>(0.3 * gain[i % scan.columns]);
    }
    CHECK(std::abs(overlap_axis(scan.lines(), scan.theta, 1) - 191.6) < 0.05);
}

TEST_CASE("each slice is widened about its own axis") {
    constexpr std::size_t angles = 3, rows = 4, columns = 50;
    const std::vector<double> centers{40, 40.5, 38.2, 41};
    const std::vector<float> random = random_numbers<float>(angles * rows * columns * 2);
    // (angles, rows, columns) as a slice of something larger
    const const_projections in(random.data(), {angles, rows, columns},
                               {rows * columns * 2, columns * 2, 1});
    const wide_detector wide(columns, 40);
    std::vector<float> out(angles * rows * wide.columns());
    const projections all(out.data(), {angles, rows, wide.columns()});
    wide.widen(in, centers, all, 2);
    for (std::size_t row = 0; row < rows; ++row) {
        std::vector<float> sinogram;
        for (std::size_t p = 0; p < angles; ++p) {
            for (std::size_t k = 0; k < columns; ++k) sinogram.push_back(in(p, row, k));
        }
        const std::vector<float> alone = widened(wide, sinogram, angles, centers[row]);
        for (std::size_t i = 0; i < alone.size(); ++i) {
            CHECK(alone[i] == all(i / wide.columns(), row, i % wide.columns()));
        }
    }
}

TEST_CASE("weights of a ray seen twice add up to two") {
    constexpr std::size_t columns = 100;
    for (const double center : {82.5, 16.5, 60.0, 95.0}) {
        const wide_detector wide(columns, center);
        const std::vector<float> ones(columns, 1), weights = widened(wide, ones, 1, center);
        const auto mirrored = static_cast<std::size_t>(2 * wide.center(center));
        for (std::size_t k = 0; k < wide.columns() && k <= mirrored; ++k) {
            if (mirrored - k >= wide.columns()) continue;
            CHECK(weights[k] + weights[mirrored - k] == Approx(2));
        }
    }
}

TEST_CASE("what is no half acquisition is refused") {
    CHECK_THAT(refusal_of(100, 49.5), ContainsSubstring("the axis, 49.50, is in the middle of the 100"));
    CHECK_THAT(refusal_of(100, 50.4), ContainsSubstring("is in the middle"));
    CHECK(refusal_of(100, 50.6).empty());
    for (const double center : {-5.0, 0.0, 3.9, 95.1, 99.0, 130.0, std::nan("")}) {
        CHECK_THAT(refusal_of(100, center), ContainsSubstring("leaves no overlap"));
    }
    CHECK(refusal_of(100, 4).empty());

    const auto failure = [](const phantom_scan& scan) {
        return message_of<no_axis>([&] { overlap_axis(scan.lines(), scan.theta, 1); });
    };
    CHECK_THAT(failure(phantom_scan(180, 180, 1e4, pi)), ContainsSubstring("this is no whole turn"));
    CHECK_THAT(failure(phantom_scan(240, 180, 1e4, 4 * pi / 3)),
               ContainsSubstring("this is no whole turn"));
    CHECK_THAT(failure(phantom_scan(60, 180, 1e4)), ContainsSubstring("this is no whole turn"));
    phantom_scan noise(180, 180, 1e4);
    noise.values = random_numbers<float>(noise.values.size());
    CHECK_THAT(failure(noise), ContainsSubstring("opposite projections match nowhere"));
    const phantom_scan scan(180, 180, 1e4);
    CHECK_THAT(message_of<no_axis>([&] { overlap_axis(scan.lines().slice(2, 0, 60), scan.theta, 1); }),
               ContainsSubstring("has 60 columns, expected 64 or more"));
}

TEST_CASE("a whole turn is told from less") {
    CHECK(is_whole_turn(turn(360)));
    CHECK(is_whole_turn(turn(73)));
    CHECK(is_whole_turn(turn(800, 4 * pi)));
    CHECK(!is_whole_turn(turn(360, 2 * pi * 354 / 360)));
    CHECK(!is_whole_turn(turn(71)));
    CHECK(!is_whole_turn(turn(180, pi)));
    CHECK(!is_whole_turn({}));
    CHECK(!is_half_acquisition(turn(180, pi), 20, 200));
}
