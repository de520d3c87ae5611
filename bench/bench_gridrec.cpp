// SPDX-License-Identifier: BSD-3-Clause
//
// bench_gridrec: a batch of 16 slices of 2048 columns and 1501 angles, as a beamline takes them.
//
// A row is a preset and a number of threads; its counters are milliseconds a slice, for the whole and
// for each stage, and the ratio to TomoPy's own kernel on one thread, as its users run it (no padding at
// 2048 columns) and at equal padding. TomoPy takes part where DESTRIER_TOMOPY_GRIDREC names its shared
// library (libtomo-gridrec.so of an installed TomoPy). The data are the projections of a disc, and the
// disc must come back before anything is timed.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <numbers>
#include <string>
#include <vector>

#include <destrier/gridrec.hpp>

#include "limits.hpp"

namespace {

using destrier::buffer;
using destrier::view;
namespace gridrec = destrier::gridrec;

constexpr std::size_t columns = 2048, angles = 1501, slices = 16;
constexpr double center = columns / 2.0, radius = 0.4 * columns;

std::vector<double> theta() {
    std::vector<double> t(angles);
    for (std::size_t i = 0; i < angles; ++i) t[i] = std::numbers::pi * static_cast<double>(i) / angles;
    return t;
}

// The chord of a disc of value 1; `offset` columns of nothing come before the detector's own.
buffer<float> disc_sinogram(std::size_t width, std::size_t offset) {
    buffer<float> g(slices * angles * width);
    for (std::size_t i = 0; i < g.size(); ++i) {
        const double s = static_cast<double>(i % width) - static_cast<double>(offset) - center;
        g[i] = static_cast<float>(2 * std::sqrt(std::max(0.0, radius * radius - s * s)));
    }
    return g;
}

// The mean of the last slice within 0.9 of the disc's radius.
double mean_inside(const buffer<float>& f) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < columns * columns; ++i) {
        const double x = static_cast<double>(i % columns) - center,
                     y = static_cast<double>(i / columns) - center;
        if (std::hypot(x, y) > 0.9 * radius) continue;
        sum += static_cast<double>(f[(slices - 1) * columns * columns + i]);
        ++count;
    }
    return sum / static_cast<double>(count);
}

// TomoPy's C kernel, out of the shared library that its Python calls.
class tomopy {
public:
    static const tomopy& instance() {
        static const tomopy t;
        return t;
    }
    // Milliseconds a slice for projections of `width` columns, the detector's in the middle; 0 without it.
    double milliseconds(std::size_t width) const {
        if (!gridrec_) return 0;
        const std::size_t offset = (width - columns) / 2;
        const buffer<float> g = disc_sinogram(width, offset);
        buffer<float> f(slices * columns * columns);
        const std::vector<float> axis(slices, static_cast<float>(center + static_cast<double>(offset)));
        const std::vector<double> t = theta();
        const std::vector<float> radians(t.begin(), t.end());
        const float parameters[] = {0.5f, 8.0f};
        const double seconds = limits::fastest([&] {
            gridrec_(g.data(), int{slices}, int{angles}, static_cast<int>(width), axis.data(),
                     radians.data(), f.data(), int{columns}, int{columns}, "shepp", parameters);
        });
        return seconds * 1e3 / slices;
    }

private:
    using function = void (*)(const float*, int, int, int, const float*, const float*, float*, int, int,
                              const char*, const float*);
    tomopy() {
        const char* const path = std::getenv("DESTRIER_TOMOPY_GRIDREC");
        if (!path) return;
        void* const library = ::dlopen(path, RTLD_NOW);
        if (!library) throw std::runtime_error(::dlerror());
        gridrec_ = reinterpret_cast<function>(::dlsym(library, "gridrec"));
    }
    function gridrec_ = nullptr;
};

double tomopy_unpadded() {
    static const double ms = tomopy::instance().milliseconds(columns);
    return ms;
}
double tomopy_padded() {
    static const double ms = tomopy::instance().milliseconds(2 * columns);
    return ms;
}

void reconstruct(benchmark::State& state, gridrec::accuracy accuracy) {
    const int threads = static_cast<int>(state.range(0));
    const gridrec::plan<float> plan(theta(), columns, {.accuracy = accuracy});
    auto work = plan.make_workspace(threads);
    const buffer<float> g = disc_sinogram(columns, 0);
    buffer<float> f(slices * columns * columns);
    const auto run = [&] {
        plan.apply(view<const float, 3>(g.data(), {slices, angles, columns}), std::span(&center, 1),
                   view<float, 3>(f.data(), {slices, columns, columns}), work);
    };
    run();
    if (std::abs(mean_inside(f) - 1) > 1e-3)
        return state.SkipWithError("the disc did not come back as 1");

    const gridrec::stage_times before = work.times();
    for (auto _ : state) run();
    const gridrec::stage_times& after = work.times();
    const double per_slice =
        1e3 / static_cast<double>(static_cast<std::size_t>(state.iterations()) * slices);
    const double radial = (after.radial - before.radial) * per_slice;
    const double grid = (after.grid - before.grid) * per_slice;
    const double image = (after.image - before.image) * per_slice;
    const double ours = radial + grid + image;
    state.counters["ms_slice"] = ours;
    state.counters["ms_radial"] = radial;
    state.counters["ms_grid"] = grid;
    state.counters["ms_image"] = image;
    if (tomopy_unpadded() > 0) {
        state.counters["vs_tomopy"] = tomopy_unpadded() / ours;
        state.counters["vs_tomopy_padded"] = tomopy_padded() / ours;
    }
}

void threads(benchmark::internal::Benchmark* b) {
    const int all = destrier::thread_count(0);
    b->ArgName("threads")->Arg(1)->UseRealTime()->MinTime(3)->Unit(benchmark::kMillisecond);
    if (all > 1) b->Arg(all);
}

BENCHMARK_CAPTURE(reconstruct, fast, gridrec::accuracy::fast)->Apply(threads);
BENCHMARK_CAPTURE(reconstruct, standard, gridrec::accuracy::standard)->Apply(threads);
BENCHMARK_CAPTURE(reconstruct, accurate, gridrec::accuracy::accurate)->Apply(threads);

} // namespace
