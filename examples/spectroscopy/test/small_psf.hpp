// SPDX-License-Identifier: BSD-3-Clause
//
// A point-spread function like that of DESI's r camera, on a small CCD: fibres 7.2 pixels apart, 0.56 Angstrom to a
// pixel, and spots that are not quite Gaussian and change along the CCD.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "exposure/psf.hpp"

namespace small {

inline constexpr double first_wavelength = 6000, last_wavelength = 6200;

inline spectra::fiber_series series(std::size_t fibers, std::size_t terms) {
    return {{first_wavelength, last_wavelength}, terms, std::vector<double>(fibers * terms)};
}

inline spectra::psf psf(std::size_t fibers, std::size_t half_x = 8, std::size_t half_y = 5,
                        std::size_t degree_x = 6, std::size_t degree_y = 6) {
    spectra::psf p;
    p.fibers = fibers;
    p.nx = 40 + 8 * fibers;
    p.ny = 400;
    p.half_x = half_x;
    p.half_y = half_y;
    p.degree_x = degree_x;
    p.degree_y = degree_y;
    p.x = series(fibers, 3);
    p.y = series(fibers, 3);
    p.sigma_x = series(fibers, 2);
    p.sigma_y = series(fibers, 2);
    p.gauss_hermite.assign((degree_x + 1) * (degree_y + 1), series(fibers, 2));
    for (std::size_t f = 0; f < fibers; ++f) {
        const double at = static_cast<double>(f);
        double* const x = &p.x.coefficients[3 * f];
        double* const y = &p.y.coefficients[3 * f];
        x[0] = 20 + 7.2 * at, x[1] = 1.3, x[2] = 0.4;
        y[0] = 200 + 0.03 * at * at, y[1] = 178, y[2] = 1.5;
        p.sigma_x.coefficients[2 * f] = 1.06 + 0.001 * at;
        p.sigma_x.coefficients[2 * f + 1] = 0.02;
        p.sigma_y.coefficients[2 * f] = 1.12 - 0.001 * at;
        p.sigma_y.coefficients[2 * f + 1] = -0.01;
        for (std::size_t i = 0; i <= degree_x; ++i) {
            for (std::size_t j = 0; j <= degree_y; ++j) {
                const double size = i + j == 0 ? 1 : 0.05 * std::exp2(-static_cast<double>(i + j));
                double* const c = &p.gauss_hermite[i * (degree_y + 1) + j].coefficients[2 * f];
                c[0] = i + j == 0 ? 1
                                  : size * std::sin(1 + 3.0 * static_cast<double>(i) +
                                                    7.0 * static_cast<double>(j));
                c[1] = 0.1 * size * std::cos(at + static_cast<double>(i) - static_cast<double>(j));
            }
        }
    }
    return p;
}

} // namespace small
