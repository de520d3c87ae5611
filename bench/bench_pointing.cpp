// SPDX-License-Identifier: BSD-3-Clause
//
// bench_pointing: detectors' pointing and pixels, on one thread.
//
//   pixelise       directions to pixels
//   expand         the boresight's and the detector's quaternions to pixels, cos 2 psi and sin 2 psi; `plate`: from
//                  a half-wave plate's angles too
//
// Samples are those of a satellite that spins and precesses, in cache or in memory, or directions at random, where
// branches cannot be foreseen. A row's `items_per_second` and `ns_sample` are of one core, and it is held against
//
//   times_healpix  a loop over T_Healpix_Base::vec2pix of the HEALPix C++ library, a sample after another, with
//                  the same products of quaternions and, of weights, the same formula without angles
//   times_plain    the same loop with pixels found by the grid's definition, in place of the library
//   of_copy        where arrays leave the caches: the time of a copy of the same bytes, against ours
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#if defined(DESTRIER_BENCH_HEALPIX)
#include <healpix_cxx/healpix_base.h>
#endif

#include <destrier/destripe/pointing.hpp>
#include <destrier/memory.hpp>

#include "limits.hpp"
#include "peers.hpp"

namespace {

using destrier::buffer;
namespace destripe = destrier::destripe;
using destripe::ordering;
using destripe::sphere;

constexpr double pi = std::numbers::pi;

struct vector {
    double x, y, z;
};

struct quaternion {
    double x, y, z, w;

    friend quaternion operator*(const quaternion& p, const quaternion& q) {
        return {p.w * q.x + p.x * q.w + p.y * q.z - p.z * q.y,
                p.w * q.y - p.x * q.z + p.y * q.w + p.z * q.x,
                p.w * q.z + p.x * q.y - p.y * q.x + p.z * q.w,
                p.w * q.w - p.x * q.x - p.y * q.y - p.z * q.z};
    }
    vector z_axis() const { return {2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)}; }
    vector x_axis() const { return {1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)}; }
};

quaternion about_y(double angle) { return {0, std::sin(angle / 2), 0, std::cos(angle / 2)}; }
quaternion about_z(double angle) { return {0, 0, std::sin(angle / 2), std::cos(angle / 2)}; }

// Samples

enum class samples { scan, random };

/// A boresight that precesses 45 degrees from an axis, spins 50 degrees about that, and so sees all of the sky but its
/// poles' neighbourhood; or any rotation at random.
buffer<double> boresight(samples kind, std::size_t n) {
    buffer<double> q(4 * n);
    std::mt19937 generator(1);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < n; ++i) {
        const auto t = static_cast<double>(i);
        quaternion r = about_z(t * 5e-5) * about_y(pi / 4) * about_z(t * 3e-3) * about_y(50 * pi / 180);
        if (kind == samples::random) {
            r = {normal(generator), normal(generator), normal(generator), normal(generator)};
        }
        const double norm = std::sqrt(r.x * r.x + r.y * r.y + r.z * r.z + r.w * r.w);
        std::ranges::copy(std::array{r.x / norm, r.y / norm, r.z / norm, r.w / norm}, &q[4 * i]);
    }
    return q;
}
quaternion at(const buffer<double>& q, std::size_t i) {
    return {q[4 * i], q[4 * i + 1], q[4 * i + 2], q[4 * i + 3]};
}

// Peers

#if defined(DESTRIER_BENCH_HEALPIX)
/// Pixels by the HEALPix C++ library.
class healpix {
public:
    explicit healpix(const sphere& s)
        : base_(static_cast<int>(s.nside), s.order == ordering::ring ? RING : NEST, SET_NSIDE) {}
    std::int32_t operator()(const vector& v) const { return base_.vec2pix({v.x, v.y, v.z}); }

private:
    T_Healpix_Base<int> base_;
};
#endif

/// Pixels by the grid's definition, of unit vectors.
class plain {
public:
    explicit plain(const sphere& s)
        : nside_(static_cast<std::int32_t>(s.nside)), ring_(s.order == ordering::ring) {}

    std::int32_t operator()(const vector& v) const {
        const double azimuth = std::atan2(v.y, v.x) * (2 / pi), size = nside_, height = std::abs(v.z);
        const double turns = azimuth < 0 ? azimuth + 4 : azimuth;
        if (height <= 2.0 / 3) {
            return belt(floor(size * (0.5 + turns - 0.75 * v.z)),
                        floor(size * (0.5 + turns + 0.75 * v.z)));
        }
        const std::int32_t face = std::min(floor(turns), 3);
        const double west = turns - face, radius = size * std::sqrt(3 * (1 - height));
        return cap(face, std::min(floor(west * radius), nside_ - 1),
                   std::min(floor((1 - west) * radius), nside_ - 1), turns, v.z > 0);
    }

private:
    static std::int32_t floor(double x) { return static_cast<std::int32_t>(x); }

    std::int32_t belt(std::int32_t up, std::int32_t down) const {
        if (ring_) {
            const std::int32_t along = ((up + down - nside_ + 1) / 2) % (4 * nside_);
            return 2 * nside_ * (nside_ - 1) + (nside_ + up - down) * 4 * nside_ + along;
        }
        const std::int32_t u = up / nside_, d = down / nside_;
        const std::int32_t face = u == d ? (u & 3) + 4 : u < d ? u : d + 8;
        return nested(face, down % nside_, nside_ - 1 - up % nside_);
    }
    std::int32_t cap(std::int32_t face, std::int32_t up, std::int32_t down, double turns,
                     bool north) const {
        if (ring_) {
            const std::int32_t ring = up + down + 1, along = floor(turns * ring);
            return north ? 2 * ring * (ring - 1) + along
                         : 12 * nside_ * nside_ - 2 * ring * (ring + 1) + along;
        }
        return north ? nested(face, nside_ - 1 - down, nside_ - 1 - up) : nested(face + 8, up, down);
    }
    std::int32_t nested(std::int32_t face, std::int32_t x, std::int32_t y) const {
        return face * nside_ * nside_ + spread(x) + 2 * spread(y);
    }
    static std::int32_t spread(std::int32_t v) {
        v = (v | v << 8) & 0x00ff00ff;
        v = (v | v << 4) & 0x0f0f0f0f;
        v = (v | v << 2) & 0x33333333;
        return (v | v << 1) & 0x55555555;
    }

    std::int32_t nside_;
    bool ring_;
};

// What rows compute

struct directions {
    explicit directions(samples kind, std::size_t n) : xyz(3 * n), pixels(n) {
        const buffer<double> q = boresight(kind, n);
        for (std::size_t i = 0; i < n; ++i) {
            const vector v = at(q, i).z_axis();
            std::ranges::copy(std::array{v.x, v.y, v.z}, &xyz[3 * i]);
        }
    }
    static constexpr std::size_t bytes = 3 * sizeof(double) + sizeof(std::int32_t); // a sample

    void run(const sphere& grid) { destripe::pixelise(grid, xyz.span(), pixels.span(), 1); }

    template <class Peer>
    [[gnu::noinline]] void run(const Peer& pixel_of) {
        for (std::size_t i = 0; i < pixels.size(); ++i) {
            pixels[i] = pixel_of({xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2]});
        }
    }
    bool operator==(const directions& other) const { return std::ranges::equal(pixels, other.pixels); }

    buffer<double> xyz;
    buffer<std::int32_t> pixels;
};

struct detector {
    explicit detector(samples kind, std::size_t n, bool plate = false)
        : q(boresight(kind, n)), hwp_angle(plate ? n : 0), pixels(n), cosine(n), sine(n) {
        for (std::size_t i = 0; i < hwp_angle.size(); ++i) hwp_angle[i] = 0.6 * static_cast<double>(i);
    }
    static constexpr std::size_t bytes = 4 * sizeof(double) + sizeof(std::int32_t) + 2 * sizeof(float);

    void run(const sphere& grid) {
        const quaternion& o = offset;
        destripe::expand_pointing(
            q.span(), {.quaternion = {o.x, o.y, o.z, o.w}, .efficiency = 0.9, .gamma = gamma},
            hwp_angle.span(), grid, pixels.span(), cosine.span(), sine.span(), 1);
    }

    template <class Peer>
    [[gnu::noinline]] void run(const Peer& pixel_of) {
        for (std::size_t i = 0; i < pixels.size(); ++i) {
            const quaternion r = at(q, i) * offset;
            const vector z = r.z_axis(), x = r.x_axis();
            pixels[i] = pixel_of(z);
            // sin theta times x in the directions of south and east
            const double south = -x.z, east = z.x * x.y - z.y * x.x;
            const double scale = 0.9 / (south * south + east * east);
            double c = scale * (south * south - east * east), s = scale * 2 * south * east;
            if (!hwp_angle.empty()) {
                const double angle = 4 * (hwp_angle[i] - gamma), turned = c;
                c = c * std::cos(angle) - s * std::sin(angle);
                s = s * std::cos(angle) + turned * std::sin(angle);
            }
            cosine[i] = static_cast<float>(c);
            sine[i] = static_cast<float>(s);
        }
    }
    bool operator==(const detector& other) const {
        constexpr auto near = [](float a, float b) { return std::abs(a - b) < 2e-7f; };
        return std::ranges::equal(pixels, other.pixels) &&
               std::ranges::equal(cosine, other.cosine, near) &&
               std::ranges::equal(sine, other.sine, near);
    }

    static constexpr double gamma = 0.3;
    quaternion offset = about_z(1) * about_y(0.02) * about_z(-0.3);
    buffer<double> q, hwp_angle;
    buffer<std::int32_t> pixels;
    buffer<float> cosine, sine;
};

// Rows

/// Ours, once each peer has found the same, and how many times as long the peers take.
template <class Work, class... Rest>
void measure(benchmark::State& state, samples kind, std::size_t n, Rest... rest) {
    const sphere grid{static_cast<std::size_t>(state.range(0)),
                      state.range(1) != 0 ? ordering::ring : ordering::nest};
    Work ours(kind, n, rest...), theirs(kind, n, rest...);
    ours.run(grid);
    double plain_seconds = 0, healpix_seconds = 0;
    const auto right = [&](const auto& peer, double& seconds) {
        theirs.run(peer);
        if (!(ours == theirs)) return false;
        seconds = peers::seconds_of([&] { theirs.run(peer); });
        return true;
    };
    if (!right(plain(grid), plain_seconds)) return state.SkipWithError("not what the plain loop finds");
#if defined(DESTRIER_BENCH_HEALPIX)
    if (!right(healpix(grid), healpix_seconds)) return state.SkipWithError("not what HEALPix finds");
#endif
    const auto run = [&] {
        ours.run(grid);
        benchmark::ClobberMemory();
    };
    for (auto _ : state) run();
    const double seconds = peers::seconds_of(run);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
    state.counters["ns_sample"] = 1e9 * seconds / static_cast<double>(n);
    state.counters["times_plain"] = plain_seconds / seconds;
    if (healpix_seconds > 0) state.counters["times_healpix"] = healpix_seconds / seconds;
    if (n * Work::bytes > limits::l2_bytes()) {
        const double bytes = static_cast<double>(n * Work::bytes);
        state.counters["of_copy"] = bytes / limits::copy_bandwidth(1) / seconds;
    }
}

constexpr std::size_t in_cache = 1 << 14, in_memory = 1 << 22;

void pixelise(benchmark::State& state) { measure<directions>(state, samples::scan, in_cache); }
void pixelise_random(benchmark::State& state) { measure<directions>(state, samples::random, in_cache); }
void pixelise_memory(benchmark::State& state) { measure<directions>(state, samples::scan, in_memory); }
void expand(benchmark::State& state) { measure<detector>(state, samples::scan, in_cache); }
void expand_plate(benchmark::State& state) { measure<detector>(state, samples::scan, in_cache, true); }
void expand_random(benchmark::State& state) { measure<detector>(state, samples::random, in_cache); }
void expand_memory(benchmark::State& state) { measure<detector>(state, samples::scan, in_memory); }

using rows = benchmark::internal::Benchmark;

void grids(rows* b) {
    b->ArgNames({"nside", "ring"});
    for (const int nside : {64, 256, 2048}) b->Args({nside, 0})->Args({nside, 1});
}
void one_grid(rows* b) { b->ArgNames({"nside", "ring"})->Args({256, 0}); }

BENCHMARK(pixelise)->Apply(grids);
BENCHMARK(pixelise_random)->Apply(one_grid);
BENCHMARK(pixelise_memory)->Apply(one_grid);
BENCHMARK(expand)->Apply(grids);
BENCHMARK(expand_plate)->Apply(one_grid);
BENCHMARK(expand_random)->Apply(one_grid);
BENCHMARK(expand_memory)->Apply(one_grid);

} // namespace
