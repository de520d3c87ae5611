// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/wavelet.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "stripes/mirrored.hpp"

namespace tomo {
namespace {

using complex = std::complex<long double>;

complex polynomial(const std::vector<long double>& coefficients, complex y) {
    complex value = 0;
    for (std::size_t k = coefficients.size(); k-- > 0;) value = value * y + coefficients[k];
    return value;
}

// All at once, each by Newton's method on the polynomial over the other factors (Weierstrass, Durand, Kerner).
std::vector<complex> roots_of(const std::vector<long double>& coefficients) {
    std::vector<complex> roots(coefficients.size() - 1);
    for (std::size_t i = 0; i < roots.size(); ++i) {
        roots[i] = std::pow(complex(0.4L, 0.9L), static_cast<long double>(i));
    }
    for (int step = 0; step < 200; ++step) {
        for (std::size_t i = 0; i < roots.size(); ++i) {
            complex others = coefficients.back();
            for (std::size_t j = 0; j < roots.size(); ++j) {
                if (j != i) others *= roots[i] - roots[j];
            }
            roots[i] -= polynomial(coefficients, roots[i]) / others;
        }
    }
    return roots;
}

// What is left of the filter's power without its zeros at the highest frequency: sum_k C(p - 1 + k, k) y^k, in
// y = sin^2(pi u), k < p.
std::vector<long double> power_without_zeros(std::size_t order) {
    std::vector<long double> coefficients{1};
    for (std::size_t k = 1; k < order; ++k) {
        coefficients.push_back(coefficients.back() * static_cast<long double>(order - 1 + k) /
                               static_cast<long double>(k));
    }
    return coefficients;
}

// Of the two z with y = (2 - z - 1 / z) / 4 the one inside the unit circle.
complex inner(complex y) {
    const complex middle = 1.0L - 2.0L * y, half = std::sqrt(middle * middle - 1.0L);
    return std::abs(middle + half) < 1 ? middle + half : middle - half;
}

// A polynomial times 1 - root / z.
std::vector<complex> times_factor(std::vector<complex> filter, complex root) {
    filter.push_back(0);
    for (std::size_t k = filter.size() - 1; k > 0; --k) filter[k] -= root * filter[k - 1];
    return filter;
}

void add_scaled(float factor, const float* row, float* __restrict sum, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) sum[i] += factor * row[i];
}

} // namespace

std::vector<double> daubechies(std::size_t order) {
    std::vector<complex> filter{1};
    for (std::size_t i = 0; i < order; ++i) filter = times_factor(filter, -1);
    for (const complex y : roots_of(power_without_zeros(order))) filter = times_factor(filter, inner(y));

    long double sum = 0;
    for (const complex tap : filter) sum += tap.real();
    std::vector<double> taps;
    for (const complex tap : filter) {
        taps.push_back(static_cast<double>(tap.real() * std::numbers::sqrt2_v<long double> / sum));
    }
    return taps;
}

wavelet::wavelet(std::size_t order) {
    const std::vector<double> taps = daubechies(order);
    low_.assign(taps.begin(), taps.end());
    high_.assign(low_.rbegin(), low_.rend());
    for (std::size_t k = 1; k < high_.size(); k += 2) high_[k] = -high_[k];
}

// With the even elements and the odd ones of the continued row apart, either filter's output is a sum of shifted
// rows.
void wavelet::analyse(std::span<const float> row, std::span<float> low, std::span<float> high,
                      std::span<float> room) const {
    const std::size_t n = low.size(), half = n + order() - 1;
    float *even = room.data(), *odd = even + half;
    const std::size_t begin = order() - 1, end = begin + row.size() / 2; // where both lie in the row
    const auto beyond = [&](std::size_t i) {
        const auto at = 2 * (static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(begin));
        even[i] = row[mirrored(at, row.size())];
        odd[i] = row[mirrored(at + 1, row.size())];
    };
    for (std::size_t i = 0; i < begin; ++i) beyond(i);
    for (std::size_t i = begin; i < end; ++i) {
        even[i] = row[2 * (i - begin)];
        odd[i] = row[2 * (i - begin) + 1];
    }
    for (std::size_t i = end; i < half; ++i) beyond(i);

    std::fill(low.begin(), low.end(), 0.0f);
    std::fill(high.begin(), high.end(), 0.0f);
    for (std::size_t k = 0; k < order(); ++k) {
        add_scaled(low_[2 * k], even + k, low.data(), n);
        add_scaled(low_[2 * k + 1], odd + k, low.data(), n);
        add_scaled(high_[2 * k], even + k, high.data(), n);
        add_scaled(high_[2 * k + 1], odd + k, high.data(), n);
    }
}

void wavelet::synthesise(std::span<const float> low, std::span<const float> high, std::span<float> row,
                         std::span<float> room) const {
    const std::size_t n = row.size(), half = (n + 1) / 2;
    float *even = room.data(), *odd = even + half;
    std::fill_n(even, 2 * half, 0.0f);
    for (std::size_t k = 0; k < order(); ++k) {
        const std::size_t from = order() - 1 - k;
        add_scaled(low_[2 * k], low.data() + from, even, half);
        add_scaled(high_[2 * k], high.data() + from, even, half);
        add_scaled(low_[2 * k + 1], low.data() + from, odd, half);
        add_scaled(high_[2 * k + 1], high.data() + from, odd, half);
    }
    for (std::size_t s = 0; s < n / 2; ++s) {
        row[2 * s] = even[s];
        row[2 * s + 1] = odd[s];
    }
    if (n % 2 == 1) row[n - 1] = even[half - 1];
}

void wavelet::analyse_low(destrier::view<const float, 2> image, destrier::view<float, 2> low) const {
    const std::size_t columns = image.extent(1);
    const auto first = 2 - static_cast<std::ptrdiff_t>(2 * order());
    for (std::size_t i = 0; i < low.extent(0); ++i) {
        float* const out = &low(i, 0);
        std::fill_n(out, columns, 0.0f);
        for (std::size_t k = 0; k < low_.size(); ++k) {
            const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(2 * i + k);
            add_scaled(low_[k], &image(mirrored(at, image.extent(0)), 0), out, columns);
        }
    }
}

void wavelet::synthesise_low(destrier::view<const float, 2> low, destrier::view<float, 2> image) const {
    const std::size_t columns = image.extent(1);
    for (std::size_t t = 0; t < image.extent(0); ++t) {
        float* const out = &image(t, 0);
        std::fill_n(out, columns, 0.0f);
        for (std::size_t k = 0; k < order(); ++k) {
            add_scaled(low_[2 * k + t % 2], &low(t / 2 + order() - 1 - k, 0), out, columns);
        }
    }
}

} // namespace tomo
