// SPDX-License-Identifier: BSD-3-Clause
//
// Image: from the transformed rows of the grid to rows of the image, and back.
//
// For each row of the image, the elements u = 0 .. M / 2 are transformed into a real row, which is
// divided by the kernel's transform and stored for every slice. v is stored from -M / 2, so row y comes
// out of the transform along v with the sign (-1)^y, which is taken off here.
#pragma once

#include <algorithm>
#include <cstddef>

#include <destrier/fft.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/gridrec/sweep.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

template <std::floating_point T, class A>
class image_stage {
    using V = batch<T, A>;

public:
    image_stage(const kernel& k, std::size_t pixels, std::size_t grid_size, const panels& in)
        : pixels_(pixels), grid_size_(grid_size), panels_(in), along_u_(grid_size),
          factors_(pixels, memory{.pages = pages::base}) {
        for (std::size_t i = 0; i < pixels; ++i) {
            const double x = static_cast<double>(i) - static_cast<double>(pixels / 2);
            factors_[i] = static_cast<T>(1 / k.transform(x / static_cast<double>(grid_size)));
        }
    }

    // Elements of T a thread needs: the real row, its spectrum, and the transform's own.
    std::size_t scratch_size() const noexcept {
        return grid_size_ * line<T> + along_u_.spectrum_size() * cell_size<T> + along_u_.scratch_size(1);
    }

    // Row `row` of the image of every slice.
    void forward(const T* in, std::size_t row, view<T, 2> out, T* scratch) const {
        T* const reals = scratch;
        along_u_.run_backward(elements(in, row), reals, reals + grid_size_ * line<T>, row_factor(row));
        for_each_half([&](std::size_t pixel, std::size_t element, std::size_t count) {
            unpack<A>(real_blocks<T>(reals + element * line<T>, count, out.extent(0)),
                      out.slice(1, pixel, count),
                      [&](V x, lane_position at) { return x * V(factors_[pixel + at.element]); });
        });
    }

    // The adjoint of forward.
    void backward(view<const T, 2> in, std::size_t row, T* out, T* scratch) const {
        T* const reals = scratch;
        T* const spectrum = reals + grid_size_ * line<T>;
        std::fill(reals, spectrum, T(0));
        for_each_half([&](std::size_t pixel, std::size_t element, std::size_t count) {
            pack<A>(in.slice(1, pixel, count),
                    real_blocks<T>(reals + element * line<T>, count, in.extent(0)),
                    [&](V x, lane_position at) { return x * V(factors_[pixel + at.element]); });
        });
        // Every row but the first and last stands for its mirror image too; those are their own, and
        // receive theirs when the samples of both sides gather.
        const fft::detail::lines<T> to = elements(out, row);
        const V factor(2 * row_factor(row));
        along_u_.run_forward_into(reals, spectrum, spectrum + along_u_.spectrum_size() * cell_size<T>,
                                  [&](std::ptrdiff_t u, std::size_t lane, fft::detail::complex<V> x)
                                      DESTRIER_UNROLLED {
                                          stream(to.re + u * to.stride + lane, x.re * factor);
                                          stream(to.im + u * to.stride + lane, x.im * factor);
                                      });
        stream_fence();
    }

private:
    T row_factor(std::size_t row) const noexcept {
        // y = pixels / 2 - row; the factors are even in their distance from the origin
        const std::size_t y = row <= pixels_ / 2 ? pixels_ / 2 - row : row - pixels_ / 2;
        const T factor = factors_[pixels_ / 2 - y];
        return y % 2 == 0 ? factor : -factor;
    }

    // The elements u = 0 .. M / 2 of one row of the image.
    template <class P>
    fft::detail::lines<P> elements(P* data, std::size_t row) const noexcept {
        P* const first = data + panels_.cell(0, row) * cell_size<T>;
        return {first, first + line<T>, static_cast<std::ptrdiff_t>(panels::height * cell_size<T>)};
    }

    // f(first pixel, first element, count): pixels left of the origin are the transform's last elements.
    template <class F>
    void for_each_half(F&& f) const {
        const std::size_t left = pixels_ / 2;
        if (left > 0) f(std::size_t{0}, grid_size_ - left, left);
        f(left, std::size_t{0}, pixels_ - left);
    }

    std::size_t pixels_, grid_size_;
    panels panels_;
    fft::plan_r2c<T, A> along_u_;
    buffer<T> factors_;
};

} // namespace destrier::gridrec::detail
