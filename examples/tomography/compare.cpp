// SPDX-License-Identifier: BSD-3-Clause
#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "circle.hpp"
#include "volume.hpp"

namespace tomo {
namespace {

struct sums {
    double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0, square = 0, largest = 0;

    void add(double x, double y) {
        const double apart = std::abs(x - y);
        n += 1;
        a += x;
        b += y;
        aa += x * x;
        bb += y * y;
        ab += x * y;
        square += apart * apart;
        largest = std::max(largest, apart);
    }
};

} // namespace

difference compare(const std::filesystem::path& first, const std::filesystem::path& second) {
    const volume_reader a(first), b(second);
    if (a.extents() != b.extents() || a.rows() != a.columns()) {
        throw std::runtime_error(first.string() + " is " + common::h5::shape_text(a.extents()) +
                                 " and " + second.string() + " is " +
                                 common::h5::shape_text(b.extents()) +
                                 ", expected two volumes (slices, n, n) of one shape");
    }
    sums s;
    const circle inside(a.rows());
    for (std::size_t slice = 0; slice < a.slices(); ++slice) {
        const std::vector<float> x = a.read(slice), y = b.read(slice);
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (inside.contains(i / a.columns(), i % a.columns())) s.add(x[i], y[i]);
        }
    }
    difference d{a.slices(), a.columns()};
    d.rmse = std::sqrt(s.square / s.n);
    d.largest = std::isnan(d.rmse) ? std::numeric_limits<double>::quiet_NaN() : s.largest;
    d.mean_ratio = s.b / s.a;
    d.correlation =
        (s.ab - s.a * s.b / s.n) / std::sqrt((s.aa - s.a * s.a / s.n) * (s.bb - s.b * s.b / s.n));
    return d;
}

} // namespace tomo
