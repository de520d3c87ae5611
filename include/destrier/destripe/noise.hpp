// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/noise.hpp: the noise of a detector, and what it makes of the offsets of its baselines.
//
//   noise_model model = one_over_f(net, knee, slope, lowest, rate);    // or a table
//   double weight = 1 / (white_density(model, rate) * rate);           // of a sample
//   offset_spectrum(model, rate, 1.0, n)                               // of n baselines of one second
//
// A model is the two-sided power spectral density P of the samples: white noise of variance s^2 at a rate r has
// the density s^2 / r, and the variance of any noise is the integral of P from -r/2 to r/2. What is white in it,
// the plateau at high frequencies, is the business of the weights; the rest, P - plateau, is the offsets'.
//
// The average of the L samples of a baseline, T = L / r seconds long, takes from every frequency the part
// D(f) = (sin(pi f T) / (L sin(pi f / r)))^2, and as there is one average in T seconds, frequencies that differ by
// 1 / T become one: the offsets' covariance as a function of their distance has the spectrum
//
//   P_a(f) = 1 / T sum_m D(f + m / T) (P - plateau)(f + m / T),    |f + m / T| <= r / 2.
//
// D is sinc^2(pi f T) far below the sampling rate; for baselines of one sample it is 1. The sum over all L
// frequencies of D alone is 1.
//
// Source  Keihanen, Keskitalo, Kurki-Suonio, Poutanen, Sirvio, A&A 510 (2010) A57
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/simd.hpp>

namespace destrier::destripe {

/// The power spectral density of a detector's samples, as a table.
///
/// Shapes  frequency, density of one length, 1 or more
/// Domain  frequency > 0, ascending; density > 0; all finite
/// Units   frequency Hz; density unit^2 / Hz, two-sided
struct noise_model {
    std::vector<double> frequency, density;
};

namespace detail {

inline std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", x);
    return text;
}

inline bool positive(double x) noexcept { return x > 0 && std::isfinite(x); }

inline void check_positive(const char* call, const char* name, double x) {
    if (positive(x)) return;
    throw std::invalid_argument(std::string(call) + ": " + name + " is " + number(x) +
                                ", expected a positive number");
}

/// `name` is how messages call the model.
template <class A = default_arch>
void check_noise_model(const char* call, const std::string& name, const noise_model& m) {
    const auto refuse = [&](const char* member, const std::string& what) {
        throw std::invalid_argument(std::string(call) + ": " + name + "." + member + what);
    };
    const auto check = [&](const char* member, const std::vector<double>& values, std::size_t i) {
        if (positive(values[i])) return;
        refuse(member, std::string("[") + std::to_string(i) + "] is " + number(values[i]) +
                           ", expected a positive number");
    };
    const std::size_t n = m.frequency.size();
    if (n == 0) refuse("frequency", " is empty, expected one or more");
    if (m.density.size() != n) {
        refuse("density", " has " + std::to_string(m.density.size()) + " elements, frequency has " +
                              std::to_string(n));
    }
    for (std::size_t i = 0; i < n; ++i) {
        check("frequency", m.frequency, i);
        check("density", m.density, i);
        if (i > 0 && m.frequency[i] <= m.frequency[i - 1]) {
            refuse("frequency", std::string("[") + std::to_string(i) + "] is " + number(m.frequency[i]) +
                                    " and follows " + number(m.frequency[i - 1]) +
                                    ", expected ascending ones");
        }
    }
}

/// The median density from frequencies `low` to `high`, or of the two entries beside them where there are none.
template <class A = default_arch>
double median_density(const noise_model& m, double low, double high) {
    const auto& f = m.frequency;
    auto first = std::lower_bound(f.begin(), f.end(), low);
    auto last = std::upper_bound(first, f.end(), high);
    if (first == last) {
        if (first != f.begin()) --first;
        if (last != f.end()) ++last;
    }
    std::vector<double> some(m.density.begin() + (first - f.begin()),
                             m.density.begin() + (last - f.begin()));
    std::sort(some.begin(), some.end());
    return (some[(some.size() - 1) / 2] + some[some.size() / 2]) / 2;
}

/// What of a density is not white, interpolated in the logarithms of both; beyond the table its first and last.
template <class A = default_arch>
class excess_density {
public:
    excess_density(const noise_model& m, double white, double least) {
        for (std::size_t i = 0; i < m.frequency.size(); ++i) {
            log_frequency_.push_back(std::log(m.frequency[i]));
            log_density_.push_back(std::log(std::max(m.density[i] - white, least)));
        }
    }
    double operator()(double f) const {
        const auto& x = log_frequency_;
        const double at = std::log(f);
        const auto above = std::upper_bound(x.begin(), x.end(), at);
        if (above == x.begin()) return std::exp(log_density_.front());
        if (above == x.end()) return std::exp(log_density_.back());
        const auto i = static_cast<std::size_t>(above - x.begin());
        const double part = (at - x[i - 1]) / (x[i] - x[i - 1]);
        return std::exp(log_density_[i - 1] + part * (log_density_[i] - log_density_[i - 1]));
    }

private:
    std::vector<double> log_frequency_, log_density_;
};

/// P_a of baselines of `length` samples, by its sum.
template <class A = default_arch>
class averaged_spectrum {
public:
    averaged_spectrum(const excess_density<A>& excess, double rate, std::size_t length)
        : excess_(excess), rate_(rate), length_(length) {}

    /// From frequency x / T itself, 0 <= x <= 1/2.
    double direct(double x) const {
        const double damped = x == 0 ? 1 : std::pow(sine(x), 2) / divisor(x);
        return damped * excess_(x * spacing()) * spacing();
    }
    /// From those beyond 1 / (2T), over sin^2(pi x): a smooth function of x.
    double aliases(double x) const {
        double sum = 0;
        for (std::size_t m = std::min(most_aliases, length_ / 2); m > 0; --m) {
            const auto distance = static_cast<double>(m);
            sum += term(distance - x);
            if (2 * m < length_) sum += term(distance + x); // else the same frequency again
        }
        return sum * spacing();
    }
    static double sine(double x) { return std::sin(std::numbers::pi * x); }

private:
    // What is left out beyond so many on each side is less than 1e-4 of P_a.
    static constexpr std::size_t most_aliases = 256;

    double spacing() const { return rate_ / static_cast<double>(length_); }
    double divisor(double x) const {
        const auto n = static_cast<double>(length_);
        return std::pow(n * sine(x / n), 2);
    }
    double term(double x) const { return excess_(x * spacing()) / divisor(x); }

    const excess_density<A>& excess_;
    double rate_;
    std::size_t length_;
};

} // namespace detail

/// The density net^2 (f^slope + knee^slope) / (f^slope + lowest^slope): white above the knee, a power of the
/// frequency below, constant again far below `lowest`. Tabulated at 50 frequencies a decade from lowest / 100 to
/// rate / 2.
///
/// Domain  net > 0, knee >= 0, slope > 0, 0 < lowest < rate / 2
/// Units   net unit sqrt(s); knee, lowest, rate Hz
/// Throws  std::invalid_argument outside of the domain
template <class A = default_arch>
noise_model one_over_f(double net, double knee, double slope, double lowest, double rate) {
    constexpr const char* call = "destripe::one_over_f";
    detail::check_positive(call, "net", net);
    if (knee != 0) detail::check_positive(call, "knee", knee);
    detail::check_positive(call, "slope", slope);
    detail::check_positive(call, "lowest", lowest);
    detail::check_positive(call, "rate", rate);
    if (lowest >= rate / 2) {
        throw std::invalid_argument(std::string(call) + ": lowest is " + detail::number(lowest) +
                                    " Hz, expected less than half of the rate, " + detail::number(rate) +
                                    " Hz");
    }
    const double first = lowest / 100;
    detail::check_positive(call, "rate / lowest", rate / 2 / first); // finite, too
    const double decades = std::log10(rate / 2 / first);
    const auto steps = static_cast<std::size_t>(std::ceil(50 * decades));
    noise_model m;
    for (std::size_t i = 0; i <= steps; ++i) {
        const double f =
            i == steps
                ? rate / 2
                : first * std::pow(10, decades * static_cast<double>(i) / static_cast<double>(steps));
        const double above = std::pow(knee / f, slope), below = std::pow(lowest / f, slope);
        m.frequency.push_back(f);
        m.density.push_back(net * net * (1 + above) / (1 + below));
    }
    return m;
}

/// The plateau of white noise: the median density from 0.45 to 0.5 of the sampling rate, or from 0.2 to 0.4
/// where the density rolls off, to less than half of what it is about a quarter of the rate. This is TOAST's
/// rule: the weight of a sample is 1 / (white_density * rate).
///
/// Units   rate Hz; the density's
/// Throws  std::invalid_argument where the model or the rate is outside of its domain
template <class A = default_arch>
double white_density(const noise_model& m, double rate) {
    constexpr const char* call = "destripe::white_density";
    detail::check_noise_model<A>(call, "model", m);
    detail::check_positive(call, "rate", rate);
    // With room for a rate that is measured and a table that ends at half of what it should be.
    const double end = detail::median_density<A>(m, 0.45 * rate, 0.50005 * rate);
    const bool rolls_off = end < detail::median_density<A>(m, 0.225 * rate, 0.275 * rate) / 2;
    return rolls_off ? detail::median_density<A>(m, 0.2 * rate, 0.4 * rate) : end;
}

/// What P_a is at least, as a part of the variance that white noise gives an offset: below it the prior would
/// say no more than that the offset is 0, and at worse numbers. A model that is nothing but white has it
/// everywhere.
inline constexpr double least_offset_variance = 1e-6;

/// P_a at the frequencies k / (n T), k = 0 .. n / 2: the eigenvalues of the covariance of n baselines in a
/// circle. T is the nearest whole number of samples to baseline_seconds, and one at least.
///
/// Domain    n > 0. Below the first tabulated frequency the density is the first, so that the mean of the
///           offsets is not free, but is hardly known if the table begins low enough; above the last it is the
///           last
/// Units     rate Hz; the square of the signal's
/// Accuracy  1e-4 of the sum for smooth densities; asserted in tests/test_destripe_prior.cpp
/// Throws    std::invalid_argument where the model or a number is outside of its domain
template <class A = default_arch>
std::vector<double> offset_spectrum(const noise_model& m, double rate, double baseline_seconds,
                                    std::size_t n) {
    constexpr const char* call = "destripe::offset_spectrum";
    detail::check_noise_model<A>(call, "model", m);
    detail::check_positive(call, "rate", rate);
    detail::check_positive(call, "baseline_seconds", baseline_seconds);
    if (n == 0) throw std::invalid_argument(std::string(call) + ": n is 0, expected 1 or more");
    const double white = white_density<A>(m, rate);
    const detail::excess_density<A> excess(m, white, least_offset_variance * white);
    const auto length =
        static_cast<std::size_t>(std::clamp(std::round(baseline_seconds * rate), 1.0, 0x1p53));
    const detail::averaged_spectrum<A> average(excess, rate, length);

    // The aliases vary so little from one frequency to the next that a line between 256 of them will do.
    const std::size_t bins = n / 2 + 1, nodes = 256;
    std::vector<double> aliases;
    if (bins > nodes) {
        for (std::size_t i = 0; i <= nodes; ++i) {
            aliases.push_back(average.aliases(0.5 * static_cast<double>(i) / nodes));
        }
    }
    std::vector<double> spectrum(bins);
    for (std::size_t k = 0; k < bins; ++k) {
        const double x = static_cast<double>(k) / static_cast<double>(n), at = x * 2 * nodes;
        double beyond = 0;
        if (aliases.empty()) {
            beyond = average.aliases(x);
        } else {
            const std::size_t i = std::min(static_cast<std::size_t>(at), nodes - 1);
            beyond = std::lerp(aliases[i], aliases[i + 1], at - static_cast<double>(i));
        }
        spectrum[k] = average.direct(x) + std::pow(average.sine(x), 2) * beyond;
    }
    return spectrum;
}

} // namespace destrier::destripe
