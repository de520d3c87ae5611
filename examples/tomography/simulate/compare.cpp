// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/shape.hpp"
#include "output/volume.hpp"
#include "reconstruct/circle.hpp"
#include "reconstruct/over_slices.hpp"

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
    void add(const sums& other) {
        n += other.n;
        a += other.a;
        b += other.b;
        aa += other.aa;
        bb += other.bb;
        ab += other.ab;
        square += other.square;
        largest = std::max(largest, other.largest);
    }
};

sums sums_of(const volume_reader& a, const volume_reader& b, std::size_t slice) {
    const std::size_t size = a.columns();
    const std::vector<float> x = a.read(slice), y = b.read(slice);
    const circle inside(size);
    sums s;
    for (std::size_t row = 0; row < size; ++row) {
        const circle::chord seen = inside.of_row(row);
        for (std::size_t i = row * size + seen.begin; i < row * size + seen.end; ++i) s.add(x[i], y[i]);
    }
    return s;
}

// Slice by slice and in their order, however many threads there are.
sums sums_of(const volume_reader& a, const volume_reader& b, int threads) {
    std::vector<sums> each(a.slices());
    over_slices("compare", 0, a.slices(), threads, [&](std::size_t) {
        return [&](std::size_t slice) { each[slice] = sums_of(a, b, slice); };
    });
    sums all;
    for (const sums& one : each) all.add(one);
    return all;
}

} // namespace

difference compare(const std::filesystem::path& first, const std::filesystem::path& second,
                   int threads) {
    const volume_reader a(first), b(second);
    if (a.extents() != b.extents() || a.rows() != a.columns()) {
        throw std::runtime_error(first.string() + " is " + common::shape_text(a.extents()) + " and " +
                                 second.string() + " is " + common::shape_text(b.extents()) +
                                 ", expected two volumes (slices, n, n) of one shape");
    }
    const sums s = sums_of(a, b, threads);
    difference d{a.slices(), a.columns()};
    d.rmse = std::sqrt(s.square / s.n);
    d.largest = std::isnan(d.rmse) ? std::numeric_limits<double>::quiet_NaN() : s.largest;
    d.mean_ratio = s.b / s.a;
    d.correlation =
        (s.ab - s.a * s.b / s.n) / std::sqrt((s.aa - s.a * s.a / s.n) * (s.bb - s.b * s.b / s.n));
    return d;
}

} // namespace tomo
