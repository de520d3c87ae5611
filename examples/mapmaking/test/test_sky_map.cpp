// SPDX-License-Identifier: BSD-3-Clause
//
// Maps of the sphere: what is written is read, what healpy numbers is numbered the same, what is wrong with a file
// is said, and pictures show what is where.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include <healpix_cxx/healpix_base.h>

#include "common/fits.hpp"
#include "common/lettering.hpp"
#include "common/test_files.hpp"
#include "output/picture.hpp"
#include "output/sky_map.hpp"

#include "reference.hpp"

using namespace mapmaking;
using namespace reference;
namespace fs = std::filesystem;
namespace lettering = common::lettering;
using common::contents;
using common::put;
using common::replace;
using common::scratch;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::string complaint_about(const fs::path& path) {
    return message_of<std::runtime_error>([&] { read_sky_map(path); });
}

std::vector<double> counted(std::size_t n, double first = 0) {
    std::vector<double> x(n);
    std::iota(x.begin(), x.end(), first);
    return x;
}

// I is unseen in one pixel of three, hits are zero there.
sky_map small_map(std::size_t nside, ordering order) {
    sky_map map{.nside = nside, .order = order};
    map.columns = {"I_STOKES", "U_STOKES", "HITS"};
    map.units = {"K", "K", ""};
    map.coordinates = "C";
    for (unsigned seed = 0; seed < 3; ++seed)
        map.values.push_back(random_numbers<double>(map.pixels(), seed));
    for (std::size_t i = 0; i < map.pixels(); i += 3) {
        map.values[0][i] = map.values[1][i] = unseen;
        map.values[2][i] = 0;
    }
    return map;
}

void check_same(const sky_map& a, const sky_map& b, double tolerance) {
    CHECK(a.nside == b.nside);
    CHECK(a.order == b.order);
    CHECK(a.columns == b.columns);
    CHECK(a.units == b.units);
    CHECK(a.coordinates == b.coordinates);
    REQUIRE(a.values.size() == b.values.size());
    for (std::size_t c = 0; c < a.values.size(); ++c) {
        REQUIRE(a.values[c].size() == b.values[c].size());
        double worst = 0;
        for (std::size_t i = 0; i < a.values[c].size(); ++i) {
            const double x = a.values[c][i], y = b.values[c][i];
            worst = std::max(worst, is_seen(x) ? std::abs(x - y) : std::abs(x - y) / -unseen * 1e10);
        }
        CHECK(worst <= tolerance);
    }
}

// ---- pictures

constexpr common::rgb lowest{38, 12, 74}, highest{252, 240, 120}, white{246, 246, 246},
    gray{92, 95, 102};

bool same_color(common::rgb a, common::rgb b) {
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

// How many pixels of a color there are, and where they are on the average, from -1 to 1, to the right and upwards.
struct place {
    double count = 0, x = 0, y = 0;
};

place place_of(const drawing& d, common::rgb color) {
    place found;
    for (std::size_t i = 0; i < d.pixels.size(); ++i) {
        if (!same_color(d.pixels[i], color)) continue;
        found.count += 1;
        found.x += 2 * static_cast<double>(i % d.width) / static_cast<double>(d.width) - 1;
        found.y += 1 - 2 * static_cast<double>(i / d.width) / static_cast<double>(d.height());
    }
    return {found.count, found.x / found.count, found.y / found.count};
}

// f(z, longitude) in each RING pixel.
template <class F>
std::vector<double> sphere_of(std::size_t nside, F&& f) {
    const Healpix_Base sphere(static_cast<int>(nside), RING, SET_NSIDE);
    std::vector<double> values;
    for (int i = 0; i < sphere.Npix(); ++i) {
        double z = 0, longitude = 0;
        sphere.pix2zphi(i, z, longitude);
        values.push_back(f(z, longitude));
    }
    return values;
}

template <class F>
drawing drawn(F&& f, scale kind = scale::linear) {
    return draw_picture(64, ordering::ring, {{"T", sphere_of(64, f), kind}});
}

// Of a panel of the whole sphere.
constexpr double ellipse = 640 * 320 * std::numbers::pi / 4;

} // namespace

TEST_CASE("a map is read as it was written") {
    const scratch dir;
    for (const std::size_t nside : std::vector<std::size_t>{1, 4, 16}) {
        const sky_map map = small_map(nside, nside == 4 ? ordering::ring : ordering::nest);
        INFO("nside " << nside);
        write_sky_map(dir / "d.fits", map);
        check_same(read_sky_map(dir / "d.fits"), map, 0);
        write_sky_map(dir / "f.fits", map, number_type::float32);
        check_same(read_sky_map(dir / "f.fits"), map, 6e-8);
    }
}

TEST_CASE("part of a sphere is a list of pixels") {
    const scratch dir;
    sky_map map = small_map(8, ordering::ring);
    write_sky_map(dir / "p.fits", map, number_type::float64, coverage::partial, {{"RUN", 7.0}});
    const common::fits::input_file file(dir / "p.fits");
    CHECK(file[1].rows() == 512);
    CHECK(file[1].numbers("PIXEL")[1] == 2);
    CHECK(file[1].required_number("RUN") == 7);
    for (std::size_t i = 0; i < map.pixels(); i += 3) map.values[2][i] = unseen; // it was zero
    check_same(read_sky_map(dir / "p.fits"), map, 0);
}

TEST_CASE("the first columns of a map are read on demand, and U as COSMO has it") {
    const scratch dir;
    const sky_map map = small_map(2, ordering::nest);
    write_sky_map(dir / "m.fits", map);
    CHECK(read_sky_map(dir / "m.fits", 1).columns == std::vector<std::string>{"I_STOKES"});
    replace(dir / "m.fits", "'COSMO   '", "'IAU     '");
    const sky_map read = read_sky_map(dir / "m.fits");
    CHECK(read.values[0] == map.values[0]);
    CHECK(read.values[1][0] == unseen);
    CHECK(read.values[1][1] == -map.values[1][1]);
}

TEST_CASE("pixels are numbered as healpy numbers them") {
    // healpy.nest2ring(2, range(48))
    const std::vector<double> ring_of_nest{
        13, 5,  4,  0,  15, 7,  6,  1,  17, 9,  8,  2,  19, 11, 10, 3,  28, 20, 27, 12, 30, 22, 21, 14,
        32, 24, 23, 16, 34, 26, 25, 18, 44, 37, 36, 29, 45, 39, 38, 31, 46, 41, 40, 33, 47, 43, 42, 35};
    CHECK(reordered(counted(48), 2, ordering::ring, ordering::nest) == ring_of_nest);
    CHECK(reordered(ring_of_nest, 2, ordering::nest, ordering::ring) == counted(48));
    CHECK(reordered(counted(12), 1, ordering::ring, ordering::nest) == counted(12));

    const sky_map map = small_map(32, ordering::nest);
    const sky_map ring = reordered(map, ordering::ring);
    CHECK(ring.values[0] != map.values[0]);
    check_same(reordered(ring, ordering::nest), map, 0);
}

TEST_CASE("larger pixels have the mean of what was seen, smaller ones copies") {
    std::vector<double> nested = counted(48);
    nested[4] = unseen;
    nested[8] = nested[9] = nested[10] = nested[11] = unseen;
    const std::vector<double> merged = resized(nested, 2, 1);
    CHECK(merged[0] == 1.5);
    CHECK(merged[1] == 6);
    CHECK(merged[2] == unseen);
    CHECK(merged[11] == 45.5);
    CHECK(resized(merged, 1, 2)[7] == 6);
    CHECK(resized(merged, 1, 2)[8] == unseen);

    const sky_map small = small_map(4, ordering::ring);
    check_same(resized(resized(small, 32), 4), small, 1e-14);
    CHECK(reordered(resized(small, 8), ordering::nest).values[0] ==
          resized(reordered(small, ordering::nest), 8).values[0]);
}

TEST_CASE("a mask keeps pixels of more than one half") {
    sky_map mask{.nside = 2, .columns = {"MASK"}, .values = {std::vector<double>(48)}};
    mask.values[0][0] = mask.values[0][1] = 1;
    mask.values[0][4] = mask.values[0][5] = mask.values[0][6] = 1;
    std::fill_n(mask.values[0].begin() + 8, 4, unseen);
    const std::vector<std::uint8_t> coarse = kept_pixels(mask, 1, ordering::ring);
    CHECK(coarse == std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(kept_pixels(mask, 2, ordering::nest)[1] == 1);
    CHECK(kept_pixels(mask, 2, ordering::nest)[2] == 0);
    CHECK(kept_pixels(mask, 2, ordering::ring)[5] == 1); // NESTED 1
}

TEST_CASE("what is wrong with a map's file is said") {
    const scratch dir;
    const fs::path path = dir / "m.fits";
    sky_map map = small_map(4, ordering::ring);
    const auto written = [&](const std::string& old, const std::string& with) {
        write_sky_map(path, map);
        replace(path, old, with);
        return complaint_about(path);
    };
    CHECK_THAT(written("NSIDE   =                    4", "NSIDE   =                   12"),
               ContainsSubstring("m.fits[1]: NSIDE is 12, expected a power of two"));
    CHECK_THAT(written("NSIDE   =                    4", "NSIDE   =                16384"),
               ContainsSubstring("NSIDE is 16384, expected a whole number, 1 to 8192"));
    CHECK_THAT(written("NSIDE   =", "NOSIDE  ="), ContainsSubstring("has no keyword NSIDE"));
    CHECK_THAT(written("NSIDE   =                    4", "NSIDE   =                    8"),
               ContainsSubstring("I_STOKES has 192 values, expected 768, 12 NSIDE^2 with NSIDE 8"));
    CHECK_THAT(written("'RING    '", "'SPIRAL  '"),
               ContainsSubstring("ORDERING is SPIRAL, expected RING or NESTED"));
    CHECK_THAT(written("ORDERING=", "NORDER  ="), ContainsSubstring("ORDERING is missing"));
    CHECK_THAT(complaint_about(dir / "none.fits"), ContainsSubstring("none.fits: no such file"));

    write_sky_map(path, small_map(16, ordering::ring));
    put(path, contents(path).substr(0, 20000));
    CHECK_THAT(complaint_about(path), ContainsSubstring("m.fits: truncated"));
    put(path, "not FITS");
    CHECK_THAT(complaint_about(path), ContainsSubstring("m.fits: not a FITS file"));

    common::fits::output_file table(path);
    table.write_table("TABLE", 12, {{"A", "D"}});
    table.close();
    CHECK_THAT(complaint_about(path), ContainsSubstring("m.fits: holds no HEALPix map"));
}

TEST_CASE("NaN and pixels outside of the sphere are refused") {
    const scratch dir;
    const fs::path path = dir / "m.fits";
    const auto with_pixels = [&](std::vector<double> pixels, double value) {
        common::fits::output_file table(path);
        table.write_table("TABLE", pixels.size(), {{"PIXEL", "D"}, {"T", "D"}});
        table.write_key("NSIDE", 1);
        table.write_key("ORDERING", "NESTED");
        table.write_key("INDXSCHM", "EXPLICIT");
        table.write_column("PIXEL", pixels);
        table.write_column("T", std::vector<double>(pixels.size(), value));
        table.close();
    };
    with_pixels({3, 11}, 0.5);
    CHECK(read_sky_map(path).values[0][11] == 0.5);
    CHECK(read_sky_map(path).values[0][10] == unseen);
    with_pixels({3, 12}, 0.5);
    CHECK_THAT(complaint_about(path), ContainsSubstring("PIXEL, row 1 is 12.0") &&
                                          ContainsSubstring("expected a pixel, 0 to 11"));
    with_pixels({3.5}, 0.5);
    CHECK_THAT(complaint_about(path), ContainsSubstring("PIXEL, row 0 is 3.5"));
    with_pixels({3, 4, 3}, 0.5);
    CHECK_THAT(complaint_about(path), ContainsSubstring("has pixel 3 twice"));
    with_pixels({3, 4}, not_a_number);
    CHECK_THAT(complaint_about(path), ContainsSubstring("m.fits[1]: column T, value 0 is nan"));
}

TEST_CASE("a map that cannot be right is not written") {
    const scratch dir;
    const auto refusal = [&](const sky_map& map) {
        const std::string text = message_of([&] { write_sky_map(dir / "m.fits", map); });
        CHECK(!fs::exists(dir / "m.fits"));
        return text;
    };
    sky_map map = small_map(2, ordering::nest);
    map.values[1][7] = not_a_number;
    CHECK_THAT(refusal(map), ContainsSubstring("column U_STOKES, pixel 7 is nan"));
    map.values[1].pop_back();
    CHECK_THAT(refusal(map), ContainsSubstring("U_STOKES has 47 values, expected 48 for nside 2"));
    map.columns.pop_back();
    CHECK_THAT(refusal(map), ContainsSubstring("3 columns have 2 names and 3 units"));
    map.nside = 3;
    CHECK_THAT(refusal(map), ContainsSubstring("nside is 3, expected a power of two"));
    CHECK_THAT(message_of<std::runtime_error>(
                   [&] { write_sky_map(dir / "none/m.fits", small_map(2, ordering::nest)); }),
               ContainsSubstring("cannot create"));
}

TEST_CASE("the real sky and its mask are read") {
    const fs::path data = fs::path(DESTRIER_TEST_DATA) / "mapmaking";
    if (!fs::exists(data)) {
        std::cout << "skipped: " << data << " is not there\n";
        return;
    }
    const sky_map sky = read_sky_map(data / "wmap_band_iqumap_r9_7yr_V_v4_udgraded32.fits");
    CHECK(sky.nside == 32);
    CHECK(sky.order == ordering::ring);
    CHECK(sky.columns == std::vector<std::string>{"I_STOKES", "Q_STOKES", "U_STOKES"});
    const auto brightest = std::max_element(sky.values[0].begin(), sky.values[0].end());
    CHECK(*brightest == Approx(7.3711376)); // as healpy has it
    CHECK(brightest - sky.values[0].begin() == 6198);
    const std::vector<std::uint8_t> kept =
        kept_pixels(read_sky_map(data / "wmap_temperature_analysis_mask_r9_7yr_v4_udgraded32.fits"), 32,
                    ordering::nest);
    CHECK(std::count(kept.begin(), kept.end(), 1) == 7602);
}

TEST_CASE(
    "equal areas of the sphere are equal areas of the picture, north up and longitude to the left") {
    const place cap = place_of(drawn([](double z, double) { return z > 0.5 ? 1 : 0; }), highest);
    CHECK(cap.count == Approx(0.25 * ellipse).epsilon(0.02));
    CHECK(cap.y > 0.4);
    CHECK(std::abs(cap.x) < 0.02);
    const place east = place_of(
        drawn([](double, double longitude) { return longitude < std::numbers::pi / 2 ? 1 : 0; }),
        highest);
    CHECK(east.count == Approx(0.25 * ellipse).epsilon(0.02));
    CHECK(east.x == Approx(-2 / (3 * std::numbers::pi) * 640 / 672).epsilon(0.02));
    const place hole =
        place_of(drawn([](double z, double) { return z < -0.8 ? unseen : 1.5 + z; }), gray);
    CHECK(hole.count == Approx(0.1 * ellipse).epsilon(0.05));
    CHECK(hole.y < -0.4);
}

TEST_CASE("a patch of the sky is shown alone") {
    // Around longitude 2 degrees, across longitude 0, and the south pole.
    const auto around = [](double z, double longitude) {
        return z > 0.4 && z < 0.6 && std::cos(longitude - 0.03) > 0.98;
    };
    const drawing north = drawn(
        [&](double z, double longitude) { return around(z, longitude) ? (z > 0.5 ? 1 : 0) : unseen; });
    CHECK(place_of(north, highest).count > 80000);
    CHECK(place_of(north, highest).y > place_of(north, lowest).y + 0.3);
    const drawing east = drawn([&](double z, double longitude) {
        return around(z, longitude) ? (std::sin(longitude - 0.03) > 0 ? 1 : 0) : unseen;
    });
    CHECK(place_of(east, highest).count > 80000);
    CHECK(place_of(east, highest).x < place_of(east, lowest).x - 0.3);
    const drawing pole = drawn([](double z, double) { return z < -0.99 ? 1 : unseen; });
    CHECK(place_of(pole, gray).count < 200000);
    CHECK(place_of(pole, gray).count > 50000); // the corners around the disc, and no more
}

TEST_CASE("a bright source does not take the colors from the others") {
    std::mt19937 generator(3);
    std::vector<double> noise(12 * 16 * 16);
    for (double& value : noise) value = std::normal_distribution<double>()(generator);
    const drawing before = draw_picture(16, ordering::nest, {{"T", noise}});
    noise[1234] = 1e6;
    const drawing after = draw_picture(16, ordering::nest, {{"T", noise}});
    REQUIRE(before.pixels.size() == after.pixels.size());
    std::size_t unlike = 0;
    for (std::size_t i = 0; i < before.pixels.size(); ++i) {
        const int change = before.pixels[i].green - after.pixels[i].green;
        unlike += std::abs(change) > 40;
    }
    CHECK(unlike < 1000);
    CHECK(unlike > 0);
}

TEST_CASE("zero is white in a diverging scale, and not shown in a logarithmic one") {
    const auto ones = [](double z, double longitude) { return z > 0 ? 0 : longitude > 3 ? -2 : 1; };
    CHECK(place_of(drawn(ones, scale::diverging), white).count == Approx(0.5 * ellipse).epsilon(0.02));
    const auto hits = [](double z, double) { return z > 0 ? 0 : std::pow(10, -9 * z); };
    CHECK(place_of(drawn(hits, scale::logarithmic), gray).count == Approx(0.5 * ellipse).epsilon(0.02));
}

TEST_CASE("a panel like another has its range around its own middle") {
    const std::vector<double> values = random_numbers<double>(12 * 16 * 16, 3);
    std::vector<double> shifted = values;
    for (double& value : shifted) value += 1000;
    const drawing d =
        draw_picture(16, ordering::ring,
                     {{"T", values}, {"T", shifted, scale::linear, 0}, {"T", values, scale::linear, 1}});
    std::size_t unlike = 0;
    for (std::size_t y = 40; y < 360; ++y) {
        for (std::size_t x = 0; x < 656; ++x) {
            const common::rgb a = d.pixels[y * d.width + x], b = d.pixels[y * d.width + x + 656];
            unlike += std::abs(a.green - b.green) > 1;
        }
    }
    CHECK(unlike == 0);
}

TEST_CASE("panels of one value, of nothing, and of one pixel are drawn") {
    const std::vector<double> below(12, -1), zero(12), above(12, 1), nothing(12, unseen);
    for (const scale kind : {scale::linear, scale::diverging, scale::logarithmic}) {
        const drawing d = draw_picture(
            1, ordering::ring,
            {{"T", below, kind}, {"T", zero, kind}, {"T", above, kind}, {"T", nothing, kind}});
        CHECK(place_of(d, gray).count >= 0.98 * ellipse);
        CHECK(place_of(d, gray).count <= 3.02 * ellipse); // none but positive values have logarithms
    }
    std::vector<double> lonely(12 * 256 * 256, unseen);
    lonely[77777] = 2;
    const drawing d = draw_picture(256, ordering::nest, {{"T", lonely}});
    CHECK(place_of(d, gray).count > 10000);
    CHECK(place_of(d, gray).count < 0.9 * static_cast<double>(d.pixels.size()));
}

TEST_CASE("a picture is a PNG file, and what it cannot show is said") {
    const scratch dir;
    const std::vector<double> values(48, 1.0), wrong(47);
    write_picture(dir / "p.png", 2, ordering::nest,
                  {{"I", values}, {"Q", values}, {"U", values}, {"hits", values}});
    CHECK(contents(dir / "p.png").substr(1, 3) == "PNG");
    CHECK_THAT(message_of<std::runtime_error>([&] {
                   write_picture(dir / "none/p.png", 2, ordering::nest, {{"I", values}});
               }),
               ContainsSubstring("none/p.png"));
    CHECK_THAT(message_of([&] {
                   draw_picture(2, ordering::nest, {{"I", wrong}});
               }),
               ContainsSubstring("I has 47 values, expected 48 for nside 2"));
    CHECK_THAT(message_of([&] {
                   draw_picture(2, ordering::nest, {{"I", values, scale::linear, 1}});
               }),
               ContainsSubstring("I is like panel 1 of 1"));
    CHECK_THAT(message_of([&] { draw_picture(2, ordering::nest, {}); }), ContainsSubstring("no panels"));
}

TEST_CASE("the difference of two maps has no median, and is unseen where one of them is") {
    const std::vector<double> a{5, unseen, 7, 9, 1}, b{1, 1, unseen, 1, 1};
    CHECK(difference(a, b) == std::vector<double>{0, unseen, unseen, 4, -4});
}

TEST_CASE("letters differ") {
    CHECK(lettering::letters.size() * lettering::height == lettering::drawn.size() * lettering::in_band);
    for (const std::string_view row : lettering::drawn)
        CHECK(row.size() == lettering::in_band * lettering::advance - 1);
    std::set<std::string> shapes;
    for (const char letter : lettering::letters) {
        std::string shape;
        for (std::size_t i = 0; i < lettering::width * lettering::height; ++i)
            shape += lettering::inked(letter, i % lettering::width, i / lettering::width) ? '#' : ' ';
        shapes.insert(shape);
    }
    CHECK(shapes.size() == lettering::letters.size());
}
