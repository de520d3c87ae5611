// SPDX-License-Identifier: BSD-3-Clause
//
// Large transforms: n = rows * columns elements, of which no part but n elements of work space need be in
// cache.
//
// With t = t1 columns + t2 and k = k1 + rows k2 a transform is one over t1 for every t2, a turn by
// exp(-2 pi i t2 k1 / n), and one over t2 for every k1. The first reads and writes columns side by side;
// the second takes rows of the result `line` at a time, by transposes in registers, and its lanes are
// neighbours in the spectrum. All of memory is read twice and written twice.
//
// Source  Bailey, J. Supercomputing 4 (1990) 23, doi:10.1007/BF00162341
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/columns.hpp>
#include <destrier/fft/convert.hpp>
#include <destrier/fft/roots.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

// The divisor of n nearest below its root, of those that leave whole lines on both sides, or of all.
template <class T>
constexpr std::size_t rows_of_large(std::size_t n) noexcept {
    std::size_t whole = 1, any = 1;
    for (std::size_t d = 1; d * d <= n; ++d) {
        if (n % d != 0) continue;
        any = d;
        if (d % line<T> == 0 && n / d % line<T> == 0) whole = d;
    }
    return 16 * whole > any ? whole : any;
}

template <std::floating_point T, class A>
class large_transform {
    using V = batch<T, A>;

public:
    // Lengths for which a block of `line` transforms and its work space are more than caches hold.
    static constexpr bool suits(std::size_t n) noexcept { return n > 65536 && is_smooth(n); }

    explicit large_transform(std::size_t n)
        : rows_(rows_of_large<T>(n)), over_rows_(rows_), over_columns_(n / rows_), block_roots_(n),
          lane_roots_(2 * line<T> * rows_) {
        for (std::size_t k = 0; k < rows_; ++k) {
            for (std::size_t lane = 0; lane < line<T>; ++lane) {
                const auto r = block_roots_(k * lane);
                lane_roots_[2 * line<T> * k + lane] = static_cast<T>(r.re);
                lane_roots_[2 * line<T> * k + line<T> + lane] = static_cast<T>(r.im);
            }
        }
    }

    std::size_t size() const noexcept { return rows_ * columns(); }

    // Elements of T that run wants as room.
    std::size_t room(int threads) const {
        return work_size() + static_cast<std::size_t>(thread_count(threads)) * space();
    }
    // Elements of T that one transform takes, in whole lines.
    std::size_t work_size() const noexcept { return (2 * size() + line<T> - 1) / line<T> * line<T>; }

    // One transform of contiguous elements; out may be in.
    template <bool Exchanged>
    void run(const T* in, T* out, T* room, T scale, int threads) const {
        T* const work = room;
        T* const spaces = room + work_size();
        const std::size_t stripe = over_rows_.stripe();
        parallel_ranges((columns() + stripe - 1) / stripe, threads,
                        [&](std::size_t i, std::size_t end, std::size_t worker) {
                            for (; i < end; ++i) {
                                first_step<Exchanged>(in, work, i * stripe, spaces + worker * space());
                            }
                        });
        parallel_ranges((rows_ + line<T> - 1) / line<T>, threads,
                        [&](std::size_t i, std::size_t end, std::size_t worker) {
                            for (; i < end; ++i) {
                                second_step<Exchanged>(work, out, i * line<T>, spaces + worker * space(),
                                                       scale);
                            }
                        });
    }

private:
    std::size_t columns() const noexcept { return over_columns_.size(); }
    std::size_t space() const noexcept {
        return std::max(over_rows_.room(), 2 * line<T> * columns() + over_columns_.room());
    }

    template <bool Exchanged>
    void first_step(const T* in, T* work, std::size_t column, T* space) const noexcept {
        const band all{0, rows_};
        const auto stride = static_cast<std::ptrdiff_t>(2 * columns());
        const auto turn = [&](complex<V> x, std::size_t k, std::size_t c) DESTRIER_UNROLLED {
            const std::size_t lane = c % line<T>;
            const auto r = block_roots_(k * (column + c - lane));
            const T* const w = lane_roots_.data() + 2 * line<T> * k + lane;
            const complex<V> of_lane{V::load_aligned(w), V::load_aligned(w + line<T>)};
            const complex<V> of_block{V(static_cast<T>(r.re)), V(static_cast<T>(r.im))};
            return multiply(x, multiply(of_lane, of_block));
        };
        over_rows_.template run<Exchanged>(columns_of<const T>{in, stride, all}.from(column),
                                           columns_of<T>{work, stride, all}.from(column),
                                           std::min(over_rows_.stripe(), columns() - column), space,
                                           T(1), turn);
    }

    template <bool Exchanged>
    void second_step(const T* work, T* out, std::size_t row, T* space, T scale) const noexcept {
        const std::size_t count = std::min(line<T>, rows_ - row);
        rows_to_block<A>(work + 2 * row * columns(), static_cast<std::ptrdiff_t>(2 * columns()), count,
                         columns(), space);
        const lines<T> block = lines<T>::at(space);
        const lines<T> x = Exchanged ? block.exchanged() : block;
        over_columns_.run(x, x, space + 2 * line<T> * columns(), scale);
        block_to_columns<A>(space, count, columns(), out + 2 * row,
                            static_cast<std::ptrdiff_t>(2 * rows_));
    }

    std::size_t rows_;
    column_transform<T, A> over_rows_;
    any_length<T, A> over_columns_;
    root_table<double> block_roots_;
    buffer<T> lane_roots_;
};

} // namespace destrier::fft::detail
