// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/focal_plane.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <stdexcept>
#include <tuple>

#include "simulate/rotation.hpp"

namespace mapmaking {
namespace {

struct place {
    double x, y;
};

// Rings about the middle, each from the x axis on.
std::vector<place> hexagon(std::size_t pixels) {
    int rings = 0;
    while (static_cast<std::size_t>(3 * rings * (rings + 1) + 1) < pixels) ++rings;
    struct on_ring {
        int ring;
        double angle;
        place where;
    };
    std::vector<on_ring> all;
    for (int i = -rings; i <= rings; ++i) {
        for (int j = std::max(-rings, -rings - i); j <= std::min(rings, rings - i); ++j) {
            const place p{i + j / 2.0, j * std::numbers::sqrt3 / 2};
            const double angle = std::atan2(p.y, p.x);
            all.push_back({std::max({std::abs(i), std::abs(j), std::abs(i + j)}),
                           angle < 0 ? angle + 2 * std::numbers::pi : angle, p});
        }
    }
    std::sort(all.begin(), all.end(), [](const on_ring& a, const on_ring& b) {
        return std::tie(a.ring, a.angle) < std::tie(b.ring, b.angle);
    });
    std::vector<place> places;
    for (std::size_t k = 0; k < pixels; ++k) places.push_back(all[k].where);
    return places;
}

// Row by row.
std::vector<place> grid(std::size_t pixels) {
    std::size_t side = 1;
    while (side * side < pixels) ++side;
    const double middle = static_cast<double>(side - 1) / 2;
    std::vector<place> places;
    for (std::size_t k = 0; k < pixels; ++k) {
        places.push_back(
            {static_cast<double>(k / side) - middle, static_cast<double>(k % side) - middle});
    }
    return places;
}

void scale_to_one(std::vector<place>& places) {
    double radius = 0;
    for (const place& p : places) radius = std::max(radius, std::hypot(p.x, p.y));
    if (radius == 0) return;
    for (place& p : places) p = {p.x / radius, p.y / radius};
}

void check(const focal_plane_options& o) {
    if (o.detectors == 0) throw std::runtime_error("the number of detectors is 0, expected 1 or more");
    if (!(o.field_of_view >= 0 && o.field_of_view <= 120)) {
        throw std::runtime_error("the field of view is " + std::to_string(o.field_of_view) +
                                 " degrees, expected 0 to 120");
    }
    if (!(o.efficiency >= 0 && o.efficiency <= 1)) {
        throw std::runtime_error("the polarisation efficiency is " + std::to_string(o.efficiency) +
                                 ", expected 0 to 1");
    }
}

// D00, D01 ... with as many digits as the last one needs.
std::string pixel_name(std::size_t k, std::size_t pixels) {
    const std::string last = std::to_string(pixels - 1), number = std::to_string(k);
    return std::string("D")
        .append(std::max<std::size_t>(last.size(), 2) - number.size(), '0')
        .append(number);
}

} // namespace

std::vector<placed_detector> make_focal_plane(const focal_plane_options& options) {
    check(options);
    const std::size_t pixels = (options.detectors + 1) / 2;
    std::vector<place> places = options.shape == layout::hexagon ? hexagon(pixels) : grid(pixels);
    scale_to_one(places);
    std::vector<placed_detector> detectors;
    for (std::size_t k = 0; k < options.detectors; ++k) {
        const std::size_t pixel = k / 2;
        const place at = places[pixel];
        const double distance = radians(options.field_of_view / 2) * std::hypot(at.x, at.y);
        const double direction = std::atan2(at.y, at.x);
        const double gamma = radians((pixel % 2 == 0 ? 0.0 : 45.0) + (k % 2 == 0 ? 0.0 : 90.0));
        const std::string name = pixel_name(pixel, pixels);
        const char polarisation = k % 2 == 0 ? 'A' : 'B';
        const quaternion turned = turn_z(direction) * turn_y(distance) * turn_z(gamma - direction);
        detectors.push_back(
            {{name + polarisation, turned, options.efficiency, gamma}, name, polarisation, at.x, at.y});
    }
    return detectors;
}

} // namespace mapmaking
