// SPDX-License-Identifier: BSD-3-Clause
#include "scan/angles.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <stdexcept>

#include <destrier/gridrec.hpp>

namespace tomo {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double degree = pi / 180;
constexpr int most_half_turns = 4; // that a scan is expected to make

double middle_of(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// How much of a turn angles make, in their own units.
struct extent {
    std::size_t count;
    double first, last;
    double step; // the usual one

    explicit extent(std::vector<double> values) : count(values.size()) {
        std::sort(values.begin(), values.end());
        first = values.front();
        last = values.back();
        for (std::size_t i = 0; i + 1 < count; ++i) values[i] = values[i + 1] - values[i];
        values.pop_back();
        step = values.empty() ? 0 : middle_of(values);
    }

    double span() const { return last - first; }

    // Whether they make whole half turns, the end included or left out.
    bool makes_half_turns(double half_turn) const {
        if (count < 4) return false;
        for (int k = 1; k <= most_half_turns; ++k) {
            const double whole = k * half_turn;
            for (const double all : {span(), span() + step}) {
                if (std::abs(all - whole) <= 0.01 * whole) return true;
            }
        }
        return false;
    }
    // Whether they are so few degrees that they might be radians.
    bool is_small() const { return span() > 0 && span() < 1.01 * most_half_turns * pi; }
};

void require_finite(const std::vector<double>& values, const std::string& name) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(values[i])) continue;
        throw std::runtime_error(name + ": angle " + std::to_string(i) + " is " +
                                 std::to_string(values[i]) + ", expected a finite number");
    }
}

theta_units units_named(const std::string& declared, const std::string& name) {
    if (declared.empty()) return theta_units::automatic;
    if (declared.starts_with("deg")) return theta_units::degrees;
    if (declared.starts_with("rad")) return theta_units::radians;
    throw std::runtime_error(name + ": units are \"" + declared +
                             "\", expected degrees or radians; --theta-units says which");
}

const char* name_of(theta_units units) { return units == theta_units::radians ? "radians" : "degrees"; }

// "/exchange/theta: 0 to 3.14"
std::string range_text(const extent& all, const std::string& name) {
    char text[64];
    std::snprintf(text, sizeof text, ": %.4g to %.4g", all.first, all.last);
    return name + text;
}

// Sets `warning` where the numbers leave a doubt.
theta_units judge(const extent& all, theta_units declared, const std::string& name,
                  std::string& warning) {
    const std::string range = range_text(all, name);
    const bool are_degrees = all.makes_half_turns(180), are_radians = all.makes_half_turns(pi);
    if (declared == theta_units::automatic && are_radians) {
        warning = range + ", without units, are taken as radians; --theta-units degrees overrides";
        return theta_units::radians;
    }
    const theta_units units = declared == theta_units::automatic ? theta_units::degrees : declared;
    const bool is_radians = units == theta_units::radians;
    const char* const other = is_radians ? "degrees" : "radians";
    if (is_radians ? are_degrees : are_radians) {
        throw std::runtime_error(range + " are " + name_of(units) + " by their units, but look like " +
                                 other + ", in which they make whole half turns; --theta-units " +
                                 name_of(units) + " or " + other + " says which");
    }
    const bool looks_odd =
        is_radians ? all.span() > 1.01 * most_half_turns * pi
                   : all.is_small() && (all.count >= 4 || declared == theta_units::automatic);
    if (looks_odd) {
        warning = range + " are taken as " + name_of(units) + "; --theta-units " + other +
                  " says that they are not";
    }
    return units;
}

double turned_back(double angle, double period) { return angle - period * std::floor(angle / period); }

} // namespace

read_angles as_radians(std::vector<double> values, const std::string& declared, theta_units wanted,
                       const std::string& name) {
    require_finite(values, name);
    read_angles read{std::move(values), ""};
    if (read.theta.empty()) return read;
    if (wanted == theta_units::automatic) {
        wanted = judge(extent(read.theta), units_named(declared, name), name, read.warning);
    }
    if (wanted == theta_units::degrees) {
        for (double& angle : read.theta) angle *= degree;
    }
    return read;
}

std::vector<double> angle_weights(std::span<const double> theta, double period) {
    std::vector<double> turned;
    for (const double angle : theta) turned.push_back(angle * (pi / period));
    std::vector<double> weights = destrier::gridrec::angular_weights(turned);
    const double most = 2 * middle_of(weights);
    for (double& weight : weights) weight = std::min(weight, most);
    return weights;
}

std::vector<angle_gap> gaps(std::span<const double> theta, double period) {
    constexpr double equal = 1e-6; // radians
    std::vector<double> angles;
    for (const double angle : theta) angles.push_back(turned_back(angle, period));
    std::sort(angles.begin(), angles.end());
    const auto same = [](double a, double b) { return b - a < equal; };
    angles.erase(std::unique(angles.begin(), angles.end(), same), angles.end());

    const std::size_t n = angles.size();
    if (n == 0) return {};
    angles.push_back(angles.front() + period);
    // Half of the way to the one before and half of that to the next: angles that come in pairs, as
    // those of a whole turn nearly repeat the first half, have the step that both halves together make.
    std::vector<double> parts;
    for (std::size_t i = 0; i < n; ++i) {
        const double before = i > 0 ? angles[i] - angles[i - 1] : angles[n] - angles[n - 1];
        parts.push_back((before + angles[i + 1] - angles[i]) / 2);
    }
    const double widest = 3 * middle_of(parts);
    std::vector<angle_gap> found;
    for (std::size_t i = 0; i < n; ++i) {
        if (angles[i + 1] - angles[i] > widest) found.push_back({angles[i], angles[i + 1]});
    }
    return found;
}

std::string text_of(const angle_gap& gap) {
    char text[96];
    std::snprintf(text, sizeof text, "no projections between %.1f and %.1f degrees", gap.from / degree,
                  gap.to / degree);
    return text;
}

} // namespace tomo
