// SPDX-License-Identifier: BSD-3-Clause
//
// The plan of real transforms.
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <span>

#include <destrier/fft/arguments.hpp>
#include <destrier/fft/arrays.hpp>
#include <destrier/fft/real.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// Real transforms of length n on lane blocks: half spectra of n / 2 + 1 elements.
///
/// Accuracy  as plan_c2c
/// Threads   over blocks; any number gives the same bits
/// Memory    in bytes, at most, 3 KB aside, of even n that are products of 2, 3, 5, 7, 11 and 13:
///             the plan                    2.7 n sizeof(T)
///             a transform                 2 (n + 1) sizeof(T), in and out; n + 2 in place, in arrays
///             a thread, of lane blocks    64 n, 80 beyond n = 131072
///             a thread, of arrays         192 n, 208 beyond n = 131072
///           otherwise as plan_c2c of n, and 128 n a thread more: odd lengths run as complex transforms
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

    /// What a budget of bytes has room for: lane blocks of so many transforms, in and out, and their scratch.
    ///
    /// Throws  std::invalid_argument if it is too small for one block on one thread
    share share_within(std::size_t budget, int threads = 1) const {
        return detail::blocks_within<T>("fft::plan_r2c::share_within", budget, threads,
                                        size() + 2 * spectrum_size(),
                                        [&](int some) { return scratch_size(some); });
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
        const std::size_t blocks = static_cast<std::size_t>(thread_count(threads)) * array_scratch();
        return even() ? std::max(blocks, transform_.array_room(threads)) : blocks;
    }

    /// As share_within, of an array's transforms in place: rows of reals in the memory of their spectra.
    share array_share_within(std::size_t budget, int threads = 1) const {
        return detail::share_within<T>("fft::plan_r2c::array_share_within", budget, threads,
                                       2 * spectrum_size(), "a transform",
                                       [&](int some) { return array_scratch_size(some); });
    }

    /// The same for arrays. Fastest for even n where elements are side by side (stride(1) = 1): then they are
    /// transformed in the memory of the result.
    ///
    /// Shapes    reals (transforms, n), spectra (transforms, n / 2 + 1), any strides
    /// Aliasing  none, or rows that begin at the same places: element 0 of transform i of both
    /// Memory    allocates nothing, unless scratch is empty: then array_scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; nothing is written
    void forward(view<const T, 2> reals, view<std::complex<T>, 2> spectra, std::span<T> scratch = {},
                 T scale = T(1), int threads = 1) const {
        constexpr const char* call = "fft::plan_r2c::forward";
        check(call, reals, spectra);
        const detail::scratch_space<T> space(scratch, array_scratch_size(threads), call);
        if (even() && reals.stride(1) == 1 && spectra.stride(1) == 1) {
            const detail::pairs_of<T> out(spectra);
            transform_.template run_rows<false>(
                {reals.data(), reals.stride(0)}, out.data, out.transform, reals.extent(0), space.data(),
                scale / 2, threads, detail::no_rows{}, [&](std::size_t first, std::size_t count) {
                    for (std::size_t i = first; i < first + count; ++i) {
                        detail::part_row<A>(out.at(i), n_ / 2, roots_.data());
                    }
                });
            return;
        }
        for_each_arrays_block(reals, space.data(), threads, [&](const arrays_block& b) {
            pack<A>(reals.slice(0, b.first, b.count), b.reals);
            run_forward(b.reals.data(), b.spectra.data(), b.space, scale);
            unpack<A>(b.spectra, spectra.slice(0, b.first, b.count));
        });
    }
    void backward(view<const std::complex<T>, 2> spectra, view<T, 2> reals, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1) const {
        constexpr const char* call = "fft::plan_r2c::backward";
        check(call, reals, spectra);
        const detail::scratch_space<T> space(scratch, array_scratch_size(threads), call);
        if (even() && reals.stride(1) == 1 && spectra.stride(1) == 1) {
            const detail::pairs_of<const T> in(spectra);
            transform_.template run_rows<true>(
                {reals.data(), reals.stride(0)}, reals.data(), reals.stride(0), reals.extent(0),
                space.data(), scale, threads,
                [&](std::size_t first, std::size_t count) {
                    for (std::size_t i = first; i < first + count; ++i) {
                        detail::join_row<A>(in.at(i), &reals(i, 0), n_ / 2, roots_.data());
                    }
                },
                detail::no_rows{});
            return;
        }
        for_each_arrays_block(reals, space.data(), threads, [&](const arrays_block& b) {
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
            T* const whole = space + transform_.block_room();
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

    /// The same, where put(k, lane, x) takes a register of every element k of the spectrum, each once, in any
    /// order; out is then scratch of as many elements.
    template <class Put>
    void run_forward_into(const T* in, T* out, T* space, Put&& put) const noexcept {
        using lines = detail::lines<T>;
        const lines spectrum = lines::at(out);
        if (even()) {
            transform_.run(detail::lines<const T>::at(in), spectrum, space, T(1) / 2);
            detail::part_spectra<A>(detail::lines<const T>(spectrum), n_ / 2, roots_.data(), put);
            return;
        }
        run_forward(in, out, space);
        for (std::size_t k = 0; k < spectrum_size(); ++k) {
            const auto at = static_cast<std::ptrdiff_t>(k);
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                put(at, lane, detail::load<V>(spectrum, at, lane));
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
            T* const whole = space + transform_.block_room();
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
        if (!even()) return transform_.block_room() + 2 * line<T> * n_;
        return std::max(line<T> * n_ + transform_.block_room_overwriting(), transform_.block_room());
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

    template <class Reals, class Spectra>
    void check(const char* call, const Reals& reals, const Spectra& spectra) const {
        detail::check_elements(call, "reals", reals.extent(1), size());
        detail::check_elements(call, "spectra", spectra.extent(1), spectrum_size());
        detail::check_problems(call, reals.extent(0), spectra.extent(0));
    }

    template <class Reals, class Run>
    void for_each_arrays_block(const Reals& reals, T* space, int threads, const Run& run_block) const {
        detail::for_each_block<T>(
            reals.extent(0), threads, [&](std::size_t first, std::size_t count, std::size_t worker) {
                T* const data = space + worker * array_scratch();
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
    detail::complex_transform<T, A> transform_;
    buffer<T> roots_;
};

} // namespace destrier::fft
