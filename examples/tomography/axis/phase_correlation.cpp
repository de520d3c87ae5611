// SPDX-License-Identifier: BSD-3-Clause
#include "axis/phase_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace tomo {
namespace {

using destrier::buffer;
using destrier::complex_blocks;
using destrier::real_blocks;

constexpr std::size_t most_pairs = 10;

// Frequencies above this one, in cycles a pixel, fade out: there the noise outweighs the object. Twice
// as much moves the axis of the tooth by 0.05 pixels, no fading at all by 0.5.
constexpr double highest_frequency = 0.05;

// How far the angle from one projection to another is from half a turn, in -pi .. pi.
double missing_to_half_turn(double from, double to) {
    return std::remainder(std::numbers::pi - (to - from), 2 * std::numbers::pi);
}

// The place of a peak between samples: the top of the parabola through the highest and its neighbours.
double peak(std::span<const float> values) {
    const auto n = values.size();
    const auto top =
        static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
    const double left = values[(top + n - 1) % n], middle = values[top], right = values[(top + 1) % n];
    const double curvature = left - 2 * middle + right;
    return static_cast<double>(top) + (curvature < 0 ? (left - right) / (2 * curvature) : 0);
}

} // namespace

std::vector<opposite_pair> opposite_pairs(std::span<const double> theta) {
    std::vector<opposite_pair> nearest;
    const auto nearer = [](const opposite_pair& a, const opposite_pair& b) {
        return std::abs(a.missing) < std::abs(b.missing);
    };
    for (std::size_t i = 0; i < theta.size(); ++i) {
        for (std::size_t j = i + 1; j < theta.size(); ++j) {
            const opposite_pair pair{i, j, missing_to_half_turn(theta[i], theta[j])};
            if (nearest.size() == most_pairs && !nearer(pair, nearest.back())) continue;
            nearest.insert(std::upper_bound(nearest.begin(), nearest.end(), pair, nearer), pair);
            if (nearest.size() > most_pairs) nearest.pop_back();
        }
    }
    return nearest;
}

double mirror_axis(const row_spectra& projection, const row_spectra& opposite, std::size_t rows) {
    const std::size_t length = projection.length(), size = projection.size();
    buffer<float> spectrum(complex_blocks<float>::size_for(size, 1)),
        correlation(real_blocks<float>::size_for(length, 1));
    const complex_blocks<float> in(spectrum.data(), size, 1);
    const real_blocks<float> out(correlation.data(), length, 1);

    // The product of both spectra is |F|^2 exp(-2 pi i u 2 c): its phase alone peaks at 2 c.
    for (std::size_t k = 1; k < size; ++k) {
        std::complex<double> product;
        for (std::size_t row = 0; row < rows; ++row) {
            product += std::complex<double>(projection(row, k)) * std::complex<double>(opposite(row, k));
        }
        if (product == 0.0) continue;
        const double u = static_cast<double>(k) / static_cast<double>(length);
        product *= std::exp(-std::pow(u / highest_frequency, 2)) / std::abs(product);
        *in.at(0, k, 0) = static_cast<float>(product.real());
        *in.at(0, k, 1) = static_cast<float>(product.imag());
    }
    destrier::fft::plan_r2c<float>(length).backward(in, out);
    std::vector<float> values(length);
    for (std::size_t t = 0; t < length; ++t) values[t] = *out.at(0, t);
    return peak(values) / 2;
}

double axis_of_pairs(std::span<const opposite_pair> pairs, std::span<const double> axes) {
    const auto n = static_cast<double>(pairs.size());
    double missing = 0, axis = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        missing += pairs[i].missing / n;
        axis += axes[i] / n;
    }
    double square = 0, product = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        square += std::pow(pairs[i].missing - missing, 2);
        product += (pairs[i].missing - missing) * (axes[i] - axis);
    }
    const bool all_alike = square < 1e-12;
    return all_alike ? axis : axis - product / square * missing;
}

} // namespace tomo
