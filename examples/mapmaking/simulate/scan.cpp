// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/scan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include <destrier/parallel.hpp>

#include "simulate/rotation.hpp"

namespace mapmaking {
namespace {

constexpr double turn = 2 * std::numbers::pi;
constexpr double day = 86400;
constexpr double year_2000 = 946728000; // its January 1st 12:00 UTC, in seconds since 1970
constexpr double obliquity = 23.4393;   // degrees
constexpr double astronomical_unit = 149597870.7;

void require(bool holds, const std::string& name, double value, const std::string& expected) {
    if (!holds)
        throw std::runtime_error(name + " is " + std::to_string(value) + ", expected " + expected);
}

void check(const satellite_scan& how) {
    const auto angle = [](const char* name, double value) {
        require(value >= 0 && value <= 180, name, value, "0 to 180 degrees");
    };
    const auto period = [](const char* name, double value) {
        require(value > 0 && std::isfinite(value), name, value, "a positive number");
    };
    angle("the spin angle", how.spin_angle);
    angle("the precession angle", how.precession_angle);
    period("the spin period", how.spin_period);
    period("the precession period", how.precession_period);
    period("the year", how.year);
}

void check(const ground_scan& how) {
    require(std::abs(how.latitude) <= 90, "the latitude", how.latitude, "-90 to 90 degrees");
    require(std::abs(how.longitude) <= 360, "the longitude", how.longitude, "-360 to 360 degrees");
    require(how.elevation > 0 && how.elevation < 90, "the elevation", how.elevation,
            "more than 0 and less than 90 degrees");
    require(how.azimuth_last > how.azimuth_first && how.azimuth_last <= how.azimuth_first + 360,
            "the last azimuth", how.azimuth_last,
            "at most a turn more than the first, " + std::to_string(how.azimuth_first));
    require(how.rate > 0 && std::isfinite(how.rate), "the scan rate", how.rate, "a positive number");
    require(how.acceleration > 0 && std::isfinite(how.acceleration), "the acceleration",
            how.acceleration, "a positive number");
}

// From 0 to a turn.
double phase(double time, double period) {
    const double turns = time / period;
    return turn * (turns - std::floor(turns));
}

double seconds(const timing& when, std::size_t i) {
    return static_cast<double>(when.first + i) / when.rate;
}

// Mean ecliptic longitude of the Earth as seen from the Sun, at a number of seconds since 1970.
double earth_longitude(double time) { return radians(100.46) + phase(time - year_2000, 365.25 * day); }

void put(std::vector<double>& to, std::size_t i, const quaternion& q) {
    std::copy(q.begin(), q.end(), to.begin() + static_cast<std::ptrdiff_t>(4 * i));
}

// Times, dead times, and the Earth about the Sun.
scan common_part(const timing& when) {
    const std::size_t n = when.samples;
    scan s;
    s.times.resize(n);
    s.boresight.resize(4 * n);
    s.position.resize(3 * n);
    s.velocity.resize(3 * n);
    s.flags.resize(n);
    const double speed = astronomical_unit * turn / (365.25 * day);
    const double c = std::cos(radians(obliquity)), e = std::sin(radians(obliquity));
    for (std::size_t i = 0; i < n; ++i) {
        const double since = seconds(when, i);
        s.times[i] = when.start + since;
        const double longitude = earth_longitude(s.times[i]);
        const double x = std::cos(longitude), y = std::sin(longitude);
        const std::array<double, 3> there{x, y * c, y * e}, onward{-y, x * c, x * e};
        for (std::size_t k = 0; k < 3; ++k) {
            s.position[3 * i + k] = astronomical_unit * there[k];
            s.velocity[3 * i + k] = speed * onward[k];
        }
        const bool dead =
            when.dead_every > 0 && std::fmod(since, when.dead_every) >= when.dead_every - when.dead_time;
        s.flags[i] = dead ? invalid_flag : 0;
    }
    return s;
}

// Runs of samples for which holds(i).
template <class F>
std::vector<interval> runs(std::size_t n, F holds) {
    std::vector<interval> all;
    for (std::size_t i = 0; i < n; ++i) {
        if (!holds(i)) continue;
        const std::size_t begin = i;
        while (i < n && holds(i)) ++i;
        all.push_back({begin, i});
    }
    return all;
}

// A sweep forth and back with constant speed, and constant acceleration beyond both ends.
class sweep {
public:
    // Parts of it, in their order in time; turnarounds are cut in halves.
    enum part { forth, slowing, backing, back, slowing_again, turning_forth };

    sweep(double first, double last, const ground_scan& how)
        : first_(first), last_(last), rate_(how.rate), acceleration_(how.acceleration),
          scan_((last - first) / how.rate), turnaround_(2 * how.rate / how.acceleration) {}

    part part_at(double time) const {
        const auto [returning, since] = leg(time);
        const int at = since < scan_ ? 0 : since < scan_ + turnaround_ / 2 ? 1 : 2;
        return static_cast<part>(returning ? at + 3 : at);
    }
    // Degrees.
    double azimuth(double time) const {
        const auto [returning, since] = leg(time);
        const double beyond = std::max(since - scan_, 0.0);
        const double along = rate_ * since - acceleration_ * beyond * beyond / 2;
        return returning ? last_ - along : first_ + along;
    }

private:
    struct place {
        bool returning;
        double since; // seconds since the scan's end was left
    };
    place leg(double time) const {
        const double one_way = scan_ + turnaround_, at = std::fmod(time, 2 * one_way);
        return at < one_way ? place{false, at} : place{true, at - one_way};
    }

    double first_, last_, rate_, acceleration_, scan_, turnaround_;
};

std::vector<interval> merged(const std::vector<interval>& a, const std::vector<interval>& b) {
    std::vector<interval> all(a);
    all.insert(all.end(), b.begin(), b.end());
    std::sort(all.begin(), all.end(),
              [](const interval& x, const interval& y) { return x.begin < y.begin; });
    return all;
}

std::vector<named_intervals> intervals_of(const std::vector<sweep::part>& parts) {
    const auto those = [&](std::initializer_list<sweep::part> wanted) {
        return runs(parts.size(), [&](std::size_t i) {
            return std::find(wanted.begin(), wanted.end(), parts[i]) != wanted.end();
        });
    };
    const auto scan_right = those({sweep::forth}), scan_left = those({sweep::back});
    const auto turn_right = those({sweep::slowing, sweep::backing});
    const auto turn_left = those({sweep::slowing_again, sweep::turning_forth});
    const auto throw_right = those({sweep::turning_forth, sweep::forth, sweep::slowing});
    const auto throw_left = those({sweep::backing, sweep::back, sweep::slowing_again});
    return {{"scan_leftright", scan_right},
            {"scan_rightleft", scan_left},
            {"scanning", merged(scan_right, scan_left)},
            {"turn_leftright", turn_right},
            {"turn_rightleft", turn_left},
            {"turnaround", merged(turn_right, turn_left)},
            {"throw_leftright", throw_right},
            {"throw_rightleft", throw_left},
            {"throw", merged(throw_right, throw_left)}};
}

// Where the horizon's frame lies among the stars.
quaternion horizon(const ground_scan& site, double time) {
    const double days = (time - year_2000) / day;
    const double sidereal = radians(280.46061837 + std::fmod(360.98564736629 * days, 360.0));
    return turn_z(sidereal + radians(site.longitude)) * turn_y(radians(90 - site.latitude)) *
           turn_z(std::numbers::pi);
}

} // namespace

scan make_scan(const satellite_scan& how, const timing& when, int threads) {
    check(how);
    scan s = common_part(when);
    const quaternion ecliptic = turn_x(radians(obliquity));
    const double longitude = earth_longitude(when.start);
    destrier::parallel_for(when.samples, threads, [&](std::size_t i) {
        const double since = seconds(when, i);
        const quaternion away =
            turn_z(longitude + phase(since, how.year * day)) * turn_y(std::numbers::pi / 2);
        const quaternion spin_axis =
            turn_z(phase(since, how.precession_period)) * turn_y(radians(how.precession_angle));
        const quaternion sight = turn_z(phase(since, how.spin_period)) * turn_y(radians(how.spin_angle));
        put(s.boresight, i, ecliptic * away * spin_axis * sight);
    });
    s.intervals = {{"scanning", runs(when.samples, [&](std::size_t i) { return s.flags[i] == 0; })}};
    return s;
}

scan make_scan(const ground_scan& how, const timing& when, std::size_t k, int threads) {
    check(how);
    scan s = common_part(when);
    const bool mirrored = how.mirror && k % 2 == 1;
    const sweep motion(mirrored ? 360 - how.azimuth_last : how.azimuth_first,
                       mirrored ? 360 - how.azimuth_first : how.azimuth_last, how);
    std::vector<sweep::part> parts(when.samples);
    s.horizontal.resize(4 * when.samples);
    s.azimuth.resize(when.samples);
    s.elevation.assign(when.samples, radians(how.elevation));
    destrier::parallel_for(when.samples, threads, [&](std::size_t i) {
        const double since = static_cast<double>(i) / when.rate; // each observation begins with a scan
        parts[i] = motion.part_at(since);
        s.azimuth[i] = radians(motion.azimuth(since));
        const quaternion there = turn_z(-s.azimuth[i]) * turn_y(radians(90 - how.elevation));
        put(s.horizontal, i, there);
        put(s.boresight, i, horizon(how, s.times[i]) * there);
        if (parts[i] != sweep::forth && parts[i] != sweep::back) s.flags[i] |= turnaround_flag;
    });
    s.intervals = intervals_of(parts);
    return s;
}

} // namespace mapmaking
