// SPDX-License-Identifier: BSD-3-Clause
//
// plm.hpp: associated Legendre functions, normalised for spherical harmonics:
//
//     Y_lm(theta, phi) = lambda_lm(theta) exp(i m phi),    sum_m |Y_lm|^2 = (2 l + 1) / (4 pi)
//
// with the Condon-Shortley phase (-1)^m. For one m, all l = m .. lmax at once, lanes across thetas:
//
//     const legendre::plm<double> functions(lmax, m);
//     functions.apply(theta, out);                    // out (lmax - m + 1, ntheta)
//     functions.tile(theta.subspan(0, 32), [&](std::size_t l, const auto& lambda) DESTRIER_UNROLLED {
//         for (std::size_t r = 0; r < lambda.size(); ++r) sum[r] = fmadd(V(a[l]), lambda[r], sum[r]);
//     });                                             // nothing is stored
//
// Every second degree follows from the two before,
//
//     lambda_{l+2} = A (cos^2 theta + B) lambda_l - C lambda_{l-2},
//
// so that even and odd l - m are two chains that do not wait for each other. Near the poles and near the
// equator that form loses l^2 u, as the rounding of cos^2 + B acts as another theta. What is kept instead is
// how far a step is from that at the equator, or at the pole: with ratio_l = lambda_{l+2} / lambda_l there,
//
//     d_l = d_{l-2} / ratio_{l-2} + z lambda_l,    lambda_{l+2} = ratio_l lambda_l + A d_l
//
// where z = cos^2 theta (equator, ratio < 0) or -sin^2 theta (pole, ratio > 0). Lanes within 45 degrees of a
// pole start with the former too, for l < 3 m, where the ratio at the pole is above 2.
//
// sin^m theta underflows (m = 4000 at 10 degrees: 1e-3040), so a lane starts as a number times a power of
// 2^-256 (float: 2^-32) and has that power taken off as it grows: until none is left, it counts as 0.
//
// Source  recurrence in cos^2: Ishioka, J. Meteorol. Soc. Japan 96 (2018) 241, doi:10.2151/jmsj.2018-019;
//         powers taken off: Prezeau and Reinecke, Astrophys. J. Suppl. 190 (2010) 267,
//         doi:10.1088/0067-0049/190/2/267
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/legendre/sine.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::legendre {

namespace detail {

// A number as the sum of two, the second below the rounding of the first.
template <class V>
struct two_part {
    V high, low;
};

template <class V>
DESTRIER_INLINE two_part<V> normalised(V high, V low) noexcept {
    const V sum = high + low;
    return {sum, low - (sum - high)};
}

// In one rounding.
template <class V>
DESTRIER_INLINE V square(const two_part<V>& x) noexcept {
    return fmadd(x.high, x.high, (x.high + x.high) * x.low);
}

// In two parts, as the m-th power of sin theta multiplies its error by m.
template <class V>
struct direction {
    two_part<V> sine, cosine;
};

// For theta in [0, pi]; anything else gives NaN. Folded into [0, pi/4] without losing what pi has beyond T.
template <std::floating_point T, class A>
DESTRIER_INLINE direction<xsimd::batch<T, A>> direction_of(xsimd::batch<T, A> theta) noexcept {
    using V = xsimd::batch<T, A>;
    constexpr T pi = std::numbers::pi_v<T>;
    constexpr T pi_rest =
        std::is_same_v<T, float> ? T(-8.7422776573475857731e-8) : T(1.2246467991473531772e-16);
    const auto beyond = [](T end, T rest, const two_part<V>& angle) DESTRIER_UNROLLED {
        return normalised(V(end) - angle.high, V(rest) - angle.low);
    };
    const auto either = [](auto first, const two_part<V>& a, const two_part<V>& b) DESTRIER_UNROLLED {
        return two_part<V>{xsimd::select(first, a.high, b.high), xsimd::select(first, a.low, b.low)};
    };
    const V none(T(0)), inside = xsimd::select((theta >= none) & (theta <= V(pi)), theta,
                                               V(std::numeric_limits<T>::quiet_NaN()));
    const auto south = inside > V(pi / 2);
    two_part<V> z = either(south, beyond(pi, pi_rest, {inside, none}), {inside, none});
    const auto below = z.high < none; // float's pi is beyond the pole
    z = either(below, {none, none}, z);
    const auto equatorial = z.high > V(pi / 4);
    z = either(equatorial, beyond(pi / 2, pi_rest / 2, z), z);

    const V z2 = z.high * z.high, half(T(0.5)), one(T(1));
    const V z2_rest = fmadd(z.high, z.high, -z2);
    const V large = fnmadd(half, z2, one);
    const V small = cosine_tail(z.high) - fmadd(half, z2_rest, z.high * z.low);
    const two_part<V> cosine = normalised(large, fnmadd(half, z2, one - large) + small);
    const two_part<V> sine = normalised(z.high, z.low + sine_tail(z.high));
    const two_part<V> x = either(equatorial, sine, cosine);
    return {either(equatorial, cosine, sine), either(south, {-x.high, -x.low}, x)};
}

// What is taken off at a time.
template <std::floating_point T>
inline constexpr T plm_unit = std::is_same_v<T, float> ? T(0x1p-32) : T(0x1p-256);

// value * plm_unit^exponent, the exponent a whole number.
template <class V>
struct scaled {
    two_part<V> value;
    V exponent;
};

template <std::floating_point T, class A>
DESTRIER_INLINE void take_off(scaled<xsimd::batch<T, A>>& x) noexcept {
    using V = xsimd::batch<T, A>;
    const V one(T(1));
    const auto small = x.value.high < V(plm_unit<T>);
    const V factor = xsimd::select(small, V(1 / plm_unit<T>), one);
    x.value = {x.value.high * factor, x.value.low * factor};
    x.exponent += xsimd::select(small, one, V(T(0)));
}

template <class V>
DESTRIER_INLINE scaled<V> product(const scaled<V>& a, const scaled<V>& b) noexcept {
    const V high = a.value.high * b.value.high;
    const V low = fmadd(a.value.high, b.value.high, -high) +
                  fmadd(a.value.high, b.value.low, a.value.low * b.value.high);
    scaled<V> c{normalised(high, low), a.exponent + b.exponent};
    take_off(c);
    return c;
}

// x^m for x in [0, 1] and m >= 1.
template <std::floating_point T, class A>
DESTRIER_INLINE scaled<xsimd::batch<T, A>> power(const two_part<xsimd::batch<T, A>>& x,
                                                 std::size_t m) noexcept {
    using V = xsimd::batch<T, A>;
    scaled<V> base{x, V(T(0))};
    for (int i = 0; i < 4; ++i) take_off(base);
    std::size_t bit = 1;
    while (bit <= m / 2) bit *= 2;
    scaled<V> result = base;
    while (bit /= 2) {
        result = product(result, result);
        if (m & bit) result = product(result, base);
    }
    return result;
}

// The coefficients of the recurrence, for one m.
template <class A>
class plm_coefficients {
public:
    explicit plm_coefficients(std::size_t m) : m_(m) {}

    double a(std::size_t l) const noexcept {
        const double two_l = 2 * static_cast<double>(l), k = two_l + 3;
        return k * std::sqrt((two_l + 1) * (two_l + 5) / (up(l, 1) * up(l, 2)));
    }
    double ratio_at_pole(std::size_t l) const noexcept {
        return norm(l) * std::sqrt(sum(l, 1) * sum(l, 2) / (difference(l, 1) * difference(l, 2)));
    }
    // Of odd functions, which vanish there, that of the slopes.
    double ratio_at_equator(std::size_t l) const noexcept {
        const double even = norm(l) * std::sqrt(up(l, 1) / up(l, 2));
        return (l - m_) % 2 == 0 ? -even : -norm(l) * norm(l) / even;
    }

private:
    double sum(std::size_t l, std::size_t i) const noexcept { return static_cast<double>(l + m_ + i); }
    double difference(std::size_t l, std::size_t i) const noexcept {
        return static_cast<double>(l - m_ + i);
    }
    double up(std::size_t l, std::size_t i) const noexcept { return sum(l, i) * difference(l, i); }
    static double norm(std::size_t l) noexcept {
        const double two_l = 2 * static_cast<double>(l);
        return std::sqrt((two_l + 5) / (two_l + 1));
    }

    std::size_t m_;
};

// lambda_mm = factor sin^m theta
template <class A>
double plm_factor(std::size_t m) noexcept {
    long double squared = static_cast<long double>(2 * m + 1) / (4 * std::numbers::pi_v<long double>);
    for (std::size_t i = 1; i <= m; ++i) squared *= 1 - 0.5L / static_cast<long double>(i);
    return static_cast<double>(m % 2 == 0 ? std::sqrt(squared) : -std::sqrt(squared));
}

// Thetas that are worked on together, in registers: of AVX-512's 32 registers, or of others' 16, about all.
template <class A>
inline constexpr std::size_t plm_registers = destrier::detail::is_avx512<A> ? 4 : 2;

// Two chains, of even and odd l - m, for one tile of thetas.
template <std::floating_point T, class A>
struct plm_tile {
    using V = batch<T, A>;
    static constexpr std::size_t registers = plm_registers<A>;

    std::array<V, registers> lambda[2], d[2], z, minus_sine_squared, exponent;

    // For each register.
    template <class F>
    DESTRIER_INLINE static void each(F&& f) {
        unroll<registers>(f);
    }
};

} // namespace detail

/// lambda_lm(theta) for one m and l = m .. lmax.
///
/// Shapes    theta (ntheta), out (lmax - m + 1, ntheta), any strides
/// Aliasing  none
/// Domain    theta in [0, pi], in any order; others, and NaN, give NaN in their lane alone. lmax and m up to
///           10^5 and beyond
/// Units     theta in radians, from the north pole
/// Accuracy  1.5 l u of the amplitude around l, at the poles and at the equator too, for the theta given
///           (u = 2^-53; float: 2^-24). 0 only where |lambda| < 2^-256 (float: 2^-32), never denormal
/// Threads   any number, and any grouping of thetas, gives the same bits
/// Memory    6 (lmax - m + 2) numbers for the plan; apply and tile allocate nothing
/// Throws    std::invalid_argument if lmax < m or the shapes do not match; out untouched
/// Source    see above
/// Example   const legendre::plm<double> functions(1000, 3);
///           functions.apply(theta, view<double, 2>(out.data(), {998, theta.size()}));
template <std::floating_point T, class A = default_arch>
class plm {
    using V = batch<T, A>;
    using work = detail::plm_tile<T, A>;
    using masks = std::array<typename V::batch_bool_type, work::registers>;

public:
    static constexpr std::size_t registers = work::registers;
    /// Thetas of a tile.
    static constexpr std::size_t tile_size = registers * width<T, A>;
    /// lambda_lm of a tile, theta by theta.
    using values = std::array<V, registers>;

    plm(std::size_t lmax, std::size_t m) : lmax_(lmax), m_(m), factor_(detail::plm_factor<A>(m)) {
        if (lmax < m) {
            throw std::invalid_argument("legendre::plm: lmax is " + std::to_string(lmax) +
                                        ", expected m = " + std::to_string(m) + " or more");
        }
        make_steps(detail::plm_coefficients<A>(m));
    }

    std::size_t lmax() const noexcept { return lmax_; }
    std::size_t m() const noexcept { return m_; }

    /// All values.
    void apply(std::span<const T> theta, view<T, 2> out, int threads = 1) const {
        check(theta.size(), out);
        parallel_for((theta.size() + tile_size - 1) / tile_size, threads, [&](std::size_t i) {
            const std::size_t first = i * tile_size, count = std::min(tile_size, theta.size() - first);
            const view<T, 2> columns = out.slice(1, first, count);
            std::size_t row = 0; // the next to be written
            tile(theta.subspan(first, count),
                 [&](std::size_t l, const values& lambda) DESTRIER_UNROLLED {
                     for (; row < l - m_; ++row) store(columns.at(0, row), zeros());
                     store(columns.at(0, row++), lambda);
                 });
            for (; row <= lmax_ - m_; ++row) store(columns.at(0, row), zeros());
        });
    }

    /// Calls f(l, lambda) for each l in turn, lambda (a `values`) in registers; degrees where all of the tile
    /// counts as 0 are left out. Lanes behind the last theta repeat it. Mark f DESTRIER_UNROLLED.
    ///
    /// Shapes  theta (1 .. tile_size)
    template <class F>
    void tile(std::span<const T> theta, F&& f) const {
        if (theta.empty() || theta.size() > tile_size) {
            throw std::invalid_argument("legendre::plm: a tile of " + std::to_string(theta.size()) +
                                        " thetas, expected 1 to " + std::to_string(tile_size));
        }
        work w = start(theta);
        const polar_lanes lanes(w);
        const std::size_t end = lmax_ + 1, turn = lanes.any ? std::min(turn_, end) : end;
        w = sweep<false>(m_, turn, from_equator_.data(), lanes, w, f);
        if (turn == end) return;
        turn_to_pole(lanes, w);
        if (lanes.all) {
            sweep<false>(turn, end, from_pole_.data(), lanes, w, f);
        } else {
            sweep<true>(turn, end, from_pole_.data(), lanes, w, f);
        }
    }

private:
    // d_l = third d_{l-2} + z lambda_l, lambda_{l+2} = second lambda_l + first d_l
    struct step {
        T first, second, third;
    };

    // Which lanes are near a pole.
    struct polar_lanes {
        explicit polar_lanes(const work& w) {
            work::each([&](auto r) DESTRIER_UNROLLED {
                near[r] = w.minus_sine_squared[r] > V(T(-0.5));
                any = any || xsimd::any(near[r]);
                all = all && xsimd::all(near[r]);
            });
        }

        masks near;
        bool any = false, all = true;
    };

    // Lanes that still have powers of plm_unit to take off.
    struct scaled_lanes {
        DESTRIER_INLINE explicit scaled_lanes(const work& w) noexcept {
            work::each([&](auto r) DESTRIER_UNROLLED {
                in[r] = w.exponent[r] > V(T(0));
                any = any || xsimd::any(in[r]);
                all = all && xsimd::all(in[r]);
            });
        }

        // Takes one off where lambda exceeds 1; whether it did anywhere.
        DESTRIER_INLINE bool take_off(work& w) const noexcept {
            const V one(T(1));
            masks large;
            work::each([&](auto r) DESTRIER_UNROLLED {
                const V even = w.lambda[0][r], odd = w.lambda[1][r];
                large[r] = in[r] & (fmadd(even, even, odd * odd) > one);
            });
            auto anywhere = large[0];
            work::each([&](auto r) DESTRIER_UNROLLED { anywhere = anywhere | large[r]; });
            if (!xsimd::any(anywhere)) return false;
            work::each([&](auto r) DESTRIER_UNROLLED {
                const V factor = xsimd::select(large[r], V(detail::plm_unit<T>), one);
                w.exponent[r] -= xsimd::select(large[r], one, V(T(0)));
                unroll<2>([&](auto chain) DESTRIER_UNROLLED {
                    w.lambda[chain][r] *= factor;
                    w.d[chain][r] *= factor;
                });
            });
            return true;
        }

        DESTRIER_INLINE values zeroed(values v) const noexcept {
            work::each([&](auto r) DESTRIER_UNROLLED { v[r] = xsimd::select(in[r], V(T(0)), v[r]); });
            return v;
        }

        masks in;
        bool any = false, all = true;
    };

    static step rounded(double first, double second, double third) noexcept {
        return {static_cast<T>(first), static_cast<T>(second), static_cast<T>(third)};
    }

    // The chains are stepped together: the odd one once more than needed.
    void make_steps(const detail::plm_coefficients<A>& of) {
        turn_ = m_ + 2;
        while (turn_ <= lmax_ && of.ratio_at_pole(turn_) > 2) turn_ += 2;
        from_equator_.reserve(lmax_ - m_ + 2);
        from_pole_.reserve(lmax_ - m_ + 2);
        double before_at_equator[2] = {}, before_at_pole[2] = {}; // 1 / ratio_{l-2}
        for (std::size_t l = m_; l <= lmax_ + 1; ++l) {
            const std::size_t chain = (l - m_) % 2;
            const double a = of.a(l), equator = of.ratio_at_equator(l), pole = of.ratio_at_pole(l);
            from_equator_.push_back(
                rounded(a, equator, std::exchange(before_at_equator[chain], 1 / equator)));
            from_pole_.push_back(rounded(a, pole, std::exchange(before_at_pole[chain], 1 / pole)));
        }
    }

    void check(std::size_t thetas, const view<T, 2>& out) const {
        const std::size_t degrees = lmax_ - m_ + 1;
        if (out.extent(0) == degrees && out.extent(1) == thetas) return;
        const auto shape = [](std::size_t a, std::size_t b) {
            return "(" + std::to_string(a) + ", " + std::to_string(b) + ")";
        };
        throw std::invalid_argument("legendre::plm: out has shape " +
                                    shape(out.extent(0), out.extent(1)) + ", expected " +
                                    shape(degrees, thetas));
    }

    // lambda_mm and lambda_{m+1,m}.
    work start(std::span<const T> theta) const noexcept {
        alignas(64) T lanes[tile_size];
        for (std::size_t i = 0; i < tile_size; ++i) lanes[i] = theta[std::min(i, theta.size() - 1)];
        const V none(T(0)), one(T(1));
        const V first(static_cast<T>(factor_));
        const V second(static_cast<T>(std::sqrt(2 * static_cast<double>(m_) + 3)));
        work w;
        for (std::size_t r = 0; r < registers; ++r) {
            const auto at = detail::direction_of(V::load_aligned(lanes + r * width<T, A>));
            const auto power = m_ == 0 ? detail::scaled<V>{{one + none * at.sine.high, none}, none}
                                       : detail::power(at.sine, m_);
            const V sine_squared = detail::square(at.sine);
            w.minus_sine_squared[r] = xsimd::select(sine_squared < V(no_denormals), none, -sine_squared);
            w.z[r] = detail::square(at.cosine);
            w.exponent[r] = power.exponent;
            w.lambda[0][r] = power.value.high * first;
            w.lambda[1][r] = w.lambda[0][r] * at.cosine.high * second;
            w.d[0][r] = w.d[1][r] = none;
        }
        return w;
    }

    // Degrees begin .. end - 1, two at a time. While powers are left in any lane, they are looked for.
    // Mixed: steps are for lanes near a pole, the others keep those from the equator.
    template <bool Mixed, class F>
    work sweep(std::size_t begin, std::size_t end, const step* steps, const polar_lanes& lanes, work w,
               F&& f) const {
        scaled_lanes scaled(w);
        for (std::size_t l = begin; l < end; l += 2) {
            values even = w.lambda[0], odd = w.lambda[1];
            if (scaled.any) {
                if (scaled.take_off(w)) scaled = scaled_lanes(w);
                even = scaled.zeroed(w.lambda[0]);
                odd = scaled.zeroed(w.lambda[1]);
            }
            if (!scaled.all) {
                f(l, even);
                if (l + 1 < end) f(l + 1, odd);
            }
            advance<Mixed>(l, steps, lanes, w);
        }
        return w;
    }

    template <bool Mixed>
    DESTRIER_INLINE void advance(std::size_t l, const step* steps, const polar_lanes& lanes,
                                 work& w) const noexcept {
        unroll<2>([&](auto chain) DESTRIER_UNROLLED {
            const step &s = steps[l - m_ + chain], &other = from_equator_[l - m_ + chain];
            const V first(s.first);
            work::each([&](auto r) DESTRIER_UNROLLED {
                V second(s.second), third(s.third);
                if constexpr (Mixed) {
                    second = xsimd::select(lanes.near[r], second, V(other.second));
                    third = xsimd::select(lanes.near[r], third, V(other.third));
                }
                w.d[chain][r] = fmadd(w.z[r], w.lambda[chain][r], third * w.d[chain][r]);
                w.lambda[chain][r] = fmadd(first, w.d[chain][r], second * w.lambda[chain][r]);
            });
        });
    }

    // The same two functions as a step from the pole's: lambda_{l-2} = (lambda_l - A d) / ratio.
    void turn_to_pole(const polar_lanes& lanes, work& w) const noexcept {
        for (const std::size_t chain : {0u, 1u}) {
            const step &equator = from_equator_[turn_ - m_ - 2 + chain],
                       &pole = from_pole_[turn_ - m_ - 2 + chain];
            const T share = pole.second / equator.second;
            const V of_d(share), of_lambda((1 - share) / pole.first);
            for (std::size_t r = 0; r < registers; ++r) {
                const V turned = fmadd(of_d, w.d[chain][r], of_lambda * w.lambda[chain][r]);
                w.d[chain][r] = xsimd::select(lanes.near[r], turned, w.d[chain][r]);
            }
        }
        for (std::size_t r = 0; r < registers; ++r) {
            w.z[r] = xsimd::select(lanes.near[r], w.minus_sine_squared[r], w.z[r]);
        }
    }

    static values zeros() noexcept {
        values v;
        v.fill(V(T(0)));
        return v;
    }

    // A call, as memory is what it waits for.
    static void store(view<T, 1> row, const values& lambda) noexcept {
        constexpr std::size_t w = width<T, A>;
        for (std::size_t r = 0; r * w < row.extent(0); ++r) {
            destrier::detail::store_row<A>(row.data() +
                                               static_cast<std::ptrdiff_t>(r * w) * row.stride(0),
                                           row.stride(0), lambda[r], std::min(w, row.extent(0) - r * w));
        }
    }

    // sin^2 theta below this changes nothing for l < 10^6, and its products would be denormal.
    static constexpr T no_denormals = std::is_same_v<T, float> ? T(0x1p-80) : T(0x1p-400);

    std::size_t lmax_, m_, turn_ = 0;
    double factor_;
    std::vector<step> from_equator_, from_pole_;
};

} // namespace destrier::legendre
