// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/problem_bytes.hpp: what a problem takes, told before there is one.
#pragma once

#include <cstddef>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/entries.hpp>
#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/problem_options.hpp>
#include <destrier/destripe/sweeps.hpp>
#include <destrier/parallel.hpp>

namespace destrier::destripe {

/// What decides it: numbers of this process, or at least as many.
struct problem_size {
    std::size_t samples, baselines, pixels;
    std::size_t chunks = 1;
    std::size_t longest_baseline = 0; ///< in samples
    int threads = 0;                  ///< 0 = all
};

/// Bytes, at most.
struct problem_bytes {
    std::size_t kept;       ///< once the problem is set up
    std::size_t setting_up; ///< at the worst moment before, these included
};

/// Bytes of entries for a sample, where each has one to itself: 12 (intensity: 4) for each pass, and while they are
/// made 40 (16) in all.
template <stokes S>
constexpr problem_bytes sample_bytes(passes p) noexcept {
    constexpr std::size_t entry = sizeof(detail::entry<S>);
    return {p == passes::one ? entry : 2 * entry, 2 * entry + sizeof(detail::routed<S>)};
}

/// What a problem of this size takes, without what its chunks refer to.
///
/// Accuracy  an upper bound; where each sample has an entry to itself, in large problems, less than a quarter above
///           what is allocated; asserted in tests/budget
template <stokes S>
problem_bytes bytes_of_problem(const problem_size& of, passes p = passes::two) {
    constexpr std::size_t number = sizeof(double), matrix = packed<S>;
    constexpr std::size_t ends = 2 * (detail::entries_behind * sizeof(detail::entry<S>) + number);
    const problem_bytes sample = sample_bytes<S>(p);
    // Of a pixel the matrix, rcond, and where its entries begin.
    const std::size_t kept = of.samples * sample.kept + of.pixels * number * (matrix + 2) +
                             of.baselines * number * 4 + of.chunks * number * 2 + ends;
    // The sums of a pixel, and twice its map; vectors that are twice as long as what they hold, or just growing.
    constexpr std::size_t pixel = number * (1 + matrix + 2 * components<S> + detail::map_stride<S>);
    constexpr std::size_t baseline = number * 9, chunk_of_thread = 72, thread = (5 << 18) + (8 << 10);
    const auto threads = static_cast<std::size_t>(thread_count(of.threads));
    const std::size_t making =
        of.samples * (sample.setting_up - sample.kept) + of.pixels * pixel + of.baselines * baseline +
        threads * (thread + of.chunks * chunk_of_thread + of.longest_baseline * 64 + of.pixels / 32);
    return {kept, kept + making};
}

} // namespace destrier::destripe
