// SPDX-License-Identifier: BSD-3-Clause
//
// Passes: the autosorting (Stockham) transform of a lane block, one radix at a time.
//
// A pass of radix R sees its input as [R][m][l] and its output as [m][R][l], each element a line of
// lanes: it transforms over the R, turns element (j, q) by exp(-2 pi i j q / (R m)), and leaves the
// next pass with l R and m / radix. The order comes out natural, nothing is shuffled, and every load
// and store is a whole line. The last pass has m = 1: no twiddles, and it reads what it overwrites, so
// it can work in place.
//
// Source  Stockham's autosort in the form of Van Loan, Computational Frameworks for the Fast Fourier
//         Transform (1992), section 1.7
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <destrier/fft/butterfly.hpp>
#include <destrier/fft/radices.hpp>
#include <destrier/fft/roots.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

// Complex elements, each a line of re and a line of im, `stride` values of T from one to the next.
template <class T>
struct lines {
    T* re;
    T* im;
    std::ptrdiff_t stride;

    static lines at(T* data) noexcept {
        constexpr std::size_t line = destrier::line<std::remove_const_t<T>>;
        return {data, data + line, static_cast<std::ptrdiff_t>(2 * line)};
    }
    // With re and im exchanged a forward transform is a backward one.
    lines exchanged() const noexcept { return {im, re, stride}; }
    // The elements from one on.
    lines from(std::size_t element) const noexcept {
        const auto offset = static_cast<std::ptrdiff_t>(element) * stride;
        return {re + offset, im + offset, stride};
    }
    operator lines<const T>() const noexcept { return {re, im, stride}; }

    // Opaque, for the compiler would otherwise compute the address of every element of a butterfly anew for
    // each run of k, two hundred instructions, rather than keep the distances in registers.
    void advance(std::ptrdiff_t by) noexcept {
        opaque(re += by);
        opaque(im += by);
    }
};

// A register of the element `offset` values of T further on.
template <class V, class T>
DESTRIER_INLINE complex<V> load_at(const lines<T>& x, std::ptrdiff_t offset, std::size_t lane) noexcept {
    return {V::load_aligned(x.re + offset + lane), V::load_aligned(x.im + offset + lane)};
}
template <class V, class T>
DESTRIER_INLINE void store_at(const lines<T>& x, std::ptrdiff_t offset, std::size_t lane,
                              complex<V> v) noexcept {
    v.re.store_aligned(x.re + offset + lane);
    v.im.store_aligned(x.im + offset + lane);
}

template <class V, class T>
DESTRIER_INLINE complex<V> load(const lines<T>& x, std::ptrdiff_t element, std::size_t lane) noexcept {
    return load_at<V>(x, element * x.stride, lane);
}
template <class V, class T>
DESTRIER_INLINE void store(const lines<T>& x, std::ptrdiff_t element, std::size_t lane,
                           complex<V> v) noexcept {
    store_at(x, element * x.stride, lane, v);
}

template <class V>
DESTRIER_INLINE complex<V> multiply(complex<V> a, complex<V> w) noexcept {
    return {fnmadd(a.im, w.im, a.re * w.re), fmadd(a.im, w.re, a.re * w.im)};
}

// The shape of a pass, and where its twiddles start.
struct stage {
    std::size_t radix, l, m, twiddles;
};

enum class ending { none, last, last_scaled };

template <std::size_t R, ending End, class A, class T, class Out>
[[gnu::noinline]] void pass(lines<const T> in, Out out, const stage& s, const T* twiddles,
                            T scale) noexcept {
    using V = batch<T, A>;
    const auto l = static_cast<std::ptrdiff_t>(s.l), m = static_cast<std::ptrdiff_t>(s.m);
    const std::ptrdiff_t in_step = l * m * in.stride, out_step = l * out.stride; // from q to q + 1
    const V factor(scale);
    if constexpr (R > 9) {
        alignas(64) std::byte bytes[64];
        destrier::detail::align_frame<A>(bytes);
    }
    const T* w = twiddles + s.twiddles;
    for (std::ptrdiff_t j = 0; j < m; ++j) {
        const T* const end = in.re + l * in.stride; // of the run of k, which needs no counter then
        while (in.re != end) {
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                complex<V> x[R];
                unroll<R>([&](auto q) DESTRIER_UNROLLED {
                    x[q] = load_at<V>(in, static_cast<std::ptrdiff_t>(q) * in_step, lane);
                });
                butterfly<R>(x, [&](auto q) DESTRIER_UNROLLED {
                    if constexpr (End == ending::none && q > 0) {
                        x[q] = multiply(x[q], {V(w[2 * q - 2]), V(w[2 * q - 1])});
                    } else if constexpr (End == ending::last_scaled) {
                        x[q] = {x[q].re * factor, x[q].im * factor};
                    }
                    store_at(out, static_cast<std::ptrdiff_t>(q) * out_step, lane, x[q]);
                });
            }
            in.advance(in.stride);
            out.advance(out.stride);
        }
        out.advance((static_cast<std::ptrdiff_t>(R) - 1) * out_step);
        w += 2 * (R - 1);
    }
}

// Calls f with the one of these radices that it is.
template <std::size_t... R, class F>
void with_radix(std::size_t radix, F&& f) noexcept {
    (void)((radix == R && (f(std::integral_constant<std::size_t, R>{}), true)) || ...);
}

template <ending End, class A, class T, class Out>
void pass(lines<const T> in, Out out, const stage& s, const T* twiddles, T scale) noexcept {
    const auto run = [&](auto r) { pass<r, End, A>(in, out, s, twiddles, scale); };
    if constexpr (!std::is_same_v<Out, lines<T>>) {
        with_radix<2, 4, 8, 16>(s.radix, run); // all that a row ends with
    } else if constexpr (End == ending::none) {
        with_radix<2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 16>(s.radix, run);
    } else {
        with_radix<1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 16>(s.radix, run);
    }
}

// The stages of one length, with their twiddles.
template <std::floating_point T, class A>
class stages {
public:
    stages(std::size_t n, const radices& f) : n_(n) {
        std::size_t l = 1, twiddles = 0;
        for (std::size_t i = 0; i < f.count; ++i) {
            const std::size_t r = f.radix[i], m = n / (l * r);
            stages_[count_++] = {r, l, m, twiddles};
            if (m > 1) twiddles += 2 * (r - 1) * m;
            l *= r;
        }
        twiddles_ = buffer<T>(twiddles, memory{.pages = pages::base});
        for (std::size_t i = 0; i < count_; ++i) fill_twiddles(stages_[i]);
    }

    std::size_t size() const noexcept { return n_; }
    std::size_t count() const noexcept { return count_; }
    const stage& operator[](std::size_t i) const noexcept { return stages_[i]; }
    const T* twiddles() const noexcept { return twiddles_.data(); }

private:
    void fill_twiddles(const stage& s) {
        if (s.m == 1) return;
        T* w = twiddles_.data() + s.twiddles;
        const root_table<long double> roots(s.radix * s.m);
        for (std::size_t j = 0; j < s.m; ++j) {
            for (std::size_t q = 1; q < s.radix; ++q) {
                const auto r = roots(j * q);
                *w++ = static_cast<T>(r.re);
                *w++ = static_cast<T>(r.im);
            }
        }
    }

    std::size_t n_;
    std::array<stage, 64> stages_{};
    std::size_t count_ = 0;
    buffer<T> twiddles_;
};

// All passes of one length.
template <std::floating_point T, class A>
class transform {
public:
    explicit transform(std::size_t n) : transform(n, radices_of(n)) {}
    transform(std::size_t n, const radices& f) : stages_(n, f) {}

    std::size_t size() const noexcept { return stages_.size(); }

    // Reads `in`, ends in `out`. The passes before the last write to `first` and `second` in turn,
    // one of which is `out` itself; `in` may be `out` if `first` is not, and the other way round.
    template <class Out>
    void run(lines<const T> in, lines<T> first, lines<T> second, Out out, T scale) const noexcept {
        for (std::size_t i = 0; i + 1 < stages_.count(); ++i) {
            pass<ending::none, A>(in, first, stages_[i], stages_.twiddles(), T(1));
            in = first;
            std::swap(first, second);
        }
        const stage& last = stages_[stages_.count() - 1];
        if (std::is_same_v<Out, lines<T>> && scale == T(1)) {
            pass<ending::last, A>(in, out, last, stages_.twiddles(), scale);
        } else {
            pass<ending::last_scaled, A>(in, out, last, stages_.twiddles(), scale);
        }
    }

    // From lines to lines with one buffer more, or, where two passes do, with none.
    void run(lines<const T> in, lines<T> room, lines<T> out, T scale) const noexcept {
        const bool apart = in.re != out.re && in.re != out.im;
        run(in, apart && stages_.count() == 2 ? out : room, out, out, scale);
    }

private:
    stages<T, A> stages_;
};

} // namespace destrier::fft::detail
