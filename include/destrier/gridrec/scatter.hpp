// SPDX-License-Identifier: BSD-3-Clause
//
// Scatter and gather: samples to the cells around them, and back.
//
// A cell is a line of re and a line of im, one lane a slice. Every sample adds its value, weighted, to
// taps x taps cells. What bounds the scatter is storing: samples of the same cell, which lie side by
// side in the list, are therefore summed in registers, a row of cells at a time, and stored once.
//
// Strips are taken in two rounds, the even ones and then the odd ones: no two strips of a round touch
// the same cell, and every cell's sum has one order, whatever the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

// A cell, or an element of a spectrum, is two lines.
template <std::floating_point T>
inline constexpr std::size_t cell_size = 2 * line<T>;

// How far ahead spectra, which lie anywhere, are called for.
inline constexpr std::size_t prefetch_distance = 16;

template <std::floating_point T>
DESTRIER_INLINE void prefetch_element(const T* element) noexcept {
    __builtin_prefetch(element);
    __builtin_prefetch(element + line<T>);
}

// A group of samples of one cell, with their weights.
template <std::floating_point T>
struct group {
    const T* source[group_size];
    alignas(64) T weights[group_size][2 * max_taps];
};

// Adds the group's Count samples to the cells from `cell` on.
template <std::size_t Count, std::size_t Taps, class A, std::floating_point T>
DESTRIER_INLINE void add_group(const group<T>& g, T* cell, std::size_t row_cells) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        for (std::size_t u = 0; u < Taps; ++u) {
            T* const row = cell + u * row_cells * cell_size<T> + lane;
            V re[Taps], im[Taps];
            unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                re[v] = V::load_aligned(row + v * cell_size<T>);
                im[v] = V::load_aligned(row + v * cell_size<T> + line<T>);
            });
            unroll<Count>([&](auto i) DESTRIER_UNROLLED {
                const V along_u(g.weights[i][u]);
                const V value_re = V::load_aligned(g.source[i] + lane) * along_u;
                const V value_im = V::load_aligned(g.source[i] + line<T> + lane) * along_u;
                unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                    const V along_v(g.weights[i][max_taps + v]);
                    re[v] = fmadd(value_re, along_v, re[v]);
                    im[v] = fmadd(value_im, along_v, im[v]);
                });
            });
            unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                re[v].store_aligned(row + v * cell_size<T>);
                im[v].store_aligned(row + v * cell_size<T> + line<T>);
            });
        }
    }
}

template <std::size_t Taps, class A, std::floating_point T>
[[gnu::noinline]] void scatter_strip(std::span<const sample<T>> samples, const T* spectra, T* grid,
                                     std::size_t row_cells, const kernel_lanes<T, A>& kernel) noexcept {
    group<T> g;
    for (std::size_t i = 0; i < samples.size();) {
        const std::uint32_t first = samples[i].cell;
        std::size_t count = 0;
        for (; count < group_size && i < samples.size() && samples[i].cell == first; ++count, ++i) {
            const sample<T>& s = samples[i];
            if (i + prefetch_distance < samples.size()) {
                prefetch_element(spectra + samples[i + prefetch_distance].source * cell_size<T>);
            }
            g.source[count] = spectra + s.source * cell_size<T>;
            kernel.evaluate(s.tu, s.tv, g.weights[count]);
        }
        T* const cell = grid + first * cell_size<T>;
        switch (count) { // known to the compiler, so that no loop's end is guessed wrong
        case 1: add_group<1, Taps, A>(g, cell, row_cells); break;
        case 2: add_group<2, Taps, A>(g, cell, row_cells); break;
        case 3: add_group<3, Taps, A>(g, cell, row_cells); break;
        default: add_group<group_size, Taps, A>(g, cell, row_cells);
        }
    }
}

template <std::size_t Taps, class A, std::floating_point T>
[[gnu::noinline]] void gather_strip(std::span<const sample<T>> samples, T* spectra, const T* grid,
                                    std::size_t row_cells, const kernel_lanes<T, A>& kernel) noexcept {
    using V = batch<T, A>;
    alignas(64) T weights[2 * max_taps];
    for (const sample<T>& s : samples) {
        kernel.evaluate(s.tu, s.tv, weights);
        const T* const cell = grid + s.cell * cell_size<T>;
        T* const out = spectra + s.source * cell_size<T>;
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            V re(T(0)), im(T(0));
            for (std::size_t u = 0; u < Taps; ++u) {
                const T* const row = cell + u * row_cells * cell_size<T> + lane;
                V row_re(T(0)), row_im(T(0));
                unroll<Taps>([&](auto v) DESTRIER_UNROLLED {
                    const V along_v(weights[max_taps + v]);
                    row_re = fmadd(V::load_aligned(row + v * cell_size<T>), along_v, row_re);
                    row_im = fmadd(V::load_aligned(row + v * cell_size<T> + line<T>), along_v, row_im);
                });
                const V along_u(weights[u]);
                re = fmadd(row_re, along_u, re);
                im = fmadd(row_im, along_u, im);
            }
            re.store_aligned(out + lane);
            im.store_aligned(out + line<T> + lane);
        }
    }
}

template <std::floating_point T, class A>
void clear_rows(T* grid, const half_plane& plane, std::size_t begin, std::size_t end) noexcept {
    const std::size_t size = plane.row_cells() * cell_size<T>;
    std::fill(grid + begin * size, grid + std::min(end, plane.rows()) * size, T(0));
}

// grid = 0, then every sample added; spectra hold sample `source` at source * cell_size.
template <std::size_t Taps, std::floating_point T, class A>
void scatter(const sample_list<T>& samples, const kernel_lanes<T, A>& kernel, const T* spectra, T* grid,
             int threads) {
    const half_plane& plane = samples.grid();
    const std::size_t strips = plane.strips();
    for (const std::size_t round : {0u, 1u}) {
        parallel_for((strips + 1 - round) / 2, threads, [&](std::size_t i) {
            const std::size_t s = 2 * i + round;
            // an even strip is the first to come to its own rows and to the next strip's
            if (round == 0) clear_rows<T, A>(grid, plane, s * tile, (s + 2) * tile);
            scatter_strip<Taps, A>(samples.strip(s), spectra, grid, plane.row_cells(), kernel);
        });
    }
}

// The adjoint: every sample receives the weighted sum of the cells around it.
template <std::size_t Taps, std::floating_point T, class A>
void gather(const sample_list<T>& samples, const kernel_lanes<T, A>& kernel, const T* grid, T* spectra,
            int threads) {
    const half_plane& plane = samples.grid();
    parallel_for(plane.strips(), threads, [&](std::size_t s) {
        gather_strip<Taps, A>(samples.strip(s), spectra, grid, plane.row_cells(), kernel);
    });
}

} // namespace destrier::gridrec::detail
