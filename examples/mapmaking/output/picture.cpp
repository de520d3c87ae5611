// SPDX-License-Identifier: BSD-3-Clause
#include "output/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <healpix_cxx/healpix_base.h>

namespace mapmaking {
namespace {

using common::fill;
using common::rgb;
using common::width_of;
using common::write_text;

constexpr rgb background{16, 18, 24}, text{190, 196, 210}, nothing_known{92, 95, 102};
constexpr std::size_t panel_width = 640, margin = 16, bar_height = 14, bar_width = 256;
constexpr std::size_t line_height = common::text_height + 8;
constexpr double pi = std::numbers::pi, degree = pi / 180;

// ---- colors

rgb mixed(rgb from, rgb to, double part) {
    const auto channel = [part](std::uint8_t a, std::uint8_t b) {
        return static_cast<std::uint8_t>(std::lround(a + (b - a) * part));
    };
    return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

// Evenly spaced colors from the lowest value to the highest; both sequences are as light as their place says, to
// those who do not see colors too.
constexpr std::array<rgb, 5> sequential{
    {{38, 12, 74}, {50, 84, 150}, {32, 146, 140}, {122, 204, 96}, {252, 240, 120}}};
constexpr std::array<rgb, 5> about_zero{
    {{20, 50, 130}, {96, 156, 214}, {246, 246, 246}, {236, 140, 100}, {146, 18, 30}}};

rgb color_at(const std::array<rgb, 5>& colors, double part) {
    const double place = 4 * std::clamp(part, 0.0, 1.0);
    const auto before = std::min(static_cast<std::size_t>(place), colors.size() - 2);
    return mixed(colors[before], colors[before + 1], place - static_cast<double>(before));
}

struct color_range {
    scale kind;
    double low, high;

    double part_of(double value) const {
        if (kind == scale::logarithmic) return std::log(value / low) / std::log(high / low);
        return (value - low) / (high - low);
    }
    rgb at(double part) const {
        return color_at(kind == scale::diverging ? about_zero : sequential, part);
    }
    bool shows(double value) const {
        return is_seen(value) && (kind != scale::logarithmic || value > 0);
    }
    rgb operator()(double value) const { return shows(value) ? at(part_of(value)) : nothing_known; }
};

double quantile(std::vector<double>& values, double fraction) {
    const auto rank = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

// 3.5 standard deviations of normal numbers whose quartiles are that far apart.
constexpr double reach_of(double between_quartiles) { return 3.5 / 1.349 * between_quartiles; }

color_range linear_range(std::vector<double> values) {
    const double least = quantile(values, 0), most = quantile(values, 1);
    if (!(most > least)) return {scale::linear, least - 0.5, least + 0.5};
    const double reach = reach_of(quantile(values, 0.75) - quantile(values, 0.25));
    if (!(reach > 0)) return {scale::linear, least, most};
    const double middle = quantile(values, 0.5);
    return {scale::linear, std::max(least, middle - reach), std::min(most, middle + reach)};
}

color_range diverging_range(std::vector<double> values) {
    for (double& value : values) value = std::abs(value);
    const double most = quantile(values, 1), usual = reach_of(2 * quantile(values, 0.5));
    const double reach = usual > 0 ? std::min(usual, most) : most > 0 ? most : 1;
    return {scale::diverging, -reach, reach};
}

// But for the few of the edges.
color_range logarithmic_range(std::vector<double> values) {
    const double low = quantile(values, 0.005), high = quantile(values, 0.995);
    return {scale::logarithmic, low, high > low ? high : 2 * low};
}

color_range fitting_range(scale kind, std::vector<double> values) {
    if (values.empty()) values = {1};
    switch (kind) {
    case scale::diverging: return diverging_range(std::move(values));
    case scale::logarithmic: return logarithmic_range(std::move(values));
    default: return linear_range(std::move(values));
    }
}

// ---- what is where

// The number of the map's pixel under each pixel of a panel, or none.
struct view {
    static constexpr int none = -1;

    std::size_t width, height;
    std::size_t nside; // of the pixels' NESTED numbers
    std::vector<int> pixels;
    std::string caption;
};

// Pixels no smaller than some two thirds of the picture's, whose angular size is given.
std::size_t shown_nside(std::size_t nside, double size) {
    const double mean_width = std::sqrt(pi / 3);
    while (nside > 1 && mean_width / static_cast<double>(nside) < 0.7 * size) nside /= 2;
    return nside;
}

Healpix_Base sphere_of(std::size_t nside) { return {static_cast<int>(nside), NEST, SET_NSIDE}; }

view whole_sphere(std::size_t nside) {
    view v{panel_width, panel_width / 2, shown_nside(nside, 2 * pi / panel_width), {}, "whole sky"};
    const Healpix_Base sphere = sphere_of(v.nside);
    for (std::size_t i = 0; i < v.width * v.height; ++i) {
        const double x = 4 * (static_cast<double>(i % v.width) + 0.5) / static_cast<double>(v.width) - 2;
        const double y =
            1 - 2 * (static_cast<double>(i / v.width) + 0.5) / static_cast<double>(v.height);
        const double theta = std::asin(y), longitude = -pi / 2 * x / std::cos(theta);
        const bool on_it = std::abs(longitude) <= pi;
        v.pixels.push_back(on_it ? sphere.zphi2pix((2 * theta + std::sin(2 * theta)) / pi,
                                                   longitude + (longitude < 0 ? 2 * pi : 0))
                                 : view::none);
    }
    return v;
}

// The plane that touches the sphere in the middle of what was seen; east is to the left.
struct tangent_plane {
    vec3 middle, east, north;

    explicit tangent_plane(const vec3& towards) : middle(towards.Norm()) {
        const vec3 pole = std::hypot(middle.x, middle.y) > 1e-9 ? vec3(0, 0, 1) : vec3(-1, 0, 0);
        east = crossprod(pole, middle).Norm();
        north = crossprod(middle, east);
    }
    vec3 direction(double to_east, double to_north) const {
        return middle + east * to_east + north * to_north;
    }
};

// A window in that plane.
struct patch {
    tangent_plane plane;
    double center_east, center_north, half_width, half_height; // in units of the sphere's radius

    double size() const { return 2 * half_width / panel_width; } // of a pixel of the picture
};

std::vector<vec3> seen_directions(std::span<const double> nested, std::size_t nside) {
    const Healpix_Base sphere = sphere_of(nside);
    std::vector<vec3> directions;
    for (std::size_t i = 0; i < nested.size(); ++i) {
        if (is_seen(nested[i])) directions.push_back(sphere.pix2vec(static_cast<int>(i)));
    }
    return directions;
}

struct extent {
    double low = std::numeric_limits<double>::infinity(), high = -low;

    void include(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    double middle() const { return (low + high) / 2; }
    double half() const { return (high - low) / 2; }
};

// What was seen, with a border, if it all lies within 50 degrees around its middle.
std::optional<patch> small_patch(const std::vector<vec3>& seen, std::size_t nside) {
    vec3 sum(0, 0, 0);
    for (const vec3& direction : seen) sum += direction;
    if (!(sum.Length() > 0)) return std::nullopt;
    const tangent_plane plane(sum);
    extent to_east, to_north;
    for (const vec3& direction : seen) {
        const double depth = dotprod(direction, plane.middle);
        if (depth < std::cos(50 * degree)) return std::nullopt;
        to_east.include(dotprod(direction, plane.east) / depth);
        to_north.include(dotprod(direction, plane.north) / depth);
    }
    const double border = 2 / static_cast<double>(nside); // two pixels
    const double half_width = std::max(to_east.half(), to_north.half() / 1.2) + border;
    const double half_height = std::max(to_north.half() + border, half_width / 4);
    return patch{plane, to_east.middle(), to_north.middle(), half_width, half_height};
}

std::string number_text(const char* format, double value) {
    char out[40];
    std::snprintf(out, sizeof out, format, value);
    return out;
}

std::string caption_of(const patch& p) {
    const vec3 middle = p.plane.direction(p.center_east, p.center_north).Norm();
    const double longitude = std::atan2(middle.y, middle.x) / degree;
    const auto across = [](double half) { return number_text("%.1f", 2 * std::atan(half) / degree); };
    return across(p.half_width) + " x " + across(p.half_height) + " degrees around " +
           number_text("(%.1f, ", longitude < 0 ? longitude + 360 : longitude) +
           number_text("%.1f)", std::asin(middle.z) / degree);
}

view zoomed(const patch& p, std::size_t nside) {
    const double size = p.size();
    view v{panel_width,
           static_cast<std::size_t>(2 * p.half_height / size),
           shown_nside(nside, size),
           {},
           caption_of(p)};
    const Healpix_Base sphere = sphere_of(v.nside);
    for (std::size_t i = 0; i < v.width * v.height; ++i) {
        const double to_east =
            p.center_east + p.half_width - size * (static_cast<double>(i % v.width) + 0.5);
        const double to_north =
            p.center_north + p.half_height - size * (static_cast<double>(i / v.width) + 0.5);
        v.pixels.push_back(sphere.vec2pix(p.plane.direction(to_east, to_north)));
    }
    return v;
}

// ---- drawing

void draw_bar(drawing& d, std::size_t left, std::size_t top, const color_range& range) {
    const std::string low = number_text("%.3g", range.low), high = number_text("%.3g", range.high);
    const std::size_t bar = left + (panel_width - bar_width) / 2;
    for (std::size_t x = 0; x < bar_width; ++x)
        fill(d, bar + x, top, 1, bar_height, range.at(static_cast<double>(x) / (bar_width - 1)));
    write_text(d, bar - width_of(low) - common::letter_width, top, low, text);
    write_text(d, bar + bar_width + common::letter_width, top, high, text);
}

// A panel's values in the pixels that are shown.
struct shown_panel {
    std::string title;
    std::vector<double> values;
    color_range range;
};

std::size_t panel_height(const view& v) { return v.height + 2 * line_height; }

void draw_panel(drawing& d, std::size_t left, std::size_t top, const view& v, const shown_panel& p) {
    write_text(d, left, top, std::string_view(p.title).substr(0, panel_width / common::letter_width),
               text);
    top += line_height;
    for (std::size_t i = 0; i < v.pixels.size(); ++i) {
        if (v.pixels[i] == view::none) continue;
        d.pixels[(top + i / v.width) * d.width + left + i % v.width] =
            p.range(p.values[static_cast<std::size_t>(v.pixels[i])]);
    }
    draw_bar(d, left, top + v.height + 8, p.range);
}

// ---- panels

void require_panels(std::size_t nside, const std::vector<picture_panel>& panels) {
    if (panels.empty()) throw std::invalid_argument("draw_picture: there are no panels");
    for (const picture_panel& p : panels) {
        if (p.values.size() != 12 * nside * nside) {
            throw std::invalid_argument("draw_picture: " + p.title + " has " +
                                        std::to_string(p.values.size()) + " values, expected " +
                                        std::to_string(12 * nside * nside) + " for nside " +
                                        std::to_string(nside));
        }
        if (p.like && *p.like >= panels.size()) {
            throw std::invalid_argument("draw_picture: " + p.title + " is like panel " +
                                        std::to_string(*p.like) + " of " +
                                        std::to_string(panels.size()));
        }
    }
}

shown_panel shown(const picture_panel& p, std::size_t nside, ordering order, std::size_t shown_nside) {
    shown_panel out{p.title,
                    resized(reordered(p.values, nside, order, ordering::nest), nside, shown_nside),
                    {p.kind, 0, 1}};
    std::vector<double> visible;
    std::copy_if(out.values.begin(), out.values.end(), std::back_inserter(visible),
                 [&](double value) { return out.range.shows(value); });
    out.range = fitting_range(p.kind, std::move(visible));
    return out;
}

void widen_like(color_range& range, const color_range& other) {
    const double middle = (range.low + range.high) / 2, half = (other.high - other.low) / 2;
    range.low = middle - half;
    range.high = middle + half;
}

view view_of(std::size_t nside, ordering order, const picture_panel& first) {
    const std::size_t coarse = std::min<std::size_t>(nside, 256);
    const std::vector<double> nested =
        resized(reordered(first.values, nside, order, ordering::nest), nside, coarse);
    const std::optional<patch> part = small_patch(seen_directions(nested, coarse), coarse);
    return part ? zoomed(*part, nside) : whole_sphere(nside);
}

std::size_t panels_in_row(std::size_t panels) {
    return panels == 4 ? 2 : std::min<std::size_t>(panels, 3);
}

} // namespace

drawing draw_picture(std::size_t nside, ordering order, const std::vector<picture_panel>& panels) {
    require_panels(nside, panels);
    const view v = view_of(nside, order, panels.front());
    std::vector<shown_panel> ready;
    for (const picture_panel& p : panels) ready.push_back(shown(p, nside, order, v.nside));
    for (std::size_t i = 0; i < panels.size(); ++i) {
        if (panels[i].like) widen_like(ready[i].range, ready[*panels[i].like].range);
    }

    const std::size_t in_row = panels_in_row(panels.size());
    const std::size_t rows = (panels.size() + in_row - 1) / in_row;
    const std::size_t step_x = panel_width + margin, step_y = panel_height(v) + margin;
    drawing d{in_row * step_x + margin, {}};
    d.pixels.assign(d.width * (rows * step_y + margin + line_height), background);
    for (std::size_t i = 0; i < ready.size(); ++i)
        draw_panel(d, margin + i % in_row * step_x, margin + i / in_row * step_y, v, ready[i]);
    write_text(d, margin, margin + rows * step_y, v.caption + ", nside " + std::to_string(nside), text);
    return d;
}

void write_picture(const std::filesystem::path& path, std::size_t nside, ordering order,
                   const std::vector<picture_panel>& panels) {
    const drawing d = draw_picture(nside, order, panels);
    common::write_png(path, d.width, std::span<const rgb>(d.pixels));
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
    std::vector<double> out(a.size(), unseen), seen;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (is_seen(a[i]) && is_seen(b[i])) seen.push_back(out[i] = a[i] - b[i]);
    }
    if (seen.empty()) return out;
    const double median = quantile(seen, 0.5);
    for (double& value : out) value = is_seen(value) ? value - median : value;
    return out;
}

} // namespace mapmaking
