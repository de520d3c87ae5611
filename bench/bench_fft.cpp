// SPDX-License-Identifier: BSD-3-Clause
//
// bench_fft: transforms of lane blocks, one thread.
//
// A row is one length. Its rate is 5 n log2(n) flop a complex transform, half of that a real one,
// whatever the algorithm really does. In cache (a block of 16 float or 8 double transforms) it is held
// against the FMA peak; out of cache, where bytes bound it, against a copy of the same bytes. Peers run
// in the layout that is best for them, transform after transform, in the same process.
#include <benchmark/benchmark.h>

#include <cmath>
#include <complex>
#include <string>

#if defined(DESTRIER_BENCH_FFTW)
#include <fftw3.h>
#endif
#if defined(DESTRIER_BENCH_MKL)
#include <mkl_dfti.h>
#endif

#include <destrier/fft.hpp>

#include "limits.hpp"

namespace {

using destrier::buffer;
using destrier::complex_blocks;
using destrier::line;
using destrier::real_blocks;

double flops(std::size_t n, std::size_t batch, bool real) {
    const double size = static_cast<double>(n);
    return (real ? 2.5 : 5) * size * std::log2(size) * static_cast<double>(batch);
}

template <class T>
void fill(buffer<T>& x) {
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<T>(std::sin(0.7 * static_cast<double>(i)));
}

// Bin k of the transform of problem 0, by the sum, in double.
template <class T, std::size_t Parts>
std::complex<double> bin(destrier::blocks<T, Parts> x, std::size_t k) {
    std::complex<double> sum = 0;
    for (std::size_t t = 0; t < x.elements(); ++t) {
        const double im = Parts == 2 ? static_cast<double>(x.at(0, t, Parts - 1)[0]) : 0;
        const double turn =
            static_cast<double>(k * t % x.elements()) / static_cast<double>(x.elements());
        sum += std::complex<double>(static_cast<double>(x.at(0, t)[0]), im) *
               std::polar(1.0, -2 * std::numbers::pi * turn);
    }
    return sum;
}

template <class T, std::size_t Parts>
bool is_transform(destrier::blocks<T, Parts> in, complex_blocks<T> out) {
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}, in.elements() / 3, in.elements() / 2}) {
        const std::complex<double> got(static_cast<double>(out.at(0, k, 0)[0]),
                                       static_cast<double>(out.at(0, k, 1)[0]));
        const double rms = std::sqrt(static_cast<double>(in.elements()));
        if (std::abs(got - bin(in, k)) > 100 * std::numeric_limits<T>::epsilon() * rms) return false;
    }
    return true;
}

#if defined(DESTRIER_BENCH_FFTW)
template <class T>
struct fftw; // the two precisions of its C interface
template <>
struct fftw<float> {
    static constexpr auto c2c = &fftwf_plan_many_dft;
    static constexpr auto r2c = &fftwf_plan_many_dft_r2c;
    static constexpr auto execute = &fftwf_execute;
    static constexpr auto destroy = &fftwf_destroy_plan;
    using complex = fftwf_complex;
};
template <>
struct fftw<double> {
    static constexpr auto c2c = &fftw_plan_many_dft;
    static constexpr auto r2c = &fftw_plan_many_dft_r2c;
    static constexpr auto execute = &fftw_execute;
    static constexpr auto destroy = &fftw_destroy_plan;
    using complex = fftw_complex;
};

// Seconds of FFTW (MEASURE) for a batch, transform after transform.
template <class T>
double fftw_seconds(std::size_t n, std::size_t batch, bool real) {
    const int size = static_cast<int>(n), half = size / 2 + 1, many = static_cast<int>(batch);
    buffer<T> in((real ? n : 2 * n) * batch), out(2 * (real ? n / 2 + 1 : n) * batch);
    auto* const to = reinterpret_cast<typename fftw<T>::complex*>(out.data());
    auto* const from = reinterpret_cast<typename fftw<T>::complex*>(in.data());
    const auto plan = real ? fftw<T>::r2c(1, &size, many, in.data(), nullptr, 1, size, to, nullptr, 1,
                                          half, FFTW_MEASURE)
                           : fftw<T>::c2c(1, &size, many, from, nullptr, 1, size, to, nullptr, 1, size,
                                          FFTW_FORWARD, FFTW_MEASURE);
    fill(in);
    const double seconds = limits::fastest([&] { fftw<T>::execute(plan); });
    fftw<T>::destroy(plan);
    return seconds;
}
#endif

#if defined(DESTRIER_BENCH_MKL)
// Seconds of MKL for a batch, transform after transform.
template <class T>
double mkl_seconds(std::size_t n, std::size_t batch, bool real) {
    const auto size = static_cast<MKL_LONG>(n), half = size / 2 + 1;
    buffer<T> in((real ? n : 2 * n) * batch), out(2 * (real ? n / 2 + 1 : n) * batch);
    const MKL_LONG one_thread = 1;
    DFTI_DESCRIPTOR_HANDLE plan = nullptr;
    DftiCreateDescriptor(&plan, sizeof(T) == 4 ? DFTI_SINGLE : DFTI_DOUBLE,
                         real ? DFTI_REAL : DFTI_COMPLEX, 1, size);
    DftiSetValue(plan, DFTI_NUMBER_OF_TRANSFORMS, static_cast<MKL_LONG>(batch));
    DftiSetValue(plan, DFTI_FWD_DISTANCE, size);
    DftiSetValue(plan, DFTI_BWD_DISTANCE, real ? half : size);
    DftiSetValue(plan, DFTI_PLACEMENT, DFTI_NOT_INPLACE);
    DftiSetValue(plan, DFTI_CONJUGATE_EVEN_STORAGE, DFTI_COMPLEX_COMPLEX);
    DftiSetValue(plan, DFTI_THREAD_LIMIT, one_thread);
    DftiCommitDescriptor(plan);
    fill(in);
    const double seconds = limits::fastest([&] { DftiComputeForward(plan, in.data(), out.data()); });
    DftiFreeDescriptor(&plan);
    return seconds;
}
#endif

// What every row reports beside its time; `seconds` is ours for one batch.
template <class T>
void report(benchmark::State& state, std::size_t n, std::size_t batch, bool real, double seconds) {
    state.counters["flops"] = flops(n, batch, real) / seconds;
    state.counters["of_peak"] = flops(n, batch, real) / seconds / limits::fma_peak<T>();
#if defined(DESTRIER_BENCH_FFTW)
    state.counters["vs_fftw"] = fftw_seconds<T>(n, batch, real) / seconds;
#endif
#if defined(DESTRIER_BENCH_MKL)
    state.counters["vs_mkl"] = mkl_seconds<T>(n, batch, real) / seconds;
#endif
}

// One block of complex (Parts = 2) or real transforms.
template <class T, class Plan, std::size_t Parts>
void in_cache(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0)), batch = line<T>;
    const std::size_t bins = Parts == 2 ? n : n / 2 + 1;
    buffer<T> in(destrier::blocks<T, Parts>::size_for(n, batch));
    buffer<T> out(complex_blocks<T>::size_for(bins, batch));
    const destrier::blocks<T, Parts> from(in.data(), n, batch);
    const complex_blocks<T> to(out.data(), bins, batch);
    const Plan plan(n);
    buffer<T> scratch(plan.scratch_size());
    const auto run = [&] { plan.forward(from, to, scratch.span()); };
    fill(in);
    run();
    if (!is_transform(from, to)) return state.SkipWithError("wrong transform");
    for (auto _ : state) run();
    report<T>(state, n, batch, Parts == 1, limits::fastest(run));
}
template <class T>
void c2c_in_cache(benchmark::State& state) {
    in_cache<T, destrier::fft::plan_c2c<T>, 2>(state);
}
template <class T>
void r2c_in_cache(benchmark::State& state) {
    in_cache<T, destrier::fft::plan_r2c<T>, 1>(state);
}

// 8 MB of transforms, one after the other, packed into blocks and back on the way.
template <class T>
void c2c_arrays(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::size_t batch = (std::size_t{4} << 20) / (2 * sizeof(T) * n);
    buffer<T> in(2 * n * batch), out(in.size());
    const auto complexes = [&](buffer<T>& x) {
        return destrier::view<std::complex<T>, 2>(reinterpret_cast<std::complex<T>*>(x.data()),
                                                  {batch, n});
    };
    const destrier::fft::plan_c2c<T> plan(n);
    buffer<T> scratch(plan.array_scratch_size());
    const auto run = [&] { plan.forward(complexes(in), complexes(out), scratch.span()); };
    fill(in);
    run();
    // the first transform again, from a block of its own
    buffer<T> data(complex_blocks<T>::size_for(n, 1)), transformed(data.size());
    const complex_blocks<T> block(data.data(), n, 1), result(transformed.data(), n, 1);
    destrier::pack(complexes(in).slice(0, 0, 1), block);
    destrier::pack(complexes(out).slice(0, 0, 1), result);
    if (!is_transform(block, result)) return state.SkipWithError("wrong transform");
    for (auto _ : state) run();
    report<T>(state, n, batch, false, limits::fastest(run));
}

// In place over 256 MB: every byte is read and written once, as a copy of half as much would.
template <class T>
void c2c_out_of_cache(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::size_t batch = (std::size_t{256} << 20) / (2 * sizeof(T) * n);
    buffer<T> data(complex_blocks<T>::size_for(n, batch));
    const complex_blocks<T> blocks(data.data(), n, batch);
    const destrier::fft::plan_c2c<T> plan(n);
    buffer<T> scratch(plan.scratch_size());
    const auto run = [&] { plan.forward(blocks, blocks, scratch.span()); };
    run();
    for (auto _ : state) run();
    const double bytes = 2.0 * static_cast<double>(data.size() * sizeof(T));
    state.counters["of_copy"] = bytes / limits::fastest(run) / limits::copy_bandwidth(1);
}

void lengths(benchmark::internal::Benchmark* b) {
    b->ArgName("n");
    for (const int n : {64, 256, 1000, 1009, 1024, 2304, 4096}) b->Arg(n);
}

BENCHMARK(c2c_in_cache<float>)->Apply(lengths);
BENCHMARK(c2c_in_cache<double>)->Apply(lengths);
BENCHMARK(r2c_in_cache<float>)->ArgName("n")->Arg(2304)->Arg(4096);
BENCHMARK(r2c_in_cache<double>)->ArgName("n")->Arg(2304)->Arg(4096);
BENCHMARK(c2c_arrays<float>)->ArgName("n")->Arg(64)->Arg(1024)->Arg(4096)->Unit(benchmark::kMicrosecond);
BENCHMARK(c2c_arrays<double>)
    ->ArgName("n")
    ->Arg(64)
    ->Arg(1024)
    ->Arg(4096)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(c2c_out_of_cache<float>)->ArgName("n")->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);

} // namespace
