// SPDX-License-Identifier: BSD-3-Clause
//
// What destripe is made of: chunks, pixel sets, problems, templates, priors, pointing, solves.
#include <cstdint>
#include <optional>
#include <vector>

#include <destrier/destripe.hpp>

#include "fuzz.hpp"

namespace {

namespace ds = destrier::destripe;

std::size_t other_or(fuzz::choices& from, std::size_t usual) {
    return fuzz::rarely(from) ? fuzz::below(from, 40) : usual;
}

// The samples of a chunk and what owns them.
struct samples {
    explicit samples(fuzz::choices& from) {
        const std::size_t n = fuzz::below(from, 40);
        pixels.resize(n);
        for (std::int32_t& p : pixels)
            p = fuzz::rarely(from) ? from.ConsumeIntegral<std::int32_t>()
                                   : from.ConsumeIntegralInRange(-1, 7);
        for (auto* const weights : {&cosine, &sine}) {
            const std::vector<double> x = fuzz::some_numbers(from, other_or(from, n));
            for (const double value : x)
                weights->push_back(static_cast<float>(value > 4 && value < 30 ? 1 : value));
        }
        signal = fuzz::some_numbers(from, other_or(from, n));
        if (from.ConsumeBool()) flags = from.ConsumeBytes<std::uint8_t>(n);
        if (fuzz::rarely(from)) weight = fuzz::odd_number(from);
        baselines = ds::equal_baselines(0, n, 1 + fuzz::below(from, 9));
        if (fuzz::rarely(from))
            baselines.push_back(
                {from.ConsumeIntegral<std::size_t>(), from.ConsumeIntegral<std::size_t>()});
    }
    ds::chunk view() const {
        return {.pixels = pixels,
                .cosine = cosine,
                .sine = sine,
                .signal = signal,
                .flags = flags,
                .weight = weight,
                .baselines = baselines};
    }

    std::vector<std::int32_t> pixels;
    std::vector<float> cosine, sine;
    std::vector<double> signal;
    std::vector<std::uint8_t> flags;
    double weight = 1;
    std::vector<ds::baseline> baselines;
};

std::vector<samples> some_chunks(fuzz::choices& from) {
    std::vector<samples> chunks;
    for (std::size_t left = fuzz::below(from, 4); left > 0; --left) chunks.emplace_back(from);
    return chunks;
}

ds::problem_options some_options(fuzz::choices& from, std::span<const std::uint8_t> mask) {
    ds::problem_options o;
    if (fuzz::rarely(from)) o.rcond = fuzz::odd_number(from);
    if (fuzz::rarely(from)) o.mask = mask;
    o.passes = static_cast<ds::passes>(fuzz::below(from, 2));
    o.threads = fuzz::some_threads(from);
    return o;
}

template <class Problem>
void solve(const Problem& problem, fuzz::choices& from) {
    ds::solve_options how;
    how.iterations = fuzz::below(from, 20);
    how.flexible = from.ConsumeBool();
    how.refresh = fuzz::below(from, 5);
    how.patience = fuzz::below(from, 5);
    if (fuzz::rarely(from)) how.tolerance = fuzz::odd_number(from);
    const auto apply = [&](std::span<const double> a, std::span<double> out) { problem.apply(a, out); };
    ds::solve({.size = problem.size(), .apply = apply}, problem.rhs(), how);
}

void solve_problem(fuzz::choices& from) {
    const std::size_t pixels = fuzz::rarely(from) ? fuzz::some_size(from, 9) : 8;
    const std::vector<samples> chunks = some_chunks(from);
    const std::vector<std::uint8_t> mask = from.ConsumeBytes<std::uint8_t>(fuzz::below(from, 9));
    const ds::source source = [&](std::size_t k) { return chunks[k].view(); };
    solve(ds::problem<double, ds::stokes::iqu>(pixels, chunks.size(), source, some_options(from, mask)),
          from);
}

void solve_templates(fuzz::choices& from) {
    const std::vector<samples> chunks = some_chunks(from);
    std::vector<std::vector<ds::baseline>> baselines, scans;
    std::vector<std::vector<float>> azimuths;
    for (const samples& one : chunks) {
        baselines.push_back(one.baselines);
        scans.push_back(ds::equal_baselines(0, one.pixels.size(), 8));
        azimuths.emplace_back();
        for (const double x : fuzz::some_numbers(from, other_or(from, one.pixels.size())))
            azimuths.back().push_back(static_cast<float>(x));
    }
    const std::vector<std::span<const float>> phases(azimuths.begin(), azimuths.end());
    const ds::offsets offsets(baselines);
    const ds::legendre_polynomials drift(scans, fuzz::below(from, 3), fuzz::some_size(from, 4));
    const ds::periodic_bins<float> ground(phases, fuzz::some_size(from, 5),
                                          fuzz::rarely(from) ? fuzz::odd_number(from) : 2.5);
    const ds::source source = [&](std::size_t k) { return chunks[k].view(); };
    solve(ds::template_problem<ds::stokes::i>(8, chunks.size(), source, some_options(from, {}), offsets,
                                              drift, ground),
          from);
}

void bin_maps(fuzz::choices& from) {
    ds::map_sums<ds::stokes::iqu> sums(fuzz::rarely(from) ? fuzz::some_size(from, 9) : 8,
                                       fuzz::some_threads(from));
    const std::vector<samples> chunks = some_chunks(from);
    for (std::size_t k = 0; k < chunks.size(); ++k) sums.add(k, chunks[k].view());
    make_maps(sums, fuzz::rarely(from) ? fuzz::odd_number(from) : 1e-3, 1);
}

void number_pixels(fuzz::choices& from) {
    ds::pixel_set seen(fuzz::rarely(from) ? fuzz::some_size(from, 300) : 8, fuzz::some_threads(from));
    const samples one(from);
    seen.mark(one.pixels, one.flags);
    seen.close();
    std::vector<std::int32_t> local(other_or(from, one.pixels.size()));
    seen.renumber(one.pixels, local);
}

void make_prior(fuzz::choices& from) {
    const auto positive = [&](double usual) {
        return fuzz::rarely(from) ? fuzz::odd_number(from) : usual;
    };
    std::vector<ds::noise_model> models{
        ds::one_over_f(positive(1), positive(0.1), positive(1), positive(1e-3), positive(10))};
    if (fuzz::rarely(from)) {
        const std::size_t n = fuzz::below(from, 9);
        models.push_back({fuzz::some_numbers(from, n), fuzz::some_numbers(from, other_or(from, n))});
    }
    std::vector<ds::prior_chunk> chunks;
    std::size_t first = 0;
    for (std::size_t left = fuzz::below(from, 20); left > 0; --left) {
        const std::size_t count =
            fuzz::rarely(from) ? fuzz::some_size(from, 9) : 1 + fuzz::below(from, 30);
        chunks.push_back({fuzz::rarely(from) ? fuzz::some_size(from, 9) : first, count,
                          fuzz::below(from, models.size() + (fuzz::rarely(from) ? 1 : 0))});
        first += count;
    }
    const ds::offset_prior prior(std::span<const ds::noise_model>(models), chunks, positive(1),
                                 positive(10), fuzz::some_threads(from));
    std::vector<double> a(prior.size(), 1.0), out(other_or(from, prior.size()));
    prior.add(a, out);
}

void point(fuzz::choices& from) {
    const std::size_t n = fuzz::below(from, 40);
    std::vector<double> boresight;
    for (std::size_t i = 0; i < n; ++i) boresight.insert(boresight.end(), {0, 0.6, 0, 0.8});
    if (n > 0 && fuzz::rarely(from)) boresight[fuzz::below(from, 4 * n)] = fuzz::odd_number(from);
    std::vector<std::int32_t> pixels(other_or(from, n));
    std::vector<float> cosine(n), sine(other_or(from, n));
    const ds::sphere grid{fuzz::rarely(from) ? fuzz::some_size(from, 300)
                                             : std::size_t{1} << fuzz::below(from, 14),
                          static_cast<ds::ordering>(fuzz::below(from, 2))};
    ds::detector_pointing detector{.quaternion = {0, 0, 0, 1}};
    if (fuzz::rarely(from)) detector.quaternion[fuzz::below(from, 4)] = fuzz::odd_number(from);
    if (fuzz::rarely(from)) detector.efficiency = fuzz::odd_number(from);
    if (fuzz::rarely(from)) detector.gamma = fuzz::odd_number(from);
    const auto plate = from.ConsumeBool() ? fuzz::some_numbers(from, n) : std::vector<double>();
    ds::expand_pointing(boresight, detector, plate, grid, pixels, cosine, sine,
                        fuzz::some_threads(from));
    for (const std::int32_t pixel : pixels) {
        if (pixel < -1 || pixel >= static_cast<std::int64_t>(grid.pixels())) std::abort();
    }
    const std::vector<double> xyz = fuzz::some_numbers(from, 3 * pixels.size());
    ds::pixelise(grid, xyz, pixels, 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::choices from(data, size);
    constexpr void (*runs[])(fuzz::choices&) = {solve_problem, solve_templates, bin_maps,
                                                number_pixels, make_prior,      point};
    fuzz::expect_made_or_refused([&] { runs[fuzz::below(from, std::size(runs))](from); });
    return 0;
}
