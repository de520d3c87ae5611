// SPDX-License-Identifier: BSD-3-Clause
//
// What plans say they take, against what is allocated; and what they do with a budget.
#include "../fft_kernels.hpp"
#include "../reference.hpp"
#include "allocations.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <iostream>
#include <numbers>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec.hpp>

namespace {

using allocations::counter;
using destrier::buffer;
using destrier::complex_blocks;
using destrier::line;
using destrier::pages;
using destrier::real_blocks;
using destrier::view;
using reference::ContainsSubstring;
using reference::message_of;
namespace fft = destrier::fft;
namespace gridrec = destrier::gridrec;

using number = std::complex<float>;

constexpr std::size_t little = 3 << 10; // that short lengths take more
constexpr std::size_t gigabyte = std::size_t{1} << 30;

const std::vector<std::size_t> smooth{2,    15,   60,   64,   100,  143,   256,
                                      1000, 1024, 2304, 4096, 8192, 30000, 65536};
const std::vector<std::size_t> beyond{131072, 1 << 20}, rough{17, 97, 331, 1009, 4097, 10007};

double times(double factor, std::size_t n) { return factor * static_cast<double>(n) + little; }
double times(double factor, std::size_t n, std::size_t of) { return times(factor, n * of); }

struct taken {
    double kept, most;
};
template <class Plan, class... Arguments>
taken by(std::optional<Plan>& plan, Arguments&&... arguments) {
    plan.reset();
    const counter count;
    plan.emplace(std::forward<Arguments>(arguments)...);
    return {static_cast<double>(count.kept()), static_cast<double>(count.most())};
}

/// Bytes that a call allocates while it runs.
template <class F>
std::size_t bytes_of_call(F&& f) {
    const counter count;
    f();
    return count.most();
}

/// An array's call takes the scratch that the plan says, or, given it, nothing.
template <class Plan, class In, class Out>
void check_array_scratch(const Plan& plan, In in, Out out, std::size_t elements) {
    CHECK(bytes_of_call([&] { plan.forward(in, out); }) == elements * sizeof(float));
    buffer<float> scratch(elements);
    CHECK(bytes_of_call([&] { plan.forward(in, out, scratch.span()); }) == 0);
}

/// A budget gives the most problems that fit, and the least budget that gives one is what errors ask for.
template <class Share, class Scratch>
void check_share(Share&& share_within, std::size_t problem, std::size_t in_one, Scratch&& scratch,
                 const std::string& name) {
    const std::size_t one = problem * in_one, least = one + scratch(1);
    CHECK(share_within(least, 1).problems == in_one);
    CHECK(share_within(least, 8).threads == (scratch(8) > scratch(1) ? 1 : 8));
    CHECK(share_within(least + 2 * one, 1).problems == 3 * in_one);
    CHECK(share_within(least + 2 * one - 1, 1).problems == 2 * in_one);
    CHECK(share_within(one + scratch(3), 3).threads == 3);
    CHECK(share_within(16 * gigabyte, 64).threads == 64);
    CHECK(share_within(16 * gigabyte, 64).problems == (16 * gigabyte - scratch(64)) / one * in_one);
    CHECK_THAT(message_of<std::invalid_argument>([&] { share_within(least - 1, 8); }),
               ContainsSubstring("a budget of " + std::to_string(least - 1) +
                                 " bytes is too small: " + name + " takes " + std::to_string(one) +
                                 " bytes and the work space of "
                                 "one thread " +
                                 std::to_string(scratch(1)) + ", expected " + std::to_string(least) +
                                 " or more"));
}

const std::string block = "a lane block of 16";
constexpr std::size_t number_size = sizeof(number);

} // namespace

TEST_CASE("complex transforms take what they say", "[budget]") {
    std::optional<fft::plan_c2c<float>> plan;
    const auto check = [&](std::size_t n, double tables, double making, double blocks, double arrays) {
        CAPTURE(n);
        const taken bytes = by(plan, n);
        CHECK(bytes.kept <= times(tables, n, sizeof(float)));
        CHECK(bytes.most <= times(making, n, sizeof(float)));
        CHECK(static_cast<double>(plan->scratch_size() * sizeof(float)) <= times(blocks, n));
        CHECK(static_cast<double>(plan->array_scratch_size() * sizeof(float)) <= times(arrays, n));
    };
    for (const std::size_t n : smooth) check(n, 4.3, 100, 128, 256);
    for (const std::size_t n : beyond) check(n, 0.2, 100, 36, 36);
    for (const std::size_t n : rough) check(n, 12, 100, 300, 430);

    for (const std::size_t n : std::vector<std::size_t>{60, 97, 1024}) {
        CAPTURE(n);
        by(plan, n);
        buffer<float> data(complex_blocks<float>::size_for(n, 20));
        const complex_blocks<float> blocks(data.data(), n, 20);
        check_array_scratch(*plan, blocks, blocks, plan->scratch_size());
        const view<number, 2> array(reinterpret_cast<number*>(data.data()), {20, n});
        check_array_scratch(*plan, view<const number, 2>(array), array, plan->array_scratch_size());
        check_share([&](std::size_t b, int t) { return plan->share_within(b, t); }, n * number_size, 16,
                    [&](int t) { return plan->scratch_size(t) * sizeof(float); }, block);
        check_share([&](std::size_t b, int t) { return plan->array_share_within(b, t); },
                    n * number_size, 1,
                    [&](int t) { return plan->array_scratch_size(t) * sizeof(float); }, "a transform");
    }
}

TEST_CASE("real transforms take what they say", "[budget]") {
    std::optional<fft::plan_r2c<float>> plan;
    const auto check = [&](std::size_t n, double tables, double blocks, double arrays) {
        CAPTURE(n);
        CHECK(by(plan, n).kept <= times(tables, n, sizeof(float)));
        CHECK(static_cast<double>(plan->scratch_size() * sizeof(float)) <= times(blocks, n));
        CHECK(static_cast<double>(plan->array_scratch_size() * sizeof(float)) <= times(arrays, n));
    };
    for (const std::size_t n : smooth) {
        if (n % 2 == 0)
            check(n, 2.7, 64, 192);
        else
            check(n, 4.3, 256, 384);
    }
    for (const std::size_t n : beyond) check(2 * n, 2.7, 80, 208);
    for (const std::size_t n : rough) {
        check(n, 12, 428, 558);
        check(2 * n, 12, 428, 558);
    }

    for (const std::size_t n : std::vector<std::size_t>{60, 97, 1024}) {
        CAPTURE(n);
        by(plan, n);
        const std::size_t half = n / 2 + 1;
        buffer<float> reals(real_blocks<float>::size_for(n, 20)),
            spectra(complex_blocks<float>::size_for(half, 20));
        check_array_scratch(*plan, real_blocks<const float>(reals.data(), n, 20),
                            complex_blocks<float>(spectra.data(), half, 20), plan->scratch_size());
        check_array_scratch(*plan, view<const float, 2>(reals.data(), {20, n}),
                            view<number, 2>(reinterpret_cast<number*>(spectra.data()), {20, half}),
                            plan->array_scratch_size());
        check_share([&](std::size_t b, int t) { return plan->share_within(b, t); },
                    n * sizeof(float) + half * number_size, 16,
                    [&](int t) { return plan->scratch_size(t) * sizeof(float); }, block);
        check_share([&](std::size_t b, int t) { return plan->array_share_within(b, t); },
                    half * number_size, 1,
                    [&](int t) { return plan->array_scratch_size(t) * sizeof(float); }, "a transform");
    }
}

TEST_CASE("transforms of planes take what they say", "[budget]") {
    std::optional<fft::plan_2d_c2c<float>> complex;
    std::optional<fft::plan_2d_r2c<float>> real;
    std::optional<fft::plan_c2c<float>> rows, columns;
    const std::size_t shapes[][2] = {{1, 1},    {64, 60},   {256, 1000}, {1024, 64},
                                     {3000, 8}, {8, 30000}, {16384, 16}};
    for (const auto& [m, n] : shapes) {
        CAPTURE(m, n);
        const double tables = by(rows, m).kept + by(columns, n).kept;
        CHECK(by(complex, m, n).kept <= tables);
        const std::size_t a_thread =
            (complex->scratch_size(2) - complex->scratch_size(1)) * sizeof(float);
        CHECK(a_thread <= (512 << 10) + 256 * std::max(m, n));
        CHECK(complex->scratch_size(1) * sizeof(float) <= a_thread);
        CHECK(by(real, m, n).kept <= tables + times(1, n, sizeof(float)));
        CHECK(real->scratch_size(3) <= 2 * m * (n / 2 + 1 + line<float>)+3 * a_thread / sizeof(float));
    }

    const std::size_t m = 60, n = 90, half = n / 2 + 1;
    complex.emplace(m, n);
    real.emplace(m, n);
    std::vector<float> reals(m * n);
    std::vector<number> plane(m * n), spectra(m * half);
    check_array_scratch(*complex, view<const number, 2>(plane.data(), {m, n}),
                        view<number, 2>(plane.data(), {m, n}), complex->scratch_size());
    check_array_scratch(*real, view<const float, 2>(reals.data(), {m, n}),
                        view<number, 2>(spectra.data(), {m, half}), real->scratch_size());
    check_share([&](std::size_t b, int t) { return complex->share_within(b, t); }, m * n * number_size,
                1, [&](int t) { return complex->scratch_size(t) * sizeof(float); }, "a plane");
    check_share([&](std::size_t b, int t) { return real->share_within(b, t); },
                m * (n * sizeof(float) + half * number_size), 1,
                [&](int t) { return real->scratch_size(t) * sizeof(float); }, "a plane");
}

TEST_CASE("convolutions take what they say", "[budget]") {
    std::optional<fft::convolution<float>> plan;
    const auto check = [&](std::size_t n, double of_complex, double of_real, double scratch) {
        CAPTURE(n);
        const std::vector<number> complex(n, 1);
        CHECK(by(plan, std::span(complex)).kept <= times(of_complex, n, sizeof(float)));
        CHECK(static_cast<double>(plan->scratch_size() * sizeof(float)) <= times(scratch, n));
        const std::vector<float> real(n, 1);
        CHECK(by(plan, std::span(real)).kept <= times(of_real, n, sizeof(float)));
        CHECK(static_cast<double>(plan->scratch_size() * sizeof(float)) <= times(scratch, n));
    };
    for (const std::size_t n : std::vector<std::size_t>{60, 256, 1000, 1024, 8192}) check(n, 6, 11, 0);
    for (const std::size_t n : rough) check(n, 14, 26, 300);

    for (const std::size_t n : std::vector<std::size_t>{60, 97}) {
        CAPTURE(n);
        by(plan, std::span<const float>(std::vector<float>(n, 1)));
        buffer<float> data(complex_blocks<float>::size_for(n, 20));
        const complex_blocks<float> blocks(data.data(), n, 20);
        CHECK(bytes_of_call([&] { plan->apply(complex_blocks<const float>(blocks), blocks); }) ==
              plan->scratch_size() * sizeof(float));
        check_share([&](std::size_t b, int t) { return plan->share_within(b, t); }, n * number_size, 16,
                    [&](int t) { return plan->scratch_size(t) * sizeof(float); }, block);
    }
}

namespace {

std::vector<double> angles(std::size_t count) {
    std::vector<double> theta(count);
    for (std::size_t i = 0; i < count; ++i)
        theta[i] = std::numbers::pi * static_cast<double>(i) / static_cast<double>(count);
    return theta;
}

bool is_about(double bytes, double expected, double tolerance) {
    return std::abs(bytes / expected - 1) <= tolerance;
}

// With all memory from operator new.
const gridrec::options counted{.memory = {.pages = pages::base}};

/// What a plan's apply makes of 37 slices, and what it allocates.
template <class Plan, class Workspace>
std::vector<float> slices_of(const Plan& plan, Workspace& work) {
    const std::size_t count = 37, n = plan.columns(), m = plan.angles();
    const auto g = reference::random_numbers<float>(count * m * n);
    std::vector<float> f(count * n * n);
    const double center = 0.5 * static_cast<double>(n) + 1.3;
    CHECK(bytes_of_call([&] {
              plan.apply(view<const float, 3>(g.data(), {count, m, n}), std::span(&center, 1),
                         view<float, 3>(f.data(), {count, n, n}), work);
          }) == 0);
    return f;
}

} // namespace

TEST_CASE("reconstruction takes what it says", "[budget]") {
    const std::size_t n = 256, m = 181;
    std::optional<gridrec::plan<float>> batches;
    std::optional<gridrec::plan_single<float>> singles;
    const taken batch = by(batches, angles(m), n, counted), single = by(singles, angles(m), n, counted);
    const double samples = m * static_cast<double>(batches->radial_size()) / 2;
    const double size = static_cast<double>(batches->grid_size()), cells = n * size / 2;
    CHECK(is_about(batch.kept, 16 * samples, 0.12));
    CHECK(batch.most - batch.kept <= 4 * size * size);
    CHECK(is_about(single.kept, 12 * samples + size * size / 4, 0.1));

    const auto of_batches = [&](int threads, std::size_t slices) {
        return static_cast<double>(batches->workspace_bytes(threads, slices));
    };
    CHECK(is_about(of_batches(1, 48) - of_batches(1, 32), 16 * 8 * (samples + cells), 0.03));
    CHECK(of_batches(1, 48) == of_batches(1, 33));
    CHECK(is_about(of_batches(3, 16) - of_batches(2, 16),
                   128 * (18 * size + 1.5 * static_cast<double>(batches->radial_size())), 0.03));
    const double a_thread =
        static_cast<double>(singles->workspace_bytes(3) - singles->workspace_bytes(2));
    CHECK(a_thread <= std::max(900 * size, 320.0 * static_cast<double>(singles->radial_size())));
    CHECK(is_about(static_cast<double>(singles->workspace_bytes(1)) - a_thread, 8 * (samples + cells),
                   0.1));

    for (const int threads : {1, 3}) {
        const counter count;
        const auto work = batches->make_workspace(threads);
        CHECK(count.kept() == work.bytes());
        CHECK(count.kept() == batches->workspace_bytes(threads));
        CHECK(work.slices() == line<float>);
        const auto one = singles->make_workspace(threads);
        CHECK(count.kept() == work.bytes() + one.bytes());
        CHECK(one.bytes() == singles->workspace_bytes(threads));
    }
}

TEST_CASE("any budget gives the same bits of slices", "[budget]") {
    const gridrec::plan<float> plan(angles(40), 64, counted);
    auto usual = plan.make_workspace(1);
    const std::vector<float> expected = slices_of(plan, usual);
    const std::size_t least = plan.workspace_bytes(1), threads = 4;
    int most_threads = 0;
    std::size_t most_slices = 0;
    for (std::size_t budget = least; budget < 4 * least; budget += least / 16) {
        CAPTURE(budget);
        const counter count;
        auto work = plan.make_workspace(threads, budget);
        CHECK(count.kept() == work.bytes());
        CHECK(work.bytes() <= budget);
        CHECK(work.bytes() == plan.workspace_bytes(work.threads(), work.slices()));
        CHECK(work.threads() >= most_threads);
        CHECK((work.threads() > most_threads || work.slices() >= most_slices));
        if (work.threads() != most_threads || work.slices() != most_slices)
            CHECK(slices_of(plan, work) == expected);
        most_threads = work.threads();
        most_slices = work.slices();
    }
    CHECK(most_threads == threads);
    CHECK(most_slices == 3 * line<float>);

    const gridrec::plan_single<float> singles(angles(40), 64, counted);
    auto one = singles.make_workspace(1);
    const std::vector<float> single = slices_of(singles, one);
    for (int some = 1; some <= 3; ++some) {
        auto work = singles.make_workspace(3, singles.workspace_bytes(some));
        CHECK(work.threads() == some);
        CHECK(slices_of(singles, work) == single);
    }
}

TEST_CASE("the way back takes several batches at once too", "[budget]") {
    const gridrec::plan<float> plan(angles(40), 64, counted);
    const std::size_t count = 37;
    const auto f = reference::random_numbers<float>(count * 64 * 64);
    const double center = 32;
    const auto back = [&](auto work) {
        std::vector<float> g(count * 40 * 64);
        plan.apply_adjoint(view<const float, 3>(f.data(), {count, 64, 64}), std::span(&center, 1),
                           view<float, 3>(g.data(), {count, 40, 64}), work);
        return g;
    };
    const auto several = plan.share_within(gigabyte, 3);
    CHECK(several.problems > line<float>);
    CHECK(back(plan.make_workspace(3, gigabyte)) == back(plan.make_workspace(1)));
}

TEST_CASE("a budget too small for a slice says what would do", "[budget]") {
    const gridrec::plan<float> plan(angles(181), 256, counted);
    const gridrec::plan_single<float> singles(angles(181), 256, counted);
    const std::size_t least = plan.workspace_bytes(1), least_single = singles.workspace_bytes(1);
    CHECK_NOTHROW(plan.make_workspace(8, least));
    const std::string refused =
        message_of<std::invalid_argument>([&] { plan.make_workspace(8, least - 1); });
    CHECK_THAT(refused, ContainsSubstring("gridrec::plan::make_workspace: a budget of " +
                                          std::to_string(least - 1) +
                                          " bytes is too small: a batch of 16 slices takes "));
    CHECK_THAT(refused, ContainsSubstring(", expected " + std::to_string(least) + " or more"));
    const std::string advice = "gridrec::plan_single, one slice at a time, takes at most ";
    CHECK_THAT(refused, ContainsSubstring(advice));
    const std::size_t enough = std::stoull(refused.substr(refused.find(advice) + advice.size()));
    CHECK(enough >= least_single);
    CHECK(enough <= 2 * least_single);
    CHECK_NOTHROW(singles.make_workspace(8, enough));
    CHECK_THAT(message_of<std::invalid_argument>([&] { singles.make_workspace(1, least_single - 1); }),
               ContainsSubstring("gridrec::plan_single::make_workspace: a budget of ") &&
                   ContainsSubstring("a slice takes ") &&
                   ContainsSubstring("expected " + std::to_string(least_single) + " or more"));
    CHECK_THROWS_WITH(plan.make_workspace(-1, gigabyte), ContainsSubstring("threads is -1"));
}

// A large scan on its 64 threads: one batch would have each of them scatter a strip of two or three once more.
TEST_CASE("16 GB are several batches at once", "[budget]") {
    const gridrec::plan<float> plan(angles(1501), 2048, {.accuracy = gridrec::accuracy::fast});
    CHECK(plan.share_within(16 * gigabyte, 1).problems == line<float>);
    CHECK(plan.share_within(16 * gigabyte, 64).threads == 64);
    CHECK(plan.share_within(16 * gigabyte, 64).problems == 4 * line<float>);
    CHECK(plan.share_within(2 * gigabyte, 64).problems == 2 * line<float>);
    CHECK(plan.share_within(gigabyte, 64).threads < 64);
    CHECK(plan.share_within(gigabyte, 64).problems == line<float>);
}

TEST_CASE("work space lies on the pages that the plan was asked for", "[budget]") {
    const buffer<float> probe(1 << 20);
    if (probe.huge_bytes() == 0) {
        std::cout << "skipped: this kernel gives no transparent huge pages\n";
        return;
    }
    const auto huge_bytes = [](pages which) {
        const gridrec::options options{.memory = {.pages = which}};
        return gridrec::plan<float>(angles(181), 256, options).make_workspace(2).huge_bytes() +
               gridrec::plan_single<float>(angles(181), 256, options).make_workspace(2).huge_bytes();
    };
    CHECK(huge_bytes(pages::base) == 0);
    CHECK(huge_bytes(pages::transparent) > 0);
}
