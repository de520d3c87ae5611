// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/chunk.hpp: what is put into destriping, one detector in one observation at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace destrier::destripe {

/// What is solved for in each pixel: intensity, polarisation, or both. A sample is the signal
///
///     i    I
///     qu   Q c + U s
///     iqu  I + Q c + U s,      c = eta cos 2 psi, s = eta sin 2 psi,
///
/// where psi is the angle of the detector's polarisation and eta its efficiency. Which way psi turns is the
/// caller's convention; pointing.hpp has HEALPix's (COSMO).
enum class stokes { i, qu, iqu };

/// Numbers in a pixel of a map.
template <stokes S>
inline constexpr std::size_t components = S == stokes::i    ? 1
                                          : S == stokes::qu ? 2
                                                            : 3;

/// Numbers in a pixel's symmetric matrix, its upper triangle row by row: II, or QQ QU UU, or II IQ IU QQ QU UU.
template <stokes S>
inline constexpr std::size_t packed = components<S>*(components<S> + 1) / 2;

/// Samples begin .. begin + length - 1 of a chunk, which share one offset.
struct baseline {
    std::size_t begin, length;
};

/// One detector in one observation: n samples, in the order of time. Spans are views: their owner keeps them alive.
///
/// A sample counts if it lies in a baseline, is not flagged, and its pixel is not negative. Nothing is asked of
/// the signal of the others: it may be NaN.
struct chunk {
    std::span<const std::int32_t> pixels;     // (n); negative: not on the map
    std::span<const float> cosine, sine;      // (n) c and s, at most 4 in size; empty for stokes::i
    std::span<const double> signal;           // (n), any unit
    std::span<const std::uint8_t> flags = {}; // (n), or empty for none; other than 0 leaves a sample out
    double weight = 1;                        // of every sample: 1 / variance; 0 leaves the chunk out
    std::span<const baseline> baselines = {}; // in the order of time, of any lengths, gaps between them
};

/// Chunk k. Called again for each pass over the data, from the calling thread, k = 0, 1, ...; what it returns has
/// to live until the next call.
using source = std::function<chunk(std::size_t k)>;

/// Adds up over processes, element by element, in place: all of them call it the same number of times with the
/// same number of elements. Empty where there is one process.
using reduction = std::function<void(std::span<double>)>;

/// Pointing weights are kept as whole numbers of this unit, so that their sums are exact and the same in every
/// operator. What c and s are rounded by is less than a float's own rounding near 1.
inline constexpr double weight_unit = 0x1p-24;
/// The weight that all operators use for w, |w| < 2^27.
constexpr double rounded_weight(float w) noexcept {
    constexpr double large = 0x1.8p28; // sums with it have weight_unit as their last place
    return (static_cast<double>(w) + large) - large;
}
/// The same as a number of units, |w| < 2^7.
constexpr std::int32_t fixed_weight(float w) noexcept {
    return static_cast<std::int32_t>(rounded_weight(w) / weight_unit);
}

/// Baselines of `length` samples for samples begin .. end - 1, from the first one on; the last is as long as
/// there are samples left.
///
/// Throws  std::invalid_argument if length is 0
inline std::vector<baseline> equal_baselines(std::size_t begin, std::size_t end, std::size_t length) {
    if (length == 0)
        throw std::invalid_argument("destripe::equal_baselines: length is 0, expected 1 or more");
    std::vector<baseline> all;
    for (std::size_t at = begin; at < end; at += length) all.push_back({at, std::min(length, end - at)});
    return all;
}

namespace detail {

[[noreturn]] inline void refuse(const char* call, std::size_t k, const std::string& what) {
    throw std::invalid_argument("destripe::" + std::string(call) + ": chunk " + std::to_string(k) +
                                ": " + what);
}

inline void check_length(const char* call, std::size_t k, const char* name, std::size_t size,
                         std::size_t n) {
    if (size != n) {
        refuse(call, k,
               std::string(name) + " has " + std::to_string(size) + " elements, pixels has " +
                   std::to_string(n));
    }
}

/// Shapes, weight and baselines of a chunk; k is its number, for messages.
///
/// Throws  std::invalid_argument naming the chunk, the span and the value
template <stokes S>
void check_chunk(const char* call, std::size_t k, const chunk& c) {
    const std::size_t n = c.pixels.size();
    if constexpr (S != stokes::i) {
        check_length(call, k, "cosine", c.cosine.size(), n);
        check_length(call, k, "sine", c.sine.size(), n);
    }
    check_length(call, k, "signal", c.signal.size(), n);
    if (!c.flags.empty()) check_length(call, k, "flags", c.flags.size(), n);
    if (!(c.weight >= 0) || !std::isfinite(c.weight)) {
        refuse(call, k, "weight is " + std::to_string(c.weight) + ", expected 0 or more, finite");
    }
    std::size_t end = 0;
    for (const baseline& b : c.baselines) {
        if (b.begin < end || b.length > n || b.begin > n - b.length) {
            refuse(call, k,
                   "a baseline of samples " + std::to_string(b.begin) + " to " +
                       std::to_string(b.begin + b.length) + " follows one that ends at " +
                       std::to_string(end) + ", of " + std::to_string(n) + " samples");
        }
        end = b.begin + b.length;
    }
}

} // namespace detail

} // namespace destrier::destripe
