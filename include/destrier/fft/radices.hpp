// SPDX-License-Identifier: BSD-3-Clause
//
// Radices: how a length is cut into passes.
#pragma once

#include <array>
#include <cstddef>

namespace destrier::fft::detail {

// The radices of a length, in the order of the passes.
struct radices {
    std::array<std::size_t, 64> radix{};
    std::size_t count = 0;

    void push(std::size_t r) noexcept { radix[count++] = r; }
    void take(std::size_t r, std::size_t& rest) noexcept {
        for (; rest % r == 0; rest /= r) push(r);
    }
    std::size_t sum() const noexcept {
        std::size_t s = 0;
        for (std::size_t i = 0; i < count; ++i) s += radix[i];
        return s;
    }
};

// The fewest radices, none larger than `most`, whose product is n; of as many the most even. None if there are
// none. The larger come first: those after them find more elements side by side.
inline radices fewest_radices(std::size_t n, std::size_t most = 16) noexcept {
    radices best;
    for (const std::size_t r : {16u, 13u, 12u, 11u, 10u, 9u, 8u, 7u, 5u, 4u, 3u, 2u}) {
        if (r > most || n % r != 0) continue;
        radices f;
        f.push(r);
        const radices rest = n == r ? radices{} : fewest_radices(n / r, r);
        if (n != r && rest.count == 0) continue;
        for (std::size_t i = 0; i < rest.count; ++i) f.push(rest.radix[i]);
        const bool fewer = best.count == 0 || f.count < best.count;
        if (fewer || (f.count == best.count && f.sum() < best.sum())) best = f;
    }
    return best;
}

// Every pass is a sweep through the cache that holds a block, so that radix 16 pays though it spills registers:
// against radices of at most 8 it saves a tenth of the time at 128 and 4096, a third at 256 and 1024 (Sapphire
// Rapids).
inline radices radices_of(std::size_t n) noexcept {
    radices f = fewest_radices(n);
    if (n == 1) f.push(1);
    return f;
}

// Whether n has no prime factors but these.
template <std::size_t... Primes>
constexpr bool is_product_of(std::size_t n) noexcept {
    if (n == 0) return false;
    for (const std::size_t p : {Primes...}) {
        while (n % p == 0) n /= p;
    }
    return n == 1;
}

// Lengths that passes transform: products of 2, 3, 5, 7, 11 and 13.
constexpr bool is_smooth(std::size_t n) noexcept { return is_product_of<2, 3, 5, 7, 11, 13>(n); }

} // namespace destrier::fft::detail
