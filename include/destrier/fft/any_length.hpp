// SPDX-License-Identifier: BSD-3-Clause
//
// Any length: products of 2, 3, 5, 7, 11 and 13 by passes, in two sweeps where a pass each would be more than L2
// holds, and all others as a convolution (Bluestein).
//
// With the chirp c[t] = exp(-pi i t^2 / n), X[k] = c[k] sum_t (x[t] c[t]) conj c[k - t]: a convolution,
// done in place at a smooth length m >= 2 n - 1. The transform of the chirp belongs to the plan, and is
// made in long double: its error would be that of every result.
//
// Source  Bluestein, IEEE Trans. Audio Electroacoust. 18 (1970) 451, doi:10.1109/TAU.1970.1162132
#pragma once

#include <algorithm>
#include <bit>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <destrier/fft/in_place.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/roots.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

// The next product of 2, 3, 5 and 7: lengths without 11 and 13 are a little faster.
constexpr std::size_t next_smooth(std::size_t n) noexcept {
    while (!is_product_of<2, 3, 5, 7>(n)) ++n;
    return n;
}

// The length at which n elements or more are convolved: 2^k times 1, 3, 5, 7 or 9. The next product of 2, 3,
// 5 and 7 is up to a fifth shorter, but its radices are slower: 2048 takes four fifths of the time of 2025, and
// 1536, at worst, a tenth more than 1296 (Sapphire Rapids).
constexpr std::size_t convolution_size(std::size_t n) noexcept {
    while (n >> std::countr_zero(n) > 9) ++n;
    return n;
}

using long_complex = std::complex<long double>;

// exp(-2 pi i k / n) in a complex number.
inline long_complex long_root(std::size_t k, std::size_t n) {
    const root r = unit_root(k, n);
    return {r.re, r.im};
}

// The forward transform in long double, for tables: split by the smallest prime until nothing is left.
inline std::vector<long_complex> long_transform(const std::vector<long_complex>& x) {
    const std::size_t n = x.size();
    if (n == 1) return x;
    std::size_t radix = 2;
    while (n % radix != 0) ++radix;
    const std::size_t part = n / radix;
    const root_table<long double> roots(n);
    std::vector<long_complex> out(n), some(part);
    for (std::size_t r = 0; r < radix; ++r) {
        for (std::size_t i = 0; i < part; ++i) some[i] = x[i * radix + r];
        const std::vector<long_complex> transformed = long_transform(some);
        for (std::size_t k = 0; k < n; ++k) {
            const auto w = roots(r * k % n);
            out[k] += long_complex(w.re, w.im) * transformed[k % part];
        }
    }
    return out;
}

template <std::floating_point T>
buffer<T> rounded(const std::vector<long_complex>& x) {
    buffer<T> out(2 * x.size(), memory{.pages = pages::base});
    for (std::size_t i = 0; i < x.size(); ++i) {
        out[2 * i] = static_cast<T>(x[i].real());
        out[2 * i + 1] = static_cast<T>(x[i].imag());
    }
    return out;
}

// The spectrum with which transform.convolve convolves with this response, of the transform's length.
template <std::floating_point T, class A>
buffer<T> scrambled_spectrum(const scrambled_transform<T, A>& transform,
                             const std::vector<long_complex>& response) {
    const std::size_t m = transform.size();
    const std::vector<long_complex> spectrum = long_transform(response);
    std::vector<long_complex> scrambled(m);
    for (std::size_t i = 0; i < m; ++i) {
        scrambled[i] = spectrum[transform.frequency(i)] / static_cast<long double>(m);
    }
    return rounded<T>(scrambled);
}

// A transform as a convolution with a chirp.
template <std::floating_point T, class A>
class chirp_transform {
    using V = batch<T, A>;

public:
    explicit chirp_transform(std::size_t n) : n_(n), transform_(convolution_size(2 * n - 1)) {
        std::vector<long_complex> chirp(n), response(transform_.size());
        const root_table<long double> table(2 * n);
        std::size_t square = 0; // t^2 modulo 2 n
        for (std::size_t t = 0; t < n; ++t) {
            chirp[t] = {table(square).re, table(square).im};
            square = (square + 2 * t + 1) % (2 * n);
            response[t] = std::conj(chirp[t]);
            if (t > 0) response[transform_.size() - t] = response[t];
        }
        chirp_ = rounded<T>(chirp);
        spectrum_ = scrambled_spectrum(transform_, response);
    }

    std::size_t size() const noexcept { return n_; }
    std::size_t room() const noexcept { return 2 * line<T> * transform_.size(); }

    void run(lines<const T> in, lines<T> out, T* room, T scale) const noexcept {
        const lines<T> x = lines<T>::at(room);
        multiply_by_chirp(in, T(1), x);
        std::fill(room + 2 * line<T> * n_, room + 2 * line<T> * transform_.size(), T(0));
        transform_.convolve(x, x, spectrum_.data());
        multiply_by_chirp(x, scale, out);
    }

private:
    void multiply_by_chirp(lines<const T> in, T scale, lines<T> out) const noexcept {
        for (std::size_t i = 0; i < n_; ++i) {
            const auto element = static_cast<std::ptrdiff_t>(i);
            const complex<V> factor{V(scale * chirp_[2 * i]), V(scale * chirp_[2 * i + 1])};
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                store(out, element, lane, multiply(load<V>(in, element, lane), factor));
            }
        }
    }

    std::size_t n_;
    scrambled_transform<T, A> transform_;
    buffer<T> chirp_, spectrum_;
};

// A transform in two sweeps: in place, each part to its end while it is in cache, but that the last pass puts
// every element where it belongs.
template <std::floating_point T, class A>
class swept_transform {
public:
    // Lengths at which it takes less time than one sweep a pass: a tenth less at 8192, a quarter at 16384
    // (Sapphire Rapids).
    static constexpr bool suits(std::size_t n) noexcept {
        return n > 4096 && scrambled_transform<T, A>::suits(n);
    }

    explicit swept_transform(std::size_t n) : transform_(n), places_(transform_.natural_places()) {}

    std::size_t size() const noexcept { return transform_.size(); }

    // work may be in.
    void run(lines<const T> in, lines<T> work, lines<T> out, T scale) const noexcept {
        transform_.run_natural(in, work, out, places_.data(), scale);
    }

private:
    scrambled_transform<T, A> transform_;
    std::vector<std::uint32_t> places_;
};

template <std::floating_point T, class A>
class any_length {
    using direct = transform<T, A>;
    using swept = swept_transform<T, A>;
    using convolved = chirp_transform<T, A>;

public:
    explicit any_length(std::size_t n)
        : kind_(swept::suits(n) ? kind(std::in_place_type<swept>, n)
                : is_smooth(n)  ? kind(std::in_place_type<direct>, n)
                                : kind(std::in_place_type<convolved>, n)) {}

    std::size_t size() const noexcept {
        return std::visit([](const auto& transform) { return transform.size(); }, kind_);
    }

    // Elements of T that run wants as room, and run_overwriting.
    std::size_t room() const noexcept { return convolution_room_or(2 * line<T> * size()); }
    std::size_t room_overwriting() const noexcept { return convolution_room_or(0); }

    // out = scale times the transform of in, which may be out.
    void run(lines<const T> in, lines<T> out, T* room, T scale) const noexcept {
        if (const auto* passes = std::get_if<direct>(&kind_)) {
            passes->run(in, lines<T>::at(room), out, scale);
        } else if (const auto* sweeps = std::get_if<swept>(&kind_)) {
            sweeps->run(in, lines<T>::at(room), out, scale);
        } else {
            std::get_if<convolved>(&kind_)->run(in, out, room, scale);
        }
    }
    // The same where `in`, which is not out, may be written to.
    void run_overwriting(lines<T> in, lines<T> out, T* room, T scale) const noexcept {
        if (const auto* passes = std::get_if<direct>(&kind_)) {
            passes->run(in, out, in, out, scale);
        } else if (const auto* sweeps = std::get_if<swept>(&kind_)) {
            sweeps->run(in, in, out, scale);
        } else {
            std::get_if<convolved>(&kind_)->run(in, out, room, scale);
        }
    }

private:
    using kind = std::variant<direct, swept, convolved>;

    // The room of a convolution, or, where there is none, this.
    std::size_t convolution_room_or(std::size_t otherwise) const noexcept {
        const auto* convolution = std::get_if<convolved>(&kind_);
        return convolution ? convolution->room() : otherwise;
    }

    kind kind_;
};

} // namespace destrier::fft::detail
