// SPDX-License-Identifier: BSD-3-Clause
//
// Plans of fft: any lengths, and arrays, blocks, scratch, threads and budgets that fit them or do not.
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include <destrier/fft.hpp>

#include "fuzz.hpp"

namespace {

namespace fft = destrier::fft;
using complex = std::complex<float>;

std::size_t usual_or(fuzz::choices& from, std::size_t usual) {
    return fuzz::rarely(from) ? fuzz::below(from, 2 * usual + 2) : usual;
}

// Numbers on a line, of just the size that is needed, so that those beyond are found out.
template <class T>
class array {
public:
    explicit array(std::size_t size) : numbers_(size) {}
    T* data() { return numbers_.data(); }
    destrier::view<T, 2> rows(std::size_t problems, std::size_t n) { return {data(), {problems, n}}; }

private:
    destrier::buffer<T> numbers_;
};

template <std::size_t Parts>
struct lane_blocks {
    using blocks = destrier::blocks<float, Parts>;

    lane_blocks(std::size_t elements, std::size_t problems)
        : numbers(blocks::size_for(elements, problems)), view(numbers.data(), elements, problems) {}

    array<float> numbers;
    blocks view;
};

void run_blocks(const fft::plan_c2c<float>& plan, fuzz::choices& from) {
    const std::size_t problems = fuzz::below(from, 20);
    lane_blocks<2> in(usual_or(from, plan.size()), problems), out(plan.size(), usual_or(from, problems));
    const std::size_t room = usual_or(from, plan.scratch_size());
    array<float> scratch(room);
    plan.forward(in.view, out.view, {scratch.data(), room}, 0.5f);
    plan.backward(out.view, in.view, {}, 1, fuzz::some_threads(from));
}

void run_arrays(const fft::plan_c2c<float>& plan, fuzz::choices& from) {
    const std::size_t problems = fuzz::below(from, 20), n = usual_or(from, plan.size());
    array<complex> in(problems * n), out(problems * plan.size());
    plan.forward(in.rows(problems, n), out.rows(problems, plan.size()), {}, 1, fuzz::some_threads(from));
    plan.backward(out.rows(problems, plan.size()), in.rows(problems, n));
    plan.array_share_within(from.ConsumeIntegral<std::size_t>(), fuzz::some_threads(from));
}

void run_c2c(fuzz::choices& from) {
    const fft::plan_c2c<float> plan(fuzz::some_size(from, 300),
                                    static_cast<fft::order>(fuzz::below(from, 2)));
    plan.share_within(from.ConsumeIntegral<std::uint32_t>(), fuzz::some_threads(from));
    if (from.ConsumeBool())
        run_blocks(plan, from);
    else
        run_arrays(plan, from);
}

void run_r2c(fuzz::choices& from) {
    const fft::plan_r2c<float> plan(fuzz::some_size(from, 300));
    const std::size_t problems = fuzz::below(from, 20), half = usual_or(from, plan.spectrum_size());
    if (from.ConsumeBool()) {
        lane_blocks<1> real(plan.size(), problems);
        lane_blocks<2> spectra(half, problems);
        plan.forward(real.view, spectra.view, {}, 1, fuzz::some_threads(from));
        plan.backward(spectra.view, real.view);
    } else {
        array<float> real(problems * plan.size());
        array<complex> spectra(problems * half);
        plan.forward(real.rows(problems, plan.size()), spectra.rows(problems, half), {}, 1,
                     fuzz::some_threads(from));
        plan.backward(spectra.rows(problems, half), real.rows(problems, plan.size()));
    }
}

void run_2d(fuzz::choices& from) {
    const std::size_t rows = fuzz::some_size(from, 40), columns = fuzz::some_size(from, 40);
    const fft::plan_2d_r2c<float> real_plan(rows, columns);
    const std::size_t half = real_plan.spectrum_columns();
    array<float> real(rows * columns);
    array<complex> spectrum(rows * half), plane(rows * columns);
    const int threads = fuzz::some_threads(from);
    fft::bands bands;
    std::size_t given = rows;
    if (fuzz::rarely(from)) {
        given = fuzz::below(from, rows + 1);
        bands.in = {fuzz::below(from, rows + 1), given};
    }
    real_plan.forward(real.rows(given, columns), spectrum.rows(rows, half), {}, 1, threads, bands);
    real_plan.backward(spectrum.rows(rows, half), real.rows(rows, columns), {}, 1, threads);
    const fft::plan_2d_c2c<float> plan(rows, columns);
    plan.forward(plane.rows(given, columns), plane.rows(rows, columns), {}, 1, threads, bands);
    plan.backward(plane.rows(rows, columns), plane.rows(rows, columns), {}, 1, threads);
}

void run_convolution(fuzz::choices& from) {
    const std::size_t n = fuzz::below(from, 200), problems = fuzz::below(from, 20);
    array<float> response(n);
    for (std::size_t i = 0; i < n; ++i) response.data()[i] = static_cast<float>(fuzz::odd_number(from));
    const fft::convolution<float> plan(std::span<const float>(response.data(), n));
    lane_blocks<1> real(usual_or(from, n), problems);
    plan.apply(real.view, real.view, {}, fuzz::some_threads(from));
    lane_blocks<2> complex_ones(n, problems);
    plan.apply_adjoint(complex_ones.view, complex_ones.view);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::choices from(data, size);
    constexpr void (*runs[])(fuzz::choices&) = {run_c2c, run_r2c, run_2d, run_convolution};
    fuzz::expect_made_or_refused([&] { runs[fuzz::below(from, std::size(runs))](from); });
    return 0;
}
