// SPDX-License-Identifier: BSD-3-Clause
//
// bench_fft_2d: transforms of one array (rows, columns), as images come.
//
// A row is one square size. Rates and peers are bench_fft's: 5 N log2(N) flop a complex transform of N
// points, half of that a real one; FFTW plans by MEASURE here.
#include <benchmark/benchmark.h>

#include <complex>

#include <destrier/fft.hpp>

#include "limits.hpp"
#include "peers.hpp"

namespace {

using destrier::buffer;
using destrier::view;
using peers::arrays;
using peers::complexes;
using peers::reals;
using peers::transform;
using peers::transform_case;
namespace fft = destrier::fft;

transform_case square(const benchmark::State& state, transform kind, bool in_place) {
    const auto n = static_cast<std::size_t>(state.range(0));
    return {.shape = {n, n}, .kind = kind, .in_place = in_place};
}

template <class T>
void c2c_2d(benchmark::State& state) {
    const transform_case c = square(state, transform::c2c, true);
    arrays<T> data(c);
    const auto x = complexes(data.in(), input(c));
    const fft::plan_2d_c2c<T> plan(c.rows(), c.columns());
    buffer<T> scratch(plan.scratch_size(1));
    peers::measure<T>(
        state, c, [&] { plan.forward(x, x, scratch.span(), T(1), 1); },
        [&] { return is_transform(c, data.out()); });
}

template <class T>
void r2c_2d(benchmark::State& state) {
    const transform_case c = square(state, transform::r2c, false);
    arrays<T> data(c);
    const auto x = reals(data.in(), input(c));
    const auto spectrum = complexes(data.out(), output(c));
    const fft::plan_2d_r2c<T> plan(c.rows(), c.columns());
    buffer<T> scratch(plan.scratch_size(1));
    peers::measure<T>(
        state, c, [&] { plan.forward(x, spectrum, scratch.span(), T(1), 1); },
        [&] { return is_transform(c, data.out()); });
}

template <class T>
void c2r_2d(benchmark::State& state) {
    const transform_case c = square(state, transform::c2r, false);
    arrays<T> data(c);
    const auto spectrum = complexes(data.in(), input(c));
    const auto x = reals(data.out(), output(c));
    const fft::plan_2d_r2c<T> plan(c.rows(), c.columns());
    buffer<T> scratch(plan.scratch_size(1));
    peers::measure<T>(
        state, c, [&] { plan.backward(spectrum, x, scratch.span(), T(1), 1); },
        [&] { return is_transform(c, data.out()); });
}

void complex_sizes(benchmark::internal::Benchmark* b) {
    b->ArgName("n")->Unit(benchmark::kMillisecond);
    for (const int n : {512, 1024, 2048}) b->Arg(n);
}
void real_sizes(benchmark::internal::Benchmark* b) {
    b->ArgName("n")->Unit(benchmark::kMillisecond)->Arg(2304);
}

BENCHMARK(c2c_2d<float>)->Apply(complex_sizes);
BENCHMARK(r2c_2d<float>)->Apply(real_sizes);
BENCHMARK(c2r_2d<float>)->Apply(real_sizes);

} // namespace
