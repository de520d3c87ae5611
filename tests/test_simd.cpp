// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

using namespace destrier;

namespace {

template <class A>
constexpr bool fused =
    std::is_base_of_v<xsimd::avx512f, A> || std::is_base_of_v<xsimd::fma3<xsimd::avx2>, A> ||
    std::is_base_of_v<xsimd::neon, A>;

// Out of line: g++ 12 picks single lanes out of a register with vextractf64x2 even under -march=knl, which
// that CPU does not have and the preset's assembler refuses.
template <class T, class A>
[[gnu::noinline]] std::array<T, width<T, A>> lanes_of(batch<T, A> v) {
    std::array<T, width<T, A>> lanes;
    v.store_unaligned(lanes.data());
    return lanes;
}

// The widest registers that the compiler's flags allow, in bytes.
#if defined(__AVX512F__)
constexpr std::size_t register_bytes = 64;
#elif defined(__AVX__)
constexpr std::size_t register_bytes = 32;
#else
constexpr std::size_t register_bytes = 16;
#endif

} // namespace

TEST_CASE("default_arch has the widest registers the flags allow", "[simd]") {
    STATIC_REQUIRE(width<float> * sizeof(float) == register_bytes);
    STATIC_REQUIRE(width<double> * sizeof(double) == register_bytes);
#if defined(__AVX2__) && defined(__FMA__)
    STATIC_REQUIRE(fused<default_arch>);
#endif
}

TEMPLATE_LIST_TEST_CASE("a line is 64 bytes on every architecture", "[simd]", reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    STATIC_REQUIRE(line<T> == (std::is_same_v<T, float> ? 16 : 8));
    STATIC_REQUIRE(registers<T, A> * width<T, A> == line<T>);
    STATIC_REQUIRE(sizeof(batch<T, A>) * registers<T, A> == 64);
}

TEMPLATE_LIST_TEST_CASE("fmadd and fnmadd round once where the hardware fuses", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    if constexpr (fused<A>) {
        const std::size_t w = width<T, A>, n = 64 * w;
        const auto a = reference::random_numbers<T>(n, 1), b = reference::random_numbers<T>(n, 2);
        std::vector<T> c(n), sum(n), difference(n), fused_sum(n), fused_difference(n);
        for (std::size_t i = 0; i < n; ++i) {
            c[i] = -a[i] * b[i]; // what cancels shows the second rounding
            fused_sum[i] = std::fma(a[i], b[i], c[i]);
            fused_difference[i] = std::fma(-a[i], b[i], -c[i]);
        }
        for (std::size_t i = 0; i < n; i += w) {
            using V = batch<T, A>;
            const V x = V::load_unaligned(&a[i]), y = V::load_unaligned(&b[i]);
            const V z = V::load_unaligned(&c[i]);
            fmadd(x, y, z).store_unaligned(&sum[i]);
            fnmadd(x, y, -z).store_unaligned(&difference[i]);
        }
        CHECK(sum == fused_sum);
        CHECK(difference == fused_difference);
    }
}

TEMPLATE_LIST_TEST_CASE("fmadd adds the product and fnmadd subtracts it", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using V = batch<T, A>;
    for (const T v : lanes_of<T, A>(fmadd(V(T(3)), V(T(5)), V(T(7))))) CHECK(v == 22);
    for (const T v : lanes_of<T, A>(fnmadd(V(T(3)), V(T(5)), V(T(7))))) CHECK(v == -8);
}

TEMPLATE_LIST_TEST_CASE("load_head loads the first n lanes and zeros the others", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    const auto x = reference::random_numbers<T>(2 * w);
    for (std::size_t start = 0; start <= w; ++start) {
        for (std::size_t n = 0; n <= w; ++n) {
            std::array<T, w> expected{};
            std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(start), n, expected.begin());
            REQUIRE(lanes_of<T, A>(load_head<A>(x.data() + start, n)) == expected);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("load_head reads nothing behind the first n", "[simd]", reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    // Behind a buffer on pages of its own lies memory that must not be touched.
    const buffer<T> page((std::size_t{2} << 20) / sizeof(T), {.pages = pages::transparent});
    for (std::size_t n = 0; n <= width<T, A>; ++n) {
        const auto lanes = lanes_of<T, A>(load_head<A>(page.end() - n, n));
        REQUIRE(std::all_of(lanes.begin(), lanes.end(), [](T v) { return v == 0; }));
    }
}

TEMPLATE_LIST_TEST_CASE("store_head writes the first n lanes and nothing else", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    constexpr T canary = -77;
    const auto x = reference::random_numbers<T>(w);
    const auto v = batch<T, A>::load_unaligned(x.data());
    for (std::size_t start = 0; start <= w; ++start) {
        for (std::size_t n = 0; n <= w; ++n) {
            std::vector<T> out(3 * w, canary), expected(3 * w, canary);
            std::copy_n(x.begin(), n, expected.begin() + static_cast<std::ptrdiff_t>(start));
            store_head(out.data() + start, v, n);
            REQUIRE(out == expected);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("transpose exchanges rows and lanes", "[simd]", reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    const auto x = reference::random_numbers<T>(w * w);
    batch<T, A> rows[w];
    for (std::size_t i = 0; i < w; ++i) rows[i] = batch<T, A>::load_unaligned(&x[i * w]);
    transpose<T, A>(rows);
    for (std::size_t j = 0; j < w; ++j) {
        const auto lanes = lanes_of<T, A>(rows[j]);
        for (std::size_t i = 0; i < w; ++i) CHECK(lanes[i] == x[i * w + j]);
    }
}

TEMPLATE_LIST_TEST_CASE("store_transposed exchanges rows and lanes on the way", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>, stride = w + 16 / sizeof(T);
    const auto x = reference::random_numbers<T>(w * w);
    batch<T, A> rows[w];
    for (std::size_t i = 0; i < w; ++i) rows[i] = batch<T, A>::load_unaligned(&x[i * w]);
    alignas(64) T y[w * stride];
    std::fill(std::begin(y), std::end(y), T(-77));
    store_transposed<stride, T, A>(rows, y);
    for (std::size_t j = 0; j < w; ++j) {
        for (std::size_t i = 0; i < stride; ++i)
            CHECK(y[j * stride + i] == (i < w ? x[i * w + j] : -77));
    }
}

TEMPLATE_LIST_TEST_CASE("pairs are parted into firsts and seconds, and joined again", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    const auto x = reference::random_numbers<T>(2 * w);
    auto a = batch<T, A>::load_unaligned(&x[0]), b = batch<T, A>::load_unaligned(&x[w]);
    deinterleave(a, b);
    const auto firsts = lanes_of<T, A>(a), seconds = lanes_of<T, A>(b);
    for (std::size_t i = 0; i < w; ++i) {
        CHECK(firsts[i] == x[2 * i]);
        CHECK(seconds[i] == x[2 * i + 1]);
    }
    interleave(a, b);
    const auto low = lanes_of<T, A>(a), high = lanes_of<T, A>(b);
    for (std::size_t i = 0; i < w; ++i) {
        CHECK(low[i] == x[i]);
        CHECK(high[i] == x[w + i]);
    }
}

TEMPLATE_LIST_TEST_CASE("load_pieces puts a register together", "[simd]", reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    const auto x = reference::random_numbers<T>(16 * w);
    const auto check = [&](auto pieces) {
        constexpr std::size_t many = pieces, piece = w / many;
        const auto r = lanes_of<T, A>(load_pieces<batch<T, A>, many>(&x[1], 3 * w + 1));
        for (std::size_t i = 0; i < w; ++i) CHECK(r[i] == x[1 + i / piece * (3 * w + 1) + i % piece]);
    };
    check(std::integral_constant<std::size_t, 1>());
    if constexpr (sizeof(batch<T, A>) >= 32) check(std::integral_constant<std::size_t, 2>());
    if constexpr (sizeof(batch<T, A>) >= 64) check(std::integral_constant<std::size_t, 4>());
}

TEMPLATE_LIST_TEST_CASE("a double4 is four doubles, from doubles, floats and parts of integers",
                        "[simd]", reference::all_lanes) {
    using quad = destrier::double4<typename TestType::A>;
    const double x[5] = {0, 1.5, -2.25, 1e300, -7};
    const float y[5] = {0, 0.5f, 3, -1e-30f, 9};
    const std::int32_t z[5] = {0, -5, 0x12345678, 2147483647, 77};
    alignas(16) const std::int32_t mask[4] = {-1, 0xf, -1, 0};
    const double integers[4] = {-5, 8, 2147483647, 0};
    double sum[4], product[4], all[4];
    const quad a = quad::load(x + 1), b = quad::load(y + 1), c = quad::load(z + 1, mask);
    (a + b).store(sum);
    (c * quad(0.5)).store(product);
    fmadd(b, quad(2.0), c).store(all);
    for (std::size_t i = 0; i < 4; ++i) {
        const double from_float = static_cast<double>(y[i + 1]);
        CHECK(sum[i] == x[i + 1] + from_float);
        CHECK(product[i] == integers[i] / 2);
        CHECK(all[i] == integers[i] + 2 * from_float);
    }
    const double whole[4] = {1, 2, 3, 4};
    sums(quad::load(whole), c, quad(2.0), quad::load(whole) * quad(10.0)).store(sum);
    CHECK(sum[0] == 10);
    CHECK(sum[1] == 2147483650);
    CHECK(sum[2] == 8);
    CHECK(sum[3] == 100);
}

TEMPLATE_LIST_TEST_CASE("add_counted adds counts times what lies at places", "[simd]",
                        reference::all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<double, A>;
    const auto x = reference::random_numbers<T>(100);
    const auto place = [](std::size_t i) { return (97 * i + 13) % 100; };
    const auto word = [&](std::size_t i) { return static_cast<std::uint32_t>(place(i) << 4 | (i + 1)); };
    std::vector<std::uint32_t> e(w);
    for (std::size_t i = 0; i < w; ++i) e[i] = word(i);
    for (std::size_t n = 0; n <= w; ++n) {
        if (n < w) e[n] = 0xfffffff7u; // far outside of x
        const auto sums =
            lanes_of<double, A>(destrier::add_counted<4>(e.data(), n, x.data(), batch<double, A>(0.5)));
        for (std::size_t i = 0; i < w; ++i) {
            const double there = static_cast<double>(x[place(i)]);
            CHECK(std::abs(sums[i] - 0.5 - (i < n ? static_cast<double>(i + 1) * there : 0)) <= 1e-14);
        }
        if (n < w) e[n] = word(n);
    }
}

TEST_CASE("unroll calls with every index in order", "[simd]") {
    std::vector<std::size_t> seen;
    unroll<5>([&](auto i) { seen.push_back(std::integral_constant<std::size_t, i>::value); });
    unroll<0>([&](auto i) { seen.push_back(i); });
    CHECK(seen == std::vector<std::size_t>{0, 1, 2, 3, 4});
}
