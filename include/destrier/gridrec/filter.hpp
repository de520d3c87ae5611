// SPDX-License-Identifier: BSD-3-Clause
//
// Filters: what a projection's spectrum is multiplied by before it is put on the grid.
//
// Every filter but `none` and `custom` is the ramp |f| times a window, f in cycles per pixel, up to the
// Nyquist frequency 1/2. The ramp is not sampled in frequency, which would lose the mean of the object,
// but is the transform of its band-limited form in space (Kak and Slaney, eq. 61): h[0] = 1/4,
// h[n] = -1 / (pi n)^2 for odd n, 0 for even n.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <destrier/fft/roots.hpp>

namespace destrier::gridrec {

/// A frequency response, by name or by values.
///
///   none         1: no ramp, plain back-projection
///   ramlak       the ramp alone
///   shepp        sinc(f): sin(pi f) / (pi f)
///   cosine       cos(pi f)
///   hann         (1 + cos(pi f / fc)) / 2 up to the cutoff fc, 0 beyond
///   hamming      0.54 + 0.46 cos(pi f / fc) up to the cutoff fc, 0 beyond
///   parzen       1 - 6 y^2 (1 - y) for y = f / fc <= 1/2, 2 (1 - y)^3 up to 1, 0 beyond
///   butterworth  1 / (1 + (f / fc)^(2 order))
///   custom       the response itself, ramp included: one value for every frequency j / P, j = 0 .. P / 2,
///                where P is radial_size(columns, padding); or as many for every angle
///
/// Source  Kak and Slaney, Principles of Computerized Tomographic Imaging (1988), chapter 3; Harris,
///         Proc. IEEE 66 (1978) 51, for the windows
class filter {
public:
    static filter none() { return filter(kind::none, "none"); }
    static filter ramlak() { return filter(kind::ramlak, "ramlak"); }
    static filter shepp() { return filter(kind::shepp, "shepp"); }
    static filter cosine() { return filter(kind::cosine, "cosine"); }
    /// Throws  std::invalid_argument unless 0 < cutoff <= 0.5 (cycles per pixel)
    static filter hann(double cutoff = 0.5) { return filter(kind::hann, "hann", cutoff); }
    static filter hamming(double cutoff = 0.5) { return filter(kind::hamming, "hamming", cutoff); }
    static filter parzen(double cutoff = 0.5) { return filter(kind::parzen, "parzen", cutoff); }
    /// Throws  std::invalid_argument unless 0 < cutoff <= 0.5 and order > 0
    static filter butterworth(double cutoff = 0.25, double order = 2) {
        if (!(order > 0) || !std::isfinite(order)) {
            throw std::invalid_argument("gridrec::filter: the order of butterworth is " +
                                        std::to_string(order) + ", expected a positive number");
        }
        filter f(kind::butterworth, "butterworth", cutoff);
        f.order_ = order;
        return f;
    }
    static filter custom(std::vector<double> response) {
        filter f(kind::custom, "custom");
        f.response_ = std::move(response);
        return f;
    }

    /// The filter of that name, with its default cutoff and order.
    ///
    /// Throws  std::invalid_argument for another name than those above (custom has no default)
    static filter named(std::string_view name) {
        if (name == "none") return none();
        if (name == "ramlak") return ramlak();
        if (name == "shepp") return shepp();
        if (name == "cosine") return cosine();
        if (name == "hann") return hann();
        if (name == "hamming") return hamming();
        if (name == "parzen") return parzen();
        if (name == "butterworth") return butterworth();
        throw std::invalid_argument("gridrec::filter: unknown filter '" + std::string(name) +
                                    "', expected none, ramlak, shepp, cosine, hann, hamming, parzen or "
                                    "butterworth");
    }

    std::string_view name() const noexcept { return name_; }

    /// The response at the frequencies j / radial, j = 0 .. radial / 2: once, or for a custom filter of
    /// that length once for each angle.
    ///
    /// Units   pixel^-1 (dimensionless for none)
    /// Throws  std::invalid_argument for a custom filter of the wrong length or that is not finite
    std::vector<double> response(std::size_t radial, std::size_t angles) const {
        const std::size_t bins = radial / 2 + 1;
        if (kind_ == kind::custom) return checked_custom(bins, angles);
        std::vector<double> a = kind_ == kind::none ? std::vector<double>(bins, 1.0) : ramp(radial);
        for (std::size_t j = 0; j < bins; ++j) {
            a[j] *= window(static_cast<double>(j) / static_cast<double>(radial));
        }
        return a;
    }

private:
    enum class kind { none, ramlak, shepp, cosine, hann, hamming, parzen, butterworth, custom };

    filter(kind k, std::string_view name, double cutoff = 0.5) : kind_(k), name_(name), cutoff_(cutoff) {
        if (!(cutoff > 0) || cutoff > 0.5) {
            throw std::invalid_argument("gridrec::filter: the cutoff of " + std::string(name) + " is " +
                                        std::to_string(cutoff) +
                                        ", expected 0 < cutoff <= 0.5 cycles per pixel");
        }
    }

    // The transform of the spatial ramp. Its odd terms make a cosine series in j of which every
    // frequency is needed, so the sum over n is taken by the roots of unity themselves.
    static std::vector<double> ramp(std::size_t radial) {
        std::vector<double> cosines(radial);
        for (std::size_t k = 0; k < radial; ++k) {
            cosines[k] = static_cast<double>(fft::detail::cos_sin_of_turn(k, radial).re);
        }
        std::vector<double> a(radial / 2 + 1);
        for (std::size_t j = 0; j < a.size(); ++j) {
            double sum = 0.25;
            for (std::size_t n = 1; n < (radial + 1) / 2; n += 2) {
                const double h = 1 / (std::numbers::pi * static_cast<double>(n));
                sum -= 2 * h * h * cosines[j * n % radial];
            }
            if (radial % 4 == 2) { // n = radial / 2 is odd, and its own mirror image
                const double h = 2 / (std::numbers::pi * static_cast<double>(radial));
                sum -= h * h * cosines[j * (radial / 2) % radial];
            }
            a[j] = sum;
        }
        return a;
    }

    double window(double f) const {
        constexpr double pi = std::numbers::pi;
        const double y = f / cutoff_;
        switch (kind_) {
        case kind::shepp: return f == 0 ? 1 : std::sin(pi * f) / (pi * f);
        case kind::cosine: return std::cos(pi * f);
        case kind::hann: return y > 1 ? 0 : 0.5 * (1 + std::cos(pi * y));
        case kind::hamming: return y > 1 ? 0 : 0.54 + 0.46 * std::cos(pi * y);
        case kind::parzen:
            if (y > 1) return 0;
            return y <= 0.5 ? 1 - 6 * y * y * (1 - y) : 2 * (1 - y) * (1 - y) * (1 - y);
        case kind::butterworth: return 1 / (1 + std::pow(y, 2 * order_));
        default: return 1;
        }
    }

    std::vector<double> checked_custom(std::size_t bins, std::size_t angles) const {
        if (response_.size() != bins && response_.size() != bins * angles) {
            throw std::invalid_argument("gridrec::filter: the custom filter has " +
                                        std::to_string(response_.size()) + " values, expected " +
                                        std::to_string(bins) + " (radial_size / 2 + 1) or " +
                                        std::to_string(bins * angles) + " (as many for every angle)");
        }
        for (std::size_t i = 0; i < response_.size(); ++i) {
            if (!std::isfinite(response_[i])) {
                throw std::invalid_argument("gridrec::filter: value " + std::to_string(i) +
                                            " of the custom filter is not finite");
            }
        }
        return response_;
    }

    kind kind_;
    std::string_view name_;
    double cutoff_ = 0.5, order_ = 0;
    std::vector<double> response_;
};

} // namespace destrier::gridrec
