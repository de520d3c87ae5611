// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/pointing.hpp: where detectors look, and how their polarisation lies on the sky.
//
// A telescope's pointing is one unit quaternion a sample, which turns the axes of its focal plane into those of the
// sky; a detector's is one more, which turns its own axes into those of the focal plane. The detector looks
// along the z of its axes and is sensitive along x.
//
// No angle is computed but the azimuth that the grid of pixels needs. With the product's elements x, y, z, w as
// two complex numbers a = w + i z and b = y - i x,
//
//     a = cos(theta / 2) exp(i (phi + psi) / 2),      b = sin(theta / 2) exp(i (phi - psi) / 2),
//
// so that a b has the azimuth phi, a b* the angle psi, and the polar angle theta comes from the two sizes, without
// loss near the poles.
//
// psi is HEALPix's (COSMO, POLCCONV = 'COSMO'): from south through east. For the IAU's change the sign of `sine`.
//
//   expand_pointing     pixels and weights of one detector
//   check_quaternions   that they have unit length
//   pixelise            pixels of directions (healpix.hpp)
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/destripe/healpix.hpp>
#include <destrier/legendre/sine.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// A detector in its focal plane. The quaternion, x y z w, of unit length, turns the detector's axes into those of the
/// focal plane; efficiency is of polarisation, 1 for a perfect polariser; gamma, in radians, is the angle of the
/// detector's x in the focal plane and counts behind a half-wave plate only.
struct detector_pointing {
    std::array<double, 4> quaternion;
    double efficiency = 1;
    double gamma = 0;
};

namespace detail {

inline void check_detector(const char* call, const detector_pointing& detector) {
    double squared = 0;
    for (const double q : detector.quaternion) squared += q * q;
    const auto refuse_value = [&](const char* name, double value, const char* expected) {
        throw std::invalid_argument("destripe::" + std::string(call) + ": " + name + " is " +
                                    std::to_string(value) + ", expected " + expected);
    };
    if (!(std::abs(std::sqrt(squared) - 1) <= 1e-3)) {
        refuse_value("the norm of the detector's quaternion", std::sqrt(squared), "1");
    }
    if (!std::isfinite(detector.efficiency)) {
        refuse_value("efficiency", detector.efficiency, "a finite number");
    }
    if (!std::isfinite(detector.gamma)) refuse_value("gamma", detector.gamma, "a finite number");
}

/// Complex numbers, as many as a register has doubles.
template <class A>
struct complex_lanes {
    batch<double, A> re, im;

    friend DESTRIER_INLINE complex_lanes operator*(complex_lanes p, complex_lanes q) noexcept {
        return {fnmadd(p.im, q.im, p.re * q.re), fmadd(p.im, q.re, p.re * q.im)};
    }
    /// p q + r
    friend DESTRIER_INLINE complex_lanes multiply_add(complex_lanes p, complex_lanes q,
                                                      complex_lanes r) noexcept {
        return {fnmadd(p.im, q.im, fmadd(p.re, q.re, r.re)), fmadd(p.im, q.re, fmadd(p.re, q.im, r.im))};
    }
    DESTRIER_INLINE complex_lanes conj() const noexcept { return {re, -im}; }
    DESTRIER_INLINE batch<double, A> norm() const noexcept { return fmadd(re, re, im * im); }
};

/// exp(2 i angle) or its negative, whose squares are equal.
template <class A>
DESTRIER_INLINE complex_lanes<A> turned_twice(batch<double, A> angle) noexcept {
    using V = batch<double, A>;
    // exp(i angle) up to a power of i, as that of an angle up to pi / 4. The quarter turn is in two parts.
    const V quarters = rounded_down(fmadd(angle, V(0.63661977236758134), V(0.5)));
    const V rest =
        fnmadd(quarters, V(6.123233995736766e-17), fnmadd(quarters, V(1.5707963267948966), angle));
    const V cosine = V(1.0) + fnmadd(rest * rest, V(0.5), legendre::detail::cosine_tail(rest));
    const complex_lanes<A> once{cosine, rest + legendre::detail::sine_tail(rest)};
    return once * once;
}

/// A quaternion x, y, z, w as a = w + i z and b = y - i x.
template <class A>
struct rotation {
    complex_lanes<A> a, b;

    /// The rotation q, then p.
    friend DESTRIER_INLINE rotation operator*(const rotation& p, const rotation& q) noexcept {
        const complex_lanes<A> back{-q.b.re, q.b.im};
        return {multiply_add(p.b, back, p.a * q.a), multiply_add(p.b, q.a.conj(), p.a * q.b)};
    }
};

// As many quaternions as a register has lanes, one after the other.
template <class A>
DESTRIER_INLINE rotation<A> load_rotations(const double* q) noexcept {
    using V = batch<double, A>;
    constexpr std::size_t w = V::size;
    V first = V::load_unaligned(q), second = V::load_unaligned(q + w);
    V third = V::load_unaligned(q + 2 * w), fourth = V::load_unaligned(q + 3 * w);
    deinterleave(first, second); // x z x z ... and y w y w ...
    deinterleave(third, fourth);
    deinterleave(first, third);
    deinterleave(second, fourth);
    return {{fourth, third}, {second, -first}};
}

/// What samples of one detector see.
template <class A>
class pointing_kernel {
public:
    using V = batch<double, A>;
    using lanes = lanes_of<A>;

    pointing_kernel(const detector_pointing& detector, bool with_plate, const sphere& grid)
        : detector_(detector.quaternion), find_(grid),
          scale_(detector.efficiency * std::polar(1.0, with_plate ? -4 * detector.gamma : 0.0)) {}

    /// Of `count` samples, at most a tile, whole registers. Null: no plate, or no weights wanted.
    void operator()(std::size_t count, const double* boresight, const double* hwp_angle,
                    std::int32_t* pixels, float* cosine, float* sine) const noexcept {
        direction_tile t;
        const pointing_kernel self = *this; // which nothing that is stored is a part of
        for (std::size_t i = 0; i < count; i += V::size) {
            const rotation<A> r = load_rotations<A>(boresight + 4 * i) * self.detector();
            const V north = r.a.norm(), south = r.b.norm();
            self.directions(r, north, south, t, i);
            if (cosine == nullptr) continue;
            const complex_lanes<A> weights =
                self.polarisation(r, north, south, hwp_angle == nullptr ? nullptr : hwp_angle + i);
            const typename lanes::doubles c = weights.re, s = weights.im;
            store_lanes(__builtin_convertvector(c, typename lanes::floats), cosine + i);
            store_lanes(__builtin_convertvector(s, typename lanes::floats), sine + i);
        }
        find_(t, count, pixels);
    }

private:
    DESTRIER_INLINE rotation<A> detector() const noexcept {
        const auto& [x, y, z, w] = detector_;
        return {{V(w), V(z)}, {V(y), V(-x)}};
    }

    DESTRIER_INLINE static void directions(const rotation<A>& r, V north, V south, direction_tile& t,
                                           std::size_t i) noexcept {
        const V norm = north + south, inverse = V(1.0) / norm, z = (north - south) * inverse;
        const complex_lanes<A> azimuth = r.a * r.b;
        azimuth.re.store_aligned(t.x + i);
        azimuth.im.store_aligned(t.y + i);
        nan_unless<A>(has_length<A>(norm), z).store_aligned(t.z + i);
        (V(6.0) * lesser(north, south) * inverse).store_aligned(t.cap + i);
    }

    // eta exp(2 i psi), or eta exp(2 i (psi + 2 hwp_angle - 2 gamma)). At a pole, of azimuth 0.
    DESTRIER_INLINE complex_lanes<A> polarisation(const rotation<A>& r, V north, V south,
                                                  const double* hwp_angle) const noexcept {
        const V norm = north + south, size_at_pole = norm * norm, size = north * south;
        const auto pole = size <= V(1e-200) * size_at_pole;
        const complex_lanes<A> away = r.a * r.b.conj();
        const complex_lanes<A> there = multiply_add(r.b.conj(), r.b.conj(), r.a * r.a);
        complex_lanes<A> angle{xsimd::select(pole, there.re, away.re),
                               xsimd::select(pole, there.im, away.im)};
        if (hwp_angle != nullptr) angle = angle * turned_twice<A>(V::load_unaligned(hwp_angle));
        const V inverse = V(1.0) / xsimd::select(pole, size_at_pole, size);
        const complex_lanes<A> scale{V(scale_.real()) * inverse, V(scale_.imag()) * inverse};
        return scale * (angle * angle);
    }

    std::array<double, 4> detector_;
    pixel_finder<A> find_;
    std::complex<double> scale_;
};

// Fewer samples than a register has lanes.
template <class A>
void expand_rest(const pointing_kernel<A>& kernel, std::span<const double> boresight,
                 const double* hwp_angle, std::int32_t* pixels, float* cosine, float* sine) noexcept {
    constexpr std::size_t w = width<double, A>;
    const std::size_t n = boresight.size() / 4;
    std::array<double, 4 * w> quaternions{};
    std::array<double, w> angles{};
    std::array<std::int32_t, w> found;
    std::array<float, w> c, s;
    std::ranges::copy(boresight, quaternions.begin());
    if (hwp_angle != nullptr) std::copy_n(hwp_angle, n, angles.begin());
    kernel(w, quaternions.data(), hwp_angle == nullptr ? nullptr : angles.data(), found.data(),
           cosine == nullptr ? nullptr : c.data(), s.data());
    std::copy_n(found.begin(), n, pixels);
    if (cosine == nullptr) return;
    std::copy_n(c.begin(), n, cosine);
    std::copy_n(s.begin(), n, sine);
}

} // namespace detail

/// Refuses quaternions that are not of unit length.
///
/// Shapes    q (n, 4)
/// Throws    std::invalid_argument if q has no whole number of quaternions, or if a norm differs from 1 by more than
///           the tolerance or is NaN: names the first of those, its number and its norm
/// Example   destripe::check_quaternions(boresight, "shared/boresight_radec");
template <class A = default_arch>
void check_quaternions(std::span<const double> q, const char* name, double tolerance = 1e-3) {
    if (q.size() % 4 != 0) {
        throw std::invalid_argument("destripe::check_quaternions: " + std::string(name) + " has " +
                                    std::to_string(q.size()) + " elements, expected 4 a quaternion");
    }
    for (std::size_t i = 0; i < q.size(); i += 4) {
        const double norm =
            std::sqrt(q[i] * q[i] + q[i + 1] * q[i + 1] + q[i + 2] * q[i + 2] + q[i + 3] * q[i + 3]);
        if (!(std::abs(norm - 1) <= tolerance)) {
            throw std::invalid_argument("destripe::check_quaternions: " + std::string(name) + "[" +
                                        std::to_string(i / 4) + "] has norm " + std::to_string(norm) +
                                        ", expected 1");
        }
    }
}

/// Pixels and weights of a detector's samples: cosine = eta cos 2 psi, sine = eta sin 2 psi, and, behind a half-wave
/// plate, the same of psi + 2 hwp_angle - 2 gamma.
///
/// Shapes    boresight (n, 4), x y z w, of unit length or nearly so; hwp_angle (n), radians, or empty: no plate;
///           pixels (n); cosine, sine (n), or both empty: not wanted
/// Aliasing  none
/// Domain    |hwp_angle| up to 1e6. Where a quaternion is NaN or zero the pixel is -1 and the weights are NaN; at the
///           poles the azimuth counts as 0
/// Accuracy  pixels as pixelise; weights 3.1e-8, of which 3e-8 is a float's rounding, for an efficiency up to 1
/// Threads   any number gives the same bits
/// Throws    std::invalid_argument if sizes disagree, nside is no power of two up to 8192, or the detector's
///           quaternion is not of unit length; outputs untouched
/// Example   destripe::expand_pointing(boresight, {.quaternion = {0, 0, 0, 1}}, {}, {.nside = 256}, pixels, c, s);
template <class A = default_arch>
void expand_pointing(std::span<const double> boresight, const detector_pointing& detector,
                     std::span<const double> hwp_angle, const sphere& grid,
                     std::span<std::int32_t> pixels, std::span<float> cosine, std::span<float> sine,
                     int threads = 0) {
    constexpr const char* call = "expand_pointing";
    const std::size_t n = pixels.size();
    detail::check_sphere(grid);
    detail::check_detector(call, detector);
    detail::check_samples(call, "boresight", boresight.size(), 4, n);
    if (!hwp_angle.empty()) detail::check_samples(call, "hwp_angle", hwp_angle.size(), 1, n);
    if (!cosine.empty() || !sine.empty()) {
        detail::check_samples(call, "cosine", cosine.size(), 1, n);
        detail::check_samples(call, "sine", sine.size(), 1, n);
    }
    const detail::pointing_kernel<A> kernel(detector, !hwp_angle.empty(), grid);
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        const auto at = [](auto span, std::size_t k) { return span.empty() ? nullptr : &span[k]; };
        const std::size_t i =
            detail::for_each_tile<A>(begin, end, [&](std::size_t k, std::size_t count) {
                kernel(count, &boresight[4 * k], at(hwp_angle, k), &pixels[k], at(cosine, k),
                       at(sine, k));
            });
        if (i == end) return;
        detail::expand_rest<A>(kernel, boresight.subspan(4 * i, 4 * (end - i)), at(hwp_angle, i),
                               &pixels[i], at(cosine, i), at(sine, i));
    });
}

} // namespace destrier::destripe
