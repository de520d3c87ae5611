// SPDX-License-Identifier: BSD-3-Clause
//
// Objects whose projections are known exactly, and reconstruction by the defining sum.
#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

namespace reference {

inline constexpr double pi = std::numbers::pi;

/// n angles, equally spaced over `range`, the first at `start`.
inline std::vector<double> angles(std::size_t n, double range = pi, double start = 0) {
    std::vector<double> theta(n);
    for (std::size_t i = 0; i < n; ++i) {
        theta[i] = start + range * static_cast<double>(i) / static_cast<double>(n);
    }
    return theta;
}

/// Where pixel (row, column) of N x N lies.
struct point {
    double x, y;
};
inline point pixel(std::size_t row, std::size_t column, std::size_t n) {
    const double origin = static_cast<double>(n / 2);
    return {static_cast<double>(column) - origin, origin - static_cast<double>(row)};
}

/// amplitude exp(-r^2 / (2 sigma^2)) around (x, y).
struct gaussian {
    double x, y, sigma, amplitude = 1;

    double at(point p) const {
        const double dx = p.x - x, dy = p.y - y;
        return amplitude * std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
    }
    double projection(double s, double theta) const {
        const double d = s - x * std::cos(theta) - y * std::sin(theta);
        return amplitude * sigma * std::sqrt(2 * pi) * std::exp(-0.5 * d * d / (sigma * sigma));
    }
};

/// value inside an ellipse of semi-axes a and b around (x, y), turned by tilt.
struct ellipse {
    double value, a, b, x, y, tilt;

    double at(point p) const {
        const double dx = p.x - x, dy = p.y - y, c = std::cos(tilt), s = std::sin(tilt);
        const double u = (dx * c + dy * s) / a, v = (dy * c - dx * s) / b;
        return u * u + v * v <= 1 ? value : 0;
    }
    double projection(double s, double theta) const {
        const double c = std::cos(theta - tilt), n = std::sin(theta - tilt);
        const double r2 = a * a * c * c + b * b * n * n;
        const double d = s - x * std::cos(theta) - y * std::sin(theta);
        return d * d < r2 ? value * 2 * a * b * std::sqrt(r2 - d * d) / r2 : 0;
    }
};

/// The modified Shepp-Logan head, scaled to half-width `radius`.
/// Source  Toft, The Radon Transform (1996), table B.1
inline std::vector<ellipse> shepp_logan(double radius) {
    const double degree = pi / 180;
    std::vector<ellipse> e{{1, 0.69, 0.92, 0, 0, 0},
                           {-0.8, 0.6624, 0.874, 0, -0.0184, 0},
                           {-0.2, 0.11, 0.31, 0.22, 0, -18 * degree},
                           {-0.2, 0.16, 0.41, -0.22, 0, 18 * degree},
                           {0.1, 0.21, 0.25, 0, 0.35, 0},
                           {0.1, 0.046, 0.046, 0, 0.1, 0},
                           {0.1, 0.046, 0.046, 0, -0.1, 0},
                           {0.1, 0.046, 0.023, -0.08, -0.605, 0},
                           {0.1, 0.023, 0.023, 0, -0.606, 0},
                           {0.1, 0.023, 0.046, 0.06, -0.605, 0}};
    for (ellipse& p : e) {
        p.a *= radius;
        p.b *= radius;
        p.x *= radius;
        p.y *= radius;
    }
    return e;
}

/// The projections (angles, columns) of a sum of objects.
template <class Object>
std::vector<double> sinogram(const std::vector<Object>& objects, const std::vector<double>& theta,
                             std::size_t columns, double center) {
    std::vector<double> g(theta.size() * columns);
    for (std::size_t p = 0; p < theta.size(); ++p) {
        for (std::size_t k = 0; k < columns; ++k) {
            for (const Object& o : objects) {
                g[p * columns + k] += o.projection(static_cast<double>(k) - center, theta[p]);
            }
        }
    }
    return g;
}

/// The image (n, n) of a sum of objects; each pixel the mean of samples x samples points.
template <class Object>
std::vector<double> image(const std::vector<Object>& objects, std::size_t n, int samples = 1) {
    std::vector<double> f(n * n);
    for (std::size_t row = 0; row < n; ++row) {
        for (std::size_t column = 0; column < n; ++column) {
            const point middle = pixel(row, column, n);
            for (int i = 0; i < samples * samples; ++i) {
                const point p{middle.x + (i % samples + 0.5) / samples - 0.5,
                              middle.y + (i / samples + 0.5) / samples - 0.5};
                for (const Object& o : objects) f[row * n + column] += o.at(p) / (samples * samples);
            }
        }
    }
    return f;
}

inline bool in_field_of_view(std::size_t row, std::size_t column, std::size_t n) {
    const point p = pixel(row, column, n);
    const double r = 0.5 * static_cast<double>(n) - 1;
    return p.x * p.x + p.y * p.y < r * r;
}

/// The sum in gridrec.hpp, term by term: response[j] for j = 0 .. radial / 2.
inline std::vector<double> direct_reconstruction(const std::vector<double>& g,
                                                 const std::vector<double>& theta, std::size_t n,
                                                 std::size_t radial, const std::vector<double>& response,
                                                 double center) {
    using complex = std::complex<double>;
    std::vector<double> f(n * n);
    std::vector<complex> roots(radial), spectrum(radial / 2 + 1);
    for (std::size_t k = 0; k < radial; ++k) {
        roots[k] = std::polar(1.0, 2 * pi * static_cast<double>(k) / static_cast<double>(radial));
    }
    for (std::size_t p = 0; p < theta.size(); ++p) {
        for (std::size_t j = 0; j <= radial / 2; ++j) {
            complex sum = 0;
            for (std::size_t k = 0; k < n; ++k) sum += g[p * n + k] * std::conj(roots[j * k % radial]);
            const double twice = j == 0 || j == radial / 2 ? 1 : 2;
            spectrum[j] = sum * response[j] * twice * pi / static_cast<double>(radial * theta.size());
        }
        for (std::size_t i = 0; i < n * n; ++i) {
            if (!in_field_of_view(i / n, i % n, n)) continue;
            const point at = pixel(i / n, i % n, n);
            const double s = at.x * std::cos(theta[p]) + at.y * std::sin(theta[p]) + center;
            const complex step = std::polar(1.0, 2 * pi * s / static_cast<double>(radial));
            complex sum = 0;
            for (std::size_t j = spectrum.size(); j-- > 0;) sum = sum * step + spectrum[j]; // Horner
            f[i] += sum.real();
        }
    }
    return f;
}

} // namespace reference
