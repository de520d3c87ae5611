// SPDX-License-Identifier: BSD-3-Clause
//
// Long transforms, by rows and by the kernel of those that leave the cache, against a transform in long
// double; the longest by linearity, shift and impulse, which no other map has
// (F. Ergun, STOC 1995, 407, doi:10.1145/225058.225167).

#include "fft_kernels.hpp"
#include "reference.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <vector>

#include <destrier/fft.hpp>

using namespace destrier;

namespace {

using exact = std::complex<long double>;

using reference::product;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t most_of_reference = 1 << 18, longest = 1 << 19;
#else
constexpr bool slow = reference::long_double_is_slow;
constexpr std::size_t most_of_reference = slow ? 1 << 17 : 1 << 20, longest = slow ? 1 << 18 : 1 << 22;
#endif

// The documented bound on the L2 relative error: products of 2, 3, 5, 7, 11 and 13 all of these are.
template <class T>
double bound(std::size_t n) {
    return 0.5 * std::sqrt(std::log2(static_cast<double>(n))) * reference::epsilon<T>;
}

// out[k] = sum_t in[t step] roots[k t step], of n elements: by halves, thirds, ... down to sums.
void transform(const exact* in, std::size_t step, std::size_t n, const std::vector<exact>& roots,
               exact* out) {
    if (n == 1) {
        *out = *in;
        return;
    }
    std::size_t radix = 2;
    while (n % radix != 0) ++radix;
    const std::size_t part = n / radix;
    for (std::size_t r = 0; r < radix; ++r) {
        transform(in + r * step, step * radix, part, roots, out + r * part);
    }
    std::vector<exact> x(radix);
    for (std::size_t k = 0; k < part; ++k) {
        for (std::size_t r = 0; r < radix; ++r) x[r] = product(out[r * part + k], roots[k * r * step]);
        for (std::size_t q = 0; q < radix; ++q) {
            exact sum = 0;
            for (std::size_t r = 0; r < radix; ++r)
                sum += product(x[r], roots[q * r % radix * part * step]);
            out[q * part + k] = sum;
        }
    }
}

// Some numbers, the same for float and double, and their spectrum.
struct example {
    std::vector<std::complex<float>> signal;
    std::vector<exact> spectrum;
};
const example& example_of(std::size_t n) {
    static std::map<std::size_t, example> known;
    const auto [place, is_new] = known.try_emplace(n);
    example& e = place->second;
    if (is_new) {
        const auto numbers = reference::random_numbers<float>(2 * n);
        for (std::size_t t = 0; t < n; ++t) e.signal.emplace_back(numbers[2 * t], numbers[2 * t + 1]);
        const std::vector<exact> x(e.signal.begin(), e.signal.end());
        e.spectrum.resize(n);
        transform(x.data(), 1, n, reference::roots_of(n, -1), e.spectrum.data());
    }
    return e;
}

// Powers of two below and above the last length of rows, others with whole lines on both sides of the plane
// and without, and powers of 3 and 5, which fill no line.
const std::vector<std::size_t> lengths{16384,  65536,  78125,  100000, 131072,
                                       177147, 196608, 262144, 1 << 20};

template <class T>
view<std::complex<T>, 2> one(std::vector<std::complex<T>>& x, std::size_t n, std::ptrdiff_t stride = 1) {
    return {x.data(), {1, n}, {0, stride}};
}
template <class T>
view<T, 2> one(std::vector<T>& x, std::size_t n) {
    return {x.data(), {1, n}};
}

// The numbers of an example as T.
template <class T>
std::vector<std::complex<T>> signal_of(std::size_t n) {
    const auto& x = example_of(n).signal;
    std::vector<std::complex<T>> y;
    for (const auto v : x) y.emplace_back(v.real(), v.imag());
    return y;
}

} // namespace

TEST_CASE("the reference is the sums", "[fft]") {
    for (const std::size_t n : {1u, 12u, 45u, 77u}) {
        const auto& [signal, spectrum] = example_of(n);
        const std::vector<exact> x(signal.begin(), signal.end());
        CHECK(reference::relative_error(spectrum, reference::discrete_fourier_transform(x, -1)) < 1e-17);
    }
}

TEMPLATE_LIST_TEST_CASE("long transforms meet the bound, in place too, by any number of threads",
                        "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const std::size_t n : lengths) {
        if (n > most_of_reference) continue;
        CAPTURE(n);
        const fft::plan_c2c<T> plan(n);
        auto x = signal_of<T>(n);
        std::vector<C> y(n + 1, C(-77)), z = x;
        buffer<T> scratch(plan.array_scratch_size(2) + line<T>);
        std::fill(scratch.end() - line<T>, scratch.end(), T(-77));
        plan.forward(one(x, n), one(y, n), scratch.span().first(plan.array_scratch_size(2)), T(1), 2);
        CHECK(std::count(scratch.end() - line<T>, scratch.end(), T(-77)) == line<T>);
        CHECK(y[n] == C(-77));
        y.resize(n);
        CHECK(reference::relative_error(y, example_of(n).spectrum) <= bound<T>(n));
        plan.forward(one(z, n), one(z, n));
        CHECK(reference::same_bits(z, y));

        // conj(backward(conj x)) = forward(x)
        for (C& v : x) v = std::conj(v);
        plan.backward(one(x, n), one(y, n), {}, T(0.5), 3);
        for (C& v : y) v = T(2) * std::conj(v);
        CHECK(reference::relative_error(y, example_of(n).spectrum) <= bound<T>(n));
        plan.backward(one(x, n), one(x, n), {}, T(0.5));
        for (C& v : x) v = T(2) * std::conj(v);
        CHECK(reference::same_bits(x, y));
    }
}

TEMPLATE_LIST_TEST_CASE("long transforms in other strides and in lane blocks give the bits of rows",
                        "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const std::size_t n : {78125u, 131072u}) {
        CAPTURE(n);
        const fft::plan_c2c<T> plan(n);
        auto x = signal_of<T>(n);
        std::vector<C> y(n), back(n);
        plan.forward(one(x, n), one(y, n));
        plan.backward(one(x, n), one(back, n));

        // Two transforms, of the signal and of it conjugated, element by element side by side.
        std::vector<C> pairs(2 * n), other(n), got(n);
        for (std::size_t t = 0; t < n; ++t) {
            pairs[2 * t] = x[t];
            pairs[2 * t + 1] = other[t] = std::conj(x[t]);
        }
        const view<C, 2> in_columns(pairs.data(), {2, n}, {1, 2});
        plan.forward(in_columns, in_columns, {}, T(1), 2);
        plan.forward(one(other, n), one(other, n));
        for (std::size_t k = 0; k < n; ++k) got[k] = pairs[2 * k];
        CHECK(reference::same_bits(got, y));
        for (std::size_t k = 0; k < n; ++k) got[k] = pairs[2 * k + 1];
        CHECK(reference::same_bits(got, other));

        buffer<T> data(complex_blocks<T>::size_for(n, 1));
        const complex_blocks<T> blocks(data.data(), n, 1);
        for (const bool backward : {false, true}) {
            pack(view<const C, 2>(one(x, n)), blocks);
            backward ? plan.backward(blocks, blocks) : plan.forward(blocks, blocks);
            unpack(complex_blocks<const T>(blocks), one(got, n));
            CHECK(reference::same_bits(got, backward ? back : y));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("long real transforms meet the bound, in place too, and come back", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const std::size_t n : {131072u, 156250u, 177147u, 200000u, 262144u}) {
        if (n > most_of_reference) continue;
        CAPTURE(n);
        const fft::plan_r2c<T> plan(n);
        const auto& [signal, spectrum] = example_of(n);
        std::vector<T> x(n), back(n);
        std::vector<C> half(n / 2 + 1), expected(n / 2 + 1);
        // The signal's real part; of its spectrum the part that mirrors itself.
        std::vector<exact> truth(n / 2 + 1);
        for (std::size_t t = 0; t < n; ++t) x[t] = T(signal[t].real());
        for (std::size_t k = 0; k < truth.size(); ++k) {
            truth[k] = (spectrum[k] + std::conj(spectrum[(n - k) % n])) / 2.0L;
        }
        plan.forward(one(x, n), one(half, half.size()), {}, T(1), 2);
        CHECK(reference::relative_error(half, truth) <= bound<T>(n));
        plan.backward(one(half, half.size()), one(back, n), {}, T(1) / static_cast<T>(n), 2);
        CHECK(reference::relative_error(back, x) <= 2 * bound<T>(n));

        std::vector<C> place(n / 2 + 1);
        const view<T, 2> reals(reinterpret_cast<T*>(place.data()), {1, n});
        std::copy(x.begin(), x.end(), reals.data());
        plan.forward(reals, one(place, place.size()));
        CHECK(reference::same_bits(place, half));
        plan.backward(one(place, place.size()), reals, {}, T(1) / static_cast<T>(n));
        CHECK(std::equal(back.begin(), back.end(), reals.data()));
    }
}

TEMPLATE_LIST_TEST_CASE("the longest transforms are linear, know impulses and turn shifts into phases",
                        "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    const std::size_t n = longest;
    const fft::plan_c2c<T> plan(n);
    const auto roots = reference::roots_of(n, -1);
    buffer<T> scratch(plan.array_scratch_size(2));
    const auto forward = [&](std::vector<C>& x) {
        plan.forward(one(x, n), one(x, n), scratch.span(), T(1), 2);
    };

    std::vector<C> a(n);
    const std::size_t at = n / 3;
    a[at] = C(1);
    forward(a);
    long double worst = 0;
    for (std::size_t k = 0; k < n; ++k)
        worst = std::max(worst, std::norm(exact(a[k]) - roots[k * at % n]));
    CHECK(std::sqrt(static_cast<double>(worst)) <= 2 * bound<T>(n));

    // Sums of these are not rounded.
    const auto numbers = reference::random_numbers<T>(4 * n);
    const auto coarse = [&](std::size_t i) { return std::round(1024 * numbers[i]) / 1024; };
    std::vector<C> b(n), sum(n), later(n);
    for (std::size_t t = 0; t < n; ++t) {
        a[t] = later[(t + 1) % n] = {coarse(2 * t), coarse(2 * t + 1)};
        b[t] = {coarse(2 * (n + t)), coarse(2 * (n + t) + 1)};
        sum[t] = a[t] + b[t];
    }
    for (auto* x : {&a, &b, &sum, &later}) forward(*x);
    std::vector<exact> expected(n);
    for (std::size_t k = 0; k < n; ++k) expected[k] = exact(a[k]) + exact(b[k]);
    CHECK(reference::relative_error(sum, expected) <= 2 * bound<T>(n));
    for (std::size_t k = 0; k < n; ++k) expected[k] = product(a[k], roots[k]);
    CHECK(reference::relative_error(later, expected) <= 2 * bound<T>(n));
}
