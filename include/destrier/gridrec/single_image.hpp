// SPDX-License-Identifier: BSD-3-Clause
//
// The half plane of one slice, transformed along v, to its image: mirror images are added, rows are
// transformed along u and divided by the kernel's transform.
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>

#include <destrier/fft.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/single_samples.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

template <std::floating_point T, class A>
class single_image {
    using V = batch<T, A>;
    static constexpr std::size_t w = width<T, A>;

public:
    // Rows that are transformed at a time.
    static constexpr std::size_t at_once = 8;

    // Rows of the half plane are half_stride elements of T apart.
    single_image(const kernel& k, std::size_t pixels, const line_grid<T>& g, std::size_t half_stride)
        : pixels_(pixels), half_stride_(half_stride), grid_(g), along_u_(g.size),
          factors_(pixels, memory{.pages = pages::base}) {
        for (std::size_t i = 0; i < pixels; ++i) {
            const double x = static_cast<double>(i) - static_cast<double>(pixels / 2);
            factors_[i] = static_cast<T>(1 / k.transform(x / static_cast<double>(g.size)));
        }
    }

    // Elements of T a thread needs: real rows, and the transform's own.
    std::size_t scratch_size() const { return at_once * row_size() + along_u_.array_scratch_size(1); }

    // at_once rows of the half plane or less, from row `first` on; they are overwritten. Its row i is row
    // pixels - 1 - i of the image.
    void run(T* half, std::size_t first, std::size_t count, view<T, 2> out, T* scratch) const {
        T* const rows = half + first * half_stride_;
        for (std::size_t i = 0; i < count; ++i) add_mirror_images(rows + i * half_stride_);
        along_u_.backward(
            view<const std::complex<T>, 2>(cells(rows), {count, along_u_.spectrum_size()},
                                           {static_cast<std::ptrdiff_t>(half_stride_ / 2), 1}),
            view<T, 2>(scratch, {count, grid_.size}, {static_cast<std::ptrdiff_t>(row_size()), 1}),
            {scratch + at_once * row_size(), along_u_.array_scratch_size(1)});
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = pixels_ - 1 - (first + i), left = pixels_ / 2;
            const T* const reals = scratch + i * row_size();
            store(reals + grid_.size - left, row, 0, left, out.at(0, row));
            store(reals, row, left, pixels_ - left, out.at(0, row));
        }
    }

private:
    std::size_t row_size() const noexcept { return (grid_.size + line<T> - 1) / line<T> * line<T>; }

    // Element u = 0 of a row.
    static std::complex<T>* cells(T* row) noexcept {
        return reinterpret_cast<std::complex<T>*>(row) + line_grid<T>::margin;
    }

    // Element u receives the conjugate of what lies at -u, u = 0 and M / 2 that of themselves, of which the
    // transform takes the real part.
    void add_mirror_images(T* row) const noexcept {
        std::complex<T>* const first = cells(row);
        std::complex<T>* const last = first + grid_.size / 2;
        *first *= T(2);
        *last *= T(2);
        for (std::size_t k = 1; k <= max_taps / 2; ++k) {
            *(first + k) += std::conj(*(first - k));
            *(last - k) += std::conj(*(last + k));
        }
    }

    // Some pixels of a row, from one on. The factors are even in their distance from the origin.
    void store(const T* in, std::size_t row, std::size_t pixel, std::size_t count,
               view<T, 1> out) const noexcept {
        const std::size_t y = row <= pixels_ / 2 ? pixels_ / 2 - row : row - pixels_ / 2;
        const V along_v(factors_[pixels_ / 2 - y]);
        const T* const along_u = factors_.data() + pixel;
        const bool side_by_side = out.stride(0) == 1;
        std::size_t i = 0;
        for (; side_by_side && i + w <= count; i += w) {
            const V x = V::load_unaligned(in + i) * V::load_unaligned(along_u + i) * along_v;
            x.store_unaligned(&out(pixel + i));
        }
        alignas(64) T some[w];
        for (; i < count; i += w) {
            const std::size_t n = std::min(w, count - i);
            const V x = load_head<A>(in + i, n) * load_head<A>(along_u + i, n) * along_v;
            x.store_aligned(some);
            for (std::size_t k = 0; k < n; ++k) out(pixel + i + k) = some[k];
        }
    }

    std::size_t pixels_, half_stride_;
    line_grid<T> grid_;
    fft::plan_r2c<T, A> along_u_;
    buffer<T> factors_;
};

} // namespace destrier::gridrec::detail
