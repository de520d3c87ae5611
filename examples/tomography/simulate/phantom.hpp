// SPDX-License-Identifier: BSD-3-Clause
//
// phantom.hpp: an object made of ellipsoids, whose line integrals are known exactly.
//
// A head after Shepp and Logan in three dimensions (densities after Toft, heights after Kak and
// Slaney), with a helix of small beads and a row of ever smaller ones, which show what is resolved.
//
// Source  Shepp and Logan, IEEE Trans. Nucl. Sci. 21 (1974) 21; Kak and Slaney, Principles of
//         Computerized Tomographic Imaging (1988), table 3.1
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace tomo {

/// Positions are in pixels from the rotation axis (x to the right, y up) and from the middle row (z up);
/// densities in 1/pixel.
class phantom {
    // What a plane cuts out of an ellipsoid: (x, y) is inside where p^2 + q^2 <= 1, with
    // p = ((x - x0) c + (y - y0) s) / a, q = ((y - y0) c - (x - x0) s) / b.
    struct ellipse {
        double x, y, a, b, cosine, sine, density;

        double reach() const { return std::max(a, b); }
        int hits(double px, double py) const;
    };

public:
    /// The head fills 0.92 of the half width of a detector of so many columns.
    explicit phantom(std::size_t columns);

    /// Adds the line integrals seen by one detector row: pixel k lies at s = k, and the line through
    /// it is where x cos(theta) + y sin(theta) + center = k at height z.
    void project(double z, double theta, double center, std::span<double> row) const {
        at(z).project(theta, center, row);
    }

    /// The plane at one height, for many projections of it.
    class plane {
    public:
        void project(double theta, double center, std::span<double> row) const;

    private:
        friend class phantom;
        std::vector<ellipse> parts_;
    };
    plane at(double z) const;

    /// The plane at height z as size x size pixels, each the mean of 4 x 4 points in it; the origin is
    /// the middle of pixel (size / 2, size / 2).
    std::vector<float> slice(double z, std::size_t size, int threads) const;

private:
    struct ellipsoid {
        double x, y, z, a, b, c, angle, density;
    };

    std::vector<ellipsoid> parts_;
};

/// The height of a detector row: row 0 is the topmost.
inline double height_of(std::size_t row, std::size_t rows) {
    return (static_cast<double>(rows) - 1) / 2 - static_cast<double>(row);
}

} // namespace tomo
