// SPDX-License-Identifier: BSD-3-Clause
//
// Columns: transforms whose neighbours lie side by side, re and im in pairs.
//
// `line` columns are the lanes of a block already, but for the parts of each number. A stripe of several
// blocks is gathered, transformed and put back at a time: whole pieces of 512 bytes of every row, so that rows
// a power of two apart, which share their place in every cache, cost no more than others, and what is in work
// stays in L2.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/convert.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/rows.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// Some of n rows: first, first + 1, ... , modulo n. The others count as zeros, or are not wanted.
struct band {
    std::size_t first = 0, count = 0;
};

namespace detail {

// Rows of columns: `band` of the n rows that are transformed over, `stride` values of T apart.
template <class T>
struct columns_of {
    T* data;
    std::ptrdiff_t stride;
    band rows;

    columns_of from(std::size_t column) const noexcept { return {data + 2 * column, stride, rows}; }
    // Whether it is more than caches keep until it is read again: then it is written past them, in two
    // thirds of the time of a transform (21 MB and more, Sapphire Rapids), where lines are written whole.
    bool is_large() const noexcept {
        const std::size_t bytes = rows.count * static_cast<std::size_t>(std::abs(stride)) * sizeof(T);
        return bytes >= std::size_t{16} << 20 && reinterpret_cast<std::uintptr_t>(data) % 64 == 0 &&
               stride % static_cast<std::ptrdiff_t>(line<T>) == 0;
    }
};

// What is done to a register of an element on its way out; here nothing.
struct no_turn {
    template <class V>
    DESTRIER_INLINE complex<V> operator()(complex<V> x, std::size_t, std::size_t) const noexcept {
        return x;
    }
};

// Transforms over the columns of arrays.
template <std::floating_point T, class A>
class column_transform {
    using V = batch<T, A>;

public:
    explicit column_transform(std::size_t n) : transform_(n) {}

    std::size_t size() const noexcept { return transform_.size(); }
    // Columns of a stripe: of four blocks, or of as many as take 512 KB.
    std::size_t stripe() const noexcept {
        return line<T> * std::clamp<std::size_t>((512 << 10) / (128 * size()), 1, 4);
    }
    // Elements of T that run wants as room.
    std::size_t room() const noexcept { return blocks_size() + transform_.room(); }

    // Transforms up to stripe() columns; `out` may be `in`. turn(x, row, column) is applied on the way out,
    // where with Exchanged re and im have changed places, and the transform is backward.
    template <bool Exchanged, class Turn = no_turn>
    void run(columns_of<const T> in, columns_of<T> out, std::size_t columns, T* room, T scale,
             const Turn& turn = {}) const noexcept {
        gather(in, columns, room);
        T* const space = room + blocks_size();
        for (std::size_t c = 0; c < columns; c += line<T>) {
            const lines<T> block = lines<T>::at(at(room, 0, c));
            const lines<T> x = Exchanged ? block.exchanged() : block;
            transform_.run(x, x, space, scale);
        }
        scatter<Exchanged>(room, columns, out, turn, in.data != out.data && out.is_large());
    }

private:
    std::size_t block_size() const noexcept { return 2 * line<T> * size(); }
    std::size_t blocks_size() const noexcept { return stripe() / line<T> * block_size(); }
    T* at(T* blocks, std::size_t element, std::size_t column) const noexcept {
        return blocks + column / line<T> * block_size() + 2 * line<T> * element;
    }

    // f(element, i) for row i of a band, in their order.
    template <class F>
    void for_rows(const band& rows, F&& f) const noexcept {
        std::size_t element = rows.first;
        for (std::size_t i = 0; i < rows.count; ++i) {
            f(element, i);
            if (++element == size()) element = 0;
        }
    }

    void gather(columns_of<const T> in, std::size_t columns, T* blocks) const noexcept {
        const band others{(in.rows.first + in.rows.count) % size(), size() - in.rows.count};
        for_rows(others, [&](std::size_t element, std::size_t) {
            for (std::size_t c = 0; c < columns; c += line<T>) {
                std::fill_n(at(blocks, element, c), 2 * line<T>, T(0));
            }
        });
        for_rows(in.rows, [&](std::size_t element, std::size_t i) {
            const T* const row = in.data + static_cast<std::ptrdiff_t>(i) * in.stride;
            for (std::size_t c = 0; c < columns; c += line<T>) {
                prefetch<V>(row + rows_ahead * in.stride + 2 * c);
                columns_to_element<A>(row + 2 * c, std::min(line<T>, columns - c),
                                      at(blocks, element, c));
            }
        });
    }

    template <bool Exchanged, class Turn>
    void scatter(T* blocks, std::size_t columns, columns_of<T> out, const Turn& turn,
                 bool past_caches) const noexcept {
        for_rows(out.rows, [&](std::size_t element, std::size_t i) {
            T* const row = out.data + static_cast<std::ptrdiff_t>(i) * out.stride;
            for (std::size_t c = 0; c < columns; c += V::size) {
                const T* const from = at(blocks, element, c / line<T> * line<T>) + c % line<T>;
                complex<V> x{V::load_aligned(from), V::load_aligned(from + line<T>)};
                if constexpr (Exchanged) std::swap(x.re, x.im);
                x = turn(x, element, c);
                if constexpr (Exchanged) std::swap(x.re, x.im);
                if (past_caches && columns - c >= V::size) {
                    stream_pairs(row + 2 * c, x);
                } else {
                    store_pairs(row + 2 * c, columns - c, x);
                }
            }
        });
        if (past_caches) stream_fence();
    }

    // Rows that are fetched ahead of the one that is read: 4 and 8 are a tenth faster than none on planes of
    // 2048 x 2048, and cost nothing on smaller ones (Sapphire Rapids).
    static constexpr std::ptrdiff_t rows_ahead = 8;

    any_length<T, A> transform_;
};

} // namespace detail

} // namespace destrier::fft
