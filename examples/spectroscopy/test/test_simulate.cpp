// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <optional>
#include <vector>

#include <destrier/layout.hpp>

#include "exposure/curves.hpp"
#include "extract/grid.hpp"
#include "simulate/camera.hpp"
#include "simulate/project.hpp"
#include "simulate/sources.hpp"
#include "simulate/synthetic_psf.hpp"

using namespace reference;
using destrier::view;

namespace {

// A Legendre series by the textbook's recurrence.
double value_of(const spectra::fiber_series& s, std::size_t fiber, double wavelength) {
    const double a = s.wavelengths.a, b = s.wavelengths.b;
    const long double x = 2 * (static_cast<long double>(wavelength) - a) / (b - a) - 1;
    long double before = 0, now = 1, sum = 0;
    for (std::size_t k = 0; k < s.terms; ++k) {
        sum += now * s.coefficients[fiber * s.terms + k];
        const auto n = static_cast<long double>(k);
        const long double next = ((2 * n + 1) * x * now - n * before) / (n + 1);
        before = now;
        now = next;
    }
    return static_cast<double>(sum);
}

double hermite(std::size_t k, double u) { // probabilists'
    double before = 0, now = 1;
    for (std::size_t n = 0; n < k; ++n) {
        const double next = u * now - static_cast<double>(n) * before;
        before = now;
        now = next;
    }
    return now;
}

// The integral of He_k times the normal density over a pixel, by Simpson's rule.
double over_pixel(std::size_t k, double pixel, double center, double sigma) {
    constexpr int intervals = 1000;
    double sum = 0;
    for (int i = 0; i <= intervals; ++i) {
        const double u = (pixel - 0.5 + static_cast<double>(i) / intervals - center) / sigma;
        const double f = hermite(k, u) * std::exp(-u * u / 2) / std::sqrt(2 * std::numbers::pi);
        sum += f * (i == 0 || i == intervals ? 1 : i % 2 == 1 ? 4 : 2);
    }
    return sum / (3 * intervals * sigma);
}

// Integrals over pixels first .. first + count - 1: (degree + 1, count).
std::vector<double> over_pixels(std::size_t degree, int first, int count, double center, double sigma) {
    std::vector<double> all;
    for (std::size_t k = 0; k <= degree; ++k) {
        for (int i = 0; i < count; ++i) all.push_back(over_pixel(k, first + i, center, sigma));
    }
    return all;
}

// The spot on the CCD: clipped at zero, of sum 1 with the pixels beside the CCD.
std::vector<double> slow_spot(const spectra::psf& p, std::size_t fiber, double wavelength) {
    const double x = value_of(p.x, fiber, wavelength), y = value_of(p.y, fiber, wavelength);
    const int x0 = static_cast<int>(std::floor(x - static_cast<double>(p.half_x) + 0.5));
    const int y0 = static_cast<int>(std::floor(y - static_cast<double>(p.half_y) + 0.5));
    const int wide = static_cast<int>(2 * p.half_x + 1), high = static_cast<int>(2 * p.half_y + 1);
    const std::vector<double> px =
        over_pixels(p.degree_x, x0, wide, x, value_of(p.sigma_x, fiber, wavelength));
    const std::vector<double> py =
        over_pixels(p.degree_y, y0, high, y, value_of(p.sigma_y, fiber, wavelength));
    const view<const double, 2> in_x(px.data(), {p.degree_x + 1, 2 * p.half_x + 1});
    const view<const double, 2> in_y(py.data(), {p.degree_y + 1, 2 * p.half_y + 1});
    std::vector<double> image(p.nx * p.ny);
    double all = 0;
    for (int row = 0; row < high; ++row) {
        for (int column = 0; column < wide; ++column) {
            double sum = 0;
            for (std::size_t i = 0; i <= p.degree_x; ++i) {
                for (std::size_t j = 0; j <= p.degree_y; ++j) {
                    sum += value_of(p.gauss_hermite[i * (p.degree_y + 1) + j], fiber, wavelength) *
                           in_x(i, static_cast<std::size_t>(column)) *
                           in_y(j, static_cast<std::size_t>(row));
                }
            }
            sum = std::max(sum, 0.0);
            all += sum;
            const int on_row = y0 + row, on_column = x0 + column;
            const bool on_ccd = on_row >= 0 && on_row < static_cast<int>(p.ny) && on_column >= 0 &&
                                on_column < static_cast<int>(p.nx);
            if (on_ccd)
                image[static_cast<std::size_t>(on_row) * p.nx + static_cast<std::size_t>(on_column)] =
                    sum;
        }
    }
    for (double& v : image) v /= all;
    return image;
}

double total(const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return sum;
}

struct moments {
    double mean, variance;
};

moments moments_of(const std::vector<float>& v) {
    double mean = 0, square = 0;
    for (const float x : v) mean += x;
    mean /= static_cast<double>(v.size());
    for (const float x : v) square += (x - mean) * (x - mean);
    return {mean, square / static_cast<double>(v.size() - 1)};
}

spectra::camera without_defects() {
    spectra::camera c;
    c.bad_pixels = 0;
    c.dead_columns = 0;
    c.cosmics = 0;
    return c;
}

} // namespace

TEST_CASE("projection is what integrating the point-spread function over pixels gives", "[simulate]") {
    const spectra::psf p = spectra::synthetic_psf(4, 64, 5760);
    const spectra::fiber_range fibers{1, 4};
    // The last rows' spots hang over the edge of the CCD, whose 64 rows end at 5793 Angstrom or so.
    const spectra::wavelength_grid bins{5762, 5794, 8};
    const std::vector<double> electrons = {1e3, 2, 70, 0, 5, 3e4, 1, 1, 1, 10, 9, 8, 7, 6, 500};
    const std::vector<double> image = spectra::project(p, fibers, bins, electrons, 1);
    std::vector<double> expected(p.nx * p.ny);
    for (std::size_t f = 0; f < 3; ++f) {
        for (std::size_t i = 0; i < 5; ++i) {
            const std::vector<double> spot = slow_spot(p, fibers.first + f, bins.values()[i]);
            for (std::size_t k = 0; k < spot.size(); ++k) expected[k] += electrons[f * 5 + i] * spot[k];
        }
    }
    double largest = 0;
    for (std::size_t k = 0; k < image.size(); ++k)
        largest = std::max(largest, std::abs(image[k] - expected[k]));
    CHECK(largest < 1e-8); // of 3e4 electrons
    CHECK(total(image) < total(electrons) - 1);
}

TEST_CASE("projection loses no light on the CCD, and is the same for any number of threads",
          "[simulate]") {
    const spectra::psf p = spectra::synthetic_psf(30, 128, 5760);
    const spectra::wavelength_grid bins{5765, 5820, 0.8};
    const std::vector<double> ones(30 * bins.size(), 100.0);
    const std::vector<double> image = spectra::project(p, {0, 30}, bins, ones, 1);
    CHECK(std::abs(total(image) - total(ones)) < 1e-10 * total(ones));
    CHECK(same_bits(image, spectra::project(p, {0, 30}, bins, ones, 3)));
}

TEST_CASE("electrons follow from brightness", "[simulate]") {
    const auto flat = [](double value) { return spectra::curve("flat", {3000, 11000}, {value, value}); };
    const spectra::throughput half{flat(0.5), flat(0), flat(1), 1e4, 2};
    // In SI units: 1 m^2, 100 s, pi arcsec^2, 1 Angstrom, half of the photons of 1e-20 W/m^2/Angstrom/arcsec^2.
    const double photon = 6.62607015e-34 * 299792458 / 6000e-10;
    const double expected = 0.5 * 1e-20 * 100 * std::numbers::pi * 2 / photon;
    const std::vector<double> e = spectra::sky_electrons(flat(1), half, {6000, 6010, 2}, 100);
    REQUIRE(e.size() == 6);
    CHECK(e[0] == Approx(expected).epsilon(1e-12));
    CHECK(e[5] == Approx(expected * 6010 / 6000).epsilon(1e-12));
    const std::string said = message_of<std::runtime_error>([&] {
        spectra::sky_electrons(flat(1), half, {10990, 11010, 2}, 100);
    });
    CHECK_THAT(said, ContainsSubstring("flat: covers 3000 to 11000 Angstrom, expected 10989 to 11011"));
}

TEST_CASE("a curve's mean is its integral", "[simulate]") {
    const spectra::curve c("c", {0, 1, 3, 4}, {0, 2, 2, -6});
    CHECK(c.at(0.5) == 1);
    CHECK(c.at(-1) == 0);
    CHECK(c.at(9) == -6);
    CHECK(c.mean(0, 4) == Approx((1 + 4 - 2) / 4.0));
    CHECK(c.mean(0.25, 0.75) == Approx(1));
    CHECK(c.mean(0.5, 3.25) == Approx((0.75 + 4 + 0.25) / 2.75));
    const auto refusal = [](std::vector<double> w, std::vector<double> v) {
        return message_of<std::runtime_error>([&] { spectra::curve("c", w, v); });
    };
    CHECK_THAT(refusal({1}, {1}), ContainsSubstring("c: has 1 points, expected 2 or more"));
    CHECK_THAT(refusal({1, 1}, {1, 2}), ContainsSubstring("expected increasing ones"));
    CHECK_THAT(refusal({1, 2}, {1, NAN}),
               ContainsSubstring("point 1 is (2, nan), expected finite numbers"));
}

TEST_CASE("a fibre's spectrum depends on the seed, and not on which others there are", "[simulate]") {
    const spectra::curve sky = spectra::built_in_sky();
    const spectra::throughput t = spectra::built_in_throughput();
    const spectra::wavelength_grid bins{5760, 5900, 0.8};
    const std::size_t n = bins.size();
    const std::vector<double> all = spectra::electrons(sky, t, {0, 25}, bins, {900, 7});
    const std::vector<double> some = spectra::electrons(sky, t, {5, 7}, bins, {900, 7});
    CHECK(same_bits(std::vector<double>(all.begin() + 5 * static_cast<long>(n),
                                        all.begin() + 7 * static_cast<long>(n)),
                    some));
    CHECK(some != spectra::electrons(sky, t, {5, 7}, bins, {900, 8}));
    const auto of = [&](std::size_t fiber) {
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += all[fiber * n + i];
        return sum;
    };
    const double dark = total(spectra::sky_electrons(sky, t, bins, 900));
    for (std::size_t fiber = 0; fiber < 25; ++fiber) {
        INFO(fiber);
        switch (spectra::source_of(fiber)) {
        case spectra::source::sky: CHECK((of(fiber) <= dark && of(fiber) >= 0.9 * dark)); break;
        case spectra::source::star: CHECK(of(fiber) > 5 * dark); break;
        case spectra::source::galaxy: CHECK((of(fiber) > 0.9 * dark && of(fiber) < 3 * dark)); break;
        }
    }
}

TEST_CASE("noise has the mean and the variance of Poisson and read noise", "[simulate]") {
    constexpr std::size_t nx = 500, ny = 400;
    for (const double light : {0.0, 5.0, 300.0, 5000.0}) {
        INFO(light);
        const spectra::exposure e =
            spectra::expose(std::vector<double>(nx * ny, light), nx, ny, without_defects(), 2);
        const double variance = light + 9, n = nx * ny;
        const moments m = moments_of(e.image);
        CHECK(std::abs(m.mean - light) < 4 * std::sqrt(variance / n));
        CHECK(std::abs(m.variance / variance - 1) < 4 * std::sqrt(2 / n) * (1 + 1 / variance));
        CHECK(e.ivar == std::vector<float>(nx * ny, static_cast<float>(1 / variance)));
        CHECK(e.mask == std::vector<std::int32_t>(nx * ny, 0));
    }
}

TEST_CASE("noise depends on the seed alone", "[simulate]") {
    const std::vector<double> light(64 * 50, 20);
    spectra::camera c;
    const spectra::exposure one = spectra::expose(light, 64, 50, c, 1),
                            three = spectra::expose(light, 64, 50, c, 3);
    CHECK(same_bits(one.image, three.image));
    CHECK(same_bits(one.ivar, three.ivar));
    CHECK(one.mask == three.mask);
    c.seed = 2;
    CHECK(spectra::expose(light, 64, 50, c, 1).image != one.image);
    c = without_defects();
    c.noise = false;
    CHECK(spectra::expose(light, 64, 50, c, 1).image == std::vector<float>(64 * 50, 20));
}

TEST_CASE("weights come from the light, or from the noisy image", "[simulate]") {
    spectra::camera c = without_defects();
    c.true_variance = false;
    const spectra::exposure e = spectra::expose(std::vector<double>(100, 2), 10, 10, c, 1);
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(e.ivar[i] == Approx(1 / (std::max(e.image[i], 0.f) + 9)));
}

TEST_CASE("defects are masked, and show if they are used", "[simulate]") {
    constexpr std::size_t nx = 300, ny = 400;
    std::vector<double> light(nx * ny);
    for (std::size_t y = 0; y < ny; ++y) light[y * nx + 40] = light[y * nx + 41] = 50;
    spectra::camera c = without_defects();
    const spectra::exposure clean = spectra::expose(light, nx, ny, c, 1);
    c.bad_pixels = 0.02;
    c.dead_columns = 1;
    c.cosmics = 30;
    const spectra::exposure e = spectra::expose(light, nx, ny, c, 1);
    CHECK(e.ivar == clean.ivar);

    std::size_t bad = 0, noisy = 0, dead = 0, cosmic = 0, wrong = 0;
    for (std::size_t i = 0; i < e.image.size(); ++i) {
        bad += (e.mask[i] & spectra::ccd_bit::bad) != 0;
        noisy += (e.mask[i] & spectra::ccd_bit::bad_read_noise) != 0;
        dead += (e.mask[i] & spectra::ccd_bit::dead) != 0;
        cosmic += (e.mask[i] & spectra::ccd_bit::cosmic) != 0;
        const bool lit = i % nx == 40 || i % nx == 41;
        wrong += (e.mask[i] & spectra::discarded_bits) == 0 && e.image[i] != clean.image[i];
        wrong += e.mask[i] == spectra::ccd_bit::cosmic && e.image[i] < clean.image[i] + 200;
        wrong += (e.mask[i] & spectra::ccd_bit::dead) != 0 && !lit;
    }
    const double pixels = nx * ny;
    CHECK(std::abs(static_cast<double>(bad) - 0.02 * pixels) < 4 * std::sqrt(0.02 * pixels));
    CHECK(std::abs(static_cast<double>(noisy) - 0.005 * pixels) < 4 * std::sqrt(0.005 * pixels));
    CHECK(wrong == 0);
    CHECK(dead == ny);
    CHECK(cosmic > 30 * 3);
    CHECK(cosmic < 30 * 41);
}

TEST_CASE("grids and ranges are read, or refused", "[simulate]") {
    std::optional<spectra::wavelength_grid> grid;
    CHECK(spectra::read_grid("5760:7620:0.8", grid).empty());
    CHECK(grid->size() == 2326);
    CHECK(grid->values().back() == Approx(7620));
    CHECK(spectra::read_grid("5760:5761:0.3", grid).empty());
    CHECK(grid->size() == 4);
    for (const char* text : {"", "5760", "5760:7620", "5760:7620:0.8:1", "a:7620:0.8", "5760:7620:0",
                             "5760:7620:-1", "7620:5760:0.8", "5760:5760:0.8", "0:7620:0.8",
                             "nan:7620:0.8", "5760:inf:0.8", "5760:7620:1e-9", "5760:7620: 1"}) {
        INFO(text);
        CHECK_THAT(spectra::read_grid(text, grid), ContainsSubstring("expected"));
    }
    std::optional<spectra::fiber_range> fibers;
    CHECK(spectra::read_fibers("3:25", fibers).empty());
    CHECK((fibers->first == 3 && fibers->last == 25));
    for (const char* text : {"", "3", ":3", "3:", "-1:3", "3:3", "4:3", "1:2:3", "a:b"}) {
        INFO(text);
        CHECK_THAT(spectra::read_fibers(text, fibers), ContainsSubstring("expected"));
    }
}

TEST_CASE("what a PSF does not have is refused", "[simulate]") {
    const spectra::psf p = spectra::synthetic_psf(25, 256, 5760);
    const auto refusal = [&](auto f) { return message_of<std::runtime_error>(f); };
    CHECK_THAT(refusal([&] {
                   spectra::fibers_of(p, spectra::fiber_range{3, 26});
               }),
               ContainsSubstring("--fibers 3:26 does not fit: the PSF has 25 fibres"));
    CHECK_THAT(refusal([&] {
                   spectra::wavelengths_of(p, {0, 25}, spectra::wavelength_grid{5700, 5800, 1});
               }),
               ContainsSubstring(
                   "--wavelength 5700:5800:1 is far outside of the PSF's range: expected 5760 to 5902"));
    const spectra::wavelength_grid all = spectra::wavelengths_of(p, {0, 25}, std::nullopt);
    CHECK(all.first >= 5760);
    CHECK(all.last > 5890);
    CHECK(all.last < 5902); // the CCD ends before the series do
    CHECK_THAT(refusal([&] {
                   spectra::wavelengths_of(p, {0, 25}, spectra::wavelength_grid{5901.5, 5903, 0.5});
               }),
               ContainsSubstring("none of it falls on the CCD"));
}

TEST_CASE("a synthetic PSF is read as it was made", "[simulate]") {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / "destrier_synthetic_psf.fits";
    spectra::write_synthetic_psf({path, true, 30, 200, 5000});
    const spectra::psf made = spectra::synthetic_psf(30, 200, 5000), read = spectra::read_psf(path);
    std::filesystem::remove(path);
    CHECK((read.nx == made.nx && read.ny == 200 && read.fibers == 30 && read.camera == "r0"));
    CHECK((read.half_x == 8 && read.half_y == 5 && !read.tails));
    const auto same = [](const spectra::fiber_series& a, const spectra::fiber_series& b) {
        return a.wavelengths.a == b.wavelengths.a && a.wavelengths.b == b.wavelengths.b &&
               a.terms == b.terms && a.coefficients == b.coefficients;
    };
    CHECK((same(read.x, made.x) && same(read.y, made.y)));
    CHECK((same(read.sigma_x, made.sigma_x) && same(read.sigma_y, made.sigma_y)));
    REQUIRE(read.gauss_hermite.size() == 49);
    for (std::size_t k = 0; k < 49; ++k) CHECK(same(read.gauss_hermite[k], made.gauss_hermite[k]));
}

TEST_CASE("the real night sky makes as many electrons as at the telescope", "[simulate]") {
    const std::filesystem::path folder = std::filesystem::path(DESTRIER_TEST_DATA) / "spectroscopy";
    if (!std::filesystem::exists(folder / "sky-uves.fits")) {
        std::cout << "skipped: there is no " << folder << '\n';
        return;
    }
    const spectra::curve sky = spectra::read_sky(folder / "sky-uves.fits");
    const spectra::throughput t = spectra::read_throughput(folder / "throughput.fits");
    CHECK(t.area == Approx(86787.094));
    CHECK(t.fiber_diameter == 1.52);
    CHECK(t.fiber_input.at(6564) == Approx(0.426792));
    std::vector<double> e = spectra::sky_electrons(sky, t, {5760, 7620, 0.8}, 900);
    CHECK(total(e) == Approx(5e5).epsilon(0.05));
    std::nth_element(e.begin(), e.begin() + 1163, e.end());
    CHECK(e[1163] / 0.8 == Approx(177).epsilon(0.05)); // median, electrons an Angstrom
}
