// SPDX-License-Identifier: BSD-3-Clause
//
// parallel.hpp: the one place with OpenMP.
//
// Work is cut into parts before any thread runs, by sizes alone, so that which elements a part holds
// never depends on the machine's mood: kernels built on it give the same bits for the same number of
// threads, and, where their parts do not share sums, for any number. Without OpenMP the parts run one
// after the other.
//
//   thread_count(requested)            0 means all that OpenMP offers
//   part(n, parts, k)                  the k-th of `parts` nearly equal ranges of 0 .. n - 1
//   parallel_ranges(n, threads, f)     f(begin, end, worker), one range a worker
//   parallel_for(n, threads, f)        f(i)
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace destrier {

/// The number of threads to use: `requested`, or all that OpenMP offers for 0.
///
/// Throws  std::invalid_argument if requested < 0
inline int thread_count(int requested) {
    if (requested < 0) {
        throw std::invalid_argument("destrier: threads is " + std::to_string(requested) +
                                    ", expected 0 (all) or more");
    }
#if defined(_OPENMP)
    return requested > 0 ? requested : std::max(omp_get_max_threads(), 1);
#else
    return 1;
#endif
}

/// The elements begin .. end - 1.
struct range {
    std::size_t begin, end;
};

/// The k-th of `parts` contiguous ranges that cover 0 .. n - 1; the first n % parts are longer by one.
constexpr range part(std::size_t n, std::size_t parts, std::size_t k) noexcept {
    const std::size_t each = n / parts, longer = n % parts;
    const std::size_t begin = k * each + std::min(k, longer);
    return {begin, begin + each + (k < longer ? 1 : 0)};
}

namespace detail {

// Keeps the exception of the lowest-numbered part, so that which one the caller sees is no race.
class first_exception {
public:
    template <class F>
    void capture(std::size_t part_number, F&& f) noexcept {
        try {
            f();
        } catch (...) {
#if defined(_OPENMP)
#pragma omp critical(destrier_first_exception)
#endif
            if (!caught_ || part_number < part_) {
                caught_ = std::current_exception();
                part_ = part_number;
            }
        }
    }
    void rethrow() const {
        if (caught_) std::rethrow_exception(caught_);
    }

private:
    std::exception_ptr caught_;
    std::size_t part_ = 0;
};

} // namespace detail

/// Cuts 0 .. n - 1 into min(threads, n) ranges and calls f(begin, end, worker) once for each, in
/// parallel; worker is the number of the range.
///
/// Threads  0 = all; the cut depends on n and threads alone
/// Throws   what f throws: of several exceptions the one of the lowest worker; all parts are run
template <class F>
void parallel_ranges(std::size_t n, int threads, F&& f) {
    const std::size_t parts = std::min(static_cast<std::size_t>(thread_count(threads)), n);
    if (parts == 0) return;
    if (parts == 1) {
        f(std::size_t{0}, n, std::size_t{0});
        return;
    }
    detail::first_exception failure;
    const auto run = [&](std::size_t k) {
        failure.capture(k, [&] {
            const range r = part(n, parts, k);
            f(r.begin, r.end, k);
        });
    };
#if defined(_OPENMP)
    // A nested or limited region may get fewer threads than parts: each then takes several.
#pragma omp parallel num_threads(static_cast <int>(parts))
    for (std::size_t k = static_cast<std::size_t>(omp_get_thread_num()); k < parts;
         k += static_cast<std::size_t>(omp_get_num_threads())) {
        run(k);
    }
#else
    for (std::size_t k = 0; k < parts; ++k) run(k);
#endif
    failure.rethrow();
}

/// Calls f(i) for i = 0 .. n - 1, in contiguous ranges, in parallel.
///
/// Threads  0 = all; which thread runs which i depends on n and threads alone
/// Throws   what f throws; the rest of that thread's range is then left out
template <class F>
void parallel_for(std::size_t n, int threads, F&& f) {
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t i = begin; i < end; ++i) f(i);
    });
}

} // namespace destrier
