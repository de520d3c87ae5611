// SPDX-License-Identifier: BSD-3-Clause
//
// Scatter and gather: samples to the cells around them, and back.
//
// A cell is a line of re and a line of im, one lane a slice. Every sample adds its value, weighted, to
// taps x taps cells. What loads and stores take comes on top of the arithmetic: samples of the same cell,
// which lie side by side in the list, are therefore summed in registers, a row of cells at a time, and
// stored once. Near the axis thousands fall into one cell; added one by one in float they would drift, so
// many are summed up from zero before they are added.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <destrier/fft/passes.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

// A cell, or an element of a spectrum, is two lines.
template <std::floating_point T>
inline constexpr std::size_t cell_size = 2 * line<T>;

// Where the rows of a strip and of the one after it start, margins included.
template <std::floating_point T>
using strip_rows = std::array<T*, 2 * tile>;

// How far ahead spectra, which lie anywhere, are called for: tried on Sapphire Rapids, the optimum is flat.
inline constexpr std::size_t prefetch_distance = 16;

template <std::floating_point T>
DESTRIER_INLINE void prefetch_element(const T* element) noexcept {
    __builtin_prefetch(element);
    __builtin_prefetch(element + line<T>);
}

// As many samples of a cell are summed in registers at once: the square root of how many there are near the
// axis of a large scan.
inline constexpr std::size_t longest_run = 64;

// Samples of one cell, with their weights.
template <std::floating_point T>
struct sample_run {
    std::size_t count;
    const T* source[longest_run];
    alignas(64) T weights[longest_run][2 * max_taps];
};

// One register of a row of cells, re and im.
template <std::size_t Taps, class V>
struct cell_row {
    V re[Taps], im[Taps];

    template <bool Mirrored, class T>
    DESTRIER_INLINE void add_sample(const sample_run<T>& run, std::size_t i, std::size_t u,
                                    std::size_t lane) noexcept {
        const V along_u(run.weights[i][u]), sign(Mirrored ? T(-1) : T(1));
        const V value_re = V::load_aligned(run.source[i] + lane) * along_u;
        const V value_im =
            V::load_aligned(run.source[i] + line<T> + lane) * (Mirrored ? along_u * sign : along_u);
        unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
            const V along_v(run.weights[i][max_taps + v]);
            re[v] = fmadd(value_re, along_v, re[v]);
            im[v] = fmadd(value_im, along_v, im[v]);
        });
    }
};

// Adds a run, conjugated where its samples are mirror images, to the cells from row `row`, column `column` on.
// A run of at most group_size has its Count known to the compiler; Count 0 is a longer one.
template <std::size_t Count, bool Mirrored, std::size_t Taps, class A, std::floating_point T>
DESTRIER_INLINE void add_run(const sample_run<T>& run, const strip_rows<T>& rows, std::size_t row,
                             std::size_t column) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        for (std::size_t u = 0; u < Taps; ++u) {
            T* const cells = rows[row + u] + column * cell_size<T> + lane;
            cell_row<Taps, V> sum;
            unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                sum.re[v] = Count == 0 ? V(T(0)) : V::load_aligned(cells + v * cell_size<T>);
                sum.im[v] = Count == 0 ? V(T(0)) : V::load_aligned(cells + v * cell_size<T> + line<T>);
            });
            unroll<Count>([&](auto i)
                              DESTRIER_UNROLLED { sum.template add_sample<Mirrored>(run, i, u, lane); });
            for (std::size_t i = 0; Count == 0 && i < run.count; ++i) {
                sum.template add_sample<Mirrored>(run, i, u, lane);
            }
            unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                T* const cell = cells + v * cell_size<T>;
                if constexpr (Count == 0) {
                    sum.re[v] += V::load_aligned(cell);
                    sum.im[v] += V::load_aligned(cell + line<T>);
                }
                sum.re[v].store_aligned(cell);
                sum.im[v].store_aligned(cell + line<T>);
            });
        }
    }
}

// Adds a strip's samples to its rows and the next strip's; sample `source` lies at source * cell_size.
template <bool Mirrored, std::size_t Taps, class A, std::floating_point T>
[[gnu::noinline]] void scatter_strip(std::span<const sample<T>> samples, const T* spectra,
                                     const strip_rows<T>& rows,
                                     const kernel_lanes<T, A>& kernel) noexcept {
    sample_run<T> run;
    alignas(64) std::byte bytes[64]; // for the weights that have no register
    destrier::detail::align_frame<A>(bytes);
    for (std::size_t i = 0; i < samples.size();) {
        const sample<T>& first = samples[i];
        for (run.count = 0; run.count < longest_run && i < samples.size() && samples[i].same_cell(first);
             ++run.count) {
            if (i + prefetch_distance < samples.size()) {
                prefetch_element(spectra + samples[i + prefetch_distance].source * cell_size<T>);
            }
            run.source[run.count] = spectra + samples[i].source * cell_size<T>;
            kernel.evaluate(samples[i].tu, samples[i].tv, run.weights[run.count]);
            ++i;
        }
        switch (run.count) { // known to the compiler, so that no loop's end is guessed wrong
        case 1: add_run<1, Mirrored, Taps, A>(run, rows, first.row, first.column); break;
        case 2: add_run<2, Mirrored, Taps, A>(run, rows, first.row, first.column); break;
        case 3: add_run<3, Mirrored, Taps, A>(run, rows, first.row, first.column); break;
        case group_size:
            add_run<group_size, Mirrored, Taps, A>(run, rows, first.row, first.column);
            break;
        default: add_run<0, Mirrored, Taps, A>(run, rows, first.row, first.column);
        }
    }
}

// The adjoint: every sample receives the weighted sum of the cells around it.
template <std::size_t Taps, class A, std::floating_point T>
[[gnu::noinline]] void gather_strip(std::span<const sample<T>> samples, const strip_rows<T>& rows,
                                    T* spectra, const kernel_lanes<T, A>& kernel) noexcept {
    using V = batch<T, A>;
    alignas(64) T weights[2 * max_taps];
    for (const sample<T>& s : samples) {
        kernel.evaluate(s.tu, s.tv, weights);
        T* const out = spectra + s.source * cell_size<T>;
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            V re(T(0)), im(T(0));
            for (std::size_t u = 0; u < Taps; ++u) {
                const T* const cells = rows[s.row + u] + s.column * cell_size<T> + lane;
                V row_re(T(0)), row_im(T(0));
                unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                    const V along_v(weights[max_taps + v]);
                    row_re = fmadd(V::load_aligned(cells + v * cell_size<T>), along_v, row_re);
                    row_im = fmadd(V::load_aligned(cells + v * cell_size<T> + line<T>), along_v, row_im);
                });
                const V along_u(weights[u]);
                re = fmadd(row_re, along_u, re);
                im = fmadd(row_im, along_u, im);
            }
            stream(out + lane, re);
            stream(out + line<T> + lane, im);
        }
    }
}

} // namespace destrier::gridrec::detail
