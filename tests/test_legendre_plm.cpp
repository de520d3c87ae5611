// SPDX-License-Identifier: BSD-3-Clause

#include <destrier/legendre/plm.hpp>

#include "quad.hpp"
#include "reference.hpp"

#include <initializer_list>

using namespace reference;
using namespace destrier;

namespace {

using sizes = std::initializer_list<std::size_t>;

constexpr double pi = std::numbers::pi;

// lambda_lm, [l - m][theta], from the class under test.
template <class T, class A = default_arch>
std::vector<T> functions(std::size_t lmax, std::size_t m, const std::vector<T>& theta, int threads = 1) {
    std::vector<T> out((lmax - m + 1) * theta.size(), T(-77));
    const legendre::plm<T, A> plan(lmax, m);
    plan.apply(theta, view<T, 2>(out.data(), {lmax - m + 1, theta.size()}), threads);
    return out;
}

// lambda_lm(theta) for l = m .. lmax by the recurrence in l, one degree at a time, with powers of 2^-1000 taken
// off the start: 0 below 2^-2000.
std::vector<quad> truth(std::size_t lmax, std::size_t m, double theta) {
    const auto [sine, cosine] = sine_cosine_of(theta);
    const quad unit = std::ldexp(1.0, -1000), order = static_cast<quad>(m);
    // of cos(theta) lambda_l the part in lambda_{l-1}
    const auto below = [&](quad l) {
        return square_root((l - order) * (l + order) / ((2 * l - 1) * (2 * l + 1)));
    };
    quad squared = (2 * order + 1) / (4 * std::numbers::pi_v<long double>), power = m % 2 == 0 ? 1 : -1;
    int units = 0;
    for (std::size_t i = 1; i <= m; ++i) {
        squared *= 1 - static_cast<quad>(0.5) / static_cast<quad>(i);
        power *= sine;
        if (absolute(power) < unit) power /= unit, ++units;
    }
    quad before = 0, now = power * square_root(squared);
    std::vector<quad> values;
    for (std::size_t l = m; l <= lmax; ++l) {
        values.push_back(units == 0 ? now : units == 1 ? now * unit : 0);
        const quad degree = static_cast<quad>(l);
        const quad next = (cosine * now - below(degree) * before) / below(degree + 1);
        before = now;
        now = next;
        if (units > 0 && absolute(now) > 1) now *= unit, before *= unit, --units;
    }
    return values;
}

// The largest error in units of l u, of the amplitude around l: the largest of three neighbours and of the last
// maximum, as between two of them all three can be small. 1e300 where a value is 0 for no reason.
template <class T>
double worst_error(const std::vector<quad>& expected, const std::vector<T>& out, std::size_t m,
                   std::size_t t, std::size_t thetas) {
    double worst = 0;
    quad maximum = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto size_of = [&](std::size_t k) {
            return k < expected.size() ? absolute(expected[k]) : 0;
        };
        const quad here = size_of(i), around = std::max(size_of(i - 1), size_of(i + 1));
        if (here > around) maximum = here;
        const T value = out[i * thetas + t];
        if (value == 0) {
            if (here >= legendre::detail::plm_unit<T>) return 1e300;
            continue;
        }
        const quad error = absolute(static_cast<quad>(value) - expected[i]);
        const double units = 0.5 * epsilon<T> * static_cast<double>(std::max<std::size_t>(m + i, 8));
        worst = std::max(worst, static_cast<double>(error / std::max({here, around, maximum})) / units);
    }
    return worst;
}

template <class T, class A>
void check_values(std::size_t lmax, std::size_t m, const std::vector<T>& theta) {
    const auto out = functions<T, A>(lmax, m, theta);
    for (std::size_t t = 0; t < theta.size(); ++t) {
        INFO("lmax " << lmax << ", m " << m << ", theta " << theta[t]);
        CHECK(worst_error(truth(lmax, m, static_cast<double>(theta[t])), out, m, t, theta.size()) <=
              1.5);
    }
}

// A consumer of tiles: sums over l, and what it was called with.
template <class T, class A>
struct sum_of_tile {
    T* sums;
    std::size_t *next, *calls;

    void operator()(std::size_t l, const typename legendre::plm<T, A>::values& lambda) const {
        if (l < *next) throw std::logic_error("l does not ascend");
        *next = l + 1;
        ++*calls;
        for (std::size_t r = 0; r < lambda.size(); ++r) {
            T* sum = sums + r * width<T, A>;
            (batch<T, A>::load_unaligned(sum) + lambda[r]).store_unaligned(sum);
        }
    }
};

template <class T>
std::vector<T> grid(std::size_t n) {
    std::vector<T> theta(n);
    for (std::size_t i = 0; i < n; ++i) {
        theta[i] = static_cast<T>(pi * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
    }
    return theta;
}

} // namespace

TEMPLATE_LIST_TEST_CASE("lambda_lm is that of the recurrence in 113 bits", "[legendre][plm]",
                        all_lanes) {
    using T = typename TestType::T;
    // poles, equator, both sides of 45 degrees, and what is neither
    const std::vector<T> theta{T(0),   T(1e-6), T(1e-3), T(0.05), T(0.3), T(0.78), T(0.79),
                               T(1.1), T(1.57), T(1.58), T(2),    T(2.5), T(3),    T(3.14159)};
    for (const std::size_t m : sizes{0, 1, 2, 7, 40, 299, 300}) {
        check_values<T, typename TestType::A>(300, m, theta);
    }
}

TEST_CASE("lambda_lm keeps its accuracy to large degrees", "[legendre][plm]") {
    const std::vector<double> theta{1e-6, 1e-3, 0.1, 0.6, 1.2, 1.57, 2.5, 3.14};
    for (const std::size_t m : sizes{0, 1, 200, 5000})
        check_values<double, default_arch>(10000, m, theta);
    check_values<double, default_arch>(100050, 100000, {1.4, 1.57, 1.6});
}

TEST_CASE("the squares of spherical harmonics add up", "[legendre][plm]") {
    const std::size_t lmax = 4096;
    const std::vector<std::size_t> degrees{0, 1, 2, 3, 10, 100, 1000, 2047, 4095, 4096};
    const std::vector<double> theta{0, 1e-6, 1e-4, 0.01, 0.3, 0.8, 1.3, 1.57, pi / 2, 2.5, 3.1, pi};
    std::vector<double> sums(degrees.size() * theta.size());
    for (std::size_t m = 0; m <= lmax; ++m) {
        const auto out = functions<double>(lmax, m, theta);
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const std::size_t l = degrees[i / theta.size()];
            if (l < m) continue;
            const double value = out[(l - m) * theta.size() + i % theta.size()];
            sums[i] += (m == 0 ? 1 : 2) * value * value;
        }
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::size_t l = degrees[i / theta.size()];
        INFO("l " << l << ", theta " << theta[i % theta.size()]);
        CHECK(std::abs(sums[i] * 4 * pi / static_cast<double>(2 * l + 1) - 1) <= 1e-12);
    }
}

TEST_CASE("the first of lambda_lm are those of the books", "[legendre][plm]") {
    const std::vector<double> theta{0.2, 1.1, 2.9};
    const auto m0 = functions<double>(3, 0, theta), m1 = functions<double>(2, 1, theta),
               m2 = functions<double>(2, 2, theta);
    for (std::size_t t = 0; t < theta.size(); ++t) {
        const double x = std::cos(theta[t]), s = std::sin(theta[t]);
        CHECK(m0[t] == Approx(std::sqrt(1 / (4 * pi))).epsilon(1e-15));
        CHECK(m0[3 + t] == Approx(std::sqrt(3 / (4 * pi)) * x).epsilon(1e-15));
        CHECK(m0[6 + t] == Approx(std::sqrt(5 / (4 * pi)) * (1.5 * x * x - 0.5)).epsilon(4e-15));
        CHECK(m0[9 + t] == Approx(std::sqrt(7 / (4 * pi)) * (2.5 * x * x - 1.5) * x).epsilon(4e-15));
        CHECK(m1[t] == Approx(-std::sqrt(3 / (8 * pi)) * s).epsilon(1e-15));
        CHECK(m1[3 + t] == Approx(-std::sqrt(15 / (8 * pi)) * s * x).epsilon(1e-15));
        CHECK(m2[t] == Approx(std::sqrt(15 / (32 * pi)) * s * s).epsilon(1e-15));
    }
}

#if defined(__cpp_lib_math_special_functions)
TEST_CASE("lambda_lm is the standard library's sph_legendre", "[legendre][plm]") {
    const auto theta = grid<double>(37);
    for (const std::size_t m : sizes{0, 1, 2, 5, 20}) {
        const auto out = functions<double>(40, m, theta);
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto l = static_cast<unsigned>(m + i / theta.size());
            const double expected =
                std::sph_legendre(l, static_cast<unsigned>(m), theta[i % theta.size()]);
            CHECK(std::abs(out[i] - expected) <= 1e-13);
        }
    }
}
#endif

TEMPLATE_LIST_TEST_CASE("lambda_lm is finite and never denormal", "[legendre][plm]", all_lanes) {
    using T = typename TestType::T;
    std::vector<T> theta = grid<T>(150);
    const std::vector<T> extreme{0,
                                 std::numeric_limits<T>::denorm_min(),
                                 std::numeric_limits<T>::min(),
                                 T(1e-30),
                                 T(1e-15),
                                 T(1e-7),
                                 T(pi / 2),
                                 T(pi)};
    theta.insert(theta.end(), extreme.begin(), extreme.end());
    for (const std::size_t m : sizes{0, 1, 2, 50, 900, 2000}) {
        const auto out = functions<T, typename TestType::A>(2000, m, theta);
        CHECK(std::all_of(out.begin(), out.end(), [](T v) { return v == 0 || std::isnormal(v); }));
        CHECK(std::any_of(out.begin(), out.end(), [](T v) { return std::abs(v) > T(0.1); }));
    }
}

TEMPLATE_LIST_TEST_CASE("lambda_lm depends neither on threads nor on neighbours", "[legendre][plm]",
                        all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const std::size_t lmax = 400, m = 30, degrees = lmax - m + 1;
    const auto theta = grid<T>(131);
    const std::vector<T> reversed(theta.rbegin(), theta.rend());
    const auto out = functions<T, A>(lmax, m, theta), back = functions<T, A>(lmax, m, reversed);
    CHECK(same_bits(out, functions<T, A>(lmax, m, theta, 3)));

    const std::size_t stride = degrees + 3; // thetas are rows, with canaries between them
    std::vector<T> strided(stride * theta.size(), T(-77));
    const legendre::plm<T, A> plan(lmax, m);
    plan.apply(theta, view<T, 2>(strided.data(), {degrees, theta.size()}, {1, stride}));
    bool equal = true, canaries = true;
    for (std::size_t t = 0; t < theta.size(); ++t) {
        for (std::size_t i = 0; i < degrees; ++i) {
            const T value = out[i * theta.size() + t];
            equal = equal && value == strided[t * stride + i];
            equal = equal && value == back[i * theta.size() + theta.size() - 1 - t];
        }
        for (std::size_t i = degrees; i < stride; ++i)
            canaries = canaries && strided[t * stride + i] == T(-77);
    }
    CHECK(equal);
    CHECK(canaries);
}

TEST_CASE("a tile hands out what apply stores", "[legendre][plm]") {
    using T = double;
    using A = default_arch;
    using plan_type = legendre::plm<T, A>;
    const std::size_t lmax = 1300, m = 200;
    const plan_type plan(lmax, m);
    for (const std::size_t count : sizes{1, plan_type::tile_size}) {
        std::vector<T> theta(count), sums(plan_type::tile_size), expected(count);
        for (std::size_t t = 0; t < count; ++t) theta[t] = T(0.2) + T(0.001) * static_cast<T>(t);
        const auto out = functions<T, A>(lmax, m, theta);
        for (std::size_t i = 0; i < out.size(); ++i) expected[i % count] += out[i];
        std::size_t next = m, calls = 0;
        plan.tile(theta, sum_of_tile<T, A>{sums.data(), &next, &calls});
        CHECK(next == lmax + 1);
        CHECK(calls > 0);
        CHECK(calls < lmax - m + 1); // the first are all 0 so near the pole
        CHECK(std::equal(expected.begin(), expected.end(), sums.begin()));
    }
}

TEMPLATE_LIST_TEST_CASE("a bad theta spoils its own values", "[legendre][plm]", all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const auto theta = grid<T>(40);
    auto bad = theta;
    bad[3] = std::numeric_limits<T>::quiet_NaN();
    bad[4] = T(-0.1);
    bad[20] = T(3.2);
    bad[21] = std::numeric_limits<T>::infinity();
    for (const std::size_t m : sizes{0, 1, 60}) {
        const auto good = functions<T, A>(100, m, theta), out = functions<T, A>(100, m, bad);
        bool as_expected = true;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const std::size_t t = i % theta.size();
            const bool spoilt = t == 3 || t == 4 || t == 20 || t == 21;
            as_expected = as_expected && (spoilt ? std::isnan(out[i]) : out[i] == good[i]);
        }
        CHECK(as_expected);
    }
}

TEST_CASE("plm says what is wrong with its arguments", "[legendre][plm]") {
    CHECK(message_of([] { legendre::plm<double>(3, 4); }) ==
          "legendre::plm: lmax is 3, expected m = 4 or more");
    const legendre::plm<double> plan(5, 2);
    const std::vector<double> theta(3, 1.0), many(plan.tile_size + 1, 1.0);
    std::vector<double> out(12, -77.0);
    CHECK(message_of([&] {
              plan.apply(theta, view<double, 2>(out.data(), {4, 2}));
          }) == "legendre::plm: out has shape (4, 2), expected (4, 3)");
    CHECK(out == std::vector<double>(12, -77.0));
    CHECK_THAT(message_of([&] { plan.tile(many, sum_of_tile<double, default_arch>{}); }),
               ContainsSubstring("legendre::plm: a tile of " + std::to_string(many.size())));
}
