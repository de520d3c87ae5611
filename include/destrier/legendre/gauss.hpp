// SPDX-License-Identifier: BSD-3-Clause
//
// gauss.hpp: the nodes and weights of Gauss's quadrature.
//
// The nodes are x = cos(theta) where P_n(cos theta) = 0. For n <= 50 Newton's method finds them one by one.
// Beyond, theta is an explicit function of the node's number k, counted from x = 1. With N = n + 1/2 and
// beta = pi (k - 1/4),
//
//     theta = g(alpha),   alpha = j / N,   j = beta + 1 / (8 beta) - ...     the k-th zero of J_0
//
// where g turns Bessel's equation into Legendre's: y = sqrt(sin theta) P_n has y'' + (N^2 + 1/(4 sin^2
// theta)) y = 0, and Y = sqrt(z) J_0(z) has Y'' + (1 + 1/(4 z^2)) Y = 0, so y = sqrt(g') Y(alpha N) if
//
//     g'^2 = 1 + N^-2 [1/(4 alpha^2) - g'^2 / (4 sin^2 g) - {g, alpha} / 2],
//
// {g, alpha} being Schwarz's derivative. Iterated from g = alpha, that gives g as a power series in alpha,
// one order of N^-2 each time. The weight, 2 / (dP_n/dtheta)^2, is then sin(theta) dtheta/dk.
//
// Source  the expansion in zeros of J_0: Bogaert, SIAM J. Sci. Comput. 36 (2014) A1008,
//         doi:10.1137/140954969; the zeros: DLMF 10.21.19
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/sine.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

namespace detail {

// What a node is made of, x > 0: 1 - x, which keeps its relative precision at the ends, x, which keeps it in
// the middle (and may be anything where 1 - x is small), and the weight.
template <class V>
struct gauss_node {
    V from_end, x, weight;
};

// By Newton's method on t = 1 - x, with P_n from P_{k+1} = P_k + D_k, whose error is relative to t.
template <class A>
gauss_node<batch<double, A>> gauss_by_newton(std::size_t n, std::size_t k) noexcept {
    using real = long double;
    const real order = static_cast<real>(n);
    const real half_theta = std::numbers::pi_v<real> * (static_cast<real>(k) - 0.25L) / (2 * order + 1);
    real t = 2 * std::sin(half_theta) * std::sin(half_theta), weight = 0;
    for (int iteration = 0; iteration < 5; ++iteration) {
        real before = 1, p = 1, difference = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const real degree = static_cast<real>(i);
            before = p;
            difference = (degree * difference - (2 * degree + 1) * t * p) / (degree + 1);
            p += difference;
        }
        const real slope = order * (before - (1 - t) * p) / (t * (2 - t));
        weight = 2 / (t * (2 - t) * slope * slope);
        t += p / slope;
    }
    using V = batch<double, A>; // the same in every lane
    return {V(static_cast<double>(t)), V(static_cast<double>(1 - t)), V(static_cast<double>(weight))};
}

// g(alpha) / alpha - 1 and g'(alpha) - 1, as power series in alpha^2.
template <class A>
class bessel_to_legendre {
public:
    explicit bessel_to_legendre(double order) {
        for (int iteration = 0; iteration < 4; ++iteration) improve(1 / (order * order));
        for (std::size_t i = 0; i < terms; ++i) value_[i] = slope_[i] / odd(i);
    }

    template <class V>
    DESTRIER_INLINE V value(V alpha_squared) const noexcept {
        return horner(value_, alpha_squared);
    }
    template <class V>
    DESTRIER_INLINE V slope(V alpha_squared) const noexcept {
        return horner(slope_, alpha_squared);
    }

private:
    static constexpr std::size_t terms = 26; // they fall like 1/4 at alpha = pi/2
    using series = std::array<double, terms>;

    static double odd(std::size_t i) noexcept { return static_cast<double>(2 * i + 1); }

    // The coefficient of power i of a b, of those of a from `first` on.
    static double term(const series& a, const series& b, std::size_t i, std::size_t first = 0) noexcept {
        double sum = 0;
        for (std::size_t j = first; j <= i; ++j) sum += a[j] * b[i - j];
        return sum;
    }
    static series product(const series& a, const series& b) noexcept {
        series c;
        for (std::size_t i = 0; i < terms; ++i) c[i] = term(a, b, i);
        return c;
    }
    static series quotient(const series& a, const series& b) noexcept {
        series c{};
        for (std::size_t i = 0; i < terms; ++i) c[i] = (a[i] - term(b, c, i, 1)) / b[0];
        return c;
    }

    // sin(g) / alpha, from (sin g)' = g' cos g and (cos g)' = -g' sin g.
    static series sine(const series& slope) noexcept {
        series sine{}, cosine{1};
        for (std::size_t i = 0; i < terms; ++i) {
            sine[i] = term(slope, cosine, i) / odd(i);
            if (i + 1 < terms) cosine[i + 1] = -term(slope, sine, i) / static_cast<double>(2 * i + 2);
        }
        return sine;
    }

    // {g, alpha} = g''' / g' - 3/2 (g'' / g')^2
    static series schwarzian(const series& slope) noexcept {
        series second{}, third{}; // g'' / alpha, g'''
        for (std::size_t i = 0; i + 1 < terms; ++i) {
            second[i] = static_cast<double>(2 * i + 2) * slope[i + 1];
            third[i] = odd(i) * second[i];
        }
        const series bend = quotient(second, slope), squared = product(bend, bend);
        series result = quotient(third, slope);
        for (std::size_t i = 1; i < terms; ++i) result[i] -= 1.5 * squared[i - 1];
        return result;
    }

    // One more order: g'^2 = 1 + y, solved for g' - 1, as 1 would cost digits.
    void improve(double order_to_minus_2) noexcept {
        series slope = slope_;
        slope[0] += 1;
        const series ratio = quotient(slope, sine(slope)), squared = product(ratio, ratio);
        series y = schwarzian(slope);
        for (std::size_t i = 0; i < terms; ++i) {
            const double poles = i + 1 < terms ? squared[i + 1] / 4 : 0; // that of 1 / alpha^2 cancels
            y[i] = -order_to_minus_2 * (poles + y[i] / 2);
        }
        slope_[0] = y[0] / (1 + std::sqrt(1 + y[0]));
        for (std::size_t i = 1; i < terms; ++i) {
            double others = 0;
            for (std::size_t j = 1; j < i; ++j) others += slope_[j] * slope_[i - j];
            slope_[i] = (y[i] - others) / (2 + 2 * slope_[0]);
        }
    }

    template <class V>
    DESTRIER_INLINE static V horner(const series& c, V x) noexcept {
        V sum(c[terms - 1]);
        unroll<terms - 1>([&](auto i) DESTRIER_UNROLLED { sum = fmadd(sum, x, V(c[terms - 2 - i])); });
        return sum;
    }

    series value_{}, slope_{};
};

// The k-th zero of J_0 as beta + offset, beta = pi (k - 1/4), and its derivative by beta as 1 + slope.
template <class V>
struct bessel_zero {
    V offset, slope;
};

// The first ones; the slope is 2 / (pi j J_1(j)^2) - 1.
inline constexpr std::size_t first_zeros = 16;
alignas(64) inline constexpr double zero_offsets[first_zeros] = {
    0.048631067503427839775,  0.022290966504172482287,  0.014348115539080811182,
    0.010561988052556969508,  0.008352603936268065065,  0.0069062097696114219877,
    0.0058862181481545994556, 0.0051284654284051389725, 0.0045434131295639593292,
    0.0040780959314910425388, 0.0036991874832913707651, 0.0033846739839734278334,
    0.0031194313583755044006, 0.0028927263170733286627, 0.0026967312123637513618,
    0.0025256033585736678161};
alignas(64) inline constexpr double zero_slopes[first_zeros] = {
    -0.017765883278148748742,    -0.0039048287561221424842,   -0.0016338779176442381285,
    -0.00088848951929722637796,  -0.00055655875467742319859,  -0.00038082671788203611213,
    -0.00027678862645012153555,  -0.00021018275168848540765,  -0.00016500100289774004068,
    -0.00013295604171190628966,  -0.00010941030358974721392,  -0.000091604933430414700777,
    -0.000077815619745285621105, -0.000066919843525288056918, -0.000058161433665963940243,
    -0.000051015956922927171559};

// McMahon's expansion for the others: the first term left out is below 1e-20 beta.
template <class V>
DESTRIER_INLINE bessel_zero<V> mcmahon(V beta) noexcept {
    constexpr std::array c{1. / 8,
                           -31. / 384,
                           3779. / 15360,
                           -6277237. / 3440640,
                           2092163573. / 82575360,
                           -8249725736393. / 14533263360};
    const V w = V(1.0) / (beta * beta);
    V offset(c[5]), slope(-11 * c[5]);
    unroll<5>([&](auto i) DESTRIER_UNROLLED {
        constexpr std::size_t power = 4 - i;
        offset = fmadd(offset, w, V(c[power]));
        slope = fmadd(slope, w, V(-static_cast<double>(2 * power + 1) * c[power]));
    });
    return {offset / beta, slope * w};
}

// Nodes k .. k + width - 1 of n, by the expansion.
template <class A>
class gauss_expansion {
    using V = batch<double, A>;
    static constexpr std::size_t w = width<double, A>;
    static_assert(first_zeros % w == 0);

public:
    explicit gauss_expansion(std::size_t n) : n_(static_cast<double>(n)), order_(n_ + 0.5), g_(order_) {
        for (std::size_t i = 0; i < w; ++i) lane_[i] = static_cast<double>(i);
    }

    DESTRIER_INLINE gauss_node<V> operator()(std::size_t k) const noexcept {
        constexpr double pi = std::numbers::pi;
        const V number = V(static_cast<double>(k)) + V::load_aligned(lane_), steps = number - V(0.25);
        const bessel_zero<V> zero = k <= first_zeros
                                        ? bessel_zero<V>{V::load_aligned(zero_offsets + k - 1),
                                                         V::load_aligned(zero_slopes + k - 1)}
                                        : mcmahon(steps * V(pi));
        const V alpha = fmadd(steps, V(pi), zero.offset) / V(order_);
        const V squared = alpha * alpha, further = alpha * g_.value(squared);
        const V half_theta = V(0.5) * (alpha + further);
        const V half_sine = half_theta + sine_tail(half_theta);
        const V half_cosine = V(1.0) + fmadd(V(-0.5) * half_theta, half_theta, cosine_tail(half_theta));
        // pi/2 - theta, where pi/2 - alpha is a multiple of pi/2 but for the offset
        const V to_middle =
            fmadd(V(n_ + 1) - number - number, V(pi / 2), -zero.offset) / V(order_) - further;
        const V spacing = (V(1.0) + zero.slope) * (V(1.0) + g_.slope(squared));
        const V twice = half_sine + half_sine;
        return {twice * half_sine, to_middle + sine_tail(to_middle),
                twice * half_cosine * spacing * V(pi / order_)};
    }

private:
    double n_, order_;
    bessel_to_legendre<A> g_;
    alignas(64) double lane_[w];
};

// Puts pairs of nodes, +-x, where they belong.
template <std::floating_point T, class A>
class gauss_pairs {
    using V = batch<double, A>;
    static constexpr std::size_t w = width<double, A>;

public:
    gauss_pairs(std::span<T> nodes, std::span<T> weights, domain over)
        : nodes_(nodes), weights_(weights), over_(over), middle_((over.a + over.b) / 2),
          half_((over.b - over.a) / 2) {}

    // Nodes k .. k + count - 1, counted from 1.
    DESTRIER_INLINE void store(std::size_t k, std::size_t count,
                               const gauss_node<V>& node) const noexcept {
        alignas(64) double lanes[3][w];
        double *low = lanes[0], *high = lanes[1], *weight = lanes[2];
        const V near = V(half_) * node.from_end, far = V(half_) * node.x;
        const auto is_near = node.from_end < V(0.5);
        xsimd::select(is_near, V(over_.a) + near, V(middle_) - far).store_aligned(low);
        xsimd::select(is_near, V(over_.b) - near, V(middle_) + far).store_aligned(high);
        (V(half_) * node.weight).store_aligned(weight);
        // Lanes come back from memory: g++ 12 would shuffle them out by what Knights Landing lacks.
        opaque(low);
        opaque(high);
        opaque(weight);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t left = k - 1 + i, right = nodes_.size() - 1 - left;
            nodes_[left] = static_cast<T>(low[i]);
            nodes_[right] = static_cast<T>(left == right ? middle_ : high[i]);
            weights_[left] = weights_[right] = static_cast<T>(weight[i]);
        }
    }

private:
    std::span<T> nodes_, weights_;
    domain over_;
    double middle_, half_;
};

template <class A>
void check_gauss(std::size_t nodes, std::size_t weights, domain over) {
    if (nodes == 0)
        throw std::invalid_argument("legendre::gauss: nodes is empty, expected 1 element or more");
    if (weights != nodes) {
        throw std::invalid_argument("legendre::gauss: weights has " + std::to_string(weights) +
                                    " elements, nodes has " + std::to_string(nodes));
    }
    check_domain("legendre::gauss", over);
}

} // namespace detail

/// The nodes and weights of Gauss-Legendre quadrature: sum_i weights[i] f(nodes[i]) is the integral of f over
/// the domain for every polynomial f of degree below 2 n.
///
/// Shapes    nodes (n), weights (n)
/// Aliasing  none
/// Domain    n >= 1; nodes run from over.a to over.b, and mirror each other about the middle
/// Accuracy  over [-1, 1] in double: nodes to 4e-16, weights to a relative 1e-15, their sum to 8 u, for
///           n <= 10^6. Distances to the ends keep a relative 1e-15 where the end is 0: nodes over [0, 2] are
///           1 + x. float is double, rounded
/// Threads   any number gives the same bits
/// Memory    allocates nothing
/// Throws    std::invalid_argument if n is 0, the sizes differ or the domain is empty; nothing is written
/// Source    see above
/// Example   std::vector<double> x(64), w(64);
///           legendre::gauss<double>(x, w);
template <std::floating_point T, class A = default_arch>
void gauss(std::span<T> nodes, std::span<T> weights, domain over = {}, int threads = 1) {
    const std::size_t n = nodes.size(), pairs = (n + 1) / 2;
    detail::check_gauss<A>(n, weights.size(), over);
    const detail::gauss_pairs<T, A> out(nodes, weights, over);
    if (n <= 50) {
        for (std::size_t k = 1; k <= pairs; ++k) out.store(k, 1, detail::gauss_by_newton<A>(n, k));
        return;
    }
    constexpr std::size_t w = width<double, A>;
    const detail::gauss_expansion<A> node(n);
    parallel_for((pairs + w - 1) / w, threads, [&](std::size_t i) {
        const std::size_t k = i * w + 1;
        out.store(k, std::min(w, pairs + 1 - k), node(k));
    });
}

} // namespace destrier::legendre
