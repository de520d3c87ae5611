// SPDX-License-Identifier: BSD-3-Clause
//
// Derivatives, integrals and powers of series, against exact formulae in powers of x, and series of two variables,
// against double sums; truths have 113 bits.
#include "legendre_truth.hpp"

#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <destrier/legendre/calculus.hpp>
#include <destrier/legendre/surface.hpp>

using namespace destrier;
using reference::quad;

namespace {

using quads = std::vector<quad>;

quad factorial(std::size_t n) { return n < 2 ? 1 : static_cast<quad>(n) * factorial(n - 1); }
quad double_factorial(std::size_t n) {
    return n < 2 ? 1 : static_cast<quad>(n) * double_factorial(n - 2);
}
quad power(quad x, std::size_t n) { return n == 0 ? 1 : x * power(x, n - 1); }
std::size_t last(const quads& c) { return c.size() - 1; }

// The coefficient of x^i in P_k, by Rodrigues' formula.
quad power_in_legendre(std::size_t k, std::size_t i) {
    if (i > k || (k - i) % 2 == 1) return 0;
    const std::size_t m = (k - i) / 2;
    const quad size =
        factorial(2 * k - 2 * m) / (factorial(m) * factorial(k - m) * factorial(i) * power(2, k));
    return m % 2 == 0 ? size : -size;
}
// The coefficient of P_k in x^i, by integration.
quad legendre_in_power(std::size_t i, std::size_t k) {
    if (k > i || (i - k) % 2 == 1) return 0;
    return static_cast<quad>(2 * k + 1) * factorial(i) /
           (power(2, (i - k) / 2) * factorial((i - k) / 2) * double_factorial(i + k + 1));
}
// sum_k c_k matrix(k, i) for each i
template <class F>
quads combined(const quads& c, const F& matrix) {
    quads out(c.size(), 0);
    for (std::size_t k = 0; k < c.size(); ++k) {
        for (std::size_t i = 0; i < c.size(); ++i) out[i] += c[k] * matrix(k, i);
    }
    return out;
}
quads powers(const quads& c) { return combined(c, power_in_legendre); }
quads series(const quads& c) { return combined(c, legendre_in_power); }

quads sizes(quads c) {
    for (quad& v : c) v = reference::absolute(v);
    return c;
}

template <class T>
quads exact(const std::vector<T>& c) {
    return quads(c.begin(), c.end());
}

// The largest |got - expected| / weight in units of u; 0 / 0 counts as 0.
template <class T>
double worst_error(const std::vector<T>& got, const quads& expected, const quads& weight) {
    quad worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const quad error = reference::absolute(static_cast<quad>(got[i]) - expected[i]);
        if (error != 0 && !(error <= worst * weight[i])) worst = error / weight[i];
    }
    return static_cast<double>(worst) * 2 / reference::epsilon<T>;
}

quads derivative_of(const quads& c, legendre::domain over) {
    quads p = powers(c), d(std::max<std::size_t>(last(c), 1), 0);
    const quad scale = static_cast<quad>(2) / (static_cast<quad>(over.b) - static_cast<quad>(over.a));
    for (std::size_t i = 1; i < p.size(); ++i) d[i - 1] = scale * static_cast<quad>(i) * p[i];
    return series(d);
}

quads integral_of(const quads& c, legendre::domain over, quad from) {
    const quads p = powers(c);
    quads sum(c.size() + 1, 0);
    const quad scale = (static_cast<quad>(over.b) - static_cast<quad>(over.a)) / 2;
    for (std::size_t i = 0; i < p.size(); ++i) {
        sum[i + 1] = scale * p[i] / static_cast<quad>(i + 1);
        sum[0] -= sum[i + 1] * power(reference::mapped(from, over), i + 1);
    }
    return series(sum);
}

constexpr legendre::domain wavelengths = {5543, 7826};
constexpr std::size_t most_terms = 21;

template <class T>
std::vector<T> coefficients(std::size_t n) {
    return reference::random_numbers<T>(n, static_cast<unsigned>(n));
}

} // namespace

TEMPLATE_TEST_CASE("a derivative is what powers of x give", "[legendre]", float, double) {
    using T = TestType;
    double worst = 0;
    for (const legendre::domain over : {legendre::domain{}, wavelengths}) {
        for (std::size_t n = 1; n <= most_terms; ++n) {
            const auto c = coefficients<T>(n);
            std::vector<T> got(std::max<std::size_t>(n - 1, 1), T(-77));
            legendre::derivative<T>(c, got, over);
            // All terms of a coefficient's sum have one sign where all of c do.
            const quads weight = [&] {
                quads w(got.size(), 0);
                for (std::size_t k = 0; k < w.size(); ++k) {
                    for (std::size_t i = k + 1; i < n; i += 2) {
                        w[k] += static_cast<quad>(2 * (2 * k + 1)) * reference::absolute(c[i]) /
                                static_cast<quad>(over.b - over.a);
                    }
                }
                return w;
            }();
            worst = std::max(worst, worst_error(got, derivative_of(exact(c), over), weight));
        }
    }
    UNSCOPED_INFO(worst);
    CHECK(worst < 3);
    CHECK(worst > 0.1);
}

TEMPLATE_TEST_CASE("an integral is what powers of x give", "[legendre]", float, double) {
    using T = TestType;
    double worst = 0, worst_constant = 0;
    for (const legendre::domain over : {legendre::domain{}, wavelengths}) {
        const T middle = static_cast<T>(over.a + 0.75 * (over.b - over.a));
        for (const std::optional<T> from : {std::optional<T>(), std::optional<T>(middle)}) {
            for (std::size_t n = 1; n <= most_terms; ++n) {
                const auto c = coefficients<T>(n);
                std::vector<T> got(n + 1, T(-77));
                legendre::integral<T>(c, got, over, from);
                const quad start = from ? static_cast<quad>(*from) : static_cast<quad>(over.a);
                const quads expected = integral_of(exact(c), over, start);
                quads weight(n + 1, 0), sum(1, 0);
                for (std::size_t k = 0; k <= n; ++k) {
                    for (const std::size_t i : {k - 1, k + 1}) {
                        if (i >= n) continue;
                        weight[k] += static_cast<quad>(over.b - over.a) / 2 * reference::absolute(c[i]) /
                                     static_cast<quad>(2 * i + 1);
                    }
                    sum[0] += reference::absolute(expected[k]);
                }
                worst_constant =
                    std::max(worst_constant, worst_error(std::vector<T>(1, got[0]), {expected[0]}, sum));
                weight[0] = std::numeric_limits<double>::infinity();
                worst = std::max(worst, worst_error(got, expected, weight));
            }
        }
    }
    UNSCOPED_INFO(worst << " " << worst_constant);
    CHECK(worst < 3);
    CHECK(worst > 0.1);
    CHECK(worst_constant < 2);
}

TEMPLATE_TEST_CASE("the derivative of the integral is the series", "[legendre]", float, double) {
    using T = TestType;
    double worst = 0;
    for (std::size_t n = 1; n <= most_terms; ++n) {
        const auto c = coefficients<T>(n);
        std::vector<T> integral(n + 1), back(n);
        legendre::integral<T>(c, integral, wavelengths, T(6000));
        legendre::derivative<T>(integral, back, wavelengths);
        worst = std::max(worst, worst_error(back, exact(c), quads(n, 1)));
    }
    UNSCOPED_INFO(worst);
    CHECK(worst < 4);
}

TEMPLATE_TEST_CASE("powers of x and back", "[legendre]", float, double) {
    using T = TestType;
    double worst_to = 0, worst_from = 0;
    for (std::size_t n = 1; n <= most_terms; ++n) {
        const auto c = coefficients<T>(n);
        std::vector<T> got(n, T(-77));
        legendre::to_monomial<T>(c, got);
        const quads weight = combined(sizes(exact(c)), [](auto k, auto i) {
            return reference::absolute(power_in_legendre(k, i));
        });
        worst_to = std::max(worst_to, worst_error(got, powers(exact(c)), weight));
        got = c; // in place
        legendre::from_monomial<T>(got, got);
        worst_from = std::max(worst_from, worst_error(got, series(exact(c)), series(sizes(exact(c)))));
    }
    UNSCOPED_INFO(worst_to << " " << worst_from);
    CHECK(worst_to < 5);
    CHECK(worst_from < 5);
    CHECK(std::min(worst_to, worst_from) > 0.1);
}

TEST_CASE("powers of x grow as (1 + sqrt 2)^n", "[legendre]") {
    const auto size_of_powers = [](std::size_t n) {
        std::vector<double> c(n + 1), p(n + 1);
        c[n] = 1;
        legendre::to_monomial<double>(c, p);
        return std::accumulate(p.begin(), p.end(), 0.0,
                               [](double s, double v) { return s + std::abs(v); });
    };
    CHECK(size_of_powers(6) == 41);
    CHECK(std::abs(size_of_powers(12) - 5.8e3) < 50);
    for (const std::size_t n : {1u, 2u, 10u, 100u, 700u}) {
        const double bound = std::pow(1 + std::sqrt(2.0), static_cast<double>(n));
        CHECK(size_of_powers(n) < bound);
        CHECK(size_of_powers(n) > bound / (3 * std::sqrt(static_cast<double>(n))));
    }
}

TEST_CASE("many series in any order in memory are each as one", "[legendre]") {
    constexpr std::size_t sets = 5, n = 7;
    const auto c = coefficients<double>(sets * n);
    const view<const double, 2> in(c.data(), {sets, n}, {1, sets});
    // Runs both, out with the terms of a series `sets` apart, and a canary behind the last.
    const auto agree = [&](std::size_t terms, const auto& many, const auto& one) {
        std::vector<double> got(terms * sets + 1, -77);
        many(in, view<double, 2>(got.data(), {sets, terms}, {1, sets}));
        bool same = got.back() == -77;
        for (std::size_t s = 0; s < sets; ++s) {
            std::vector<double> row(n), alone(terms);
            for (std::size_t k = 0; k < n; ++k) row[k] = in(s, k);
            one(row, alone);
            for (std::size_t k = 0; k < terms; ++k) same = same && got[k * sets + s] == alone[k];
        }
        return same;
    };
    const auto derivative = [](const auto& a, const auto& b) {
        legendre::derivative<double>(a, b, wavelengths);
    };
    const auto integral = [](const auto& a, const auto& b) {
        legendre::integral<double>(a, b, wavelengths, 6000);
    };
    const auto to_monomial = [](const auto& a, const auto& b) { legendre::to_monomial<double>(a, b); };
    const auto from_monomial = [](const auto& a, const auto& b) {
        legendre::from_monomial<double>(a, b);
    };
    const auto spans = [](const auto& f) {
        return [&f](const std::vector<double>& a, std::vector<double>& b) {
            f(std::span<const double>(a), std::span<double>(b));
        };
    };
    CHECK(agree(n - 1, derivative, spans(derivative)));
    CHECK(agree(n + 1, integral, spans(integral)));
    CHECK(agree(n, to_monomial, spans(to_monomial)));
    CHECK(agree(n, from_monomial, spans(from_monomial)));
}

TEST_CASE("calculus names what does not fit, and writes nothing", "[legendre]") {
    using reference::message_of;
    const std::vector<double> c(4, 1), none;
    std::vector<double> out(4, -77);
    CHECK(message_of([&] { legendre::derivative<double>(c, out); }) ==
          "legendre::derivative: out has terms 4, expected 3");
    CHECK(message_of([&] { legendre::integral<double>(c, out); }) ==
          "legendre::integral: out has terms 4, expected 5");
    CHECK(message_of([&] { legendre::to_monomial<double>(c, std::span(out).first(3)); }) ==
          "legendre::to_monomial: out has terms 3, expected 4");
    CHECK(message_of([&] { legendre::from_monomial<double>(none, out); }) ==
          "legendre::from_monomial: c has 0 coefficients, expected 1 or more");
    CHECK(message_of([&] {
              legendre::derivative<double>(c, std::span(out).first(3), {2, 2});
          }).starts_with("legendre::derivative: the domain is [2"));
    CHECK(message_of([&] {
              legendre::to_monomial<double>(view<const double, 2>(c.data(), {2, 2}),
                                            view<double, 2>(out.data(), {1, 2}));
          }) == "legendre::to_monomial: out has series 1, c has series 2");
    CHECK(std::all_of(out.begin(), out.end(), [](double v) { return v == -77; }));
}

namespace {

// Points of another domain each, and a surface's coefficients, of these terms.
constexpr legendre::surface_options both_domains{.x = {0, 4128}, .y = wavelengths};

template <class T>
std::vector<T> points_of(legendre::domain over, std::size_t n, unsigned seed) {
    std::vector<T> x = reference::random_numbers<T>(n, seed);
    for (T& v : x) v = static_cast<T>(over.a + (over.b - over.a) / 2 * (1 + static_cast<double>(v)));
    return x;
}

// sum_ij c_ij P_i(x) P_j(y)
template <class T>
quad surface_at(T x, T y, view<const T, 2> c, const legendre::surface_options& options) {
    const auto p = reference::legendre_polynomials(reference::mapped(x, options.x), c.extent(0));
    const auto q = reference::legendre_polynomials(reference::mapped(y, options.y), c.extent(1));
    quad sum = 0;
    for (std::size_t i = 0; i < c.extent(0); ++i) {
        for (std::size_t j = 0; j < c.extent(1); ++j) sum += static_cast<quad>(c(i, j)) * p[i] * q[j];
    }
    return sum;
}

// In units of u sum |c_ij| times what the manual promises for these degrees.
template <class T>
double surface_error(T got, T x, T y, view<const T, 2> c, const legendre::surface_options& options) {
    quad size = 0;
    for (std::size_t i = 0; i < c.extent(0); ++i) {
        for (std::size_t j = 0; j < c.extent(1); ++j) size += reference::absolute(c(i, j));
    }
    const double n = static_cast<double>(c.extent(0) - 1), m = static_cast<double>(c.extent(1) - 1);
    const double steepness = n * n + m * m;
    const double bound = options.x.a == -1 ? 8 + steepness / 2 : 16 + 2 * steepness;
    const quad promised = size * static_cast<quad>(bound * reference::epsilon<T> / 2);
    return static_cast<double>(
        reference::absolute(static_cast<quad>(got) - surface_at(x, y, c, options)) / promised);
}

constexpr std::pair<std::size_t, std::size_t> shapes[] = {{1, 1}, {1, 4}, {3, 1}, {2, 5},
                                                          {5, 2}, {4, 4}, {7, 9}, {17, 6}};

} // namespace

TEMPLATE_LIST_TEST_CASE("a surface at points is a double sum", "[legendre]", reference::unrolled_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    double worst = 0;
    // Where recurrences lose most, in both variables.
    const std::vector<T> x = reference::delicate_points<T>();
    std::vector<T> y(x.rbegin(), x.rend());
    std::rotate(y.begin(), y.begin() + 3, y.end());
    std::copy(x.begin(), x.begin() + 12, y.begin()); // both near an end
    for (const auto& [rows, columns] : shapes) {
        std::vector<T> c = coefficients<T>(rows * columns);
        for (const bool of_one_sign : {false, true}) {
            if (of_one_sign) std::fill(c.begin(), c.end(), T(0.7));
            const view<const T, 2> in(c.data(), {rows, columns}, {1, static_cast<std::ptrdiff_t>(rows)});
            std::vector<T> out(x.size());
            legendre::eval_points<T, A>(x, y, in, out);
            for (std::size_t i = 0; i < x.size(); ++i) {
                worst = std::max(worst, surface_error(out[i], x[i], y[i], in, {}));
            }
        }
    }
    UNSCOPED_INFO(worst);
    CHECK(worst < 1);
    CHECK(worst > 0.001);
}

TEMPLATE_LIST_TEST_CASE("a surface at any number of points", "[legendre]", reference::unrolled_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t w = width<T, A>;
    const auto c = coefficients<T>(15);
    const view<const T, 2> in(c.data(), {5, 3});
    const auto all_x = points_of<T>(both_domains.x, 2001, 1),
               all_y = points_of<T>(both_domains.y, 2001, 2);
    std::vector<T> all(2001);
    legendre::eval_points<T, A>(all_x, all_y, in, all, both_domains);
    for (std::size_t i = 0; i < all.size(); i += 50) {
        CHECK(surface_error(all[i], all_x[i], all_y[i], in, both_domains) < 1);
    }
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, w - 1, w, w + 1, 2 * w + 1, 4 * w - 1,
                                4 * w + 1, std::size_t{1500}}) {
        // From an element that starts no register, in place, with a NaN.
        std::vector<T> x(all_x.begin() + 1, all_x.begin() + 1 + static_cast<std::ptrdiff_t>(n + 3));
        std::vector<T> y(all_y.begin() + 1, all_y.begin() + 1 + static_cast<std::ptrdiff_t>(n));
        const std::size_t bad = n / 2;
        if (n > 0) (n % 2 == 0 ? x : y)[bad] = std::numeric_limits<T>::quiet_NaN();
        legendre::eval_points<T, A>(std::span(x).first(n), y, in, std::span(x).first(n), both_domains);
        bool same = true;
        for (std::size_t i = 0; i < n; ++i)
            same = same && (i == bad ? std::isnan(x[i]) : x[i] == all[i + 1]);
        CHECK(same);
        for (std::size_t i = n; i < n + 3; ++i) CHECK(x[i] == all_x[i + 1]);
    }
    for (const int threads : {2, 3}) {
        std::vector<T> shared(2001);
        auto options = both_domains;
        options.threads = threads;
        legendre::eval_points<T, A>(all_x, all_y, in, shared, options);
        CHECK(reference::same_bits(shared, all));
    }
}

TEMPLATE_TEST_CASE("a surface without one of its variables is NaN where that is", "[legendre]", float,
                   double) {
    using T = TestType;
    const std::vector<T> c(4, 1), fine(3, T(0.5)), bad = {0, std::numeric_limits<T>::quiet_NaN(), 1};
    std::vector<T> out(3);
    for (const std::array<std::size_t, 2> shape : {std::array<std::size_t, 2>{1, 4}, {4, 1}, {1, 1}}) {
        const view<const T, 2> in(c.data(), shape);
        for (const bool of_x : {true, false}) {
            legendre::eval_points<T>(of_x ? bad : fine, of_x ? fine : bad, in, out);
            CHECK((!std::isnan(out[0]) && std::isnan(out[1]) && !std::isnan(out[2])));
        }
    }
}

// Widths are the business of eval's own tests.
TEMPLATE_TEST_CASE("a surface on a grid is a double sum", "[legendre]", float, double) {
    using T = TestType;
    constexpr std::size_t nx = 2 * width<T> + 1, ny = 5 * width<T> + 3;
    const auto x = points_of<T>(both_domains.x, nx, 3), y = points_of<T>(both_domains.y, ny, 4);
    double worst = 0;
    for (const auto& [rows, columns] : shapes) {
        const auto c = coefficients<T>(rows * columns);
        const view<const T, 2> in(c.data(), {rows, columns}, {1, static_cast<std::ptrdiff_t>(rows)});
        std::vector<T> out(nx * ny + 1, T(-77)), others(3 * nx * ny + 1, T(-77));
        const view<T, 2> image(out.data(), {nx, ny});
        legendre::eval_grid<T>(x, y, in, image, both_domains);
        CHECK(out.back() == -77);
        for (std::size_t p = 0; p < nx; p += 3) {
            for (std::size_t q = 0; q < ny; q += 5) {
                worst = std::max(worst, surface_error(image(p, q), x[p], y[q], in, both_domains));
            }
        }
        for (const std::array<std::ptrdiff_t, 2> stride :
             {std::array<std::ptrdiff_t, 2>{1, nx}, {3 * ny, 3}, {3, 3 * nx}}) {
            const view<T, 2> strided(others.data(), {nx, ny}, stride);
            legendre::eval_grid<T>(x, y, in, strided, both_domains);
            double difference = 0;
            for (std::size_t p = 0; p < nx; ++p) {
                for (std::size_t q = 0; q < ny; ++q) {
                    difference = std::max<double>(difference, std::abs(strided(p, q) - image(p, q)));
                }
            }
            CHECK(difference < 8 * reference::epsilon<T> * static_cast<double>(rows * columns));
            CHECK(others.back() == -77);
        }
        auto options = both_domains;
        options.threads = 3;
        std::vector<T> shared(nx * ny + 1, T(-77));
        legendre::eval_grid<T>(x, y, in, view<T, 2>(shared.data(), {nx, ny}), options);
        CHECK(reference::same_bits(shared, out));
    }
    UNSCOPED_INFO(worst);
    CHECK(worst < 1);
    CHECK(worst > 0.001);
}

TEST_CASE("surfaces name what does not fit, and write nothing", "[legendre]") {
    using reference::message_of;
    const std::vector<double> x(3), y(4), c(6);
    std::vector<double> out(12, -77);
    const view<const double, 2> in(c.data(), {2, 3});
    const auto points = [&](std::size_t nx, std::size_t ny, std::size_t n, view<const double, 2> of,
                            const legendre::surface_options& options = {}) {
        return message_of([&] {
            legendre::eval_points<double>(std::span(y).first(nx), std::span(y).first(ny), of,
                                          std::span(out).first(n), options);
        });
    };
    CHECK(points(3, 4, 3, in) == "legendre::eval_points: y has size 4, x has size 3");
    CHECK(points(3, 3, 4, in) == "legendre::eval_points: out has size 4, x has size 3");
    CHECK(points(3, 3, 3, {c.data(), {0, 3}}) ==
          "legendre::eval_points: c has 0 coefficients, expected 1 or more");
    CHECK(points(3, 3, 3, in, {.y = {1, 1}}).starts_with("legendre::eval_points: the domain is [1"));
    const auto grid = [&](std::size_t nx, std::size_t ny, view<const double, 2> of,
                          const legendre::surface_options& options = {}) {
        return message_of([&] {
            legendre::eval_grid<double>(x, y, of, view<double, 2>(out.data(), {nx, ny}), options);
        });
    };
    CHECK(grid(2, 4, in) == "legendre::eval_grid: out has rows 2, x has size 3");
    CHECK(grid(3, 3, in) == "legendre::eval_grid: out has columns 3, y has size 4");
    CHECK(grid(3, 4, {c.data(), {2, 0}}) ==
          "legendre::eval_grid: c has 0 coefficients, expected 1 or more");
    CHECK(grid(3, 4, in, {.x = {0, 0}}).starts_with("legendre::eval_grid: the domain is [0"));
    CHECK(std::all_of(out.begin(), out.end(), [](double v) { return v == -77; }));
    CHECK(grid(3, 4, in).empty());
}
