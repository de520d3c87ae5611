// SPDX-License-Identifier: BSD-3-Clause
//
// Rows: transforms whose elements lie one after the other, re and im side by side, as most callers hold
// them.
//
// A transform of length n = line m is a lane block of `line` transforms of length m in the making: one pass
// of radix `line`, its registers along the row, transforms over t1 in x[t1 m + j] and turns by
// exp(-2 pi i j q / n); then the lanes q are problems of their own, transforms over j by the passes of a lane
// block, and X[k line + q] is element k, lane q: contiguous. One transpose in registers stands between
// the two, and the work space is the size of one transform, not of a block of them. Where m is less than a
// register, several rows share it.
//
// Source  Van Loan (1992), section 3.3 (the four-step framework)
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <destrier/fft/butterfly.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/roots.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

// A row as the last pass sees it: an element of the lane block is `line` complex numbers one after the other,
// re first, or im first with Exchanged (which makes a backward transform of a forward one).
template <class T, bool Exchanged>
struct row {
    T* data;
    static constexpr std::ptrdiff_t stride = 2 * line<T>;

    void advance(std::ptrdiff_t by) noexcept { opaque(data += by); }
};

template <class V, class T, bool Exchanged>
DESTRIER_INLINE void store_at(const row<T, Exchanged>& x, std::ptrdiff_t offset, std::size_t lane,
                              complex<V> v) noexcept {
    V a = Exchanged ? v.im : v.re, b = Exchanged ? v.re : v.im;
    interleave(a, b);
    a.store_unaligned(x.data + offset + 2 * lane);
    b.store_unaligned(x.data + offset + 2 * lane + V::size);
}

// Rows as the first pass sees them, `stride` values of T apart.
template <class T>
struct rows_of {
    const T* data;
    std::ptrdiff_t stride;
};

// A register of elements from `element` on; with Rows > 1 as many from each of so many rows.
template <class V, std::size_t Rows, bool Exchanged, class T>
DESTRIER_INLINE complex<V> load_rows(const rows_of<T>& in, std::size_t element) noexcept {
    const T* const at = in.data + 2 * element;
    V a, b;
    if constexpr (Rows == 1) {
        a = V::load_unaligned(at);
        b = V::load_unaligned(at + V::size);
    } else {
        a = load_pieces<V, Rows / 2>(at, in.stride);
        b = load_pieces<V, Rows / 2>(at + static_cast<std::ptrdiff_t>(Rows / 2) * in.stride, in.stride);
    }
    deinterleave(a, b);
    return Exchanged ? complex<V>{b, a} : complex<V>{a, b};
}

// Fetches the lines of a register of elements.
template <class V, class T>
DESTRIER_INLINE void prefetch(const T* p) noexcept {
    constexpr std::size_t bytes = 2 * sizeof(V);
    unroll<bytes / std::min<std::size_t>(bytes, 64)>(
        [&](auto i) DESTRIER_UNROLLED { __builtin_prefetch(p + i * line<T>); });
}

// The pass of radix `line` over a row of line m elements, or over Rows rows of m = width / Rows, into
// lane blocks. m >= width for one row; the last registers overlap where width does not divide m.
// With Fetch, what lies `ahead` values of T further on is fetched meanwhile.
template <std::size_t Rows, bool Fetch, bool Exchanged, class A, class T>
[[gnu::noinline]] void row_pass(rows_of<T> in, T* block, std::size_t m, const T* twiddles,
                                std::ptrdiff_t ahead) noexcept {
    using V = batch<T, A>;
    constexpr std::size_t w = V::size;
    for (std::size_t at = 0; at < Rows * m; at += w) {
        const std::size_t j = std::min(at, Rows * m - w);
        complex<V> x[line<T>];
        unroll<line<T>>([&](auto q) DESTRIER_UNROLLED {
            x[q] = load_rows<V, Rows, Exchanged>(in, q * m + j);
            if constexpr (Fetch) prefetch<V>(in.data + 2 * (q * Rows * m + j) + ahead);
        });
        butterfly<line<T>>(x);
        unroll<line<T> - 1>([&](auto q) DESTRIER_UNROLLED {
            x[q + 1] = multiply(x[q + 1], {V::load_aligned(twiddles + 2 * q * w),
                                           V::load_aligned(twiddles + (2 * q + 1) * w)});
        });
        twiddles += 2 * (line<T> - 1) * w;
        V part[line<T>];
        const auto store_part = [&](T* to) DESTRIER_UNROLLED {
            unroll<registers<T, A>>([&](auto r) DESTRIER_UNROLLED {
                store_transposed<2 * line<T>, T, A>(part + r * w, to + 2 * j * line<T> + r * w);
            });
        };
        unroll<line<T>>([&](auto q) DESTRIER_UNROLLED { part[q] = x[q].re; });
        store_part(block);
        unroll<line<T>>([&](auto q) DESTRIER_UNROLLED { part[q] = x[q].im; });
        store_part(block + line<T>);
    }
}

// Transforms of length R on lane blocks that lie one after the other, each into a row of its own.
template <std::size_t R, bool Exchanged, class A, class T>
[[gnu::noinline]] void short_rows(const T* blocks, T* out, std::ptrdiff_t out_stride, std::size_t rows,
                                  T scale) noexcept {
    using V = batch<T, A>;
    constexpr auto step = row<T, Exchanged>::stride;
    const V factor(scale);
    if constexpr (R > 9) {
        alignas(64) std::byte bytes[64];
        destrier::detail::align_frame<A>(bytes);
    }
    for (; rows > 0; --rows, blocks += R * 2 * line<T>, out += out_stride) {
        for (std::size_t lane = 0; lane < line<T>; lane += V::size) {
            complex<V> x[R];
            unroll<R>([&](auto j) DESTRIER_UNROLLED {
                x[j] = load<V>(lines<const T>::at(blocks), static_cast<std::ptrdiff_t>(j), lane);
            });
            butterfly<R>(x);
            unroll<R>([&](auto k) DESTRIER_UNROLLED {
                store_at(row<T, Exchanged>{out}, static_cast<std::ptrdiff_t>(k) * step, lane,
                         complex<V>{x[k].re * factor, x[k].im * factor});
            });
        }
    }
}

// The odd radices first: the last pass writes the row, and there are fewer kinds of it.
inline radices radices_of_row(std::size_t m) noexcept {
    const std::size_t power_of_two = m & (~m + 1);
    radices f = fewest_radices(m / power_of_two);
    const radices last = fewest_radices(power_of_two);
    for (std::size_t i = 0; i < last.count; ++i) f.push(last.radix[i]);
    if (m == 1) f.push(1);
    return f;
}

// Transforms of rows of n = line m elements.
template <std::floating_point T, class A>
class row_transform {
    static constexpr std::size_t w = width<T, A>;
    // Whether four rows can share registers: each comes in pieces of 16 bytes.
    static constexpr bool by_four = sizeof(batch<T, A>) >= 32;

public:
    // Whether rows of n elements are of the kind: m >= width, or a half or a quarter of it.
    static constexpr bool suits(std::size_t n) noexcept {
        const std::size_t m = n / line<T>;
        return n % line<T> == 0 && is_smooth(n) && (m >= w || 2 * m == w || (4 * m == w && by_four));
    }

    explicit row_transform(std::size_t n) : m_(n / line<T>), lanes_(m_, radices_of_row(m_)) {
        const std::size_t registers = (m_ + w - 1) / w;
        twiddles_ = buffer<T>(2 * (line<T> - 1) * w * registers, memory{.pages = pages::base});
        T* at = twiddles_.data();
        const root_table<long double> roots(n);
        for (std::size_t i = 0; i < registers; ++i) {
            for (std::size_t q = 1; q < line<T>; ++q, at += 2 * w) {
                for (std::size_t lane = 0; lane < w; ++lane) {
                    const std::size_t j = m_ < w ? lane % m_ : std::min(i * w, m_ - w) + lane;
                    const auto r = roots(j * q);
                    at[lane] = static_cast<T>(r.re);
                    at[w + lane] = static_cast<T>(r.im);
                }
            }
        }
    }

    // Elements of T that run wants as room: blocks of the rows at hand, one more to transform in, and the
    // last rows where they are not as many.
    std::size_t room() const noexcept {
        return length() * (at_hand() + 1 + (at_hand() > 1 ? at_hand() : 0));
    }

    // Transforms `rows` rows; out may be in. All rows at hand are read before one of them is written.
    template <bool Exchanged>
    void run(rows_of<T> in, T* out, std::ptrdiff_t out_stride, std::size_t rows, T* room,
             T scale) const noexcept {
        const std::size_t some = at_hand(), whole = rows / some * some;
        for (std::size_t r = 0; r < whole; r += some) {
            run_some<Exchanged>(in, out, out_stride, room, scale);
            in.data += static_cast<std::ptrdiff_t>(some) * in.stride;
            out += static_cast<std::ptrdiff_t>(some) * out_stride;
        }
        if (whole < rows) run_few<Exchanged>(in, out, out_stride, rows - whole, room, scale);
    }

private:
    std::size_t length() const noexcept { return 2 * line<T> * m_; }
    // Rows that one pass takes.
    std::size_t group() const noexcept { return m_ >= w ? 1 : w / m_; }
    // Rows that are in blocks at a time: 4 KB of short ones, so that one call does the last pass of several.
    std::size_t at_hand() const noexcept {
        constexpr std::size_t enough = 4096 / sizeof(T);
        return std::max<std::size_t>(1, enough / (length() * group())) * group();
    }

    template <bool Exchanged>
    void run_some(rows_of<T> in, T* out, std::ptrdiff_t out_stride, T* room, T scale) const noexcept {
        T* block = room;
        for (std::size_t r = 0; r < at_hand(); r += group(), block += group() * length()) {
            first_pass<Exchanged>(in, block);
            in.data += static_cast<std::ptrdiff_t>(group()) * in.stride;
        }
        if (m_ == w) return short_rows<w, Exchanged, A>(room, out, out_stride, at_hand(), scale);
        if (group() == 2) {
            return short_rows<w / 2, Exchanged, A>(room, out, out_stride, at_hand(), scale);
        }
        if constexpr (by_four) {
            if (group() == 4) {
                return short_rows<w / 4, Exchanged, A>(room, out, out_stride, at_hand(), scale);
            }
        }
        for (std::size_t r = 0; r < at_hand(); ++r, room += length(), out += out_stride) {
            const lines<T> data = lines<T>::at(room), space = lines<T>::at(block);
            if (m_ % 2 == 0) {
                lanes_.run(data, space, data, row<T, Exchanged>{out}, scale);
            } else {
                lanes_.run(data, space, data, data, scale);
                copy_row<Exchanged>(data, out);
            }
        }
    }

    template <bool Exchanged>
    void copy_row(lines<T> block, T* out) const noexcept {
        for (std::size_t k = 0; k < m_; ++k) {
            const auto element = static_cast<std::ptrdiff_t>(k);
            for (std::size_t lane = 0; lane < line<T>; lane += w) {
                store_at(row<T, Exchanged>{out}, element * row<T, Exchanged>::stride, lane,
                         load<batch<T, A>>(block, element, lane));
            }
        }
    }

    // Less than at_hand() rows, by way of a copy.
    template <bool Exchanged>
    void run_few(rows_of<T> in, T* out, std::ptrdiff_t out_stride, std::size_t rows, T* room,
                 T scale) const noexcept {
        T* const copy = room + length() * (at_hand() + 1);
        const auto stride = static_cast<std::ptrdiff_t>(length());
        for (std::size_t r = 0; r < rows; ++r) {
            std::copy_n(in.data + static_cast<std::ptrdiff_t>(r) * in.stride, length(),
                        copy + r * length());
        }
        run_some<Exchanged>({copy, stride}, copy, stride, room, scale);
        for (std::size_t r = 0; r < rows; ++r) {
            std::copy_n(copy + r * length(), length(),
                        out + static_cast<std::ptrdiff_t>(r) * out_stride);
        }
    }

    template <bool Exchanged>
    void first_pass(rows_of<T> in, T* block) const noexcept {
        // Rows longer than this stream well by themselves (Sapphire Rapids: + 15 % below, - 7 % above).
        constexpr std::size_t short_row = 8192 / sizeof(T);
        const auto pass = [&]<std::size_t Rows, bool Fetch>() {
            row_pass<Rows, Fetch, Exchanged, A>(in, block, m_, twiddles_.data(),
                                                static_cast<std::ptrdiff_t>(at_hand()) * in.stride);
        };
        if (length() > short_row) return pass.template operator()<1, false>();
        if (group() == 1) return pass.template operator()<1, true>();
        if (group() == 2) return pass.template operator()<2, true>();
        if constexpr (by_four) pass.template operator()<4, true>();
    }

    std::size_t m_;
    transform<T, A> lanes_;
    buffer<T> twiddles_;
};

} // namespace destrier::fft::detail
