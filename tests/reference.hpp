// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests compare with: brute and boring, by another method than the kernels'.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <iterator>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace reference {

// By the names of Catch2's third version; the second has Approx outside of any namespace.
#if __has_include(<catch2/catch_all.hpp>)
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#else
inline auto ContainsSubstring(const std::string& text) { return Catch::Contains(text); }
#endif

/// An element type on an architecture, for TEMPLATE_LIST_TEST_CASE.
template <class Element, class Arch>
struct lane {
    using T = Element;
    using A = Arch;
};

// What the build's flags are for. Kernels meet every vector width in as many builds, those of tests/run.sh, each
// with the flags that its users have: several widths in one build take compilers minutes more.
using lanes = std::tuple<lane<float, destrier::default_arch>, lane<double, destrier::default_arch>>;

// All that the flags allow, for tests that compile in seconds: a width need not be the widest.
#if defined(__AVX512F__)
using architectures = std::tuple<xsimd::sse2, xsimd::fma3<xsimd::avx2>, destrier::default_arch>;
#elif defined(__AVX__)
using architectures = std::tuple<xsimd::sse2, destrier::default_arch>;
#else
using architectures = std::tuple<destrier::default_arch>;
#endif

template <class... Archs>
std::tuple<lane<float, Archs>..., lane<double, Archs>...> every_lane(std::tuple<Archs...>);
using all_lanes = decltype(every_lane(architectures()));

// For kernels so unrolled that the sanitizers' compilers take minutes a width.
#if defined(__SANITIZE_ADDRESS__)
using unrolled_lanes = std::tuple<lane<double, destrier::default_arch>>;
#else
using unrolled_lanes = lanes;
#endif

template <class T>
inline constexpr double epsilon = std::numeric_limits<T>::epsilon();

/// Uniform numbers in (-1, 1), the same in every run.
template <class T>
std::vector<T> random_numbers(std::size_t n, unsigned seed = 1) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<T> uniform(-1, 1);
    std::vector<T> x(n);
    for (T& v : x) v = uniform(generator);
    return x;
}

/// Where long double is not the hardware's but software's, as on aarch64, tests take fewer sums in it.
inline constexpr bool long_double_is_slow = std::numeric_limits<long double>::digits > 64;

/// Bins of a transform to compare with sums: all, or a random choice of many.
inline std::vector<std::size_t> bins_of(std::size_t size) {
    std::vector<std::size_t> all(size), chosen;
    std::iota(all.begin(), all.end(), std::size_t{0});
    const std::size_t most = long_double_is_slow ? 12 : size > 512 ? 40 : size;
    std::sample(all.begin(), all.end(), std::back_inserter(chosen), most, std::mt19937(7));
    return chosen;
}

/// a b, without the rules of complex multiplication for infinities.
inline std::complex<long double> product(std::complex<long double> a, std::complex<long double> b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// exp(sign 2 pi i k / n) for all k, as products of two of fewer.
inline std::vector<std::complex<long double>> roots_of(std::size_t n, int sign) {
    const auto root = [=](std::size_t k) {
        return std::polar(1.0L, 2 * std::numbers::pi_v<long double> * static_cast<long double>(k) /
                                    static_cast<long double>(n) * static_cast<long double>(sign));
    };
    const auto few = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(n))));
    std::vector<std::complex<long double>> first(few), roots(n);
    for (std::size_t k = 0; k < few; ++k) first[k] = root(k);
    for (std::size_t k = 0; k < n; k += few) {
        const auto turned = root(k);
        for (std::size_t i = k; i < std::min(n, k + few); ++i) roots[i] = product(turned, first[i - k]);
    }
    return roots;
}

/// sum_t x[t] exp(sign 2 pi i k t / n) for each of these k, in long double.
inline std::vector<std::complex<long double>>
fourier_sums(const std::vector<std::complex<long double>>& x, const std::vector<std::size_t>& bins,
             int sign) {
    const std::size_t n = x.size();
    const auto roots = roots_of(n, sign);
    std::vector<std::complex<long double>> out;
    for (const std::size_t k : bins) {
        std::complex<long double> sum = 0;
        for (std::size_t t = 0; t < n; ++t) sum += product(x[t], roots[k * t % n]);
        out.push_back(sum);
    }
    return out;
}

/// fourier_sums for every k.
inline std::vector<std::complex<long double>>
discrete_fourier_transform(const std::vector<std::complex<long double>>& x, int sign) {
    std::vector<std::size_t> bins(x.size());
    std::iota(bins.begin(), bins.end(), std::size_t{0});
    return fourier_sums(x, bins, sign);
}

/// |a - b| / |b| in the L2 norm.
template <class P, class Q>
double relative_error(const P& a, const Q& b) {
    long double difference = 0, size = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        const auto d =
            static_cast<std::complex<long double>>(a[i]) - static_cast<std::complex<long double>>(b[i]);
        difference += std::norm(d);
        size += std::norm(static_cast<std::complex<long double>>(b[i]));
    }
    return static_cast<double>(std::sqrt(difference / size));
}

/// Whether two arrays hold the same bits: NaN equals itself, and 0 differs from -0.
template <class P, class Q>
bool same_bits(const P& a, const Q& b) {
    const auto x = std::as_bytes(std::span(a)), y = std::as_bytes(std::span(b));
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

/// The whole spectrum of n elements behind half of one, where the parts that must be real count as real.
inline std::vector<std::complex<long double>> whole_spectrum(std::vector<std::complex<long double>> half,
                                                             std::size_t n) {
    half[0].imag(0);
    if (n % 2 == 0) half[n / 2].imag(0);
    std::vector<std::complex<long double>> whole(n);
    for (std::size_t k = 0; k < half.size(); ++k) {
        whole[k] = half[k];
        if (k > 0) whole[n - k] = std::conj(half[k]);
    }
    return whole;
}

/// Scratch of just this size, canaries behind it.
template <class T>
class exact_scratch {
public:
    explicit exact_scratch(std::size_t size) : storage_(size + destrier::line<T>) {
        std::fill(storage_.begin(), storage_.end(), T(-77));
    }
    std::span<T> span() { return storage_.span().first(storage_.size() - destrier::line<T>); }
    bool canaries_live() const {
        return std::all_of(storage_.end() - destrier::line<T>, storage_.end(),
                           [](T v) { return v == -77; });
    }

private:
    destrier::buffer<T> storage_;
};

/// What the E that f throws says; nothing if it throws none.
template <class E = std::invalid_argument, class F>
std::string message_of(F&& f) {
    try {
        f();
    } catch (const E& error) {
        return error.what();
    }
    return {};
}

} // namespace reference
