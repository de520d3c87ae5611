// SPDX-License-Identifier: BSD-3-Clause
//
// Sweep: across the grid, strip by strip, in a window that stays in cache.
//
// The grid is never held whole. A window of two strips, 16 rows, slides along u: a strip's samples are
// scattered into it, which completes the strip's own rows; each is transformed along v, stored past the
// caches, and cleared for the strip after the next while it is in L2. The adjoint runs the same way: rows are loaded and
// transformed ahead of the strip whose samples gather from them.
//
// Each thread sweeps strips of its own. The strip before its first one it scatters too, for what that
// one adds to the first; so the order of every sum, and its bits, do not depend on the threads.
//
// What is stored is `panels`: the rows of the image that are wanted, four at a time, so that the next
// stage reads pieces of 512 bytes, one after the other. For one batch of 16 float slices the grid costs
// memory M / 2 * N * 128 bytes written once, and read once by the image stage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

// Rows u = 0 .. M / 2, transformed along v: [image row / 4][u][image row % 4] cells.
struct panels {
    static constexpr std::size_t height = 4;
    std::size_t image_rows, rows;

    std::size_t cells() const {
        return product_of({(image_rows + height - 1) / height * height, rows}, "the gridrec work space");
    }
    std::size_t cell(std::size_t u, std::size_t image_row) const noexcept {
        return (image_row / height * rows + u) * height + image_row % height;
    }
};

// Row y of the image lies at element y of the transform along v, modulo M: rows run downwards, y upwards.
constexpr std::size_t element_of_row(std::size_t row, std::size_t n, std::size_t m) noexcept {
    return (n / 2 + m - row) % m;
}

template <std::floating_point T, class A>
class sweep {
    using V = batch<T, A>;

public:
    sweep(std::span<const double> theta, std::size_t radial, const kernel& k, const half_plane& plane,
          const panels& out, memory where)
        : samples_(theta, radial, plane, k.taps(), where), lanes_(k), plane_(plane), panels_(out),
          along_v_(plane.size) {
        // A row's transform takes as long as scattering about half a sample for each of its cells.
        std::size_t cost = 0;
        for (std::size_t s = 0; s < plane.strips(); ++s) {
            cost_before_.push_back(cost);
            cost += samples_.direct.strip(s).size() + tile * plane.size / 2;
        }
        cost_before_.push_back(cost);
    }

    // Elements of T a thread needs: the window, a row, and the transform's own. The window holds zeros
    // between calls.
    std::size_t scratch_size() const noexcept {
        return 2 * tile * row_size() + row_size() + along_v_.scratch_size(1);
    }

    // The strips of worker k of `workers`, of about equal cost.
    range share(std::size_t k, std::size_t workers) const noexcept {
        const auto bound = [&](std::size_t i) {
            const std::size_t cost = cost_before_.back() / workers * i;
            const auto at = std::lower_bound(cost_before_.begin(), cost_before_.end(), cost);
            return i == workers ? plane_.strips() : static_cast<std::size_t>(at - cost_before_.begin());
        };
        return {bound(k), bound(k + 1)};
    }

    // Spectra to panels, for the rows of some strips.
    template <std::size_t Taps>
    void forward(range strips, const T* spectra, T* out, T* scratch) const noexcept {
        if (strips.begin == strips.end) return;
        T* const window = scratch;
        T* const space = scratch + 2 * tile * row_size();
        if (strips.begin > 0) {
            scatter<Taps>(strips.begin - 1, spectra, window);
            clear(strips.begin - 1, window);
        }
        for (std::size_t s = strips.begin; s < strips.end; ++s) {
            scatter<Taps>(s, spectra, window);
            for (std::size_t u = plane_.begin_row(s); u < plane_.end_row(s); ++u) {
                T* const row = first_cell(u, window);
                fold_ends(row);
                const auto cells = fft::detail::lines<T>::at(row);
                along_v_.run(cells.exchanged(), cells.exchanged(), space);
                store_row(row, u, out);
                clear_row(row);
            }
            clear_beyond(s, window);
        }
        clear(strips.end, window);
        stream_fence();
    }

    // The adjoint: panels to the spectra of some strips' samples.
    template <std::size_t Taps>
    void backward(range strips, const T* in, T* spectra, T* scratch) const noexcept {
        if (strips.begin == strips.end) return;
        T* const window = scratch;
        T* const space = scratch + 2 * tile * row_size();
        load_strip(strips.begin, in, window, space);
        for (std::size_t s = strips.begin; s < strips.end; ++s) {
            load_strip(s + 1, in, window, space);
            gather_strip<Taps>(samples_.direct.strip(s), rows_of(s, window), spectra, lanes_);
        }
        clear(0, window);
        clear(1, window);
        stream_fence();
    }

private:
    std::size_t row_size() const noexcept { return plane_.row_cells() * cell_size<T>; }

    // The rows of strip s lie in the window's first half or its second.
    T* own_rows(std::size_t s, T* window) const noexcept { return window + s % 2 * tile * row_size(); }
    T* first_cell(std::size_t u, T* window) const noexcept {
        return own_rows(u / tile + 1, window) + u % tile * row_size() +
               half_plane::margin * cell_size<T>;
    }
    strip_rows<T> rows_of(std::size_t s, T* window) const noexcept {
        strip_rows<T> rows;
        for (std::size_t r = 0; r < tile; ++r) {
            rows[r] = own_rows(s, window) + r * row_size();
            rows[r + tile] = own_rows(s + 1, window) + r * row_size();
        }
        return rows;
    }
    // While it is still in cache; `row` points to v = 0.
    void clear_row(T* row) const noexcept {
        std::fill_n(row - half_plane::margin * cell_size<T>, row_size(), T(0));
    }
    void clear(std::size_t s, T* window) const noexcept {
        std::fill_n(own_rows(s, window), tile * row_size(), T(0));
    }
    // A strip's margins beyond the half plane, which nothing else clears.
    void clear_beyond(std::size_t s, T* window) const noexcept {
        if (plane_.end_row(s) - plane_.begin_row(s) < tile) clear(s, window);
    }

    template <std::size_t Taps>
    void scatter(std::size_t s, const T* spectra, T* window) const noexcept {
        const strip_rows<T> rows = rows_of(s, window);
        scatter_strip<false, Taps>(samples_.direct.strip(s), spectra, rows, lanes_);
        scatter_strip<true, Taps>(samples_.mirrored.strip(s), spectra, rows, lanes_);
    }

    // What fell into a row's margins belongs M cells away; `row` points to v = 0.
    void fold_ends(T* row) const noexcept {
        for (std::size_t i = 1; i <= half_plane::margin; ++i) {
            add_cell(row + (plane_.size - i) * cell_size<T>, row - i * cell_size<T>);
        }
        for (std::size_t i = 0; i <= half_plane::margin; ++i) {
            add_cell(row + i * cell_size<T>, row + (plane_.size + i) * cell_size<T>);
        }
    }
    // The adjoint of fold_ends.
    void copy_ends(T* row) const noexcept {
        for (std::size_t i = 1; i <= half_plane::margin; ++i) {
            std::copy_n(row + (plane_.size - i) * cell_size<T>, cell_size<T>, row - i * cell_size<T>);
        }
        for (std::size_t i = 0; i <= half_plane::margin; ++i) {
            std::copy_n(row + i * cell_size<T>, cell_size<T>, row + (plane_.size + i) * cell_size<T>);
        }
    }
    static void add_cell(T* to, const T* from) noexcept {
        for (std::size_t i = 0; i < cell_size<T>; i += width<T, A>) {
            (V::load_aligned(to + i) + V::load_aligned(from + i)).store_aligned(to + i);
        }
    }

    void store_row(const T* row, std::size_t u, T* out) const noexcept {
        for (std::size_t r = 0; r < panels_.image_rows; ++r) {
            const T* const from =
                row + element_of_row(r, panels_.image_rows, plane_.size) * cell_size<T>;
            T* const to = out + panels_.cell(u, r) * cell_size<T>;
            for (std::size_t i = 0; i < cell_size<T>; i += width<T, A>) {
                stream(to + i, V::load_aligned(from + i));
            }
        }
    }
    // The adjoint of store_row, fold_ends and the transform between them.
    void load_row(const T* in, std::size_t u, T* row, T* space) const noexcept {
        std::fill_n(row, plane_.size * cell_size<T>, T(0));
        for (std::size_t r = 0; r < panels_.image_rows; ++r) {
            std::copy_n(in + panels_.cell(u, r) * cell_size<T>, cell_size<T>,
                        row + element_of_row(r, panels_.image_rows, plane_.size) * cell_size<T>);
        }
        const auto cells = fft::detail::lines<T>::at(row);
        along_v_.run(cells, cells, space);
    }

    // All rows that samples of strips s - 1 and s may want of strip s: beyond the half plane, the rows
    // there mirror, conjugated and with v reversed, as far as taps reach; zeros farther off.
    void load_strip(std::size_t s, const T* in, T* window, T* space) const noexcept {
        T* const mirrored = space;
        T* const own_space = space + row_size();
        for (std::size_t r = 0; r < tile; ++r) {
            const auto u = static_cast<std::ptrdiff_t>(s * tile + r) - static_cast<std::ptrdiff_t>(tile);
            const auto m = static_cast<std::ptrdiff_t>(plane_.size);
            const auto reach = static_cast<std::ptrdiff_t>(half_plane::margin);
            T* const row = own_rows(s, window) + r * row_size() + half_plane::margin * cell_size<T>;
            if (u < -reach || u > m / 2 + reach) {
                std::fill_n(row - half_plane::margin * cell_size<T>, row_size(), T(0));
                continue;
            }
            if (0 <= u && u <= m / 2) {
                load_row(in, static_cast<std::size_t>(u), row, own_space);
            } else {
                load_row(in, static_cast<std::size_t>(u < 0 ? -u : m - u), mirrored, own_space);
                for (std::size_t v = 0; v < plane_.size; ++v) {
                    conjugate_cell(mirrored + (plane_.size - v) % plane_.size * cell_size<T>,
                                   row + v * cell_size<T>);
                }
            }
            copy_ends(row);
        }
    }
    static void conjugate_cell(const T* from, T* to) noexcept {
        for (std::size_t i = 0; i < line<T>; i += width<T, A>) {
            V::load_aligned(from + i).store_aligned(to + i);
            (V(T(0)) - V::load_aligned(from + line<T> + i)).store_aligned(to + line<T> + i);
        }
    }

    sample_lists<T> samples_;
    kernel_lanes<T, A> lanes_;
    half_plane plane_;
    panels panels_;
    fft::plan_c2c<T, A> along_v_;
    std::vector<std::size_t> cost_before_;
};

} // namespace destrier::gridrec::detail
