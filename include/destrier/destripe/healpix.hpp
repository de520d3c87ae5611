// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/healpix.hpp: which pixel of a HEALPix sphere a direction is in.
//
// A lane holds a sample, and everything is computed in double: pixels of both regions, the equatorial one and the
// polar caps, of which one is chosen; the azimuth in quarter turns, as the grid counts them; even the numbers of
// pixels, up to where nested ones interleave the bits of their two coordinates. Near the poles, where z hides
// them, distances are those from the axis.
//
// Samples go through the stages (vectors, azimuths, pixels) in tiles of some hundred: in one chain of all three it
// would be the latency of a register that counts.
//
//   sphere        a grid: nside, and the order in which its pixels are numbered
//   pixelise      pixels of directions
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// How pixels are numbered: quadrants within quadrants, or from the north along rings of latitude.
enum class ordering { nest, ring };

/// A HEALPix sphere of 12 nside^2 pixels of equal area.
///
/// Domain  nside is a power of two from 1 to 8192, so that a pixel fits 32 bits
struct sphere {
    static constexpr std::size_t most_nside = 8192;

    std::size_t nside;
    ordering order = ordering::nest;

    constexpr std::size_t pixels() const noexcept { return 12 * nside * nside; }
};

namespace detail {

inline void check_sphere(const sphere& s) {
    if (!std::has_single_bit(s.nside) || s.nside > sphere::most_nside) {
        throw std::invalid_argument("destripe::sphere: nside is " + std::to_string(s.nside) +
                                    ", expected a power of two from 1 to " +
                                    std::to_string(sphere::most_nside));
    }
}

inline void check_samples(const char* call, const char* name, std::size_t size, std::size_t per_sample,
                          std::size_t samples) {
    if (size != per_sample * samples) {
        throw std::invalid_argument("destripe::" + std::string(call) + ": " + name + " has " +
                                    std::to_string(size) + " elements, expected " +
                                    std::to_string(per_sample) + " for each of " +
                                    std::to_string(samples) + " pixels");
    }
}

// As many whole numbers as a register has doubles, and other numbers as many as that.
template <class A>
struct lanes_of {
    using doubles = typename batch<double, A>::register_type;
    typedef std::uint64_t integers __attribute__((vector_size(sizeof(doubles))));
    typedef std::int32_t pixels __attribute__((vector_size(sizeof(doubles) / 2)));
    typedef float floats __attribute__((vector_size(sizeof(doubles) / 2)));
};

template <class V>
DESTRIER_INLINE void store_lanes(V v, void* to) noexcept {
    __builtin_memcpy(to, &v, sizeof v);
}

/// Directions, as the grid counts them.
struct direction_tile {
    static constexpr std::size_t size = 256;

    // Of the azimuth, in any length; x then becomes its quarter turns in [0, 4).
    alignas(64) double x[size];
    alignas(64) double y[size];
    alignas(64) double z[size];   // cosine of the polar angle; NaN where there is no direction
    alignas(64) double cap[size]; // 3 (1 - |z|), exact where it is small
};

// (2 / pi) (atan(t) / t - 1) / t^2 in powers of t^2 for |t| <= tan(pi / 8): interpolated in 60 digits at Chebyshev's
// points. What is left of atan is 8e-17 of it at most.
inline constexpr std::array arc_series{
    -2.12206590789193239e-01, 1.27323954472869511e-01, -9.09456816419073888e-02, 7.07355208756174497e-02,
    -5.78741648557666161e-02, 4.89627778420275925e-02, -4.23327555702893363e-02, 3.65186247768495842e-02,
    -2.85417946667906111e-02, 1.44834353157564221e-02};

// Their sum, in a chain of half as many steps as there are terms.
template <class A>
DESTRIER_INLINE batch<double, A> arc_sum(batch<double, A> x) noexcept {
    using V = batch<double, A>;
    constexpr auto& a = arc_series;
    constexpr std::size_t pairs = a.size() / 2;
    const V square = x * x;
    V sum = fmadd(V(a[2 * pairs - 1]), x, V(a[2 * pairs - 2]));
    unroll<pairs - 1>([&](auto i) DESTRIER_UNROLLED {
        constexpr std::size_t k = 2 * (pairs - 2 - i);
        sum = fmadd(sum, square, fmadd(V(a[k + 1]), x, V(a[k])));
    });
    return sum;
}

/// The azimuth of (x, y) in quarter turns, in [0, 4); 0 on the axis. Exact at multiples of half of one.
template <class A>
DESTRIER_INLINE batch<double, A> quarter_turns(batch<double, A> x, batch<double, A> y) noexcept {
    using V = batch<double, A>;
    const V none(0.0), across = xsimd::abs(x), up = xsimd::abs(y);
    const V longer = greater(across, up), shorter = lesser(across, up);
    // Beyond pi / 8 the angle is counted from the diagonal. In every second octant it goes backwards.
    const auto beyond = shorter > V(0.41421356237309505) * longer, steep = up > across;
    const V side = xsimd::select(beyond, shorter - longer, shorter);
    const V opposite = xsimd::select(steep, -side, side) ^ ((x ^ y) & V(-0.0));
    const V adjacent = xsimd::select(beyond, shorter + longer, longer);
    const V first = xsimd::select(beyond, V(0.5), xsimd::select(steep, V(1.0), none));
    const V half = xsimd::select(x < none, V(2.0) - first, first);
    const V whole = xsimd::select(y < none, V(4.0) - half, half);
    const V t = opposite / adjacent; // on the axis NaN, which the end makes 0
    const V square = t * t, scaled = t * V(0.63661977236758134);
    const V turns = whole + fmadd(t * square, arc_sum<A>(square), scaled);
    return xsimd::select(turns < V(4.0), turns, none);
}

template <class A>
void find_azimuths(direction_tile& t, std::size_t count) noexcept {
    using V = batch<double, A>;
    for (std::size_t i = 0; i < count; i += V::size) {
        quarter_turns<A>(V::load_aligned(t.x + i), V::load_aligned(t.y + i)).store_aligned(t.x + i);
    }
}

/// Finds pixels. K. M. Gorski et al., Astrophys. J. 622 (2005) 759, sections 4 and 5.
template <class A>
class pixel_finder {
public:
    using V = batch<double, A>;
    using lanes = lanes_of<A>;
    using integers = typename lanes::integers;

    explicit pixel_finder(const sphere& s) noexcept
        : order_(std::countr_zero(s.nside)), ring_(s.order == ordering::ring),
          nside_(static_cast<double>(s.nside)) {}

    /// Of the first `count` directions, whole registers of them, all but whose azimuths are known.
    void operator()(direction_tile& t, std::size_t count, std::int32_t* pixels) const noexcept {
        find_azimuths<A>(t, count);
        const pixel_finder self = *this; // which nothing that is stored is a part of
        if (ring_) {
            self.each(t, count, pixels,
                      [&](const place& p) DESTRIER_UNROLLED { return bits(self.ring_pixel(p)); });
        } else {
            self.each(t, count, pixels,
                      [&](const place& p) DESTRIER_UNROLLED { return self.nest_pixel(p); });
        }
    }

private:
    using M = xsimd::batch_bool<double, A>;

    // Lines that ascend and descend from west to east cut the sphere into pixels. Each pixel has its number of
    // both kinds of lines, counted from the first one of the grid, or from the pole in a cap.
    struct place {
        V ascending, descending;
        V turns;
        M in_cap, south;
    };

    template <class F>
    DESTRIER_INLINE void each(const direction_tile& t, std::size_t count, std::int32_t* pixels,
                              F&& pixel_of) const noexcept {
        for (std::size_t i = 0; i < count; i += V::size) {
            const V z = V::load_aligned(t.z + i);
            const integers found =
                pixel_of(locate(V::load_aligned(t.x + i), z, V::load_aligned(t.cap + i)));
            const typename lanes::doubles unknown = z;
            store_lanes(
                __builtin_convertvector(found | (integers)(unknown != unknown), typename lanes::pixels),
                pixels + i);
        }
    }

    DESTRIER_INLINE place locate(V turns, V z, V cap) const noexcept {
        const V nside(nside_), middle = nside * (V(0.5) + turns), tilt = V(0.75 * nside_) * z;
        const V west = turns - rounded_down(turns), radius = nside * square_root(cap);
        const V most(nside_ - 0.5); // of a cap's lines; rounding may go beyond
        const M in_cap = xsimd::abs(z) > V(2.0 / 3);
        const V u = xsimd::select(in_cap, lesser(west * radius, most), middle - tilt);
        const V v = xsimd::select(in_cap, lesser((V(1.0) - west) * radius, most), middle + tilt);
        return {rounded_down(u), rounded_down(v), turns, in_cap, z < V(0.0)};
    }

    DESTRIER_INLINE V ring_pixel(const place& p) const noexcept {
        const V one(1.0), two(2.0), nside(nside_), around(4 * nside_), all(12 * nside_ * nside_);
        const V sum = p.ascending + p.descending;
        const V cap_ring = sum + one; // from the pole
        const V before = two * cap_ring * (cap_ring - one), until = two * cap_ring * (cap_ring + one);
        const V in_cap = rounded_down(p.turns * cap_ring) + xsimd::select(p.south, all - until, before);
        const V ring = nside + p.ascending - p.descending; // from the last one of the cap
        const V along = rounded_down(V(0.5) * (sum - nside + one));
        const V wrapped = xsimd::select(along < around, along, along - around);
        const V in_belt = V(2 * nside_ * (nside_ - 1)) + fmadd(ring, around, wrapped);
        return xsimd::select(p.in_cap, in_cap, in_belt);
    }

    DESTRIER_INLINE integers nest_pixel(const place& p) const noexcept {
        const V nside(nside_), face = rounded_down(p.turns);
        const V near = fmadd(face, nside, p.ascending);
        const V far = fmadd(face, nside, V(2 * nside_ - 1)) - p.descending;
        const V up = xsimd::select(p.in_cap, xsimd::select(p.south, far, near), p.ascending);
        const V down = xsimd::select(p.in_cap, xsimd::select(p.south, near, far), p.descending);
        const integers ascending = bits(up), descending = bits(down);
        const integers column = bits(lesser(up, down)) >> order_ & 3;
        const integers row =
            (ascending >> order_) - (descending >> order_) + 1; // 0 north, 1 belt, 2 south
        const integers inside = (std::uint64_t{1} << order_) - 1 + integers{};
        const integers both = (descending & inside) | (~ascending & inside) << 32;
        return (column << 2 * order_) + (row << (2 * order_ + 2)) + interleaved(both);
    }

    // The lower bits are the whole number that the lane holds, up to 2^51 in size.
    DESTRIER_INLINE static integers bits(V whole) noexcept {
        const typename lanes::doubles shifted = whole + V(0x1p52);
        return (integers)shifted;
    }

    // Bits 0 .. 13 to even places, bits 32 .. 45 to odd ones.
    DESTRIER_INLINE static integers interleaved(integers v) noexcept {
        v = (v | v << 8) & 0x00ff00ff00ff00ff;
        v = (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
        v = (v | v << 2) & 0x3333333333333333;
        v = (v | v << 1) & 0x5555555555555555;
        return v | v >> 31;
    }

    int order_;
    bool ring_;
    double nside_;
};

// Squares of lengths that are neither lost nor out of range.
template <class A>
DESTRIER_INLINE xsimd::batch_bool<double, A> has_length(batch<double, A> squared) noexcept {
    return (squared > batch<double, A>(1e-280)) & (squared < batch<double, A>(1e280));
}

template <class A>
DESTRIER_INLINE batch<double, A> nan_unless(xsimd::batch_bool<double, A> good,
                                            batch<double, A> v) noexcept {
    return xsimd::select(good, v, batch<double, A>(std::numeric_limits<double>::quiet_NaN()));
}

// Element `Part` of each of width<double, A> triples, which three registers hold.
template <std::size_t Part, class R, std::size_t... Lane>
DESTRIER_INLINE R every_third(R a, R b, R c, std::index_sequence<Lane...>) noexcept {
    constexpr std::size_t w = sizeof...(Lane);
    constexpr auto from_ab = [](std::size_t i) {
        return static_cast<int>(3 * i + Part < 2 * w ? 3 * i + Part : 0);
    };
    constexpr auto from_c = [](std::size_t i) {
        return static_cast<int>(3 * i + Part < 2 * w ? i : 3 * i + Part - w);
    };
    const R ab = __builtin_shufflevector(a, b, from_ab(Lane)...);
    return __builtin_shufflevector(ab, c, from_c(Lane)...);
}

// 1 / length of vectors, by the square of it. Most vectors are of unit length, or nearly so: of the binomial series
// 3e-17 is left.
template <class A>
DESTRIER_INLINE batch<double, A> inverse_length(batch<double, A> squared) noexcept {
    using V = batch<double, A>;
    const V excess = squared - V(1.0);
    const auto near = xsimd::abs(excess) < V(1e-4);
    const V slope = fmadd(excess, fmadd(excess, V(-5.0 / 16), V(3.0 / 8)), V(-1.0 / 2));
    const V series = fmadd(excess, slope, V(1.0));
    if (xsimd::all(near)) return series;
    return xsimd::select(near, series, V(1.0) / square_root(squared));
}

// Calls f(i, count) for tiles of whole registers of begin .. end - 1. What is left begins where it returns.
template <class A, class F>
std::size_t for_each_tile(std::size_t begin, std::size_t end, F&& f) noexcept {
    const std::size_t whole = end - (end - begin) % width<double, A>;
    for (std::size_t i = begin; i < whole; i += direction_tile::size)
        f(i, std::min(direction_tile::size, whole - i));
    return whole;
}

// Directions of vectors, whole registers of them.
template <class A>
void load_vectors(const double* xyz, std::size_t count, direction_tile& t) noexcept {
    using V = batch<double, A>;
    using R = typename V::register_type;
    constexpr std::size_t w = V::size;
    constexpr std::make_index_sequence<w> lanes;
    for (std::size_t i = 0; i < count; i += w) {
        const double* const from = xyz + 3 * i;
        const R a = V::load_unaligned(from), b = V::load_unaligned(from + w),
                c = V::load_unaligned(from + 2 * w);
        const V x = every_third<0>(a, b, c, lanes), y = every_third<1>(a, b, c, lanes);
        const V height = every_third<2>(a, b, c, lanes);
        const V across = fmadd(x, x, y * y), squared = fmadd(height, height, across);
        const V inverse = inverse_length<A>(squared), z = height * inverse;
        x.store_aligned(t.x + i);
        y.store_aligned(t.y + i);
        nan_unless<A>(has_length<A>(squared), z).store_aligned(t.z + i);
        // 1 - |z|
        (V(3.0) * across * inverse * inverse / (V(1.0) + xsimd::abs(z))).store_aligned(t.cap + i);
    }
}

} // namespace detail

/// Pixels of directions.
///
/// Shapes    xyz (n, 3), vectors of any length from 1e-140 to 1e140; pixels (n)
/// Aliasing  none
/// Domain    of a vector that is NaN, or shorter or longer than that, the pixel is -1
/// Accuracy  the pixel that holds the direction, or one beyond a border less than 2e-15 radians away; on axes and
///           meridians between quadrants HEALPix's own choice
/// Threads   any number gives the same pixels
/// Throws    std::invalid_argument if nside is no power of two up to 8192 or sizes disagree; pixels untouched
/// Source    K. M. Gorski et al., Astrophys. J. 622 (2005) 759
/// Example   destripe::pixelise({.nside = 256}, directions, pixels);
template <class A = default_arch>
void pixelise(const sphere& grid, std::span<const double> xyz, std::span<std::int32_t> pixels,
              int threads = 0) {
    detail::check_sphere(grid);
    detail::check_samples("pixelise", "xyz", xyz.size(), 3, pixels.size());
    const detail::pixel_finder<A> find(grid);
    parallel_ranges(pixels.size(), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        constexpr std::size_t w = width<double, A>;
        detail::direction_tile t;
        const std::size_t i =
            detail::for_each_tile<A>(begin, end, [&](std::size_t k, std::size_t count) {
                detail::load_vectors<A>(&xyz[3 * k], count, t);
                find(t, count, &pixels[k]);
            });
        if (i == end) return;
        std::array<double, 3 * w> rest{};
        std::array<std::int32_t, w> found;
        std::copy_n(&xyz[3 * i], 3 * (end - i), rest.begin());
        detail::load_vectors<A>(rest.data(), w, t);
        find(t, w, found.data());
        std::copy_n(found.begin(), end - i, &pixels[i]);
    });
}

} // namespace destrier::destripe
