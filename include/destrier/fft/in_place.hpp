// SPDX-License-Identifier: BSD-3-Clause
//
// In place: transforms that leave the spectrum in the order in which the passes make it.
//
// A pass of radix R sees blocks of R m elements. In each it transforms over the R elements (q, j) that lie
// m apart, turns them by exp(-2 pi i j q / (R m)) and puts them back where they were; R times as many blocks
// of m elements remain, which never meet again (decimation in frequency). In the end element sum q_i m_i
// is frequency sum q_i l_i, with l_i the product of the radices before the i-th, m_i that of those behind.
// The way back is the transpose: the passes in the other order, each turning before it transforms.
//
// There is no second buffer, and a block that fits into L1 goes through all that is left for it before the
// next one begins. A convolution does all of its middle there: the last pass, the product with the
// spectrum of the response and the first pass of the way back are one.
//
// Source  Gentleman and Sande, AFIPS Fall Joint Computer Conference 29 (1966) 563,
//         doi:10.1145/1464291.1464352
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <destrier/fft/butterfly.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

/// The order of the elements of a spectrum.
enum class order {
    natural, ///< element k is frequency k
    any      ///< the plan's own, which costs least: for spectra that are multiplied and transformed back
};

namespace detail {

// When a pass turns its elements.
enum class turning { before, after };

// `groups` blocks of R m elements.
template <std::size_t R, turning Turn, class A, class T>
[[gnu::noinline]] void pass_in_place(lines<const T> in, lines<T> out, const stage& s, std::size_t groups,
                                     const T* twiddles) noexcept {
    using V = batch<T, A>;
    const auto m = static_cast<std::ptrdiff_t>(s.m), others = static_cast<std::ptrdiff_t>(R - 1);
    const std::ptrdiff_t in_step = m * in.stride, out_step = m * out.stride; // from q to q + 1
    for (; groups > 0; --groups) {
        const T* w = twiddles + s.twiddles;
        const T* const end = in.re + in_step; // of the run of j, which needs no counter then
        while (in.re != end) {
            for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
                complex<V> x[R];
                unroll<R>([&](auto q) DESTRIER_UNROLLED {
                    x[q] = load_at<V>(in, static_cast<std::ptrdiff_t>(q) * in_step, lane);
                    if constexpr (Turn == turning::before && q > 0) {
                        x[q] = multiply(x[q], {V(w[2 * q - 2]), V(w[2 * q - 1])});
                    }
                });
                butterfly<R>(x, [&](auto q) DESTRIER_UNROLLED {
                    if constexpr (Turn == turning::after && q > 0) {
                        x[q] = multiply(x[q], {V(w[2 * q - 2]), V(w[2 * q - 1])});
                    }
                    store_at(out, static_cast<std::ptrdiff_t>(q) * out_step, lane, x[q]);
                });
            }
            in.advance(in.stride);
            out.advance(out.stride);
            w += 2 * (R - 1);
        }
        in.advance(others * in_step);
        out.advance(others * out_step);
    }
}

// The last pass, which turns nothing but has a scale, on `groups` blocks of R elements. What comes of block g
// stays together, or goes to the elements from places[g] on that are `apart` elements from one another.
template <std::size_t R, class A, class T>
[[gnu::noinline]] void last_pass(lines<const T> in, lines<T> out, std::size_t groups,
                                 const std::uint32_t* places, std::size_t apart, T scale) noexcept {
    using V = batch<T, A>;
    const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(apart) * out.stride;
    const V factor(scale);
    if constexpr (R > 9) {
        alignas(64) std::byte bytes[64];
        destrier::detail::align_frame<A>(bytes);
    }
    for (std::size_t g = 0; g < groups; ++g) {
        const lines<T> to = out.from(places ? places[g] : R * g);
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            complex<V> x[R];
            unroll<R>([&](auto q) DESTRIER_UNROLLED {
                x[q] = load_at<V>(in, static_cast<std::ptrdiff_t>(q) * in.stride, lane);
            });
            butterfly<R>(x, [&](auto q) DESTRIER_UNROLLED {
                store_at(to, static_cast<std::ptrdiff_t>(q) * step, lane,
                         complex<V>{x[q].re * factor, x[q].im * factor});
            });
        }
        in.advance(static_cast<std::ptrdiff_t>(R) * in.stride);
    }
}

// The middle of a convolution on `groups` blocks of R elements: their last pass, the product with
// `spectrum`, and the first pass of the way back.
template <std::size_t R, class A, class T>
[[gnu::noinline]] void convolve_pass(lines<const T> in, lines<T> out, std::size_t groups,
                                     const T* spectrum) noexcept {
    using V = batch<T, A>;
    if constexpr (R > 8) {
        alignas(64) std::byte bytes[64];
        destrier::detail::align_frame<A>(bytes);
    }
    for (; groups > 0; --groups) {
        for (std::size_t lane = 0; lane < line<T>; lane += width<T, A>) {
            complex<V> x[R], y[R];
            unroll<R>([&](auto q) DESTRIER_UNROLLED {
                x[q] = load_at<V>(in, static_cast<std::ptrdiff_t>(q) * in.stride, lane);
            });
            butterfly<R>(x, [&](auto q) DESTRIER_UNROLLED {
                const complex<V> factor{V(spectrum[2 * q]), V(spectrum[2 * q + 1])};
                const complex<V> product = multiply(x[q], factor);
                y[q] = {product.im, product.re};
            });
            butterfly<R>(y, [&](auto q) DESTRIER_UNROLLED {
                store_at(out, static_cast<std::ptrdiff_t>(q) * out.stride, lane,
                         complex<V>{y[q].im, y[q].re});
            });
        }
        in.advance(static_cast<std::ptrdiff_t>(R) * in.stride);
        out.advance(static_cast<std::ptrdiff_t>(R) * out.stride);
        spectrum += 2 * R;
    }
}

template <turning Turn, class A, class T>
void pass_in_place(lines<const T> in, lines<T> out, const stage& s, std::size_t groups,
                   const T* twiddles) noexcept {
    with_radix<2, 3, 4, 5, 7, 8, 9>(
        s.radix, [&](auto r) { pass_in_place<r, Turn, A>(in, out, s, groups, twiddles); });
}

template <class A, class T>
void last_pass(std::size_t radix, lines<const T> in, lines<T> out, std::size_t groups,
               const std::uint32_t* places, std::size_t apart, T scale) noexcept {
    with_radix<1, 2, 3, 4, 5, 7, 8, 9, 16>(
        radix, [&](auto r) { last_pass<r, A>(in, out, groups, places, apart, scale); });
}

template <class A, class T>
void convolve_pass(std::size_t radix, lines<const T> in, lines<T> out, std::size_t groups,
                   const T* spectrum) noexcept {
    with_radix<1, 2, 3, 4, 5, 7, 8, 9, 16>(
        radix, [&](auto r) { convolve_pass<r, A>(in, out, groups, spectrum); });
}

// The largest first, so that few sweeps lead to blocks that fit into L1; but a 16, which saves a pass though
// it spills registers, comes last, where no elements lie so far apart that they share a set of L1 (16 first
// takes a fifth longer for a convolution of 1024, and a twelfth of 4096, on Sapphire Rapids).
inline radices in_place_radices(std::size_t n) noexcept {
    std::size_t bits = 0;
    while ((n >> bits) % 2 == 0) ++bits;
    const bool sixteen = bits > 3 && bits % 3 == 1;
    std::size_t rest = sixteen ? n / 16 : n;
    radices f;
    for (const std::size_t r : {9u, 8u, 7u, 5u, 4u, 3u, 2u}) f.take(r, rest);
    if (sixteen || n == 1) f.radix[f.count++] = sixteen ? 16 : 1;
    return f;
}

// Transforms of one length whose spectra are in the order of the passes.
template <std::floating_point T, class A>
class scrambled_transform {
public:
    // Lengths it is for: with 11 and 13 there would be eight kernels more.
    static constexpr bool suits(std::size_t n) noexcept { return is_product_of<2, 3, 5, 7>(n); }

    explicit scrambled_transform(std::size_t n) : stages_(n, in_place_radices(n)) {}

    std::size_t size() const noexcept { return stages_.size(); }

    // Which frequency an element of a spectrum is.
    std::size_t frequency(std::size_t element) const noexcept {
        std::size_t k = 0;
        for (std::size_t i = 0; i < stages_.count(); ++i) {
            k += element / stages_[i].m * stages_[i].l;
            element %= stages_[i].m;
        }
        return k;
    }

    // f(first, end) for ranges of elements that mirror one another end for end: where first + i is frequency k,
    // end - 1 - i is -k. They are all elements but the first m of a block of R m, and of those the same again.
    template <class F>
    void for_each_mirrored(F&& f) const {
        f(std::size_t{0}, std::size_t{1});
        for (std::size_t i = 0; i < stages_.count(); ++i) {
            f(stages_[i].m, stages_[i].radix * stages_[i].m);
        }
    }

    // out = scale times the forward transform of in, which may be out.
    void run_forward(lines<const T> in, lines<T> out, T scale = T(1)) const noexcept {
        visit<way::down>(0, 0, in, out, [&](std::size_t first, std::size_t groups, lines<const T> from) {
            last_pass<A>(last().radix, from.from(first), out.from(first), groups, nullptr, 1, scale);
        });
    }

    // The same in the natural order, by way of `work`, which may be in; out may be in where that is not work.
    // places are those that natural_places gives.
    void run_natural(lines<const T> in, lines<T> work, lines<T> out, const std::uint32_t* places,
                     T scale) const noexcept {
        const std::size_t radix = last().radix;
        visit<way::down>(0, 0, in, work,
                         [&](std::size_t first, std::size_t groups, lines<const T> from) {
                             last_pass<A>(radix, from.from(first), out, groups, places + first / radix,
                                          last().l, scale);
                         });
    }
    std::vector<std::uint32_t> natural_places() const {
        std::vector<std::uint32_t> places;
        for (std::size_t first = 0; first < size(); first += last().radix) {
            places.push_back(static_cast<std::uint32_t>(frequency(first)));
        }
        return places;
    }

    // out = scale times the backward transform of a spectrum in, which may be out.
    void run_backward(lines<const T> in, lines<T> out, T scale = T(1)) const noexcept {
        visit<way::up>(0, 0, in, out, [&](std::size_t first, std::size_t groups, lines<const T> from) {
            last_pass<A>(last().radix, from.exchanged().from(first), out.exchanged().from(first), groups,
                         nullptr, 1, scale);
        });
    }

    // out = n times the circular convolution of in, which may be out, with what has this spectrum (n, re and
    // im side by side, in the order of the passes).
    void convolve(lines<const T> in, lines<T> out, const T* spectrum) const noexcept {
        visit<way::both>(0, 0, in, out, [&](std::size_t first, std::size_t groups, lines<const T> from) {
            convolve_pass<A>(last().radix, from.from(first), out.from(first), groups,
                             spectrum + 2 * first);
        });
    }

private:
    enum class way { down, up, both };

    // Elements that stay in L1: 32 KB.
    static constexpr std::size_t resident = 32768 / 128;

    const stage& last() const noexcept { return stages_[stages_.count() - 1]; }

    // One block of stage i, from element `first` on: one pass, then the blocks that it leaves; all passes where
    // the block is resident. What comes first reads `in`. middle(first, groups, in) does the last pass.
    template <way Way, class Middle>
    void visit(std::size_t i, std::size_t first, lines<const T> in, lines<T> out,
               const Middle& middle) const noexcept {
        const stage& s = stages_[i];
        const std::size_t end = stages_.count() - 1;
        const std::size_t next = s.radix * s.m <= resident ? end : std::min(i + 1, end);
        for (std::size_t k = i; Way != way::up && k < next; ++k, in = out) {
            turn<turning::after>(k, stages_[k].l / s.l, in.from(first), out.from(first));
        }
        if (next == end) {
            middle(first, last().l / s.l, in);
        } else {
            for (std::size_t q = 0; q < s.radix; ++q) {
                visit<Way>(next, first + q * s.m, in, out, middle);
            }
        }
        const lines<T> exchanged = out.from(first).exchanged();
        for (std::size_t k = next; Way != way::down && k-- > i;) {
            turn<turning::before>(k, stages_[k].l / s.l, exchanged, exchanged);
        }
    }

    template <turning Turn>
    void turn(std::size_t i, std::size_t groups, lines<const T> in, lines<T> out) const noexcept {
        pass_in_place<Turn, A>(in, out, stages_[i], groups, stages_.twiddles());
    }

    stages<T, A> stages_;
};

} // namespace detail

} // namespace destrier::fft
