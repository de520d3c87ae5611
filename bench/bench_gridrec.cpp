// SPDX-License-Identifier: BSD-3-Clause
//
// bench_gridrec: a batch of 16 slices of 2048 columns and 1501 angles, as a beamline takes them.
//
//   reconstruct   plan::apply with each preset
//     ms_slice, ms_radial, ms_grid, ms_image   milliseconds a slice, for the whole and for each stage: of the
//                      iteration whose time is the median
//     of_radial, of_grid, of_image   the least time the machine allows for a stage, of the time it took. The least
//                      is the longest of three, which the label names: memory (the bytes below, at the bandwidth of
//                      a copy by streamed stores, or of reading), arithmetic (nominal flop of the transforms, and
//                      two fused operations for a sample's re and im in each cell, at the FMA peak), and, for the
//                      grid, stores (each line that samples add to, once for all samples of the same cell, at the
//                      rate of stores to L1)
//     bytes_slice      what the stages move through memory, counted from the geometry (traffic_of)
//     bytes            the same, a second
//     speed_up         on rows of several threads: against one, which takes turns with them
//     error            relative L2 error within the field of view, on Gaussians, whose projections and image are
//                      both known
//     vs_tomopy, vs_tomopy_padded   TomoPy's time on one thread, as its users run it (no padding at 2048 columns)
//                      and at equal padding (4096), by ours: both take turns, the median of their ratios
//     tomopy_error, tomopy_error_scaled, error_ratio   TomoPy's error at equal padding; with its best scale taken
//                      out; and the latter by ours
//   project, apply_adjoint   the way back; times_apply: the time apply takes by theirs
//   one_slice          plan_single; times_plan: the time plan takes for that slice, by its time
//   axes               one slice with 16 rotation axes, as lanes of one batch; ms_axis
//   at_once            64 threads, as many as a node of Knights Landing has cores, however few there are here: 128
//                      slices of 512 columns and 375 angles, so many batches at once. The time is that of all CPUs;
//                      work: by that of one thread, what threads that share batches do in all
//
// TomoPy takes part where DESTRIER_TOMOPY_GRIDREC names its shared library (libtomo-gridrec.so of an installed
// TomoPy). Every result is checked before it is timed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/gridrec.hpp>
#include <destrier/gridrec/single.hpp>

#include "limits.hpp"

namespace {

using destrier::batch;
using destrier::buffer;
using destrier::view;
namespace gridrec = destrier::gridrec;

constexpr std::size_t columns = 2048, angles = 1501, slices = destrier::line<float>;
constexpr double center = columns / 2.0;
constexpr std::size_t pixels = columns * columns;

std::vector<double> theta(std::size_t count = angles) {
    std::vector<double> t(count);
    for (std::size_t i = 0; i < count; ++i)
        t[i] = std::numbers::pi * static_cast<double>(i) / static_cast<double>(count);
    return t;
}

// The object: Gaussians all over the field of view, whose spectra end long before the detector's.

struct gaussian {
    double x, y, sigma, value;
};
constexpr gaussian object[] = {{0, 0, 60, 1},
                               {-310, 220, 25, 0.8},
                               {420, 390, 40, 0.5},
                               {170, -640, 30, 1.2},
                               {-800, -250, 20, 0.7}};

double exp_of_square(double distance, double sigma) {
    return std::exp(-0.5 * distance * distance / (sigma * sigma));
}

// Projections of one slice; `offset` columns of nothing come before the detector's own.
std::vector<float> projections(std::size_t width, std::size_t offset) {
    std::vector<float> g(angles * width);
    const std::vector<double> t = theta();
    for (std::size_t i = 0; i < g.size(); ++i) {
        const double s = static_cast<double>(i % width) - static_cast<double>(offset) - center;
        const double c = std::cos(t[i / width]), n = std::sin(t[i / width]);
        for (const gaussian& o : object)
            g[i] += static_cast<float>(o.value * o.sigma * std::sqrt(2 * std::numbers::pi) *
                                       exp_of_square(s - o.x * c - o.y * n, o.sigma));
    }
    return g;
}

// The same one in every slice.
buffer<float> sinogram(std::size_t width = columns, std::size_t offset = 0) {
    const std::vector<float> one = projections(width, offset);
    buffer<float> g(slices * one.size());
    for (std::size_t s = 0; s < slices; ++s) std::ranges::copy(one, g.data() + s * one.size());
    return g;
}

// The image, row 0 at y = `top`.
std::vector<float> image(double top) {
    std::vector<float> f(pixels);
    for (std::size_t i = 0; i < pixels; ++i) {
        const double x = static_cast<double>(i % columns) - center,
                     y = top - static_cast<double>(i / columns);
        for (const gaussian& o : object)
            f[i] += static_cast<float>(o.value * exp_of_square(std::hypot(x - o.x, y - o.y), o.sigma));
    }
    return f;
}

// The relative L2 error of a slice within the field of view, as it is and with its best scale taken out.
struct errors {
    double plain, scaled;
};
errors errors_of(const float* slice, double top) {
    const std::vector<float> truth = image(top);
    double of_slice = 0, of_truth = 0, of_both = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
        const double x = static_cast<double>(i % columns) - center,
                     y = static_cast<double>(i / columns) - center;
        if (std::hypot(x, y) >= columns / 2 - 1) continue;
        const double f = static_cast<double>(slice[i]), g = static_cast<double>(truth[i]);
        of_slice += f * f;
        of_truth += g * g;
        of_both += f * g;
    }
    return {std::sqrt((of_slice - 2 * of_both + of_truth) / of_truth),
            std::sqrt(1 - of_both * of_both / (of_slice * of_truth))};
}

// Times

// Seconds of each of the calls, `rounds` times in turn, so that what disturbs the machine disturbs all.
template <class... F>
std::vector<std::array<double, sizeof...(F)>> take_turns(int rounds, F&&... calls) {
    const auto seconds = [](auto&& call) {
        using clock = std::chrono::steady_clock;
        const auto start = clock::now();
        call();
        return std::chrono::duration<double>(clock::now() - start).count();
    };
    std::vector<std::array<double, sizeof...(F)>> times;
    for (int round = 0; round < rounds; ++round) times.push_back({seconds(calls)...});
    return times;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::ranges::nth_element(values, middle);
    return *middle;
}

// The median over the rounds of the time of call a by that of call b.
template <class Times>
double ratio(const Times& times, std::size_t a, std::size_t b) {
    std::vector<double> ratios;
    for (const auto& round : times) ratios.push_back(round[a] / round[b]);
    return median(ratios);
}

// TomoPy's C kernel, out of the shared library that its Python calls.
class tomopy {
public:
    static const tomopy& instance() {
        static const tomopy t;
        return t;
    }
    bool is_there() const { return gridrec_; }

    // Of projections of `width` columns, the detector's in the middle.
    class scan {
    public:
        explicit scan(std::size_t width)
            : width_(width), g_(sinogram(width, offset())), f_(slices * pixels), radians_(angles),
              axis_(slices, static_cast<float>(center + static_cast<double>(offset()))) {
            std::ranges::transform(theta(), radians_.begin(),
                                   [](double t) { return static_cast<float>(t); });
        }
        void reconstruct() {
            const float parameters[] = {0.5f, 8.0f};
            instance().gridrec_(g_.data(), int{slices}, int{angles}, static_cast<int>(width_),
                                axis_.data(), radians_.data(), f_.data(), int{columns}, int{columns},
                                "ramlak", parameters);
        }
        // Its row 0 lies half a detector less one pixel above the axis.
        errors error() const { return errors_of(f_.data(), center - 1); }

    private:
        std::size_t offset() const { return (width_ - columns) / 2; }

        std::size_t width_;
        buffer<float> g_, f_;
        std::vector<float> radians_, axis_;
    };

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

// The machine's limits

// Byte/s of the faster of reading and copying by streamed stores.
double memory_bandwidth(int threads) {
    static std::map<int, double> known;
    const auto [place, is_new] = known.try_emplace(threads);
    if (is_new) {
        constexpr std::size_t lines = (std::size_t{1} << 29) / 64, w = destrier::width<float>;
        constexpr std::size_t size = lines * destrier::line<float>;
        buffer<float> from(size, {}, threads), to(size, {}, threads);
        const double seconds = limits::fastest([&] {
            destrier::parallel_ranges(lines, threads, [&](std::size_t begin, std::size_t end, auto) {
                for (std::size_t i = begin * destrier::line<float>; i < end * destrier::line<float>;
                     i += w)
                    destrier::stream(to.data() + i, batch<float>::load_aligned(from.data() + i));
                destrier::stream_fence();
            });
        });
        const double copied = 2 * static_cast<double>(size * sizeof(float)) / seconds;
        place->second = std::max(limits::read_bandwidth(threads), copied);
    }
    return place->second;
}

// Byte/s that a core stores to L1.
double store_bandwidth() {
    static const double bandwidth = [] {
        constexpr std::size_t passes = 10000, size = 2048, w = destrier::width<float>;
        buffer<float> to(size);
        const double seconds = limits::fastest([&] {
            for (std::size_t pass = 0; pass < passes; ++pass) {
                asm volatile("" ::: "memory"); // each pass stores again
                const batch<float> value(static_cast<float>(pass));
                for (std::size_t i = 0; i < size; i += w) value.store_aligned(to.data() + i);
            }
        });
        limits::check(to[size - 1] == passes - 1, "store_bandwidth");
        return static_cast<double>(passes * size * sizeof(float)) / seconds;
    }();
    return bandwidth;
}

// What a stage has to do for a batch, whoever does it.
struct work_done {
    double bytes, flops, stores; // stores in bytes
};
struct stages {
    work_done radial, grid, image;
    double bytes() const { return radial.bytes + grid.bytes + image.bytes; }
};

double real_transform_flops(std::size_t n) {
    return 2.5 * static_cast<double>(n) * std::log2(static_cast<double>(n));
}

constexpr std::size_t taps_of(gridrec::accuracy a) {
    return a == gridrec::accuracy::fast ? 6 : a == gridrec::accuracy::standard ? 7 : 8;
}

// Cells of the half plane that are the first one of the taps of some sample.
template <class Plan>
std::size_t cells_with_samples(const Plan& plan, std::size_t taps) {
    const std::size_t m = plan.grid_size();
    const double scale = static_cast<double>(m) / static_cast<double>(plan.radial_size());
    std::vector<bool> seen((m / 2 + 1 + taps) * (m + 1 + taps));
    for (const double t : theta()) {
        const double step = std::cos(t) < 0 ? -scale : scale; // into the half plane u >= 0
        for (std::size_t bin = 0; bin <= plan.radial_size() / 2; ++bin) {
            const auto first = [&](double x) {
                const double reach = 0.5 * static_cast<double>(taps);
                return static_cast<std::size_t>(std::ceil(x - reach) + static_cast<double>(taps));
            };
            const double r = step * static_cast<double>(bin);
            seen[first(r * std::cos(t)) * (m + 1 + taps) +
                 first(r * std::sin(t) + 0.5 * static_cast<double>(m))] = true;
        }
    }
    return static_cast<std::size_t>(std::ranges::count(seen, true));
}

// The spectra, and the rows of the grid that have been transformed along v, are written once and read once;
// so are sinograms, samples (16 bytes each) and the volume read or written. What is smaller stays in cache.
template <class Plan>
stages traffic_of(const Plan& plan, gridrec::accuracy accuracy) {
    const auto number = [](std::size_t n) { return static_cast<double>(n); };
    const std::size_t bins = plan.radial_size() / 2 + 1, rows = plan.grid_size() / 2 + 1;
    const std::size_t taps = taps_of(accuracy), cell = 2 * sizeof(float) * slices;
    const double samples = number(angles * bins), lanes = number(slices);
    const double sinograms = number(slices * angles * columns * sizeof(float));
    const double spectra = samples * number(cell), volume = number(slices * pixels * sizeof(float));
    const double panels = number(rows * columns * cell);
    return {.radial = {.bytes = sinograms + spectra,
                       .flops = lanes * (number(angles) * real_transform_flops(plan.radial_size()) +
                                         8 * samples), // by the phase, and by the gain
                       .stores = 0},
            .grid = {.bytes = spectra + 16 * samples + panels,
                     .flops = lanes * (number(rows) * 2 * real_transform_flops(plan.grid_size()) +
                                       samples * number(4 * taps * taps + 2 * taps)),
                     .stores = number(cells_with_samples(plan, taps) * taps * taps * cell)},
            .image = {.bytes = panels + volume,
                      .flops = lanes * (number(columns) * real_transform_flops(plan.grid_size()) +
                                        number(pixels)),
                      .stores = 0}};
}

// The least seconds that a stage takes, and what makes it so.
struct bound {
    double seconds;
    const char* by;
};
bound bound_of(const work_done& w, int threads) {
    const bound bounds[] = {{w.bytes / memory_bandwidth(threads), "memory"},
                            {w.flops / limits::fma_peak<float>() / threads, "arithmetic"},
                            {w.stores / store_bandwidth() / threads, "stores"}};
    return *std::ranges::max_element(bounds, {}, &bound::seconds);
}

// Rows

view<const float, 3> slices_of(const buffer<float>& g, std::size_t count = slices) {
    return {g.data(), {count, angles, columns}};
}
view<float, 3> volume_of(buffer<float>& f, std::size_t count = slices) {
    return {f.data(), {count, columns, columns}};
}
view<const float, 3> volume_of(const buffer<float>& f) { return {f.data(), {slices, columns, columns}}; }

double total(const gridrec::stage_times& t) { return t.radial + t.grid + t.image; }

// Runs the benchmark's loop; the seconds of the stages in the iteration whose time is the median.
template <class Workspace, class Run>
gridrec::stage_times median_times(benchmark::State& state, const Workspace& work, Run&& run) {
    std::vector<gridrec::stage_times> all;
    gridrec::stage_times before = work.times();
    for (auto _ : state) {
        run();
        const gridrec::stage_times& now = work.times();
        all.push_back({now.radial - before.radial, now.grid - before.grid, now.image - before.image});
        before = now;
    }
    const auto middle = all.begin() + std::ssize(all) / 2;
    std::ranges::nth_element(all, middle, {}, total);
    return *middle;
}

void report(benchmark::State& state, const gridrec::stage_times& t, std::size_t count = slices) {
    const double scale = 1e3 / static_cast<double>(count);
    state.counters["ms_slice"] = total(t) * scale;
    state.counters["ms_radial"] = t.radial * scale;
    state.counters["ms_grid"] = t.grid * scale;
    state.counters["ms_image"] = t.image * scale;
}

void report_limits(benchmark::State& state, const gridrec::stage_times& t, const stages& done,
                   int threads) {
    const bound radial = bound_of(done.radial, threads), grid = bound_of(done.grid, threads),
                image = bound_of(done.image, threads);
    state.counters["of_radial"] = radial.seconds / t.radial;
    state.counters["of_grid"] = grid.seconds / t.grid;
    state.counters["of_image"] = image.seconds / t.image;
    state.counters["bytes_slice"] = done.bytes() / slices;
    state.counters["bytes"] = done.bytes() / total(t);
    state.SetLabel(std::string("radial: ") + radial.by + ", grid: " + grid.by + ", image: " + image.by);
}

// TomoPy and `run`, both on one thread.
template <class Run>
void compare_with_tomopy(benchmark::State& state, double error, Run&& run) {
    if (!tomopy::instance().is_there()) return;
    tomopy::scan unpadded(columns), padded(2 * columns);
    const auto times = take_turns(
        5, run, [&] { unpadded.reconstruct(); }, [&] { padded.reconstruct(); });
    state.counters["vs_tomopy"] = ratio(times, 1, 0);
    state.counters["vs_tomopy_padded"] = ratio(times, 2, 0);
    const errors theirs = padded.error();
    state.counters["tomopy_error"] = theirs.plain;
    state.counters["tomopy_error_scaled"] = theirs.scaled;
    state.counters["error_ratio"] = theirs.scaled / error;
}

constexpr double largest_error = 3e-4; // of `fast`

void reconstruct(benchmark::State& state, gridrec::accuracy accuracy) {
    const int threads = static_cast<int>(state.range(0));
    const gridrec::plan<float> plan(theta(), columns,
                                    {.filter = gridrec::filter::ramlak(), .accuracy = accuracy});
    const buffer<float> g = sinogram();
    buffer<float> f(slices * pixels);
    const auto run = [&](auto& work) {
        plan.apply(slices_of(g), std::span(&center, 1), volume_of(f), work);
    };
    auto work = plan.make_workspace(threads);
    run(work);
    const double error = errors_of(&f[(slices - 1) * pixels], center).plain;
    if (!(error <= largest_error)) return state.SkipWithError("the object did not come back");

    const gridrec::stage_times times = median_times(state, work, [&] { run(work); });
    report(state, times);
    report_limits(state, times, traffic_of(plan, accuracy), threads);
    state.counters["error"] = error;
    if (threads == 1) return compare_with_tomopy(state, error, [&] { run(work); });
    auto alone = plan.make_workspace(1);
    const auto turns = take_turns(
        7, [&] { run(alone); }, [&] { run(work); });
    state.counters["speed_up"] = ratio(turns, 0, 1);
}

bool are_projections(const buffer<float>& p, const buffer<float>& g) {
    const float most = *std::ranges::max_element(g);
    for (std::size_t i = 0; i < g.size(); ++i)
        if (!(std::abs(p[i] - g[i]) <= 1e-3f * most)) return false;
    return true;
}

double dot(const buffer<float>& a, const buffer<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

// The way back, of the object's image in every slice. `right(volume, image, sinogram, projections)` is told what
// apply made of the sinogram, and back of the image.
template <class Back, class Right>
void backward(benchmark::State& state, gridrec::accuracy accuracy, Back&& back, Right&& right) {
    const int threads = static_cast<int>(state.range(0));
    const gridrec::plan<float> plan(theta(), columns,
                                    {.filter = gridrec::filter::ramlak(), .accuracy = accuracy});
    auto work = plan.make_workspace(threads);
    const buffer<float> g = sinogram();
    const std::vector<float> one = image(center);
    buffer<float> f(slices * pixels), volume(f.size()), p(g.size());
    for (std::size_t s = 0; s < slices; ++s) std::ranges::copy(one, f.data() + s * pixels);
    const auto forth = [&] { plan.apply(slices_of(g), std::span(&center, 1), volume_of(volume), work); };
    const auto run = [&] {
        back(plan, volume_of(std::as_const(f)), view<float, 3>(p.data(), {slices, angles, columns}),
             work);
    };
    forth();
    run();
    if (!right(volume, f, g, p)) return state.SkipWithError("wrong projections");
    report(state, median_times(state, work, run));
    state.counters["times_apply"] = ratio(take_turns(7, forth, run), 0, 1);
}

void project(benchmark::State& state, gridrec::accuracy accuracy) {
    backward(
        state, accuracy,
        [](const auto& plan, auto f, auto p, auto& work) {
            plan.project(f, std::span(&center, 1), p, work);
        },
        [](const auto&, const auto&, const auto& g, const auto& p) { return are_projections(p, g); });
}

void apply_adjoint(benchmark::State& state, gridrec::accuracy accuracy) {
    backward(
        state, accuracy,
        [](const auto& plan, auto f, auto p, auto& work) {
            plan.apply_adjoint(f, std::span(&center, 1), p, work);
        },
        [](const auto& volume, const auto& f, const auto& g, const auto& p) {
            return std::abs(dot(g, p) / dot(volume, f) - 1) <= 1e-5;
        });
}

void one_slice(benchmark::State& state, gridrec::accuracy accuracy) {
    const int threads = static_cast<int>(state.range(0));
    const gridrec::options options{.filter = gridrec::filter::ramlak(), .accuracy = accuracy};
    const gridrec::plan_single<float> single(theta(), columns, options);
    const gridrec::plan<float> plan(theta(), columns, options);
    auto single_work = single.make_workspace(threads);
    auto work = plan.make_workspace(threads);
    const std::vector<float> g = projections(columns, 0);
    buffer<float> f(pixels);
    const auto run = [&](const auto& of, auto& in) {
        of.apply(view<const float, 3>(g.data(), {1, angles, columns}), std::span(&center, 1),
                 volume_of(f, 1), in);
    };
    run(single, single_work);
    if (!(errors_of(f.data(), center).plain <= largest_error))
        return state.SkipWithError("the object did not come back");
    report(state, median_times(state, single_work, [&] { run(single, single_work); }), 1);
    const auto turns = take_turns(
        7, [&] { run(plan, work); }, [&] { run(single, single_work); });
    state.counters["times_plan"] = ratio(turns, 0, 1);
}

// Half a pixel apart, so that the object comes back sharpest in the middle one.
void axes(benchmark::State& state, gridrec::accuracy accuracy) {
    const int threads = static_cast<int>(state.range(0));
    const gridrec::plan<float> plan(theta(), columns,
                                    {.filter = gridrec::filter::ramlak(), .accuracy = accuracy});
    auto work = plan.make_workspace(threads);
    const std::vector<float> g = projections(columns, 0);
    std::array<double, slices> centers{};
    for (std::size_t i = 0; i < slices; ++i)
        centers[i] = center + 0.5 * (static_cast<double>(i) - slices / 2.0);
    buffer<float> f(slices * pixels);
    const auto run = [&] {
        plan.apply(view<const float, 3>(g.data(), {slices, angles, columns}, {0, columns, 1}), centers,
                   volume_of(f), work);
    };
    run();
    if (!(errors_of(&f[slices / 2 * pixels], center).plain <= largest_error) ||
        !(errors_of(f.data(), center).plain > largest_error))
        return state.SkipWithError("the object did not come back about the right axis only");
    const gridrec::stage_times times = median_times(state, work, run);
    state.counters["ms_axis"] = total(times) * 1e3 / slices;
}

void at_once(benchmark::State& state) {
    constexpr std::size_t size = 512, lines = 375, count = 8 * slices;
    const auto batches = static_cast<std::size_t>(state.range(0));
    const gridrec::plan<float> plan(theta(lines), size, {.accuracy = gridrec::accuracy::fast});
    auto alone = plan.make_workspace(1),
         work = plan.make_workspace(64, plan.workspace_bytes(64, batches * slices));
    std::vector<float> g(lines * size);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<float>(i * 7919 % 1000);
    buffer<float> expected(count * size * size), f(count * size * size);
    const auto seconds = [&](auto& in, buffer<float>& to) {
        const double before = limits::cpu_seconds(), middle = size / 2.0;
        plan.apply(view<const float, 3>(g.data(), {count, lines, size}, {0, size, 1}),
                   std::span(&middle, 1), view<float, 3>(to.data(), {count, size, size}), in);
        return limits::cpu_seconds() - before;
    };
    seconds(alone, expected);
    seconds(work, f);
    if (!std::ranges::equal(f, expected)) return state.SkipWithError("other bits than one thread's");
    std::vector<double> ratios;
    for (auto _ : state) {
        const double of_one = seconds(alone, expected), of_all = seconds(work, f);
        state.SetIterationTime(of_all);
        ratios.push_back(of_all / of_one);
    }
    state.counters["work"] = median(ratios);
    state.SetLabel(std::to_string(work.slices() / slices) + " batches at once");
}

void threads(benchmark::internal::Benchmark* b) {
    const int all = destrier::thread_count(0);
    b->ArgName("threads")->Arg(1)->UseRealTime()->MinTime(3)->Unit(benchmark::kMillisecond);
    if (all > 1) b->Arg(all);
}
void one_thread(benchmark::internal::Benchmark* b) {
    b->ArgName("threads")->Arg(1)->UseRealTime()->MinTime(2)->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(reconstruct, fast, gridrec::accuracy::fast)->Apply(threads);
BENCHMARK_CAPTURE(reconstruct, standard, gridrec::accuracy::standard)->Apply(threads);
BENCHMARK_CAPTURE(reconstruct, accurate, gridrec::accuracy::accurate)->Apply(threads);
BENCHMARK_CAPTURE(project, fast, gridrec::accuracy::fast)->Apply(threads);
BENCHMARK_CAPTURE(project, standard, gridrec::accuracy::standard)->Apply(one_thread);
BENCHMARK_CAPTURE(apply_adjoint, fast, gridrec::accuracy::fast)->Apply(one_thread);
BENCHMARK_CAPTURE(one_slice, fast, gridrec::accuracy::fast)->Apply(threads);
BENCHMARK_CAPTURE(one_slice, standard, gridrec::accuracy::standard)->Apply(threads);
BENCHMARK_CAPTURE(axes, fast, gridrec::accuracy::fast)->Apply(one_thread);
BENCHMARK(at_once)
    ->ArgName("batches")
    ->Arg(1)
    ->Arg(2)
    ->Arg(4)
    ->Arg(8)
    ->Iterations(7)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
