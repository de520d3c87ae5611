// SPDX-License-Identifier: BSD-3-Clause
//
// bench_destripe: the normal equations of offsets, their set-up, and what else a solve consists of.
//
// The samples are those of four detectors of a satellite that spins about an axis that precesses. What destriping
// costs hangs on how many samples a baseline has in a pixel, as these make one entry, and on whether the map, of four
// doubles a pixel, fits into L2 (2 MB where this was written; the offsets fit, in all cases):
//
//   sparse    one, the worst case: 20 Hz, 4 turns a minute, pixels of 0.9 degrees; a map of 1.6 MB, 10 s a baseline
//   wide      the same, with 2 turns and pixels of half the size; a map of 6.3 MB
//   typical   three: 40 Hz, 2 turns a minute, pixels of 0.9 degrees; a map of 1.6 MB, 2 s a baseline
//
//   two_pass, one_pass   an iteration, in either form; <., ., float> keeps the map in float
//     ns_sample          time of an iteration
//     samples_entry      how many samples an entry holds
//     bytes_sample       what an iteration has to read and write at least: the entries, and once each array of
//                        pixels or baselines; `bytes` a second
//     of_read            of the bandwidth for reading memory on as many threads
//     lines_sample       bytes of the lines that it gathers from the map and the offsets, a line counted once for
//                        each baseline, or pixel, that needs it: they come from a cache, if it holds them
//     times_chain, times_madam   how much longer the others take (destripe_peers.hpp), on as many threads
//     set_up_ns          a sample's time in making the problem
//   solve_two_pass, solve_one_pass   conjugate gradients to 1e-8, of a shorter survey; times_madam: with that
//                        operator in their place
//   sums, invert         samples added to pixels, and pixels' matrices inverted
//   prior, banded        C_a^-1, and the preconditioner with a band of 20, on 16 chunks of an hour at 1 s
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <destrier/destripe.hpp>
#include <destrier/memory.hpp>

#include "destripe_peers.hpp"
#include "limits.hpp"
#include "peers.hpp"

namespace {

using destrier::buffer;
namespace destripe = destrier::destripe;
using destripe::components;
using destripe::packed;
using destripe::passes;
using destripe::stokes;

constexpr double pi = std::numbers::pi;

int thread_argument(const benchmark::State& state) { return static_cast<int>(state.range(0)); }

// Samples

struct sparse {
    static constexpr double rate = 20, turns_a_minute = 4, baseline_seconds = 10;
    static constexpr std::size_t nside = 64, samples = std::size_t{1} << 21; // of a detector
};
struct wide {
    static constexpr double rate = 20, turns_a_minute = 2, baseline_seconds = 10;
    static constexpr std::size_t nside = 128, samples = std::size_t{1} << 21;
};
struct typical {
    static constexpr double rate = 40, turns_a_minute = 2, baseline_seconds = 2;
    static constexpr std::size_t nside = 64, samples = std::size_t{1} << 21;
};
struct brief {
    static constexpr double rate = 40, turns_a_minute = 2, baseline_seconds = 2;
    static constexpr std::size_t nside = 32, samples = std::size_t{1} << 18;
};

constexpr double rcond_threshold = 1e-3;

using quaternion = std::array<double, 4>; // x y z w

quaternion operator*(const quaternion& p, const quaternion& q) {
    return {p[3] * q[0] + p[0] * q[3] + p[1] * q[2] - p[2] * q[1],
            p[3] * q[1] - p[0] * q[2] + p[1] * q[3] + p[2] * q[0],
            p[3] * q[2] + p[0] * q[1] - p[1] * q[0] + p[2] * q[3],
            p[3] * q[3] - p[0] * q[0] - p[1] * q[1] - p[2] * q[2]};
}
quaternion about_y(double angle) { return {0, std::sin(angle / 2), 0, std::cos(angle / 2)}; }
quaternion about_z(double angle) { return {0, 0, std::sin(angle / 2), std::cos(angle / 2)}; }

struct detector {
    explicit detector(std::size_t n) : pixels(n), cosine(n), sine(n), signal(n) {}
    buffer<std::int32_t> pixels;
    buffer<float> cosine, sine;
    buffer<double> signal;
    double weight = 1;
};

/// Two pairs of detectors, all of different angles. An axis that precesses once in 90 minutes, and slowly follows the Sun.
template <class Case>
class survey {
    static constexpr std::size_t count = 4;

public:
    survey() : baselines(destripe::equal_baselines(0, Case::samples, baseline_length)) {
        for (std::size_t d = 0; d < count; ++d) detectors.emplace_back(Case::samples);
        detectors[1].weight = 1.7;
        constexpr std::size_t piece = std::size_t{1} << 16;
        for (std::size_t at = 0; at < Case::samples; at += piece) point(at, piece);
        for (detector& d : detectors) observe(d);
    }

    static constexpr auto baseline_length =
        static_cast<std::size_t>(Case::rate * Case::baseline_seconds);
    static constexpr destripe::sphere grid{Case::nside};
    static constexpr std::size_t pixels = grid.pixels(), samples = count * Case::samples;
    std::size_t amplitudes() const { return count * baselines.size(); }

    destripe::chunk chunk(std::size_t k) const {
        const detector& d = detectors[k];
        return {.pixels = d.pixels.span(),
                .cosine = d.cosine.span(),
                .sine = d.sine.span(),
                .signal = d.signal.span(),
                .weight = d.weight,
                .baselines = baselines};
    }
    template <class T, stokes S>
    destripe::problem<T, S> problem(passes form, int threads) const {
        return {pixels,
                count,
                [this](std::size_t k) { return chunk(k); },
                {.rcond = rcond_threshold, .passes = form, .threads = threads}};
    }
    destripe_peers::survey for_peers() const {
        destripe_peers::survey all{{}, Case::samples, baseline_length, pixels};
        for (const detector& d : detectors) {
            all.detectors.push_back({d.pixels.span(), d.cosine.span(), d.sine.span(), d.weight});
        }
        return all;
    }

    std::vector<detector> detectors;
    std::vector<destripe::baseline> baselines;

private:
    void point(std::size_t begin, std::size_t n) {
        buffer<double> boresight(4 * n);
        for (std::size_t i = 0; i < n; ++i) {
            const double t = static_cast<double>(begin + i) / Case::rate;
            const quaternion q = about_z(2 * pi * t / (365 * 86400)) * about_y(pi / 2) *
                                 about_z(2 * pi * t / 5400) * about_y(pi / 4) *
                                 about_z(2 * pi * t * Case::turns_a_minute / 60) *
                                 about_y(50 * pi / 180);
            std::ranges::copy(q, &boresight[4 * i]);
        }
        for (std::size_t k = 0; k < count; ++k) {
            detector& d = detectors[k];
            const double side = k < 2 ? 0 : 3, angle = static_cast<double>(2 * k + k / 2) * pi / 8;
            destripe::expand_pointing(
                boresight.span(), {.quaternion = about_z(side) * about_y(0.01) * about_z(angle - side)},
                {}, grid, d.pixels.span().subspan(begin, n), d.cosine.span().subspan(begin, n),
                d.sine.span().subspan(begin, n));
        }
    }
    /// A sky that is a number for each pixel, offsets that walk, and white noise; weights as the library rounds them,
    /// so that all have the same.
    static void observe(detector& d) {
        double offset = 0;
        for (std::size_t i = 0; i < Case::samples; ++i) {
            if (i % baseline_length == 0) offset += peers::noise(i);
            d.cosine[i] = static_cast<float>(destripe::rounded_weight(d.cosine[i]));
            d.sine[i] = static_cast<float>(destripe::rounded_weight(d.sine[i]));
            const double sky = peers::noise(static_cast<std::size_t>(d.pixels[i]));
            d.signal[i] = offset + sky * (1 + 0.3 * static_cast<double>(d.cosine[i])) +
                          peers::noise(i + 0x100000000);
        }
    }
};

template <class Case>
const survey<Case>& the_survey() {
    static const survey<Case> made;
    return made;
}

// Truth

/// P' N^-1 P and P' N^-1 d, a sample after another.
template <stokes S, class Case>
struct plain_sums {
    explicit plain_sums(const survey<Case>& of)
        : matrices(of.pixels * packed<S>), signal(of.pixels * components<S>) {
        const auto all = of.for_peers();
        for (std::size_t k = 0; k < all.detectors.size(); ++k) {
            add(all.detectors[k], of.detectors[k].signal.span());
        }
    }
    void add(const destripe_peers::detector& d, std::span<const double> samples) {
        for (std::size_t i = 0; i < samples.size(); ++i) {
            double w[components<S>];
            destripe_peers::weights_of<S>(d, i, w);
            const auto pixel = static_cast<std::size_t>(d.pixels[i]);
            double* m = &matrices[pixel * packed<S>];
            for (std::size_t r = 0; r < components<S>; ++r) {
                signal[pixel * components<S> + r] += d.weight * w[r] * samples[i];
                for (std::size_t c = r; c < components<S>; ++c) *m++ += d.weight * w[r] * w[c];
            }
        }
    }
    buffer<double> matrices, signal;
};

/// The inverse of a packed matrix, by cofactors.
template <stokes S>
void invert_plainly(const double* m, double* inverse) {
    if constexpr (S == stokes::i) {
        inverse[0] = 1 / m[0];
    } else {
        const double a = m[3] * m[5] - m[4] * m[4], b = m[2] * m[4] - m[1] * m[5],
                     c = m[1] * m[4] - m[2] * m[3];
        const double scale = 1 / (m[0] * a + m[1] * b + m[2] * c);
        const double cofactors[] = {
            a, b, c, m[0] * m[5] - m[2] * m[2], m[1] * m[2] - m[0] * m[4], m[0] * m[3] - m[1] * m[1]};
        for (std::size_t k = 0; k < 6; ++k) inverse[k] = scale * cofactors[k];
    }
}

/// Whether x is y, to a part of the largest of y.
bool is_near(std::span<const double> x, std::span<const double> y, double tolerance) {
    double most = 0, difference = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        most = std::max(most, std::abs(y[i]));
        difference = std::max(difference, std::abs(x[i] - y[i]));
        if (std::isnan(x[i])) return false;
    }
    return difference <= tolerance * most;
}

/// What one survey's operator makes of some offsets, as the chain has it, and how long others take.
template <stokes S, class Case>
class others {
public:
    others() : offsets(of.amplitudes()), truth(of.amplitudes()), covariance(of.pixels * packed<S>) {
        set_covariance();
        for (std::size_t b = 0; b < offsets.size(); ++b) offsets[b] = peers::noise(b);
        for (const int threads : {1, 2}) {
            destripe_peers::chain<S> chain(of.for_peers(), covariance.span(), 12 * 16 * 16, threads);
            chain.apply(offsets.span(), truth.span());
            chain_seconds[threads] = limits::fastest([&] { chain.apply(offsets.span(), truth.span()); });
        }
        buffer<double> out(truth.size());
        for (const int threads : {1, 2}) {
            destripe_peers::madam<S> madam(of.for_peers(), covariance.span(), threads);
            madam.apply(offsets.span(), out.span());
            agree = agree && is_near(out.span(), truth.span(), 1e-12);
            madam_seconds[threads] = limits::fastest([&] { madam.apply(offsets.span(), out.span()); });
        }
    }

    const survey<Case>& of = the_survey<Case>();
    buffer<double> offsets, truth, covariance;
    bool agree = true;
    std::map<int, double> chain_seconds, madam_seconds;

private:
    /// Which pixels are well observed is the library's to say; not what is in them.
    void set_covariance() {
        const plain_sums<S, Case> sums(of);
        buffer<double> rcond(of.pixels);
        destripe::invert<S>(sums.matrices.span(), rcond_threshold, covariance.span(), rcond.span());
        for (std::size_t p = 0; p < of.pixels; ++p) {
            if (covariance[p * packed<S>] > 0) {
                invert_plainly<S>(&sums.matrices[p * packed<S>], &covariance[p * packed<S>]);
            }
        }
    }
};

template <stokes S, class Case>
const others<S, Case>& the_others() {
    static const others<S, Case> made;
    return made;
}

// Rows

/// Lines of 64 bytes that baselines need of a map of `pixel_bytes`, and pixels of the offsets.
template <class Case>
std::size_t lines(const survey<Case>& of, std::size_t pixel_bytes) {
    std::vector<std::size_t> baseline_of_line(of.pixels * pixel_bytes / 64 + 1),
        line_of_pixel(of.pixels);
    std::size_t count = 0, first = 1;
    for (const detector& d : of.detectors) {
        for (std::size_t i = 0; i < Case::samples; ++i) {
            const auto pixel = static_cast<std::size_t>(d.pixels[i]);
            const std::size_t b = first + i / of.baseline_length;
            count += std::exchange(baseline_of_line[pixel * pixel_bytes / 64], b) != b;
            count += std::exchange(line_of_pixel[pixel], 1 + (b - 1) / 8) != 1 + (b - 1) / 8;
        }
        first += of.baselines.size();
    }
    return count;
}

template <class Case, stokes S, class T>
void iteration(benchmark::State& state, passes form) {
    const auto& of = the_survey<Case>();
    const auto& them = the_others<S, Case>();
    const int threads = thread_argument(state);
    const auto start = std::chrono::steady_clock::now();
    const auto problem = of.template problem<T, S>(form, threads);
    const std::chrono::duration<double> set_up = std::chrono::steady_clock::now() - start;
    buffer<double> out(problem.size()), scratch(problem.scratch_size());
    const auto run = [&] {
        problem.apply(them.offsets.span(), out.span(), scratch.span());
        benchmark::ClobberMemory();
    };
    run();
    if (!them.agree) return state.SkipWithError("not what the others find of each other");
    if (!is_near(out.span(), them.truth.span(), sizeof(T) == 8 ? 1e-12 : 1e-6)) {
        return state.SkipWithError("not what the chain finds");
    }
    for (auto _ : state) run();
    const double seconds = limits::fastest(run), samples = static_cast<double>(problem.samples());
    const auto per_sample = [&](std::size_t bytes) { return static_cast<double>(bytes) / samples; };
    constexpr std::size_t pixel_bytes = destripe::detail::map_stride<S> * sizeof(T);
    const std::size_t pixels = of.pixels, baselines = problem.size();
    const bool two = form == passes::two;
    // Where entries begin, C, and m written and read; offsets, weights, diagonals.
    const std::size_t bytes =
        problem.entry_bytes() +
        pixels * 8 *
            (1 + packed<S>)+(two ? 2 * pixels * pixel_bytes + baselines * 8 * 8
                                 : baselines * 8 * (6 + 2 * destripe::one_pass_parts));
    state.counters["ns_sample"] = 1e9 * seconds / samples;
    state.counters["samples_entry"] = samples / static_cast<double>(problem.entries());
    state.counters["bytes_sample"] = per_sample(bytes);
    state.counters["bytes"] = static_cast<double>(bytes) / seconds;
    state.counters["of_read"] = static_cast<double>(bytes) / seconds / limits::read_bandwidth(threads);
    state.counters["lines_sample"] = per_sample(lines(of, pixel_bytes) * 64);
    state.counters["times_chain"] = them.chain_seconds.at(threads) / seconds;
    state.counters["times_madam"] = them.madam_seconds.at(threads) / seconds;
    state.counters["set_up_ns"] = 1e9 * set_up.count() / samples;
}

template <class Case, stokes S, class T>
void two_pass(benchmark::State& state) {
    iteration<Case, S, T>(state, passes::two);
}
template <class Case, stokes S, class T>
void one_pass(benchmark::State& state) {
    iteration<Case, S, T>(state, passes::one);
}

template <class Case, stokes S>
void solve(benchmark::State& state, passes form) {
    const auto& of = the_survey<Case>();
    const auto& them = the_others<S, Case>();
    const int threads = thread_argument(state);
    const auto problem = of.template problem<double, S>(form, threads);
    const auto solved = [&](const destripe::linear_system& equations) {
        const auto start = std::chrono::steady_clock::now();
        auto result = destripe::solve(equations, problem.rhs(), {.tolerance = 1e-8, .threads = threads});
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        return std::pair(std::move(result), spent.count());
    };
    destripe_peers::madam<S> madam(of.for_peers(), them.covariance.span(), threads);
    destripe::linear_system others = destripe::normal_equations(problem);
    others.apply = [&](std::span<const double> a, std::span<double> out) { madam.apply(a, out); };
    const auto [theirs, their_seconds] = solved(others);
    double seconds = 1e9;
    for (auto _ : state) {
        const auto [ours, our_seconds] = solved(destripe::normal_equations(problem));
        seconds = std::min(seconds, our_seconds);
        buffer<double> left(problem.size());
        madam.apply(ours.x, left.span());
        if (ours.reason != destripe::stop::converged || theirs.reason != destripe::stop::converged ||
            !is_near(left.span(), problem.rhs(), 1e-6)) {
            return state.SkipWithError("not a solution");
        }
        state.counters["iterations"] = static_cast<double>(ours.iterations);
        state.counters["ns_sample_iteration"] =
            1e9 * seconds / static_cast<double>(of.samples * ours.iterations);
    }
    state.counters["times_madam"] = their_seconds / seconds;
}
template <class Case, stokes S>
void solve_two_pass(benchmark::State& state) {
    solve<Case, S>(state, passes::two);
}
template <class Case, stokes S>
void solve_one_pass(benchmark::State& state) {
    solve<Case, S>(state, passes::one);
}

template <class Case, stokes S>
void sums(benchmark::State& state) {
    const auto& of = the_survey<Case>();
    const int threads = thread_argument(state);
    destripe::map_sums<S> sums(of.pixels, threads);
    for (std::size_t k = 0; k < of.detectors.size(); ++k) sums.add(k, of.chunk(k));
    const plain_sums<S, Case> truth(of);
    if (!is_near(sums.inverse_covariance(), truth.matrices.span(), 1e-12) ||
        !is_near(sums.signal(), truth.signal.span(), 1e-12)) {
        return state.SkipWithError("not the plain sums");
    }
    for (auto _ : state) sums.add(0, of.chunk(0));
    const double seconds = limits::fastest([&] { sums.add(0, of.chunk(0)); });
    state.counters["ns_sample"] = 1e9 * seconds / static_cast<double>(Case::samples);
    const double bytes = Case::samples * (8 + 4 + (S == stokes::i ? 0 : 8));
    state.counters["bytes"] = bytes / seconds;
    state.counters["of_read"] = bytes / seconds / limits::read_bandwidth(threads);
}

template <class Case, stokes S>
void invert(benchmark::State& state) {
    const plain_sums<S, Case> sums(the_survey<Case>());
    const int threads = thread_argument(state);
    const std::size_t pixels = sums.matrices.size() / packed<S>;
    buffer<double> inverse(sums.matrices.size()), rcond(pixels);
    const auto run = [&] {
        destripe::invert<S>(sums.matrices.span(), rcond_threshold, inverse.span(), rcond.span(),
                            threads);
    };
    run();
    for (std::size_t p = 0; p < pixels; ++p) {
        double truth[packed<S>] = {};
        if (rcond[p] >= rcond_threshold) invert_plainly<S>(&sums.matrices[p * packed<S>], truth);
        if (!is_near(inverse.span().subspan(p * packed<S>, packed<S>), truth, 1e-12)) {
            return state.SkipWithError("not the inverse by cofactors");
        }
    }
    for (auto _ : state) run();
    state.counters["ns_pixel"] = 1e9 * limits::fastest(run) / static_cast<double>(pixels);
}

/// 16 chunks of an hour at 1 s, of 1/f noise.
struct hours {
    static constexpr std::size_t chunks = 16, each = 3600, size = chunks * each;
    static constexpr double rate = 20;

    explicit hours(int threads) : prior(models, parts(), 1.0, rate, threads) {}
    static std::vector<destripe::prior_chunk> parts() {
        std::vector<destripe::prior_chunk> all;
        for (std::size_t k = 0; k < chunks; ++k) all.push_back({k * each, each, 0});
        return all;
    }
    /// Element (i, j) of a chunk's C_a^-1, from its eigenvalues and eigenvectors.
    double element(std::size_t i, std::size_t j) const {
        constexpr auto n = static_cast<double>(each);
        const auto cosine = [](std::size_t k, std::size_t at) {
            return std::cos(pi * static_cast<double>(k * (2 * at + 1) % (4 * each)) / (2 * n));
        };
        double sum = 0;
        for (std::size_t k = 0; k < each; ++k) {
            sum += (k == 0 ? 1 : 2) / n / spectrum[k] * cosine(k, i) * cosine(k, j);
        }
        return sum;
    }

    const std::vector<destripe::noise_model> models = {destripe::one_over_f(1, 0.1, 1.7, 1e-5, rate)};
    const std::vector<double> spectrum = destripe::offset_spectrum(models[0], rate, 1.0, 2 * each);
    const destripe::offset_prior<> prior;
};

constexpr std::size_t some_places[] = {0, 1, 700, hours::each - 1};

void report_baselines(benchmark::State& state, double seconds) {
    state.counters["ns_baseline"] = 1e9 * seconds / static_cast<double>(hours::size);
}

void prior(benchmark::State& state) {
    const hours h(thread_argument(state));
    buffer<double> a(h.size), out(h.size), scratch(h.prior.scratch_size());
    for (const std::size_t j : some_places) {
        std::ranges::fill(a, 0.0);
        std::ranges::fill(out, 0.0);
        a[j] = 1;
        h.prior.add(a.span(), out.span(), scratch.span());
        for (const std::size_t i : some_places) {
            if (!(std::abs(out[i] - h.element(i, j)) <= 1e-12 * h.element(j, j))) {
                return state.SkipWithError("not the sum over eigenvectors");
            }
        }
    }
    const auto run = [&] { h.prior.add(a.span(), out.span(), scratch.span()); };
    for (auto _ : state) run();
    report_baselines(state, peers::seconds_of(run));
}

void banded(benchmark::State& state) {
    const int threads = thread_argument(state);
    const hours h(threads);
    const buffer<double> good = [] {
        buffer<double> all(hours::size);
        for (std::size_t b = 0; b < all.size(); ++b) all[b] = 19 + peers::noise(b);
        return all;
    }();
    const destripe::banded_preconditioner<> band(h.prior, good.span(), 20, threads);
    buffer<double> r(h.size), z(h.size), scratch(band.scratch_size());
    for (std::size_t b = 0; b < r.size(); ++b) r[b] = peers::noise(b + r.size());
    const auto run = [&] { band.apply(r.span(), z.span(), scratch.span()); };
    run();
    if (band.tapered() + band.diagonal_only() > 0) return state.SkipWithError("not the whole band");
    for (const std::size_t i : some_places) {
        double sum = good[i] * z[i] - r[i];
        for (std::size_t j = i - std::min(i, band.width()); j < h.each && j <= i + band.width(); ++j) {
            sum += h.element(i, j) * z[j];
        }
        if (!(std::abs(sum) <= 1e-5)) return state.SkipWithError("does not solve the band");
    }
    for (auto _ : state) run();
    report_baselines(state, peers::seconds_of(run));
}

using rows = benchmark::internal::Benchmark;

void both(rows* b) {
    b->ArgName("threads")->Arg(1)->Arg(2)->MinTime(0.1)->Unit(benchmark::kMillisecond)->UseRealTime();
}
void once(rows* b) {
    b->ArgName("threads")->Arg(1)->Arg(2)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK(two_pass<sparse, stokes::i, double>)->Apply(both);
BENCHMARK(two_pass<sparse, stokes::i, float>)->Apply(both);
BENCHMARK(one_pass<sparse, stokes::i, double>)->Apply(both);
BENCHMARK(two_pass<sparse, stokes::iqu, double>)->Apply(both);
BENCHMARK(two_pass<sparse, stokes::iqu, float>)->Apply(both);
BENCHMARK(one_pass<sparse, stokes::iqu, double>)->Apply(both);
BENCHMARK(two_pass<wide, stokes::iqu, double>)->Apply(both);
BENCHMARK(two_pass<wide, stokes::iqu, float>)->Apply(both);
BENCHMARK(one_pass<wide, stokes::iqu, double>)->Apply(both);
BENCHMARK(two_pass<typical, stokes::i, double>)->Apply(both);
BENCHMARK(two_pass<typical, stokes::i, float>)->Apply(both);
BENCHMARK(one_pass<typical, stokes::i, double>)->Apply(both);
BENCHMARK(two_pass<typical, stokes::iqu, double>)->Apply(both);
BENCHMARK(two_pass<typical, stokes::iqu, float>)->Apply(both);
BENCHMARK(one_pass<typical, stokes::iqu, double>)->Apply(both);
BENCHMARK(solve_two_pass<brief, stokes::iqu>)->Apply(once);
BENCHMARK(solve_one_pass<brief, stokes::iqu>)->Apply(once);
BENCHMARK(sums<typical, stokes::i>)->Apply(both);
BENCHMARK(sums<typical, stokes::iqu>)->Apply(both);
BENCHMARK(invert<typical, stokes::iqu>)->Apply(both);
BENCHMARK(prior)->Apply(both);
BENCHMARK(banded)->Apply(both);

} // namespace
