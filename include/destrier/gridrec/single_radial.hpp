// SPDX-License-Identifier: BSD-3-Clause
//
// The projections of one slice to their spectra: padded, transformed, and multiplied by the filter's
// response, the angle's weight and the phase that moves the rotation axis to the origin. Frequencies lie
// side by side, re and im in pairs: what neighbouring cells of the grid want is in the same lines.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec/radial.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

template <std::floating_point T, class A>
class single_radial {
    using V = batch<T, A>;
    static constexpr std::size_t w = width<T, A>;

public:
    // Angles that are transformed at a time.
    static constexpr std::size_t at_once = 8;

    single_radial(std::span<const double> theta, std::size_t columns, std::size_t radial,
                  edge continuation, const std::vector<double>& response,
                  std::span<const double> weights)
        : columns_(columns), edge_(continuation), fft_(radial),
          stride_((bins() + line<T> - 1) / line<T> * line<T>), per_angle_(response.size() != bins()),
          response_(stride_ * (response.size() / bins()), memory{.pages = pages::base}) {
        for (std::size_t i = 0; i < response.size(); ++i) {
            // The ends of a half spectrum are their own mirror images, which the grid adds once more.
            const std::size_t bin = i % bins();
            const double share = bin == 0 || bin == radial / 2 ? 0.5 : 1;
            response_[i / bins() * stride_ + bin] =
                static_cast<T>(response[i] * share / static_cast<double>(radial));
        }
        for (const double t : theta) mirrored_.push_back(is_mirrored(t));
        for (const double weight : weights) weights_.push_back(static_cast<T>(weight));
    }

    std::size_t size() const noexcept { return fft_.size(); }
    // Complex numbers from one angle's spectrum to the next.
    std::size_t stride() const noexcept { return stride_; }
    std::size_t phases_size() const noexcept { return 2 * stride_; }
    // Elements of T a thread needs: padded rows, their spectra, and the transform's own.
    std::size_t scratch_size() const { return fft_at() + fft_.array_scratch_size(1); }

    // exp(2 pi i j center / P): the real parts of all j, then the imaginary ones.
    void fill_phases(double center, T* phases) const noexcept {
        for (std::size_t j = 0; j < bins(); ++j) {
            // in turns, of which only the fraction counts: full accuracy for any j and center
            const double turns = static_cast<double>(j) * center / static_cast<double>(size());
            const double angle = 2 * std::numbers::pi * (turns - std::floor(turns));
            phases[j] = static_cast<T>(std::cos(angle));
            phases[stride_ + j] = static_cast<T>(std::sin(angle));
        }
    }

    // The spectra of at_once angles or less, from angle `first` on.
    void run(view<const T, 2> rows, std::size_t first, const T* phases, T* spectra, T* scratch) const {
        const std::size_t count = rows.extent(0);
        for (std::size_t i = 0; i < count; ++i) pad(rows.at(0, i), scratch + i * row_size());
        T* const found = scratch + at_once * row_size();
        fft_.forward(view<const T, 2>(scratch, {count, size()}, {as_stride(row_size()), 1}),
                     view<std::complex<T>, 2>(reinterpret_cast<std::complex<T>*>(found), {count, bins()},
                                              {as_stride(stride_), 1}),
                     {scratch + fft_at(), fft_.array_scratch_size(1)});
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t angle = first + i;
            filter(found + 2 * i * stride_, phases,
                   response_.data() + (per_angle_ ? angle * stride_ : 0), weights_[angle],
                   mirrored_[angle], spectra + 2 * angle * stride_);
        }
        stream_fence();
    }

private:
    std::size_t bins() const noexcept { return fft_.spectrum_size(); }
    std::size_t row_size() const noexcept { return (size() + line<T> - 1) / line<T> * line<T>; }
    std::size_t fft_at() const noexcept { return at_once * (row_size() + 2 * stride_); }
    static std::ptrdiff_t as_stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

    // The padding's first half goes on from the last column, its second half leads to the first.
    void pad(view<const T, 1> row, T* out) const noexcept {
        for (std::size_t i = 0; i < columns_; ++i) out[i] = row(i);
        const bool replicate = edge_ == edge::replicate;
        T* const middle = out + columns_ + (size() - columns_ + 1) / 2;
        std::fill(out + columns_, middle, replicate ? row(columns_ - 1) : T(0));
        std::fill(middle, out + size(), replicate ? row(0) : T(0));
    }

    void filter(const T* in, const T* phases, const T* response, T weight, bool mirrored,
                T* out) const noexcept {
        const V same(weight), sign(mirrored ? -weight : weight);
        for (std::size_t j = 0; j < stride_; j += w) {
            V re = V::load_aligned(in + 2 * j), im = V::load_aligned(in + 2 * j + w);
            deinterleave(re, im);
            const auto y = fft::detail::multiply(
                fft::detail::complex<V>{re, im},
                {V::load_aligned(phases + j), V::load_aligned(phases + stride_ + j)});
            const V gain = V::load_aligned(response + j);
            re = y.re * (gain * same);
            im = y.im * (gain * sign);
            interleave(re, im);
            stream(out + 2 * j, re);
            stream(out + 2 * j + w, im);
        }
    }

    std::size_t columns_;
    edge edge_;
    fft::plan_r2c<T, A> fft_;
    std::size_t stride_;
    bool per_angle_;
    buffer<T> response_;
    std::vector<T> weights_;
    std::vector<bool> mirrored_;
};

} // namespace destrier::gridrec::detail
