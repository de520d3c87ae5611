// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/phantom.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <destrier/parallel.hpp>

namespace tomo {
namespace {

constexpr int fine = 4; // points along a side of a pixel

} // namespace

phantom::phantom(std::size_t columns) {
    // Lengths in half widths; density 1 over the whole width attenuates by exp(-4).
    parts_ = {
        {0, 0, 0, 0.69, 0.92, 0.81, 0, 1.0},         {0, -0.0184, 0, 0.6624, 0.874, 0.78, 0, -0.8},
        {0.22, 0, 0, 0.11, 0.31, 0.22, -18, -0.2},   {-0.22, 0, 0, 0.16, 0.41, 0.28, 18, -0.2},
        {0, 0.35, -0.15, 0.21, 0.25, 0.41, 0, 0.1},  {0, 0.1, 0.25, 0.046, 0.046, 0.05, 0, 0.1},
        {0, -0.1, 0.25, 0.046, 0.046, 0.05, 0, 0.1}, {-0.08, -0.605, 0, 0.046, 0.023, 0.05, 0, 0.1},
        {0, -0.606, 0, 0.023, 0.023, 0.02, 0, 0.1},  {0.06, -0.605, 0, 0.023, 0.046, 0.02, 0, 0.1},
    };
    for (int i = -20; i <= 20; ++i) { // the helix: one turn is 9 beads
        const double turn = 2 * std::numbers::pi * i / 9;
        parts_.push_back(
            {0.55 * std::cos(turn), 0.66 * std::sin(turn), 0.025 * i, 0.028, 0.028, 0.028, 0, 0.4});
    }
    for (int i = 0; i < 6; ++i) { // the row: each bead 0.7 times as wide as the one before
        const double r = 0.03 * std::pow(0.7, i);
        parts_.push_back({-0.2 + 0.08 * i, -0.45, 0, r, r, 0.5, 0, 0.6});
    }

    const double half_width = static_cast<double>(columns) / 2;
    for (ellipsoid& e : parts_) {
        for (double* length : {&e.x, &e.y, &e.z, &e.a, &e.b, &e.c}) *length *= half_width;
        e.angle *= std::numbers::pi / 180;
        e.density *= 4 / static_cast<double>(columns);
    }
}

phantom::plane phantom::at(double z) const {
    plane cut;
    for (const ellipsoid& e : parts_) {
        const double height = (z - e.z) / e.c, rest = 1 - height * height;
        if (rest <= 0) continue;
        const double scale = std::sqrt(rest);
        cut.parts_.push_back(
            {e.x, e.y, e.a * scale, e.b * scale, std::cos(e.angle), std::sin(e.angle), e.density});
    }
    return cut;
}

void phantom::plane::project(double theta, double center, std::span<double> row) const {
    const double cosine = std::cos(theta), sine = std::sin(theta);
    for (const ellipse& e : parts_) {
        // Half the width of the shadow, along and across the ellipse's own axes.
        const double w = std::hypot(e.a * (cosine * e.cosine + sine * e.sine),
                                    e.b * (sine * e.cosine - cosine * e.sine));
        const double middle = e.x * cosine + e.y * sine + center;
        const double last = static_cast<double>(row.size()) - 1;
        if (middle + w < 0 || middle - w > last) continue;
        const auto begin = static_cast<std::size_t>(std::ceil(std::max(middle - w, 0.0)));
        const auto end = static_cast<std::size_t>(std::floor(std::min(middle + w, last))) + 1;
        const double full = 2 * e.a * e.b * e.density / (w * w);
        for (std::size_t k = begin; k < end; ++k) {
            const double d = static_cast<double>(k) - middle;
            row[k] += full * std::sqrt(std::max(w * w - d * d, 0.0));
        }
    }
}

// How many of the points of the pixel around (px, py) the ellipse holds. The points are within 0.54 of the middle,
// so that they need not be looked at one by one but near the ellipse's edge.
int phantom::ellipse::hits(double px, double py) const {
    const auto radius = [&](double dx, double dy) {
        const double p = ((px + dx - x) * cosine + (py + dy - y) * sine) / a;
        const double q = ((py + dy - y) * cosine - (px + dx - x) * sine) / b;
        return p * p + q * q;
    };
    const double middle = std::sqrt(radius(0, 0)), slack = 0.54 / std::min(a, b);
    if (middle > 1 + slack) return 0;
    if (middle < 1 - slack) return fine * fine;
    int inside = 0;
    for (int i = 0; i < fine * fine; ++i) {
        inside += radius((i % fine + 0.5) / fine - 0.5, (i / fine + 0.5) / fine - 0.5) <= 1;
    }
    return inside;
}

std::vector<float> phantom::slice(double z, std::size_t size, int threads) const {
    const plane cut = at(z);
    const auto origin = static_cast<double>(size / 2);
    std::vector<float> image(size * size);
    destrier::parallel_for(size, threads, [&](std::size_t row) {
        const double y = origin - static_cast<double>(row);
        std::vector<double> sums(size);
        for (const ellipse& e : cut.parts_) {
            if (std::abs(y - e.y) > e.reach() + 1) continue;
            const double left = std::clamp(e.x - e.reach() + origin - 1, 0.0, static_cast<double>(size));
            const double right =
                std::clamp(e.x + e.reach() + origin + 2, 0.0, static_cast<double>(size));
            for (auto column = static_cast<std::size_t>(left); column < static_cast<std::size_t>(right);
                 ++column) {
                sums[column] +=
                    e.density * e.hits(static_cast<double>(column) - origin, y) / (fine * fine);
            }
        }
        std::transform(sums.begin(), sums.end(), image.begin() + static_cast<std::ptrdiff_t>(row * size),
                       [](double sum) { return static_cast<float>(sum); });
    });
    return image;
}

} // namespace tomo
