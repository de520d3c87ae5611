// SPDX-License-Identifier: BSD-3-Clause
//
// Series at points: what they lose, against sums with 113 bits, and what they do at every size, stride and kind
// of number.

#include "agreement/results.hpp"
#include "legendre_truth.hpp"

#include <array>
#include <cstring>
#include <functional>

#include <destrier/legendre/eval.hpp>

using namespace destrier;
using legendre::accuracy;
using legendre::eval_options;
using reference::quad;

namespace {

// The three evaluations of an architecture, called alike: y(s, i) is series s at point i.
template <class T>
struct way {
    const char* name;
    bool has_horner;
    void (*eval)(std::span<const T> x, view<const T, 2> c, view<T, 2> y, const eval_options&);
};

// Calls f(s, row) for every row of y, or for a copy that is contiguous.
template <class T, class F>
void for_each_row(view<T, 2> y, const F& f) {
    std::vector<T> copy(y.extent(1));
    for (std::size_t s = 0; s < y.extent(0); ++s) {
        if (y.stride(1) == 1) {
            f(s, std::span<T>(&y(s, std::size_t{0}), y.extent(1)));
            continue;
        }
        f(s, std::span<T>(copy));
        for (std::size_t i = 0; i < copy.size(); ++i) y(s, i) = copy[i];
    }
}

template <class T, class A>
void one_after_the_other(std::span<const T> x, view<const T, 2> c, view<T, 2> y,
                         const eval_options& options) {
    std::vector<T> series(c.extent(1));
    for_each_row(y, [&](std::size_t s, std::span<T> row) {
        for (std::size_t k = 0; k < series.size(); ++k) series[k] = c(s, k);
        legendre::eval<T, A>(x, series, row, options);
    });
}

// Each point has a series of its own that is everyone's.
template <class T, class A>
void each_its_own(std::span<const T> x, view<const T, 2> c, view<T, 2> y, const eval_options& options) {
    for_each_row(y, [&](std::size_t s, std::span<T> row) {
        const T* const series = &c(s, std::size_t{0});
        legendre::eval_each<T, A>(x, view<const T, 2>(series, {x.size(), c.extent(1)}, {0, c.stride(1)}),
                                  row, options);
    });
}

template <class T, class A>
std::array<way<T>, 3> ways() {
    return {{{"one series", true, one_after_the_other<T, A>},
             {"many series", false, legendre::eval<T, A>},
             {"a point for each series", false, each_its_own<T, A>}}};
}

template <class T>
std::vector<T> values(const way<T>& w, const std::vector<T>& x, view<const T, 2> c,
                      const eval_options& options) {
    std::vector<T> y(c.extent(0) * x.size());
    w.eval(x, c, {y.data(), {c.extent(0), x.size()}}, options);
    return y;
}

// Series of degree n: random, of alternating signs, of one sign, P_n alone.
template <class T>
std::vector<T> series_of_degree(std::size_t n) {
    std::vector<T> c = reference::random_numbers<T>(n + 1, static_cast<unsigned>(n));
    for (std::size_t k = 0; k <= n; ++k) c.push_back(k % 2 == 0 ? T(1) : T(-1));
    c.resize(3 * (n + 1), T(0.7));
    c.resize(4 * (n + 1) - 1, 0);
    c.push_back(1);
    return c;
}

// The polynomials up to some degree at these points.
template <class T>
std::vector<std::vector<quad>> table_of_polynomials(const std::vector<T>& x, std::size_t n,
                                                    legendre::domain over = {}) {
    std::vector<std::vector<quad>> p;
    for (const T v : x) p.push_back(reference::legendre_polynomials(reference::mapped(v, over), n));
    return p;
}

enum class weight { coefficients, terms }; // S = sum |c_k|, or sum |c_k P_k(x)|

// Every series at every point, and S.
class sums {
public:
    template <class T>
    sums(const std::vector<std::vector<quad>>& p, view<const T, 2> c, weight by) {
        for (std::size_t s = 0; s < c.extent(0); ++s) {
            for (const auto& p_k : p) {
                quad sum = 0, size = 0;
                for (std::size_t k = 0; k < c.extent(1); ++k) {
                    const quad c_k = c(s, k), term = c_k * p_k[k];
                    sum += term;
                    size += reference::absolute(by == weight::terms ? term : c_k);
                }
                sums_.push_back(sum);
                sizes_.push_back(size);
            }
        }
    }

    // Of some values, those of the first series; in u S.
    template <class T>
    double largest_error(std::span<const T> y) const {
        quad worst = 0;
        for (std::size_t i = 0; i < y.size(); ++i) {
            const quad error = reference::absolute(static_cast<quad>(y[i]) - sums_[i]) / sizes_[i];
            if (!(error <= worst)) worst = error;
        }
        return static_cast<double>(worst) * 2 / reference::epsilon<T>;
    }

private:
    std::vector<quad> sums_, sizes_;
};

// What eval.hpp states, in u S.
double documented_bound(accuracy a, std::size_t degree, bool has_horner, bool mapped) {
    const double n = static_cast<double>(degree);
    if (a == accuracy::tight) return 4 + n / 4;
    if (has_horner && degree < 8) return mapped ? 128 : 72;
    return mapped ? 8 + 2 * n * n : 4 + n * n / 2;
}

// Less, for series of random coefficients or of alternating signs.
double usual_bound(accuracy a, std::size_t degree, bool has_horner) {
    const double n = static_cast<double>(degree);
    if (a == accuracy::tight) return 4 + n / 8;
    return has_horner && degree < 8 ? 32 : 3 + n * n / 4;
}

constexpr accuracy both[] = {accuracy::fast, accuracy::tight};

// Calls f(n, way, accuracy, sums, y) for series of degree n = 0 .. 64 at these points.
template <class T, class F>
void evaluate_degrees(const std::array<way<T>, 3>& ways, const std::vector<T>& x, legendre::domain over,
                      weight by, const F& f) {
    const auto p = table_of_polynomials(x, 64, over);
    for (std::size_t n = 0; n <= 64; n += n < 20 ? 1 : 4) {
        const auto storage = series_of_degree<T>(n);
        const view<const T, 2> c(storage.data(), {4, n + 1});
        const sums expected(p, c, by);
        for (const auto& w : ways) {
            for (const accuracy a : both) {
                CAPTURE(n, w.name, a == accuracy::tight, over.a, over.b);
                const auto y = values(w, x, c, {.domain = over, .accuracy = a});
                f(n, w, a, expected, std::span<const T>(y));
            }
        }
    }
}

template <class T>
void check_bounds(const std::array<way<T>, 3>& ways, legendre::domain over) {
    const bool mapped = over.a != -1;
    const auto x = reference::stretched(reference::delicate_points<T>(), over);
    const auto check = [&](std::size_t n, const way<T>& w, accuracy a, const sums& expected,
                           std::span<const T> y) {
        CHECK(expected.largest_error(y) <= documented_bound(a, n, w.has_horner, mapped));
        if (mapped) return;
        CHECK(expected.largest_error(y.first(2 * x.size())) <= usual_bound(a, n, w.has_horner));
        if (a == accuracy::fast && n == 64) { // or this test could not fail
            CHECK(expected.largest_error(y) > 5 * documented_bound(accuracy::tight, n, false, false));
        }
    };
    evaluate_degrees(ways, x, over, weight::coefficients, check);
}

template <class T>
void check_extrapolation(const std::array<way<T>, 3>& ways) {
    std::vector<T> x;
    for (const double distance : {1e-7, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.07, 0.1}) {
        x.push_back(static_cast<T>(1 + distance));
        x.push_back(static_cast<T>(-1 - distance));
    }
    const auto check = [&](std::size_t n, const way<T>& w, accuracy a, const sums& expected,
                           std::span<const T> y) {
        CHECK(expected.largest_error(y) <= documented_bound(a, n, w.has_horner, false));
    };
    evaluate_degrees(ways, x, {}, weight::terms, check);
}

template <class T>
void check_high_degrees(const std::array<way<T>, 3>& ways) {
    std::vector<T> x = {T(0), T(1e-4), T(0.3), T(0.5001), T(1 - 1e-6), T(1 - 1e-8), T(1 - 1e-12), T(1)};
    for (std::size_t i = 0; i < 8; ++i) x.push_back(-x[i]);
    const auto p = table_of_polynomials(x, 10000);
    for (const std::size_t n : {1000u, 10000u}) {
        std::vector<T> c(n + 1);
        c[n] = 1;
        const view<const T, 2> series(c.data(), {1, n + 1});
        const sums expected(p, series, weight::coefficients);
        for (const auto& w : ways) {
            CAPTURE(n, w.name);
            const auto error = [&](accuracy a) {
                const auto y = values(w, x, series, {.accuracy = a});
                return expected.largest_error(std::span<const T>(y));
            };
            CHECK(error(accuracy::tight) <= 64);
            CHECK(error(accuracy::fast) > 1e3);
        }
    }
}

// Everything below compares with one series at one point at a time.
template <class T>
class alone {
public:
    alone(const way<T>& w, const std::vector<T>& x, view<const T, 2> c, const eval_options& options)
        : points_(x.size()), values_(c.extent(0) * x.size()) {
        for (std::size_t s = 0; s < c.extent(0); ++s) {
            for (std::size_t i = 0; i < points_; ++i) {
                w.eval({&x[i], 1}, c.slice(0, s, 1), {&values_[s * points_ + i], {1, 1}}, options);
            }
        }
    }
    bool same(view<const T, 2> y) const {
        for (std::size_t s = 0; s < y.extent(0); ++s) {
            for (std::size_t i = 0; i < y.extent(1); ++i) {
                if (std::memcmp(&y(s, i), &values_[s * points_ + i], sizeof(T)) != 0) return false;
            }
        }
        return true;
    }

private:
    std::size_t points_;
    std::vector<T> values_;
};

// Paths change after 8, 12 or 14, and 63 terms.
constexpr std::size_t term_counts[] = {1, 2, 3, 7, 8, 9, 12, 13, 14, 15, 16, 40, 64, 70, 130};

template <class T>
void check_sizes(const way<T>& w, std::size_t lanes) {
    std::vector<std::size_t> sizes = {8 * lanes - 1, 8 * lanes, 8 * lanes + 1, 11 * lanes + 3};
    for (std::size_t n = 0; n <= 4 * lanes + 1; ++n) sizes.push_back(n);
    const auto x = reference::random_numbers<T>(11 * lanes + 3);
    for (const std::size_t terms : term_counts) {
        const auto storage = reference::random_numbers<T>(7 * terms, 2);
        const view<const T, 2> c(storage.data(), {7, terms});
        for (const accuracy a : both) {
            const eval_options options = {.accuracy = a};
            const alone<T> expected(w, x, c, options);
            for (const std::size_t n : sizes) {
                const std::size_t sets = std::array<std::size_t, 6>{0, 1, 2, 5, 6, 7}[(n + terms) % 6];
                CAPTURE(w.name, terms, n, sets, a == accuracy::tight);
                std::vector<T> shifted(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
                shifted.insert(shifted.begin(), n % 4, T(0));
                reference::guarded<T> y(sets * n);
                const view<T, 2> out(y.data(), {sets, n});
                w.eval(std::span<const T>(shifted).subspan(n % 4), c.slice(0, 0, sets), out, options);
                REQUIRE(expected.same(out));
                REQUIRE(y.canaries_live());
            }
        }
    }
}

// More points than a tile, more series than a group, more threads than one.
template <class T>
void check_tiles_and_threads(const way<T>& w) {
    const auto x = reference::random_numbers<T>(2100);
    for (const std::size_t terms : {7u, 13u, 15u, 130u}) {
        const auto storage = reference::random_numbers<T>(25 * terms, 3);
        const view<const T, 2> c(storage.data(), {25, terms});
        for (const accuracy a : both) {
            CAPTURE(w.name, terms, a == accuracy::tight);
            std::vector<T> expected(25 * x.size());
            for (std::size_t i = 0; i < x.size(); i += 100) {
                for (std::size_t s = 0; s < 25; ++s) {
                    w.eval(std::span<const T>(x).subspan(i, 100), c.slice(0, s, 1),
                           {&expected[s * x.size() + i], {1, 100}}, {.accuracy = a});
                }
            }
            for (const int threads : {1, 2, 3}) {
                REQUIRE(reference::same_bits(values(w, x, c, {.accuracy = a, .threads = threads}),
                                             expected));
            }
        }
    }
}

// Copies of `all` with every stride that callers have.
template <class T>
struct strided_copies {
    explicit strided_copies(view<const T, 2> all) {
        const auto rows = static_cast<std::ptrdiff_t>(all.extent(0)),
                   columns = static_cast<std::ptrdiff_t>(all.extent(1));
        storage.assign(static_cast<std::size_t>(2 * (rows + 5) * (columns + 5)), T(-77));
        T* const p = storage.data();
        const auto extents = all.extents();
        orders = {{p + 1, extents, {columns + 5, 1}},
                  {p + 1, extents, {1, rows}},
                  {p + 1, extents, {2 * columns + 1, 2}},
                  {p + rows * columns, extents, {-columns, 1}},
                  {p + columns, extents, {columns, -1}}};
    }
    std::vector<T> storage;
    std::vector<view<T, 2>> orders;
};

template <class T>
void copy(view<const T, 2> from, view<T, 2> to) {
    for (std::size_t s = 0; s < from.extent(0); ++s) {
        for (std::size_t i = 0; i < from.extent(1); ++i) to(s, i) = from(s, i);
    }
}

// How many numbers of an array are no canaries.
template <class T>
std::size_t written(const std::vector<T>& storage) {
    return storage.size() - static_cast<std::size_t>(std::count(storage.begin(), storage.end(), T(-77)));
}

template <class T>
void check_strides(const way<T>& w) {
    const auto x = reference::random_numbers<T>(43);
    for (const std::size_t terms : {1u, 5u, 13u, 40u}) {
        const auto storage = reference::random_numbers<T>(7 * terms, 2);
        const view<const T, 2> c(storage.data(), {7, terms});
        for (const accuracy a : both) {
            const alone<T> expected(w, x, c, {.accuracy = a});
            strided_copies<T> series(c);
            for (std::size_t order = 0; order < series.orders.size(); ++order) {
                CAPTURE(w.name, terms, a == accuracy::tight, order);
                copy(c, series.orders[order]);
                strided_copies<T> y(view<const T, 2>(nullptr, {7, x.size()}));
                w.eval(x, series.orders[order], y.orders[order], {.accuracy = a});
                REQUIRE(expected.same(y.orders[order]));
                REQUIRE(written(y.storage) == 7 * x.size());
            }
        }
    }
}

template <class T>
void check_odd_numbers(const way<T>& w, std::size_t lanes) {
    constexpr T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
    for (const std::size_t terms : term_counts) {
        std::vector<T> storage = reference::random_numbers<T>(3 * terms, 2);
        std::fill(storage.begin() + static_cast<std::ptrdiff_t>(terms) + 1,
                  storage.begin() + static_cast<std::ptrdiff_t>(2 * terms), T(0)); // a constant
        const view<const T, 2> c(storage.data(), {3, terms});
        for (const accuracy a : both) {
            for (const T odd : {nan, infinity, -infinity}) {
                auto x = reference::random_numbers<T>(3 * lanes + 1);
                const auto expected = values(w, x, c, {.accuracy = a});
                const std::size_t at = lanes + terms % lanes;
                x[at] = odd;
                const auto y = values(w, x, c, {.accuracy = a});
                CAPTURE(w.name, terms, a == accuracy::tight, odd);
                for (std::size_t i = 0; i < y.size(); ++i) {
                    if (i % x.size() != at) {
                        REQUIRE(y[i] == expected[i]);
                    } else if (odd != odd) {
                        REQUIRE(std::isnan(y[i]));
                    } else if (terms > 1) {
                        REQUIRE(!std::isfinite(y[i]));
                    }
                }
            }
        }
    }
}

// Results of 4 MiB and more go past the caches: the same bits as smaller ones, which do not.
template <class T>
void check_streams(const way<T>& w) {
    const std::size_t points = (std::size_t{4} << 20) / sizeof(T) / 3 + 2 * line<T> + 3;
    const std::size_t pitch = (points + line<T> - 1) / line<T> * line<T>;
    const auto x = reference::random_numbers<T>(3 * points);
    for (const std::size_t terms : {6u, 11u, 20u}) {
        const auto storage = reference::random_numbers<T>(3 * terms, 2);
        const view<const T, 2> c(storage.data(), {3, terms});
        for (const accuracy a : both) {
            CAPTURE(w.name, terms, a == accuracy::tight);
            // One series fills that much with three times as many points.
            const std::size_t sets = w.has_horner ? 1 : 3, count = w.has_horner ? 3 * points : points;
            const std::size_t stride = w.has_horner ? 0 : pitch;
            buffer<T> y(3 * pitch + line<T>);
            const view<T, 2> out(y.data(), {sets, count}, {static_cast<std::ptrdiff_t>(stride), 1});
            w.eval({x.data(), count}, c.slice(0, 0, sets), out, {.accuracy = a, .threads = 3});
            for (std::size_t i = 0; i < count; i += 30000) {
                const std::size_t some = std::min<std::size_t>(30000, count - i);
                std::vector<T> expected(sets * some);
                w.eval({x.data() + i, some}, c.slice(0, 0, sets), {expected.data(), {sets, some}},
                       {.accuracy = a});
                for (std::size_t s = 0; s < sets; ++s) {
                    REQUIRE(std::memcmp(&out(s, i), &expected[s * some], some * sizeof(T)) == 0);
                }
            }
        }
    }
}

} // namespace

TEMPLATE_LIST_TEST_CASE("legendre::eval keeps to its bounds", "[legendre]", reference::unrolled_lanes) {
    using T = typename TestType::T;
    const auto all = ways<T, typename TestType::A>();
    for (const legendre::domain over : {legendre::domain{}, {5543, 7826}, {7357.4, 9987.2}, {20, -3}}) {
        check_bounds(all, over);
    }
    check_extrapolation(all);
    check_high_degrees(all);
}

TEMPLATE_LIST_TEST_CASE("legendre::eval gives every point of every series the same bits", "[legendre]",
                        reference::unrolled_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const auto& w : ways<T, A>()) {
        check_sizes(w, width<T, A>);
        check_tiles_and_threads(w);
        check_strides(w);
        check_odd_numbers(w, width<T, A>);
        check_streams(w);
    }
}

TEMPLATE_LIST_TEST_CASE("series are left for comparison between architectures", "[legendre]",
                        reference::unrolled_lanes) {
    using T = typename TestType::T;
    const std::size_t degree = 9, count = 1000;
    const auto c = reference::random_numbers<T>(degree + 1, 1),
               x = reference::random_numbers<T>(count, 2);
    for (const auto& w : ways<T, typename TestType::A>()) {
        for (const accuracy a : {accuracy::fast, accuracy::tight}) {
            const auto y = values(w, x, {c.data(), {1, c.size()}}, {.accuracy = a});
            double size = 0, sum = 0; // of y, and of the coefficients that the bound is relative to
            for (const T v : y) size += static_cast<double>(v * v);
            for (const T v : c) sum += static_cast<double>(std::abs(v));
            const double bound = documented_bound(a, degree, w.has_horner, false) *
                                 reference::epsilon<T> / 2 * sum * std::sqrt(count / size);
            reference::leave_for_comparison(std::string("legendre, ") + w.name +
                                                (a == accuracy::fast ? ", fast" : ", tight"),
                                            bound, y);
        }
    }
}

// legval(x, c), whose shapes depend on c's and on `tensor`.
TEST_CASE("numpy's shapes have their counterparts", "[legendre]") {
    const std::vector<double> x = {0.5, -0.5, 1}, c = {1, 2, 3}, expected = {1.625, -0.375, 6};
    const std::vector<double> sets = {1, 2, 3, 4, 0, 0, 0, 1, 0}; // [set][term]
    const view<const double, 2> rows(sets.data(), {3, 3});
    std::vector<double> y(3), table(9);

    SECTION("c (n): as many values as points; a scalar for a scalar") {
        legendre::eval<double>(x, c, y);
        CHECK(y == expected);
        CHECK(legendre::eval<double>(0.5, c) == 1.625);
    }
    SECTION("zeros behind the last term change nothing") {
        legendre::eval<double>(x, std::vector<double>{1, 2, 3, 0, 0, 0, 0, 0, 0, 0}, y);
        CHECK(y == expected);
    }
    SECTION("1, 2 and 3 terms") {
        CHECK(legendre::eval<double>(0.5, std::vector<double>{4}) == 4);
        CHECK(legendre::eval<double>(0.5, std::vector<double>{4, 2}) == 5);
        CHECK(legendre::eval<double>(0.5, std::vector<double>{4, 2, 8}) == 4);
    }
    SECTION("c (n, sets), tensor: every set at every point; numpy's order of c is that of columns") {
        const std::vector<double> columns = {1, 4, 0, 2, 0, 1, 3, 0, 0}; // [term][set]
        const std::vector<double> all = {1.625, -0.375, 6, 4, 4, 4, 0.5, -0.5, 1};
        legendre::eval<double>(x, rows, {table.data(), {3, 3}});
        CHECK(table == all);
        std::fill(table.begin(), table.end(), 0);
        legendre::eval<double>(x, {columns.data(), {3, 3}, {1, 3}}, {table.data(), {3, 3}});
        CHECK(table == all);
    }
    SECTION("c (n, sets), not tensor: a point for each set") {
        legendre::eval_each<double>(x, rows, y);
        CHECK(y == std::vector<double>{1.625, 4, 1});
    }
    SECTION("c (n, sets), x a scalar: a value for each set") {
        const std::vector<double> point = {0.5};
        legendre::eval<double>(point, rows, {y.data(), {3, 1}});
        CHECK(y == std::vector<double>{1.625, 4, 0.5});
    }
}

TEST_CASE("the results may take the place of the points", "[legendre]") {
    const auto x = reference::random_numbers<double>(100),
               c = reference::random_numbers<double>(2000, 2);
    for (const auto a : {legendre::accuracy::fast, legendre::accuracy::tight}) {
        for (const std::size_t terms : {1u, 5u, 20u}) {
            CAPTURE(terms, a == legendre::accuracy::tight);
            const legendre::eval_options options = {.accuracy = a};
            const view<const double, 2> rows(c.data(), {100, terms});
            auto place = x;
            std::vector<double> y(100);
            legendre::eval<double>(x, {c.data(), terms}, y, options);
            legendre::eval<double>(place, {c.data(), terms}, place, options);
            CHECK(place == y);
            place = x;
            legendre::eval_each<double>(x, rows, y, options);
            legendre::eval_each<double>(place, rows, place, options);
            CHECK(place == y);
            for (std::size_t s = 0; s < 100; ++s) { // a series' own lane, and its own point
                const double lone = legendre::eval<double>(x[s], {c.data() + s * terms, terms}, options);
                CHECK(std::abs(y[s] - lone) < 1e-13);
            }
        }
    }
}

TEST_CASE("a coefficient that is no number stays in its series", "[legendre]") {
    const auto x = reference::random_numbers<double>(50);
    for (const auto a : {legendre::accuracy::fast, legendre::accuracy::tight}) {
        for (const std::size_t terms : {1u, 4u, 20u}) {
            auto c = reference::random_numbers<double>(50 * terms);
            std::vector<double> expected(50 * 50), y(50 * 50), expected_each(50), each(50);
            const view<const double, 2> series(c.data(), {50, terms});
            legendre::eval<double>(x, series, {expected.data(), {50, 50}}, {.accuracy = a});
            legendre::eval_each<double>(x, series, expected_each, {.accuracy = a});
            c[3 * terms] = std::numeric_limits<double>::quiet_NaN();
            legendre::eval<double>(x, series, {y.data(), {50, 50}}, {.accuracy = a});
            legendre::eval_each<double>(x, series, each, {.accuracy = a});
            for (std::size_t s = 0; s < 50; ++s) {
                CAPTURE(terms, s);
                CHECK((s == 3 ? std::isnan(each[s]) : each[s] == expected_each[s]));
                for (std::size_t i = s * 50; i < s * 50 + 50; ++i) {
                    REQUIRE((s == 3 ? std::isnan(y[i]) : y[i] == expected[i]));
                }
            }
        }
    }
}

TEST_CASE("legendre::eval refuses what does not fit", "[legendre]") {
    const std::vector<double> x(12), c(3), none;
    const view<const double, 2> rows(c.data(), {1, 3}), empty(c.data(), {12, 0});
    const std::span<const double> eleven(x.data(), 11);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(reference::refusal([&](auto y) { legendre::eval<double>(x, none, y); }) ==
          "legendre::eval: c has 0 coefficients, expected 1 or more");
    CHECK(reference::refusal([&](auto y) {
              legendre::eval<double>(x, c, y, {.domain = {2, 2}});
          }) == "legendre::eval: the domain is [2.000000, 2.000000], expected two different finite "
                "ends");
    CHECK(reference::refusal([&](auto y) {
              legendre::eval<double>(x, c, y, {.domain = {nan, 2}});
          }) == "legendre::eval: the domain is [nan, 2.000000], expected two different finite ends");
    CHECK_THAT(reference::refusal([&](auto y) { legendre::eval<double>(x, c, y, {.threads = -1}); }),
               reference::ContainsSubstring("threads is -1, expected 0 (all) or more"));
    CHECK(reference::refusal([&](auto y) {
              legendre::eval<double>(eleven, rows, {y.data(), {1, 12}});
          }) == "legendre::eval: y has points 12, x has size 11");
    CHECK(reference::refusal([&](auto y) {
              legendre::eval<double>(x, {c.data(), {3, 1}}, {y.data(), {1, 12}});
          }) == "legendre::eval: y has series 1, c has series 3");
    CHECK(reference::refusal([&](auto y) {
              legendre::eval<double>({x.data(), 1}, empty, {y.data(), {12, 1}});
          }) == "legendre::eval: c has 0 coefficients, expected 1 or more");
    CHECK_THAT(reference::refusal([&](auto y) {
                   legendre::eval<double>(x, rows, {y.data(), {1, 12}}, {.threads = -1});
               }),
               reference::ContainsSubstring("threads is -1"));
    CHECK(reference::refusal([&](auto y) { legendre::eval_each<double>(eleven, empty, y); }) ==
          "legendre::eval_each: y has size 12, x has size 11");
    CHECK(reference::refusal([&](auto y) { legendre::eval_each<double>(x, rows, y); }) ==
          "legendre::eval_each: c has series 1, x has size 12");
    CHECK(reference::refusal([&](auto y) { legendre::eval_each<double>(x, empty, y); }) ==
          "legendre::eval_each: c has 0 coefficients, expected 1 or more");
}

TEST_CASE("nothing to evaluate is no error", "[legendre]") {
    const std::vector<double> none, c(3);
    std::vector<double> y;
    legendre::eval<double>(none, c, y);
    legendre::eval<double>(none, {c.data(), {1, 3}}, {y.data(), {1, 0}});
    legendre::eval<double>(c, {c.data(), {0, 3}}, {y.data(), {0, 3}});
    legendre::eval_each<double>(none, {c.data(), {0, 3}}, y);
    CHECK(y.empty());
}

// x s + t, rounded like any product, loses |x s| u, which is what subtracting an end first is for.
TEST_CASE("a multiplied-out domain would not keep the bound of tight", "[legendre]") {
    const legendre::domain over = {5543, 7826};
    const auto w = reference::stretched(reference::delicate_points<double>(), over);
    std::vector<double> c(65), x(w), y(w);
    c[64] = 1;
    const sums expected(table_of_polynomials(w, 64, over), view<const double, 2>(c.data(), {1, 65}),
                        weight::coefficients);
    for (double& v : x) {
        const volatile double product = v * (2 / (over.b - over.a)); // no fused multiply-add
        v = product - (over.a + over.b) / (over.b - over.a);
    }
    legendre::eval<double>(w, c, y, {.domain = over, .accuracy = accuracy::tight});
    CHECK(expected.largest_error(std::span<const double>(y)) <= 4 + 64 / 8.0);
    legendre::eval<double>(x, c, y, {.accuracy = accuracy::tight});
    CHECK(expected.largest_error(std::span<const double>(y)) > 1000);
}
