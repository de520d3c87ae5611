// SPDX-License-Identifier: BSD-3-Clause
//
// The plan of complex transforms.
#pragma once

#include <complex>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

#include <destrier/fft/arguments.hpp>
#include <destrier/fft/arrays.hpp>
#include <destrier/fft/in_place.hpp>
#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// Complex transforms of length n, of lane blocks and of arrays.
///
/// Accuracy  L2 relative error on random data <= 0.5 eps(T) sqrt(log2 n) for products of 2, 3, 5, 7, 11 and 13,
///           1.0 for others, eps(T) = 2^-23 or 2^-52; asserted in tests/test_fft.cpp. NaN stays in its transform
/// Threads   over transforms; any number gives the same bits
/// Memory    in bytes, at most, 3 KB aside, of products of 2, 3, 5, 7, 11 and 13 (and of other lengths):
///             the plan                    4.3 n sizeof(T), 0.2 beyond n = 65536 (12, and 100 while it is made)
///             a transform in place        2 n sizeof(T), in whole blocks of line<T> if in blocks
///             a thread, of lane blocks    128 n, 36 beyond n = 65536 (300)
///             a thread, of arrays         256 n, 36 beyond n = 65536 (430)
///           scratch_size and array_scratch_size are exact; asserted in tests/budget
/// Source    Van Loan, Computational Frameworks for the Fast Fourier Transform (1992), section 1.7
template <std::floating_point T, class A = default_arch>
class plan_c2c {
public:
    /// With order::any the spectra of lane blocks are in the order of the passes: no scratch, and less time for
    /// what is multiplied there and transformed back. Those of arrays, of run, and of lengths with other
    /// factors than 2, 3, 5 and 7 are in the natural order still.
    ///
    /// Throws  std::invalid_argument if n is 0 or above 2^40
    explicit plan_c2c(std::size_t n, order spectra = order::natural)
        : transform_(detail::checked_length(n, "fft::plan_c2c")) {
        if (spectra == order::any && detail::scrambled_transform<T, A>::suits(n)) scrambled_.emplace(n);
    }

    std::size_t size() const noexcept { return transform_.size(); }

    /// Which frequency an element of a lane block's spectrum is: itself, but for order::any.
    std::size_t frequency(std::size_t element) const noexcept {
        return scrambled_ ? scrambled_->frequency(element) : element;
    }

    /// Elements of T that forward and backward want as scratch.
    std::size_t scratch_size(int threads = 1) const {
        return scrambled_ ? 0 : static_cast<std::size_t>(thread_count(threads)) * block_scratch();
    }

    /// What a budget of bytes has room for: lane blocks of so many transforms, in place, and their scratch.
    ///
    /// Throws  std::invalid_argument if it is too small for one block on one thread
    share share_within(std::size_t budget, int threads = 1) const {
        return detail::blocks_within<T>("fft::plan_c2c::share_within", budget, threads, 2 * size(),
                                        [&](int some) { return scratch_size(some); });
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
            const auto from = detail::lines<const T>::at(x);
            if (scrambled_) return scrambled_->run_forward(from, detail::lines<T>::at(y), scale);
            run(from, detail::lines<T>::at(y), space, scale);
        });
    }

    /// out[t] = scale sum_k in[k] exp(+2 pi i k t / n); otherwise as forward.
    void backward(complex_blocks<const T> in, complex_blocks<T> out, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::backward", in, out, scratch, threads, [&](const T* x, T* y, T* space) {
            const auto from = detail::lines<const T>::at(x);
            if (scrambled_) return scrambled_->run_backward(from, detail::lines<T>::at(y), scale);
            run(from.exchanged(), detail::lines<T>::at(y).exchanged(), space, scale);
        });
    }

    /// Elements of T that forward and backward of arrays want as scratch.
    std::size_t array_scratch_size(int threads = 1) const { return transform_.array_room(threads); }

    /// As share_within, of an array's transforms.
    share array_share_within(std::size_t budget, int threads = 1) const {
        return detail::share_within<T>("fft::plan_c2c::array_share_within", budget, threads, 2 * size(),
                                       "a transform",
                                       [&](int some) { return array_scratch_size(some); });
    }

    /// The same for arrays. Fastest where elements are side by side (stride(1) = 1) and n is a multiple of
    /// line<T>; where transforms are (stride(0) = 1) they cost little more than lane blocks.
    ///
    /// Shapes    in, out (transforms, n), any strides
    /// Aliasing  out may be in, with the same strides; no other overlap
    /// Memory    allocates nothing, unless scratch is empty: then array_scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes or scratch; out untouched
    void forward(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                 std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute<false>("fft::plan_c2c::forward", in, out, scratch, scale, threads);
    }
    void backward(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                  std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute<true>("fft::plan_c2c::backward", in, out, scratch, scale, threads);
    }

    /// The same for arrays with real and imaginary parts apart, of which each goes through a lane block; scratch
    /// of split_scratch_size(threads).
    void forward(view<const T, 2> in_re, view<const T, 2> in_im, view<T, 2> out_re, view<T, 2> out_im,
                 std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::forward", in_re, in_im, out_re, out_im, scratch, scale, threads);
    }
    void backward(view<const T, 2> in_re, view<const T, 2> in_im, view<T, 2> out_re, view<T, 2> out_im,
                  std::span<T> scratch = {}, T scale = T(1), int threads = 1) const {
        execute("fft::plan_c2c::backward", in_im, in_re, out_im, out_re, scratch, scale, threads);
    }

    std::size_t split_scratch_size(int threads = 1) const {
        return static_cast<std::size_t>(thread_count(threads)) *
               (2 * line<T> * size() + block_scratch());
    }

    /// One block of which every element may lie anywhere, as kernels built on the transform need it:
    /// exchanged() lines on both sides make it backward. space holds scratch_size(1) elements of a plan with
    /// the natural order.
    void run(detail::lines<const T> in, detail::lines<T> out, T* space, T scale = T(1)) const noexcept {
        transform_.run(in, out, space, scale);
    }

private:
    std::size_t block_scratch() const noexcept { return transform_.block_room(); }

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

    template <bool Exchanged>
    void execute(const char* call, view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out,
                 std::span<T> scratch, T scale, int threads) const {
        detail::check_elements(call, "in", in.extent(1), size());
        detail::check_elements(call, "out", out.extent(1), size());
        detail::check_problems(call, in.extent(0), out.extent(0));
        const detail::scratch_space<T> space(scratch, array_scratch_size(threads), call);
        transform_.template run<Exchanged>(in, out, space.data(), scale, threads);
    }

    // Parts apart: with both exchanged the transform is backward.
    void execute(const char* call, view<const T, 2> in_re, view<const T, 2> in_im, view<T, 2> out_re,
                 view<T, 2> out_im, std::span<T> scratch, T scale, int threads) const {
        for (const auto& part : {in_re, in_im}) {
            detail::check_elements(call, "in", part.extent(1), size());
            detail::check_problems(call, part.extent(0), out_re.extent(0));
        }
        for (const auto& part : {out_re, out_im}) {
            detail::check_elements(call, "out", part.extent(1), size());
            detail::check_problems(call, in_re.extent(0), part.extent(0));
        }
        const std::size_t block_size = 2 * line<T> * size(), room = block_size + block_scratch();
        const detail::scratch_space<T> space(scratch, split_scratch_size(threads), call);
        detail::for_each_block<T>(
            in_re.extent(0), threads, [&](std::size_t first, std::size_t count, std::size_t worker) {
                T* const data = space.data() + worker * room;
                pack<A>(in_re.slice(0, first, count), in_im.slice(0, first, count),
                        complex_blocks<T>(data, size(), count));
                const auto block = detail::lines<T>::at(data);
                run(block, block, data + block_size, scale);
                unpack<A>(complex_blocks<const T>(data, size(), count), out_re.slice(0, first, count),
                          out_im.slice(0, first, count));
            });
    }

    detail::complex_transform<T, A> transform_;
    std::optional<detail::scrambled_transform<T, A>> scrambled_;
};

} // namespace destrier::fft
