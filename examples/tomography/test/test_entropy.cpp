// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include "axis/entropy.hpp"
#include "reference.hpp"
#include "simulate/phantom.hpp"

using namespace tomo;
using namespace reference;
using destrier::view;

namespace {

constexpr double pi = std::numbers::pi;

// A slice of the phantom, its head `size` times 0.92 of the shorter side of the detector, with the noise
// of so many photons (0: none).
struct sinogram {
    std::size_t columns;
    std::vector<double> theta;
    std::vector<float> values;

    sinogram(std::size_t columns_, double center, double photons, double size = 1,
             std::size_t angles = 330)
        : columns(columns_) {
        const double shorter = std::min(center, static_cast<double>(columns - 1) - center);
        const phantom object(static_cast<std::size_t>(2 * size * shorter));
        std::mt19937 random(1);
        std::normal_distribution<double> normal;
        for (std::size_t p = 0; p < angles; ++p) {
            theta.push_back(pi * static_cast<double>(p) / static_cast<double>(angles));
            std::vector<double> line(columns);
            object.project(2, theta.back(), center, line);
            for (const double v : line) {
                const double noise =
                    photons > 0 ? std::exp(v / 2) * normal(random) / std::sqrt(photons) : 0;
                values.push_back(static_cast<float>(v + noise));
            }
        }
    }
    view<const float, 2> lines() const { return {values.data(), {theta.size(), columns}}; }
};

} // namespace

TEST_CASE("the entropy is least about the true axis") {
    const auto [center, photons, size] = GENERATE(table<double, double, double>({
        {100.0, 1e4, 1},   // far from the middle
        {117.23, 1e4, 1},  //
        {127.5, 1e4, 1},   // the middle
        {131.81, 1e4, 1},  //
        {122.88, 0, 1},    //
        {122.88, 1000, 1}, //
        {125.4, 1e4, 1.4}, // an object wider than the detector
    }));
    CAPTURE(center, photons, size);
    const sinogram scan(256, center, photons, size);
    const double found = entropy_axis(scan.lines(), scan.theta, center + 3.1, 8, 2);
    CHECK(std::abs(found - center) < 0.1);
}

TEST_CASE("the axis is found from anywhere in the middle half of the detector") {
    const sinogram scan(384, 173.4, 1e4);
    const double found = entropy_axis(scan.lines(), scan.theta, 191.5, 96, 2);
    CHECK(std::abs(found - 173.4) < 0.1);
    CHECK(found == entropy_axis(scan.lines(), scan.theta, 191.5, 96, 1));
}

TEST_CASE("wide detectors are searched with columns side by side in one") {
    const sinogram scan(1100, 530.3, 1e4);
    CHECK(std::abs(entropy_axis(scan.lines(), scan.theta, 531, 4, 2) - 530.3) < 0.1);
}

TEST_CASE("an entropy without a minimum is no axis") {
    const sinogram scan(128, 60, 1e4);
    const auto failure = [&](double near, double reach) {
        return message_of<no_axis>([&] { entropy_axis(scan.lines(), scan.theta, near, reach, 1); });
    };
    CHECK_THAT(failure(70, 4),
               ContainsSubstring("least at the end of the range, 66.00 of 66.00 to 74.00"));
    CHECK_THAT(failure(70, 60), ContainsSubstring("10.00 to 130.00 is not within 16.00 to 112.00"));
    CHECK_THAT(failure(std::nan(""), 4), ContainsSubstring("is not within"));
    CHECK_THAT(
        message_of<no_axis>([&] { entropy_axis(scan.lines().slice(1, 0, 60), scan.theta, 30, 4, 1); }),
        ContainsSubstring("has 60 columns, expected 64 or more"));
}
