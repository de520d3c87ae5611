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

#include <destrier/fft/butterfly.hpp>
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
    operator lines<const T>() const noexcept { return {re, im, stride}; }
};

template <class V, class T>
DESTRIER_INLINE complex<V> load(const lines<T>& x, std::ptrdiff_t element, std::size_t lane) noexcept {
    const std::ptrdiff_t at = element * x.stride + static_cast<std::ptrdiff_t>(lane);
    return {V::load_aligned(x.re + at), V::load_aligned(x.im + at)};
}

template <class V, class T>
DESTRIER_INLINE void store(const lines<T>& x, std::ptrdiff_t element, std::size_t lane,
                           complex<V> v) noexcept {
    const std::ptrdiff_t at = element * x.stride + static_cast<std::ptrdiff_t>(lane);
    v.re.store_aligned(x.re + at);
    v.im.store_aligned(x.im + at);
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

template <std::size_t R, ending End, class A, class T>
[[gnu::noinline]] void pass(lines<const T> in, lines<T> out, const stage& s, const T* twiddles,
                            T scale) noexcept {
    using V = batch<T, A>;
    const auto l = static_cast<std::ptrdiff_t>(s.l), m = static_cast<std::ptrdiff_t>(s.m);
    const V factor(scale);
    for (std::ptrdiff_t j = 0; j < m; ++j) {
        const T* w = twiddles + s.twiddles + 2 * (R - 1) * static_cast<std::size_t>(j);
        for (std::ptrdiff_t k = 0; k < l; ++k) {
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                complex<V> x[R];
                unroll<R>([&](auto q) DESTRIER_UNROLLED {
                    x[q] = load<V>(in, k + l * (j + m * static_cast<std::ptrdiff_t>(q)), lane);
                });
                butterfly<R>(x);
                unroll<R>([&](auto q) DESTRIER_UNROLLED {
                    if constexpr (End == ending::none && q > 0) {
                        x[q] = multiply(x[q], {V(w[2 * q - 2]), V(w[2 * q - 1])});
                    } else if constexpr (End == ending::last_scaled) {
                        x[q] = {x[q].re * factor, x[q].im * factor};
                    }
                    store(out,
                          k + l * (static_cast<std::ptrdiff_t>(R) * j + static_cast<std::ptrdiff_t>(q)),
                          lane, x[q]);
                });
            }
        }
    }
}

template <ending End, class A, class T>
void pass(lines<const T> in, lines<T> out, const stage& s, const T* twiddles, T scale) noexcept {
    switch (s.radix) {
    case 2: return pass<2, End, A>(in, out, s, twiddles, scale);
    case 3: return pass<3, End, A>(in, out, s, twiddles, scale);
    case 4: return pass<4, End, A>(in, out, s, twiddles, scale);
    case 5: return pass<5, End, A>(in, out, s, twiddles, scale);
    case 7: return pass<7, End, A>(in, out, s, twiddles, scale);
    case 8: return pass<8, End, A>(in, out, s, twiddles, scale);
    case 9: return pass<9, End, A>(in, out, s, twiddles, scale);
    case 16:
        if constexpr (End == ending::none) return pass<16, End, A>(in, out, s, twiddles, scale);
        [[fallthrough]];
    default: return pass<1, End, A>(in, out, s, twiddles, scale);
    }
}

// The radices of a length, in the order of the passes.
struct radices {
    std::array<std::size_t, 64> radix{};
    std::size_t count = 0;

    void take(std::size_t r, std::size_t& rest) noexcept {
        while (rest % r == 0) {
            radix[count++] = r;
            rest /= r;
        }
    }
};

// The powers of two first. Up to 256, where a block fits into L1, radices of at most 8 are fastest; beyond,
// where every pass is a sweep through L2, radix 16 saves one though it spills registers (a quarter of the
// time at 1024, a sixth at 2304, on Sapphire Rapids). It is never the last pass.
inline radices radices_of(std::size_t n) noexcept {
    radices f;
    std::size_t bits = 0, odd = n;
    for (; odd % 2 == 0; odd /= 2) ++bits;
    const std::size_t most_bits = n <= 256 ? 3 : 4;
    const bool last = n > 256 && odd == 1;
    for (std::size_t passes = (bits + last + most_bits - 1) / most_bits; passes > 0; --passes) {
        const std::size_t now = (bits + passes - 1) / passes; // as even as can be, the larger first
        f.radix[f.count++] = std::size_t{1} << now;
        bits -= now;
    }
    for (const std::size_t r : {9u, 7u, 5u, 3u}) f.take(r, odd);
    if (f.count == 0) f.radix[f.count++] = 1;
    return f;
}

// Lengths this version transforms: products of 2, 3, 5 and 7.
constexpr bool is_smooth(std::size_t n) noexcept {
    if (n == 0) return false;
    for (const std::size_t p : {2u, 3u, 5u, 7u}) {
        while (n % p == 0) n /= p;
    }
    return n == 1;
}

// All passes of one length, with their twiddles.
template <std::floating_point T, class A>
class transform {
public:
    explicit transform(std::size_t n) : n_(n) {
        const radices f = radices_of(n);
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

    // Reads `in`, ends in `out`. The passes before the last write to `first` and `second` in turn,
    // one of which is `out` itself; `in` may be `out` if `first` is not, and the other way round.
    void run(lines<const T> in, lines<T> first, lines<T> second, lines<T> out, T scale) const noexcept {
        for (std::size_t i = 0; i + 1 < count_; ++i) {
            pass<ending::none, A>(in, first, stages_[i], twiddles_.data(), T(1));
            in = first;
            std::swap(first, second);
        }
        const stage& last = stages_[count_ - 1];
        if (scale == T(1)) {
            pass<ending::last, A>(in, out, last, twiddles_.data(), scale);
        } else {
            pass<ending::last_scaled, A>(in, out, last, twiddles_.data(), scale);
        }
    }

private:
    void fill_twiddles(const stage& s) {
        if (s.m == 1) return;
        T* w = twiddles_.data() + s.twiddles;
        for (std::size_t j = 0; j < s.m; ++j) {
            for (std::size_t q = 1; q < s.radix; ++q) {
                const root r = unit_root(j * q, s.radix * s.m);
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

} // namespace destrier::fft::detail
