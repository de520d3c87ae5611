// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/banded.hpp: a preconditioner of solves with a noise prior.
//
//   banded_preconditioner near(prior, problem.diagonal());    // of F'N^-1F + C_a^-1, 20 diagonals on each side
//   near.apply(r, z);
//
// Of the matrix of a solve, F'N^-1F - B'CB + C_a^-1, it leaves out what couples baselines through the sky, and of
// the rest, chunk by chunk, all that is further than `width` from the diagonal. That is factored once, L L', eight
// chunks side by side in a lane block; the factor is kept in floats, for reading it is what an application costs, and
// what it is rounded by is far less than what the band leaves out. L L' is symmetric and positive definite all the
// same.
//
// For spectra that fall with frequency the band is positive definite, as what it leaves out is negative. Where it
// is not, its diagonals are tapered, by 1 - d / (width + 1) at the distance d: the product of two positive definite
// matrices, element by element, is one. A baseline without a sample is no exception.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/destripe/prior.hpp>
#include <destrier/fft/arguments.hpp>
#include <destrier/fft/plan_r2c.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

namespace detail {

// As many floats as a register has doubles.
template <class A>
struct narrow_register {
    typedef float type __attribute__((vector_size(sizeof(float) * width<double, A>)));
};
template <class A>
DESTRIER_INLINE batch<double, A> load_floats(const float* p) noexcept {
    // of four floats and more g++ 12 would make two conversions and a shuffle
#if defined(__AVX512F__)
    if constexpr (width<double, A> == 8) return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));
#endif
#if defined(__AVX__)
    if constexpr (width<double, A> == 4) return _mm256_cvtps_pd(_mm_loadu_ps(p));
#endif
    typename narrow_register<A>::type x;
    std::memcpy(&x, p, sizeof x);
    using wide = typename batch<double, A>::register_type;
    return batch<double, A>(__builtin_convertvector(x, wide));
}
template <class A>
DESTRIER_INLINE void store_floats(float* p, batch<double, A> v) noexcept {
    using wide = typename batch<double, A>::register_type;
    const auto x = __builtin_convertvector(static_cast<wide>(v), typename narrow_register<A>::type);
    std::memcpy(p, &x, sizeof x);
}

// Lower triangular band matrices, one a lane, and solves with them. Row i is the reciprocal of its diagonal element
// and then elements i - 1 .. i - width.
template <class A>
class banded_factor {
    using V = batch<double, A>;
    static constexpr std::size_t lanes = chunk_block::lanes;

public:
    explicit banded_factor(std::size_t width) noexcept : width_(width) {}

    std::size_t row_size() const noexcept { return (width_ + 1) * lanes; }
    std::size_t size(std::size_t n) const noexcept { return n * row_size(); }

    // y = L^-1 y. In front of y there are `width` lines of zeros.
    void forward(const float* row, std::size_t n, double* y) const noexcept {
        for (std::size_t i = 0; i < n; ++i, row += row_size(), y += lanes) {
            for (std::size_t lane = 0; lane < lanes; lane += V::size) {
                V sum[chains] = {V::load_aligned(y + lane)};
                unroll<chains - 1>([&](auto j) DESTRIER_UNROLLED { sum[j + 1] = V(0.0); });
                const float* element = row + width_ * lanes + lane; // the furthest first
                const double* other = y - width_ * lanes + lane;
                for (std::size_t d = 0; d < width_; d += chains) {
                    unroll<chains>([&](auto j) DESTRIER_UNROLLED {
                        sum[j] = fnmadd(load_floats<A>(element - j * lanes),
                                        V::load_aligned(other + j * lanes), sum[j]);
                    });
                    element -= chains * lanes;
                    other += chains * lanes;
                }
                const V all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
                (all * load_floats<A>(row + lane)).store_aligned(y + lane);
            }
        }
    }

    // y = L'^-1 y; the lines in front are overwritten.
    void backward(const float* row, std::size_t n, double* y) const noexcept {
        row += size(n);
        y += n * lanes;
        for (std::size_t i = 0; i < n; ++i) {
            row -= row_size();
            y -= lanes;
            for (std::size_t lane = 0; lane < lanes; lane += V::size) {
                const V z = V::load_aligned(y + lane) * load_floats<A>(row + lane);
                z.store_aligned(y + lane);
                const float* element = row + lanes + lane;
                double* other = y - lanes + lane;
                for (std::size_t d = 0; d < width_; ++d, element += lanes, other -= lanes) {
                    fnmadd(load_floats<A>(element), z, V::load_aligned(other)).store_aligned(other);
                }
            }
        }
    }

    // Factors. element(i, d, lane) is a register of elements (i, i - d); recent has row_size() (width + 1) doubles.
    // smallest: of each lane the smallest pivot over the diagonal element, not positive where there is no factor.
    template <class Element>
    void factor(std::size_t n, const Element& element, float* row, double* recent,
                double* smallest) const noexcept {
        std::fill_n(smallest, lanes, 1.0);
        const auto row_at = [&](std::size_t i)
                                DESTRIER_UNROLLED { return recent + i % (width_ + 1) * row_size(); };
        for (std::size_t i = 0; i < n; ++i, row += row_size()) {
            double* const now = row_at(i);
            const std::size_t width = std::min(width_, i);
            std::fill_n(row, row_size(), 0.0F);
            for (std::size_t lane = 0; lane < lanes; lane += V::size) {
                V rest = element(i, 0, lane);
                const V before = rest;
                for (std::size_t d = width; d > 0; --d) {
                    const V x = beside(now + lane, row_at(i - d) + lane, d, width, element(i, d, lane));
                    x.store_aligned(now + d * lanes + lane);
                    store_floats<A>(row + d * lanes + lane, x);
                    rest = fnmadd(x, x, rest);
                }
                const V part = rest / before, least = V::load_aligned(smallest + lane);
                xsimd::select(part < least, part, least).store_aligned(smallest + lane);
                const V reciprocal = inverse_root(rest);
                reciprocal.store_aligned(now + lane);
                store_floats<A>(row + lane, reciprocal);
            }
        }
    }

private:
    static constexpr std::size_t chains =
        4; // of multiply-adds, of which a processor has so many under way

    // The factor's element d before the diagonal of the row `now`, which ends there in `other`.
    static V beside(const double* now, const double* other, std::size_t d, std::size_t width,
                    V element) noexcept {
        for (std::size_t e = d + 1; e <= width; ++e) {
            element = fnmadd(V::load_aligned(now + e * lanes), V::load_aligned(other + (e - d) * lanes),
                             element);
        }
        return element * V::load_aligned(other);
    }
    static V inverse_root(V x) noexcept { return V(1.0) / square_root(x); }

    std::size_t width_; // a multiple of chains
};

} // namespace detail

/// The inverse of a band of F'N^-1F + C_a^-1.
///
/// Domain    the square roots of diagonals within the range of float
/// Accuracy  symmetric to 1e-14 of the product of norms; the inverse of the band to 1e-5; asserted in
///           tests/test_destripe_prior.cpp
/// Threads   as offset_prior
/// Memory    4 (width + 1) bytes an amplitude in whole blocks of eight chunks
template <class A = default_arch>
class banded_preconditioner {
public:
    /// The prior need not outlive it. The width is rounded up to a multiple of 4, and is no more than what is there;
    /// 0 is the diagonal alone.
    ///
    /// Shapes  diagonal (prior.size()), F'N^-1F, 0 where there is no sample
    /// Memory  for the time of the call as much as 50 amplitudes of the longest chunks of a block, for each thread
    /// Throws  std::invalid_argument on wrong sizes, and on elements that are negative or not finite
    banded_preconditioner(const offset_prior<A>& prior, std::span<const double> diagonal,
                          std::size_t width = 20, int threads = 0)
        : threads_(thread_count(threads)), size_(prior.size()), longest_(longest(prior.blocks_)),
          width_((std::min(width, longest_ - std::min<std::size_t>(longest_, 1)) + 3) / 4 * 4),
          blocks_(prior.blocks_), factor_(width_) {
        check(diagonal);
        std::size_t elements = 0;
        for (const detail::chunk_block& b : blocks_) {
            at_.push_back(elements);
            elements += factor_.size(b.length);
        }
        factors_ = buffer<float>(elements, {}, threads_);
        factor(prior, diagonal);
    }

    std::size_t size() const noexcept { return size_; }
    /// Diagonals on each side.
    std::size_t width() const noexcept { return width_; }
    /// Chunks whose band is tapered, and chunks of which only the diagonal is used, as rounding left no band
    /// positive definite.
    std::size_t tapered() const noexcept { return tapered_; }
    std::size_t diagonal_only() const noexcept { return diagonal_only_; }
    /// Doubles that apply wants as scratch.
    std::size_t scratch_size() const noexcept { return workers() * room(); }

    /// z = M^-1 r
    ///
    /// Shapes    r, z (size())
    /// Aliasing  z may be r
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size()
    /// Throws    std::invalid_argument on wrong sizes; z untouched
    void apply(std::span<const double> r, std::span<double> z, std::span<double> scratch = {}) const {
        constexpr const char* call = "destripe::banded_preconditioner::apply";
        detail::check_amplitudes(call, "r", r.size(), size());
        detail::check_amplitudes(call, "z", z.size(), size());
        const fft::detail::scratch_space<double> space(scratch, scratch_size(), call);
        for_each_block([&](const detail::chunk_block& b, std::size_t worker) {
            double* const zeros = space.data() + worker * room();
            double* const y = zeros + width_ * lanes;
            const float* const rows = factor_of(b);
            std::fill(zeros, y, 0.0);
            detail::gather_chunks<A>(b, r.data(), y, in_order);
            factor_.forward(rows, b.length, y);
            factor_.backward(rows, b.length, y);
            detail::scatter_chunks<false, A>(b, y, z.data(), in_order);
        });
    }

private:
    static constexpr std::size_t lanes = detail::chunk_block::lanes;
    static constexpr auto in_order = [](std::size_t e) DESTRIER_UNROLLED { return e; };

    // Blocks are in the order of their lengths.
    static std::size_t longest(const std::vector<detail::chunk_block>& blocks) noexcept {
        return blocks.empty() ? 0 : blocks.back().length;
    }

    void check(std::span<const double> diagonal) const {
        constexpr const char* call = "destripe::banded_preconditioner";
        detail::check_amplitudes(call, "diagonal", diagonal.size(), size());
        for (std::size_t i = 0; i < diagonal.size(); ++i) {
            if (diagonal[i] >= 0 && std::isfinite(diagonal[i])) continue;
            throw std::invalid_argument(std::string(call) + ": diagonal[" + std::to_string(i) + "] is " +
                                        detail::number(diagonal[i]) + ", expected 0 or more, finite");
        }
    }

    std::size_t workers() const noexcept {
        return std::min(static_cast<std::size_t>(threads_), blocks_.size());
    }
    std::size_t room() const noexcept { return (width_ + longest_) * lanes; }
    template <class F>
    void for_each_block(const F& f) const {
        detail::for_each_chunk_block(blocks_, static_cast<int>(workers()), f);
    }
    std::size_t number_of(const detail::chunk_block& b) const noexcept {
        return static_cast<std::size_t>(&b - blocks_.data());
    }
    const float* factor_of(const detail::chunk_block& b) const noexcept {
        return factors_.data() + at_[number_of(b)];
    }

    // How much of a chunk's band there is.
    enum extent { all, taper, none };
    using extents = std::array<extent, lanes>;

    void factor(const offset_prior<A>& prior, std::span<const double> samples) {
        std::vector<fft::plan_r2c<double, A>> circles;
        for (const auto& o : prior.operators_) circles.emplace_back(2 * o.size());
        std::vector<extents> kept(blocks_.size());
        for_each_block([&](const detail::chunk_block& b, std::size_t) {
            const double* const eigenvalues = prior.eigenvalues_.data() + b.eigenvalues;
            const buffer<double> lags = lags_of(circles[b.plan], eigenvalues);
            kept[number_of(b)] = factor(b, samples, lags);
        });
        for (const extents& k : kept) {
            tapered_ += static_cast<std::size_t>(std::count(k.begin(), k.end(), taper));
            diagonal_only_ += static_cast<std::size_t>(std::count(k.begin(), k.end(), none));
        }
    }

    // The rows of circulant matrices (lines of lags 0 .. 2 n - 1) with these eigenvalues (lines 0 .. n).
    static buffer<double> lags_of(const fft::plan_r2c<double, A>& circle, const double* eigenvalues) {
        const std::size_t bins = circle.spectrum_size();
        buffer<double> spectrum(2 * bins * lanes), lags(circle.size() * lanes),
            room(circle.scratch_size());
        for (std::size_t k = 0; k < bins; ++k) {
            std::copy_n(eigenvalues + k * lanes, lanes, spectrum.data() + 2 * k * lanes);
        }
        circle.run_backward(fft::detail::lines<const double>::at(spectrum.data()), lags.data(),
                            room.data(), 1 / static_cast<double>(circle.size()));
        return lags;
    }

    // A block; of lanes that have no factor less is kept.
    extents factor(const detail::chunk_block& b, std::span<const double> samples,
                   const buffer<double>& lags) {
        buffer<double> added(b.length * lanes), recent((width_ + 1) * factor_.row_size());
        detail::gather_chunks<A>(b, samples.data(), added.data(), in_order);
        for (std::size_t i = 0; i < b.length; ++i) { // where there is no chunk, the unit matrix
            std::fill(added.data() + i * lanes + b.chunks, added.data() + (i + 1) * lanes, 1.0);
        }
        extents kept{};
        for (bool again = true; again;) {
            const buffer<double> windows = windows_of(kept);
            alignas(64) double smallest[lanes];
            factor_.factor(
                b.length,
                [&](std::size_t i, std::size_t distance, std::size_t lane) DESTRIER_UNROLLED {
                    const auto of = [lane](const buffer<double>& x, std::size_t at) DESTRIER_UNROLLED {
                        return batch<double, A>::load_aligned(x.data() + at * lanes + lane);
                    };
                    const auto prior = of(lags, distance) + of(lags, 2 * i - distance + 1);
                    return distance > 0 ? prior * of(windows, distance) : prior + of(added, i);
                },
                factors_.data() + at_[number_of(b)], recent.data(), smallest);
            again = false;
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                if (smallest[lane] > least_pivot || kept[lane] == none) continue;
                kept[lane] = kept[lane] == all ? taper : none;
                again = true;
            }
        }
        return kept;
    }

    // Lines of what the diagonals at distances 0 .. width are multiplied by.
    buffer<double> windows_of(const extents& kept) const {
        buffer<double> windows(factor_.row_size());
        for (std::size_t i = 0; i < windows.size(); ++i) {
            const std::size_t distance = i / lanes;
            if (kept[i % lanes] == all) windows[i] = 1;
            if (kept[i % lanes] == taper)
                windows[i] =
                    static_cast<double>(width_ + 1 - distance) / static_cast<double>(width_ + 1);
        }
        return windows;
    }

    static constexpr double least_pivot = 1e-12; // over the diagonal element

    int threads_;
    std::size_t size_, longest_, width_, tapered_ = 0, diagonal_only_ = 0;
    std::vector<detail::chunk_block> blocks_;
    std::vector<std::size_t> at_; // of each block's factor
    detail::banded_factor<A> factor_;
    buffer<float> factors_;
};

} // namespace destrier::destripe
