// SPDX-License-Identifier: BSD-3-Clause
//
// Small surveys, and what their normal equations are when written out sample by sample in long double.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numbers>
#include <random>
#include <vector>

#include <destrier/destripe/chunk.hpp>

namespace truth {

using destrier::destripe::baseline;
using destrier::destripe::chunk;
using destrier::destripe::stokes;
using real = long double;

/// What a chunk's spans look at.
struct samples {
    std::vector<std::int32_t> pixels;
    std::vector<float> cosine, sine;
    std::vector<double> signal;
    std::vector<std::uint8_t> flags;
    double weight = 1;
    std::vector<baseline> baselines;

    chunk view() const { return {pixels, cosine, sine, signal, flags, weight, baselines}; }
};

struct survey {
    std::size_t pixels = 0;
    std::vector<samples> chunks;

    std::size_t baselines() const {
        std::size_t n = 0;
        for (const samples& c : chunks) n += c.baselines.size();
        return n;
    }
    destrier::destripe::source source() const {
        return [this](std::size_t k) { return chunks[k].view(); };
    }
    /// Calls f(chunk, sample, number of the baseline among all, pixel) for each sample that counts.
    template <class F>
    void for_each_sample(F&& f) const {
        std::size_t number = 0;
        for (const samples& c : chunks) {
            for (const baseline& b : c.baselines) {
                for (std::size_t i = b.begin; i < b.begin + b.length; ++i) {
                    if (c.flags[i] == 0 && c.pixels[i] >= 0)
                        f(c, i, number, static_cast<std::size_t>(c.pixels[i]));
                }
                ++number;
            }
        }
    }
};

/// Scans that wander over `side` x `side` pixels, each chunk over a third of its own if `apart`: baselines of
/// 21 to 80 samples with gaps, 2 detectors of weights 1 and 1.7 that are turned by 45 degrees, 5 % of samples flagged.
inline survey wandering_survey(std::size_t baselines_a_chunk, std::size_t side, bool apart = false,
                               unsigned seed = 7) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    survey s;
    s.pixels = side * side;
    for (int k = 0; k < 3; ++k) {
        samples c;
        c.weight = k % 2 == 0 ? 1 : 1.7;
        const double low = apart ? k / 3.0 : 0, high = apart ? (k + 1) / 3.0 : 1;
        double x = uniform(random), y = uniform(random), heading = 6 * uniform(random), angle = 0.8 * k;
        std::size_t n = 0;
        for (std::size_t b = 0; b < baselines_a_chunk; ++b) {
            const std::size_t gap = b % 7 == 3 ? 5 : 0, length = 21 + random() % 60;
            c.baselines.push_back({n + gap, length});
            n += gap + length;
        }
        for (std::size_t i = 0; i < n + 3; ++i) {
            heading += 0.2 * (uniform(random) - 0.5);
            x += 0.6 / static_cast<double>(side) * std::cos(heading);
            y += 0.6 / static_cast<double>(side) * std::sin(heading);
            x -= std::floor(x);
            y -= std::floor(y);
            angle += 0.01 + 0.02 * uniform(random);
            const auto column = static_cast<std::size_t>(x * static_cast<double>(side));
            const auto row = static_cast<std::size_t>(
                (low + y * 0.9999 * (high - low)) * static_cast<double>(side) + 1e-9);
            c.pixels.push_back(uniform(random) < 0.01 ? -1
                                                      : static_cast<std::int32_t>(row * side + column));
            c.cosine.push_back(static_cast<float>(0.95 * std::cos(2 * angle)));
            c.sine.push_back(static_cast<float>(0.95 * std::sin(2 * angle)));
            c.flags.push_back(uniform(random) < 0.05 ? 4 : 0);
            c.signal.push_back(0);
        }
        s.chunks.push_back(c);
    }
    return s;
}

/// The weights of a sample: 1, c, s as far as S has them.
template <stokes S>
std::vector<real> weights(const samples& c, std::size_t i) {
    if constexpr (S == stokes::i) return {1};
    const real cosine = destrier::destripe::rounded_weight(c.cosine[i]);
    const real sine = destrier::destripe::rounded_weight(c.sine[i]);
    if constexpr (S == stokes::qu) return {cosine, sine};
    return {1, cosine, sine};
}

/// Adds to each signal what a sky (pixels, components) gives there.
template <stokes S>
void add_sky(survey& s, const std::vector<double>& sky) {
    for (samples& c : s.chunks) {
        for (std::size_t i = 0; i < c.pixels.size(); ++i) {
            if (c.pixels[i] < 0) continue;
            const std::vector<real> w = weights<S>(c, i);
            real sum = 0;
            for (std::size_t k = 0; k < w.size(); ++k)
                sum += w[k] * sky[static_cast<std::size_t>(c.pixels[i]) * w.size() + k];
            c.signal[i] += static_cast<double>(sum);
        }
    }
}

inline void add_offsets(survey& s, const std::vector<double>& offsets) {
    std::size_t number = 0;
    for (samples& c : s.chunks) {
        for (const baseline& b : c.baselines) {
            for (std::size_t i = b.begin; i < b.begin + b.length; ++i) c.signal[i] += offsets[number];
            ++number;
        }
    }
}

inline void add_noise(survey& s, double sigma, unsigned seed) {
    std::mt19937 random(seed);
    for (samples& c : s.chunks) {
        std::normal_distribution<double> normal(0, sigma / std::sqrt(c.weight));
        for (double& v : c.signal) v += normal(random);
    }
}

using matrix = std::vector<std::vector<real>>;

inline matrix zeros(std::size_t rows, std::size_t columns) {
    return matrix(rows, std::vector<real>(columns));
}

/// Eigenvalues, and eigenvectors as columns, by Jacobi's rotations.
struct eigen {
    std::vector<real> values;
    matrix vectors;
};
inline eigen eigen_of(matrix a) {
    const std::size_t n = a.size();
    eigen e{{}, zeros(n, n)};
    for (std::size_t i = 0; i < n; ++i) e.vectors[i][i] = 1;
    for (int sweep = 0; sweep < 60; ++sweep) {
        real off = 0, size = 0;
        for (std::size_t p = 0; p < n; ++p) {
            for (std::size_t q = 0; q < n; ++q) (p == q ? size : off) += a[p][q] * a[p][q];
        }
        if (off <= 1e-36L * size) break;
        for (std::size_t p = 0; p < n; ++p) {
            for (std::size_t q = p + 1; q < n; ++q) {
                if (a[p][q] == 0) continue;
                const real theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
                const real t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const real c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (std::size_t k = 0; k < n; ++k) {
                    const real x = a[k][p], y = a[k][q];
                    a[k][p] = c * x - s * y;
                    a[k][q] = s * x + c * y;
                }
                for (std::size_t k = 0; k < n; ++k) {
                    const real x = a[p][k], y = a[q][k];
                    a[p][k] = c * x - s * y;
                    a[q][k] = s * x + c * y;
                    const real v = e.vectors[k][p], w = e.vectors[k][q];
                    e.vectors[k][p] = c * v - s * w;
                    e.vectors[k][q] = s * v + c * w;
                }
            }
        }
    }
    for (std::size_t i = 0; i < n; ++i) e.values.push_back(a[i][i]);
    return e;
}

/// The pseudo-inverse of a symmetric matrix: eigenvalues below `threshold` of the largest count as zero.
inline matrix pseudo_inverse(const matrix& a, real threshold) {
    const eigen e = eigen_of(a);
    real largest = 0;
    for (const real v : e.values) largest = std::max(largest, v);
    matrix inverse = zeros(a.size(), a.size());
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (!(e.values[k] > threshold * largest)) continue;
        for (std::size_t i = 0; i < a.size(); ++i) {
            for (std::size_t j = 0; j < a.size(); ++j) {
                inverse[i][j] += e.vectors[i][k] * e.vectors[j][k] / e.values[k];
            }
        }
    }
    return inverse;
}

inline std::vector<real> times(const matrix& a, const std::vector<real>& x) {
    std::vector<real> y(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < x.size(); ++j) y[i] += a[i][j] * x[j];
    }
    return y;
}

/// The normal equations of a survey with offsets, written out.
template <stokes S>
struct equations {
    std::vector<matrix> covariance; // C of each pixel, zeros where it is cut
    matrix a;                       // F' N^-1 Z F
    std::vector<real> b, diagonal;  // F' N^-1 Z d, F' N^-1 F
    std::size_t samples = 0;        // those that count
    std::size_t seen = 0;           // pixels that are not cut

    explicit equations(const survey& s, double rcond = 1e-3)
        : covariance(s.pixels), a(zeros(s.baselines(), s.baselines())), b(s.baselines()),
          diagonal(s.baselines()) {
        constexpr std::size_t n = destrier::destripe::components<S>;
        std::vector<matrix> inverse(s.pixels, zeros(n, n));
        s.for_each_sample([&](const auto& c, std::size_t i, std::size_t, std::size_t p) {
            const std::vector<real> w = weights<S>(c, i);
            for (std::size_t j = 0; j < n; ++j) {
                for (std::size_t k = 0; k < n; ++k) inverse[p][j][k] += c.weight * w[j] * w[k];
            }
        });
        for (std::size_t p = 0; p < s.pixels; ++p) covariance[p] = inverse_of(inverse[p], rcond);

        // Of each pixel: P' N^-1 d, and P' N^-1 F as far as it is not zero.
        std::vector<std::vector<real>> signal(s.pixels, std::vector<real>(n));
        std::vector<std::vector<std::pair<std::size_t, std::vector<real>>>> binned(s.pixels);
        s.for_each_sample([&](const auto& c, std::size_t i, std::size_t number, std::size_t p) {
            if (covariance[p].empty()) return;
            const std::vector<real> w = weights<S>(c, i);
            if (binned[p].empty() || binned[p].back().first != number)
                binned[p].push_back({number, std::vector<real>(n)});
            for (std::size_t k = 0; k < n; ++k) {
                signal[p][k] += c.weight * w[k] * c.signal[i];
                binned[p].back().second[k] += c.weight * w[k];
            }
            diagonal[number] += c.weight;
            b[number] += c.weight * c.signal[i];
            ++samples;
        });
        for (std::size_t i = 0; i < b.size(); ++i) a[i][i] = diagonal[i];
        for (std::size_t p = 0; p < s.pixels; ++p) {
            if (covariance[p].empty()) continue;
            ++seen;
            const std::vector<real> map = times(covariance[p], signal[p]);
            for (const auto& [i, x] : binned[p]) {
                const std::vector<real> y = times(covariance[p], x);
                for (std::size_t k = 0; k < n; ++k) b[i] -= x[k] * map[k];
                for (const auto& [j, z] : binned[p]) {
                    for (std::size_t k = 0; k < n; ++k) a[i][j] -= y[k] * z[k];
                }
            }
        }
    }

private:
    static matrix inverse_of(const matrix& m, double rcond) {
        const eigen e = eigen_of(m);
        real low = e.values[0], high = e.values[0];
        for (const real v : e.values) low = std::min(low, v), high = std::max(high, v);
        if (!(high > 0) || low < rcond * high) return {};
        return pseudo_inverse(m, 0);
    }
};

} // namespace truth
