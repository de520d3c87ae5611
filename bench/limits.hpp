// SPDX-License-Identifier: BSD-3-Clause
//
// limits.hpp: what this machine can do at best, so that a kernel's speed can be given as a fraction.
//
//   limits::fma_peak<T>()             flop/s of one core: fused multiply-adds on whole registers
//   limits::l2_read_bandwidth()       byte/s of one core that reads half of its L2 again and again
//   limits::read_bandwidth(threads)   byte/s from main memory; 0 threads = all
//   limits::copy_bandwidth(threads)   byte/s of a[i] = b[i], two arrays counted
//   limits::triad_bandwidth(threads)  byte/s of a[i] = b[i] + s c[i], three arrays counted
//
// The first call measures, for a few tenths of a second at most, checks the result and takes the best
// of several runs; later calls return the same number. Bytes are counted as STREAM counts them: a
// line that is read only because it is about to be written is not.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <ctime>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace limits {

/// Seconds that this process has had of all CPUs, whatever else they did meanwhile.
inline double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Seconds of the fastest of several runs of f: as many as fit into 0.1 s, at least 3.
template <class F>
double fastest(F&& f) {
    using clock = std::chrono::steady_clock;
    double best = 1e9, total = 0;
    for (int run = 0; run < 3 || total < 0.1; ++run) {
        const auto start = clock::now();
        f();
        const double seconds = std::chrono::duration<double>(clock::now() - start).count();
        best = std::min(best, seconds);
        total += seconds;
    }
    return best;
}

inline void check(bool right, const char* what) {
    if (!right) throw std::runtime_error(std::string("limits: wrong result of ") + what);
}

/// Lanes of all registers, one after the other.
template <std::floating_point T, std::size_t N>
std::array<T, N * destrier::width<T>> lanes(const destrier::batch<T> (&registers)[N]) {
    std::array<T, N * destrier::width<T>> all;
    for (std::size_t i = 0; i < N; ++i) registers[i].store_unaligned(&all[i * destrier::width<T>]);
    return all;
}

/// Independent chains x = a x + b: enough of them for two units of latency 6 or, where there are 32
/// registers to hold them, for four units of latency 6.
template <std::floating_point T>
struct fma_chains {
#if defined(__AVX512F__) || defined(__aarch64__)
    static constexpr std::size_t chains = 24;
#else
    static constexpr std::size_t chains = 12;
#endif
    static constexpr std::size_t rounds = 10000;
    static constexpr double flops = 2.0 * rounds * chains * destrier::width<T>;

    [[gnu::noinline]] static void run() {
        volatile T half = T(0.5), one = T(1); // unknown to the compiler
        const destrier::batch<T> a(half), b(one);
        destrier::batch<T> x[chains];
        destrier::unroll<chains>([&](auto i) DESTRIER_UNROLLED { x[i] = T(i); });
        for (std::size_t round = 0; round < rounds; ++round) {
            destrier::unroll<chains>([&](auto i)
                                         DESTRIER_UNROLLED { x[i] = destrier::fmadd(x[i], a, b); });
        }
        // Every chain has long reached its fixed point b / (1 - a).
        check(std::ranges::count(lanes<T>(x), T(2)) == std::ssize(lanes<T>(x)), "fma_chains");
    }
};

template <std::floating_point T>
double fma_peak() {
    static const double peak = fma_chains<T>::flops / fastest(&fma_chains<T>::run);
    return peak;
}

/// Sum of p[0 .. n - 1]; reading them is the work.
[[gnu::noinline]] inline double sum(const double* p, std::size_t n) {
    constexpr std::size_t chains = 8, width = destrier::width<double>;
    destrier::batch<double> part[chains];
    destrier::unroll<chains>([&](auto i) DESTRIER_UNROLLED { part[i] = 0.0; });
    std::size_t k = 0;
    for (; k + chains * width <= n; k += chains * width) {
        destrier::unroll<chains>([&](auto i) DESTRIER_UNROLLED {
            part[i] += destrier::batch<double>::load_unaligned(p + k + i * width);
        });
    }
    double total = 0;
    for (const double lane : lanes<double>(part)) total += lane;
    for (; k < n; ++k) total += p[k];
    return total;
}

/// Bytes of one core's L2 cache; 1 MiB where the system does not say.
inline std::size_t l2_bytes() {
    long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return bytes > 0 ? static_cast<std::size_t>(bytes) : std::size_t{1} << 20;
}

/// Half of L2, to be read.
class l2_reads {
public:
    static constexpr std::size_t passes = 100;

    l2_reads() : data_(l2_bytes() / 2 / sizeof(double)) { std::ranges::fill(data_, 1.0); }

    std::size_t bytes() const { return passes * data_.size() * sizeof(double); }
    void run() const {
        double total = 0;
        for (std::size_t pass = 0; pass < passes; ++pass) {
            asm volatile("" ::: "memory"); // each pass reads again
            total += sum(data_.data(), data_.size());
        }
        check(total == static_cast<double>(passes * data_.size()), "l2_reads");
    }

private:
    destrier::buffer<double> data_;
};

inline double l2_read_bandwidth() {
    static const double bandwidth = [] {
        const l2_reads reads;
        return static_cast<double>(reads.bytes()) / fastest([&] { reads.run(); });
    }();
    return bandwidth;
}

/// Three arrays of 1 GiB in all, read and written by loops as a user would write them.
class streams {
public:
    static constexpr std::size_t size = (std::size_t{1} << 30) / sizeof(double) / 3;
    static constexpr std::size_t array_bytes = size * sizeof(double);

    explicit streams(int threads)
        : threads_(destrier::thread_count(threads)), a_(size, {}, threads_), b_(size, {}, threads_),
          c_(size, {}, threads_) {
        destrier::parallel_for(size, threads_, [&](std::size_t i) { b_[i] = 1, c_[i] = 2; });
    }

    /// All three arrays, before anything else has written to them.
    void read() const { check(total(a_) + total(b_) + total(c_) == 3.0 * size, "streams::read"); }
    void copy() {
        ranges([a = a_.data(), b = b_.data()](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) a[i] = b[i];
        });
    }
    void triad() {
        ranges([a = a_.data(), b = b_.data(), c = c_.data()](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) a[i] = b[i] + 3 * c[i];
        });
    }
    /// After copy() every element written is 1, after triad() 7.
    void check_written(double value) const {
        check(total(a_) == value * size, "streams::copy or triad");
    }

private:
    template <class F>
    void ranges(F f) const {
        destrier::parallel_ranges(
            size, threads_, [&](std::size_t begin, std::size_t end, std::size_t) { f(begin, end); });
    }
    double total(const destrier::buffer<double>& array) const {
        std::vector<double> sums(static_cast<std::size_t>(threads_));
        destrier::parallel_ranges(size, threads_,
                                  [&](std::size_t begin, std::size_t end, std::size_t worker) {
                                      sums[worker] = sum(array.data() + begin, end - begin);
                                  });
        return std::accumulate(sums.begin(), sums.end(), 0.0);
    }

    int threads_;
    destrier::buffer<double> a_, b_, c_;
};

struct bandwidths {
    double read, copy, triad; // byte/s
};

inline const bandwidths& memory_bandwidths(int threads) {
    static std::map<int, bandwidths> measured;
    const auto [place, is_new] = measured.try_emplace(destrier::thread_count(threads));
    if (is_new) {
        streams arrays(threads);
        const double bytes = streams::array_bytes;
        bandwidths& result = place->second;
        result.read = 3 * bytes / fastest([&] { arrays.read(); });
        result.copy = 2 * bytes / fastest([&] { arrays.copy(); });
        arrays.check_written(1);
        result.triad = 3 * bytes / fastest([&] { arrays.triad(); });
        arrays.check_written(7);
    }
    return place->second;
}
inline double read_bandwidth(int threads) { return memory_bandwidths(threads).read; }
inline double copy_bandwidth(int threads) { return memory_bandwidths(threads).copy; }
inline double triad_bandwidth(int threads) { return memory_bandwidths(threads).triad; }

} // namespace limits
