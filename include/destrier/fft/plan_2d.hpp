// SPDX-License-Identifier: BSD-3-Clause
//
// The plans of two-dimensional transforms: over the elements of every row, then over all rows, in stripes of
// columns (columns.hpp), or the other way round.
//
// Where only a band of the rows holds anything, or only a band of those of the result is wanted, the others
// need neither be there nor be computed.
#pragma once

#include <algorithm>
#include <complex>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/fft/arguments.hpp>
#include <destrier/fft/arrays.hpp>
#include <destrier/fft/columns.hpp>
#include <destrier/fft/plan_r2c.hpp>
#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// Which rows of a plane there are in an array, and which are wanted: row i of an array is row
/// (first + i) modulo all of the plane. A count of 0 stands for all.
struct bands {
    band in = {}, out = {};
};

namespace detail {

inline band checked_band(const char* call, const char* what, band given, std::size_t rows,
                         std::size_t extent) {
    const band b{given.first % rows, given.count == 0 ? rows : given.count};
    if (b.count > rows) {
        throw std::invalid_argument(std::string(call) + ": the band of " + what + " has " +
                                    std::to_string(b.count) + " rows, the plane " +
                                    std::to_string(rows));
    }
    check_extent(call, what, extent, "rows", b.count);
    return b;
}

template <class E>
void check_plane(const char* call, const char* what, const view<E, 2>& v, std::size_t columns) {
    check_elements(call, what, v.extent(1), columns);
    if (v.extent(1) > 1 && v.stride(1) != 1) {
        throw std::invalid_argument(std::string(call) + ": the elements of a row of " + what + " are " +
                                    std::to_string(v.stride(1)) + " apart, expected 1");
    }
}

// Transforms over all rows of `columns` complex columns; out may be in.
template <bool Exchanged, std::floating_point T, class A>
void transform_columns(const column_transform<T, A>& transform, pairs_of<const T> in, band rows_in,
                       pairs_of<T> out, band rows_out, std::size_t columns, T* room, T scale,
                       int threads) {
    const std::size_t stripe = transform.stripe();
    const columns_of<const T> from{in.data, in.transform, rows_in};
    const columns_of<T> to{out.data, out.transform, rows_out};
    parallel_ranges((columns + stripe - 1) / stripe, threads,
                    [&](std::size_t i, std::size_t end, std::size_t worker) {
                        for (; i < end; ++i) {
                            const std::size_t first = i * stripe;
                            transform.template run<Exchanged>(from.from(first), to.from(first),
                                                              std::min(stripe, columns - first),
                                                              room + worker * transform.room(), scale);
                        }
                    });
}

} // namespace detail

/// Complex transforms of planes of rows x columns.
///
/// Accuracy  as plan_c2c, n = rows columns
/// Threads   over rows, then over stripes of columns; any number gives the same bits
/// Memory    in bytes:
///             the plan            as plan_c2c of both lengths
///             a plane in place    2 rows columns sizeof(T)
///             a thread            512 KB + 256 max(rows, columns) at most, for lengths to 65536 without other
///                                 factors than 2, 3, 5, 7, 11 and 13
///           scratch_size is exact; asserted in tests/budget
template <std::floating_point T, class A = default_arch>
class plan_2d_c2c {
    using in_plane = view<const std::complex<T>, 2>;
    using out_plane = view<std::complex<T>, 2>;

public:
    /// Throws  std::invalid_argument if rows or columns are 0 or above 2^40
    plan_2d_c2c(std::size_t rows, std::size_t columns)
        : over_rows_(detail::checked_length(rows, "fft::plan_2d_c2c", "number of rows")),
          over_columns_(detail::checked_length(columns, "fft::plan_2d_c2c", "number of columns")) {}

    std::size_t rows() const noexcept { return over_rows_.size(); }
    std::size_t columns() const noexcept { return over_columns_.size(); }

    /// Elements of T that forward and backward want as scratch.
    std::size_t scratch_size(int threads = 1) const {
        return std::max(over_columns_.array_room(threads),
                        static_cast<std::size_t>(thread_count(threads)) * over_rows_.room());
    }

    /// What a budget of bytes has room for: so many planes, in place, and the scratch.
    ///
    /// Throws  std::invalid_argument if it is too small for one plane on one thread
    share share_within(std::size_t budget, int threads = 1) const {
        return detail::share_within<T>("fft::plan_2d_c2c::share_within", budget, threads,
                                       product_of({2, rows(), columns()}, "a plane"), "a plane",
                                       [&](int some) { return scratch_size(some); });
    }

    /// out[k][l] = scale sum_{t, u} in[t][u] exp(-2 pi i (k t / rows + l u / columns)), with + for backward.
    ///
    /// Shapes    in (rows, columns), or the rows of bands.in, the others being zeros; out likewise; elements
    ///           of a row side by side, rows any distance apart
    /// Aliasing  out may be in, with the same rows; no other overlap
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes, strides or scratch; out untouched
    void forward(in_plane in, out_plane out, std::span<T> scratch = {}, T scale = T(1), int threads = 1,
                 const bands& rows = {}) const {
        execute<false>("fft::plan_2d_c2c::forward", in, out, scratch, scale, threads, rows);
    }
    void backward(in_plane in, out_plane out, std::span<T> scratch = {}, T scale = T(1), int threads = 1,
                  const bands& rows = {}) const {
        execute<true>("fft::plan_2d_c2c::backward", in, out, scratch, scale, threads, rows);
    }

private:
    template <bool Exchanged>
    void execute(const char* call, in_plane in, out_plane out, std::span<T> scratch, T scale,
                 int threads, const bands& given) const {
        detail::check_plane(call, "in", in, columns());
        detail::check_plane(call, "out", out, columns());
        const band from = detail::checked_band(call, "in", given.in, rows(), in.extent(0));
        const band to = detail::checked_band(call, "out", given.out, rows(), out.extent(0));
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        const auto columns_of = [&](in_plane x, band rows) {
            detail::transform_columns<Exchanged>(over_rows_, detail::pairs_of<const T>(x), rows,
                                                 detail::pairs_of<T>(out), to, columns(), space.data(),
                                                 T(1), threads);
        };
        const auto rows_of = [&](in_plane x, out_plane y) {
            over_columns_.template run<Exchanged>(x, y, space.data(), scale, threads);
        };
        if (from.count <= to.count) { // the order in which fewer rows are transformed
            const out_plane some = out.slice(0, 0, from.count);
            rows_of(in, some);
            columns_of(some, from);
        } else {
            columns_of(in, from);
            rows_of(out, out);
        }
    }

    detail::column_transform<T, A> over_rows_;
    detail::complex_transform<T, A> over_columns_;
};

/// Real transforms of planes of rows x columns: half planes of rows x (columns / 2 + 1).
///
/// Accuracy  as plan_2d_c2c
/// Threads   as plan_2d_c2c
/// Memory    as plan_2d_c2c, but for a plane in and a half plane out, and one half plane more of scratch, with up
///           to two lines more in each row
template <std::floating_point T, class A = default_arch>
class plan_2d_r2c {
public:
    /// Throws  std::invalid_argument if rows or columns are 0 or above 2^40
    plan_2d_r2c(std::size_t rows, std::size_t columns)
        : over_rows_(detail::checked_length(rows, "fft::plan_2d_r2c", "number of rows")),
          over_columns_(detail::checked_length(columns, "fft::plan_2d_r2c", "number of columns")) {}

    std::size_t rows() const noexcept { return over_rows_.size(); }
    std::size_t columns() const noexcept { return over_columns_.size(); }
    std::size_t spectrum_columns() const noexcept { return over_columns_.spectrum_size(); }

    /// Elements of T that forward and backward want as scratch.
    std::size_t scratch_size(int threads = 1) const {
        return 2 * rows() * half_stride() + work_size(threads);
    }

    /// What a budget of bytes has room for: so many planes, in and out, and the scratch.
    ///
    /// Throws  std::invalid_argument if it is too small for one plane on one thread
    share share_within(std::size_t budget, int threads = 1) const {
        return detail::share_within<T>(
            "fft::plan_2d_r2c::share_within", budget, threads,
            product_of({rows(), columns() + 2 * spectrum_columns()}, "a plane"), "a plane",
            [&](int some) { return scratch_size(some); });
    }

    /// out[k][l] = scale sum_{t, u} in[t][u] exp(-2 pi i (k t / rows + l u / columns)), l = 0 .. columns / 2.
    ///
    /// Shapes    in (rows, columns), out (rows, columns / 2 + 1), or the rows of bands, as plan_2d_c2c
    /// Aliasing  none
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size(threads)
    /// Throws    std::invalid_argument on wrong sizes, strides or scratch; out untouched
    void forward(view<const T, 2> in, view<std::complex<T>, 2> out, std::span<T> scratch = {},
                 T scale = T(1), int threads = 1, const bands& given = {}) const {
        constexpr const char* call = "fft::plan_2d_r2c::forward";
        detail::check_plane(call, "in", in, columns());
        detail::check_plane(call, "out", out, spectrum_columns());
        const band from = detail::checked_band(call, "in", given.in, rows(), in.extent(0));
        const band to = detail::checked_band(call, "out", given.out, rows(), out.extent(0));
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        T* const work = space.data() + 2 * rows() * half_stride();
        const view<std::complex<T>, 2> half =
            from.count <= to.count ? out.slice(0, 0, from.count) : half_plane(space.data(), from.count);
        over_columns_.forward(in, half, {work, work_size(threads)}, scale, threads);
        detail::transform_columns<false>(over_rows_, detail::pairs_of<const T>(half), from,
                                         detail::pairs_of<T>(out), to, spectrum_columns(), work, T(1),
                                         threads);
    }

    /// The other way: out[t][u] = scale sum_{k, l} in[k][l] exp(+2 pi i (k t / rows + l u / columns)), over all
    /// of the plane, of which in is one half; as in fft::plan_r2c::backward what would make out complex is
    /// left out of account.
    void backward(view<const std::complex<T>, 2> in, view<T, 2> out, std::span<T> scratch = {},
                  T scale = T(1), int threads = 1, const bands& given = {}) const {
        constexpr const char* call = "fft::plan_2d_r2c::backward";
        detail::check_plane(call, "in", in, spectrum_columns());
        detail::check_plane(call, "out", out, columns());
        const band from = detail::checked_band(call, "in", given.in, rows(), in.extent(0));
        const band to = detail::checked_band(call, "out", given.out, rows(), out.extent(0));
        const detail::scratch_space<T> space(scratch, scratch_size(threads), call);
        T* const work = space.data() + 2 * rows() * half_stride();
        const view<std::complex<T>, 2> half = half_plane(space.data(), to.count);
        detail::transform_columns<true>(over_rows_, detail::pairs_of<const T>(in), from,
                                        detail::pairs_of<T>(half), to, spectrum_columns(), work, T(1),
                                        threads);
        over_columns_.backward(half, out, {work, work_size(threads)}, scale, threads);
    }

private:
    // Rows of a half plane begin on lines, an odd number of them apart.
    std::size_t half_stride() const noexcept {
        const std::size_t many = line<T> / 2;
        return ((spectrum_columns() + many - 1) / many | 1) * many;
    }
    std::size_t work_size(int threads) const {
        return std::max(over_columns_.array_scratch_size(threads),
                        static_cast<std::size_t>(thread_count(threads)) * over_rows_.room());
    }
    view<std::complex<T>, 2> half_plane(T* data, std::size_t count) const noexcept {
        return {reinterpret_cast<std::complex<T>*>(data),
                {count, spectrum_columns()},
                {static_cast<std::ptrdiff_t>(half_stride()), 1}};
    }

    detail::column_transform<T, A> over_rows_;
    plan_r2c<T, A> over_columns_;
};

} // namespace destrier::fft
