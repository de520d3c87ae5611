// SPDX-License-Identifier: BSD-3-Clause

#include <destrier/legendre/gauss.hpp>

#include "quad.hpp"
#include "reference.hpp"

#include <initializer_list>

using namespace reference;
using namespace destrier;

namespace {

using sizes = std::initializer_list<std::size_t>;

template <class T>
struct rule {
    std::vector<T> nodes, weights;
};

template <class T, class A = default_arch>
rule<T> gauss(std::size_t n, legendre::domain over = {}, int threads = 1) {
    rule<T> r{std::vector<T>(n), std::vector<T>(n)};
    legendre::gauss<T, A>(r.nodes, r.weights, over, threads);
    return r;
}

// What node i of [0, 2] minus 1 is off the root of P_n, and what the weight is.
struct truth {
    quad root, weight;
};

// One step of Newton's method, by the plain recurrence. (1 - x^2) P_n'^2 is 2 / weight at the root; its
// derivative there is 2 x P_n'^2.
truth newton(std::size_t n, quad x) {
    quad before = 1, p = x;
    for (std::size_t k = 1; k < n; ++k) {
        const quad degree = static_cast<quad>(k);
        const quad next = ((2 * degree + 1) * x * p - degree * before) / (degree + 1);
        before = p;
        p = next;
    }
    const quad squared = 1 - x * x, slope = static_cast<quad>(n) * (before - x * p) / squared;
    const quad step = -p / slope;
    return {x + step, 2 / ((squared + 2 * x * step) * slope * slope)};
}

template <class A>
void check_nodes(std::size_t n, const std::vector<std::size_t>& which) {
    const auto r = gauss<double, A>(n), shifted = gauss<double, A>(n, {0, 2});
    double node = 0, from_end = 0, weight = 0;
    for (const std::size_t i : which) {
        const truth t = newton(n, static_cast<quad>(shifted.nodes[i]) - 1);
        const auto off = [](double a, quad b) {
            return static_cast<double>(absolute(static_cast<quad>(a) - b));
        };
        node = std::max(node, off(r.nodes[i], t.root));
        from_end = std::max(from_end, off(shifted.nodes[i], 1 + t.root) / shifted.nodes[i]);
        weight = std::max(weight, off(r.weights[i], t.weight) / r.weights[i]);
    }
    INFO("n = " << n);
    CHECK(node <= 4e-16);
    CHECK(from_end <= 1e-15);
    CHECK(weight <= 1e-15);
}

// Those up to the middle.
std::vector<std::size_t> every(std::size_t n, std::size_t stride = 1) {
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < (n + 1) / 2; i += stride) which.push_back(i);
    return which;
}

// sqrt((2 k + 1) / 2) P_k at the nodes, k = 0 .. n - 1.
std::vector<std::vector<long double>> orthonormal(const rule<double>& r, std::size_t n) {
    std::vector<std::vector<long double>> v(n, std::vector<long double>(r.nodes.size()));
    for (std::size_t i = 0; i < r.nodes.size(); ++i) {
        const long double x = r.nodes[i];
        long double before = 0, p = 1;
        for (std::size_t k = 0; k < n; ++k) {
            const auto degree = static_cast<long double>(k);
            v[k][i] = std::sqrt(degree + 0.5L) * p;
            const long double next = ((2 * degree + 1) * x * p - degree * before) / (degree + 1);
            before = p;
            p = next;
        }
    }
    return v;
}

} // namespace

TEMPLATE_LIST_TEST_CASE("Gauss's nodes are roots of P_n, and the weights theirs", "[legendre][gauss]",
                        all_lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    // Newton's method up to 50, then the expansion, with McMahon's for nodes after the 16th
    for (const std::size_t n : sizes{1, 2, 3, 4, 17, 49, 50, 51, 52, 64, 99, 101, 250}) {
        if constexpr (std::is_same_v<T, double>) {
            check_nodes<A>(n, every(n));
        } else { // double, rounded
            const auto narrow = gauss<T, A>(n);
            const auto wide = gauss<double, A>(n);
            CHECK(narrow.nodes == std::vector<T>(wide.nodes.begin(), wide.nodes.end()));
            CHECK(narrow.weights == std::vector<T>(wide.weights.begin(), wide.weights.end()));
        }
    }
}

TEST_CASE("large numbers of Gauss's nodes are as accurate", "[legendre][gauss]") {
    check_nodes<default_arch>(1000, every(1000, 9));
    check_nodes<default_arch>(3001, every(3001, 79));
    check_nodes<default_arch>(100000, {0, 3, 16, 30, 12345, 49999});
    check_nodes<default_arch>(1000000, {0, 499999});
}

TEST_CASE("Gauss's weights add up to 2", "[legendre][gauss]") {
    for (const std::size_t n : sizes{1, 2, 5, 50, 51, 100, 1000, 99999, 1000000}) {
        const auto r = gauss<double>(n);
        const long double sum = std::accumulate(r.weights.begin(), r.weights.end(), 0.0L);
        INFO("n = " << n);
        CHECK(std::abs(static_cast<double>(sum - 2)) <= 4 * epsilon<double>); // 8 u
    }
}

TEST_CASE("Legendre polynomials are orthogonal under Gauss's rule", "[legendre][gauss]") {
    const auto largest = [](std::size_t n, const std::vector<std::size_t>& rows) {
        const auto r = gauss<double>(n);
        const auto v = orthonormal(r, n);
        double off = 0;
        for (const std::size_t j : rows) {
            for (std::size_t k = 0; k < n; ++k) {
                long double sum = j == k ? -1 : 0;
                for (std::size_t i = 0; i < n; ++i) sum += r.weights[i] * v[j][i] * v[k][i];
                off = std::max(off, static_cast<double>(std::abs(sum)));
            }
        }
        return off;
    };
    std::vector<std::size_t> all(64);
    std::iota(all.begin(), all.end(), std::size_t{0});
    CHECK(largest(10, {0, 1, 5, 8, 9}) <= 1e-14);
    CHECK(largest(64, all) <= 1e-14);
    CHECK(largest(1000, {0, 1, 2, 499, 500, 998, 999}) <= 1e-13);
}

TEST_CASE("Gauss's nodes ascend and mirror each other", "[legendre][gauss]") {
    for (const std::size_t n : sizes{1, 2, 3, 50, 51, 107, 1000, 100001}) {
        const auto r = gauss<double>(n);
        INFO("n = " << n);
        CHECK(std::adjacent_find(r.nodes.begin(), r.nodes.end(), std::greater_equal<>()) ==
              r.nodes.end());
        bool mirrored = true;
        for (std::size_t i = 0; i < n; ++i) {
            mirrored =
                mirrored && r.nodes[i] == -r.nodes[n - 1 - i] && r.weights[i] == r.weights[n - 1 - i];
        }
        CHECK(mirrored);
    }
}

TEST_CASE("Gauss's rule integrates over any domain", "[legendre][gauss]") {
    for (const std::size_t n : sizes{20, 70}) {
        for (const legendre::domain over : {legendre::domain{2, 5}, legendre::domain{1, -1.5}}) {
            const auto r = gauss<double>(n, over);
            double sum = 0;
            for (std::size_t i = 0; i < n; ++i) sum += r.weights[i] * std::exp(r.nodes[i]);
            CHECK(sum == Approx(std::exp(over.b) - std::exp(over.a)).epsilon(1e-14));
        }
    }
}

TEST_CASE("Gauss's rule has the same bits for any number of threads", "[legendre][gauss]") {
    const auto one = gauss<double>(1001), three = gauss<double>(1001, {}, 3);
    CHECK(same_bits(one.nodes, three.nodes));
    CHECK(same_bits(one.weights, three.weights));
}

TEST_CASE("gauss writes nothing beyond its arrays", "[legendre][gauss]") {
    for (const std::size_t n : sizes{3, 59}) {
        exact_scratch<double> nodes(n), weights(n);
        legendre::gauss<double>(nodes.span(), weights.span());
        CHECK(nodes.canaries_live());
        CHECK(weights.canaries_live());
    }
}

TEST_CASE("gauss says what is wrong with its arguments", "[legendre][gauss]") {
    std::vector<double> three(3), four(4), none;
    CHECK(message_of([&] { legendre::gauss<double>(four, three); }) ==
          "legendre::gauss: weights has 3 elements, nodes has 4");
    CHECK(message_of([&] { legendre::gauss<double>(none, none); }) ==
          "legendre::gauss: nodes is empty, expected 1 element or more");
    CHECK_THAT(message_of([&] {
                   legendre::gauss<double>(three, three, {1, 1});
               }),
               ContainsSubstring("legendre::gauss: the domain is [1.0"));
}
