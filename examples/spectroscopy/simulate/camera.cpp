// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/camera.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include <destrier/parallel.hpp>

#include "common/random.hpp"

namespace spectra {
namespace {

// Streams of random numbers; sources.cpp uses stream 0.
enum stream : std::uint64_t { noise = 1, defects, columns, cosmics };

float to_float(double value) { return static_cast<float>(value); }

void read_row(const double* light, std::size_t row, std::size_t nx, const camera& c, exposure& e) {
    common::random_stream random(c.seed, stream::noise, row);
    std::normal_distribution<double> read_noise(0, c.read_noise);
    for (std::size_t i = row * nx; i < (row + 1) * nx; ++i) {
        double value = light[i];
        if (c.noise) {
            value = common::poisson(value, random);
            if (c.read_noise > 0) value += read_noise(random);
        }
        const double signal = c.true_variance ? light[i] : std::max(value, 0.0);
        const double variance = signal + c.read_noise * c.read_noise;
        e.image[i] = to_float(value);
        e.ivar[i] = variance > 0 ? to_float(1 / variance) : 0;
    }
}

void spoil_row(std::size_t row, std::size_t nx, const camera& c, exposure& e) {
    common::random_stream random(c.seed, stream::defects, row);
    for (std::size_t i = row * nx; i < (row + 1) * nx; ++i) {
        const double luck = random.uniform();
        if (luck < c.bad_pixels) {
            e.image[i] = to_float(20000 * random.uniform() - 5000);
            e.mask[i] |= ccd_bit::bad;
        } else if (luck < 1.25 * c.bad_pixels) {
            e.mask[i] |= ccd_bit::bad_read_noise;
        }
    }
}

// Among the columns that see light.
void kill_columns(const std::vector<double>& light, const camera& c, exposure& e) {
    std::vector<std::size_t> lit;
    for (std::size_t x = 0; x < e.nx; ++x) {
        bool sees = false;
        for (std::size_t y = 0; y < e.ny && !sees; ++y) sees = light[y * e.nx + x] > 0;
        if (sees) lit.push_back(x);
    }
    common::random_stream random(c.seed, stream::columns, 0);
    for (std::size_t k = 0; k < c.dead_columns && !lit.empty(); ++k) {
        const std::size_t x = lit[random() % lit.size()];
        for (std::size_t i = x; i < e.image.size(); i += e.nx) {
            e.image[i] = 0;
            e.mask[i] |= ccd_bit::dead;
        }
    }
}

void add_track(std::size_t number, const camera& c, exposure& e) {
    common::random_stream random(c.seed, stream::cosmics, number);
    double x = random.uniform() * static_cast<double>(e.nx),
           y = random.uniform() * static_cast<double>(e.ny);
    const double angle = 2 * std::numbers::pi * random.uniform(), charge = 500 + 5000 * random.uniform();
    const int length = 5 + static_cast<int>(36 * random.uniform());
    for (int step = 0; step < length; ++step, x += std::cos(angle), y += std::sin(angle)) {
        if (x < 0 || y < 0 || x >= static_cast<double>(e.nx) || y >= static_cast<double>(e.ny)) return;
        const std::size_t i = static_cast<std::size_t>(y) * e.nx + static_cast<std::size_t>(x);
        e.image[i] += to_float(charge * (0.5 + random.uniform()));
        e.mask[i] |= ccd_bit::cosmic;
    }
}

} // namespace

exposure expose(const std::vector<double>& light, std::size_t nx, std::size_t ny, const camera& c,
                int threads) {
    exposure e;
    e.nx = nx;
    e.ny = ny;
    e.image.resize(nx * ny);
    e.ivar.resize(nx * ny);
    e.mask.resize(nx * ny);
    destrier::parallel_for(ny, threads, [&](std::size_t row) {
        read_row(light.data(), row, nx, c, e);
        spoil_row(row, nx, c, e);
    });
    kill_columns(light, c, e);
    for (std::size_t k = 0; k < c.cosmics; ++k) add_track(k, c, e);
    return e;
}

} // namespace spectra
