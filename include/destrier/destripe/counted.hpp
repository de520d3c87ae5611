// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/counted.hpp: which samples of a chunk count, and whether those that do are fit for use.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <destrier/destripe/chunk.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe::detail {

// Calls f(i) for i = 0 .. n - 1 by sixteens: loops of a length that is known are what compilers vectorise at -O2.
template <class F>
DESTRIER_INLINE void by_sixteens(std::size_t n, const F& f) {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (std::size_t j = 0; j < 16; ++j) f(i + j);
    }
    for (; i < n; ++i) f(i);
}

// Pixels of the samples begin .. end - 1, negative for those that do not count. All baselines, or all samples
// if there are none, are taken.
template <class A = default_arch>
void counted_pixels(const chunk& c, std::size_t begin, std::size_t end, std::int32_t* out) noexcept {
    const auto leave_out = [&](std::size_t from, std::size_t to) {
        std::fill(out + (from - begin), out + (to - begin), -1);
    };
    const auto take = [&](std::size_t from, std::size_t to) {
        const std::int32_t* const pixels = c.pixels.data() + from;
        std::int32_t* const taken = out + (from - begin);
        if (c.flags.empty()) {
            std::copy_n(pixels, to - from, taken);
            return;
        }
        const std::uint8_t* const flags = c.flags.data() + from;
        // Not `flags[i] != 0 ? -1 : pixels[i]`: of that g++ 12 makes, at -O3, stores that leave samples out.
        by_sixteens(to - from, [&](std::size_t i) DESTRIER_UNROLLED {
            taken[i] = pixels[i] | -static_cast<std::int32_t>(flags[i] != 0);
        });
    };
    if (c.baselines.empty()) return take(begin, end);
    const auto ends_before = [](const baseline& b, std::size_t at) { return b.begin + b.length <= at; };
    auto b = std::lower_bound(c.baselines.begin(), c.baselines.end(), begin, ends_before);
    std::size_t at = begin;
    for (; b != c.baselines.end() && b->begin < end; ++b) {
        const std::size_t from = std::max(b->begin, at), to = std::min(b->begin + b->length, end);
        leave_out(at, from);
        take(from, to);
        at = to;
    }
    leave_out(at, end);
}

// A sample's signal less the model, if there is one.
DESTRIER_INLINE double cleaned(const chunk& c, std::span<const double> model, std::size_t i) noexcept {
    return model.empty() ? c.signal[i] : c.signal[i] - model[i];
}

inline constexpr float largest_weight = 4;

// Whether the samples begin .. end - 1 can be used, those that count by `counted`. Comparisons are such that NaN
// is unfit.
template <stokes S, class A>
bool are_fit(const chunk& c, std::span<const double> model, std::size_t pixels, std::size_t begin,
             std::size_t end, const std::int32_t* counted) noexcept {
    const auto most = static_cast<std::int32_t>(pixels);
    [[maybe_unused]] const float *const cosine = c.cosine.data(), *const sine = c.sine.data();
    const double* const signal = c.signal.data() + begin;
    int unfit = 0;
    by_sixteens(end - begin, [&](std::size_t i) DESTRIER_UNROLLED {
        int wrong = counted[i] >= most;
        if constexpr (S != stokes::i) {
            wrong |= int{!(std::abs(cosine[begin + i]) <= largest_weight)};
            wrong |= int{!(std::abs(sine[begin + i]) <= largest_weight)};
        }
        unfit |= int{counted[i] >= 0} & wrong;
    });
    const auto check_values = [&](auto value) DESTRIER_UNROLLED {
        by_sixteens(end - begin, [&](std::size_t i) DESTRIER_UNROLLED {
            const int wrong = !(std::abs(value(i)) <= std::numeric_limits<double>::max());
            unfit |= int{counted[i] >= 0} & wrong;
        });
    };
    if (model.empty()) {
        check_values([&](std::size_t i) DESTRIER_UNROLLED { return signal[i]; });
    } else {
        const double* const subtracted = model.data() + begin;
        check_values([&](std::size_t i) DESTRIER_UNROLLED { return signal[i] - subtracted[i]; });
    }
    return unfit == 0;
}

// Says what is wrong with sample i.
template <stokes S>
[[noreturn]] void refuse_sample(const char* call, std::size_t k, const chunk& c,
                                std::span<const double> model, std::size_t pixels, std::size_t i) {
    const auto is = [&](const char* name, auto value) {
        return std::string(name) + "[" + std::to_string(i) + "] is " + std::to_string(value);
    };
    if (static_cast<std::size_t>(c.pixels[i]) >= pixels) {
        refuse(call, k, is("pixels", c.pixels[i]) + ", there are " + std::to_string(pixels));
    }
    if constexpr (S != stokes::i) {
        for (const bool first : {true, false}) {
            const float w = first ? c.cosine[i] : c.sine[i];
            if (!(std::abs(w) <= largest_weight)) {
                refuse(call, k, is(first ? "cosine" : "sine", w) + ", expected at most 4 in size");
            }
        }
    }
    if (!std::isfinite(c.signal[i])) {
        refuse(call, k, is("signal", c.signal[i]) + ", expected a finite number: flag the sample");
    }
    refuse(call, k, is("model", model[i]) + ", expected a finite number");
}

// Calls f(begin, end, pixels) for one short piece after the other of samples begin .. end - 1, with what
// counted_pixels has for them.
template <class A = default_arch, class F>
void each_piece(const chunk& c, std::size_t begin, std::size_t end, const F& f) {
    constexpr std::size_t piece = 1024; // stays in L1
    std::int32_t pixels[piece];
    for (std::size_t at = begin; at < end; at += piece) {
        const std::size_t stop = std::min(at + piece, end);
        counted_pixels<A>(c, at, stop, pixels);
        f(at, stop, static_cast<const std::int32_t*>(pixels));
    }
}

// Every sample that counts, on a map of so many pixels; model: (n), or empty.
//
// Throws  std::invalid_argument naming the chunk, the span, the index and the value of the first one unfit
template <stokes S, class A = default_arch>
void check_counted(const char* call, std::size_t k, const chunk& c, std::span<const double> model,
                   std::size_t pixels, int threads) {
    parallel_ranges(c.pixels.size(), threads, [&](std::size_t from, std::size_t to, std::size_t) {
        each_piece<A>(c, from, to, [&](std::size_t begin, std::size_t end, const std::int32_t* counted) {
            if (are_fit<S, A>(c, model, pixels, begin, end, counted)) return;
            for (std::size_t i = begin; i < end; ++i) {
                const std::int32_t* const one = counted + (i - begin);
                if (are_fit<S, A>(c, model, pixels, i, i + 1, one)) continue;
                refuse_sample<S>(call, k, c, model, pixels, i);
            }
        });
    });
}

} // namespace destrier::destripe::detail
