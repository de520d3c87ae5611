// SPDX-License-Identifier: BSD-3-Clause
//
// calculus.hpp: series made of series: derivatives, integrals, powers of x.
//
// Each is a sum of the given coefficients; sums are in double. One series comes as spans, many as views, a series
// a row.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <destrier/layout.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/eval.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/memory.hpp>

namespace destrier::legendre {

namespace detail {

template <class T>
view<T, 2> one_row(std::span<T> x) noexcept {
    return {x.data(), {1, x.size()}};
}

template <std::floating_point T, class A>
void check_series(const char* who, const view<const T, 2>& c, const view<T, 2>& out, std::size_t terms) {
    check_terms(who, c.extent(1));
    if (out.extent(0) != c.extent(0)) {
        refuse(who, "out has series", out.extent(0), "c has series", c.extent(0));
    }
    if (out.extent(1) != terms) refuse(who, "out has terms", out.extent(1), "expected", terms);
}

// P'_{k+1} = (2k + 1) P_k + P'_{k-1}: a coefficient is a sum of every second one above it.
template <std::floating_point T, class A>
void derivative(view<const T, 1> c, view<T, 1> out, double scale) noexcept {
    out(out.extent(0) - 1) = 0;
    double sum = 0, other = 0;
    for (std::size_t k = c.extent(0) - 1; k-- > 0;) {
        sum += static_cast<double>(c(k + 1));
        out(k) = static_cast<T>(static_cast<double>(2 * k + 1) * scale * sum);
        std::swap(sum, other);
    }
}

// The integral of P_k from -1 on is (P_{k+1} - P_{k-1}) / (2k + 1), P_{-1} being -1.
template <std::floating_point T, class A>
void integral(view<const T, 1> c, view<T, 1> out, double scale) noexcept {
    const auto part = [&](std::size_t k) { // of c_k
        return k < c.extent(0) ? static_cast<double>(c(k)) / static_cast<double>(2 * k + 1) : 0.0;
    };
    out(0) = static_cast<T>(scale * (part(0) - part(1)));
    for (std::size_t k = 1; k < out.extent(0); ++k) {
        out(k) = static_cast<T>(scale * (part(k - 1) - part(k + 1)));
    }
}

template <std::floating_point T, class A>
double value_at(double x, view<const T, 1> c) noexcept {
    double sum = 0, before = 0, p = 1;
    for (std::size_t k = 0; k < c.extent(0); ++k) {
        sum += static_cast<double>(c(k)) * p;
        const double next = legendre_family::slope(k) * x * p - legendre_family::back(k) * before;
        before = std::exchange(p, next);
    }
    return sum;
}

// The coefficients of one polynomial of degree k after the other, in another basis; element i is at [i + 1].
struct basis_rows {
    buffer<double> before, row, next;

    explicit basis_rows(std::size_t terms) : before(terms + 2), row(terms + 2), next(terms + 2) {
        row[1] = 1;
    }
    void advance() noexcept {
        std::swap(before, row);
        std::swap(row, next);
    }
};

// P_{k+1} in powers of x, from P_k and P_{k-1}. Terms of one power have one sign, so nothing cancels.
template <class A>
struct legendre_in_powers {
    static double element(const basis_rows& rows, std::size_t k, std::size_t i) noexcept {
        return legendre_family::slope(k) * rows.row[i] - legendre_family::back(k) * rows.before[i + 1];
    }
};

// x^{k+1} in Legendre polynomials: x P_i = ((i + 1) P_{i+1} + i P_{i-1}) / (2i + 1).
template <class A>
struct powers_in_legendre {
    static double element(const basis_rows& rows, std::size_t, std::size_t i) noexcept {
        const double n = static_cast<double>(i);
        const double from_below = i == 0 ? 0 : rows.row[i] * n / (2 * n - 1);
        return from_below + rows.row[i + 2] * (n + 1) / (2 * n + 3);
    }
};

// out(s, i) = sum_k c(s, k) row_k[i]
template <class Rows, std::floating_point T, class A>
void change_basis(view<const T, 2> c, view<T, 2> out) {
    const std::size_t sets = c.extent(0), terms = c.extent(1);
    buffer<double> sums(sets * terms);
    basis_rows rows(terms);
    for (std::size_t k = 0; k < terms; ++k) {
        for (std::size_t s = 0; s < sets; ++s) {
            const double c_k = static_cast<double>(c(s, k));
            for (std::size_t i = k % 2; i <= k; i += 2) sums[s * terms + i] += c_k * rows.row[i + 1];
        }
        std::fill(rows.next.begin(), rows.next.end(), 0.0);
        for (std::size_t i = (k + 1) % 2; i <= k + 1 && i < terms; i += 2) {
            rows.next[i + 1] = Rows::element(rows, k, i);
        }
        rows.advance();
    }
    for (std::size_t s = 0; s < sets; ++s) {
        for (std::size_t i = 0; i < terms; ++i) out(s, i) = static_cast<T>(sums[s * terms + i]);
    }
}

} // namespace detail

/// The series of d/dw of series over a domain of w.
///
/// Shapes    c (nset, n), out (nset, max(n - 1, 1)), any strides; or one series, (n) and (max(n - 1, 1))
/// Aliasing  none
/// Units     per unit of the domain: [-1, 1] for the derivative by x itself
/// Accuracy  3 u times what the coefficient would be if all c_k were positive, for each of them, up to degree 20. The
///           derivative of the integral is the series to 4 u of its largest coefficient
/// Memory    allocates nothing
/// Throws    std::invalid_argument if shapes disagree, c is empty or the domain is; out untouched
/// Example   legendre::derivative<double>(y_of_wavelength, pixels_per_angstrom, {5543, 7826});
template <std::floating_point T, class A = default_arch>
void derivative(view<const T, 2> c, view<T, 2> out, domain over = {}) {
    constexpr const char* who = "legendre::derivative";
    detail::check_series<T, A>(who, c, out, c.extent(1) > 1 ? c.extent(1) - 1 : 1);
    detail::check_domain(who, over);
    const double scale = 2 / (over.b - over.a);
    for (std::size_t s = 0; s < c.extent(0); ++s) {
        detail::derivative<T, A>(c.at(0, s), out.at(0, s), scale);
    }
}

template <std::floating_point T, class A = default_arch>
void derivative(std::span<const T> c, std::span<T> out, domain over = {}) {
    derivative<T, A>(detail::one_row(c), detail::one_row(out), over);
}

/// The series of the integral over w from `from` on, which is the domain's a where none is given.
///
/// Shapes    c (nset, n), out (nset, n + 1), any strides; or one series, (n) and (n + 1)
/// Aliasing  none
/// Domain    `from` may be anywhere
/// Units     times the unit of the domain
/// Accuracy  3 u (|c_{k-1}| / (2k - 1) + |c_{k+1}| / (2k + 3)) for coefficient k, times half of the domain; at `from`
///           the integral is 0 to 2 u of the sum of its coefficients' sizes
/// Memory    allocates nothing
/// Throws    std::invalid_argument if shapes disagree, c is empty or the domain is; out untouched
/// Example   legendre::integral<double>(density, photons, {5543, 7826});
template <std::floating_point T, class A = default_arch>
void integral(view<const T, 2> c, view<T, 2> out, domain over = {}, std::optional<T> from = {}) {
    constexpr const char* who = "legendre::integral";
    detail::check_series<T, A>(who, c, out, c.extent(1) + 1);
    detail::check_domain(who, over);
    const double scale = (over.b - over.a) / 2;
    for (std::size_t s = 0; s < c.extent(0); ++s) {
        const view<T, 1> row = out.at(0, s);
        detail::integral<T, A>(c.at(0, s), row, scale);
        if (!from) continue;
        const double x = detail::mapping<double, A>(over)(static_cast<double>(*from));
        row(0) = static_cast<T>(static_cast<double>(row(0)) - detail::value_at<T, A>(x, row));
    }
}

template <std::floating_point T, class A = default_arch>
void integral(std::span<const T> c, std::span<T> out, domain over = {}, std::optional<T> from = {}) {
    integral<T, A>(detail::one_row(c), detail::one_row(out), over, from);
}

/// The coefficients of 1, x, x^2 ..., x being the point as mapped to [-1, 1]. For P_n they grow to (1 + sqrt 2)^n,
/// in sum of sizes: 41 in degree 6, 5.8e3 in degree 12; as much is lost where powers of x are summed.
///
/// Shapes    c, out (nset, n), any strides; or one series, (n)
/// Aliasing  out may be c
/// Accuracy  5 u times what the coefficient would be if nothing cancelled, for each of them, up to degree 20
/// Memory    allocates as much as out, in double
/// Throws    std::invalid_argument if shapes disagree or c is empty; out untouched
/// Example   legendre::to_monomial<double>(c, powers);
template <std::floating_point T, class A = default_arch>
void to_monomial(view<const T, 2> c, view<T, 2> out) {
    detail::check_series<T, A>("legendre::to_monomial", c, out, c.extent(1));
    detail::change_basis<detail::legendre_in_powers<A>, T, A>(c, out);
}

template <std::floating_point T, class A = default_arch>
void to_monomial(std::span<const T> c, std::span<T> out) {
    to_monomial<T, A>(detail::one_row(c), detail::one_row(out));
}

/// The inverse of to_monomial: the series of a polynomial given by its coefficients of 1, x, x^2 ...
///
/// Shapes    c, out (nset, n), any strides; or one polynomial, (n)
/// Aliasing  out may be c
/// Accuracy  5 u times what the coefficient would be if all c_k were positive, for each of them, up to degree 20
/// Memory    allocates as much as out, in double
/// Throws    std::invalid_argument if shapes disagree or c is empty; out untouched
/// Example   legendre::from_monomial<double>(powers, c);
template <std::floating_point T, class A = default_arch>
void from_monomial(view<const T, 2> c, view<T, 2> out) {
    detail::check_series<T, A>("legendre::from_monomial", c, out, c.extent(1));
    detail::change_basis<detail::powers_in_legendre<A>, T, A>(c, out);
}

template <std::floating_point T, class A = default_arch>
void from_monomial(std::span<const T> c, std::span<T> out) {
    from_monomial<T, A>(detail::one_row(c), detail::one_row(out));
}

} // namespace destrier::legendre
