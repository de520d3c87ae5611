// SPDX-License-Identifier: BSD-3-Clause
//
// Any length: products of 2, 3, 5 and 7 by passes, all others as a convolution (Bluestein).
//
// With the chirp c[t] = exp(-pi i t^2 / n), X[k] = c[k] sum_t (x[t] c[t]) conj c[k - t]: a convolution,
// which two transforms of a smooth length m >= 2 n - 1 do. The transform of the chirp belongs to the
// plan, and is made in long double: its error would be that of every result.
//
// Source  Bluestein, IEEE Trans. Audio Electroacoust. 18 (1970) 451, doi:10.1109/TAU.1970.1162132
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <destrier/fft/passes.hpp>
#include <destrier/fft/roots.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

constexpr std::size_t next_smooth(std::size_t n) noexcept {
    while (!is_smooth(n)) ++n;
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
    std::vector<long_complex> out(n), roots(n), some(part);
    for (std::size_t k = 0; k < n; ++k) roots[k] = long_root(k, n);
    for (std::size_t r = 0; r < radix; ++r) {
        for (std::size_t i = 0; i < part; ++i) some[i] = x[i * radix + r];
        const std::vector<long_complex> transformed = long_transform(some);
        for (std::size_t k = 0; k < n; ++k) out[k] += roots[r * k % n] * transformed[k % part];
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

template <std::floating_point T, class A>
class any_length {
    using V = batch<T, A>;

public:
    explicit any_length(std::size_t n) : n_(n), smooth_(is_smooth(n) ? n : next_smooth(2 * n - 1)) {
        if (is_smooth(n)) return;
        std::vector<long_complex> chirp(n), response(smooth_.size());
        std::size_t square = 0; // t^2 modulo 2 n
        for (std::size_t t = 0; t < n; ++t) {
            chirp[t] = long_root(square, 2 * n);
            square = (square + 2 * t + 1) % (2 * n);
            response[t] = std::conj(chirp[t]) / static_cast<long double>(smooth_.size());
            if (t > 0) response[smooth_.size() - t] = response[t];
        }
        chirp_ = rounded<T>(chirp);
        response_ = rounded<T>(long_transform(response));
    }

    std::size_t size() const noexcept { return n_; }

    // Elements of T that run wants as room, and run_overwriting.
    std::size_t room() const noexcept { return is_direct() ? 2 * line<T> * n_ : convolution_room(); }
    std::size_t room_overwriting() const noexcept { return is_direct() ? 0 : convolution_room(); }

    // out = scale times the transform of in, which may be out.
    void run(lines<const T> in, lines<T> out, T* room, T scale) const noexcept {
        if (!is_direct()) return convolve(in, out, room, scale);
        smooth_.run(in, lines<T>::at(room), out, out, scale);
    }
    // The same where `in`, which is not out, may be written to.
    void run_overwriting(lines<T> in, lines<T> out, T* room, T scale) const noexcept {
        if (!is_direct()) return convolve(in, out, room, scale);
        smooth_.run(in, out, in, out, scale);
    }

private:
    bool is_direct() const noexcept { return smooth_.size() == n_; }
    std::size_t convolution_room() const noexcept { return 4 * line<T> * smooth_.size(); }

    void convolve(lines<const T> in, lines<T> out, T* room, T scale) const noexcept {
        const std::size_t m = smooth_.size();
        const lines<T> x = lines<T>::at(room), space = lines<T>::at(room + 2 * line<T> * m);
        multiply_elements(in, chirp_.data(), T(1), x, n_);
        std::fill(room + 2 * line<T> * n_, room + 2 * line<T> * m, T(0));
        smooth_.run(x, space, x, x, T(1));
        multiply_elements(x, response_.data(), T(1), x, m);
        smooth_.run(x.exchanged(), space.exchanged(), x.exchanged(), x.exchanged(), T(1));
        multiply_elements(x, chirp_.data(), scale, out, n_);
    }

    // out[i] = scale w[i] in[i] for i < n.
    static void multiply_elements(lines<const T> in, const T* w, T scale, lines<T> out,
                                  std::size_t n) noexcept {
        for (std::size_t i = 0; i < n; ++i) {
            const auto element = static_cast<std::ptrdiff_t>(i);
            const complex<V> factor{V(scale * w[2 * i]), V(scale * w[2 * i + 1])};
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                store(out, element, lane, multiply(load<V>(in, element, lane), factor));
            }
        }
    }

    std::size_t n_;
    transform<T, A> smooth_; // of n itself, or of the convolution
    buffer<T> chirp_, response_;
};

} // namespace destrier::fft::detail
