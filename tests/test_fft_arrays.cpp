// SPDX-License-Identifier: BSD-3-Clause
//
// Transforms of arrays in callers' own layouts: the bits of lane blocks, whatever the strides.

#include "reference.hpp"

#include <cmath>
#include <complex>
#include <vector>

#include <destrier/fft.hpp>

using namespace destrier;

namespace {

template <class T>
std::vector<std::complex<T>> random_complex(std::size_t n, unsigned seed) {
    const auto parts = reference::random_numbers<T>(2 * n, seed);
    std::vector<std::complex<T>> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = {parts[2 * i], parts[2 * i + 1]};
    return x;
}

// Through lane blocks packed and unpacked by hand.
template <class T, class A>
std::vector<std::complex<T>> by_blocks(const std::vector<std::complex<T>>& x, std::size_t n, bool back) {
    const std::size_t count = x.size() / n;
    buffer<T> data(complex_blocks<T>::size_for(n, count));
    const complex_blocks<T> blocks(data.data(), n, count);
    std::vector<std::complex<T>> y(x.size());
    pack<A>(view<const std::complex<T>, 2>(x.data(), {count, n}), blocks);
    const fft::plan_c2c<T, A> plan(n);
    back ? plan.backward(blocks, blocks) : plan.forward(blocks, blocks);
    unpack<A>(blocks, view<std::complex<T>, 2>(y.data(), {count, n}));
    return y;
}

} // namespace

TEMPLATE_LIST_TEST_CASE("arrays give the bits of lane blocks, in place and out of place", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {std::size_t{1}, std::size_t{12}, std::size_t{13}, std::size_t{64}}) {
        const fft::plan_c2c<T, A> plan(n);
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, line<T>, 2 * line<T> + 3}) {
            const auto x = random_complex<T>(n * count, 3);
            const view<const std::complex<T>, 2> in(x.data(), {count, n});
            std::vector<std::complex<T>> y(x.size()), z = x;
            plan.forward(in, view<std::complex<T>, 2>(y.data(), {count, n}), {}, T(1), 2);
            CHECK(reference::same_bits(y, by_blocks<T, A>(x, n, false)));
            const view<std::complex<T>, 2> place(z.data(), {count, n});
            plan.backward(place, place);
            CHECK(reference::same_bits(z, by_blocks<T, A>(x, n, true)));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("transforms may lie in columns, or backwards", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const std::size_t n = 30, count = 19;
    const auto x = random_complex<T>(n * count, 4);
    const auto expected = by_blocks<T, A>(x, n, false);
    std::vector<std::complex<T>> columns(x.size()), y(x.size());
    for (std::size_t p = 0; p < count; ++p)
        for (std::size_t t = 0; t < n; ++t) columns[t * count + p] = x[p * n + t];
    const fft::plan_c2c<T, A> plan(n);
    const auto wide = static_cast<std::ptrdiff_t>(n), many = static_cast<std::ptrdiff_t>(count);
    plan.forward(view<const std::complex<T>, 2>(columns.data(), {count, n}, {1, many}),
                 view<std::complex<T>, 2>(y.data() + (count - 1) * n, {count, n}, {-wide, 1}));
    for (std::size_t p = 0; p < count; ++p)
        for (std::size_t k = 0; k < n; ++k) REQUIRE(y[(count - 1 - p) * n + k] == expected[p * n + k]);
}

TEMPLATE_LIST_TEST_CASE("arrays of real transforms are half of complex ones, and come back", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {std::size_t{1}, std::size_t{22}, std::size_t{45}, std::size_t{64}}) {
        const std::size_t count = line<T> + 5, half = n / 2 + 1;
        const auto x = reference::random_numbers<T>(n * count, 5);
        const fft::plan_r2c<T, A> plan(n);
        std::vector<std::complex<T>> spectra(half * count), whole(x.begin(), x.end());
        const view<std::complex<T>, 2> out(spectra.data(), {count, half});
        plan.forward(view<const T, 2>(x.data(), {count, n}), out);
        const auto full = by_blocks<T, A>(whole, n, false);
        double most = 0;
        for (std::size_t p = 0; p < count; ++p)
            for (std::size_t k = 0; k < half; ++k)
                most = std::max(most,
                                static_cast<double>(std::abs(spectra[p * half + k] - full[p * n + k])));
        CHECK(most <= 10 * reference::epsilon<T> * std::sqrt(static_cast<double>(n)));

        std::vector<T> back(x.size());
        plan.backward(out, view<T, 2>(back.data(), {count, n}), {}, T(1) / static_cast<T>(n), 2);
        for (std::size_t i = 0; i < x.size(); ++i)
            REQUIRE(std::abs(back[i] - x[i]) <= 10 * std::numeric_limits<T>::epsilon());
    }
}

TEST_CASE("arrays of other shapes than the plan's are refused", "[fft]") {
    std::vector<std::complex<float>> a(200), b(200);
    std::vector<float> r(200);
    using complexes = view<std::complex<float>, 2>;
    const fft::plan_c2c<float> plan(10);
    CHECK_THROWS_WITH(plan.forward(complexes(a.data(), {20, 9}), complexes(b.data(), {20, 10})),
                      reference::ContainsSubstring("in has 9 elements, expected 10"));
    CHECK_THROWS_WITH(plan.backward(complexes(a.data(), {20, 10}), complexes(b.data(), {19, 10})),
                      reference::ContainsSubstring("in holds 20 transforms, out holds 19"));
    buffer<float> little(plan.array_scratch_size() - 1);
    CHECK_THROWS_WITH(
        plan.forward(complexes(a.data(), {20, 10}), complexes(b.data(), {20, 10}), little.span()),
        reference::ContainsSubstring("scratch has"));
    const fft::plan_r2c<float> real(10);
    CHECK_THROWS_WITH(real.forward(view<float, 2>(r.data(), {20, 10}), complexes(b.data(), {20, 5})),
                      reference::ContainsSubstring("spectra has 5 elements, expected 6"));
}
