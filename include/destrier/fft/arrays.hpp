// SPDX-License-Identifier: BSD-3-Clause
//
// Arrays: transforms (transforms, n) in any strides, each length and layout by the kernel that is best for it.
//
//   rows       elements side by side, n a multiple of `line` up to 65536: one by one (rows.hpp)
//   large      n above 65536: one by one, through work space (large.hpp)
//   blocks     everything else: `line` transforms at a time, packed into a lane block and back
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/convert.hpp>
#include <destrier/fft/large.hpp>
#include <destrier/fft/rows.hpp>
#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>

namespace destrier::fft::detail {

// Complex numbers as pairs of reals, with the stride of a transform and of an element in those.
template <class R>
struct pairs_of {
    R* data;
    std::ptrdiff_t transform, element;

    template <class C>
    explicit pairs_of(view<C, 2> v) noexcept
        : data(reinterpret_cast<R*>(v.data())), transform(2 * v.stride(0)), element(2 * v.stride(1)) {}
    R* at(std::size_t i) const noexcept { return data + static_cast<std::ptrdiff_t>(i) * transform; }
};

// `count` transforms of an array from one on, into a block, and back.
template <class A, class T>
void load_block(view<const std::complex<T>, 2> in, std::size_t first, std::size_t count, T* block) {
    const pairs_of<const T> pairs(in);
    const std::size_t n = in.extent(1);
    if (pairs.element == 2) {
        rows_to_block<A>(pairs.at(first), pairs.transform, count, n, block);
    } else if (pairs.transform == 2) {
        columns_to_block<A>(pairs.at(first), pairs.element, count, n, block);
    } else {
        pack<A>(in.slice(0, first, count), complex_blocks<T>(block, n, count));
    }
}
template <class A, class T>
void store_block(const T* block, view<std::complex<T>, 2> out, std::size_t first, std::size_t count) {
    const pairs_of<T> pairs(out);
    const std::size_t n = out.extent(1);
    if (pairs.element == 2) {
        block_to_rows<A>(block, count, n, pairs.at(first), pairs.transform);
    } else if (pairs.transform == 2) {
        block_to_columns<A>(block, count, n, pairs.at(first), pairs.element);
    } else {
        unpack<A>(complex_blocks<const T>(block, n, count), out.slice(0, first, count));
    }
}

// f(first transform, count, worker) for every block of up to line<T> transforms, in parallel.
template <std::floating_point T, class F>
void for_each_block(std::size_t transforms, int threads, F&& f) {
    const std::size_t blocks = (transforms + line<T> - 1) / line<T>;
    parallel_ranges(blocks, threads, [&](std::size_t b, std::size_t end, std::size_t worker) {
        for (; b < end; ++b) f(b * line<T>, std::min(line<T>, transforms - b * line<T>), worker);
    });
}

// What is done to rows before or after, if nothing is.
struct no_rows {
    void operator()(std::size_t, std::size_t) const noexcept {}
};

// Complex transforms of one length, of blocks and of arrays.
template <std::floating_point T, class A>
class complex_transform {
    using small = any_length<T, A>;
    using large = large_transform<T, A>;

public:
    explicit complex_transform(std::size_t n)
        : kind_(large::suits(n) ? kind(std::in_place_type<large>, n)
                                : kind(std::in_place_type<small>, n)) {
        if (!is_large() && row_transform<T, A>::suits(n)) rows_.emplace(n);
    }

    std::size_t size() const noexcept {
        return std::visit([](const auto& transform) { return transform.size(); }, kind_);
    }

    // Elements of T that a block wants as room, one whose input may be overwritten, and arrays.
    std::size_t block_room() const noexcept { return is_large() ? lane_room() : as_small().room(); }
    std::size_t block_room_overwriting() const noexcept {
        return is_large() ? lane_room() : as_small().room_overwriting();
    }
    std::size_t array_room(int threads) const {
        if (is_large()) return as_large().work_size() + as_large().room(threads);
        return static_cast<std::size_t>(thread_count(threads)) * worker_room();
    }

    // One block of which every element may lie anywhere; out may be in.
    void run(lines<const T> in, lines<T> out, T* room, T scale) const noexcept {
        if (!is_large()) return as_small().run(in, out, room, scale);
        for (std::size_t lane = 0; lane < line<T>; ++lane) run_lane(in, out, lane, room, scale);
    }
    void run_overwriting(lines<T> in, lines<T> out, T* room, T scale) const noexcept {
        if (!is_large()) return as_small().run_overwriting(in, out, room, scale);
        run(in, out, room, scale);
    }

    // Arrays in any strides.
    template <bool Exchanged>
    void run(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out, T* room, T scale,
             int threads) const {
        if (in.stride(1) == 1 && out.stride(1) == 1) {
            const pairs_of<const T> from(in);
            const pairs_of<T> to(out);
            run_rows<Exchanged>({from.data, from.transform}, to.data, to.transform, in.extent(0), room,
                                scale, threads, no_rows{}, no_rows{});
        } else if (is_large()) {
            for (std::size_t i = 0; i < in.extent(0); ++i)
                run_copied<Exchanged>(in, out, i, room, scale, threads);
        } else {
            for_each_block<T>(in.extent(0), threads,
                              [&](std::size_t first, std::size_t count, std::size_t worker) {
                                  T* const block = room + worker * worker_room();
                                  load_block<A>(in, first, count, block);
                                  run_block<Exchanged>(block, scale);
                                  store_block<A>(static_cast<const T*>(block), out, first, count);
                              });
        }
    }

    // Rows of contiguous elements; before(first, count) and after(first, count) are called for some of them at
    // a time, which stay in cache between, by the thread that transforms them.
    template <bool Exchanged, class Before, class After>
    void run_rows(rows_of<T> in, T* out, std::ptrdiff_t out_stride, std::size_t rows, T* room, T scale,
                  int threads, const Before& before, const After& after) const {
        const std::size_t some = is_large() ? 1 : rows_at_a_time();
        const auto each = [&](std::size_t i, T* space) {
            const std::size_t first = i * some, count = std::min(some, rows - first);
            before(first, count);
            run_some_rows<Exchanged>(
                {in.data + static_cast<std::ptrdiff_t>(first) * in.stride, in.stride},
                out + static_cast<std::ptrdiff_t>(first) * out_stride, out_stride, count, space, scale,
                is_large() ? threads : 1);
            after(first, count);
        };
        parallel_ranges((rows + some - 1) / some, is_large() ? 1 : threads,
                        [&](std::size_t i, std::size_t end, std::size_t worker) {
                            for (; i < end; ++i) each(i, room + worker * worker_room());
                        });
    }

private:
    using kind = std::variant<small, large>;

    bool is_large() const noexcept { return std::holds_alternative<large>(kind_); }
    const small& as_small() const noexcept { return *std::get_if<small>(&kind_); }
    const large& as_large() const noexcept { return *std::get_if<large>(&kind_); }
    std::size_t block_size() const noexcept { return 2 * line<T> * size(); }
    std::size_t lane_room() const noexcept { return as_large().work_size() + as_large().room(1); }
    std::size_t worker_room() const noexcept {
        if (is_large()) return 0;
        return std::max(block_size() + as_small().room(), rows_ ? rows_->room() : 0);
    }
    // A block's lines, or, of short rows, as many as make 64 KB.
    std::size_t rows_at_a_time() const noexcept {
        return std::max<std::size_t>(1, (std::size_t{64} << 10) / (block_size() * sizeof(T))) * line<T>;
    }

    template <bool Exchanged>
    void run_block(T* block, T scale) const noexcept {
        const lines<T> natural = lines<T>::at(block);
        const lines<T> x = Exchanged ? natural.exchanged() : natural;
        as_small().run(x, x, block + block_size(), scale);
    }

    template <bool Exchanged>
    void run_some_rows(rows_of<T> in, T* out, std::ptrdiff_t out_stride, std::size_t rows, T* room,
                       T scale, int threads) const {
        if (is_large()) {
            as_large().template run<Exchanged>(in.data, out, room, scale, threads);
        } else if (rows_) {
            rows_->template run<Exchanged>(in, out, out_stride, rows, room, scale);
        } else {
            for (std::size_t first = 0; first < rows; first += line<T>) {
                const auto at = static_cast<std::ptrdiff_t>(first);
                const std::size_t count = std::min(line<T>, rows - first);
                rows_to_block<A>(in.data + at * in.stride, in.stride, count, size(), room);
                run_block<Exchanged>(room, scale);
                block_to_rows<A>(static_cast<const T*>(room), count, size(), out + at * out_stride,
                                 out_stride);
            }
        }
    }

    // A large transform of an array in other strides, by way of a row.
    template <bool Exchanged>
    void run_copied(view<const std::complex<T>, 2> in, view<std::complex<T>, 2> out, std::size_t i,
                    T* room, T scale, int threads) const {
        for (std::size_t t = 0; t < size(); ++t) {
            room[2 * t] = in(i, t).real();
            room[2 * t + 1] = in(i, t).imag();
        }
        as_large().template run<Exchanged>(room, room, room + as_large().work_size(), scale, threads);
        for (std::size_t t = 0; t < size(); ++t) out(i, t) = {room[2 * t], room[2 * t + 1]};
    }

    // The same of one transform of a block.
    void run_lane(lines<const T> in, lines<T> out, std::size_t lane, T* room, T scale) const noexcept {
        const auto at = [&](std::ptrdiff_t stride, std::size_t t) {
            return static_cast<std::ptrdiff_t>(t) * stride + static_cast<std::ptrdiff_t>(lane);
        };
        for (std::size_t t = 0; t < size(); ++t) {
            room[2 * t] = in.re[at(in.stride, t)];
            room[2 * t + 1] = in.im[at(in.stride, t)];
        }
        as_large().template run<false>(room, room, room + as_large().work_size(), scale, 1);
        for (std::size_t t = 0; t < size(); ++t) {
            out.re[at(out.stride, t)] = room[2 * t];
            out.im[at(out.stride, t)] = room[2 * t + 1];
        }
    }

    kind kind_;
    std::optional<row_transform<T, A>> rows_;
};

} // namespace destrier::fft::detail
