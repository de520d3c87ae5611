// SPDX-License-Identifier: BSD-3-Clause
//
// bench_limits: the machine's limits, against which the other benchmarks hold themselves, and what larger pages
// give (page_cases.hpp). Rates are 1/s of flops (items) and bytes; each measurement checks its own result.
#include <benchmark/benchmark.h>

#include "limits.hpp"
#include "page_cases.hpp"

namespace {

template <class T>
void fma_peak(benchmark::State& state) {
    for (auto _ : state) limits::fma_chains<T>::run();
    state.counters["flops"] =
        benchmark::Counter(limits::fma_chains<T>::flops, benchmark::Counter::kIsIterationInvariantRate);
}

void l2_read(benchmark::State& state) {
    const limits::l2_reads reads;
    for (auto _ : state) reads.run();
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(reads.bytes()));
}

// Runs one of the streams' loops, which moves so many arrays, and checks what it has written.
template <class F>
void stream(benchmark::State& state, F loop, int arrays, double written = 0) {
    limits::streams streams(static_cast<int>(state.range(0)));
    for (auto _ : state) (streams.*loop)();
    if (written != 0) streams.check_written(written);
    state.SetBytesProcessed(state.iterations() * arrays *
                            static_cast<std::int64_t>(limits::streams::array_bytes));
}

void threads(benchmark::internal::Benchmark* loop) {
    const int all = destrier::thread_count(0);
    loop->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
    if (all > 1) loop->Arg(all);
}

BENCHMARK(fma_peak<float>);
BENCHMARK(fma_peak<double>);
BENCHMARK(l2_read);
BENCHMARK_CAPTURE(stream, read, &limits::streams::read, 3)->Apply(threads);
BENCHMARK_CAPTURE(stream, copy, &limits::streams::copy, 2, 1.0)->Apply(threads);
BENCHMARK_CAPTURE(stream, triad, &limits::streams::triad, 3, 7.0)->Apply(threads);

void turns(benchmark::internal::Benchmark* kernel) {
    kernel->Iterations(9)->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(page_cases::compare<page_cases::untiled_scatter>)->Name("pages/untiled_scatter")->Apply(turns);
BENCHMARK(page_cases::compare<page_cases::tiled_scatter>)->Name("pages/tiled_scatter")->Apply(turns);
BENCHMARK(page_cases::compare<page_cases::plane_transform<2048>>)
    ->Name("pages/plane_2048")
    ->Apply(turns);
BENCHMARK(page_cases::compare<page_cases::plane_transform<4096>>)
    ->Name("pages/plane_4096")
    ->Apply(turns);

} // namespace
