// SPDX-License-Identifier: BSD-3-Clause
#include "solve/bandwidth.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <numeric>

#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace mapmaking {
namespace {

using V = destrier::batch<double>;

double sum_of(const double* x, std::size_t n) {
    V sums[4] = {V(0.0), V(0.0), V(0.0), V(0.0)};
    for (std::size_t i = 0; i + 4 * V::size <= n; i += 4 * V::size) {
        for (std::size_t k = 0; k < 4; ++k) sums[k] += V::load_unaligned(x + i + k * V::size);
    }
    alignas(64) double lanes[V::size];
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).store_aligned(lanes);
    return std::accumulate(lanes, lanes + V::size, 0.0);
}

} // namespace

double read_bandwidth(int threads) {
    constexpr std::size_t n = std::size_t{1} << 24; // 128 MiB
    constexpr int sweeps = 5;
    const destrier::buffer<double> array(n, {}, threads);
    std::atomic<double> kept = 0; // so that the sums are made
    double best = 1e9;
    for (int sweep = 0; sweep < sweeps; ++sweep) {
        const auto start = std::chrono::steady_clock::now();
        destrier::parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
            kept = sum_of(array.data() + begin, end - begin);
        });
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        best = std::min(best, taken.count());
    }
    return n * sizeof(double) / best;
}

} // namespace mapmaking
