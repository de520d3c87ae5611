// SPDX-License-Identifier: BSD-3-Clause

#include <destrier/destripe/pointing.hpp>

#include "reference.hpp"

#include <array>
#include <complex>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>

using namespace reference;
using namespace destrier;
using destripe::ordering;
using destripe::sphere;

namespace {

constexpr double pi = std::numbers::pi;

using sizes = std::initializer_list<std::size_t>;
using vector = std::array<double, 3>;
using quaternion = std::array<double, 4>;

// The grid as the plane has it (M. R. Calabretta & B. F. Roukema, Mon. Not. R. Astron. Soc. 381 (2007) 865): twelve
// squares on their corners, four in a row, of diagonal 1. The rows' centres are at a height of 1/2, 0 and -1/2.

using number = long double;

// Through double: of a long double's own conversion g++ makes an instruction that the knl preset's assembler refuses.
std::int32_t truncated(number x) {
    return static_cast<std::int32_t>(static_cast<double>(std::trunc(x)));
}

struct pixel_truth {
    std::int32_t nest, ring;
    number margin; // from the nearest border, in squares' sides
};

number height_of_face(int face) { return 0.5L - 0.5L * static_cast<number>(face / 4); }
number centre_of_face(int face) { return static_cast<number>(face % 4) + (face / 4 == 1 ? 0.0L : 0.5L); }

std::int32_t nested(std::int32_t face, std::int32_t x, std::int32_t y, std::int32_t nside) {
    std::int32_t pixel = 0;
    for (std::int32_t bit = 0; 1 << bit < nside; ++bit) {
        pixel |= (x >> bit & 1) << 2 * bit | (y >> bit & 1) << (2 * bit + 1);
    }
    return face * nside * nside + pixel;
}

// Pixels of a ring, the first of 4 nside - 1 being number 1, and pixels before it.
std::int32_t pixels_in_ring(std::int32_t ring, std::int32_t nside) {
    return 4 * std::min({ring, nside, 4 * nside - ring});
}
std::int32_t pixels_before_ring(std::int32_t ring, std::int32_t nside) {
    static std::map<std::int32_t, std::vector<std::int32_t>> known;
    std::vector<std::int32_t>& before = known[nside];
    if (before.empty()) {
        before.assign(2, 0);
        for (std::int32_t r = 1; r < 4 * nside - 1; ++r) {
            before.push_back(before.back() + pixels_in_ring(r, nside));
        }
    }
    return before[static_cast<std::size_t>(ring)];
}

std::int32_t in_rings(int face, std::int32_t x, std::int32_t y, std::int32_t nside) {
    const number side = static_cast<number>(nside);
    const number height = height_of_face(face) + static_cast<number>(x + y + 1) / (2 * side) - 0.5L;
    const auto ring = static_cast<std::int32_t>(std::lround(2 * side * (1 - height)));
    const std::int32_t around = pixels_in_ring(ring, nside);
    // The centre's place in the ring, whole or half: a quarter of the ring to a square's diagonal.
    const number place =
        centre_of_face(face) * static_cast<number>(around / 4) + static_cast<number>(x - y) / 2;
    const std::int32_t along = truncated(std::floor(place));
    return pixels_before_ring(ring, nside) + (along + around) % around;
}

pixel_truth pixel_of(number x, number y, number z, std::size_t nside) {
    const number across = x * x + y * y, length = std::sqrt(across + z * z);
    const number turns = std::atan2(y, x) / (std::numbers::pi_v<number> / 2);
    number east = turns < 0 ? turns + 4 : turns, north = 0.75L * z / length;
    if (std::abs(z) > length * 2 / 3) {
        const number narrowed = std::sqrt(3 * across / (length * (length + std::abs(z))));
        const number middle = std::floor(east) + 0.5L;
        east = middle + (east - middle) * narrowed;
        north = std::copysign(1 - narrowed / 2, z);
    }
    for (int face = 0; face < 12; ++face) {
        number right = east - centre_of_face(face);
        if (right > 2) right -= 4;
        const number up = north - height_of_face(face);
        const number side = static_cast<number>(nside);
        const number u = (up + right + 0.5L) * side, v = (up - right + 0.5L) * side;
        if (u < 0 || v < 0 || u >= side || v >= side) continue;
        const std::int32_t column = truncated(u), row = truncated(v);
        const auto n = static_cast<std::int32_t>(nside);
        const number margin = std::min(std::abs(u - std::round(u)), std::abs(v - std::round(v))) / side;
        return {nested(face, column, row, n), in_rings(face, column, row, n), margin};
    }
    return {-2, -2, 0}; // rounded out of all of them: on a border
}

// Directions and what the kernels make of them

std::vector<double> flat(const std::vector<vector>& directions) {
    std::vector<double> xyz;
    for (const vector& d : directions) xyz.insert(xyz.end(), d.begin(), d.end());
    return xyz;
}

template <class A = default_arch>
std::vector<std::int32_t> pixels_of(const sphere& grid, const std::vector<double>& xyz,
                                    int threads = 1) {
    std::vector<std::int32_t> pixels(xyz.size() / 3, -77);
    destripe::pixelise<A>(grid, xyz, pixels, threads);
    return pixels;
}

// How far from a border a pixel may be wrong: rounding of the directions themselves is as large.
constexpr number least_margin = 2e-15L;

template <class A = default_arch>
std::size_t wrong_pixels(std::size_t nside, const std::vector<vector>& directions) {
    const std::vector<double> xyz = flat(directions);
    const auto nest = pixels_of<A>({nside}, xyz), ring = pixels_of<A>({nside, ordering::ring}, xyz);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < directions.size(); ++i) {
        const auto& [x, y, z] = directions[i];
        const pixel_truth truth = pixel_of(x, y, z, nside);
        wrong += truth.margin > least_margin && (nest[i] != truth.nest || ring[i] != truth.ring);
    }
    return wrong;
}

std::vector<vector> random_directions(std::size_t n, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<vector> all(n);
    for (vector& d : all) {
        for (double& x : d) x = normal(generator);
    }
    return all;
}

// Where borders of pixels cross in the plane, in the first rows from a pole and in some of all rows, and up to
// `distance` from there. Every second vector is a little longer than 1.
std::vector<vector> around_corners(std::size_t nside, double distance) {
    std::vector<vector> all;
    const double side = static_cast<double>(nside);
    const std::vector<vector> errors = random_directions(64, 3);
    for (std::size_t i = 0; i < 500; ++i) {
        const std::size_t row = i % 2 == 0 ? i % 20 : 4 * nside * (i % 23) / 23;
        const double north = 1 - static_cast<double>(row) / (2 * side);
        const double narrowed =
            std::min(1.0, 2 - 2 * std::abs(north)); // a square of a cap, at this height
        const double quarter = static_cast<double>(i % 4), corners = std::floor(narrowed * side + 0.5);
        const double along =
            corners == 0 ? 0 : std::floor(corners * static_cast<double>(i) / 500) / corners;
        const double azimuth = (quarter + along) * pi / 2;
        const double z = narrowed < 1 ? std::copysign(1 - narrowed * narrowed / 3, north) : north / 0.75;
        const double radius =
            narrowed < 1 ? narrowed * std::sqrt((1 + std::abs(z)) / 3) : std::sqrt((1 - z) * (1 + z));
        const double length = i % 3 == 0 ? 1.00004 : 1;
        const vector& error = errors[i % errors.size()];
        all.push_back({length * (radius * std::cos(azimuth) + distance * error[0]),
                       length * (radius * std::sin(azimuth) + distance * error[1]),
                       length * (z + distance * error[2])});
    }
    return all;
}

std::vector<vector> near_poles(std::size_t n) {
    std::vector<vector> all = random_directions(n, 4);
    for (std::size_t i = 0; i < n; ++i) {
        const double distance = std::pow(10.0, -18.0 * static_cast<double>(i) / static_cast<double>(n));
        all[i][0] *= distance;
        all[i][1] *= distance;
        all[i][2] = i % 2 == 0 ? 1 : -1;
    }
    return all;
}

// The centre of a pixel by the formulas for rings (K. M. Gorski et al., Astrophys. J. 622 (2005) 759, eqs 4 to 9).
vector centre(std::int32_t pixel, std::int32_t nside) {
    std::int32_t ring = 1;
    while (pixel >= pixels_in_ring(ring, nside)) pixel -= pixels_in_ring(ring++, nside);
    const number side = static_cast<number>(nside), i = static_cast<number>(ring),
                 j = static_cast<number>(pixel);
    const number from_pole = static_cast<number>(std::min(ring, 4 * nside - ring));
    number z, phi;
    if (ring >= nside && ring <= 3 * nside) {
        z = 4.0L / 3 - 2 * i / (3 * side);
        phi = std::numbers::pi_v<number> / (2 * side) * (j + ((ring - nside) % 2 == 0 ? 0.5L : 0.0L));
    } else {
        z = 1 - from_pole * from_pole / (3 * side * side);
        if (ring > nside) z = -z;
        phi = std::numbers::pi_v<number> / (2 * from_pole) * (j + 0.5L);
    }
    const number radius = std::sqrt((1 - z) * (1 + z));
    return {static_cast<double>(radius * std::cos(phi)), static_cast<double>(radius * std::sin(phi)),
            static_cast<double>(z)};
}

} // namespace

TEMPLATE_LIST_TEST_CASE("destripe: pixels are those of the plane's squares", "[destripe][pointing]",
                        architectures) {
    for (const std::size_t nside : sizes{1, 2, 8, 64, 1024, 8192}) {
        CAPTURE(nside);
        std::vector<vector> directions = random_directions(2000, static_cast<unsigned>(nside));
        for (std::size_t i = 0; i < 1000; ++i) {
            for (double& x : directions[i]) x *= std::pow(10.0, static_cast<double>(i % 21) - 10);
        }
        CHECK(wrong_pixels<TestType>(nside, directions) == 0);
        CHECK(wrong_pixels<TestType>(nside, near_poles(500)) == 0);
        for (const double distance : {1e-3, 1e-9, 1e-13}) {
            CHECK(wrong_pixels<TestType>(nside, around_corners(nside, distance)) == 0);
        }
    }
}

TEST_CASE("destripe: every pixel's centre is in that pixel", "[destripe][pointing]") {
    for (std::size_t nside = 1; nside <= 64; nside *= 2) {
        CAPTURE(nside);
        const std::size_t n = sphere{nside}.pixels();
        std::vector<vector> centres;
        std::vector<std::int32_t> numbers(n);
        std::iota(numbers.begin(), numbers.end(), 0);
        for (const std::int32_t p : numbers)
            centres.push_back(centre(p, static_cast<std::int32_t>(nside)));
        CHECK(pixels_of({nside, ordering::ring}, flat(centres)) == numbers);
        CHECK(wrong_pixels(nside, centres) == 0);
        const auto nest = pixels_of({nside}, flat(centres));
        CHECK(std::set(nest.begin(), nest.end()) == std::set(numbers.begin(), numbers.end()));
    }
    for (const std::size_t nside : sizes{512, 4096, 8192}) {
        CAPTURE(nside);
        std::vector<vector> centres;
        std::vector<std::int32_t> numbers;
        for (std::size_t i = 0; i < 300; ++i) {
            const std::size_t last = sphere{nside}.pixels() - 1;
            numbers.push_back(static_cast<std::int32_t>(last * i / 299));
            centres.push_back(centre(numbers.back(), static_cast<std::int32_t>(nside)));
        }
        CHECK(pixels_of({nside, ordering::ring}, flat(centres)) == numbers);
        CHECK(wrong_pixels(nside, centres) == 0);
    }
}

TEST_CASE("destripe: on borders the pixel is HEALPix's", "[destripe][pointing]") {
    // The axes, the first meridians of quadrants in the caps, and some diagonals, as HEALPix C++ 3.82 has them.
    const std::vector<double> xyz{1,  0,  0,  0, 1,  0, -1, 0,  0, 0, -1, 0,  0, 0, 1,  0,  0,
                                  -1, 1,  0,  2, 0,  1, 2,  -1, 0, 2, 0,  -1, 2, 1, 0,  -2, 0,
                                  1,  -2, -1, 0, -2, 0, -1, -2, 1, 1, 0,  1,  1, 3, -1, 1,  -3};
    using pixels = std::vector<std::int32_t>;
    CHECK(pixels_of({1}, xyz) == pixels{4, 5, 6, 7, 0, 8, 0, 1, 2, 3, 8, 9, 10, 11, 5, 0, 9});
    CHECK(pixels_of({4}, xyz) ==
          pixels{70, 86, 102, 118, 15, 128, 11, 27, 43, 59, 136, 152, 168, 184, 90, 12, 147});
    CHECK(pixels_of({4, ordering::ring}, xyz) ==
          pixels{88, 92, 96, 100, 0, 188, 12, 15, 18, 21, 168, 171, 174, 177, 90, 13, 172});
    // Zeros have no sign, and an azimuth just below 0 is one just below a whole turn, or a whole turn.
    CHECK(pixels_of({4, ordering::ring}, {-0.0, -0.0, 1, 1, -0.0, 0, -0.0, 1, 0}) == pixels{0, 88, 92});
    CHECK(pixels_of({4, ordering::ring}, {1, -1e-15, 2, 1, -1e-30, 2}) == pixels{23, 12});
}

TEST_CASE("destripe: at the corners of caps the pixel is one of those around", "[destripe][pointing]") {
    for (const sphere& grid : {sphere{1}, sphere{4}, sphere{4096}, sphere{4, ordering::ring}}) {
        std::vector<double> around, corners;
        const auto add = [](std::vector<double>& to, double length, double side, double z) {
            const double radius = std::sqrt(1 - z * z);
            for (const auto& [x, y] : {std::array{radius, side}, std::array{-side, radius},
                                       std::array{-radius, -side}, std::array{side, -radius}}) {
                to.insert(to.end(), {length * x, length * y, length * z});
            }
        };
        for (const double side : {-1e-7, -1e-9, 1e-9, 1e-7}) {
            for (const double z : {-1e-8, 1e-8}) add(around, 1, side, 2.0 / 3 + z);
        }
        for (const double x : random_numbers<double>(2000, 21)) {
            const double z = 2.0 / 3 * (1 + epsilon<double> * std::floor(8 * x));
            for (const double side : {0.0, -1e-17, 1e-17}) add(corners, 2 + x, side, z);
        }
        const auto allowed = pixels_of(grid, around), found = pixels_of(grid, corners);
        const auto right = [&](std::size_t i) { // the neighbours of corner i % 4
            for (std::size_t k = i % 4; k < allowed.size(); k += 4) {
                if (found[i] == allowed[k]) return true;
            }
            return false;
        };
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < found.size(); ++i) wrong += !right(i);
        CHECK(wrong == 0);
    }
}

TEST_CASE("destripe: what is no direction is in no pixel", "[destripe][pointing]") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const std::vector<double> xyz{nan, 0, 0, 1,        0,      0, 0,     nan, 1,      0,     0,
                                  nan, 0, 0, 0,        1e-139, 0, 0,     0,   0,      1e139, 1,
                                  0,   0, 0, infinity, 0,      0, 1e200, 0,   1e-200, 0,     0};
    const std::vector<std::int32_t> pixels{-1, 70, -1, -1, -1, 70, 15, 70, -1, -1, -1};
    CHECK(pixels_of({4}, xyz) == pixels);
}

TEST_CASE("destripe: any number of directions, wherever they lie", "[destripe][pointing]") {
    const sphere grid{64};
    std::vector<double> xyz = flat(random_directions(700, 9));
    const auto all = pixels_of(grid, xyz);
    for (const std::size_t n : sizes{0, 1, 7, 8, 9, 255, 256, 257, 700}) {
        CAPTURE(n);
        std::vector<std::int32_t> some(n + 1, -77);
        destripe::pixelise(grid, std::span(xyz).first(3 * n), std::span(some).first(n), 1);
        CHECK(std::equal(some.begin(), some.end() - 1, all.begin()));
        CHECK(some.back() == -77);
    }
    for (const int threads : {2, 3, 5}) CHECK(pixels_of(grid, xyz, threads) == all);
    xyz.erase(xyz.begin(), xyz.begin() + 3);
    CHECK(pixels_of(grid, xyz) == std::vector(all.begin() + 1, all.end()));
}

namespace {

// Quaternions by what they do, in long double.

using rotation = std::array<number, 4>;

rotation product(const rotation& p, const rotation& q) {
    const auto& [px, py, pz, pw] = p;
    const auto& [qx, qy, qz, qw] = q;
    return {pw * qx + px * qw + py * qz - pz * qy, pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw, pw * qw - px * qx - py * qy - pz * qz};
}
rotation about(std::size_t axis, double angle) {
    rotation q{0, 0, 0, std::cos(static_cast<number>(angle) / 2)};
    q[axis] = std::sin(static_cast<number>(angle) / 2);
    return q;
}
/// Where a rotation takes an axis: q v q*.
std::array<number, 3> turned(const rotation& q, std::size_t axis) {
    rotation v{};
    v[axis] = 1;
    const rotation r = product(product(q, v), {-q[0], -q[1], -q[2], q[3]});
    return {r[0], r[1], r[2]};
}

struct sample_truth {
    pixel_truth pixel;
    double cosine, sine;
};

// By angles: that of the x axis from south through east, at its place on the sky.
sample_truth sample_of(const rotation& q, const destripe::detector_pointing& detector,
                       const double* plate, std::size_t nside) {
    const auto [dx, dy, dz, dw] = detector.quaternion;
    const rotation r = product(q, {dx, dy, dz, dw});
    const auto [x, y, z] = turned(r, 2);
    const auto axis = turned(r, 0);
    const number azimuth = std::atan2(y, x), polar = std::atan2(std::hypot(x, y), z);
    const std::array<number, 3> south{std::cos(polar) * std::cos(azimuth),
                                      std::cos(polar) * std::sin(azimuth), -std::sin(polar)};
    const std::array<number, 2> east{-std::sin(azimuth), std::cos(azimuth)};
    const number psi = std::atan2(axis[0] * east[0] + axis[1] * east[1],
                                  axis[0] * south[0] + axis[1] * south[1] + axis[2] * south[2]);
    number angle = 2 * psi;
    if (plate != nullptr)
        angle += 4 * (static_cast<number>(*plate) - static_cast<number>(detector.gamma));
    return {pixel_of(x, y, z, nside), static_cast<double>(detector.efficiency * std::cos(angle)),
            static_cast<double>(detector.efficiency * std::sin(angle))};
}

std::vector<double> random_quaternions(std::size_t n, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<double> q;
    for (std::size_t i = 0; i < n; ++i) {
        quaternion one{normal(generator), normal(generator), normal(generator), normal(generator)};
        const double norm = std::hypot(std::hypot(one[0], one[1]), std::hypot(one[2], one[3]));
        for (const double x : one) q.push_back(x / norm);
    }
    return q;
}
rotation at(const std::vector<double>& q, std::size_t i) {
    return {q[4 * i], q[4 * i + 1], q[4 * i + 2], q[4 * i + 3]};
}

struct pointing {
    explicit pointing(std::size_t n) : pixels(n, -77), cosine(n, -77.0f), sine(n, -77.0f) {}
    bool operator==(const pointing&) const = default;

    std::vector<std::int32_t> pixels;
    std::vector<float> cosine, sine;
};

template <class A = default_arch>
pointing expanded(const std::vector<double>& boresight, const destripe::detector_pointing& detector,
                  const std::vector<double>& plate, const sphere& grid, int threads = 1) {
    pointing p(boresight.size() / 4);
    destripe::expand_pointing<A>(boresight, detector, plate, grid, p.pixels, p.cosine, p.sine, threads);
    return p;
}

/// A detector somewhere in the focal plane.
const destripe::detector_pointing detector{
    .quaternion = {0.1, -0.5, 0.5, 0.7}, .efficiency = 0.8, .gamma = 0.3};

} // namespace

TEMPLATE_LIST_TEST_CASE("destripe: pointing is what rotated axes give", "[destripe][pointing]",
                        architectures) {
    const std::size_t n = 2000;
    const std::vector<double> boresight = random_quaternions(n, 11);
    std::vector<double> turning(n);
    for (std::size_t i = 0; i < n; ++i) turning[i] = 500.1 * (static_cast<double>(i) - 1000);
    for (const sphere& grid : {sphere{16}, sphere{4096, ordering::ring}}) {
        for (const std::vector<double>& plate : {std::vector<double>{}, turning}) {
            const pointing p = expanded<TestType>(boresight, detector, plate, grid);
            std::size_t wrong = 0;
            double worst = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const sample_truth truth = sample_of(at(boresight, i), detector,
                                                     plate.empty() ? nullptr : &plate[i], grid.nside);
                const std::int32_t pixel =
                    grid.order == ordering::ring ? truth.pixel.ring : truth.pixel.nest;
                wrong += truth.pixel.margin > least_margin && p.pixels[i] != pixel;
                worst = std::max({worst, std::abs(static_cast<double>(p.cosine[i]) - truth.cosine),
                                  std::abs(static_cast<double>(p.sine[i]) - truth.sine)});
            }
            CHECK(wrong == 0);
            CHECK(worst <= 3.1e-8);
        }
    }
}

TEST_CASE("destripe: psi turns from south through east, at the poles from the first meridian",
          "[destripe][pointing]") {
    // Azimuth, polar angle and psi of the boresight, in the order of the rotations.
    const auto weights = [](double phi, double theta, double psi) {
        const rotation q = product(product(about(2, phi), about(1, theta)), about(2, psi));
        std::vector<double> boresight(q.begin(), q.end());
        const pointing p = expanded(boresight, {.quaternion = {0, 0, 0, 1}}, {}, {64});
        return std::array{static_cast<double>(p.cosine[0]), static_cast<double>(p.sine[0])};
    };
    const auto expected = [](double psi) { return std::array{std::cos(2 * psi), std::sin(2 * psi)}; };
    const auto near = [](const auto& a, const auto& b) {
        return std::abs(a[0] - b[0]) < 1e-7 && std::abs(a[1] - b[1]) < 1e-7;
    };
    for (const double theta : {1e-12, 0.3, pi / 2, 3.0, pi - 1e-12}) {
        CHECK(near(weights(2.5, theta, 0.7), expected(0.7)));
    }
    CHECK(near(weights(0, 0, 0.7), expected(0.7)));
    const auto pole = [](quaternion q) {
        return expanded({q.begin(), q.end()}, {.quaternion = {0, 0, 0, 1}}, {}, {64, ordering::ring});
    };
    const double c = std::cos(0.35), s = std::sin(0.35);
    const pointing north = pole({0, 0, s, c}), south = pole({s, c, 0, 0});
    CHECK(north.pixels[0] == 0);
    CHECK(near(std::array{north.cosine[0], north.sine[0]}, expected(0.7)));
    CHECK(south.pixels[0] == 12 * 64 * 64 - 4);
    CHECK(near(std::array{south.cosine[0], south.sine[0]}, expected(0.7)));
}

TEST_CASE("destripe: samples of a detector do not touch each other", "[destripe][pointing]") {
    const std::size_t n = 600;
    std::vector<double> boresight = random_quaternions(n, 12), plate(n, 0.4);
    const sphere grid{128};
    const pointing all = expanded(boresight, detector, plate, grid);
    for (const int threads : {2, 3, 5})
        CHECK(expanded(boresight, detector, plate, grid, threads) == all);

    SECTION("any number of them") {
        for (const std::size_t m : sizes{0, 1, 7, 9, 255, 257}) {
            CAPTURE(m);
            pointing some(m + 1);
            destripe::expand_pointing(std::span(boresight).first(4 * m), detector,
                                      std::span(plate).first(m), grid, std::span(some.pixels).first(m),
                                      std::span(some.cosine).first(m), std::span(some.sine).first(m));
            const auto begins = [&](const auto& part, const auto& whole) {
                return std::equal(part.begin(), part.end() - 1, whole.begin()) && part.back() == -77;
            };
            CHECK(begins(some.pixels, all.pixels));
            CHECK(begins(some.cosine, all.cosine));
            CHECK(begins(some.sine, all.sine));
        }
    }
    SECTION("without weights the pixels are the same") {
        std::vector<std::int32_t> pixels(n);
        destripe::expand_pointing(boresight, detector, {}, grid, pixels, {}, {});
        CHECK(pixels == all.pixels);
    }
    SECTION("a quaternion that is none harms no other") {
        boresight[4 * 100 + 2] = std::numeric_limits<double>::quiet_NaN();
        std::fill_n(&boresight[4 * 599], 4, 0.0);
        pointing some = expanded(boresight, detector, plate, grid);
        for (const std::size_t i : sizes{100, 599}) {
            CHECK(some.pixels[i] == -1);
            CHECK(std::isnan(some.cosine[i]));
            CHECK(std::isnan(some.sine[i]));
            some.pixels[i] = all.pixels[i];
            some.cosine[i] = all.cosine[i];
            some.sine[i] = all.sine[i];
        }
        CHECK(some == all);
    }
}

TEST_CASE("destripe: pointing refuses what it cannot use", "[destripe][pointing]") {
    std::vector<double> q(8, 0.5), angles(2);
    std::vector<std::int32_t> pixels(2, -77);
    std::vector<float> weights(2);
    const auto refusal = [&](const sphere& grid, const destripe::detector_pointing& d,
                             std::size_t elements, std::size_t plate, std::size_t cosines,
                             std::size_t sines) {
        return message_of([&] {
            destripe::expand_pointing(std::span(q).first(elements), d, std::span(angles).first(plate),
                                      grid, pixels, std::span(weights).first(cosines),
                                      std::span(weights).first(sines));
        });
    };
    CHECK(refusal({100}, detector, 8, 2, 2, 2) ==
          "destripe::sphere: nside is 100, expected a power of two from 1 to 8192");
    CHECK_THAT(refusal({0}, detector, 8, 2, 2, 2), ContainsSubstring("nside is 0, "));
    CHECK_THAT(refusal({16384}, detector, 8, 2, 2, 2), ContainsSubstring("nside is 16384, "));
    CHECK(refusal({64}, detector, 7, 2, 2, 2) ==
          "destripe::expand_pointing: boresight has 7 elements, expected 4 for each of 2 pixels");
    CHECK_THAT(refusal({64}, detector, 8, 1, 2, 2), ContainsSubstring("hwp_angle has 1 elements"));
    CHECK_THAT(refusal({64}, detector, 8, 2, 1, 2), ContainsSubstring("cosine has 1 elements"));
    CHECK_THAT(refusal({64}, detector, 8, 2, 2, 0), ContainsSubstring("sine has 0 elements"));
    CHECK_THAT(refusal({64}, {.quaternion = {0, 0, 0, 2}}, 8, 0, 2, 2),
               ContainsSubstring("the norm of the detector's quaternion is 2.0"));
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THAT(refusal({64}, {.quaternion = {0, 0, 0, 1}, .efficiency = nan}, 8, 0, 2, 2),
               ContainsSubstring("efficiency is nan"));
    CHECK_THAT(refusal({64}, {.quaternion = {0, 0, 0, 1}, .gamma = nan}, 8, 0, 2, 2),
               ContainsSubstring("gamma is nan"));
    CHECK(message_of([&] { destripe::pixelise({64}, std::span(q).first(5), pixels); }) ==
          "destripe::pixelise: xyz has 5 elements, expected 3 for each of 2 pixels");
    CHECK(pixels == std::vector<std::int32_t>(2, -77));
    CHECK(refusal({64}, {.quaternion = {0, 0, 0, 1}}, 8, 0, 2, 2).empty());
}

TEST_CASE("destripe: quaternions that are not of unit length are named", "[destripe][pointing]") {
    std::vector<double> q = random_quaternions(300, 13);
    const auto refusal = [&] {
        return message_of([&] { destripe::check_quaternions(q, "boresight"); });
    };
    CHECK(refusal().empty());
    for (std::size_t k = 0; k < 4; ++k) q[4 * 17 + k] *= 1.0009;
    CHECK(refusal().empty());
    CHECK(message_of([&] { destripe::check_quaternions(q, "boresight", 1e-4); }) ==
          "destripe::check_quaternions: boresight[17] has norm 1.000900, expected 1");
    for (std::size_t k = 0; k < 4; ++k) q[4 * 299 + k] *= 1.25;
    CHECK(refusal() == "destripe::check_quaternions: boresight[299] has norm 1.250000, expected 1");
    q[4 * 200] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THAT(refusal(), ContainsSubstring("boresight[200] has norm nan"));
    q.pop_back();
    CHECK_THAT(refusal(), ContainsSubstring("boresight has 1199 elements, expected 4 a quaternion"));
}
