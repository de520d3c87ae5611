// SPDX-License-Identifier: BSD-3-Clause
//
// Radial: from projections to their spectra, and back.
//
// A projection of a block of slices is padded to the radial length P, transformed, and multiplied by
// the filter's response, the angle's weight and the phase that moves each slice's rotation axis to the
// origin. The phase has a lane for every slice, so that an axis of its own for each costs nothing.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec/options.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

// What spectra are multiplied by, besides the phase: response[j], one for all angles or one for each,
// times weights[angle].
template <std::floating_point T>
class gains {
public:
    gains(const std::vector<double>& response, std::span<const double> weights, std::size_t radial)
        : bins_(radial / 2 + 1), per_angle_(response.size() != bins_),
          response_(response.size(), memory{.pages = pages::base}),
          weights_(weights.size(), memory{.pages = pages::base}) {
        for (std::size_t i = 0; i < response.size(); ++i) {
            // The ends of a half spectrum are their own mirror images, which the grid adds once more.
            const std::size_t bin = i % bins_;
            const double share = bin == 0 || bin == radial / 2 ? 0.5 : 1;
            response_[i] = static_cast<T>(response[i] * share / static_cast<double>(radial));
        }
        for (std::size_t i = 0; i < weights.size(); ++i) weights_[i] = static_cast<T>(weights[i]);
    }
    const T* response(std::size_t angle) const noexcept {
        return response_.data() + (per_angle_ ? angle * bins_ : 0);
    }
    T weight(std::size_t angle) const noexcept { return weights_[angle]; }

private:
    std::size_t bins_;
    bool per_angle_;
    buffer<T> response_, weights_;
};

// exp(2 pi i j center / radial) for every bin j and lane; lanes without a slice have that of center 0.
template <std::floating_point T>
void fill_phases(std::span<const double> centers, std::size_t radial, T* phases) {
    for (std::size_t lane = 0; lane < line<T>; ++lane) {
        const double center = lane < centers.size() ? centers[lane] : 0;
        for (std::size_t j = 0; j <= radial / 2; ++j) {
            // in turns, of which only the fraction counts: full accuracy for any j and center
            const double turns = static_cast<double>(j) * center / static_cast<double>(radial);
            const double angle = 2 * std::numbers::pi * (turns - std::floor(turns));
            phases[j * cell_size<T> + lane] = static_cast<T>(std::cos(angle));
            phases[j * cell_size<T> + line<T> + lane] = static_cast<T>(std::sin(angle));
        }
    }
}

// Calls for the lines of some rows, one with each advance().
template <std::floating_point T>
class row_prefetch {
public:
    explicit row_prefetch(view<const T, 2> rows) noexcept
        : rows_(rows), enabled_(rows.size() > 0 && rows.stride(1) == 1) {}

    DESTRIER_INLINE void advance() noexcept {
        if (!enabled_) return;
        __builtin_prefetch(&rows_(row_, column_), 0, 2);
        column_ += line<T>;
        if (column_ < rows_.extent(1)) return;
        column_ = 0;
        enabled_ = ++row_ < rows_.extent(0);
    }

private:
    view<const T, 2> rows_;
    bool enabled_;
    std::size_t row_ = 0, column_ = 0;
};

template <std::floating_point T, class A>
class radial_stage {
    using V = batch<T, A>;

public:
    radial_stage(std::size_t columns, std::size_t radial, edge continuation)
        : columns_(columns), radial_(radial), edge_(continuation), fft_(radial) {}

    std::size_t bins() const noexcept { return fft_.spectrum_size(); }

    // Elements of T a thread needs: the padded rows, their spectrum, and the transform's own.
    std::size_t scratch_size() const noexcept {
        return radial_ * line<T> + bins() * cell_size<T> + fft_.scratch_size(1);
    }

    // The spectra of one angle of up to line<T> slices. `next` are the rows of the angle after it, which are
    // called for while this one's spectra are on their way to memory.
    void forward(view<const T, 2> rows, view<const T, 2> next, const T* phases, const T* response,
                 T weight, bool mirrored, T* spectra, T* scratch) const {
        T* const reals = scratch;
        T* const half = reals + radial_ * line<T>;
        pack<A>(rows, real_blocks<T>(reals, columns_, rows.extent(0)));
        extend(reals);
        const V sign(mirrored ? -weight : weight), same(weight);
        row_prefetch<T> ahead(next);
        fft_.run_forward_into(
            reals, half, half + bins() * cell_size<T>,
            [&](std::ptrdiff_t j, std::size_t lane, fft::detail::complex<V> x) DESTRIER_UNROLLED {
                const std::ptrdiff_t at = j * static_cast<std::ptrdiff_t>(cell_size<T>);
                const auto y = fft::detail::multiply(x, load(phases + at + lane));
                const V gain(response[j]);
                stream(spectra + at + lane, y.re * (gain * same));
                stream(spectra + at + line<T> + lane, y.im * (gain * sign));
                if (lane == 0) ahead.advance();
            });
        stream_fence();
    }

    // The adjoint of forward.
    void backward(const T* spectra, const T* phases, const T* response, T weight, bool mirrored,
                  view<T, 2> rows, T* scratch) const {
        T* const reals = scratch;
        T* const spectrum = reals + radial_ * line<T>;
        for_each_element([&](std::size_t j, std::size_t at) {
            // The transform back counts all elements but the first and last twice.
            const T share = j == 0 || j + 1 == bins() ? T(1) : T(0.5);
            const V gain(response[j] * weight * share);
            const fft::detail::complex<V> x = load(spectra + at), phase = load(phases + at);
            const fft::detail::complex<V> y{x.re * gain, mirrored ? V(T(0)) - x.im * gain : x.im * gain};
            const auto z = fft::detail::multiply(y, {phase.re, V(T(0)) - phase.im});
            z.re.store_aligned(spectrum + at);
            z.im.store_aligned(spectrum + at + line<T>);
        });
        fft_.run_backward(fft::detail::lines<const T>::at(spectrum), reals,
                          spectrum + bins() * cell_size<T>);
        collect(reals);
        unpack<A>(real_blocks<T>(reals, columns_, rows.extent(0)), rows);
    }

private:
    static fft::detail::complex<V> load(const T* at) noexcept {
        return {V::load_aligned(at), V::load_aligned(at + line<T>)};
    }
    // f(bin, offset of its first register), over bins and registers.
    template <class F>
    void for_each_element(F&& f) const {
        for (std::size_t j = 0; j < bins(); ++j) {
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                f(j, j * cell_size<T> + lane);
            }
        }
    }

    // The padding: its first half goes on from the last column, its second half leads to the first.
    std::size_t padding_middle() const noexcept { return columns_ + (radial_ - columns_ + 1) / 2; }

    void extend(T* reals) const noexcept {
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            const bool replicate = edge_ == edge::replicate;
            const V zero(T(0));
            const V last = replicate ? V::load_aligned(reals + (columns_ - 1) * line<T> + lane) : zero;
            const V first = replicate ? V::load_aligned(reals + lane) : zero;
            for (std::size_t i = columns_; i < radial_; ++i) {
                (i < padding_middle() ? last : first).store_aligned(reals + i * line<T> + lane);
            }
        }
    }

    // The adjoint of extend.
    void collect(T* reals) const noexcept {
        if (edge_ == edge::zero) return;
        for (std::size_t i = columns_; i < radial_; ++i) {
            T* const to = reals + (i < padding_middle() ? columns_ - 1 : 0) * line<T>;
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                (V::load_aligned(to + lane) + V::load_aligned(reals + i * line<T> + lane))
                    .store_aligned(to + lane);
            }
        }
    }

    std::size_t columns_, radial_;
    edge edge_;
    fft::plan_r2c<T, A> fft_;
};

} // namespace destrier::gridrec::detail
