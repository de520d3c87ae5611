// SPDX-License-Identifier: BSD-3-Clause
//
// Simulated observations: the noise has the spectrum asked for, telescopes look where spherical trigonometry says,
// and files say to a reader what the simulation did.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <filesystem>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include <healpix_cxx/healpix_base.h>

#include "common/test_files.hpp"
#include "observation/observation.hpp"
#include "output/sky_map.hpp"
#include "simulate/focal_plane.hpp"
#include "simulate/noise_stream.hpp"
#include "simulate/observed_sky.hpp"
#include "simulate/rotation.hpp"
#include "simulate/scan.hpp"
#include "simulate/simulate.hpp"
#include "simulate/toast_file.hpp"

#include "reference.hpp"

using namespace mapmaking;
using namespace reference;
namespace fs = std::filesystem;
using common::scratch;

namespace {

constexpr double pi = std::numbers::pi;

using vector = std::array<double, 3>;

double dot(const vector& a, const vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
double angle(const vector& a, const vector& b) {
    return std::acos(std::clamp(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)), -1.0, 1.0)) * 180 / pi;
}

// Columns of the rotation's matrix: where the axes go.
vector x_axis(const double* q) {
    return {1 - 2 * (q[1] * q[1] + q[2] * q[2]), 2 * (q[0] * q[1] + q[2] * q[3]),
            2 * (q[0] * q[2] - q[1] * q[3])};
}
vector z_axis(const double* q) {
    return {2 * (q[0] * q[2] + q[1] * q[3]), 2 * (q[1] * q[2] - q[0] * q[3]),
            1 - 2 * (q[0] * q[0] + q[1] * q[1])};
}
vector z_axis(const std::vector<double>& q, std::size_t i) { return z_axis(&q[4 * i]); }

const std::vector<interval>& intervals_of(const scan& s, const std::string& name) {
    const auto found = std::find_if(s.intervals.begin(), s.intervals.end(),
                                    [&](const named_intervals& i) { return i.name == name; });
    REQUIRE(found != s.intervals.end());
    return found->intervals;
}

std::vector<double> stream(noise_maker& maker, std::size_t lane, std::size_t samples) {
    std::vector<double> values(samples);
    maker.add(lane, 1, values);
    return values;
}

// The power of a stream at a frequency of k turns, through a Hann window.
double power(const std::vector<double>& x, double k, double rate) {
    const auto n = static_cast<double>(x.size());
    const double turn = 2 * pi / n;
    std::complex<double> sum = 0;
    double window = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto t = static_cast<double>(i);
        const double w = 1 - std::cos(turn * t);
        sum += w * x[i] * std::polar(1.0, -turn * k * t);
        window += w * w;
    }
    return std::norm(sum) / window / rate;
}

simulate_options small(const fs::path& output) {
    simulate_options o;
    o.output = output;
    o.sky_nside = 8;
    o.duration = 60;
    o.focal_plane.detectors = 3;
    o.threads = 1;
    return o;
}

struct samples {
    std::vector<double> signal;
    std::vector<std::uint8_t> flags;
};

// With all bits of the flags; nothing is refused.
samples read(const fs::path& path, std::size_t d) {
    common::h5::file file = common::h5::file::open(path);
    const std::size_t n = file.open_dataset("/shared/times").extents().at(0);
    samples s{std::vector<double>(n), std::vector<std::uint8_t>(n)};
    file.open_dataset("/detdata/signal").read_part<double>({d, 0}, {1, n}, s.signal);
    file.open_dataset("/detdata/flags").read_part<std::uint8_t>({d, 0}, {1, n}, s.flags);
    return s;
}

template <class F>
std::string complaint(F&& f) {
    try {
        f();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "nothing";
}

} // namespace

TEST_CASE("noise has the spectrum that was asked for", "[simulate]") {
    constexpr std::size_t n = 3000, batches = 12;
    const double rate = 20;
    const noise_options noise{2e-4, 0.5, 1.7, 1e-3};
    noise_maker maker(n, rate, 1);
    const std::vector<double> turns{12, 20, 40, 75, 150, 400, 1000, 1450}; // 0.08 Hz to 9.7 Hz
    std::vector<double> measured(turns.size());
    for (std::size_t b = 0; b < batches; ++b) {
        std::vector<noise_seed> seeds;
        for (std::size_t k = 0; k < noise_maker::lanes; ++k) seeds.push_back({7, 0, 100 * b + k});
        maker.make(std::vector<noise_options>(seeds.size(), noise), seeds);
        for (std::size_t k = 0; k < seeds.size(); ++k) {
            const std::vector<double> x = stream(maker, k, n);
            for (std::size_t f = 0; f < turns.size(); ++f) {
                for (const double beside : {-3, 0, 3}) // far enough apart to know nothing of each other
                    measured[f] += power(x, turns[f] + beside, rate);
            }
        }
    }
    // 288 numbers that spread as much as they are large: 6 % of their mean, and some for the window.
    const auto density = [&](double frequency) {
        return noise.net * noise.net * (1 + std::pow(noise.knee / frequency, noise.slope)) /
               (1 + std::pow(noise.lowest / frequency, noise.slope));
    };
    const double count = batches * static_cast<double>(noise_maker::lanes);
    for (std::size_t f = 0; f < turns.size(); ++f) {
        double expected = 0;
        for (const double beside : {-3, 0, 3}) expected += density((turns[f] + beside) * rate / n);
        INFO(turns[f] << " turns");
        CHECK(measured[f] / count == Approx(expected).epsilon(0.2));
    }
}

TEST_CASE("white noise has its variance, and streams are normal and independent", "[simulate]") {
    constexpr std::size_t n = 20000;
    noise_maker maker(n, 10, 1);
    const std::vector<noise_options> noise(2, noise_options{3, 0, 1, 1e-6});
    maker.make(noise, std::vector<noise_seed>{{1, 0, 0}, {1, 0, 1}});
    const std::vector<double> a = stream(maker, 0, n), b = stream(maker, 1, n);
    double square = 0, fourth = 0, product = 0;
    for (std::size_t i = 0; i < n; ++i) {
        square += a[i] * a[i] / n;
        fourth += std::pow(a[i], 4) / n;
        product += a[i] * b[i] / n;
    }
    CHECK(square == Approx(90).epsilon(0.05)); // net^2 rate; five times what it spreads by
    CHECK(fourth / (square * square) == Approx(3).epsilon(0.06));
    CHECK(std::abs(product) / square < 5 / std::sqrt(n));
}

TEST_CASE("a stream of noise depends on its seed alone, and does not come round", "[simulate]") {
    constexpr std::size_t n = 501;
    const noise_options red{1, 1, 2.5, 1e-4}, other{2, 3, 1, 1e-3};
    noise_maker one(n, 10, 1), many(n, 10, 3);
    one.make(std::vector{red}, std::vector<noise_seed>{{5, 2, 77}});
    many.make(std::vector{other, other, red, other},
              std::vector<noise_seed>{{5, 2, 1}, {5, 2, 2}, {5, 2, 77}, {9, 9, 9}});
    CHECK(stream(one, 0, n) == stream(many, 2, n));
    CHECK(stream(many, 0, n) != stream(many, 1, n));

    // Red noise wanders off; within a period of its own length it would be back at the end.
    double ends = 0, halves = 0;
    for (std::uint64_t b = 0; b < 50; ++b) {
        one.make(std::vector{red}, std::vector<noise_seed>{{5, 2, b}});
        const std::vector<double> x = stream(one, 0, n);
        ends += std::pow(x.back() - x.front(), 2);
        halves += std::pow(x[n / 2] - x.front(), 2);
    }
    CHECK(ends > halves);
}

TEST_CASE("a focal plane has pairs at right angles, turned from pixel to pixel", "[simulate]") {
    for (const layout shape : {layout::hexagon, layout::grid}) {
        const std::vector<placed_detector> d = make_focal_plane({38, shape, 10, 0.9});
        REQUIRE(d.size() == 38);
        std::set<std::string> names;
        double widest = 0, closest = 180;
        for (std::size_t k = 0; k < d.size(); ++k) {
            names.insert(d[k].name);
            CHECK(d[k].efficiency == 0.9);
            const vector sight = z_axis(d[k].quaternion.data());
            const double off = angle(sight, {0, 0, 1});
            widest = std::max(widest, off);
            if (k % 2 == 1) {
                const double* partner = d[k - 1].quaternion.data();
                CHECK(angle(sight, z_axis(partner)) < 1e-5);
                CHECK(angle(x_axis(d[k].quaternion.data()), x_axis(partner)) == Approx(90));
            } else if (k > 0) {
                closest = std::min(closest, angle(sight, z_axis(d[k - 2].quaternion.data())));
                CHECK(std::abs(std::abs(d[k].gamma - d[k - 2].gamma) - pi / 4) < 1e-12);
            }
            // Near the middle of the plane the x axis is turned by gamma, up to the curvature of the sky.
            const vector x = x_axis(d[k].quaternion.data());
            CHECK(std::abs(std::atan2(x[1], x[0]) - d[k].gamma) < 0.01);
        }
        CHECK(names.size() == 38);
        CHECK(widest == Approx(5));
        CHECK(closest > 1); // degrees between pixels
    }
    CHECK(make_focal_plane({1, layout::hexagon, 10, 1}).front().quaternion == quaternion{0, 0, 0, 1});
    CHECK_THROWS_WITH(make_focal_plane({0, layout::hexagon, 10, 1}),
                      ContainsSubstring("detectors is 0"));
    CHECK_THROWS_WITH(make_focal_plane({2, layout::grid, 10, 1.5}), ContainsSubstring("1.5"));
}

TEST_CASE("a satellite spins about an axis that precesses about where the Sun is not", "[simulate]") {
    satellite_scan how{50, 60, 30, 1000, 365.25};
    const std::size_t quarter_year = 5 * 91 * 86400;
    for (const std::size_t first : {std::size_t{0}, quarter_year}) {
        const scan s = make_scan(how, {1767225600, 5, first, 10000});
        double nearest = 180, farthest = 0;
        for (std::size_t i = 0; i < 10000; ++i) {
            const double* q = &s.boresight[4 * i];
            CHECK(std::abs(std::hypot(std::hypot(q[0], q[1]), std::hypot(q[2], q[3])) - 1) < 1e-12);
            const vector away{s.position[3 * i], s.position[3 * i + 1], s.position[3 * i + 2]};
            const double off = angle(z_axis(q), away);
            nearest = std::min(nearest, off);
            farthest = std::max(farthest, off);
        }
        CHECK(nearest == Approx(20).margin(0.1));
        CHECK(farthest == Approx(80).margin(0.1));
    }
    const scan s = make_scan(how, {1767225600, 5, 0, 10000});

    // Half a spin later it looks to the other side of the axis, but for what the axis did meanwhile (5.4 degrees).
    for (const std::size_t i : {std::size_t{0}, std::size_t{4321}})
        CHECK(angle(z_axis(s.boresight, i), z_axis(s.boresight, i + 150)) == Approx(100).margin(6));

    // Observations go on where the one before stopped.
    const scan later = make_scan(how, {1767225600, 5, 9000, 1000});
    for (std::size_t k = 0; k < 4000; ++k)
        CHECK(later.boresight[k] == Approx(s.boresight[36000 + k]).margin(1e-12));
    CHECK(later.times.front() == s.times[9000]);

    // A quarter of a year turns the survey by a right angle.
    how.year = 1;
    const scan quick = make_scan(how, {1767225600, 1.0 / 600, 0, 145});
    const scan still = make_scan({50, 60, 30, 1000, 1e9}, {1767225600, 1.0 / 600, 0, 145});
    const vector pole{0, -std::sin(radians(23.4393)), std::cos(radians(23.4393))}; // of the ecliptic
    CHECK(angle(z_axis(quick.boresight, 36), pole) == Approx(angle(z_axis(still.boresight, 36), pole)));
    CHECK(angle(z_axis(quick.boresight, 72), z_axis(still.boresight, 72)) > 50);
    CHECK(angle(z_axis(quick.boresight, 144), z_axis(still.boresight, 144)) < 1e-3);
}

TEST_CASE("dead times are flagged and in no interval", "[simulate]") {
    const scan s = make_scan(satellite_scan{}, {0, 10, 0, 1000, 40, 5});
    std::vector<std::uint8_t> scanned(1000);
    for (const interval& i : intervals_of(s, "scanning"))
        std::fill(scanned.begin() + static_cast<long>(i.begin),
                  scanned.begin() + static_cast<long>(i.end), std::uint8_t{1});
    for (std::size_t i = 0; i < 1000; ++i) {
        CHECK(s.flags[i] == (i % 400 >= 350 ? invalid_flag : 0));
        CHECK(scanned[i] == (s.flags[i] == 0));
    }
}

TEST_CASE("a telescope on the ground looks at the elevation and azimuth it is told", "[simulate]") {
    ground_scan how;
    how.latitude = -23;
    how.longitude = 40;
    how.elevation = 55;
    how.azimuth_first = 120;
    how.azimuth_last = 150;
    how.rate = 0.8;
    how.acceleration = 0.5;
    const double rate = 10, lat = radians(how.latitude);
    for (const std::size_t k : {0u, 1u}) {
        const scan s = make_scan(how, {1767225600, rate, 5000, 4000}, k);
        std::vector<bool> turning(4000);
        for (const interval& i : intervals_of(s, "turnaround"))
            for (std::size_t j = i.begin; j < i.end; ++j) turning[j] = true;
        for (std::size_t j = 0; j < 4000; ++j) {
            // The triangle of pole, zenith and star. Greenwich's sidereal time by the formula of the almanac.
            const vector v = z_axis(s.boresight, j);
            const double ra = std::atan2(v[1], v[0]), dec = std::asin(v[2]);
            const double days = (s.times[j] - 946728000) / 86400;
            const double hours = 18.697374558 + 24.06570982441908 * days;
            const double hour_angle =
                std::remainder(hours, 24.0) * pi / 12 + radians(how.longitude) - ra;
            const double altitude = std::asin(std::sin(lat) * std::sin(dec) +
                                              std::cos(lat) * std::cos(dec) * std::cos(hour_angle));
            const double azimuth = std::atan2(-std::cos(dec) * std::sin(hour_angle),
                                              std::sin(dec) * std::cos(lat) -
                                                  std::cos(dec) * std::sin(lat) * std::cos(hour_angle));
            CHECK(altitude == Approx(radians(55)).margin(1e-6));
            CHECK(std::abs(std::remainder(azimuth - s.azimuth[j], 2 * pi)) < 1e-6);
            // The telescope's x axis points down: there is nothing of the horizontal in it.
            CHECK(x_axis(&s.horizontal[4 * j])[2] == Approx(-std::cos(radians(55))));

            CHECK(s.flags[j] == (turning[j] ? turnaround_flag : 0));
            const double low = k == 0 ? 120 : 210, high = k == 0 ? 150 : 240;
            const double degrees = s.azimuth[j] * 180 / pi;
            CHECK(degrees == Approx((low + high) / 2).margin(turning[j] ? 15.65 : 15 + 1e-9));
        }
    }
}

TEST_CASE("intervals on the ground are as TOAST means them", "[simulate]") {
    ground_scan how;
    how.rate = 1; // 40 seconds of scan, 4 of turnaround
    how.acceleration = 0.5;
    const scan s = make_scan(how, {0, 10, 0, 2000}, 0);
    const auto speed = [&](std::size_t i) { return (s.azimuth[i + 1] - s.azimuth[i]) * 10 * 180 / pi; };
    for (const interval& i : intervals_of(s, "scan_leftright"))
        for (std::size_t j = i.begin; j + 1 < i.end; ++j) CHECK(speed(j) == Approx(1));
    for (const interval& i : intervals_of(s, "scan_rightleft"))
        for (std::size_t j = i.begin; j + 1 < i.end; ++j) CHECK(speed(j) == Approx(-1));
    const auto same = [&](const std::string& name, const std::vector<std::size_t>& begins,
                          const std::vector<std::size_t>& ends) {
        const std::vector<interval>& found = intervals_of(s, name);
        INFO(name);
        REQUIRE(found.size() == begins.size());
        for (std::size_t i = 0; i < begins.size(); ++i) {
            CHECK(found[i].begin == begins[i]);
            CHECK(found[i].end == ends[i]);
        }
    };
    same("scanning", {0, 440, 880, 1320, 1760}, {400, 840, 1280, 1720, 2000});
    same("scan_leftright", {0, 880, 1760}, {400, 1280, 2000});
    same("turnaround", {400, 840, 1280, 1720}, {440, 880, 1320, 1760});
    same("turn_rightleft", {840, 1720}, {880, 1760});
    same("throw", {0, 420, 860, 1300, 1740}, {420, 860, 1300, 1740, 2000});
    same("throw_rightleft", {420, 1300}, {860, 1740});
}

TEST_CASE("scans that make no sense are refused", "[simulate]") {
    const timing when{0, 10, 0, 100};
    ground_scan low;
    low.elevation = -5;
    CHECK_THROWS_WITH(make_scan(low, when, 0), ContainsSubstring("elevation is -5"));
    ground_scan backwards;
    backwards.azimuth_last = 100;
    CHECK_THROWS_WITH(make_scan(backwards, when, 0), ContainsSubstring("azimuth is 100"));
    satellite_scan stopped;
    stopped.spin_period = 0;
    CHECK_THROWS_WITH(make_scan(stopped, when), ContainsSubstring("spin period is 0"));
}

TEST_CASE("a file says to its reader what was simulated", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "obs.h5");
    o.how = survey::ground;
    o.ground.latitude = 31;
    o.half_wave_plate = 1.5;
    o.detector_noise.net = 5e-4;
    o.focal_plane.efficiency = 0.95;
    simulate(o);

    const observation read = read_observation(o.output);
    CHECK(read.name == "obs");
    CHECK(read.unit == "K");
    CHECK(read.samples == 1200);
    REQUIRE(read.detectors.size() == 3);
    const std::vector<placed_detector> placed = make_focal_plane(o.focal_plane);
    for (std::size_t d = 0; d < 3; ++d) {
        CHECK(read.detectors[d].name == placed[d].name);
        CHECK(read.detectors[d].quaternion == placed[d].quaternion);
        CHECK(read.detectors[d].gamma == placed[d].gamma);
        CHECK(read.detectors[d].efficiency == 0.95);
        CHECK(read.detectors[d].weight == Approx(1 / (25e-8 * 20)).epsilon(1e-2)); // 1/f's part is left
        CHECK(read.detectors[d].noise.density.front() > 1e3 * read.detectors[d].noise.density.back());
    }
    const scan s = make_scan(o.ground, {o.start, 20, 0, 1200}, 0);
    const time_streams streams(read, {7, 1}); // turnarounds keep their pointing
    CHECK(streams.rate() == Approx(20));
    CHECK(streams.times() == s.times);
    CHECK(streams.boresight() == s.boresight);
    CHECK(streams.half_wave_plate().at(601) == Approx(2 * pi * (601 * 1.5 / 20 - 45)));
    for (const auto& [name, intervals] : s.intervals) {
        const std::vector<interval> found = streams.intervals(name);
        REQUIRE(found.size() == intervals.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CHECK(found[i].begin == intervals[i].begin);
            CHECK(found[i].end == intervals[i].end);
        }
    }
}

TEST_CASE("without noise a sample is what its pixel holds", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "obs.h5");
    o.noise = false;
    o.truth = here / "sky.fits";
    o.focal_plane.efficiency = 0.8;
    simulate(o);
    const sky_map sky = reordered(read_sky_map(o.truth), ordering::ring);
    CHECK(sky.units == std::vector<std::string>{"K", "K", "K"});
    const Healpix_Base grid(static_cast<int>(sky.nside), RING, SET_NSIDE);
    const scan s = make_scan(o.satellite, {o.start, 20, 0, 1200});
    std::size_t border = 0; // samples whose pixel rounding may decide
    for (std::size_t d = 0; d < 3; ++d) {
        const samples got = read(o.output, d);
        const placed_detector detector = make_focal_plane(o.focal_plane)[d];
        for (std::size_t i = 0; i < 1200; ++i) {
            quaternion boresight;
            std::copy_n(&s.boresight[4 * i], 4, boresight.begin());
            const quaternion q = boresight * detector.quaternion;
            const vector at = z_axis(q.data()), along = x_axis(q.data());
            const auto p = static_cast<std::size_t>(grid.vec2pix({at[0], at[1], at[2]}));
            // COSMO: from the meridian's south by east.
            const double r = std::hypot(at[0], at[1]);
            const vector south{at[0] * at[2] / r, at[1] * at[2] / r, -r}, east{-at[1] / r, at[0] / r, 0};
            const double psi = std::atan2(dot(along, east), dot(along, south));
            const double expected = sky.values[0][p] + 0.8 * (sky.values[1][p] * std::cos(2 * psi) +
                                                              sky.values[2][p] * std::sin(2 * psi));
            border += std::abs(got.signal[i] - expected) > 1e-9 * std::abs(expected) + 1e-10;
        }
    }
    CHECK(border == 0);
}

TEST_CASE("samples depend neither on threads nor on how many detectors there are", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "a.h5");
    o.observations = 2;
    o.atmosphere.net = 1e-3;
    o.flag_fraction = 0.1;
    o.flag_spans = 200;
    o.spread = 0.2;
    o.focal_plane.field_of_view = 0; // else their places do
    simulate(o);
    o.output = here / "b.h5";
    o.threads = 3;
    simulate(o);
    o.output = here / "c.h5";
    o.focal_plane.detectors = 11;
    simulate(o);
    o.output = here / "d.h5";
    o.seed = 2;
    simulate(o);
    for (const std::string k : {"0", "1"}) {
        for (std::size_t d = 0; d < 3; ++d) {
            const samples a = read(here / ("a-" + k + ".h5"), d), b = read(here / ("b-" + k + ".h5"), d);
            const samples c = read(here / ("c-" + k + ".h5"), d), e = read(here / ("d-" + k + ".h5"), d);
            CHECK(a.signal == b.signal);
            CHECK(a.flags == b.flags);
            CHECK(a.signal == c.signal);
            CHECK(a.flags == c.flags);
            CHECK(a.signal != e.signal);
            CHECK(a.flags != e.flags);
        }
    }
    CHECK(read(here / "a-0.h5", 0).signal != read(here / "a-1.h5", 0).signal);
    CHECK(read(here / "a-0.h5", 0).flags != read(here / "a-1.h5", 0).flags);
    CHECK(read(here / "a-0.h5", 0).flags != read(here / "a-0.h5", 1).flags);
    const observation spread = read_observation(here / "a-0.h5");
    CHECK(spread.detectors[0].weight != spread.detectors[1].weight);
    CHECK(spread.detectors[0].weight == read_observation(here / "a-1.h5").detectors[0].weight);
}

TEST_CASE("observations follow each other, or begin as often as asked", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "run.h5");
    o.observations = 2;
    simulate(o);
    CHECK(read_observation(here / "run-1.h5").name == "run-1");
    const auto start = [&](const fs::path& path) {
        return time_streams(read_observation(path), {}).times().front() - o.start;
    };
    CHECK(start(here / "run-0.h5") == 0);
    CHECK(start(here / "run-1.h5") == 60);
    o.output = here / "often.h5";
    o.every = 1000;
    simulate(o);
    CHECK(start(here / "often-1.h5") == 1000);
}

TEST_CASE("flags are as many as asked for, and what they cover may be no number", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "obs.h5");
    o.duration = 1800;
    o.rate = 5;
    o.flag_fraction = 0.1;
    o.dead_every = 600;
    o.nan_where_flagged = true;
    simulate(o);
    std::size_t flagged = 0;
    for (std::size_t d = 0; d < 3; ++d) {
        const samples s = read(o.output, d);
        for (std::size_t i = 0; i < 9000; ++i) {
            flagged += s.flags[i] != 0;
            const bool dead = i % 3000 >= 2700;
            CHECK(std::isnan(s.signal[i]) == (dead || s.flags[i] != 0));
        }
    }
    CHECK(read(o.output, 0).flags != read(o.output, 1).flags);
    CHECK(static_cast<double>(flagged) == Approx(2700).margin(5 * 50)); // spreads by 49

    o = small(here / "spans.h5");
    o.duration = 3600;
    o.rate = 1;
    o.flag_spans = 20;
    o.flag_length = 7;
    simulate(o);
    for (std::size_t d = 0; d < 3; ++d) {
        const samples s = read(o.output, d);
        std::size_t runs = 0;
        for (std::size_t i = 0; i < 3600; ++i)
            runs += s.flags[i] != 0 && (i == 0 || s.flags[i - 1] == 0);
        CHECK(runs > 8);
        CHECK(runs < 36);
    }
}

TEST_CASE("the atmosphere is common to all detectors", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "air.h5");
    o.signal = false;
    o.focal_plane.detectors = 14;
    o.detector_noise.net = 1e-9;
    o.atmosphere.net = 1e-3;
    o.gradient = 0;
    simulate(o);
    const samples first = read(o.output, 0), last = read(o.output, 13);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < 1200; ++i) {
        difference = std::max(difference, std::abs(first.signal[i] - last.signal[i]));
        size = std::max(size, std::abs(first.signal[i]));
    }
    CHECK(size > 1e-3);
    CHECK(difference < 1e-6);
    o.gradient = 0.5;
    o.output = here / "sloping.h5";
    simulate(o);
    const samples middle = read(o.output, 0), edge = read(o.output, 13);
    CHECK(std::abs(middle.signal[700] - first.signal[700]) < 1e-6); // where there is no gradient
    CHECK(std::abs(edge.signal[700] - middle.signal[700]) > 1e-5);
}

TEST_CASE("skies that cannot be looked at are refused, and nothing is written", "[simulate]") {
    const scratch here;
    simulate_options o = small(here / "obs.h5");
    o.sky = here / "sky.fits";
    sky_map map{8, ordering::ring, {"I", "Q", "U"}, {}, {}};
    map.values.assign(3, std::vector<double>(map.pixels(), 1.0));
    write_sky_map(o.sky, map);
    CHECK_THAT(complaint([&] { simulate(o); }), ContainsSubstring("sky.fits: says no unit"));
    o.sky_unit = "Jy";
    CHECK_THAT(complaint([&] { simulate(o); }), ContainsSubstring("unit is Jy"));
    o.sky_unit = "mK";
    for (auto& column : map.values) column.assign(map.pixels(), unseen);
    fs::remove(o.sky);
    write_sky_map(o.sky, map);
    CHECK_THAT(complaint([&] { simulate(o); }), ContainsSubstring("nothing is known of pixel"));
    map.values.pop_back();
    map.columns.pop_back();
    fs::remove(o.sky);
    write_sky_map(o.sky, map);
    CHECK_THAT(complaint([&] { simulate(o); }), ContainsSubstring("2 columns"));
    CHECK_FALSE(fs::exists(o.output));
    CHECK_FALSE(fs::exists(here / "obs.h5.part"));

    // A map of I alone, in K as it says itself.
    map = {8, ordering::nest, {"I"}, {"uK_CMB"}, {std::vector<double>(768, 7.0)}};
    fs::remove(o.sky);
    write_sky_map(o.sky, map);
    o.sky_unit = "";
    o.noise = false;
    simulate(o);
    CHECK(read(o.output, 2).signal[123] == Approx(7e-6));
}
