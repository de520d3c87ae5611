// SPDX-License-Identifier: BSD-3-Clause
//
// blocks.hpp: one series of some ten terms at many points, at less than half of the recurrence's operations.
//
// The series becomes one of Chebyshev polynomials, and that one of blocks, sum_j T_{4j} q_j with q_j of degree 3.
// T_4, T_8, ... have Clenshaw's recurrence with the one factor 2 T_4, so that a block costs 5 operations, or 1 1/4 a
// degree. P_k's Chebyshev coefficients are positive and add up to 1: nothing grows on the way, as powers of x do.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>

#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/one_series.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre::detail {

inline constexpr std::size_t block_length = 4;
// Beyond, converting the coefficients takes longer than short runs of points would save.
inline constexpr std::size_t blocks_terms = 5 * block_length;

// Row k holds P_k as sum_j T_{4j} q_j: element 4j + i is the coefficient of T_i in q_j. From P_k's Chebyshev
// coefficients by T_{4j + i} = 2 T_{4j} T_i - T_{4j - i}.
inline constexpr auto blocks_of_legendre = [] {
    using real = long double;
    std::array<std::array<real, blocks_terms>, blocks_terms> p{};
    p[0][0] = p[1][1] = 1;
    for (std::size_t k = 1; k + 1 < blocks_terms; ++k) {
        const real slope = legendre_family::slope<real>(k), back = legendre_family::back<real>(k);
        p[k + 1][1] = slope * p[k][0];
        for (std::size_t i = 1; i <= k; ++i) {
            p[k + 1][i + 1] += slope / 2 * p[k][i];
            p[k + 1][i - 1] += slope / 2 * p[k][i];
        }
        for (std::size_t i = 0; i < k; ++i) p[k + 1][i] -= back * p[k - 1][i];
    }
    std::array<std::array<double, blocks_terms>, blocks_terms> blocks{};
    for (std::size_t row = 0; row < blocks_terms; ++row) {
        for (std::size_t k = blocks_terms - 1; k > block_length; --k) {
            if (k % block_length == 0) continue;
            p[row][k - 2 * (k % block_length)] -= p[row][k];
            p[row][k] *= 2;
        }
        for (std::size_t k = 0; k < blocks_terms; ++k) blocks[row][k] = static_cast<double>(p[row][k]);
    }
    return blocks;
}();

// The series' blocks, from its coefficients; zeros fill the last of them.
template <std::floating_point T, class A>
std::array<T, blocks_terms> to_blocks(const T* c, std::size_t terms) noexcept {
    std::array<double, blocks_terms> sums{};
    for (std::size_t k = 0; k < terms; ++k) {
        const double c_k = static_cast<double>(c[k]);
        for (std::size_t i = 0; i < blocks_terms; ++i) sums[i] += c_k * blocks_of_legendre[k][i];
    }
    std::array<T, blocks_terms> q;
    for (std::size_t i = 0; i < blocks_terms; ++i) q[i] = static_cast<T>(sums[i]);
    return q;
}

// q, of two blocks or more, at N registers of points, 7 registers each.
template <std::size_t N, std::floating_point T, class A>
DESTRIER_INLINE void sum_blocks(const T* q, std::size_t blocks, const batch<T, A>* x,
                                const mapping<T, A>& map, batch<T, A>* sum) noexcept {
    using V = batch<T, A>;
    V t[block_length][N], twice[N], ahead[N]; // T_1 .. T_4 at the points, and 2 T_4
    unroll<N>([&](auto i) DESTRIER_UNROLLED {
        t[0][i] = map(x[i]);
        const V twice_x = t[0][i] + t[0][i];
        t[1][i] = fmadd(twice_x, t[0][i], V(T(-1)));
        t[2][i] = fmadd(twice_x, t[1][i], -t[0][i]);
        t[3][i] = fmadd(twice_x, t[2][i], -t[1][i]);
        twice[i] = t[3][i] + t[3][i];
        sum[i] = ahead[i] = V(T(0));
    });
    const auto step = [&](const T* q_j, const V(&factor)[N]) DESTRIER_UNROLLED {
        const V q0(q_j[0]), q1(q_j[1]), q2(q_j[2]), q3(q_j[3]);
        unroll<N>([&](auto i) DESTRIER_UNROLLED {
            V next = fmadd(q3, t[2][i], q0 - ahead[i]);
            next = fmadd(q2, t[1][i], next);
            next = fmadd(q1, t[0][i], next);
            ahead[i] = sum[i];
            sum[i] = fmadd(factor[i], sum[i], next);
        });
    };
    for (std::size_t j = blocks - 1; j > 0; --j) step(q + j * block_length, twice);
    step(q, t[3]);
}

template <std::floating_point T, class A>
void blocks(const T* x, const T* c, std::size_t terms, T* y, std::size_t count, const mapping<T, A>& map,
            bool streamed) noexcept {
    const std::array<T, blocks_terms> q = to_blocks<T, A>(c, terms);
    const std::size_t used = (terms + block_length - 1) / block_length;
    for_each_point<T, A>(
        x, y, count, streamed,
        [&]<std::size_t N>(const batch<T, A>(&in)[N], batch<T, A>(&out)[N]) DESTRIER_UNROLLED {
            constexpr std::size_t half = std::max<std::size_t>(N / 2, 1);
            unroll<N / half>([&](auto h) DESTRIER_UNROLLED {
                sum_blocks<half>(q.data(), used, in + h * half, map, out + h * half);
            });
        });
}

} // namespace destrier::legendre::detail
