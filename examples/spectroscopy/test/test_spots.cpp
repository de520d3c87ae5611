// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "extract/gaussian.hpp"
#include "extract/spots.hpp"
#include "small_psf.hpp"

using namespace reference;

namespace {

using real = long double;

// The values of one fibre's series at one wavelength, as the kernels see them: what they make of a position off by a
// rounding error is another question.
double value_of(const spectra::fiber_series& s, std::size_t fiber, double wavelength) {
    double value = 0;
    s.evaluate(fiber, {&wavelength, 1}, {&value, {1, 1}});
    return value;
}

// Gauss-Legendre quadrature with 20 nodes, found by Newton's method.
struct quadrature {
    std::vector<real> nodes, weights;

    quadrature() {
        constexpr int n = 20;
        for (int i = 0; i < n; ++i) {
            real x = std::cos(std::numbers::pi_v<real> * (i + 0.75L) / (n + 0.5L)), slope = 0;
            for (int step = 0; step < 10; ++step) {
                real before = 1, now = x;
                for (int k = 1; k < n; ++k) {
                    const real next = ((2 * k + 1) * x * now - k * before) / (k + 1);
                    before = now;
                    now = next;
                }
                slope = n * (x * now - before) / (x * x - 1);
                x -= now / slope;
            }
            nodes.push_back(x);
            weights.push_back(2 / ((1 - x * x) * slope * slope));
        }
    }

    template <class F>
    real operator()(real a, real b, F&& f) const {
        real sum = 0;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            sum += weights[i] * f((a + b) / 2 + (b - a) / 2 * nodes[i]);
        }
        return sum * (b - a) / 2;
    }
};

// He_k(e) exp(-e^2 / 2) / sqrt(2 pi)
real gauss_hermite(std::size_t degree, real e) {
    real before = 0, now = std::exp(-e * e / 2) / std::sqrt(2 * std::numbers::pi_v<real>);
    for (std::size_t k = 0; k < degree; ++k) {
        const real next = e * now - static_cast<real>(k) * before;
        before = now;
        now = next;
    }
    return now;
}

// A spot by quadrature over each pixel.
std::vector<real> spot_by_quadrature(const spectra::psf& p, std::size_t fiber, double wavelength) {
    static const quadrature integral;
    const auto along = [&](const spectra::fiber_series& trace, const spectra::fiber_series& width,
                           std::size_t half, std::size_t degree) {
        const double x = value_of(trace, fiber, wavelength);
        const real sigma = value_of(width, fiber, wavelength);
        const real pixel = std::floor(static_cast<real>(x) + 0.5L) - static_cast<real>(half);
        std::vector<std::vector<real>> out(degree + 1);
        for (std::size_t k = 0; k <= degree; ++k) {
            for (std::size_t i = 0; i <= 2 * half; ++i) {
                const real edge = (pixel + static_cast<real>(i) - 0.5L - x) / sigma;
                out[k].push_back(
                    integral(edge, edge + 1 / sigma, [&](real e) { return gauss_hermite(k, e); }));
            }
        }
        return out;
    };
    const auto u = along(p.x, p.sigma_x, p.half_x, p.degree_x),
               v = along(p.y, p.sigma_y, p.half_y, p.degree_y);
    const std::size_t nx = 2 * p.half_x + 1, ny = 2 * p.half_y + 1;
    std::vector<real> spot(nx * ny);
    for (std::size_t i = 0; i <= p.degree_x; ++i) {
        for (std::size_t j = 0; j <= p.degree_y; ++j) {
            const real c = value_of(p.gauss_hermite[i * (p.degree_y + 1) + j], fiber, wavelength);
            for (std::size_t iy = 0; iy < ny; ++iy) {
                for (std::size_t ix = 0; ix < nx; ++ix) spot[iy * nx + ix] += c * v[j][iy] * u[i][ix];
            }
        }
    }
    if (p.tails) {
        const auto tail = [&](const spectra::fiber_series& s) -> real {
            return value_of(s, fiber, wavelength);
        };
        const double x = value_of(p.x, fiber, wavelength), y = value_of(p.y, fiber, wavelength);
        for (std::size_t iy = 0; iy < ny; ++iy) {
            for (std::size_t ix = 0; ix < nx; ++ix) {
                const real dx =
                    std::floor(x + 0.5L) - static_cast<real>(p.half_x) + static_cast<real>(ix) - x;
                const real dy =
                    std::floor(y + 0.5L) - static_cast<real>(p.half_y) + static_cast<real>(iy) - y;
                const real r2 =
                    std::pow(dx * tail(p.tails->x_scale), 2) + std::pow(dy * tail(p.tails->y_scale), 2);
                spot[iy * nx + ix] +=
                    tail(p.tails->amplitude) * r2 /
                    std::pow(std::pow(tail(p.tails->core), 2) + r2, 1 + tail(p.tails->index) / 2);
            }
        }
    }
    real sum = 0;
    for (real& s : spot) sum += s = std::max(s, real(0));
    for (real& s : spot) s /= sum;
    return spot;
}

std::vector<double> wavelengths(std::size_t n) {
    std::vector<double> w(n);
    for (std::size_t i = 0; i < n; ++i) w[i] = small::first_wavelength + 0.8 * static_cast<double>(i);
    return w;
}

double worst_error(const spectra::psf& p, std::size_t count) {
    const std::vector<double> at = wavelengths(count);
    const spectra::spot_table table = spectra::evaluate_spots(p, 0, p.fibers, at);
    double worst = 0;
    for (std::size_t f = 0; f < p.fibers; ++f) {
        for (std::size_t w = 0; w < count; w += 5) {
            const std::vector<real> truth = spot_by_quadrature(p, f, at[w]);
            for (std::size_t iy = 0; iy < table.ny; ++iy) {
                for (std::size_t ix = 0; ix < table.nx; ++ix) {
                    const real error =
                        table.spot(f, w)[iy * table.pitch + ix] - truth[iy * table.nx + ix];
                    worst = std::max(worst, static_cast<double>(std::abs(error)));
                }
            }
        }
    }
    return worst;
}

} // namespace

TEST_CASE("The normal distribution is right to 4e-16") {
    using V = destrier::batch<double>;
    constexpr std::size_t lanes = destrier::width<double>;
    double density_error = 0, tail_error = 0, relative = 0;
    for (double from = -37; from < 37; from += 0.0137 * static_cast<double>(lanes)) {
        alignas(64) double e[lanes], density[lanes], tail[lanes];
        for (std::size_t i = 0; i < lanes; ++i) e[i] = from + 0.0137 * static_cast<double>(i);
        const auto normal = spectra::normal_at(V::load_aligned(e));
        normal.density.store_aligned(density);
        normal.tail.store_aligned(tail);
        for (std::size_t i = 0; i < lanes; ++i) {
            const real t = std::abs(static_cast<real>(e[i]));
            const real d = std::exp(-t * t / 2) / std::sqrt(2 * std::numbers::pi_v<real>);
            const real q = std::erfc(t / std::numbers::sqrt2_v<real>) / 2;
            density_error = std::max(density_error, static_cast<double>(std::abs(density[i] - d)));
            tail_error = std::max(tail_error, static_cast<double>(std::abs(tail[i] - q)));
            relative = std::max(relative, static_cast<double>(std::abs(tail[i] / q - 1)));
        }
    }
    CHECK(density_error < 1.2e-16);
    CHECK(tail_error < 4e-16);
    CHECK(relative < 2e-13); // of exp(-e^2 / 2), whose argument is rounded
}

TEST_CASE("A spot is the Gauss-Hermite function integrated over pixels") {
    CHECK(worst_error(small::psf(3), 100) < 1e-15);
    CHECK(worst_error(small::psf(2, 4, 6, 10, 3), 50) < 1e-15);
    CHECK(worst_error(small::psf(1, 2, 1, 0, 0), 20) < 1e-15);
}

TEST_CASE("Spots have the tails of specter") {
    spectra::psf p = small::psf(2);
    spectra::psf_tails tails{small::series(2, 1), small::series(2, 1), small::series(2, 1),
                             small::series(2, 1), small::series(2, 1)};
    tails.amplitude.coefficients = {4e-3, -3.8e-5}; // specter's own file has negative ones, too
    tails.core.coefficients = {1.1, 0.9};
    tails.x_scale.coefficients = {0.8, 1};
    tails.y_scale.coefficients = {1, 1.2};
    tails.index.coefficients = {2, 1.7};
    p.tails = tails;
    CHECK(worst_error(p, 40) < 1e-12);
    const std::vector<double> at = wavelengths(8);
    const spectra::spot_table with = spectra::evaluate_spots(p, 0, 1, at);
    p.tails.reset();
    const spectra::spot_table without = spectra::evaluate_spots(p, 0, 1, at);
    CHECK(with.spot(0, 3)[0] > 100 * without.spot(0, 3)[0]);
}

TEST_CASE("Spots have the sum 1, are not negative, and lie around the trace") {
    const spectra::psf p = small::psf(7);
    const std::vector<double> at = wavelengths(133);
    const spectra::spot_table table = spectra::evaluate_spots(p, 1, 5, at);
    REQUIRE(table.nx == 17);
    REQUIRE(table.ny == 11);
    for (std::size_t f = 0; f < table.fibers; ++f) {
        for (std::size_t w = 0; w < at.size(); ++w) {
            const double x = value_of(p.x, f + 1, at[w]), y = value_of(p.y, f + 1, at[w]);
            real sum = 0, sum_x = 0, sum_y = 0, padding = 0;
            bool negative = false;
            for (std::size_t iy = 0; iy < table.ny; ++iy) {
                for (std::size_t ix = 0; ix < table.pitch; ++ix) {
                    const double s = table.spot(f, w)[iy * table.pitch + ix];
                    negative = negative || s < 0;
                    if (ix >= table.nx) padding += std::abs(s);
                    sum += s;
                    sum_x += s * static_cast<real>(ix);
                    sum_y += s * static_cast<real>(iy);
                }
            }
            const std::size_t i = f * at.size() + w;
            const bool right = std::abs(sum - 1) <= 4 * epsilon<double> && !negative && padding == 0 &&
                               table.x0[i] == static_cast<int>(std::floor(x - 8 + 0.5)) &&
                               table.y0[i] == static_cast<int>(std::floor(y - 5 + 0.5)) &&
                               std::abs(table.x0[i] + sum_x - x) < 0.2 &&
                               std::abs(table.y0[i] + sum_y - y) < 0.2;
            if (!right) FAIL("fibre " << f << ", wavelength " << w);
        }
    }
}

TEST_CASE("A trace between two pixels belongs to the higher one") {
    spectra::psf p = small::psf(1);
    p.x.coefficients = {20.5, 0, 0};
    p.y.coefficients = {31.5, 0, 0};
    const std::vector<double> at = wavelengths(3);
    const spectra::spot_table table = spectra::evaluate_spots(p, 0, 1, at);
    CHECK(table.x0[1] == 21 - 8);
    CHECK(table.y0[1] == 32 - 5);
    CHECK(table.spot(0, 1)[5 * table.pitch + 8] ==
          Approx(table.spot(0, 1)[5 * table.pitch + 7]).epsilon(0.2));
}

TEST_CASE("Spots are bitwise the same whatever is evaluated with them") {
    const spectra::psf p = small::psf(6);
    const std::vector<double> at = wavelengths(201);
    const spectra::spot_table whole = spectra::evaluate_spots(p, 0, 6, at);
    const std::size_t spot = whole.ny * whole.pitch;
    for (const int threads : {2, 4}) {
        CHECK(
            same_bits(spectra::evaluate_spots(p, 0, 6, at, threads).values.span(), whole.values.span()));
    }
    const spectra::spot_table fibers = spectra::evaluate_spots(p, 2, 3, at);
    CHECK(same_bits(fibers.values.span(), whole.values.span().subspan(2 * 201 * spot, 3 * 201 * spot)));
    const spectra::spot_table some = spectra::evaluate_spots(p, 2, 1, std::span(at).subspan(77, 31));
    CHECK(same_bits(some.values.span(), whole.values.span().subspan((2 * 201 + 77) * spot, 31 * spot)));
}

TEST_CASE("Series that make no sense give spots of nothing, nowhere") {
    spectra::psf p = small::psf(4);
    p.x.coefficients[0] = std::nan("");
    p.y.coefficients[3] = 1e12;
    p.sigma_x.coefficients[4] = p.sigma_x.coefficients[5] = 0;
    const std::vector<double> at = wavelengths(10);
    const spectra::spot_table table = spectra::evaluate_spots(p, 0, 4, at);
    for (std::size_t f = 0; f < 4; ++f) {
        double sum = 0;
        for (std::size_t i = 0; i < table.ny * table.pitch; ++i) sum += table.spot(f, 9)[i];
        CHECK((f < 3 ? sum == 0 && table.x0[f * 10 + 9] == spectra::nowhere
                     : std::abs(sum - 1) < 1e-15 && table.x0[f * 10 + 9] > 0));
    }
    CHECK_THAT(message_of([&] { spectra::evaluate_spots(p, 2, 3, at); }),
               ContainsSubstring("fibres 2:5") && ContainsSubstring("the PSF has 4"));
}
