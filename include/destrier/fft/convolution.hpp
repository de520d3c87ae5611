// SPDX-License-Identifier: BSD-3-Clause
//
// fft/convolution.hpp: circular convolutions of lane blocks with one response.
//
//   fft::convolution<float> smooth(response);      // n elements, real or complex
//   smooth.apply(in, out);                         // out[i] = sum_t response[(i - t) mod n] in[t]
//   smooth.apply_adjoint(in, out);                 // out[t] = sum_i conj response[(i - t) mod n] in[i]
//
// in and out are complex blocks, or, with a real response, real ones. A plan holds the spectrum of its
// response, made in long double, with 1 / n in it. Blocks are transformed in place, in the order of the passes.
//
// A real transform is a complex one of half its length (real.hpp), Z of z[t] = x[2t] + i x[2t + 1]. What a
// convolution does to it is, with the spectra E and O of the response's even and odd elements, h = n / 2
// and w = exp(-2 pi i / h),
//
//   Z'[k] = a[k] Z[k] + b[k] conj Z[-k],   a[k] = E[k] + i/2 (1 - w^k) O[k],   b[k] = i/2 (1 + w^k) O[k],
//
// so that no spectrum of x itself is ever made.
//
// Other lengths are padded with zeros to one that is not smaller than 2 n - 1, where the circular convolution
// lies in that of the response repeated.
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/arguments.hpp>
#include <destrier/fft/in_place.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

namespace detail {

// A response of n elements such that convolutions of length m with it hold those of length n: elements
// -(n - 1) to n - 1 are the response's, repeated. Itself for m = n.
inline std::vector<long_complex> repeated(const std::vector<long_complex>& response, std::size_t m) {
    const std::size_t n = response.size();
    std::vector<long_complex> longer(m);
    for (std::size_t t = 0; t < n; ++t) longer[t] = response[t];
    for (std::size_t t = 1; t < n; ++t) longer[m - t] = response[n - t];
    return longer;
}

// What the adjoint of a convolution with this response convolves with.
inline std::vector<long_complex> adjoint(std::vector<long_complex> response) {
    for (long_complex& r : response) r = std::conj(r);
    std::reverse(response.begin() + 1, response.end());
    return response;
}

template <class T, class X>
std::vector<long_complex> to_long(std::span<const X> x) {
    std::vector<long_complex> y(x.size());
    std::transform(x.begin(), x.end(), y.begin(),
                   [](const X& v) { return static_cast<long_complex>(std::complex<T>(v)); });
    return y;
}

// f(room), where the first `used` elements of T of the room are those of `in`, and then of `out`, and the
// others, up to `all`, zeros to begin with.
template <class T, class F>
void padded(const T* in, T* out, T* room, std::size_t used, std::size_t all, F&& f) noexcept {
    std::copy(in, in + used, room);
    std::fill(room + used, room + all, T(0));
    f(room);
    std::copy(room, room + used, out);
}

template <std::floating_point T, class A>
class complex_convolution {
    using transform = scrambled_transform<T, A>;

public:
    explicit complex_convolution(const std::vector<long_complex>& response)
        : n_(response.size()), transform_(transform::suits(n_) ? n_ : convolution_size(2 * n_ - 1)),
          spectrum_(scrambled_spectrum(transform_, repeated(response, transform_.size()))),
          adjoint_(scrambled_spectrum(transform_, repeated(adjoint(response), transform_.size()))) {}

    std::size_t room() const noexcept {
        return transform_.size() == n_ ? 0 : 2 * line<T> * transform_.size();
    }

    // One block; out may be in.
    void run(const T* in, T* out, T* room, bool adjoint) const noexcept {
        const T* const spectrum = adjoint ? adjoint_.data() : spectrum_.data();
        if (transform_.size() == n_) return convolve(in, out, spectrum);
        padded(in, out, room, 2 * line<T> * n_, this->room(), [&](T* x) { convolve(x, x, spectrum); });
    }

private:
    void convolve(const T* in, T* out, const T* spectrum) const noexcept {
        transform_.convolve(lines<const T>::at(in), lines<T>::at(out), spectrum);
    }

    std::size_t n_;
    transform transform_;
    buffer<T> spectrum_, adjoint_;
};

// f[0] x + f[1] conj y, with two complex factors.
template <class V, class T>
DESTRIER_INLINE complex<V> with_mirrored(complex<V> x, complex<V> y, const T* f) noexcept {
    const complex<V> a{V(f[0]), V(f[1])}, b{V(f[2]), V(f[3])}, ax = multiply(x, a);
    return {fmadd(b.im, y.im, fmadd(b.re, y.re, ax.re)), fnmadd(b.re, y.im, fmadd(b.im, y.re, ax.im))};
}

// Elements first .. end - 1 of a spectrum, which mirror one another end for end, by the factors of each.
template <class A, class T>
[[gnu::noinline]] void multiply_mirrored(lines<T> z, std::size_t first, std::size_t end,
                                         const T* factors) noexcept {
    using V = batch<T, A>;
    for (; first < end; ++first, --end) {
        const auto at_x = static_cast<std::ptrdiff_t>(first),
                   at_y = static_cast<std::ptrdiff_t>(end - 1);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            const complex<V> x = load<V>(z, at_x, lane), y = load<V>(z, at_y, lane);
            store(z, at_x, lane, with_mirrored(x, y, factors + 4 * at_x));
            store(z, at_y, lane, with_mirrored(y, x, factors + 4 * at_y));
        }
    }
}

template <std::floating_point T, class A>
class real_convolution {
    using transform = scrambled_transform<T, A>;

public:
    explicit real_convolution(const std::vector<long_complex>& response)
        : n_(response.size()),
          transform_(n_ % 2 == 0 && transform::suits(n_ / 2) ? n_ / 2 : convolution_size(n_)),
          factors_(factors_of(repeated(response, 2 * transform_.size()))),
          adjoint_(factors_of(repeated(adjoint(response), 2 * transform_.size()))) {}

    std::size_t room() const noexcept {
        return 2 * transform_.size() == n_ ? 0 : 2 * line<T> * transform_.size();
    }

    // One block; out may be in.
    void run(const T* in, T* out, T* room, bool adjoint) const noexcept {
        const T* const factors = adjoint ? adjoint_.data() : factors_.data();
        if (2 * transform_.size() == n_) return convolve(in, out, factors);
        padded(in, out, room, line<T> * n_, this->room(), [&](T* x) { convolve(x, x, factors); });
    }

private:
    void convolve(const T* in, T* out, const T* factors) const noexcept {
        const lines<T> z = lines<T>::at(out);
        transform_.run_forward(lines<const T>::at(in), z);
        transform_.for_each_mirrored(
            [&](std::size_t first, std::size_t end) { multiply_mirrored<A>(z, first, end, factors); });
        transform_.run_backward(z, z);
    }

    // a and b of every element, over h, in the transform's order.
    buffer<T> factors_of(const std::vector<long_complex>& response) const {
        const std::size_t h = transform_.size();
        std::vector<long_complex> even(h), odd(h), factors(2 * h);
        for (std::size_t t = 0; t < h; ++t) {
            even[t] = response[2 * t] / static_cast<long double>(h);
            odd[t] = response[2 * t + 1] / static_cast<long double>(h);
        }
        even = long_transform(even);
        odd = long_transform(odd);
        for (std::size_t i = 0; i < h; ++i) {
            const std::size_t k = transform_.frequency(i);
            const long_complex half_i(0, 0.5L), w = long_root(k, h);
            factors[2 * i] = even[k] + half_i * (1.0L - w) * odd[k];
            factors[2 * i + 1] = half_i * (1.0L + w) * odd[k];
        }
        return rounded<T>(factors);
    }

    std::size_t n_;
    transform transform_;
    buffer<T> factors_, adjoint_;
};

} // namespace detail

/// Circular convolutions of length n with one response.
///
/// Accuracy  L2 error <= eps(T) sqrt(log2 n) |in| max |spectrum of the response|, eps(T) = 2^-23 or 2^-52;
///           asserted in tests/test_fft_convolution.cpp. NaN stays in its problem
/// Threads   over blocks; any number gives the same bits
/// Memory    in bytes, at most, of lengths that are products of 2, 3, 5 and 7, even where blocks are real (and of
///           those that are padded):
///             the plan                   6 n sizeof(T), of a real response 11 (14 and 26)
///             a problem in place         2 n sizeof(T), of real blocks n, in whole blocks of line<T>
///             a thread                   0 (300 n)
///           scratch_size is exact; asserted in tests/budget
template <std::floating_point T, class A = default_arch>
class convolution {
public:
    /// With a complex response there are convolutions of complex blocks alone, with a real one of both.
    ///
    /// Throws  std::invalid_argument if the response has no element or more than 2^40
    explicit convolution(std::span<const std::complex<T>> response)
        : n_(detail::checked_length(response.size(), "fft::convolution")),
          complex_(detail::to_long<T>(response)) {}
    explicit convolution(std::span<const T> response)
        : n_(detail::checked_length(response.size(), "fft::convolution")),
          complex_(detail::to_long<T>(response)), real_(detail::to_long<T>(response)) {}

    std::size_t size() const noexcept { return n_; }

    /// Elements of T that apply and apply_adjoint want as scratch: none for complex blocks of lengths that are
    /// products of 2, 3, 5 and 7, nor for real ones where such a length is even.
    std::size_t scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) * block_scratch();
    }

    /// What a budget of bytes has room for: complex blocks of so many problems, in place, and their scratch;
    /// or real blocks of twice as many.
    ///
    /// Throws  std::invalid_argument if it is too small for one block on one thread
    share share_within(std::size_t budget, int threads = 1) const {
        return detail::blocks_within<T>("fft::convolution::share_within", budget, threads, 2 * size(),
                                        [&](int some) { return scratch_size(some); });
    }

    /// out[i] = sum_t response[(i - t) mod n] in[t].
    ///
    /// Shapes    in, out n elements each, the same number of problems
    /// Aliasing  out may be in; no other overlap
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch, or for real blocks where the response is
    ///           complex; out untouched
    void apply(complex_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
               int threads = 1) const {
        execute("fft::convolution::apply", complex_, in, out, scratch, threads, false);
    }
    void apply(real_blocks<const T> in, real_blocks<T> out, std::span<T> scratch = {},
               int threads = 1) const {
        constexpr const char* call = "fft::convolution::apply";
        execute(call, real(call), in, out, scratch, threads, false);
    }

    /// out[t] = sum_i conj response[(i - t) mod n] in[i], the correlation with the response; otherwise as
    /// apply.
    void apply_adjoint(complex_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
                       int threads = 1) const {
        execute("fft::convolution::apply_adjoint", complex_, in, out, scratch, threads, true);
    }
    void apply_adjoint(real_blocks<const T> in, real_blocks<T> out, std::span<T> scratch = {},
                       int threads = 1) const {
        constexpr const char* call = "fft::convolution::apply_adjoint";
        execute(call, real(call), in, out, scratch, threads, true);
    }

private:
    std::size_t block_scratch() const noexcept {
        return std::max(complex_.room(), real_ ? real_->room() : 0);
    }

    const detail::real_convolution<T, A>& real(const char* call) const {
        if (real_) return *real_;
        throw std::invalid_argument(std::string(call) +
                                    ": the response is complex, real blocks want a real one");
    }

    template <class Kind, std::size_t Parts>
    void execute(const char* call, const Kind& kind, blocks<const T, Parts> in, blocks<T, Parts> out,
                 std::span<T> scratch, int threads, bool adjoint) const {
        detail::check_elements(call, "in", in.elements(), size());
        detail::check_elements(call, "out", out.elements(), size());
        detail::check_problems(call, in.problems(), out.problems());
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        parallel_ranges(in.count(), threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
            for (; b < end; ++b) {
                kind.run(in.block(b), out.block(b), space.data() + worker * block_scratch(), adjoint);
            }
        });
    }

    std::size_t n_;
    detail::complex_convolution<T, A> complex_;
    std::optional<detail::real_convolution<T, A>> real_;
};

} // namespace destrier::fft
