// SPDX-License-Identifier: BSD-3-Clause
//
// bench_legendre: series, bases, quadrature and associated functions, on one thread.
//
// A row's `ns_value` is the time of one value; those of series have `flops`, 2 flop a term and value,
// whatever is really done, and `bytes` of what goes in and comes out. They are held against limits:
//
//   of_peak      flops against the FMA peak
//   of_ports     vector operations that the recurrence takes against those that two units could start:
//                Clenshaw 3 a degree, in powers 1, in differences 4, or 3.5 where two series share a
//                product; associated functions 4 a value
//   of_copy      the time of a copy of the same arrays, by ordinary or streamed stores, against ours
//   of_store     that of filling what comes out with a constant; of_l2_store where it stays in L2
//   times_plain  that of Clenshaw's recurrence in a plain loop, a point after another
//
//   one        a series at many points: a call's overhead, in cache, in memory
//   many       series at the same points: DESI's 25 fibres of 2400 wavelengths, in L2, and 500 of 6000
//   each       a point for each series
//   basis      the design matrix, of 9 terms
//   tiles      the same, handed to a consumer that adds up and leaves nothing in memory
//   gauss      nodes and weights
//   plm        associated functions of one m, added up; `plm_matrix` leaves them in memory
//
// legendre_peers.py measures numpy, numba and scipy beside this program.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include <destrier/legendre.hpp>
#include <destrier/legendre/gauss.hpp>
#include <destrier/legendre/plm.hpp>

#include "limits.hpp"
#include "peers.hpp"

namespace {

using destrier::batch;
using destrier::buffer;
using destrier::view;
using destrier::width;
namespace legendre = destrier::legendre;
using legendre::accuracy;

std::size_t argument(const benchmark::State& state, std::size_t i) {
    return static_cast<std::size_t>(state.range(i));
}

/// Numbers without pattern in [-1, 1); different seeds give different ones.
template <class T>
buffer<T> numbers(std::size_t n, std::uint64_t seed) {
    buffer<T> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<T>(peers::noise(i + seed * 0x100000001));
    return x;
}

// Truth

/// Calls f(P_k(x)) for k = 0 .. terms - 1.
template <class F>
void for_each_term(long double x, std::size_t terms, F&& f) {
    long double before = 0, p = 1;
    for (std::size_t k = 0; k < terms; ++k) {
        f(p);
        const auto n = static_cast<long double>(k);
        const long double next = ((2 * n + 1) * x * p - n * before) / (n + 1);
        before = p;
        p = next;
    }
}

/// Whether y is the series c at x, to the bound of `fast` over [-1, 1].
template <class T>
bool is_series(T x, view<const T, 1> c, T y) {
    const std::size_t terms = c.extent(0);
    long double sum = 0, size = 0;
    std::size_t k = 0;
    for_each_term(static_cast<long double>(x), terms, [&](long double p) {
        const auto term = static_cast<long double>(c(k++));
        sum += term * p;
        size += std::abs(term);
    });
    const auto degree = static_cast<long double>(terms - 1);
    const long double u = std::numeric_limits<T>::epsilon() / 2.0L;
    const long double bound = std::max(72.0L, 4 + degree * degree / 2) * u * size;
    return std::abs(static_cast<long double>(y) - sum) <= bound;
}

/// All of is_right(0) .. is_right(n - 1), or some 50000 of them, the last one always.
template <class F>
bool all_right(std::size_t n, F&& is_right) {
    for (std::size_t i = 0; i < n; i += n / 50000 + 1) {
        if (!is_right(i)) return false;
    }
    return is_right(n - 1);
}

// Limits

/// Seconds for writing all of `to` with f(i), i its registers, by whichever stores are faster.
template <class T, class F>
double fastest_stores(buffer<T>& to, F&& f) {
    constexpr std::size_t w = width<T>;
    const std::size_t whole = to.size() / w * w;
    const double ordinary = peers::seconds_of([&] {
        for (std::size_t i = 0; i < whole; i += w) f(i).store_aligned(to.data() + i);
        benchmark::ClobberMemory();
    });
    const double streamed = peers::seconds_of([&] {
        for (std::size_t i = 0; i < whole; i += w) destrier::stream(to.data() + i, f(i));
        destrier::stream_fence();
    });
    return std::min(ordinary, streamed);
}

template <class T>
double copy_seconds(const buffer<T>& from, buffer<T>& to) {
    return fastest_stores(to, [&](std::size_t i) { return batch<T>::load_aligned(from.data() + i); });
}

template <class T>
double store_seconds(buffer<T>& to) {
    return fastest_stores(to, [](std::size_t) { return batch<T>(T(1)); });
}

/// Clenshaw's recurrence, a point after another.
template <class T>
class plain_loop {
public:
    explicit plain_loop(std::size_t terms) : slope_(terms), back_(terms + 1) {
        for (std::size_t k = 0; k < terms; ++k) {
            slope_[k] = static_cast<T>(destrier::legendre_family::slope(k));
            back_[k + 1] = static_cast<T>(destrier::legendre_family::back(k + 1));
        }
    }
    [[gnu::noinline]] void operator()(std::span<const T> x, const T* c, T* y) const {
        for (std::size_t i = 0; i < x.size(); ++i) {
            T sum = 0, ahead = 0;
            for (std::size_t k = slope_.size(); k-- > 0;) {
                const T next = c[k] + slope_[k] * x[i] * sum - back_[k + 1] * ahead;
                ahead = sum;
                sum = next;
            }
            y[i] = sum;
        }
    }

private:
    std::vector<T> slope_, back_;
};

// Rows

// What a row takes. Without a count of operations it is multiply-adds that count, one a term and value.
struct amount {
    std::size_t values;
    double operations = 0;            // vector operations a value
    std::size_t terms = 0, bytes = 0; // of series whose flops tell something
};

/// A row: run() once, which must make right() true, then timed. Its time, in seconds.
template <class T, class Run, class Right>
double measure(benchmark::State& state, const amount& work, Run&& run, Right&& right) {
    run();
    if (!right()) {
        state.SkipWithError("wrong values");
        return 1;
    }
    for (auto _ : state) run();
    const double seconds = peers::seconds_of(run), peak = limits::fma_peak<T>();
    const double rate = static_cast<double>(work.values) / seconds;
    state.counters["ns_value"] = 1e9 / rate;
    const double flops = 2 * static_cast<double>(work.terms) * rate;
    if (work.terms > 0) {
        state.counters["flops"] = flops;
        state.counters["bytes"] = static_cast<double>(work.bytes) / seconds;
    }
    if (work.operations > 0) {
        state.counters["of_ports"] = work.operations * rate / (peak / 2);
    } else {
        state.counters["of_peak"] = flops / peak;
    }
    return seconds;
}

bool leaves_cache(std::size_t bytes) { return bytes > limits::l2_bytes(); }

// Vector operations that a point takes, as one_series.hpp and blocks.hpp count them.
double operations_of_one_series(accuracy how, std::size_t degree) {
    const double n = static_cast<double>(degree), terms = n + 1;
    if (how == accuracy::tight) return 4 * n;
    if (degree < legendre::detail::horner_terms) return n;
    if (degree < legendre::detail::blocks_terms) return 5 * std::ceil(terms / 4) + 5;
    return 3 * n;
}

template <class T>
void one_series(benchmark::State& state, accuracy how) {
    const std::size_t points = argument(state, 0), degree = argument(state, 1), terms = degree + 1;
    const buffer<T> x = numbers<T>(points, 1), c = numbers<T>(terms, 2);
    buffer<T> y(points);
    const std::size_t bytes = 2 * points * sizeof(T);
    amount work{points, operations_of_one_series(how, degree)};
    if (how == accuracy::fast && points >= 1000) work.terms = terms, work.bytes = bytes;
    const double ours = measure<T>(
        state, work,
        [&] {
            legendre::eval<T>(x.span(), c.span(), y.span(), {.accuracy = how});
            benchmark::ClobberMemory();
        },
        [&] {
            return all_right(points, [&](std::size_t i) {
                return is_series(x[i], view<const T, 1>(c.data(), {terms}), y[i]);
            });
        });
    const plain_loop<T> plain(terms);
    state.counters["times_plain"] =
        peers::seconds_of([&] { plain(x.span(), c.data(), y.data()); }) / ours;
    if (leaves_cache(bytes)) state.counters["of_copy"] = copy_seconds(x, y) / ours;
}

template <class T>
void one(benchmark::State& state) {
    one_series<T>(state, accuracy::fast);
}
template <class T>
void one_tight(benchmark::State& state) {
    one_series<T>(state, accuracy::tight);
}

template <class T>
void many_series(benchmark::State& state, accuracy how) {
    const std::size_t sets = argument(state, 0), points = argument(state, 1),
                      degree = argument(state, 2), terms = degree + 1, values = sets * points;
    const buffer<T> x = numbers<T>(points, 1), c = numbers<T>(sets * terms, 2);
    buffer<T> y(values);
    const view<const T, 2> series(c.data(), {sets, terms});
    const amount work = how == accuracy::tight
                            ? amount{values, 3.5 * static_cast<double>(degree)}
                            : amount{values, 0, terms, (points + sets * terms + values) * sizeof(T)};
    const double ours = measure<T>(
        state, work,
        [&] {
            legendre::eval<T>(x.span(), series, view<T, 2>(y.data(), {sets, points}), {.accuracy = how});
            benchmark::ClobberMemory();
        },
        [&] {
            return all_right(values, [&](std::size_t i) {
                return is_series(x[i % points], series.at(0, i / points), y[i]);
            });
        });
    const plain_loop<T> plain(terms);
    const double plainly = peers::seconds_of([&] {
        for (std::size_t s = 0; s < sets; ++s) plain(x.span(), &c[s * terms], &y[s * points]);
    });
    state.counters["times_plain"] = plainly / ours;
    state.counters[leaves_cache(values * sizeof(T)) ? "of_store" : "of_l2_store"] =
        store_seconds(y) / ours;
}

template <class T>
void many(benchmark::State& state) {
    many_series<T>(state, accuracy::fast);
}
template <class T>
void many_tight(benchmark::State& state) {
    many_series<T>(state, accuracy::tight);
}

template <class T>
void each(benchmark::State& state) {
    const std::size_t sets = argument(state, 0), degree = argument(state, 1), terms = degree + 1;
    const buffer<T> x = numbers<T>(sets, 1), c = numbers<T>(sets * terms, 2);
    buffer<T> y(sets);
    const view<const T, 2> series(c.data(), {sets, terms});
    const double ours = measure<T>(
        state, {sets, 3 * static_cast<double>(degree)},
        [&] {
            legendre::eval_each<T>(x.span(), series, y.span());
            benchmark::ClobberMemory();
        },
        [&] {
            return all_right(sets,
                             [&](std::size_t s) { return is_series(x[s], series.at(0, s), y[s]); });
        });
    const plain_loop<T> plain(terms);
    const double plainly = peers::seconds_of([&] {
        for (std::size_t s = 0; s < sets; ++s) plain(x.span().subspan(s, 1), &c[s * terms], &y[s]);
    });
    state.counters["times_plain"] = plainly / ours;
}

template <class T>
void basis(benchmark::State& state, bool by_term) {
    const std::size_t points = argument(state, 0), terms = argument(state, 1), values = points * terms;
    const buffer<T> x = numbers<T>(points, 1);
    buffer<T> p(values);
    const auto stride = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    const view<T, 2> out(p.data(), {terms, points},
                         {by_term ? stride(points) : 1, by_term ? 1 : stride(terms)});
    const double ours = measure<T>(
        state, {values, 3},
        [&] {
            legendre::basis<T>(x.span(), out);
            benchmark::ClobberMemory();
        },
        [&] {
            return all_right(points, [&](std::size_t i) {
                bool right = true;
                std::size_t k = 0;
                for_each_term(static_cast<long double>(x[i]), terms, [&](long double truth) {
                    const auto bound = (4 + static_cast<long double>(k * k) / 2) *
                                       std::numeric_limits<T>::epsilon() / 2;
                    right = right && std::abs(static_cast<long double>(out(k++, i)) - truth) <= bound;
                });
                return right;
            });
        });
    state.counters["of_store"] = store_seconds(p) / ours;
}

template <class T>
void basis_by_term(benchmark::State& state) {
    basis<T>(state, true);
}
template <class T>
void basis_by_point(benchmark::State& state) {
    basis<T>(state, false);
}

// The sum over the points of each term.
template <class T>
class term_sums {
public:
    explicit term_sums(std::size_t terms) : lanes_(terms * width<T>) {}

    void operator()(const legendre::basis_tile<T>& tile) {
        constexpr std::size_t w = width<T>;
        for (T* lanes = lanes_.begin(); lanes != lanes_.end(); lanes += w) {
            const T* const row = tile.row(static_cast<std::size_t>(lanes - lanes_.begin()) / w);
            auto sum = batch<T>::load_aligned(lanes);
            std::size_t i = 0;
            for (; i + w <= tile.count; i += w) sum += batch<T>::load_aligned(row + i);
            sum += destrier::load_head<destrier::default_arch>(row + i, tile.count - i);
            sum.store_aligned(lanes);
        }
        benchmark::ClobberMemory();
    }
    double of(std::size_t term) const {
        const T* const lanes = lanes_.data() + term * width<T>;
        return std::accumulate(lanes, lanes + width<T>, 0.0);
    }

private:
    buffer<T> lanes_;
};

template <class T>
void tiles(benchmark::State& state) {
    const std::size_t points = argument(state, 0), terms = argument(state, 1);
    const buffer<T> x = numbers<T>(points, 1);
    const auto sums = [&] {
        term_sums<T> all(terms);
        legendre::for_each_tile<T>(x.span(), terms, all);
        return all;
    };
    measure<T>(
        state, {points * terms, 3}, [&] { benchmark::DoNotOptimize(sums()); },
        [&] {
            std::vector<long double> truth(terms);
            for (const T point : x) {
                std::size_t k = 0;
                for_each_term(static_cast<long double>(point), terms,
                              [&](long double p) { truth[k++] += p; });
            }
            const auto all = sums();
            std::size_t k = 0;
            return std::ranges::all_of(truth, [&](long double sum) {
                return std::abs(all.of(k++) - static_cast<double>(sum)) <
                       1e-15 * static_cast<double>(points);
            });
        });
}

template <class T>
void gauss(benchmark::State& state) {
    const std::size_t n = argument(state, 0);
    std::vector<T> x(n), w(n);
    const auto run = [&] {
        legendre::gauss<T>(x, w);
        benchmark::ClobberMemory();
    };
    run();
    T one = 0, square = 0; // the integrals of 1 and of x^2
    for (std::size_t i = 0; i < n; ++i) {
        one += w[i];
        square += w[i] * x[i] * x[i];
    }
    if (std::abs(one - 2) > T(1e-12) || std::abs(square - T(2) / 3) > T(1e-12)) {
        return state.SkipWithError("wrong integrals");
    }
    for (auto _ : state) run();
    state.counters["ns_value"] = peers::seconds_of(run) * 1e9 / static_cast<double>(n);
}

// lambda_lm(theta) for l = m .. lmax and thetas from pole to pole.
template <class T>
class associated {
public:
    explicit associated(const benchmark::State& state)
        : lmax(argument(state, 0)), m(argument(state, 1)), theta(argument(state, 2)) {
        for (std::size_t i = 0; i < theta.size(); ++i) {
            theta[i] = static_cast<T>(std::numbers::pi * (static_cast<double>(i) + 0.5) /
                                      static_cast<double>(theta.size()));
        }
    }
    std::size_t degrees() const { return lmax - m + 1; }
    std::size_t values() const { return degrees() * theta.size(); }
    double truth(std::size_t l, std::size_t i) const {
        return std::sph_legendre(static_cast<unsigned>(l), static_cast<unsigned>(m),
                                 static_cast<double>(theta[i]));
    }

    std::size_t lmax, m;
    buffer<T> theta;
};

template <class T>
void plm(benchmark::State& state) {
    const associated<T> a(state);
    const legendre::plm<T> functions(a.lmax, a.m);
    constexpr std::size_t step = legendre::plm<T>::tile_size;
    buffer<T> sums(a.theta.size() + step); // over l, at each theta
    measure<T>(
        state, {a.values(), 4},
        [&] {
            for (std::size_t i = 0; i < a.theta.size(); i += step) {
                typename legendre::plm<T>::values sum{};
                functions.tile(a.theta.span().subspan(i, std::min(step, a.theta.size() - i)),
                               [&](std::size_t, const auto& lambda) DESTRIER_UNROLLED {
                                   destrier::unroll<legendre::plm<T>::registers>(
                                       [&](auto r) DESTRIER_UNROLLED { sum[r] += lambda[r]; });
                               });
                for (const auto& lanes : sum) {
                    lanes.store_unaligned(sums.data() + i +
                                          static_cast<std::size_t>(&lanes - sum.data()) * width<T>);
                }
            }
            benchmark::ClobberMemory();
        },
        [&] {
            for (std::size_t i = 0; i < a.theta.size(); i += a.theta.size() / 7) {
                double sum = 0;
                for (std::size_t l = a.m; l <= a.lmax; ++l) sum += a.truth(l, i);
                if (std::abs(static_cast<double>(sums[i]) - sum) > 1e-9 * static_cast<double>(a.lmax))
                    return false;
            }
            return true;
        });
}

template <class T>
void plm_matrix(benchmark::State& state) {
    const associated<T> a(state);
    const legendre::plm<T> functions(a.lmax, a.m);
    buffer<T> out(a.values());
    const view<T, 2> matrix(out.data(), {a.degrees(), a.theta.size()});
    const double ours = measure<T>(
        state, {a.values(), 4},
        [&] {
            functions.apply(a.theta.span(), matrix);
            benchmark::ClobberMemory();
        },
        [&] {
            for (std::size_t i = 0; i < a.theta.size(); i += a.theta.size() / 7) {
                for (std::size_t l = a.m; l <= a.lmax; l += 1 + a.degrees() / 50) {
                    const double value = static_cast<double>(matrix(l - a.m, i));
                    if (std::abs(value - a.truth(l, i)) > 1e-9) return false;
                }
            }
            return true;
        });
    state.counters["of_store"] = store_seconds(out) / ours;
}

using rows = benchmark::internal::Benchmark;

void any_number_of_points(rows* b) {
    b->ArgNames({"points", "degree"});
    b->Args({1, 6})->Args({74, 6})->Args({4096, 6})->Args({4096, 8})->Args({4096, 12});
    b->Args({1'000'000, 8})->Args({16'000'000, 8});
}
void some_points(rows* b) { b->ArgNames({"points", "degree"})->Args({4096, 12})->Args({1'000'000, 8}); }
void fibres(rows* b) {
    b->ArgNames({"sets", "points", "degree"});
    for (const int degree : {1, 3, 6, 12, 20}) b->Args({25, 2400, degree});
    b->Args({500, 6000, 8});
}
void some_fibres(rows* b) {
    b->ArgNames({"sets", "points", "degree"})->Args({25, 2400, 6})->Args({25, 2400, 12});
}
void matrices(rows* b) { b->ArgNames({"points", "terms"})->Args({1'000'000, 9}); }
void functions(rows* b) {
    b->ArgNames({"lmax", "m", "thetas"});
    for (const int m : {0, 1000}) b->Args({2000, m, 2048});
}

BENCHMARK(one<double>)->Apply(any_number_of_points);
BENCHMARK(one_tight<double>)->Apply(some_points);
BENCHMARK(many<double>)->Apply(fibres);
BENCHMARK(many_tight<double>)->Apply(some_fibres);
BENCHMARK(each<double>)->ArgNames({"sets", "degree"})->Args({500, 6});
BENCHMARK(basis_by_term<double>)->Apply(matrices);
BENCHMARK(basis_by_point<double>)->Apply(matrices);
BENCHMARK(tiles<double>)->Apply(matrices);
BENCHMARK(gauss<double>)->ArgName("n")->Arg(64)->Arg(1000)->Arg(1'000'000);
BENCHMARK(plm<double>)->Apply(functions);
BENCHMARK(plm_matrix<double>)->Apply(functions);

} // namespace
