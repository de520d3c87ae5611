// SPDX-License-Identifier: BSD-3-Clause
//
// bench_fft: transforms of length n, in batches.
//
// A row is one length. Its rate, `flops`, is 5 n log2(n) flop a complex transform, half of that a real
// one, whatever the algorithm really does; `bytes` is that of input and output together. It is held
// against the FMA peak and, where the data leave L2, against a copy of the same bytes; and against peers
// on the same batch, transform after transform, which is the layout that is best for them.
//
//   in_cache      one lane block of 16 float or 8 double transforms, out of place
//   any_order     the same in place, spectra in the order of the passes
//   arrays        8 MB of transforms one after the other, as peers have them; c2c in place
//   out_of_cache  256 MB of lane blocks, in place
//   threads       8 blocks a thread, in place, against 8 blocks on one thread
#include <benchmark/benchmark.h>

#include <algorithm>
#include <complex>
#include <vector>

#include <destrier/fft.hpp>

#include "limits.hpp"
#include "peers.hpp"

namespace {

using destrier::buffer;
using destrier::complex_blocks;
using destrier::line;
using destrier::view;
using peers::arrays;
using peers::complexes;
using peers::reals;
using peers::transform;
using peers::transform_case;
namespace fft = destrier::fft;

std::size_t length(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

template <class T>
complex_blocks<T> make_blocks(buffer<T>& data, std::size_t n, std::size_t batch) {
    data = buffer<T>(complex_blocks<T>::size_for(n, batch));
    return {data.data(), n, batch};
}

// Every spectrum of a batch in the natural order.
template <class T>
void reorder(const fft::plan_c2c<T>& plan, const view<std::complex<T>, 2>& spectra) {
    std::vector<std::complex<T>> natural(plan.size());
    for (std::size_t i = 0; i < spectra.extent(0); ++i) {
        for (std::size_t e = 0; e < plan.size(); ++e) natural[plan.frequency(e)] = spectra(i, e);
        std::copy(natural.begin(), natural.end(), &spectra(i, 0));
    }
}

// Lane blocks, which a case's arrays are packed into before and out of which they are unpacked after.
template <class T>
void c2c_blocks(benchmark::State& state, const transform_case& c,
                fft::order order = fft::order::natural) {
    const std::size_t n = length(state);
    buffer<T> in, out;
    const complex_blocks<T> from = make_blocks(in, n, c.batch);
    const complex_blocks<T> to = c.in_place ? from : make_blocks(out, n, c.batch);
    destrier::pack(complexes(arrays<T>(c).in(), input(c)), from);
    const fft::plan_c2c<T> plan(n, order);
    buffer<T> scratch(plan.scratch_size());
    peers::measure<T>(
        state, c, [&] { plan.forward(from, to, scratch.span()); },
        [&] {
            arrays<T> data(c);
            destrier::unpack(to, complexes(data.out(), output(c)));
            reorder(plan, complexes(data.out(), output(c)));
            return is_transform(c, data.out());
        });
}

template <class T>
void c2c_in_cache(benchmark::State& state) {
    c2c_blocks<T>(state, {.shape = {length(state)}, .batch = line<T>});
}

template <class T>
void c2c_any_order(benchmark::State& state) {
    c2c_blocks<T>(state, {.shape = {length(state)}, .batch = line<T>, .in_place = true},
                  fft::order::any);
}

template <class T>
void c2c_out_of_cache(benchmark::State& state) {
    const std::size_t n = length(state), batch = (std::size_t{256} << 20) / (2 * sizeof(T) * n);
    c2c_blocks<T>(state, {.shape = {n}, .batch = batch, .in_place = true});
}

template <class T>
void c2c_arrays(benchmark::State& state) {
    const std::size_t n = length(state), batch = (std::size_t{8} << 20) / (2 * sizeof(T) * n);
    const transform_case c{.shape = {n}, .batch = batch, .in_place = true};
    arrays<T> data(c);
    const auto x = complexes(data.in(), input(c));
    const fft::plan_c2c<T> plan(n);
    buffer<T> scratch(plan.array_scratch_size());
    peers::measure<T>(
        state, c, [&] { plan.forward(x, x, scratch.span()); },
        [&] { return is_transform(c, data.out()); });
}

// 4 MB of real numbers and as much of half spectra.
template <class T>
transform_case real_case(std::size_t n, transform kind) {
    return {.shape = {n}, .batch = (std::size_t{4} << 20) / (sizeof(T) * n), .kind = kind};
}

template <class T>
void r2c_arrays(benchmark::State& state) {
    const transform_case c = real_case<T>(length(state), transform::r2c);
    arrays<T> data(c);
    const fft::plan_r2c<T> plan(length(state));
    buffer<T> scratch(plan.array_scratch_size());
    const auto x = reals(data.in(), input(c));
    const auto spectra = complexes(data.out(), output(c));
    peers::measure<T>(
        state, c, [&] { plan.forward(x, spectra, scratch.span()); },
        [&] { return is_transform(c, data.out()); });
}

template <class T>
void c2r_arrays(benchmark::State& state) {
    const transform_case c = real_case<T>(length(state), transform::c2r);
    arrays<T> data(c);
    const fft::plan_r2c<T> plan(length(state));
    buffer<T> scratch(plan.array_scratch_size());
    const auto spectra = complexes(data.in(), input(c));
    const auto x = reals(data.out(), output(c));
    peers::measure<T>(
        state, c, [&] { plan.backward(spectra, x, scratch.span()); },
        [&] { return is_transform(c, data.out()); });
}

// What several threads do, each with 8 blocks that stay in its L2.
template <class T>
class shared_work {
public:
    shared_work(std::size_t n, int threads)
        : c_{.shape = {n}, .batch = 8 * line<T> * static_cast<std::size_t>(threads), .in_place = true},
          threads_(threads), plan_(n), blocks_(make_blocks(data_, n, c_.batch)),
          scratch_(plan_.scratch_size(threads), {}, threads) {}

    const transform_case& work() const { return c_; }
    void run() { plan_.forward(blocks_, blocks_, scratch_.span(), T(1), threads_); }
    double seconds() {
        return peers::seconds_of([&] { run(); });
    }

private:
    transform_case c_;
    int threads_;
    fft::plan_c2c<T> plan_;
    buffer<T> data_;
    complex_blocks<T> blocks_;
    buffer<T> scratch_;
};

template <class T>
void c2c_threads(benchmark::State& state) {
    const auto threads = static_cast<int>(state.range(1));
    shared_work<T> work(length(state), threads), alone(length(state), 1);
    for (auto _ : state) work.run();
    const double seconds = work.seconds(), flops = peers::flops(work.work()) / seconds;
    state.counters["flops"] = flops;
    state.counters["bytes"] = peers::bytes<T>(work.work()) / seconds;
    state.counters["of_peak"] = flops / limits::fma_peak<T>() / threads;
    state.counters["speedup"] = flops / (peers::flops(alone.work()) / alone.seconds());
}

using rows = benchmark::internal::Benchmark;

void any_length(rows* b) {
    b->ArgName("n");
    for (const int n : {64, 128, 256, 512, 1024, 2048, 2304, 4096}) b->Arg(n);
    for (const int smooth : {60, 100, 360, 1000, 1920, 5040}) b->Arg(smooth);
    for (const int prime : {101, 1009, 8191}) b->Arg(prime);
}
void array_lengths(rows* b) {
    b->ArgName("n")->Unit(benchmark::kMillisecond);
    for (const int n : {64, 256, 1024, 4096, 16384}) b->Arg(n);
}
void real_lengths(rows* b) {
    b->ArgName("n")->Unit(benchmark::kMillisecond);
    for (const int n : {256, 1024, 4096}) b->Arg(n);
}
void threaded(rows* b) {
    b->ArgNames({"n", "threads"})->UseRealTime();
    const int all = destrier::thread_count(0);
    for (const int n : {256, 1024}) {
        b->Args({n, 2});
        if (all > 2) b->Args({n, all});
    }
}

BENCHMARK(c2c_in_cache<float>)->Apply(any_length);
BENCHMARK(c2c_in_cache<double>)->Apply(any_length);
BENCHMARK(c2c_any_order<float>)->ArgName("n")->Arg(256)->Arg(1024)->Arg(4096);
BENCHMARK(c2c_arrays<float>)->Apply(array_lengths);
BENCHMARK(c2c_arrays<double>)->Apply(array_lengths);
BENCHMARK(r2c_arrays<float>)->Apply(real_lengths);
BENCHMARK(r2c_arrays<double>)->Apply(real_lengths);
BENCHMARK(c2r_arrays<float>)->Apply(real_lengths);
BENCHMARK(c2r_arrays<double>)->Apply(real_lengths);
BENCHMARK(c2c_out_of_cache<float>)->Apply(real_lengths);
BENCHMARK(c2c_out_of_cache<double>)->Apply(real_lengths);
BENCHMARK(c2c_threads<float>)->Apply(threaded);
BENCHMARK(c2c_threads<double>)->Apply(threaded);

} // namespace
