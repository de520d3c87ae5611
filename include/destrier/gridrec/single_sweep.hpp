// SPDX-License-Identifier: BSD-3-Clause
//
// From the spectra of one slice to its grid, transformed along v.
//
// The lanes are a sample's taps along u, re and im of each: spread over the lines that they reach, the
// others zero. So all samples of a row of a line are summed in registers, row by row of their taps,
// whole aligned lines are loaded and stored once for all of them, and no store is read back in part.
// Spreading wants a store that is not aligned; it is done for a block of samples at a time, so that
// none of them is waited for.
//
// The grid is never held whole. A strip, as many columns as make a lane block, is scattered in cache with
// the lines behind it, which its samples reach; they begin the next strip. It is transformed at once, and
// the rows of the image are stored: memory sees M / 2 * N cells written once, and read once afterwards.
// Each thread has strips of its own, and scatters the lines before its first one once more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/single_samples.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

template <std::floating_point T, class A>
class single_sweep {
    using V = batch<T, A>;
    static constexpr std::size_t w = width<T, A>;
    using grid = line_grid<T>;

public:
    single_sweep(std::span<const double> theta, std::size_t radial, std::size_t spectrum_stride,
                 const kernel& k, const grid& g, std::size_t image_rows, memory where)
        : samples_(theta, radial, spectrum_stride, g, k.taps(), where), lanes_(k), grid_(g),
          image_rows_(image_rows), along_v_(g.size) {
        // A strip's transform takes as long as scattering about three samples for each of its rows.
        std::size_t cost = 0;
        for (std::size_t s = 0; s < g.strips(); ++s) {
            cost_before_.push_back(cost);
            for_lines(s, [&](std::size_t line, std::size_t) { cost += samples_.count(line); });
            cost += 3 * g.size;
        }
        cost_before_.push_back(cost);
    }

    // Elements of T from one row of the half plane to the next.
    std::size_t half_stride() const noexcept { return grid_.strips() * grid::strip * line<T>; }
    // Elements of T a thread needs: the strip, and the transform's own.
    std::size_t scratch_size() const noexcept { return strip_size() + along_v_.room(); }

    // The strips of worker k of `workers`, of about equal cost.
    range share(std::size_t k, std::size_t workers) const noexcept {
        const auto bound = [&](std::size_t i) {
            const std::size_t cost = cost_before_.back() / workers * i;
            const auto at = std::lower_bound(cost_before_.begin(), cost_before_.end(), cost);
            return i == workers ? grid_.strips() : static_cast<std::size_t>(at - cost_before_.begin());
        };
        return {bound(k), bound(k + 1)};
    }

    // Spectra to some strips of the half plane; its row i is that of y = i - (image_rows - 1) / 2.
    template <std::size_t Taps>
    void run(range strips, const T* spectra, T* half, T* scratch) const noexcept {
        if (strips.begin == strips.end) return;
        std::fill_n(scratch, strip_size(), T(0));
        if (strips.begin > 0) {
            for_lines(strips.begin - 1, [&](std::size_t line, std::size_t at) {
                if (at + grid::reach > grid::strip) scatter<Taps>(line, at, spectra, scratch);
            });
            advance(scratch);
        }
        for (std::size_t s = strips.begin; s < strips.end; ++s) {
            for_lines(
                s, [&](std::size_t line, std::size_t at) { scatter<Taps>(line, at, spectra, scratch); });
            fold_ends(scratch);
            const auto stride = static_cast<std::ptrdiff_t>(row_size());
            along_v_.template run<true>(
                {scratch, stride, {0, grid_.size}},
                {half + s * grid::strip * line<T>,
                 static_cast<std::ptrdiff_t>(half_stride()),
                 {(grid_.size - (image_rows_ - 1) / 2) % grid_.size, image_rows_}},
                line<T>, scratch + strip_size(), T(1));
            advance(scratch);
        }
    }

private:
    static constexpr std::size_t row_size() noexcept { return (grid::strip + grid::behind) * line<T>; }
    std::size_t strip_size() const noexcept { return grid_.rows() * row_size(); }

    // f(line, its place in the strip) for the lines of strip s.
    template <class F>
    void for_lines(std::size_t s, F&& f) const noexcept {
        for (std::size_t at = 0; at < grid::strip && s * grid::strip + at < samples_.lines(); ++at) {
            f(s * grid::strip + at, at);
        }
    }

    // Samples on their way: their taps along u times their value, spread over the lines they reach, and
    // the weights of their taps along u and along v.
    static constexpr std::size_t block = 64;
    struct spread_samples {
        alignas(64) T lines[block][grid::reach * line<T>];
        alignas(64) T weights[block][2 * max_taps];
    };

    DESTRIER_INLINE void spread(const single_sample<T>* samples, std::size_t count, const T* spectra,
                                spread_samples& out) const noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const single_sample<T>& s = samples[i];
            __builtin_prefetch(spectra + 2 * samples[i + samples_.read_ahead].source);
            lanes_.evaluate(s.tu, s.tv, out.weights[i]);
            const V re(spectra[2 * s.source]), im(spectra[2 * s.source + 1]);
            unroll<grid::reach * registers<T, A>>(
                [&](auto r) DESTRIER_UNROLLED { V(T(0)).store_aligned(out.lines[i] + r * w); });
            T* const to = out.lines[i] + 2 * s.column;
            unroll<(max_taps + w - 1) / w>([&](auto r) DESTRIER_UNROLLED {
                const V weight = V::load_aligned(out.weights[i] + r * w);
                V a = weight * re, b = weight * im;
                interleave(a, b);
                a.store_unaligned(to + 2 * r * w);
                if constexpr (w <= max_taps) b.store_unaligned(to + 2 * r * w + w);
            });
        }
    }

    // Adds some samples of the same line and row to Taps rows of lines, as many rows at a time as there
    // are registers for. They are summed among themselves first: thousands of nearly equal ones near the
    // origin, added one by one, would drift.
    template <std::size_t Taps>
    DESTRIER_INLINE static void add(const spread_samples& in, std::size_t begin, std::size_t end,
                                    T* rows) noexcept {
        constexpr std::size_t across = grid::reach * registers<T, A>;
        constexpr std::size_t at_once = std::max<std::size_t>((sizeof(V) == 64 ? 16 : 12) / across, 1);
        unroll<(Taps + at_once - 1) / at_once>([&](auto part) DESTRIER_UNROLLED {
            constexpr std::size_t first = part * at_once, count = std::min(at_once, Taps - first);
            T* const to = rows + first * row_size();
            V sum[count][across];
            unroll<count>([&](auto v) DESTRIER_UNROLLED {
                unroll<across>([&](auto r) DESTRIER_UNROLLED { sum[v][r] = V(T(0)); });
            });
            for (std::size_t i = begin; i < end; ++i) {
                unroll<count>([&](auto v) DESTRIER_UNROLLED {
                    const V weight(in.weights[i][max_taps + first + v]);
                    unroll<across>([&](auto r) DESTRIER_UNROLLED {
                        sum[v][r] = fmadd(V::load_aligned(in.lines[i] + r * w), weight, sum[v][r]);
                    });
                });
            }
            unroll<count>([&](auto v) DESTRIER_UNROLLED {
                unroll<across>([&](auto r) DESTRIER_UNROLLED {
                    T* const at = to + v * row_size() + r * w;
                    (V::load_aligned(at) + sum[v][r]).store_aligned(at);
                });
            });
        });
    }

    // The samples of a line, to place `at` of the strip.
    template <std::size_t Taps>
    [[gnu::noinline]] void scatter(std::size_t line_number, std::size_t at, const T* spectra,
                                   T* strip) const noexcept {
        const std::uint32_t* const begins = samples_.begins(line_number);
        spread_samples some;
        std::size_t row = 0;
        for (std::size_t first = begins[0]; first < begins[grid_.size]; first += block) {
            const std::size_t end = std::min<std::size_t>(first + block, begins[grid_.size]);
            spread(samples_.data() + first, end - first, spectra, some);
            for (std::size_t i = first; i < end;) {
                while (begins[row + 1] <= i) ++row;
                const std::size_t last = std::min<std::size_t>(begins[row + 1], end);
                add<Taps>(some, i - first, last - first, strip + row * row_size() + at * line<T>);
                i = last;
            }
        }
    }

    // Rows beyond the last are the first ones.
    void fold_ends(T* strip) const noexcept {
        for (std::size_t row = 0; row < max_taps; ++row) {
            T* const to = strip + row * row_size();
            const T* const from = to + grid_.size * row_size();
            for (std::size_t i = 0; i < grid::strip * line<T>; i += w) {
                (V::load_aligned(to + i) + V::load_aligned(from + i)).store_aligned(to + i);
            }
        }
    }

    // The lines behind the strip become the first of the next one.
    void advance(T* strip) const noexcept {
        for (std::size_t row = 0; row < grid_.rows(); ++row) {
            T* const to = strip + row * row_size();
            unroll<(grid::strip + grid::behind) * registers<T, A>>([&](auto r) DESTRIER_UNROLLED {
                constexpr std::size_t i = r * w;
                V x(T(0));
                if constexpr (i < grid::behind * line<T>) {
                    x = V::load_aligned(to + grid::strip * line<T> + i);
                }
                x.store_aligned(to + i);
            });
        }
    }

    single_samples<T> samples_;
    kernel_lanes<T, A> lanes_;
    grid grid_;
    std::size_t image_rows_;
    fft::detail::column_transform<T, A> along_v_;
    std::vector<std::size_t> cost_before_;
};

} // namespace destrier::gridrec::detail
