// SPDX-License-Identifier: BSD-3-Clause
//
// Bases as matrices, tile by tile and in registers, of Legendre, Hermite-e and Chebyshev polynomials, and series
// of the latter two, against recurrences with 113 bits.

#include "legendre_truth.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <mutex>

#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/families.hpp>

using namespace destrier;
using reference::quad;

namespace {

// A family's kernels on one architecture, and what they should give.
template <class T>
struct family {
    const char* name;
    void (*basis)(std::span<const T> x, view<T, 2> out, int threads);
    void (*eval)(std::span<const T> x, std::span<const T> c, std::span<T> y, int threads);
    std::vector<quad> (*polynomials)(quad x, std::size_t n);
    double (*bound)(std::size_t k, double x); // of p_k(x), in u
};

double legendre_bound(std::size_t k, double) {
    const double n = static_cast<double>(k);
    return 4 + n * n / 2;
}
double chebyshev_bound(std::size_t k, double) {
    const double n = static_cast<double>(k);
    return 3 + n * n / 2;
}
double hermite_e_bound(std::size_t k, double x) {
    return 16 * std::sqrt(std::tgamma(static_cast<double>(k) + 1)) * std::exp(x * x / 4);
}

template <class T, class A>
void legendre_basis(std::span<const T> x, view<T, 2> out, int threads) {
    legendre::basis<T, A>(x, out, {}, threads);
}
template <class T, class A>
void chebyshev_basis(std::span<const T> x, view<T, 2> out, int threads) {
    chebyshev::basis<T, A>(x, out, {}, threads);
}
template <class T, class A>
void chebyshev_eval(std::span<const T> x, std::span<const T> c, std::span<T> y, int threads) {
    chebyshev::eval<T, A>(x, c, y, {}, threads);
}
template <class T, class A>
std::array<family<T>, 3> families() {
    return {
        {{"Legendre", legendre_basis<T, A>, nullptr, reference::legendre_polynomials, legendre_bound},
         {"Chebyshev", chebyshev_basis<T, A>, chebyshev_eval<T, A>, reference::chebyshev_polynomials,
          chebyshev_bound},
         {"Hermite-e", hermite_e::basis<T, A>, hermite_e::eval<T, A>, reference::hermite_e_polynomials,
          hermite_e_bound}}};
}

// Hermite-e polynomials are for points of a few standard deviations, and grow as sqrt(k!).
template <class T>
bool is_hermite(const family<T>& f) {
    return f.bound == hermite_e_bound;
}
template <class T>
std::vector<T> points_of(const family<T>& f) {
    auto x = reference::delicate_points<T>();
    if (is_hermite(f)) {
        for (T& v : x) v *= 6;
    }
    return x;
}
template <class T>
std::size_t highest_degree(const family<T>& f) {
    return is_hermite(f) ? 20 : 64;
}

template <class T>
double in_u(T has, quad expected) {
    return static_cast<double>(reference::absolute(static_cast<quad>(has) - expected)) * 2 /
           reference::epsilon<T>;
}

template <class T>
void check_basis_bound(const family<T>& f) {
    const auto x = points_of(f);
    const std::size_t n = highest_degree(f);
    std::vector<T> p((n + 1) * x.size());
    f.basis(x, {p.data(), {n + 1, x.size()}}, 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto expected = f.polynomials(x[i], n);
        for (std::size_t k = 0; k <= n; ++k) {
            CAPTURE(f.name, k, x[i]);
            REQUIRE(in_u(p[k * x.size() + i], expected[k]) <= f.bound(k, static_cast<double>(x[i])));
        }
    }
}

// Series of random coefficients, of alternating signs, and of one polynomial.
template <class T>
void check_series_bound(const family<T>& f) {
    const auto x = points_of(f);
    for (std::size_t n = 0; n <= highest_degree(f); ++n) {
        std::vector<T> alternating(n + 1), single(n + 1);
        for (std::size_t k = 0; k <= n; ++k) alternating[k] = k % 2 == 0 ? T(1) : T(-1);
        single[n] = 1;
        for (const auto& c : {reference::random_numbers<T>(n + 1), alternating, single}) {
            reference::guarded<T> y(x.size());
            f.eval(x, c, y.span(), 2);
            REQUIRE(y.canaries_live());
            for (std::size_t i = 0; i < x.size(); ++i) {
                const auto p = f.polynomials(x[i], n);
                quad expected = 0;
                double bound = 0;
                for (std::size_t k = 0; k <= n; ++k) {
                    expected += static_cast<quad>(c[k]) * p[k];
                    bound += static_cast<double>(std::abs(c[k])) *
                             f.bound(is_hermite(f) ? k : n, static_cast<double>(x[i]));
                }
                CAPTURE(f.name, n, x[i]);
                REQUIRE(in_u(y.span()[i], expected) <= bound);
            }
        }
    }
}

// Whatever the strides, the size and the number of threads: the bits of one point alone.
template <class T>
void check_basis_layouts(const family<T>& f, std::size_t lanes) {
    std::vector<std::size_t> sizes = {5 * lanes + 3, 1100};
    for (std::size_t n = 0; n <= 2 * lanes + 1; ++n) sizes.push_back(n);
    const auto x = reference::random_numbers<T>(1100);
    for (const std::size_t terms : {1u, 2u, 8u, 9u, 17u, 70u}) {
        if (terms > 20 && is_hermite(f)) continue; // beyond float
        std::vector<T> expected(terms * x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            f.basis({&x[i], 1}, {&expected[i * terms], {terms, 1}, {1, 1}}, 1);
        }
        for (const std::size_t n : sizes) {
            const auto p = static_cast<std::ptrdiff_t>(n), t = static_cast<std::ptrdiff_t>(terms);
            const std::array<std::ptrdiff_t, 2> orders[] = {{p, 1},     {p + 3, 1},     {1, t},
                                                            {1, t + 5}, {2 * p + 1, 2}, {2, 2 * t + 1}};
            for (const auto& order : orders) {
                CAPTURE(f.name, terms, n, order[0], order[1]);
                reference::guarded<T> storage(2 * (terms + 5) * (n + 5));
                const view<T, 2> out(storage.data(), {terms, n}, order);
                f.basis({x.data(), n}, out, 1 + static_cast<int>(n % 3));
                for (std::size_t i = 0; i < n; ++i) {
                    for (std::size_t k = 0; k < terms; ++k) {
                        if (std::memcmp(&out(k, i), &expected[i * terms + k], sizeof(T)) != 0)
                            FAIL("at " << k << ", " << i);
                        out(k, i) = T(-77);
                    }
                }
                const auto all = storage.span();
                REQUIRE(storage.canaries_live());
                REQUIRE(std::count(all.begin(), all.end(), T(-77)) ==
                        static_cast<std::ptrdiff_t>(all.size()));
            }
        }
    }
}

// 4 MiB and more go past the caches where rows start on lines.
template <class T>
void check_streamed_basis(const family<T>& f) {
    const std::size_t n = (std::size_t{1} << 20) / sizeof(T) + line<T>, pitch = n + line<T>;
    const auto x = reference::random_numbers<T>(n - 3);
    buffer<T> streamed(4 * pitch), cached(4 * (pitch + 1));
    const auto stride = static_cast<std::ptrdiff_t>(pitch);
    f.basis(x, {streamed.data(), {4, x.size()}, {stride, 1}}, 3);
    f.basis(x, {cached.data(), {4, x.size()}, {stride + 1, 1}}, 1);
    for (std::size_t k = 0; k < 4; ++k) {
        const std::span<const T> row(streamed.data() + k * pitch, x.size());
        CAPTURE(f.name, k);
        REQUIRE(
            reference::same_bits(row, std::span<const T>(cached.data() + k * (pitch + 1), x.size())));
        REQUIRE(streamed[k * pitch + x.size()] == 0);
    }
}

template <class T, class A>
void check_tiles() {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, width<T, A>, std::size_t{5003}}) {
        auto x = reference::random_numbers<T>(n);
        if (n > 2) x[2] = std::numeric_limits<T>::quiet_NaN();
        for (const std::size_t terms : {1u, 7u, 130u}) {
            std::vector<T> expected(terms * n);
            legendre::basis<T, A>(x, {expected.data(), {terms, n}});
            for (const int threads : {1, 2, 3, 40}) {
                std::vector<T> p(terms * n);
                std::vector<int> visits(n);
                std::vector<std::size_t> next(static_cast<std::size_t>(threads), 0);
                std::mutex one_at_a_time;
                bool in_shape = true;
                legendre::for_each_tile<T, A>(
                    x, terms,
                    [&](const legendre::basis_tile<T>& tile) {
                        const std::lock_guard lock(one_at_a_time);
                        in_shape &= tile.pitch % line<T> == 0 && tile.count <= tile.pitch &&
                                    tile.count > 0 && tile.first + tile.count <= n &&
                                    reinterpret_cast<std::uintptr_t>(tile.values) % 64 == 0 &&
                                    tile.worker < next.size() && next.at(tile.worker) <= tile.first;
                        next.at(tile.worker) = tile.first + tile.count;
                        for (std::size_t i = 0; i < tile.count; ++i) {
                            ++visits[tile.first + i];
                            for (std::size_t k = 0; k < terms; ++k) {
                                p[k * n + tile.first + i] = tile.row(k)[i];
                            }
                        }
                    },
                    {}, threads);
                CAPTURE(n, terms, threads);
                REQUIRE(in_shape);
                REQUIRE(std::count(visits.begin(), visits.end(), 1) == static_cast<std::ptrdiff_t>(n));
                REQUIRE(reference::same_bits(p, expected));
                for (std::size_t k = 0; k < terms && n > 2; ++k) REQUIRE(std::isnan(p[k * n + 2]));
                REQUIRE(std::count_if(p.begin(), p.end(), [](T v) { return std::isnan(v); }) ==
                        (n > 2 ? static_cast<std::ptrdiff_t>(terms) : 0));
            }
        }
    }
}

// Degrees 0 .. 20 of a register of points.
template <class Family, class T, class A>
void check_degrees(const family<T>& f) {
    const auto all = points_of(f);
    for (std::size_t first = 0; first + width<T, A> <= all.size(); first += width<T, A>) {
        T p[21][width<T, A>];
        std::size_t next = 0;
        bool in_order = true;
        for_each_degree<Family, 20>(batch<T, A>::load_unaligned(&all[first]),
                                    [&](auto k, batch<T, A> value) DESTRIER_UNROLLED {
                                        in_order &= next++ == k;
                                        value.store_unaligned(p[k]);
                                    });
        REQUIRE(in_order);
        REQUIRE(next == 21);
        for (std::size_t lane = 0; lane < width<T, A>; ++lane) {
            const T x = all[first + lane];
            const auto expected = f.polynomials(x, 20);
            for (std::size_t k = 0; k <= 20; ++k) {
                CAPTURE(f.name, k, x);
                REQUIRE(in_u(p[k][lane], expected[k]) <= f.bound(k, static_cast<double>(x)));
            }
        }
    }
}

template <class T>
void check_one_family(const family<T>& f, std::size_t lanes) {
    check_basis_bound(f);
    if (f.eval != nullptr) check_series_bound(f);
    check_basis_layouts(f, lanes);
    check_streamed_basis(f);
}

} // namespace

TEMPLATE_LIST_TEST_CASE("bases and series of three families", "[legendre]", reference::unrolled_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const auto all = families<T, A>();
    for (const auto& f : all) check_one_family(f, width<T, A>);
    check_tiles<T, A>();
    check_degrees<legendre_family, T, A>(all[0]);
    check_degrees<chebyshev_family, T, A>(all[1]);
    check_degrees<hermite_e_family, T, A>(all[2]);
}

TEST_CASE("bases agree with closed forms and with the standard library", "[legendre]") {
    std::vector<double> x;
    for (int i = -20; i <= 20; ++i) x.push_back(i / 20.0);
    std::vector<double> p(30 * x.size()), t(p.size()), h(p.size());
    legendre::basis<double>(x, {p.data(), {30, x.size()}});
    chebyshev::basis<double>(x, {t.data(), {30, x.size()}});
    hermite_e::basis<double>(x, {h.data(), {30, x.size()}});
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double v = x[i];
        CHECK(std::abs(h[4 * x.size() + i] - (v * v * v * v - 6 * v * v + 3)) < 1e-14);
        for (std::size_t k = 0; k < 30; ++k) {
            const long double angle =
                static_cast<long double>(k) * std::acos(static_cast<long double>(v));
            CHECK(std::abs(t[k * x.size() + i] - static_cast<double>(std::cos(angle))) < 1e-13);
#if defined(__cpp_lib_math_special_functions)
            const double expected = std::legendre(static_cast<unsigned>(k), v);
            CHECK(std::abs(p[k * x.size() + i] - expected) < 1e-13);
#endif
        }
    }
}

TEST_CASE("bases through a domain", "[legendre]") {
    const legendre::domain over = {7357.4, 9987.2};
    const auto x = reference::stretched(reference::delicate_points<double>(), over);
    std::vector<double> p(65 * x.size()), t(65 * x.size());
    legendre::basis<double>(x, {p.data(), {65, x.size()}}, over);
    chebyshev::basis<double>(x, {t.data(), {65, x.size()}}, over);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const quad v = reference::mapped(x[i], over);
        const auto legendre = reference::legendre_polynomials(v, 64);
        const auto chebyshev = reference::chebyshev_polynomials(v, 64);
        for (std::size_t k = 0; k < 65; ++k) {
            const double n = static_cast<double>(k);
            CAPTURE(k, x[i]);
            REQUIRE(in_u(p[k * x.size() + i], legendre[k]) <= 8 + 2 * n * n);
            REQUIRE(in_u(t[k * x.size() + i], chebyshev[k]) <= 8 + 4 * n * n);
        }
    }
}

TEST_CASE("bases and families refuse what does not fit", "[legendre]") {
    const std::vector<double> x(12), c(3), none;
    const std::span<const double> eleven(x.data(), 11);
    CHECK(reference::refusal([&](auto y) {
              legendre::basis<double>(x, {y.data(), {2, 6}});
          }) == "legendre::basis: out has points 6, x has size 12");
    CHECK_THAT(reference::refusal([&](auto y) {
                   legendre::basis<double>(x, {y.data(), {1, 12}}, {1, 1});
               }),
               reference::ContainsSubstring("legendre::basis: the domain is"));
    CHECK(reference::refusal([&](auto y) {
              hermite_e::basis<double>(x, {y.data(), {2, 6}});
          }) == "hermite_e::basis: out has points 6, x has size 12");
    CHECK(reference::refusal([&](auto y) { hermite_e::eval<double>(x, none, y); }) ==
          "hermite_e::eval: c has 0 coefficients, expected 1 or more");
    CHECK(reference::refusal([&](auto y) { chebyshev::eval<double>(eleven, c, y); }) ==
          "chebyshev::eval: y has size 12, x has size 11");
    CHECK_THAT(reference::refusal([&](auto y) {
                   chebyshev::eval<double>(x, c, y, {3, 3});
               }),
               reference::ContainsSubstring("chebyshev::eval: the domain is"));
    CHECK(reference::refusal([&](auto) { legendre::for_each_tile<double>(x, 0, [](const auto&) {}); }) ==
          "legendre::for_each_tile: terms is 0, expected 1 or more");
    CHECK(reference::message_of<std::runtime_error>([&] {
              legendre::for_each_tile<double>(
                  x, 3, [](const auto&) { throw std::runtime_error("enough"); }, {}, 2);
          }) == "enough");
}

TEST_CASE("no points, or no terms, make no basis", "[legendre]") {
    const std::vector<double> none, c(3);
    std::vector<double> y;
    legendre::basis<double>(none, {y.data(), {4, 0}});
    legendre::basis<double>(c, {y.data(), {0, 3}});
    legendre::for_each_tile<double>(none, 3, [&](const auto&) { y.push_back(0); });
    CHECK(y.empty());
}
