// SPDX-License-Identifier: BSD-3-Clause
//
// What the plans ask of their arguments, before anything is written, and the work space that the caller gave
// or that is made for the time of a call; and what fits into a budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/budget.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft::detail {

inline std::size_t checked_length(std::size_t n, const char* plan, const char* what = "length") {
    constexpr std::size_t most = std::size_t{1}
                                 << 40; // beyond it, n * n and tables would overflow first
    if (n > 0 && n <= most) return n;
    throw std::invalid_argument(std::string(plan) + ": " + what + " is " + std::to_string(n) +
                                ", expected 1 to " + std::to_string(most));
}

inline void check_extent(const char* call, const char* what, std::size_t has, const char* unit,
                         std::size_t expected) {
    if (has == expected) return;
    throw std::invalid_argument(std::string(call) + ": " + what + " has " + std::to_string(has) + " " +
                                unit + ", expected " + std::to_string(expected));
}
inline void check_elements(const char* call, const char* what, std::size_t has, std::size_t expected) {
    check_extent(call, what, has, "elements", expected);
}

inline void check_problems(const char* call, std::size_t in, std::size_t out) {
    if (in == out) return;
    throw std::invalid_argument(std::string(call) + ": in holds " + std::to_string(in) +
                                " transforms, out holds " + std::to_string(out));
}

// The caller's scratch, or, where there is none, one of our own for the time of a call.
template <class T>
class scratch_space {
public:
    scratch_space(std::span<T> given, std::size_t needed, const char* call) {
        if (given.empty()) {
            own_ = buffer<T>(needed);
            data_ = own_.data();
        } else if (given.size() < needed || reinterpret_cast<std::uintptr_t>(given.data()) % 64 != 0) {
            throw std::invalid_argument(std::string(call) + ": scratch has " +
                                        std::to_string(given.size()) + " elements, expected " +
                                        std::to_string(needed) + " or more on a 64-byte boundary");
        } else {
            data_ = given.data();
        }
    }
    T* data() const noexcept { return data_; }

private:
    buffer<T> own_;
    T* data_;
};

// What fits into a budget of problems of so many elements of T, with scratch(threads) elements beside them.
template <class T, class Scratch>
share share_within(const char* call, std::size_t budget, int threads, std::size_t elements,
                   const std::string& problem, Scratch&& scratch) {
    return destrier::detail::share_within(call, budget, threads,
                                          {product_of({elements, sizeof(T)}, problem.c_str()), problem},
                                          [&](int some) { return scratch(some) * sizeof(T); });
}
// The same of lane blocks, in transforms.
template <class T, class Scratch>
share blocks_within(const char* call, std::size_t budget, int threads, std::size_t elements,
                    Scratch&& scratch) {
    const share blocks = share_within<T>(call, budget, threads, line<T> * elements,
                                         "a lane block of " + std::to_string(line<T>), scratch);
    return {blocks.threads, line<T> * blocks.problems};
}

} // namespace destrier::fft::detail
