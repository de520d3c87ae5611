// SPDX-License-Identifier: BSD-3-Clause
//
// Destriping with offsets against normal equations written out, closed forms, and what must not change anything.
#include "agreement/results.hpp"
#include "reference.hpp"

#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/problem.hpp>
#include <destrier/destripe/solver.hpp>

#include "destripe_truth.hpp"

namespace {

using destrier::destripe::baseline;
using destrier::destripe::chunk;
using destrier::destripe::components;
using destrier::destripe::linear_system;
using destrier::destripe::map_sums;
using destrier::destripe::passes;
using destrier::destripe::problem;
using destrier::destripe::problem_options;
using destrier::destripe::reduction;
using destrier::destripe::solution;
using destrier::destripe::solve_options;
using destrier::destripe::stokes;
using reference::ContainsSubstring;
using reference::message_of;
using reference::same_bits;

using numbers = std::vector<double>;

template <stokes S, class T = double>
problem<T, S> problem_of(const truth::survey& s, const problem_options& options = {}) {
    return problem<T, S>(s.pixels, s.chunks.size(), s.source(), options);
}

template <class P>
numbers applied(const P& p, const numbers& x) {
    numbers y(p.size());
    p.apply(x, y);
    return y;
}

/// A as a matrix, by what it does to unit vectors.
template <class P>
std::vector<numbers> dense(const P& p) {
    std::vector<numbers> a;
    for (std::size_t i = 0; i < p.size(); ++i) {
        numbers unit(p.size());
        unit[i] = 1;
        a.push_back(applied(p, unit));
    }
    return a;
}

template <class P>
solution solved(const P& p, const solve_options& options, const reduction& sum = {}) {
    const linear_system system{
        .size = p.size(),
        .apply = [&p](std::span<const double> x, std::span<double> y) { p.apply(x, y); },
        .precondition =
            [&p](std::span<const double> r, std::span<double> z) {
                for (std::size_t i = 0; i < r.size(); ++i)
                    z[i] = p.diagonal()[i] > 0 ? r[i] / p.diagonal()[i] : 0;
            },
        .sum = sum};
    return destrier::destripe::solve(system, p.rhs(), options);
}

/// The map of the signal less these offsets.
template <stokes S>
destrier::destripe::sky_maps map_of(const truth::survey& s, const numbers& offsets,
                                    double rcond = 1e-3) {
    map_sums<S> sums(s.pixels);
    std::size_t number = 0;
    for (std::size_t k = 0; k < s.chunks.size(); ++k) {
        const chunk c = s.chunks[k].view();
        numbers model(c.signal.size());
        for (const baseline& b : c.baselines) {
            for (std::size_t i = b.begin; i < b.begin + b.length; ++i) model[i] = offsets[number];
            ++number;
        }
        sums.add(k, c, model);
    }
    return destrier::destripe::make_maps(sums, rcond);
}

double dot(const numbers& a, const numbers& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
double norm(const numbers& a) { return std::sqrt(dot(a, a)); }
double mean(const numbers& a) {
    return std::accumulate(a.begin(), a.end(), 0.0) / static_cast<double>(a.size());
}
double largest(std::span<const double> a) {
    double most = 0;
    for (const double x : a) most = std::max(most, std::abs(x));
    return most;
}

numbers sky_of(std::size_t size, unsigned seed = 3) {
    return reference::random_numbers<double>(size, seed);
}

/// Less their mean: what offsets of a connected survey are known up to.
numbers centred(numbers a) {
    const double m = mean(a);
    for (double& x : a) x -= m;
    return a;
}
double difference(const numbers& a, const numbers& b) {
    numbers d(a.size());
    std::transform(a.begin(), a.end(), b.begin(), d.begin(), std::minus<>());
    return norm(d);
}

} // namespace

TEST_CASE("destripe: two baselines over two pixels, worked out by hand") {
    // Hits: pixel 0 has 3 samples of baseline 0 and 1 of baseline 1; pixel 1 has 1 and 2.
    truth::survey s;
    s.pixels = 2;
    truth::samples c;
    c.pixels = {0, 0, 1, 0, 1, 0, 1};
    c.signal = {1, 2, 3, 4, 5, 6, 7};
    c.flags.assign(7, 0);
    c.weight = 2;
    c.baselines = {{0, 4}, {4, 3}};
    s.chunks = {c};
    const auto p = problem_of<stokes::i>(s);
    // A = 2 (diag(4, 3) - B' B / hits); binned map (13 / 4, 5).
    const std::vector<numbers> a = dense(p);
    const double expected = 2 * 17.0 / 12;
    CHECK(std::abs(a[0][0] - expected) <= 1e-12);
    CHECK(std::abs(a[1][1] - expected) <= 1e-12);
    CHECK(std::abs(a[0][1] + expected) <= 1e-12);
    CHECK(std::abs(a[1][0] + expected) <= 1e-12);
    // Baseline 0: 10 - 3 (13 / 4) - 5; baseline 1: 18 - 13 / 4 - 2 (5).
    CHECK(std::abs(p.rhs()[0] - 2 * (10 - 9.75 - 5)) <= 1e-12);
    CHECK(std::abs(p.rhs()[1] - 2 * (18 - 3.25 - 10)) <= 1e-12);
    const solution x = solved(p, {.tolerance = 1e-13});
    CHECK(std::abs(x.x[1] - x.x[0] - 2 * 4.75 / expected) <= 1e-12);
    CHECK(p.samples() == 7);
    CHECK(p.entries() == 4);
    const auto maps = map_of<stokes::i>(s, x.x);
    CHECK(std::abs(maps.map[0] - (13 - 3 * x.x[0] - x.x[1]) / 4) <= 1e-12);
    CHECK(std::abs(maps.map[1] - (15 - x.x[0] - 2 * x.x[1]) / 3) <= 1e-12);
}

TEST_CASE("destripe: 512 samples and 4 baselines, worked out by hand") {
    // Every baseline has 32 samples in each of 4 pixels: A = 128 (1 - 1 1' / 4).
    truth::survey s;
    s.pixels = 4;
    truth::samples c;
    for (int i = 0; i < 512; ++i) {
        c.pixels.push_back(i % 4);
        c.signal.push_back(10 * (i % 4) + (i / 128) * (i / 128));
    }
    c.flags.assign(512, 0);
    c.baselines = destrier::destripe::equal_baselines(0, 512, 128);
    s.chunks = {c};
    for (const passes form : {passes::two, passes::one}) {
        const auto p = problem_of<stokes::i>(s, {.passes = form});
        const std::vector<numbers> a = dense(p);
        for (std::size_t i = 0; i < 4; ++i) {
            for (std::size_t j = 0; j < 4; ++j) CHECK(std::abs(a[i][j] - (i == j ? 96 : -32)) <= 1e-12);
        }
        const solution x = solved(p, {.tolerance = 1e-13});
        for (std::size_t b = 0; b < 4; ++b) {
            CHECK(std::abs(x.x[b] - (static_cast<double>(b * b) - 3.5)) <= 1e-12);
        }
        const auto maps = map_of<stokes::i>(s, x.x);
        for (std::size_t pixel = 0; pixel < 4; ++pixel) {
            CHECK(std::abs(maps.map[pixel] - (10 * static_cast<double>(pixel) + 3.5)) <= 1e-12);
        }
    }
}

template <stokes S>
void check_against_equations(const truth::survey& s, passes form) {
    const truth::equations<S> e(s);
    const auto p = problem_of<S>(s, {.passes = form});
    REQUIRE(p.size() == e.b.size());
    REQUIRE(e.seen > s.pixels / 4);
    CHECK(p.samples() == e.samples);
    const std::vector<numbers> a = dense(p);
    double most = 0, wrong = 0, skew = 0, rhs = 0, rhs_wrong = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        most = std::max(most, static_cast<double>(e.diagonal[i]));
        CHECK(std::abs(p.diagonal()[i] - static_cast<double>(e.diagonal[i])) <= 1e-13 * p.diagonal()[i]);
        for (std::size_t j = 0; j < p.size(); ++j) {
            wrong = std::max(wrong, std::abs(a[j][i] - static_cast<double>(e.a[i][j])));
            skew = std::max(skew, std::abs(a[i][j] - a[j][i]));
        }
        rhs = std::max(rhs, std::abs(static_cast<double>(e.b[i])));
        rhs_wrong = std::max(rhs_wrong, std::abs(p.rhs()[i] - static_cast<double>(e.b[i])));
    }
    CHECK(wrong <= 1e-13 * most);
    CHECK(skew <= 1e-14 * most);
    CHECK(rhs_wrong <= 1e-12 * rhs);
}

TEST_CASE("destripe: the equations are those of the samples") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    for (const passes form : {passes::two, passes::one}) {
        check_against_equations<stokes::i>(s, form);
        check_against_equations<stokes::qu>(s, form);
        check_against_equations<stokes::iqu>(s, form);
    }
}

TEST_CASE("destripe: symmetric, positive, and zero for a constant on each connected piece of the sky") {
    for (const bool apart : {false, true}) {
        const truth::survey s = truth::wandering_survey(40, 18, apart);
        const auto p = problem_of<stokes::iqu>(s);
        const numbers u = sky_of(p.size(), 1), v = sky_of(p.size(), 2);
        CHECK(std::abs(dot(u, applied(p, v)) - dot(v, applied(p, u))) <=
              1e-12 * norm(u) * norm(v) * largest(p.diagonal()));

        truth::matrix a = truth::zeros(p.size(), p.size());
        const std::vector<numbers> columns = dense(p);
        for (std::size_t i = 0; i < p.size(); ++i) {
            for (std::size_t j = 0; j < p.size(); ++j) a[i][j] = (columns[i][j] + columns[j][i]) / 2;
        }
        const std::vector<truth::real> values = truth::eigen_of(a).values;
        const truth::real high = *std::max_element(values.begin(), values.end());
        CHECK(*std::min_element(values.begin(), values.end()) >= -1e-12 * high);
        CHECK(std::count_if(values.begin(), values.end(),
                            [&](truth::real x) { return x < 1e-10L * high; }) == (apart ? 3 : 1));
        for (std::size_t k = 0; k < 3; ++k) {
            if (!apart && k > 0) break;
            numbers one(p.size());
            for (std::size_t b = 0; b < p.size(); ++b) {
                one[b] = !apart || (b >= p.amplitudes(k).begin && b < p.amplitudes(k).end) ? 1 : 0;
            }
            CHECK(largest(applied(p, one)) <= 1e-13 * largest(p.diagonal()));
            CHECK(std::abs(dot(one, {p.rhs().begin(), p.rhs().end()})) <=
                  1e-12 * (1 + norm({p.rhs().begin(), p.rhs().end()})));
        }
    }
}

TEST_CASE("destripe: offsets and map are the dense solution's") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_sky<stokes::iqu>(s, sky_of(3 * s.pixels));
    truth::add_offsets(s, sky_of(s.baselines(), 9));
    truth::add_noise(s, 0.1, 5);
    const truth::equations<stokes::iqu> e(s);
    const std::vector<truth::real> exact = truth::times(truth::pseudo_inverse(e.a, 1e-10L), e.b);
    const numbers expected = centred({exact.begin(), exact.end()});
    const auto p = problem_of<stokes::iqu>(s);
    const solution x = solved(p, {.tolerance = 1e-12});
    CHECK(x.reason == destrier::destripe::stop::converged);
    CHECK(difference(centred(x.x), expected) <= 1e-10 * norm(expected));

    const auto map = map_of<stokes::iqu>(s, centred(x.x)), exact_map = map_of<stokes::iqu>(s, expected);
    CHECK(reference::relative_error(map.map, exact_map.map) <= 1e-10);

    // From a start, the same.
    const linear_system system{.size = p.size(), .apply = [&](auto in, auto out) { p.apply(in, out); }};
    const solution again = destrier::destripe::solve(system, p.rhs(), {.tolerance = 1e-8}, x.x);
    CHECK(again.iterations == 0);
}

TEST_CASE("destripe: without noise, sky and offsets come back, however large the offsets") {
    for (const double size : {1.0, 1e6}) {
        truth::survey s = truth::wandering_survey(100, 40);
        const numbers sky = sky_of(3 * s.pixels);
        numbers offsets = sky_of(s.baselines(), 9);
        for (double& a : offsets) a *= size;
        truth::add_sky<stokes::iqu>(s, sky);
        truth::add_offsets(s, offsets);
        const auto p = problem_of<stokes::iqu>(s);
        REQUIRE(p.size() == 300);
        const solution x = solved(p, {.tolerance = 1e-13});
        CHECK(difference(centred(x.x), centred(offsets)) <= 1e-10 * norm(offsets));
        const auto maps = map_of<stokes::iqu>(s, x.x);
        const double constant = mean(offsets) - mean(x.x), rms = norm(offsets) / std::sqrt(300.0);
        double wrong = 0;
        std::size_t seen = 0;
        for (std::size_t pixel = 0; pixel < s.pixels; ++pixel) {
            if (!(maps.rcond[pixel] >= 1e-3)) continue;
            ++seen;
            for (std::size_t k = 0; k < 3; ++k) {
                const double found =
                    maps.map[3 * pixel + k] - sky[3 * pixel + k] - (k == 0 ? constant : 0);
                wrong = std::max(wrong, std::abs(found));
            }
        }
        CHECK(seen > s.pixels / 2);
        CHECK(wrong <= 1e-10 * std::max(rms, 1.0));
    }
}

TEST_CASE("destripe: neither a sky nor offsets in the data change what must not change") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    const auto before = problem_of<stokes::iqu>(s);
    const solution x = solved(before, {.tolerance = 1e-13});
    const auto map = map_of<stokes::iqu>(s, centred(x.x));

    numbers sky = sky_of(3 * s.pixels);
    for (double& v : sky) v *= 1e3;
    truth::survey brighter = s;
    truth::add_sky<stokes::iqu>(brighter, sky);
    const auto with_sky = problem_of<stokes::iqu>(brighter);
    numbers change(before.size());
    for (std::size_t i = 0; i < change.size(); ++i) change[i] = with_sky.rhs()[i] - before.rhs()[i];
    CHECK(largest(change) <= 1e-12 * 1e3 * largest(before.diagonal()));
    const auto brighter_map =
        map_of<stokes::iqu>(brighter, centred(solved(with_sky, {.tolerance = 1e-13}).x));
    double wrong = 0;
    for (std::size_t i = 0; i < sky.size(); ++i) {
        if (map.rcond[i / 3] >= 1e-3)
            wrong = std::max(wrong, std::abs(brighter_map.map[i] - map.map[i] - sky[i]));
    }
    CHECK(wrong <= 1e-10 * 1e3);

    truth::survey striped = s;
    const numbers offsets = sky_of(s.baselines(), 11);
    truth::add_offsets(striped, offsets);
    const solution y = solved(problem_of<stokes::iqu>(striped), {.tolerance = 1e-13});
    const auto striped_map = map_of<stokes::iqu>(striped, y.x);
    const double constant = mean(offsets) - mean(y.x) + mean(x.x) - mean(x.x);
    wrong = 0;
    for (std::size_t i = 0; i < sky.size(); ++i) {
        if (map.rcond[i / 3] < 1e-3) continue;
        wrong =
            std::max(wrong, std::abs(striped_map.map[i] - map.map[i] - (i % 3 == 0 ? constant - 0 : 0)));
    }
    CHECK(wrong <= 1e-10);
}

TEST_CASE("destripe: of white noise alone, offsets' chi-squared has as many degrees as there are "
          "offsets known") {
    truth::survey s = truth::wandering_survey(40, 16);
    double total = 0;
    for (unsigned seed = 1; seed <= 500; ++seed) {
        for (truth::samples& c : s.chunks) std::fill(c.signal.begin(), c.signal.end(), 0.0);
        truth::add_noise(s, 1, seed);
        const auto p = problem_of<stokes::iqu>(s, {.threads = 1});
        const solution x = solved(p, {.tolerance = 1e-9, .threads = 1});
        const double chi2 = dot(x.x, applied(p, x.x)), degrees = static_cast<double>(p.size()) - 1;
        CHECK(std::abs(chi2 - degrees) <= 5 * std::sqrt(2 * degrees));
        total += chi2 / degrees;
    }
    CHECK(std::abs(total / 500 - 1) <= 0.01); // one sigma of this mean is 0.6 %
}

TEST_CASE("destripe: what is flagged, off the map or between baselines does not matter") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    truth::survey wild = s;
    for (truth::samples& c : wild.chunks) {
        std::vector<std::uint8_t> used(c.pixels.size());
        for (const baseline& b : c.baselines)
            std::fill_n(used.begin() + static_cast<std::ptrdiff_t>(b.begin), b.length, 1);
        for (std::size_t i = 0; i < c.pixels.size(); ++i) {
            if (c.flags[i] == 0 && c.pixels[i] >= 0 && used[i]) continue;
            c.signal[i] = i % 2 ? std::numeric_limits<double>::quiet_NaN() : 1e30;
            if (c.flags[i]) c.pixels[i] = 12345678;
        }
    }
    const auto p = problem_of<stokes::iqu>(s), q = problem_of<stokes::iqu>(wild);
    const solve_options options{.tolerance = 1e-10};
    const numbers x = solved(p, options).x;
    CHECK(same_bits(x, solved(q, options).x));
    CHECK(same_bits(map_of<stokes::iqu>(s, x).map, map_of<stokes::iqu>(wild, x).map));

    // A baseline without a sample that counts has offset 0, and the others do not know of it.
    truth::survey gap = s;
    truth::samples& first = gap.chunks.front();
    std::fill_n(first.flags.begin() + static_cast<std::ptrdiff_t>(first.baselines[5].begin),
                first.baselines[5].length, 1);
    const auto with_gap = problem_of<stokes::iqu>(gap);
    CHECK(with_gap.diagonal()[5] == 0);
    const solution y = solved(with_gap, options);
    CHECK(y.reason == destrier::destripe::stop::converged);
    CHECK(y.x[5] == 0);
    first.baselines.erase(first.baselines.begin() + 5);
    numbers without = solved(problem_of<stokes::iqu>(gap), options).x;
    without.insert(without.begin() + 5, 0.0);
    CHECK(difference(centred(without), centred(y.x)) <= 1e-8 * norm(y.x));
}

TEST_CASE("destripe: nothing to do is legal") {
    const truth::survey nothing{.pixels = 9, .chunks = {}};
    CHECK(problem_of<stokes::iqu>(nothing).size() == 0);
    CHECK(problem_of<stokes::i>({.pixels = 0, .chunks = {}}).size() == 0);

    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    truth::survey flagged = s;
    for (truth::samples& c : flagged.chunks) std::fill(c.flags.begin(), c.flags.end(), 1);
    for (const passes form : {passes::two, passes::one}) {
        const auto p = problem_of<stokes::iqu>(flagged, {.passes = form});
        CHECK(p.samples() == 0);
        CHECK(largest(solved(p, {}).x) == 0);
    }

    // A chunk without samples, one without baselines, one of weight 0.
    truth::survey odd = s;
    odd.chunks.insert(odd.chunks.begin() + 1, truth::samples{});
    odd.chunks.push_back(s.chunks[0]);
    odd.chunks.back().baselines.clear();
    odd.chunks.push_back(s.chunks[0]);
    odd.chunks.back().weight = 0;
    const solution x = solved(problem_of<stokes::iqu>(odd), {.tolerance = 1e-10});
    const solution y = solved(problem_of<stokes::iqu>(s), {.tolerance = 1e-10});
    REQUIRE(x.x.size() == y.x.size() + 40);
    CHECK(same_bits(numbers(x.x.begin(), x.x.end() - 40), y.x));
    CHECK(largest(std::span(x.x).last(40)) == 0);

    // One baseline, and one sample.
    truth::survey one{.pixels = 1,
                      .chunks = {{.pixels = {0},
                                  .cosine = {},
                                  .sine = {},
                                  .signal = {3},
                                  .flags = {0},
                                  .weight = 1,
                                  .baselines = {{0, 1}}}}};
    const auto p = problem_of<stokes::i>(one);
    CHECK(p.rhs()[0] == 0);
    CHECK(applied(p, {1})[0] == 0);
    CHECK(solved(p, {}).x[0] == 0);
}

TEST_CASE("destripe: a mask and rcond leave pixels out of the solve") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    std::vector<std::uint8_t> mask(s.pixels, 1);
    for (std::size_t p = 0; p < s.pixels; p += 3) mask[p] = 0;
    truth::survey cut = s;
    for (truth::samples& c : cut.chunks) {
        for (std::int32_t& p : c.pixels) p = p >= 0 && mask[static_cast<std::size_t>(p)] == 0 ? -1 : p;
    }
    const auto masked = problem_of<stokes::iqu>(s, {.mask = mask}),
               expected = problem_of<stokes::iqu>(cut);
    CHECK(masked.samples() == expected.samples());
    CHECK(masked.samples() < problem_of<stokes::iqu>(s).samples());
    CHECK(same_bits(solved(masked, {}).x, solved(expected, {}).x));
    CHECK(problem_of<stokes::iqu>(s, {.rcond = 0.3}).samples() < masked.samples());
}

TEST_CASE("destripe: pixels of many samples, and baselines that return to them") {
    // 100 samples of a baseline in one pixel are 7 entries of at most 15, wherever they come.
    truth::survey s;
    s.pixels = 2;
    truth::samples c;
    for (int i = 0; i < 400; ++i) {
        c.pixels.push_back(i < 100 ? 0 : i < 200 ? 1 : (i / 3) % 2);
        c.cosine.push_back(static_cast<float>(std::cos(0.1 * i)));
        c.sine.push_back(static_cast<float>(std::sin(0.1 * i)));
        c.signal.push_back(std::sin(i));
        c.flags.push_back(0);
    }
    c.baselines = {{0, 250}, {250, 150}};
    s.chunks = {c};
    check_against_equations<stokes::iqu>(s, passes::two);
    check_against_equations<stokes::i>(s, passes::one);
    CHECK(problem_of<stokes::iqu>(s).entries() <= 2 * (125 / 15 + 2) + 2 * (75 / 15 + 2));
}

TEST_CASE("destripe: the same bits for any number of threads") {
    truth::survey s = truth::wandering_survey(100, 40);
    truth::add_noise(s, 1, 5);
    const numbers u = sky_of(s.baselines());
    for (const passes form : {passes::two, passes::one}) {
        const auto one = problem_of<stokes::iqu>(s, {.passes = form, .threads = 1});
        for (const int threads : {2, 3, 7}) {
            const auto many = problem_of<stokes::iqu>(s, {.passes = form, .threads = threads});
            CHECK(same_bits(many.rhs(), one.rhs()));
            CHECK(same_bits(applied(many, u), applied(one, u)));
        }
    }
}

TEST_CASE("destripe: results are left for comparison between architectures") {
    truth::survey s = truth::wandering_survey(100, 40);
    truth::add_noise(s, 1, 5);
    const auto leave = [&s](const std::string& name, double rounding, double error, const auto& p) {
        const numbers x = centred(solved(p, {.tolerance = error / 100}).x);
        reference::leave_for_comparison("destripe, right side" + name, rounding, p.rhs());
        reference::leave_for_comparison("destripe, product" + name, rounding,
                                        applied(p, sky_of(s.baselines())));
        reference::leave_for_comparison("destripe, offsets" + name, error, x);
        reference::leave_for_comparison("destripe, map" + name, error, map_of<stokes::iqu>(s, x).map);
    };
    leave("", 1e-12, 1e-10, problem_of<stokes::iqu>(s));
    leave(" of one pass", 1e-12, 1e-10, problem_of<stokes::iqu>(s, {.passes = passes::one}));
    leave(" by a float map", 2e-6, 2e-6, problem_of<stokes::iqu, float>(s));
}

TEST_CASE("destripe: a float map is good to 2e-6, and then the solve stops") {
    truth::survey s = truth::wandering_survey(100, 40);
    truth::add_noise(s, 1, 5);
    const numbers exact = solved(problem_of<stokes::iqu>(s), {.tolerance = 1e-12}).x;
    for (const passes form : {passes::two, passes::one}) {
        const auto p = problem_of<stokes::iqu, float>(s, {.passes = form});
        CHECK(difference(centred(solved(p, {.tolerance = 1e-6}).x), centred(exact)) <=
              2e-5 * norm(exact));
        const solution x = solved(p, {.tolerance = 1e-13, .iterations = 2000});
        CHECK(x.reason == destrier::destripe::stop::stalled);
        CHECK(x.iterations < 1000);
        CHECK_THAT(x.cause, ContainsSubstring("accura"));
        CHECK(difference(centred(x.x), centred(exact)) <= 2e-6 * norm(exact));
    }
}

TEST_CASE("destripe: units do not matter") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    const solution x = solved(problem_of<stokes::iqu>(s), {});
    for (const double unit : {1e-12, 1e12}) {
        truth::survey other = s;
        for (truth::samples& c : other.chunks) {
            for (double& v : c.signal) v *= unit;
            c.weight /= unit * unit;
        }
        const solution y = solved(problem_of<stokes::iqu>(other), {});
        CHECK(y.reason == destrier::destripe::stop::converged);
        CHECK(y.iterations == x.iterations);
        CHECK(std::abs(y.x[0] / unit - x.x[0]) <= 1e-10 * norm(x.x));
    }
}

// Processes, played by threads that wait for each other where processes would.
class processes {
public:
    explicit processes(std::size_t n) : spans_(n), barrier_(static_cast<std::ptrdiff_t>(n)) {}

    reduction sum(std::size_t rank) {
        return [this, rank](std::span<double> x) {
            spans_[rank] = x;
            barrier_.arrive_and_wait();
            if (rank == 0) {
                for (std::size_t k = 1; k < spans_.size(); ++k) {
                    for (std::size_t i = 0; i < x.size(); ++i) x[i] += spans_[k][i];
                }
            }
            barrier_.arrive_and_wait();
            if (rank != 0) std::copy(spans_[0].begin(), spans_[0].end(), x.begin());
            barrier_.arrive_and_wait();
        };
    }

private:
    std::vector<std::span<double>> spans_;
    std::barrier<> barrier_;
};

TEST_CASE("destripe: several processes, some without data, find what one finds") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    const numbers expected = solved(problem_of<stokes::iqu>(s), {.tolerance = 1e-12}).x;
    for (const std::size_t n : {std::size_t{2}, std::size_t{5}}) { // of 5, two have nothing
        processes all(n);
        std::vector<numbers> parts(n);
        std::vector<std::thread> threads;
        for (std::size_t rank = 0; rank < n; ++rank) {
            threads.emplace_back([&, rank] {
                truth::survey mine{.pixels = s.pixels, .chunks = {}};
                for (std::size_t k = rank; k < s.chunks.size(); k += n)
                    mine.chunks.push_back(s.chunks[k]);
                const auto p = problem_of<stokes::iqu>(mine, {.threads = 1, .sum = all.sum(rank)});
                parts[rank] = solved(p, {.tolerance = 1e-12, .threads = 1}, all.sum(rank)).x;
            });
        }
        for (std::thread& t : threads) t.join();
        numbers found;
        for (std::size_t k = 0; k < s.chunks.size(); ++k) {
            const numbers& part = parts[k % n];
            const auto begin = part.begin() + static_cast<std::ptrdiff_t>(k / n * 40);
            found.insert(found.end(), begin, begin + 40);
        }
        CHECK(difference(found, expected) <= 1e-11 * norm(expected));
    }
}

TEST_CASE("destripe: what is wrong is named") {
    truth::survey s = truth::wandering_survey(10, 8);
    const auto refusal = [](const truth::survey& bad, const problem_options& options = {}) {
        return message_of([&] { problem_of<stokes::iqu>(bad, options); });
    };
    CHECK(refusal(s).empty());
    truth::survey bad = s;
    bad.chunks[1].signal.pop_back();
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 1: signal has"));
    bad = s;
    bad.chunks[2].cosine.pop_back();
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 2: cosine has"));
    bad = s;
    bad.chunks[0].weight = -3;
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 0: weight is -3"));
    bad = s;
    bad.chunks[0].baselines[3].begin -= 20;
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 0: a baseline of samples"));
    bad = s;
    bad.chunks[0].baselines.back().length = std::numeric_limits<std::size_t>::max();
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 0: a baseline of samples"));
    bad = s;
    std::fill(bad.chunks[1].flags.begin(), bad.chunks[1].flags.end(), 0);
    bad.chunks[1].signal[17] = std::numeric_limits<double>::quiet_NaN();
    bad.chunks[1].pixels[17] = 3;
    CHECK_THAT(refusal(bad), ContainsSubstring("chunk 1: signal[17] is nan"));
    bad.chunks[1].signal[17] = 0;
    bad.chunks[1].pixels[17] = 64;
    CHECK_THAT(refusal(bad), ContainsSubstring("64"));

    const std::vector<std::uint8_t> mask(7);
    CHECK_THAT(refusal(s, {.mask = mask}), ContainsSubstring("mask has 7 elements, expected 64"));
    CHECK_THAT(refusal(s, {.rcond = 2}), ContainsSubstring("rcond is 2"));
    CHECK_THAT(refusal(s, {.passes = passes::one, .sum = [](std::span<double>) {}}),
               ContainsSubstring("passes::one"));
    CHECK_THAT(message_of([&] { problem<double, stokes::i>(std::size_t{1} << 28, 0, s.source(), {}); }),
               ContainsSubstring("268435456 pixels"));
    const auto p = problem_of<stokes::iqu>(s);
    numbers out(p.size());
    CHECK_THAT(message_of([&] { p.apply(numbers(3), out); }), ContainsSubstring("a has 3 elements"));
}
