// SPDX-License-Identifier: BSD-3-Clause
#include "solve/account.hpp"

#include <cstdio>
#include <numeric>
#include <vector>

namespace mapmaking {

account sum_of(const account& mine, const common::ranks& all) {
    std::vector<double> numbers(mine.seconds.begin(), mine.seconds.end());
    for (const double n : {mine.samples, mine.solve_samples, mine.operator_seconds, mine.operator_bytes,
                           mine.read_bandwidth})
        numbers.push_back(n);
    numbers = all.sums(std::move(numbers));
    account sum;
    for (std::size_t s = 0; s < stage_count; ++s) sum.seconds[s] = numbers[s];
    std::size_t at = stage_count;
    for (double* const n : {&sum.samples, &sum.solve_samples, &sum.operator_seconds, &sum.operator_bytes,
                            &sum.read_bandwidth})
        *n = numbers[at++];
    return sum;
}

void print(const account& sum, std::size_t iterations, std::size_t ranks, int threads) {
    const auto many = static_cast<double>(ranks);
    const double all = std::accumulate(sum.seconds.begin(), sum.seconds.end(), 0.0);
    std::printf("%-20s %10s\n", "stage", ranks > 1 ? "s a rank" : "s");
    for (std::size_t s = 0; s < stage_count; ++s) {
        std::printf("  %-18s %10.3f %6.1f %%\n", name_of(static_cast<stage>(s)), sum.seconds[s] / many,
                    100 * sum.seconds[s] / all);
    }
    std::printf("  %-18s %10.3f  (ranks x threads: %zu x %d)\n", "all", all / many, ranks, threads);
    const double iterating = sum.seconds[static_cast<std::size_t>(stage::iterate)] / many;
    if (iterations == 0 || sum.solve_samples == 0 || sum.operator_seconds == 0) return;
    const double operating = sum.operator_seconds / many;
    const double rate = sum.operator_bytes / operating;
    std::printf("%.0f samples, %.0f of them in the solve: %.3g ns per sample and iteration, of %zu\n",
                sum.samples, sum.solve_samples,
                1e9 * iterating / (static_cast<double>(iterations) * sum.solve_samples), iterations);
    std::printf("pointing read in iterations: %.3g GB/s, %.0f %% of the %.3g GB/s that this machine "
                "reads\n",
                rate * 1e-9, 100 * rate / sum.read_bandwidth, sum.read_bandwidth * 1e-9);
}

} // namespace mapmaking
