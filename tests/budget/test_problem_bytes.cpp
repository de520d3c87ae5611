// SPDX-License-Identifier: BSD-3-Clause
//
// What a destriping problem is said to take before there is one, against what is allocated.
#include "../reference.hpp"
#include "allocations.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <destrier/destripe.hpp>

namespace {

using allocations::counter;
using destrier::pages;
using destrier::destripe::baseline;
using destrier::destripe::chunk;
using destrier::destripe::passes;
using destrier::destripe::problem;
using destrier::destripe::problem_bytes;
using destrier::destripe::problem_options;
using destrier::destripe::problem_size;
using destrier::destripe::stokes;

/// Chunks of samples that all have an entry to themselves: the next one is 7 pixels on.
struct survey {
    std::size_t pixels, chunks, samples, length; // of a chunk, and of a baseline
    std::vector<std::int32_t> hit = std::vector<std::int32_t>(samples);
    std::vector<float> cosine = reference::random_numbers<float>(samples),
                       sine = reference::random_numbers<float>(samples, 2);
    std::vector<double> signal = reference::random_numbers<double>(samples);
    std::vector<baseline> baselines = destrier::destripe::equal_baselines(0, samples, length);

    chunk of(std::size_t k) {
        for (std::size_t i = 0; i < samples; ++i)
            hit[i] = static_cast<std::int32_t>((7 * i + k) % pixels);
        return {hit, cosine, sine, signal, {}, 1, baselines};
    }
    problem_size size(int threads) const {
        return {.samples = chunks * samples,
                .baselines = chunks * baselines.size(),
                .pixels = pixels,
                .chunks = chunks,
                .longest_baseline = length,
                .threads = threads};
    }
};

template <stokes S>
void check(survey from, passes p, int threads, double tightness) {
    CAPTURE(from.pixels, from.chunks, from.length, threads, p);
    const problem_bytes bound = bytes_of_problem<S>(from.size(threads), p);
    const problem_options options{.passes = p, .threads = threads, .where = {.pages = pages::base}};
    const counter count;
    const problem<double, S> made(
        from.pixels, from.chunks, [&](std::size_t k) { return from.of(k); }, options);
    const std::size_t kept = count.kept(), most = count.most();
    CHECK(made.bytes() == kept);
    CHECK(kept <= bound.kept);
    CHECK(most <= bound.setting_up);
    if (tightness == 0) return;
    CHECK(made.entries() == from.chunks * from.samples);
    CHECK(static_cast<double>(kept) >= tightness * static_cast<double>(bound.kept));
    CHECK(static_cast<double>(most) >= tightness * static_cast<double>(bound.setting_up));
}

template <stokes S>
void check_all() {
    for (const passes p : {passes::two, passes::one}) {
        for (const int threads : {1, 3}) {
            check<S>({1000, 3, 2000, 50}, p, threads, 0);      // few samples
            check<S>({50000, 3, 2000, 50}, p, threads, 0);     // more pixels
            check<S>({1000, 40, 500, 5}, p, threads, 0);       // many chunks and baselines
            check<S>({30001, 2, 30000, 30000}, p, threads, 0); // a baseline a chunk
        }
        check<S>({5000, 4, 400000, 500}, p, 1, 0.8);
    }
}

} // namespace

TEST_CASE("a problem takes what was said before", "[budget]") {
    check_all<stokes::iqu>();
    check_all<stokes::qu>();
    check_all<stokes::i>();
}

TEST_CASE("a problem's bytes are those of its manual", "[budget]") {
    const problem_size none{.samples = 0, .baselines = 0, .pixels = 0, .chunks = 0, .threads = 1};
    const auto more = [&](auto size_of, passes p) {
        problem_size some = none;
        size_of(some) += 1000000;
        const problem_bytes before = bytes_of_problem<stokes::iqu>(none, p),
                            after = bytes_of_problem<stokes::iqu>(some, p);
        return std::vector<std::size_t>{(after.kept - before.kept) / 1000000,
                                        (after.setting_up - before.setting_up) / 1000000};
    };
    const auto samples = [](problem_size& s) -> std::size_t& { return s.samples; };
    const auto pixels = [](problem_size& s) -> std::size_t& { return s.pixels; };
    const auto baselines = [](problem_size& s) -> std::size_t& { return s.baselines; };
    using bytes = std::vector<std::size_t>;
    CHECK(more(samples, passes::two) == bytes{24, 40});
    CHECK(more(samples, passes::one) == bytes{12, 40});
    CHECK(more(pixels, passes::two) == bytes{64, 200});
    CHECK(more(baselines, passes::two) == bytes{32, 104});
}
