// SPDX-License-Identifier: BSD-3-Clause
//
// budget.hpp: how much is worked on at once, within so many bytes.
//
// Fast memory is small: 16 GB beside 96 GB on Knights Landing. Every plan tells what it takes, and what a
// budget of bytes has room for: one problem on one thread, then more threads, then more problems. Results are
// the same bits for any budget.
//
//   fft::plan_c2c<float> plan(4096);
//   const share s = plan.share_within(std::size_t{16} << 30, threads);   // s.problems transforms, in place
//   gridrec::plan<float> slices(theta, columns);
//   auto work = slices.make_workspace(threads, std::size_t{16} << 30);   // work.slices() at once
//
// A budget that is too small for one problem on one thread is refused, with what it would have to be.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

#include <destrier/parallel.hpp>

namespace destrier {

/// What is worked on at once.
struct share {
    int threads;
    std::size_t problems;
};

namespace detail {

// A problem of a plan, and how it is refused.
struct problem_need {
    std::size_t bytes;
    std::string name;        // "a batch of 16 slices"
    std::string advice = {}; // what takes less
};

[[noreturn]] inline void refuse_budget(const char* call, std::size_t budget, const problem_need& problem,
                                       std::size_t work) {
    throw std::invalid_argument(
        std::string(call) + ": a budget of " + std::to_string(budget) +
        " bytes is too small: " + problem.name + " takes " + std::to_string(problem.bytes) +
        " bytes and the work space of one thread " + std::to_string(work) + ", expected " +
        std::to_string(problem.bytes + work) + " or more" + problem.advice);
}

// The share that fits; work(threads) tells the bytes that so many threads work in, beside the problems.
template <class Work>
share share_within(const char* call, std::size_t budget, int threads, const problem_need& problem,
                   Work&& work) {
    int most = thread_count(threads);
    while (most > 1 && problem.bytes + work(most) > budget) --most;
    const std::size_t taken = work(most);
    if (problem.bytes + taken > budget) refuse_budget(call, budget, problem, taken);
    return {most, (budget - taken) / problem.bytes};
}

} // namespace detail

} // namespace destrier
