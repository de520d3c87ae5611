// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/fits.hpp"
#include "extract/extract.hpp"
#include "extract/lapack.hpp"
#include "extract/normal_equations.hpp"
#include "extract/patch.hpp"
#include "extract/solve.hpp"
#include "extract/spots.hpp"
#include "small_psf.hpp"

using namespace reference;
using spectra::algorithm;

namespace {

constexpr double variance_of_reading = 9; // electrons^2

std::vector<double> grid(std::size_t bins, double first = 6020) {
    std::vector<double> w(bins);
    for (std::size_t i = 0; i < bins; ++i) w[i] = first + 0.8 * static_cast<double>(i);
    return w;
}

// Electrons of a spectrum with lines.
double electrons(std::size_t fiber, double wavelength) {
    const double f = static_cast<double>(fiber);
    const double line = std::exp(-std::pow((wavelength - 6041 - 3 * f) / 0.9, 2));
    return 150 + 20 * f + 30 * std::sin(wavelength / 7 + f) + 2e4 * line;
}

// An exposure of what electrons() says, on the bins of the grid and on those of `beyond` more at both ends, without
// noise; weights are those of the true variance.
struct scene {
    spectra::psf psf;
    spectra::exposure ccd;
    std::vector<float> weights;
    std::vector<double> light; // as image, not rounded

    scene(std::size_t fibers, std::span<const double> bins, std::size_t beyond = 0)
        : psf(small::psf(fibers)), light(psf.nx * psf.ny) {
        ccd.nx = psf.nx;
        ccd.ny = psf.ny;
        std::vector<double> all;
        for (std::size_t i = 0; i < bins.size() + 2 * beyond; ++i) {
            all.push_back(bins[0] + 0.8 * (static_cast<double>(i) - static_cast<double>(beyond)));
        }
        const spectra::spot_table spots = spectra::evaluate_spots(psf, 0, fibers, all);
        for (std::size_t f = 0; f < fibers; ++f) {
            for (std::size_t w = 0; w < all.size(); ++w) {
                for (std::size_t i = 0; i < spots.nx * spots.ny; ++i) {
                    const int x = spots.x0[f * all.size() + w] + static_cast<int>(i % spots.nx);
                    const int y = spots.y0[f * all.size() + w] + static_cast<int>(i / spots.nx);
                    if (x < 0 || y < 0 || x >= static_cast<int>(ccd.nx) || y >= static_cast<int>(ccd.ny))
                        continue;
                    light[static_cast<std::size_t>(y) * ccd.nx + static_cast<std::size_t>(x)] +=
                        electrons(f, all[w]) *
                        spots.spot(f, w)[i / spots.nx * spots.pitch + i % spots.nx];
                }
            }
        }
        ccd.image.assign(light.begin(), light.end());
        ccd.mask.assign(light.size(), 0);
        for (const double l : light)
            weights.push_back(static_cast<float>(1 / (l + variance_of_reading)));
        ccd.ivar = weights;
    }

    void add_noise(unsigned seed) {
        std::mt19937 generator(seed);
        std::normal_distribution<double> normal;
        for (std::size_t i = 0; i < light.size(); ++i) {
            ccd.image[i] = static_cast<float>(light[i] + std::sqrt(light[i] + variance_of_reading) *
                                                             normal(generator));
        }
    }
};

spectra::extract_options options_for(const scene& s, std::span<const double> bins) {
    spectra::extract_options o;
    o.fibers = s.psf.fibers;
    o.wavelength.assign(bins.begin(), bins.end());
    o.threads = 1;
    return o;
}

spectra::bundle_spectra extract(const scene& s, const spectra::extract_options& o) {
    return spectra::extract_bundle(s.psf, s.ccd, s.weights, {o.first_fiber, o.first_fiber + o.fibers},
                                   o);
}

spectra::frame extract_frame(const scene& s, const spectra::extract_options& o) {
    const spectra::bundle_spectra bundle = extract(s, o);
    return spectra::finish_frame(std::span(&bundle, 1), s.psf, s.ccd, o);
}

// One patch up to its normal equations.
struct one_patch {
    spectra::spot_table spots;
    spectra::patch at;
    spectra::patch_image image;
    spectra::patch_spots places;
    spectra::normal_equations equations;

    one_patch(const scene& s, std::span<const double> bins, const spectra::patch_shape& shape,
              std::size_t fiber) {
        spectra::use_one_blas_thread(); // as extract_bundle does
        const std::vector<double> padded = spectra::padded_wavelengths(bins, shape);
        const spectra::bundle_plan plan =
            spectra::plan_bundle({fiber, fiber + 1}, s.psf.fibers, bins.size(), shape);
        spots = spectra::evaluate_spots(s.psf, plan.spots.begin, plan.spots.end - plan.spots.begin,
                                        std::span(padded).first(shape.waves + 2 * shape.wave_padding));
        at = plan.patches.front();
        spectra::cut_out(at, spots, s.ccd, s.weights, shape.row_padding, image);
        places.place(at, spots, image);
        spectra::accumulator().accumulate(at, places, image, equations);
    }

    spectra::patch_solution solve(algorithm how) const {
        spectra::normal_equations copy = equations;
        spectra::patch_solution out;
        spectra::stage_seconds seconds{};
        spectra::stage_clock clock(seconds);
        static spectra::solver solver; // what one patch leaves behind must not show in the next
        solver.solve(at, copy, how, out, clock);
        return out;
    }

    // Pixels by unknowns.
    std::vector<std::vector<double>> dense() const {
        std::vector<std::vector<double>> a(image.ny * image.pitch, std::vector<double>(at.unknowns()));
        for (std::size_t j = 0; j < at.unknowns(); ++j) {
            for (std::size_t i = 0; i < spots.nx * spots.ny && places.spot[j]; ++i) {
                a[places.offset[j] + i / spots.nx * image.pitch + i % spots.nx][j] =
                    places.spot[j][i / spots.nx * spots.pitch + i % spots.nx];
            }
        }
        return a;
    }
};

// The inverse, by Gauss and Jordan in long double.
std::vector<std::vector<long double>> inverse_of(std::vector<std::vector<long double>> a) {
    const std::size_t n = a.size();
    for (std::size_t i = 0; i < n; ++i) {
        a[i].resize(2 * n);
        a[i][n + i] = 1;
    }
    for (std::size_t k = 0; k < n; ++k) {
        const long double pivot = a[k][k]; // of a positive definite matrix: no exchange is needed
        for (long double& v : a[k]) v /= pivot;
        for (std::size_t i = 0; i < n; ++i) {
            const long double factor = a[i][k];
            if (i == k || factor == 0) continue;
            for (std::size_t j = k; j < 2 * n; ++j) a[i][j] -= factor * a[k][j];
        }
    }
    for (auto& row : a) row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(n));
    return a;
}

const spectra::patch_shape small_patches{.bundle = 25, .fibers = 3, .waves = 20, .wave_padding = 6};

double worst_of(std::span<const double> values) {
    double worst = 0;
    for (const double v : values) worst = std::max(worst, std::abs(v));
    return worst;
}

} // namespace

TEST_CASE("Patches cover each bin of each fibre once, with a fibre of padding within the bundle") {
    const spectra::patch_shape shape;
    const spectra::bundle_plan all = spectra::plan_bundle({25, 50}, 60, 120, shape);
    CHECK(all.spots.begin == 25);
    CHECK(all.spots.end == 50);
    std::vector<int> kept(25 * 120);
    for (const spectra::patch& p : all.patches) {
        CHECK(p.fibers == (p.first_fiber == 0 || p.first_fiber + p.fibers == 25 ? 6u : 7u));
        CHECK(p.waves == 74);
        for (std::size_t f = 0; f < p.kept_fibers; ++f) {
            for (std::size_t w = 0; w < p.kept_waves; ++w) {
                ++kept[(p.first_fiber + p.kept_fiber + f) * 120 + p.first_bin + w];
            }
        }
    }
    CHECK(std::all_of(kept.begin(), kept.end(), [](int n) { return n == 1; }));

    const spectra::bundle_plan some = spectra::plan_bundle({32, 36}, 60, 120, shape);
    CHECK(some.spots.begin == 29);
    CHECK(some.spots.end == 41);
    CHECK(some.patches.size() == 2 * 3);
    CHECK(spectra::plan_bundle({50, 60}, 60, 120, shape).patches.back().fibers == 6); // a bundle of 10
    CHECK(spectra::padded_wavelengths(grid(120), shape).size() == 150 + 24);
}

TEST_CASE("The band holds the dense normal equations") {
    const std::vector<double> bins = grid(40);
    scene s(9, bins, 12);
    s.add_noise(3);
    for (std::size_t i = 0; i < s.weights.size(); i += 37) s.weights[i] = 0;
    const one_patch p(s, bins, small_patches, 4);
    const std::size_t n = p.at.unknowns();
    const std::vector<std::vector<double>> a = p.dense();
    double worst = 0, light_error = 0, weight_error = 0, masked_error = 0;
    std::size_t outside = 0;
    std::vector<std::vector<double>> product(n, std::vector<double>(n));
    std::vector<double> light(n), weight(n), masked(n);
    for (std::size_t k = 0; k < a.size(); ++k) {
        const double w = p.image.weight[k];
        for (std::size_t i = 0; i < n; ++i) {
            if (a[k][i] == 0) continue;
            light[i] += a[k][i] * w * p.image.pixel[k];
            weight[i] += a[k][i] * w;
            masked[i] += w == 0 ? a[k][i] : 0;
            for (std::size_t j = 0; j <= i; ++j) product[i][j] += a[k][i] * w * a[k][j];
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        light_error = std::max(light_error, std::abs(p.equations.weighted_light[i] / light[i] - 1));
        weight_error = std::max(weight_error, std::abs(p.equations.weight[i] / weight[i] - 1));
        masked_error = std::max(masked_error, std::abs(p.equations.masked_fraction[i] - masked[i]));
        for (std::size_t j = 0; j <= i; ++j) {
            if (i - j > p.equations.half_bandwidth) {
                outside += product[i][j] != 0;
            } else if (product[i][j] != 0 ||
                       p.equations.row(i)[p.equations.half_bandwidth + j - i] != 0) {
                const double banded = p.equations.row(i)[p.equations.half_bandwidth + j - i];
                worst = std::max(worst, std::abs(banded / product[i][j] - 1));
            }
        }
    }
    CHECK(outside == 0);
    CHECK(worst < 10 * epsilon<double>);
    CHECK(light_error < 10 * epsilon<double>);
    CHECK(weight_error < 10 * epsilon<double>);
    CHECK(masked_error < 1e-12);
    CHECK(p.equations.half_bandwidth < 62);
}

TEST_CASE("Bins that pixels say next to nothing of get a prior, others next to none") {
    spectra::normal_equations e;
    e.unknowns = 3;
    e.half_bandwidth = 1;
    e.band = {0, 2, 1, 3, 1, 4};
    e.weight = {10, 0, 0.0005};
    spectra::regularise(e);
    CHECK(e.band[1] - 2 == Approx(1e-15).epsilon(0.2));
    CHECK(e.band[3] - 3 == Approx(1e-6 + 1e-15).epsilon(1e-9));
    CHECK(e.band[5] - 4 == Approx(0.0005 * 0.0005).epsilon(1e-8));
}

TEST_CASE("Banded Cholesky and eigenvectors of the whole give the same spectra") {
    const std::vector<double> bins = grid(50);
    scene s(13, bins, 12);
    s.add_noise(1);
    for (const std::size_t fiber : {0u, 6u, 12u}) { // 6, 7 and 4 fibres
        one_patch p(s, bins, {}, fiber);
        spectra::regularise(p.equations);
        const spectra::patch_solution banded = p.solve(algorithm::banded),
                                      dense = p.solve(algorithm::eigh);
        CHECK_FALSE(banded.clipped);
        double pull = 0, ivar = 0, resolution = 0;
        for (std::size_t i = 0; i < dense.flux.size(); ++i) {
            if (i % p.at.waves < p.at.kept_wave || i % p.at.waves >= p.at.kept_wave + p.at.kept_waves)
                continue;
            pull = std::max(pull, std::abs(banded.flux[i] - dense.flux[i]) * std::sqrt(dense.ivar[i]));
            ivar = std::max(ivar, std::abs(banded.ivar[i] / dense.ivar[i] - 1));
            for (std::size_t j = 0; j < p.at.waves; ++j) {
                const std::size_t r = i * p.at.waves + j;
                resolution = std::max(resolution, std::abs(banded.resolution[r] - dense.resolution[r]));
            }
        }
        CHECK(pull < 1e-6);
        CHECK(ivar < 1e-8);
        CHECK(resolution < 1e-8);
    }
}

TEST_CASE("Resolution and errors are a square root of the inverse covariance of each fibre") {
    const std::vector<double> bins = grid(20);
    const scene s(7, bins, 8);
    one_patch p(s, bins, small_patches, 4);
    spectra::regularise(p.equations);
    const std::size_t n = p.at.unknowns(), waves = p.at.waves;
    std::vector<std::vector<long double>> matrix(n, std::vector<long double>(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i - std::min(i, p.equations.half_bandwidth); j <= i; ++j) {
            matrix[i][j] = matrix[j][i] = p.equations.row(i)[p.equations.half_bandwidth + j - i];
        }
    }
    const std::vector<std::vector<long double>> c = inverse_of(matrix);
    for (const algorithm how : {algorithm::banded, algorithm::eigh}) {
        const spectra::patch_solution out = p.solve(how);
        double flux_error = 0;
        for (std::size_t i = 0; i < n; ++i) {
            long double f = 0;
            for (std::size_t j = 0; j < n; ++j) f += c[i][j] * p.equations.weighted_light[j];
            flux_error = std::max(flux_error, static_cast<double>(std::abs(out.deconvolved[i] - f) *
                                                                  std::sqrt(matrix[i][i])));
        }
        CHECK(flux_error < 1e-9);
        for (std::size_t kept = 0; kept < p.at.kept_fibers; ++kept) {
            std::vector<std::vector<long double>> block(waves, std::vector<long double>(waves));
            for (std::size_t i = 0; i < waves; ++i) {
                for (std::size_t j = 0; j < waves; ++j) {
                    block[i][j] = c[p.at.unknown(p.at.kept_fiber + kept, i)]
                                   [p.at.unknown(p.at.kept_fiber + kept, j)];
                }
            }
            const std::vector<std::vector<long double>> inverse = inverse_of(block);
            const double* r = &out.resolution[kept * waves * waves];
            double residual = 0, size = 0, row_error = 0;
            for (std::size_t i = 0; i < waves; ++i) {
                double row = 0;
                for (std::size_t j = 0; j < waves; ++j) {
                    long double sum = 0;
                    for (std::size_t k = 0; k < waves; ++k) {
                        sum += static_cast<long double>(r[k * waves + i]) * out.ivar[kept * waves + k] *
                               r[k * waves + j];
                    }
                    residual = std::max(residual, static_cast<double>(std::abs(sum - inverse[i][j])));
                    size = std::max(size, static_cast<double>(std::abs(inverse[i][j])));
                    row += r[i * waves + j];
                }
                row_error = std::max(row_error, std::abs(row - 1));
            }
            CHECK(residual < 1e-10 * size);
            CHECK(row_error < 1e-12);
        }
    }
}

TEST_CASE("Without noise a patch gives back what was put in, blurred by its resolution") {
    const std::vector<double> bins = grid(50);
    const scene s(5, bins);
    one_patch p(s, bins, {}, 0);
    for (std::size_t y = 0; y < p.image.ny; ++y) { // the light before it was rounded to float
        for (std::size_t x = 0; x < p.image.nx; ++x) {
            const std::size_t ccd = (static_cast<std::size_t>(p.image.y0) + y) * s.ccd.nx +
                                    static_cast<std::size_t>(p.image.x0) + x;
            double& pixel = p.image.pixel[y * p.image.pitch + x];
            if (pixel != 0) pixel = s.light[ccd];
        }
    }
    spectra::accumulator().accumulate(p.at, p.places, p.image, p.equations);
    spectra::regularise(p.equations);
    const spectra::patch_solution out = p.solve(algorithm::banded);
    double worst = 0;
    for (std::size_t f = 0; f < 5; ++f) {
        for (std::size_t w = 12; w < 62; ++w) {
            double blurred = 0;
            for (std::size_t j = 12; j < 62; ++j) {
                blurred += out.resolution[(f * 74 + w) * 74 + j] * electrons(f, bins[j - 12]);
            }
            worst = std::max(worst, std::abs(out.flux[f * 74 + w] / blurred - 1));
        }
    }
    CHECK(worst < 1e-9);

    const std::vector<std::vector<double>> a = p.dense();
    double residual = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        double model = 0;
        for (std::size_t j = 0; j < a[k].size(); ++j) model += a[k][j] * out.deconvolved[j];
        if (p.image.weight[k] > 0) residual = std::max(residual, std::abs(model - p.image.pixel[k]));
    }
    CHECK(residual < 1e-6);
}

TEST_CASE("Patches join to what one large patch gives, and to the image") {
    const std::vector<double> bins = grid(170);
    scene s(12, bins, 15);
    s.add_noise(6);
    spectra::extract_options o = options_for(s, bins);
    o.model = true;
    const spectra::frame f = extract_frame(s, o);
    o.patches.fibers = 12;
    o.patches.waves = 170;
    const spectra::frame whole = extract_frame(s, o);
    std::size_t far = 0;
    double worst = 0;
    for (std::size_t i = 0; i < f.flux.size(); ++i) {
        const double pull = std::abs(f.flux[i] - whole.flux[i]) * std::sqrt(whole.ivar[i]);
        worst = std::max(worst, pull);
        far += pull > 0.01;
    }
    CHECK(worst < 0.05);
    CHECK(far * 100 <= f.flux.size());
    CHECK(worst > 0); // other patches, other numbers
    double residual = 0, count = 0;
    for (std::size_t y = 100; y < 270; ++y) {
        for (std::size_t x = 10; x < 110; ++x) {
            const std::size_t i = y * f.nx + x;
            residual += std::pow(f.model[i] - s.ccd.image[i], 2) / (s.light[i] + variance_of_reading);
            ++count;
        }
    }
    CHECK(residual / count < 1); // as some of the noise is fitted
    CHECK(residual / count > 0.7);
    CHECK(worst_of(f.pixmask_fraction) == 0);
}

TEST_CASE("Errors are what noise makes of the spectra, and independent") {
    const std::vector<double> bins = grid(20);
    scene s(7, bins, 8);
    one_patch p(s, bins, small_patches, 4);
    const std::size_t waves = p.at.waves, draws = 2000, from = p.at.kept_wave, to = from + 20;
    std::vector<double> sum(3 * waves), squares(3 * waves), neighbours(3 * waves), mean(3 * waves);
    std::mt19937 generator(6);
    std::normal_distribution<double> normal;
    const std::vector<double> light(p.image.pixel);
    const std::vector<double> weight_before(p.equations.weight);
    spectra::accumulator accumulate;
    spectra::solver solver;
    spectra::stage_seconds seconds{};
    spectra::stage_clock clock(seconds);
    spectra::patch_solution out;
    for (std::size_t draw = 0; draw <= draws; ++draw) { // the first one without noise
        for (std::size_t i = 0; i < light.size(); ++i) {
            if (draw == 0 || p.image.weight[i] == 0) continue;
            p.image.pixel[i] = light[i] + normal(generator) / std::sqrt(p.image.weight[i]);
        }
        accumulate.accumulate(p.at, p.places, p.image, p.equations);
        spectra::regularise(p.equations);
        solver.solve(p.at, p.equations, algorithm::banded, out, clock);
        if (draw == 0) {
            mean = out.flux;
            continue;
        }
        double before = 0;
        for (std::size_t i = 0; i < out.flux.size(); ++i) {
            const double pull = (out.flux[i] - mean[i]) * std::sqrt(out.ivar[i]);
            sum[i] += pull;
            squares[i] += pull * pull;
            if (i % waves > 0) neighbours[i] += pull * before;
            before = pull;
        }
    }
    CHECK(p.equations.weight == weight_before);
    const double n = static_cast<double>(draws);
    double average = 0, worst_mean = 0, worst_variance = 0, correlation = 0;
    for (std::size_t f = 0; f < 3; ++f) {
        for (std::size_t w = from; w < to; ++w) {
            const std::size_t i = f * waves + w;
            average += squares[i] / n / 60;
            correlation += neighbours[i] / n / 60;
            worst_mean = std::max(worst_mean, std::abs(sum[i] / n));
            worst_variance = std::max(worst_variance, std::abs(squares[i] / n - 1));
        }
    }
    // 2000 draws know a mean to 0.022, a variance to 0.032; 60 of them to 0.004.
    CHECK(worst_mean < 0.09);
    CHECK(worst_variance < 0.13);
    CHECK(std::abs(average - 1) < 0.013);
    CHECK(std::abs(correlation) < 0.013);
}

TEST_CASE("Bins without a usable pixel are nothing, others as good as before") {
    const std::vector<double> bins = grid(120);
    scene s(12, bins, 15);
    s.add_noise(7);
    spectra::extract_options o = options_for(s, bins);
    const spectra::bundle_spectra whole = extract(s, o);

    // A block around fibres 6 and 7, some single pixels, and a column between fibres 0 and 1.
    const auto discard = [&](std::size_t x, std::size_t y) {
        s.weights[y * s.ccd.nx + x] = 0;
        s.ccd.image[y * s.ccd.nx + x] = 0;
    };
    for (std::size_t y = 90; y < 130; ++y) {
        for (std::size_t x = 50; x < 90; ++x) discard(x, y);
    }
    for (std::size_t i = 0; i < 400; ++i) discard(i * 7919 % 100, 60 + i * 104729 % 100);
    for (std::size_t y = 0; y < 150; ++y) discard(24, y);
    const spectra::bundle_spectra b = extract(s, o);
    const spectra::frame f = spectra::finish_frame(std::span(&b, 1), s.psf, s.ccd, o);

    const spectra::spot_table spots = spectra::evaluate_spots(s.psf, 0, 12, bins);
    std::size_t nothing = 0, wrong = 0, same = 0;
    for (std::size_t fiber = 0; fiber < 12; ++fiber) {
        for (std::size_t bin = 0; bin < 120; ++bin) {
            const std::size_t i = fiber * 120 + bin;
            double masked = 0, usable = 0;
            for (std::size_t k = 0; k < spots.nx * spots.ny; ++k) {
                const int x = spots.x0[i] + static_cast<int>(k % spots.nx),
                          y = spots.y0[i] + static_cast<int>(k / spots.nx);
                const bool off =
                    x < 0 || y < 0 || x >= static_cast<int>(s.ccd.nx) || y >= static_cast<int>(s.ccd.ny);
                const double spot = spots.spot(fiber, bin)[k / spots.nx * spots.pitch + k % spots.nx];
                if (off ||
                    s.weights[static_cast<std::size_t>(y) * s.ccd.nx + static_cast<std::size_t>(x)] ==
                        0) {
                    masked += spot;
                } else {
                    usable += spot;
                }
            }
            wrong += std::abs(f.pixmask_fraction[i] - masked) > 1e-12;
            wrong += (f.mask[i] & spectra::mask_bit::some_bad_pixels) != (masked > 0.5 ? 1u : 0u);
            const bool all_bad = (f.mask[i] & spectra::mask_bit::all_bad_pixels) != 0;
            wrong += all_bad != (usable == 0);
            wrong += all_bad != (f.ivar[i] == 0) || all_bad != (f.pixmask_fraction[i] == 1);
            wrong +=
                !std::isfinite(f.flux[i]) || !std::isfinite(f.ivar[i]) || !std::isfinite(f.chi2pix[i]);
            if (all_bad) {
                ++nothing;
                wrong += f.flux[i] != 0;
                for (std::size_t d = 0; d < f.diagonals; ++d) { // its row of the resolution
                    const std::size_t j = bin + 5 - d;
                    if (j < 120) wrong += f.resolution[(fiber * f.diagonals + d) * 120 + j] != 0;
                }
            }
            // Patches that see nothing of it, here those of the last 20 bins, keep their bits.
            if (bin >= 100) same += b.flux[i] == whole.flux[i] && b.ivar[i] == whole.ivar[i];
        }
    }
    CHECK(nothing > 20);
    CHECK(wrong == 0);
    CHECK(same == 12 * 20);
}

// gpu_specter gives bins without a pixel an ivar of 1e-15 and so no mask bit; an empty image is where it shows.
TEST_CASE("An image without a usable pixel makes a frame of masked bins") {
    const std::vector<double> bins = grid(60);
    scene s(6, bins);
    std::fill(s.weights.begin(), s.weights.end(), 0.0f);
    for (const algorithm how : {algorithm::banded, algorithm::eigh}) {
        spectra::extract_options o = options_for(s, bins);
        o.algorithm = how;
        o.model = true;
        const spectra::frame f = extract_frame(s, o);
        for (const auto* array : {&f.flux, &f.ivar, &f.chi2pix, &f.resolution})
            CHECK(worst_of(*array) == 0);
        CHECK(std::all_of(f.mask.begin(), f.mask.end(), [](std::uint32_t m) { return m == 3; }));
        CHECK(std::all_of(f.pixmask_fraction.begin(), f.pixmask_fraction.end(),
                          [](double x) { return x == 1; }));
        CHECK(std::all_of(f.model.begin(), f.model.end(), [](float x) { return x == 0; }));
    }
}

// gpu_specter drops all of a patch of which some padding is beyond the CCD, here bins of 50 and more.
TEST_CASE("Beyond the edge of the CCD each fibre is masked by itself") {
    const std::vector<double> bins = grid(100, 5996 - 20 * 0.8);
    scene s(8, bins, 15);
    s.add_noise(2);
    const spectra::frame f = extract_frame(s, options_for(s, bins));
    const spectra::spot_table spots = spectra::evaluate_spots(s.psf, 0, 8, bins);
    std::size_t off = 0, partly = 0, whole = 0;
    double pulls = 0;
    for (std::size_t fiber = 0; fiber < 8; ++fiber) {
        for (std::size_t bin = 0; bin < 95; ++bin) {
            const std::size_t i = fiber * 100 + bin;
            const int rows_on = std::clamp(spots.y0[i] + 11, 0, 11);
            const bool masked = f.mask[i] & spectra::mask_bit::all_bad_pixels;
            if (rows_on == 0) {
                ++off;
                CHECK((masked && f.ivar[i] == 0 && f.pixmask_fraction[i] == 1));
            } else if (rows_on < 11) {
                ++partly;
                CHECK((!masked && f.ivar[i] > 0 && f.pixmask_fraction[i] > 0));
            } else {
                CHECK((f.ivar[i] > 0 && f.pixmask_fraction[i] == 0));
                double blurred = 0;
                for (std::size_t d = 0; d < 11 && bin >= 5; ++d) {
                    blurred += f.resolution[(fiber * 11 + d) * 100 + bin + 5 - d] *
                               electrons(fiber, bins[bin + 5 - d]) / 0.8;
                }
                pulls += std::pow(f.flux[i] - blurred, 2) * f.ivar[i];
                ++whole;
            }
        }
    }
    CHECK(off > 20);
    CHECK(partly > 30);
    CHECK(std::sqrt(pulls / static_cast<double>(whole)) == Approx(1).margin(0.1));
}

TEST_CASE("A cosmic ray that no mask knows of is flagged") {
    const std::vector<double> bins = grid(150);
    scene s(10, bins, 15);
    s.add_noise(4);
    const spectra::extract_options o = options_for(s, bins);
    const spectra::frame before = extract_frame(s, o);
    std::size_t false_flags = 0;
    for (const std::uint32_t m : before.mask) false_flags += (m & spectra::mask_bit::bad_2d_fit) != 0;
    CHECK(false_flags <= 1);

    const spectra::spot_table spots = spectra::evaluate_spots(s.psf, 0, 10, bins);
    std::size_t hits = 0, flagged = 0;
    const std::vector<float> clean = s.ccd.image;
    for (std::size_t fiber = 0; fiber < 10; fiber += 3) {
        s.ccd.image = clean;
        for (std::size_t bin = 10; bin < 150; bin += 20) {
            const std::size_t i = fiber * 150 + bin;
            s.ccd.image[static_cast<std::size_t>(spots.y0[i] + 5) * s.ccd.nx +
                        static_cast<std::size_t>(spots.x0[i] + 8)] += 1e4f;
        }
        const spectra::frame f = extract_frame(s, o);
        for (std::size_t bin = 10; bin < 150; bin += 20) {
            ++hits;
            flagged += (f.mask[fiber * 150 + bin] & spectra::mask_bit::bad_2d_fit) != 0;
        }
    }
    CHECK(flagged * 100 >= hits * 95);
}

TEST_CASE("Spectra are bitwise the same for any threads and any choice of fibres") {
    const std::vector<double> bins = grid(110);
    scene s(27, bins, 12);
    s.add_noise(9);
    spectra::extract_options o = options_for(s, bins);
    o.fibers = 25;
    o.model = true;
    const spectra::bundle_spectra whole = extract(s, o);
    for (const int threads : {2, 4}) {
        o.threads = threads;
        const spectra::bundle_spectra b = extract(s, o);
        CHECK(same_bits(b.flux, whole.flux));
        CHECK(same_bits(b.ivar, whole.ivar));
        CHECK(same_bits(b.resolution, whole.resolution));
        CHECK(same_bits(b.chi2pix, whole.chi2pix));
        REQUIRE(b.model.size() == whole.model.size());
        for (std::size_t i = 0; i < b.model.size(); ++i) {
            CHECK(same_bits(b.model[i].electrons, whole.model[i].electrons));
        }
    }
    o.first_fiber = 8;
    o.fibers = 4;
    const spectra::bundle_spectra some = extract(s, o);
    CHECK(same_bits(some.flux, std::span(whole.flux).subspan(8 * 110, 4 * 110)));
    CHECK(same_bits(some.ivar, std::span(whole.ivar).subspan(8 * 110, 4 * 110)));
    CHECK(same_bits(some.chi2pix, std::span(whole.chi2pix).subspan(8 * 110, 4 * 110)));
    CHECK(same_bits(some.pixmask_fraction, std::span(whole.pixmask_fraction).subspan(8 * 110, 4 * 110)));
    CHECK(same_bits(some.resolution, std::span(whole.resolution).subspan(8 * 110 * 11, 4 * 110 * 11)));
}

TEST_CASE("Bundles survive being sent, and make one frame") {
    const std::vector<double> bins = grid(60);
    scene s(30, bins, 12);
    s.add_noise(11);
    spectra::extract_options o = options_for(s, bins);
    o.first_fiber = 22;
    o.fibers = 6;
    o.model = true;
    const std::vector<spectra::fiber_span> spans = spectra::bundles_of(o);
    REQUIRE(spans.size() == 2);
    CHECK((spans[0].begin == 22 && spans[0].end == 25 && spans[1].begin == 25 && spans[1].end == 28));
    std::vector<double> sent;
    std::size_t calls = 0, last = 0;
    for (const spectra::fiber_span& span : spans) {
        spectra::extract_bundle(s.psf, s.ccd, s.weights, span, o, [&](std::size_t done, std::size_t of) {
            ++calls;
            last = of - done;
        }).append_to(sent);
    }
    CHECK(calls == 2 * 2);
    CHECK(last == 0);
    std::span<const double> left(sent);
    std::vector<spectra::bundle_spectra> bundles;
    for (std::size_t i = 0; i < 2; ++i) bundles.push_back(spectra::bundle_spectra::take_from(left));
    CHECK(left.empty());
    const spectra::frame f = spectra::finish_frame(bundles, s.psf, s.ccd, o);
    CHECK(f.fibers == 6);
    CHECK(f.flux[3 * 60 + 7] == bundles[1].flux[7] / ((bins[8] - bins[6]) / 2));
    CHECK(f.ivar[2 * 60] == bundles[0].ivar[2 * 60] * std::pow(bins[1] - bins[0], 2));
    CHECK(same_bits(std::span(f.resolution).subspan(3 * 660), bundles[1].resolution));
    double light = 0, model = 0;
    for (std::size_t x = 180; x < 210; ++x) { // fibres 23 to 25, of both bundles
        light += s.light[120 * f.nx + x];
        model += f.model[120 * f.nx + x];
    }
    CHECK(model == Approx(light).epsilon(0.1));
}

TEST_CASE("A matrix that is not positive definite is made so, and counted") {
    const std::vector<double> bins = grid(20);
    const scene s(3, bins);
    one_patch p(s, bins, small_patches, 0);
    const std::size_t half = p.equations.half_bandwidth, middle = p.at.unknowns() / 2;
    spectra::regularise(p.equations);
    p.equations.row(middle)[half] *= 0.01;
    const spectra::patch_solution out = p.solve(algorithm::banded);
    CHECK(out.clipped);
    for (const auto* array : {&out.flux, &out.ivar, &out.resolution}) {
        CHECK(std::all_of(array->begin(), array->end(), [](double x) { return std::isfinite(x); }));
    }
}

TEST_CASE("What cannot be extracted is refused, and said") {
    const std::vector<double> bins = grid(60);
    scene s(30, bins);
    spectra::extract_options o = options_for(s, bins);
    const auto run = [&](std::size_t begin, std::size_t end) {
        return message_of([&] { spectra::extract_bundle(s.psf, s.ccd, s.weights, {begin, end}, o); });
    };
    CHECK_THAT(run(20, 30), ContainsSubstring("fibres 20:30 are not of the bundle 0:25"));
    CHECK_THAT(run(28, 31), ContainsSubstring("fibres 28:31 are not of the bundle 25:30"));
    o.wavelength = {6000};
    CHECK_THAT(run(0, 5), ContainsSubstring("1 bins, expected 2 or more"));
    o.wavelength = {6000, 6001, 6001};
    CHECK_THAT(run(0, 5), ContainsSubstring("bin 2") && ContainsSubstring("6001"));
    o.wavelength = bins;
    s.psf.nx = 4114;
    CHECK_THAT(run(0, 5), ContainsSubstring("280 x 400") && ContainsSubstring("4114 x 400"));
}

namespace {

// The simulated exposure of the real PSF, and what gpu_specter made of it.
struct real_exposure {
    spectra::psf psf;
    spectra::exposure ccd;
    std::vector<float> weights;
    std::map<std::string, std::vector<double>> reference; // (25, ...), per bin

    static const real_exposure* get() {
        const std::filesystem::path folder = std::filesystem::path(DESTRIER_TEST_DATA) / "spectroscopy";
        if (!std::filesystem::exists(folder / "preproc-r0-bundle00.fits.gz")) {
            std::cout << "skipped: there is no " << folder << '\n';
            return nullptr;
        }
        static const real_exposure loaded(folder);
        return &loaded;
    }

    // Bins first .. first + count - 1 of the reference.
    spectra::bundle_spectra extract(algorithm how, std::size_t first, std::size_t count) const {
        spectra::extract_options o;
        o.algorithm = how;
        o.fibers = 25;
        o.threads = 2;
        const std::vector<double>& all = reference.at("WAVELENGTH");
        o.wavelength.assign(all.begin() + static_cast<std::ptrdiff_t>(first),
                            all.begin() + static_cast<std::ptrdiff_t>(first + count));
        return spectra::extract_bundle(psf, ccd, weights, {0, 25}, o);
    }

private:
    explicit real_exposure(const std::filesystem::path& folder)
        : psf(spectra::read_psf(folder / "psf-r0-00051060.fits")),
          ccd(spectra::read_exposure(folder / "preproc-r0-bundle00.fits.gz")),
          weights(spectra::usable_weights(ccd)) {
        const common::fits::input_file file(folder / "reference-r0-bundle00.fits.gz");
        for (const char* name : {"FLUX", "IVAR", "WAVELENGTH", "RESOLUTION", "PIXMASK_FRACTION",
                                 "CHI2PIX", "TRUTH_PHOTONS"}) {
            reference[name] = file[name].image<double>();
        }
    }
};

constexpr std::size_t reference_bins = 2326;

void check_against_gpu_specter(const real_exposure& real, const spectra::bundle_spectra& b,
                               std::size_t first, std::size_t count) {
    double pull = 0, ivar = 0, centre = 0, masked = 0, chi2 = 0;
    for (std::size_t fiber = 0; fiber < 25; ++fiber) {
        for (std::size_t bin = 0; bin < count; ++bin) {
            const std::size_t i = fiber * count + bin, r = fiber * reference_bins + first + bin;
            masked = std::max(
                masked, std::abs(b.pixmask_fraction[i] - real.reference.at("PIXMASK_FRACTION")[r]));
            chi2 = std::max(chi2, std::abs(b.chi2pix[i] / real.reference.at("CHI2PIX")[r] - 1));
            if (b.ivar[i] == 0) continue; // where gpu_specter says 1e-15
            const double their_ivar = real.reference.at("IVAR")[r];
            pull = std::max(pull,
                            std::abs(b.flux[i] - real.reference.at("FLUX")[r]) * std::sqrt(their_ivar));
            ivar = std::max(ivar, std::abs(b.ivar[i] / their_ivar - 1));
            const double their_centre =
                real.reference.at("RESOLUTION")[(fiber * 11 + 5) * reference_bins + first + bin];
            centre = std::max(centre,
                              std::abs(b.resolution[(fiber * 11 + 5) * count + bin] / their_centre - 1));
        }
    }
    CHECK(pull < 5e-4);
    CHECK(ivar < 1e-3);
    CHECK(centre < 1e-4);
    CHECK(masked < 1e-6); // the reference is in float
    CHECK(chi2 < 1e-3);
}

} // namespace

TEST_CASE("The eigenvectors' spectra are those of gpu_specter, the banded ones the same") {
    const real_exposure* real = real_exposure::get();
    if (!real) return;
    for (const std::size_t first : {0u, 1150u}) { // where patches start
        const spectra::bundle_spectra dense = real->extract(algorithm::eigh, first, 50);
        check_against_gpu_specter(*real, dense, first, 50);
        const spectra::bundle_spectra banded = real->extract(algorithm::banded, first, 50);
        double pull = 0;
        for (std::size_t i = 0; i < dense.flux.size(); ++i) {
            pull = std::max(pull, std::abs(banded.flux[i] - dense.flux[i]) * std::sqrt(dense.ivar[i]));
        }
        CHECK(pull < 1e-6);
    }
}

TEST_CASE("A whole bundle has pulls of mean 0 and deviation 1") {
    const real_exposure* real = real_exposure::get();
    if (!real) return;
    const spectra::bundle_spectra b = real->extract(algorithm::banded, 0, reference_bins);
    check_against_gpu_specter(*real, b, 0, reference_bins);
    CHECK(b.clipped == 0);
    const std::vector<double>& truth = real->reference.at("TRUTH_PHOTONS");
    double sum = 0, squares = 0, neighbours = 0, count = 0;
    for (std::size_t fiber = 0; fiber < 25; ++fiber) {
        double before = 0;
        for (std::size_t bin = 5; bin + 5 < reference_bins; ++bin) {
            const std::size_t i = fiber * reference_bins + bin;
            double blurred = 0;
            for (std::size_t d = 0; d < 11; ++d) {
                const std::size_t j = bin + 5 - d;
                blurred += b.resolution[(fiber * 11 + d) * reference_bins + j] *
                           truth[fiber * reference_bins + j];
            }
            const double pull = (b.flux[i] - blurred) * std::sqrt(b.ivar[i]);
            if (b.ivar[i] > 0) ++count;
            sum += pull;
            squares += pull * pull;
            neighbours += pull * before;
            before = pull;
        }
    }
    CHECK(std::abs(sum / count) < 0.02);
    CHECK(std::sqrt(squares / count) == Approx(1).margin(0.02));
    CHECK(std::abs(neighbours / count) < 0.02);
}

TEST_CASE("The whole bundle by eigenvectors is gpu_specter's", "[slow]") {
    const real_exposure* real = real_exposure::get();
    if (!real) return;
    check_against_gpu_specter(*real, real->extract(algorithm::eigh, 0, reference_bins), 0,
                              reference_bins);
}
