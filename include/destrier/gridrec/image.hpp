// SPDX-License-Identifier: BSD-3-Clause
//
// Image: from the half-plane grid to rows of the image, and back.
//
// The grid's margins are folded onto the cells they stand for; each row u is transformed along v, in
// place; then, for each row of the image, the elements u = 0 .. M / 2 of one v are gathered and
// transformed along u into a real row, which is divided by the kernel's transform and stored for every
// slice. v is stored from -M / 2, so row y of the transform comes out with the sign (-1)^y.
#pragma once

#include <algorithm>
#include <cstddef>

#include <destrier/fft.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

// a += b for one cell, b conjugated if asked.
template <class A, std::floating_point T>
DESTRIER_INLINE void add_cell(T* a, const T* b, bool conjugate) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        const V im = V::load_aligned(b + line<T> + lane), old = V::load_aligned(a + line<T> + lane);
        (V::load_aligned(a + lane) + V::load_aligned(b + lane)).store_aligned(a + lane);
        (conjugate ? old - im : old + im).store_aligned(a + line<T> + lane);
    }
}

// a = b for one cell, conjugated if asked.
template <class A, std::floating_point T>
DESTRIER_INLINE void copy_cell(T* a, const T* b, bool conjugate) noexcept {
    using V = batch<T, A>;
    for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
        const V im = V::load_aligned(b + line<T> + lane);
        V::load_aligned(b + lane).store_aligned(a + lane);
        (conjugate ? V(T(0)) - im : im).store_aligned(a + line<T> + lane);
    }
}

// Rows, columns and margins of a grid in memory.
template <std::floating_point T, class A>
class grid_rows {
public:
    grid_rows(T* data, const half_plane& plane) noexcept : data_(data), plane_(plane) {}

    // Cell v (stored from 0) of row u, which may lie in the margins.
    T* cell(std::ptrdiff_t u, std::size_t v) const noexcept {
        const auto row = static_cast<std::size_t>(u + static_cast<std::ptrdiff_t>(margin));
        return data_ + (plane_.row_start(row) + v) * cell_size<T>;
    }

    // Makes row u whole: what fell into margins, of its own or of the rows that mirror it, comes home.
    void fold(std::size_t u) const noexcept {
        const auto row = static_cast<std::ptrdiff_t>(u), half = static_cast<std::ptrdiff_t>(m() / 2);
        fold_ends(row);
        if (u <= margin) add_mirror(row, -row);
        if (u + margin >= m() / 2) add_mirror(row, 2 * half - row);
    }

    // The adjoint of fold: the margins of row u, and the rows that mirror it, receive its values.
    void unfold(std::size_t u) const noexcept {
        const auto row = static_cast<std::ptrdiff_t>(u), half = static_cast<std::ptrdiff_t>(m() / 2);
        copy_ends(row);
        if (u > 0 && u <= margin) copy_mirror(row, -row);
        if (u < m() / 2 && u + margin >= m() / 2) copy_mirror(row, 2 * half - row);
    }

private:
    std::size_t m() const noexcept { return plane_.size; }
    T* near(std::ptrdiff_t u, std::ptrdiff_t v) const noexcept {
        return cell(u, 0) + v * static_cast<std::ptrdiff_t>(cell_size<T>);
    }

    void fold_ends(std::ptrdiff_t u) const noexcept {
        const auto size = static_cast<std::ptrdiff_t>(m()), ends = static_cast<std::ptrdiff_t>(margin);
        for (std::ptrdiff_t v = -ends; v < 0; ++v) add_cell<A>(near(u, v + size), near(u, v), false);
        for (std::ptrdiff_t v = 0; v <= ends; ++v) add_cell<A>(near(u, v), near(u, v + size), false);
    }
    void copy_ends(std::ptrdiff_t u) const noexcept {
        const auto size = static_cast<std::ptrdiff_t>(m()), ends = static_cast<std::ptrdiff_t>(margin);
        for (std::ptrdiff_t v = -ends; v < 0; ++v) copy_cell<A>(near(u, v), near(u, v + size), false);
        for (std::ptrdiff_t v = 0; v <= ends; ++v) copy_cell<A>(near(u, v + size), near(u, v), false);
    }

    // row[v] += conj mirror[-v]; the row that mirrors itself is summed in pairs.
    void add_mirror(std::ptrdiff_t row, std::ptrdiff_t mirror) const noexcept {
        if (row != mirror) {
            fold_ends(mirror);
            for (std::size_t v = 0; v < m(); ++v) {
                add_cell<A>(cell(row, v), cell(mirror, (m() - v) % m()), true);
            }
            return;
        }
        for (std::size_t v = 0; v <= m() / 2; ++v) {
            T* const a = cell(row, v);
            T* const b = cell(row, (m() - v) % m());
            add_cell<A>(a, b, true);
            copy_cell<A>(b, a, a != b);
        }
    }
    void copy_mirror(std::ptrdiff_t row, std::ptrdiff_t mirror) const noexcept {
        for (std::size_t v = 0; v < m(); ++v) {
            copy_cell<A>(cell(mirror, v), cell(row, (m() - v) % m()), true);
        }
        copy_ends(mirror);
    }

    T* data_;
    half_plane plane_;
};

template <std::floating_point T, class A>
class image_stage {
    using V = batch<T, A>;

public:
    image_stage(const kernel& k, std::size_t pixels, const half_plane& plane)
        : pixels_(pixels), plane_(plane), along_v_(plane.size), along_u_(plane.size),
          factors_(pixels, memory{.pages = pages::base}) {
        for (std::size_t i = 0; i < pixels; ++i) {
            const double x = static_cast<double>(i) - static_cast<double>(pixels / 2);
            factors_[i] = static_cast<T>(1 / k.transform(x / static_cast<double>(plane.size)));
        }
    }

    // Elements of T a thread needs: for a row along v the transform's own, for a row of the image the
    // real row, its spectrum, and the transform's own.
    std::size_t scratch_size() const noexcept {
        const std::size_t row = plane_.size * line<T> + along_u_.spectrum_size() * cell_size<T>;
        return std::max(along_v_.scratch_size(1), row + along_u_.scratch_size(1));
    }

    // Row u of the grid, made whole and transformed along v.
    void transform_row(T* grid, std::size_t u, T* scratch) const noexcept {
        const grid_rows<T, A> rows(grid, plane_);
        rows.fold(u);
        const auto row = fft::detail::lines<T>::at(rows.cell(static_cast<std::ptrdiff_t>(u), 0));
        along_v_.run(row.exchanged(), row.exchanged(), scratch);
    }

    // Row `row` of the image of every slice, out of the transformed grid.
    void image_row(const T* grid, std::size_t row, view<T, 2> out, T* scratch) const {
        T* const reals = scratch;
        along_u_.run_backward(column(grid, row), reals, reals + plane_.size * line<T>, row_factor(row));
        for_each_half([&](std::size_t pixel, std::size_t element, std::size_t count) {
            unpack<A>(real_blocks<T>(reals + element * line<T>, count, out.extent(0)),
                      out.slice(1, pixel, count),
                      [&](V x, lane_position at) { return x * V(factors_[pixel + at.element]); });
        });
    }

    // The adjoint of image_row.
    void grid_column(view<const T, 2> in, std::size_t row, T* grid, T* scratch) const {
        T* const reals = scratch;
        T* const spectrum = reals + plane_.size * line<T>;
        std::fill(reals, spectrum, T(0));
        for_each_half([&](std::size_t pixel, std::size_t element, std::size_t count) {
            pack<A>(in.slice(1, pixel, count),
                    real_blocks<T>(reals + element * line<T>, count, in.extent(0)),
                    [&](V x, lane_position at) { return x * V(factors_[pixel + at.element]); });
        });
        // Every row but the first and last stands for its mirror image too; those are their own.
        along_u_.run_forward(reals, spectrum, spectrum + along_u_.spectrum_size() * cell_size<T>,
                             2 * row_factor(row));
        const fft::detail::lines<T> to = column(grid, row);
        for (std::size_t u = 0; u < along_u_.spectrum_size(); ++u) {
            copy_cell<A>(to.re + static_cast<std::ptrdiff_t>(u) * to.stride, spectrum + u * cell_size<T>,
                         false);
        }
    }

    // The adjoint of transform_row.
    void grid_row(T* grid, std::size_t u, T* scratch) const noexcept {
        const grid_rows<T, A> rows(grid, plane_);
        const auto row = fft::detail::lines<T>::at(rows.cell(static_cast<std::ptrdiff_t>(u), 0));
        along_v_.run(row, row, scratch);
        rows.unfold(u);
    }

private:
    // Row y of the image lies at element -y of v's transform: rows run downwards, y upwards.
    std::size_t element_of_row(std::size_t row) const noexcept {
        return (pixels_ / 2 + plane_.size - row) % plane_.size;
    }
    T row_factor(std::size_t row) const noexcept {
        // y = pixels / 2 - row; the factors are even in their distance from the origin
        const std::size_t y = row <= pixels_ / 2 ? pixels_ / 2 - row : row - pixels_ / 2;
        const T factor = factors_[pixels_ / 2 - y];
        return y % 2 == 0 ? factor : -factor;
    }

    // The elements u = 0 .. M / 2 that make row `row` of the image.
    template <class P>
    fft::detail::lines<P> column(P* grid, std::size_t row) const noexcept {
        P* const first = grid + (plane_.row_start(margin) + element_of_row(row)) * cell_size<T>;
        return {first, first + line<T>, static_cast<std::ptrdiff_t>(plane_.row_cells() * cell_size<T>)};
    }

    // f(first pixel, first element, count): pixels left of the origin are the transform's last elements.
    template <class F>
    void for_each_half(F&& f) const {
        const std::size_t left = pixels_ / 2;
        if (left > 0) f(std::size_t{0}, plane_.size - left, left);
        f(left, std::size_t{0}, pixels_ - left);
    }

    std::size_t pixels_;
    half_plane plane_;
    fft::plan_c2c<T, A> along_v_;
    fft::plan_r2c<T, A> along_u_;
    buffer<T> factors_;
};

} // namespace destrier::gridrec::detail
