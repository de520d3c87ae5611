// SPDX-License-Identifier: BSD-3-Clause
//
// family.hpp: the three-term recurrences that everything else stands on.
//
//     p_0 = 1,   p_{k+1} = slope(k) x p_k - back(k) p_{k-1}
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier {

/// Legendre polynomials, orthogonal over [-1, 1], P_k(1) = 1.
struct legendre_family {
    template <std::floating_point R = double>
    static constexpr R slope(std::size_t k) noexcept {
        return static_cast<R>(2 * k + 1) / static_cast<R>(k + 1);
    }
    template <std::floating_point R = double>
    static constexpr R back(std::size_t k) noexcept {
        return static_cast<R>(k) / static_cast<R>(k + 1);
    }
};

/// Hermite polynomials of the probabilists, of leading coefficient 1: He_2 = x^2 - 1.
struct hermite_e_family {
    template <std::floating_point R = double>
    static constexpr R slope(std::size_t) noexcept {
        return 1;
    }
    template <std::floating_point R = double>
    static constexpr R back(std::size_t k) noexcept {
        return static_cast<R>(k);
    }
};

/// Chebyshev polynomials of the first kind, T_k(cos t) = cos(k t).
struct chebyshev_family {
    template <std::floating_point R = double>
    static constexpr R slope(std::size_t k) noexcept {
        return k == 0 ? 1 : 2;
    }
    template <std::floating_point R = double>
    static constexpr R back(std::size_t k) noexcept {
        return k == 0 ? 0 : 1;
    }
};

/// Calls f(k, p_k) for k = 0 .. Degree, k as std::integral_constant, p_k a register like x. Mark f
/// DESTRIER_UNROLLED.
template <class Family, std::size_t Degree, std::floating_point T, class A, class F>
DESTRIER_INLINE void for_each_degree(xsimd::batch<T, A> x, F&& f) noexcept {
    using V = xsimd::batch<T, A>;
    V before(T(0)), p(T(1));
    unroll<Degree + 1>([&](auto k) DESTRIER_UNROLLED {
        f(k, p);
        if constexpr (k < Degree) {
            constexpr T slope = Family::template slope<T>(k), back = Family::template back<T>(k);
            const V slope_x = slope == T(1) ? x : x * V(slope);
            const V next = k == 0 ? slope_x : fnmadd(V(back), before, slope_x * p);
            before = p;
            p = next;
        }
    });
}

namespace detail {

// slope(k) and back(k) for k = 0 .. count - 1. Short series, the usual ones, find them compiled in.
template <std::floating_point T, class A, class Family>
class recurrence_table {
public:
    explicit recurrence_table(std::size_t count) {
        if (count <= compiled) return;
        computed_ = buffer<T>(2 * count);
        for (std::size_t k = 0; k < count; ++k) {
            computed_[k] = Family::template slope<T>(k);
            computed_[count + k] = Family::template back<T>(k);
        }
        slope_ = computed_.data();
        back_ = computed_.data() + count;
    }
    recurrence_table(const recurrence_table&) = delete;
    recurrence_table& operator=(const recurrence_table&) = delete;

    const T* slope() const noexcept { return slope_; }
    const T* back() const noexcept { return back_; }

private:
    static constexpr std::size_t compiled = 64;
    static constexpr auto tabulate(auto&& f) {
        std::array<T, compiled> table{};
        for (std::size_t k = 0; k < compiled; ++k) table[k] = f(k);
        return table;
    }
    static constexpr std::array<T, compiled> slopes = tabulate(Family::template slope<T>),
                                             backs = tabulate(Family::template back<T>);

    buffer<T> computed_;
    const T* slope_ = slopes.data();
    const T* back_ = backs.data();
};

} // namespace detail

} // namespace destrier
