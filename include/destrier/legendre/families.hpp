// SPDX-License-Identifier: BSD-3-Clause
//
// families.hpp: series and bases of the recurrence's other families, Hermite-e and Chebyshev.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <destrier/layout.hpp>
#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/eval.hpp>
#include <destrier/legendre/family.hpp>

namespace destrier {
namespace legendre::detail {

template <class Family, std::floating_point T, class A>
void eval_family(const char* who, std::span<const T> x, std::span<const T> c, std::span<T> y,
                 domain over, int threads) {
    if (y.size() != x.size()) refuse(who, "y has size", y.size(), "x has size", x.size());
    check_terms(who, c.size());
    check_domain(who, over);
    const mapping<T, A> map(over);
    const destrier::detail::recurrence_table<T, A, Family> table(c.size() + 1);
    const bool streamed = x.size() * sizeof(T) >= streamed_bytes;
    parallel_ranges(x.size(), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        clenshaw(x.data() + begin, c.data(), c.size(), y.data() + begin, end - begin, map, table,
                 streamed);
    });
}

} // namespace legendre::detail

namespace hermite_e {

/// A series of the probabilists' Hermite polynomials: y[i] = sum_k c[k] He_k(x[i]).
///
/// Shapes    x, y (n); c (1 or more)
/// Aliasing  y may be x
/// Accuracy  16 u sum_k |c_k| sqrt(k!) exp(x^2 / 4) up to degree 20
/// Threads   any number gives the same bits
/// Memory    allocates only for more than 63 terms, 2 numbers a term
/// Throws    std::invalid_argument if sizes disagree or c is empty; y untouched
template <std::floating_point T, class A = default_arch>
void eval(std::span<const T> x, std::span<const T> c, std::span<T> y, int threads = 1) {
    legendre::detail::eval_family<hermite_e_family, T, A>("hermite_e::eval", x, c, y, {}, threads);
}

/// out(k, i) = He_k(x[i]); otherwise as legendre::basis.
template <std::floating_point T, class A = default_arch>
void basis(std::span<const T> x, view<T, 2> out, int threads = 1) {
    legendre::detail::basis<hermite_e_family, T, A>("hermite_e::basis", x, out, {}, threads);
}

} // namespace hermite_e

namespace chebyshev {

/// A series of Chebyshev polynomials of the first kind: y[i] = sum_k c[k] T_k(x[i]).
///
/// Shapes    x, y (n); c (1 or more)
/// Aliasing  y may be x
/// Accuracy  (3 + n^2 / 2) u sum |c_k| for |x| <= 1
/// Threads   any number gives the same bits
/// Memory    allocates only for more than 63 terms, 2 numbers a term
/// Throws    std::invalid_argument if sizes disagree, c is empty or the domain is; y untouched
template <std::floating_point T, class A = default_arch>
void eval(std::span<const T> x, std::span<const T> c, std::span<T> y, legendre::domain over = {},
          int threads = 1) {
    legendre::detail::eval_family<chebyshev_family, T, A>("chebyshev::eval", x, c, y, over, threads);
}

/// out(k, i) = T_k(x[i]); otherwise as legendre::basis.
template <std::floating_point T, class A = default_arch>
void basis(std::span<const T> x, view<T, 2> out, legendre::domain over = {}, int threads = 1) {
    legendre::detail::basis<chebyshev_family, T, A>("chebyshev::basis", x, out, over, threads);
}

} // namespace chebyshev
} // namespace destrier
