// SPDX-License-Identifier: BSD-3-Clause
//
// fft.hpp: batched Fourier transforms.
//
// Lanes run across the batch: a lane block (layout.hpp) holds 16 float or 8 double transforms side by
// side, so every butterfly is a plain vector operation on whole cache lines, without shuffles, gathers
// or tails, and twiddles are shared by all transforms of a block.
//
//   fft::plan_c2c<float> plan(1024);
//   plan.forward(in, out, scratch);        // X[k] = scale sum_t x[t] exp(-2 pi i k t / n)
//   plan.backward(in, out, scratch);       // x[t] = scale sum_k X[k] exp(+2 pi i k t / n)
//
//   fft::plan_r2c<float> real(1024);       // half spectra, n / 2 + 1 elements
//   real.forward(in, spectra, scratch);
//   real.backward(spectra, out, scratch);
//
// in and out are lane blocks, the layout in which it is fastest, or views of arrays (transforms, n) in any
// strides, which are packed into blocks and back on the way.
//
// Transforms are unnormalised; a scale costs nothing, it is folded into the last pass. A plan is
// immutable: any number of threads may use one, each with scratch of its own. Any length will do; those
// with other factors than 2, 3, 5 and 7 take five to seven times as long (good_size finds the next without).
//
//   fft/roots.hpp       roots of unity
//   fft/butterfly.hpp   transforms in registers
//   fft/passes.hpp      the passes over a lane block
//   fft/any_length.hpp  lengths that have other factors
//   fft/real.hpp        half spectra
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/real.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// The smallest product of 2, 3, 5 and 7 that is n or more; 1 for 0.
///
/// Domain  n <= 2^63
constexpr std::size_t good_size(std::size_t n) noexcept { return n == 0 ? 1 : detail::next_smooth(n); }

/// The same, even: for real transforms.
constexpr std::size_t good_size_real(std::size_t n) noexcept { return 2 * good_size((n + 1) / 2); }

namespace detail {

inline std::size_t checked_length(std::size_t n, const char* plan) {
    constexpr std::size_t most = std::size_t{1}
                                 << 40; // beyond it, n * n and tables would overflow first
    if (n > 0 && n <= most) return n;
    throw std::invalid_argument(std::string(plan) + ": length is " + std::to_string(n) +
                                ", expected 1 to " + std::to_string(most));
}

inline void check_elements(const char* call, const char* what, std::size_t has, std::size_t expected) {
    if (has == expected) return;
    throw std::invalid_argument(std::string(call) + ": " + what + " has " + std::to_string(has) +
                                " elements, expected " + std::to_string(expected));
}

inline void check_problems(const char* call, std::size_t in, std::size_t out) {
    if (in == out) return;
    throw std::invalid_argument(std::string(call) + ": in holds " + std::to_string(in) +
                                " transforms, out holds " + std::to_string(out));
}

// f(first transform, count, worker) for every block of up to line<T> transforms, in parallel.
template <std::floating_point T, class F>
void for_each_block(std::size_t transforms, int threads, F&& f) {
    const std::size_t blocks = (transforms + line<T> - 1) / line<T>;
    parallel_ranges(blocks, threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
        for (; b < end; ++b) f(b * line<T>, std::min(line<T>, transforms - b * line<T>), worker);
    });
}

// The caller's scratch, or, where there is none, one of our own for the time of a call.
template <class T>
class scratch_space {
public:
    scratch_space(std::span<T> given, std::size_t needed, const char* call) {
        if (given.empty()) {
            own_ = buffer<T>(needed);
            data_ = own_.data();
        } else if (given.size() < needed || reinterpret_cast<std::uintptr_t>(given.data()) % 64 != 0) {
            throw std::invalid_argument(std::string(call) + ": scratch has " +
                                        std::to_string(given.size()) + " elements, expected " +
                                        std::to_string(needed) + " or more on a 64-byte boundary");
        } else {
            data_ = given.data();
        }
    }
    T* data() const noexcept { return data_; }

private:
    buffer<T> own_;
    T* data_;
};

} // namespace detail

/// Complex transforms of length n on lane blocks.
///
/// Accuracy  L2 relative error on random data <= 0.5 eps(T) sqrt(log2 n) for products of 2, 3, 5 and 7, 1.0
///           for others, eps(T) = 2^-23 or 2^-52; asserted in tests/test_fft.cpp. NaN stays in its transform
/// Threads   over blocks; any number gives the same bits
/// Memory    the plan about 2 n T of twiddles, scratch 2 n lines a thread; about 8 n of each for lengths
///           with other factors
/// Source    Van Loan, Computational Frameworks for the Fast Fourier Transform (1992), section 1.7
template <std::floating_point T, class A = default_arch>
class plan_c2c {
public:
    /// Throws  std::invalid_argument if n is 0 or above 2^40
    explicit plan_c2c(std::size_t n) : transform_(detail::checked_length(n, "fft::plan_c2c")) {}

    std::size_t size() const noexcept { return transform_.size(); }

    /// Elements of T that forward and backward want as scratch.
    std::size_t scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) * block_scratch();
    }

    /// out[k] = scale sum_t in[t] exp(-2 pi i k t / n).
    ///
    /// Shapes    in, out n elements each, the same number of transforms
    /// Aliasing  out may be in; no other overlap
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; out untouched
    void forward(complex_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
                 T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::forward", in, out, scratch, threads, [&](const T* x, T* y, T* space) {
            run(detail::lines<const T>::at(x), detail::lines<T>::at(y), space, scale);
        });
    }

    /// out[t] = scale sum_k in[k] exp(+2 pi i k t / n); otherwise as forward.
    void backward(complex_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::backward", in, out, scratch, threads, [&](const T* x, T* y, T* space) {
            run(detail::lines<const T>::at(x).exchanged(), detail::lines<T>::at(y).exchanged(), space,
                scale);
        });
    }

    /// Elements of T that forward and backward of arrays want as scratch.
    std::size_t array_scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) * array_scratch();
    }

    /// The same for arrays, through blocks of line<T> transforms.
    ///
    /// Shapes    in, out (transforms, n), any strides
    /// Aliasing  out may be in, with the same strides; no other overlap
    /// Memory    allocates nothing, unless scratch is empty: then array_scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; out untouched
    void forward(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                 std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::forward", in, out, scratch, threads,
                [&](detail::lines<T> x, T* space) { run(x, x, space, scale); });
    }
    void backward(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                  std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::backward", in, out, scratch, threads,
                [&](detail::lines<T> x, T* space) { run(x.exchanged(), x.exchanged(), space, scale); });
    }

    /// One block of which every element may lie anywhere, as kernels built on the transform need it:
    /// exchanged() lines on both sides make it backward. space holds scratch_size(1) elements.
    void run(detail::lines<const T> in, detail::lines<T> out, T* space, T scale = T(1)) const noexcept {
        transform_.run(in, out, space, scale);
    }

private:
    std::size_t block_scratch() const noexcept { return transform_.room(); }
    std::size_t block_size() const noexcept { return 2 * line<T> * size(); }
    std::size_t array_scratch() const noexcept { return block_size() + block_scratch(); }

    template <class Run>
    void execute(const char* call, complex_blocks<const T> in, complex_blocks<T> out,
                 std::span<T> scratch, int threads, const Run& run_block) const {
        detail::check_elements(call, "in", in.elements(), size());
        detail::check_elements(call, "out", out.elements(), size());
        detail::check_problems(call, in.problems(), out.problems());
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        parallel_ranges(in.count(), threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
            for (; b < end; ++b) {
                run_block(in.block(b), out.block(b), space.data() + worker * block_scratch());
            }
        });
    }

    template <class Run>
    void execute(const char* call, view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                 std::span<T> scratch, int threads, const Run& run_block) const {
        detail::check_elements(call, "in", in.extent(1), size());
        detail::check_elements(call, "out", out.extent(1), size());
        detail::check_problems(call, in.extent(0), out.extent(0));
        const detail::scratch_space<T> space(scratch, array_scratch_size(threads), call);
        detail::for_each_block<T>(in.extent(0), threads,
                                  [&](std::size_t first, std::size_t count, std::size_t worker) {
                                      T* const data = space.data() + worker * array_scratch();
                                      const complex_blocks<T> block(data, size(), count);
                                      pack<A>(in.slice(0, first, count), block);
                                      run_block(detail::lines<T>::at(data), data + block_size());
                                      unpack<A>(block, out.slice(0, first, count));
                                  });
    }

    detail::any_length<T, A> transform_;
};

/// Real transforms of length n on lane blocks: half spectra of n / 2 + 1 elements.
///
/// Accuracy  as plan_c2c
/// Threads   over blocks; any number gives the same bits
/// Memory    as plan_c2c of n / 2 for even n, of n for odd n (which runs as a complex transform)
template <std::floating_point T, class A = default_arch>
class plan_r2c {
public:
    /// Throws  std::invalid_argument if n is 0 or above 2^40
    explicit plan_r2c(std::size_t n)
        : n_(detail::checked_length(n, "fft::plan_r2c")), transform_(even() ? n / 2 : n),
          roots_(even() ? detail::half_spectrum_roots<T>(n) : buffer<T>()) {}

    std::size_t size() const noexcept { return n_; }
    std::size_t spectrum_size() const noexcept { return n_ / 2 + 1; }
    std::size_t scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) * block_scratch();
    }

    /// out[k] = scale sum_t in[t] exp(-2 pi i k t / n), k = 0 .. n / 2.
    ///
    /// Shapes    in n elements, out n / 2 + 1, the same number of transforms
    /// Aliasing  none
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; out untouched
    void forward(real_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
                 T scale = T(1), int threads = 1) const {
        constexpr const char* call = "fft::plan_r2c::forward";
        detail::check_elements(call, "in", in.elements(), size());
        detail::check_elements(call, "out", out.elements(), spectrum_size());
        detail::check_problems(call, in.problems(), out.problems());
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        parallel_ranges(in.count(), threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
            for (; b < end; ++b) {
                run_forward(in.block(b), out.block(b), space.data() + worker * block_scratch(), scale);
            }
        });
    }

    /// out[t] = scale sum_{k < n} in[k] exp(+2 pi i k t / n), where in[n - k] = conj in[k].
    ///
    /// Shapes    in n / 2 + 1 elements, out n; the imaginary parts of in[0] and, for even n, of in[n / 2]
    ///           count as zero
    /// Aliasing  none; in is left as it is
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; out untouched
    void backward(complex_blocks<const T> in, real_blocks<T> out, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1) const {
        constexpr const char* call = "fft::plan_r2c::backward";
        detail::check_elements(call, "in", in.elements(), spectrum_size());
        detail::check_elements(call, "out", out.elements(), size());
        detail::check_problems(call, in.problems(), out.problems());
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        parallel_ranges(in.count(), threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
            for (; b < end; ++b) {
                run_backward(detail::lines<const T>::at(in.block(b)), out.block(b),
                             space.data() + worker * block_scratch(), scale);
            }
        });
    }

    /// Elements of T that forward and backward of arrays want as scratch.
    std::size_t array_scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) * array_scratch();
    }

    /// The same for arrays, through blocks of line<T> transforms.
    ///
    /// Shapes    reals (transforms, n), spectra (transforms, n / 2 + 1), any strides
    /// Aliasing  none
    /// Memory    allocates nothing, unless scratch is empty: then array_scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; nothing is written
    void forward(view<const T, 2> reals, view<std::complex<T>, 2> spectra, std::span<T> scratch = {},
                 T scale = T(1), int threads = 1) const {
        execute("fft::plan_r2c::forward", reals, spectra, scratch, threads, [&](const arrays_block& b) {
            pack<A>(reals.slice(0, b.first, b.count), b.reals);
            run_forward(b.reals.data(), b.spectra.data(), b.space, scale);
            unpack<A>(b.spectra, spectra.slice(0, b.first, b.count));
        });
    }
    void backward(view<const std::complex<T>, 2> spectra, view<T, 2> reals, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1) const {
        execute("fft::plan_r2c::backward", reals, spectra, scratch, threads, [&](const arrays_block& b) {
            pack<A>(spectra.slice(0, b.first, b.count), b.spectra);
            run_backward(detail::lines<const T>::at(b.spectra.data()), b.reals.data(), b.space, scale);
            unpack<A>(b.reals, reals.slice(0, b.first, b.count));
        });
    }

    /// One block; `in` n lines, `out` n / 2 + 1 complex elements, `space` scratch_size(1) elements.
    void run_forward(const T* in, T* out, T* space, T scale = T(1)) const noexcept {
        using lines = detail::lines<T>;
        if (even()) {
            const lines spectrum = lines::at(out);
            transform_.run(detail::lines<const T>::at(in), spectrum, space, scale / 2);
            detail::part_spectra<A>(spectrum, n_ / 2, roots_.data());
        } else {
            T* const whole = space + transform_.room();
            for (std::size_t t = 0; t < n_; ++t) {
                copy_line(in + t * line<T>, whole + 2 * t * line<T>);
                clear_line(whole + (2 * t + 1) * line<T>);
            }
            const lines data = lines::at(whole);
            transform_.run(data, data, space, scale);
            for (std::size_t i = 0; i < 2 * spectrum_size(); ++i) {
                copy_line(whole + i * line<T>, out + i * line<T>);
            }
        }
    }

    /// One block of which the spectrum's elements may lie anywhere; otherwise as run_forward.
    void run_backward(detail::lines<const T> in, T* out, T* space, T scale = T(1)) const noexcept {
        using lines = detail::lines<T>;
        if (even()) {
            const lines joined = lines::at(space), reals = lines::at(out);
            detail::join_spectra<A>(in, joined, n_ / 2, roots_.data());
            transform_.run_overwriting(joined.exchanged(), reals.exchanged(), space + line<T> * n_,
                                       scale);
        } else {
            T* const whole = space + transform_.room();
            expand_spectrum(in, whole);
            const lines data = lines::at(whole).exchanged();
            transform_.run(data, data, space, scale);
            for (std::size_t t = 0; t < n_; ++t) {
                copy_line(whole + 2 * t * line<T>, out + t * line<T>);
            }
        }
    }

private:
    using V = batch<T, A>;

    bool even() const noexcept { return n_ % 2 == 0; }
    // Even: the joined spectra and what the transform wants beside them, or alone. Odd: the whole too.
    std::size_t block_scratch() const noexcept {
        if (!even()) return transform_.room() + 2 * line<T> * n_;
        return std::max(line<T> * n_ + transform_.room_overwriting(), transform_.room());
    }

    // Some of an array's transforms, and where they are transformed.
    struct arrays_block {
        std::size_t first, count;
        real_blocks<T> reals;
        complex_blocks<T> spectra;
        T* space;
    };

    std::size_t array_scratch() const noexcept {
        return line<T> * (n_ + 2 * spectrum_size()) + block_scratch();
    }

    template <class Reals, class Spectra, class Run>
    void execute(const char* call, const Reals& reals, const Spectra& spectra, std::span<T> scratch,
                 int threads, const Run& run_block) const {
        detail::check_elements(call, "reals", reals.extent(1), size());
        detail::check_elements(call, "spectra", spectra.extent(1), spectrum_size());
        detail::check_problems(call, reals.extent(0), spectra.extent(0));
        const detail::scratch_space<T> space(scratch, array_scratch_size(threads), call);
        detail::for_each_block<T>(
            reals.extent(0), threads, [&](std::size_t first, std::size_t count, std::size_t worker) {
                T* const data = space.data() + worker * array_scratch();
                T* const half = data + line<T> * n_;
                run_block(arrays_block{first, count, real_blocks<T>(data, n_, count),
                                       complex_blocks<T>(half, spectrum_size(), count),
                                       half + 2 * line<T> * spectrum_size()});
            });
    }

    static void copy_line(const T* from, T* to) noexcept {
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            V::load_aligned(from + lane).store_aligned(to + lane);
        }
    }
    static void clear_line(T* to) noexcept {
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            V(T(0)).store_aligned(to + lane);
        }
    }
    // The whole spectrum of an odd length: element n - k is the conjugate of element k.
    void expand_spectrum(detail::lines<const T> in, T* whole) const noexcept {
        const auto out = detail::lines<T>::at(whole);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            store(out, 0, lane, detail::complex<V>{load<V>(in, 0, lane).re, V(T(0))});
            for (std::size_t k = 1; k < spectrum_size(); ++k) {
                const auto x = load<V>(in, static_cast<std::ptrdiff_t>(k), lane);
                store(out, static_cast<std::ptrdiff_t>(k), lane, x);
                store(out, static_cast<std::ptrdiff_t>(n_ - k), lane,
                      detail::complex<V>{x.re, V(T(0)) - x.im});
            }
        }
    }

    std::size_t n_;
    detail::any_length<T, A> transform_;
    buffer<T> roots_;
};

} // namespace destrier::fft
