// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/problem_options.hpp: what problems are set up with, and the matrices of their pixels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/pixel_matrices.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// How often an iteration reads the entries.
enum class passes {
    two, ///< once by pixel, once by baseline: scales to any number of threads, and over processes
    one ///< once, by pixel: half the memory and half the traffic, for one process and at most one_pass_parts threads
};
/// Parts that a one-pass iteration is cut into, each with offsets of its own; fixed, so that the number of threads
/// does not change the sums.
inline constexpr std::size_t one_pass_parts = 8;

struct problem_options {
    double rcond = 1e-3; ///< pixels with less are left out of the solve
    std::span<const std::uint8_t> mask =
        {}; ///< (pixels), 0 leaves a pixel out of the solve; empty: none
    destripe::passes passes = destripe::passes::two;
    int threads = 0; ///< 0 = all
    memory where = {};
    reduction sum = {}; ///< over processes; empty: one process
};

namespace detail {

inline void check_size_of(const char* call, const char* name, std::size_t size, std::size_t expected) {
    if (size == expected) return;
    throw std::invalid_argument("destripe::" + std::string(call) + ": " + name + " has " +
                                std::to_string(size) + " elements, expected " +
                                std::to_string(expected));
}

inline void check_mask(const char* call, const problem_options& options, std::size_t pixels) {
    if (!options.mask.empty()) check_size_of(call, "mask", options.mask.size(), pixels);
}

// C and rcond of the solve; C is zero in pixels that are cut or masked.
template <stokes S, class A>
struct solve_matrices {
    buffer<double> covariance, rcond; // (pixels, packed), (pixels)

    solve_matrices() = default;
    solve_matrices(const map_sums<S, A>& sums, const problem_options& options, int threads)
        : covariance(sums.pixels() * packed<S>, options.where, threads),
          rcond(sums.pixels(), options.where, threads) {
        invert<S, A>(sums.inverse_covariance(), options.rcond, covariance.span(), rcond.span(), threads);
        for (std::size_t p = 0; p < options.mask.size(); ++p) {
            if (options.mask[p] == 0) std::fill_n(covariance.data() + p * packed<S>, packed<S>, 0.0);
        }
    }
};

} // namespace detail

} // namespace destrier::destripe
