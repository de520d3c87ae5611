// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <barrier>
#include <cstdint>
#include <limits>
#include <numbers>
#include <thread>

#include <destrier/destripe/solver.hpp>

using namespace reference;
using namespace destrier::destripe;

namespace {

using numbers = std::vector<double>;

long double dot(const numbers& u, const numbers& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0L, std::plus<>(),
                              [](long double a, long double b) { return a * b; });
}

numbers difference(numbers u, const numbers& v) {
    for (std::size_t i = 0; i < u.size(); ++i) u[i] -= v[i];
    return u;
}

// A square matrix, row after row.
struct matrix {
    std::size_t n;
    numbers a;

    explicit matrix(std::size_t size) : n(size), a(size * size) {}
    double& operator()(std::size_t i, std::size_t j) { return a[i * n + j]; }
    double operator()(std::size_t i, std::size_t j) const { return a[i * n + j]; }

    double row_product(std::size_t i, std::span<const double> x) const {
        double sum = 0; // by fma: else compilers round according to where x lies
        for (std::size_t k = 0; k < n; ++k) sum = std::fma(a[i * n + k], x[k], sum);
        return sum;
    }
    void apply(std::span<const double> x, std::span<double> out) const {
        for (std::size_t i = 0; i < n; ++i) out[i] = row_product(i, x);
    }
    numbers times(const numbers& x) const {
        numbers out(n);
        apply(x, out);
        return out;
    }
    numbers diagonal() const {
        numbers d(n);
        for (std::size_t i = 0; i < n; ++i) d[i] = (*this)(i, i);
        return d;
    }
};

// Symmetric, with these eigenvalues: their diagonal matrix between random reflections.
matrix with_eigenvalues(const numbers& values, unsigned seed = 1) {
    const std::size_t n = values.size();
    matrix m(n);
    for (std::size_t i = 0; i < n; ++i) m(i, i) = values[i];
    for (unsigned k = 0; k < 3; ++k) {
        const numbers v = random_numbers<double>(n, seed + k);
        const numbers mv = m.times(v);
        const double vv = static_cast<double>(dot(v, v)), vmv = static_cast<double>(dot(v, mv));
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                m(i, j) += 4 * vmv / (vv * vv) * v[i] * v[j] - 2 / vv * (v[i] * mv[j] + mv[i] * v[j]);
            }
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < i; ++j) m(i, j) = m(j, i);
    }
    return m;
}

// Eigenvalues from 1 to `condition`, evenly spread in their logarithms.
numbers spread(std::size_t n, double condition) {
    numbers values(n);
    for (std::size_t i = 0; i < n; ++i) {
        values[i] = std::pow(condition, static_cast<double>(i) /
                                            static_cast<double>(std::max<std::size_t>(n, 2) - 1));
    }
    return values;
}

// D - B'CB of baselines that each hit some pixels of their part of the sky, I only: as many null vectors as parts.
matrix destriping_matrix(std::size_t baselines, std::size_t parts, unsigned seed = 1) {
    const std::size_t pixels = 2 * baselines;
    std::mt19937 generator(seed);
    std::vector<numbers> hits(pixels, numbers(baselines));
    for (std::size_t b = 0; b < baselines; ++b) {
        const std::size_t first = pixels * (b * parts / baselines) / parts, size = pixels / parts;
        for (int sample = 0; sample < 20; ++sample) {
            hits[first + (b * 3 + generator() % 12) % size][b] += 1 + 0.7 * static_cast<double>(b % 2);
        }
    }
    matrix m(baselines);
    for (const numbers& in_pixel : hits) {
        const double all = std::accumulate(in_pixel.begin(), in_pixel.end(), 0.0);
        if (all == 0) continue;
        for (std::size_t i = 0; i < baselines; ++i) {
            m(i, i) += in_pixel[i];
            for (std::size_t j = 0; j < baselines; ++j) m(i, j) -= in_pixel[i] * in_pixel[j] / all;
        }
    }
    return m;
}

// The solution by Cholesky's factors, in long double.
numbers by_cholesky(const matrix& m, const numbers& b) {
    const std::size_t n = m.n;
    std::vector<long double> l(n * n), y(b.begin(), b.end());
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            long double rest = m(i, j);
            for (std::size_t k = 0; k < j; ++k) rest -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = i == j ? std::sqrt(rest) : rest / l[j * n + j];
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < i; ++k) y[i] -= l[i * n + k] * y[k];
        y[i] /= l[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) y[i] -= l[k * n + i] * y[k];
        y[i] /= l[i * n + i];
    }
    return {y.begin(), y.end()};
}

// What is orthogonal to these vectors, which are 1 in one part of 0 .. n - 1 and 0 elsewhere.
numbers without_means(numbers x, std::size_t parts) {
    for (std::size_t k = 0; k < parts; ++k) {
        const auto [begin, end] = destrier::part(x.size(), parts, k);
        double mean = 0;
        for (std::size_t i = begin; i < end; ++i) mean += x[i] / static_cast<double>(end - begin);
        for (std::size_t i = begin; i < end; ++i) x[i] -= mean;
    }
    return x;
}

// The solution without a share of null vectors that are 1 in a part: m + sum of their squares is regular.
numbers by_pseudo_inverse(matrix m, const numbers& b, std::size_t parts) {
    for (std::size_t k = 0; k < parts; ++k) {
        const auto [begin, end] = destrier::part(m.n, parts, k);
        for (std::size_t i = begin; i < end; ++i) {
            for (std::size_t j = begin; j < end; ++j) m(i, j) += 1;
        }
    }
    return by_cholesky(m, b);
}

linear_system system_of(const matrix& m) {
    return {m.n, [&m](auto in, auto out) { m.apply(in, out); }};
}

linear_system with_diagonal(linear_system system, const numbers& diagonal) {
    system.precondition = [diagonal](auto in, auto out) {
        for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] / diagonal[i];
    };
    return system;
}

linear_system in_single_precision(const matrix& m) {
    return {m.n, [&m](auto in, auto out) {
                for (std::size_t i = 0; i < m.n; ++i) {
                    float sum = 0;
                    for (std::size_t j = 0; j < m.n; ++j) {
                        sum += static_cast<float>(m(i, j)) * static_cast<float>(in[j]);
                    }
                    out[i] = static_cast<double>(sum);
                }
            }};
}

// The iterates and directions of a solve, p_0, x_1, p_1, ...: what tells conjugate gradients from others.
struct course {
    std::vector<numbers> x, p;
    bool converged = false;

    std::size_t iterations() const { return x.size() - 1; }
};

// Textbook conjugate gradients, by Fletcher and Reeves.
course textbook(const matrix& m, const numbers& b, const numbers& diagonal, double tolerance,
                std::size_t most) {
    const auto precondition = [&](numbers r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] /= diagonal[i];
        return r;
    };
    course c{.x = {numbers(b.size())}, .p = {precondition(b)}};
    numbers r = b;
    long double rz = dot(r, c.p.back());
    while (c.iterations() < most) {
        const numbers p = c.p.back(), q = m.times(p);
        numbers x = c.x.back();
        const double alpha = static_cast<double>(rz / dot(p, q));
        for (std::size_t i = 0; i < b.size(); ++i) {
            x[i] += alpha * p[i];
            r[i] -= alpha * q[i];
        }
        const numbers z = precondition(r);
        const double beta = static_cast<double>(dot(r, z) / rz);
        rz = dot(r, z);
        c.x.push_back(x);
        c.p.push_back(z);
        for (std::size_t i = 0; i < b.size(); ++i) c.p.back()[i] += beta * p[i];
        if (dot(r, r) <= tolerance * tolerance * dot(b, b)) {
            c.converged = true;
            break;
        }
    }
    return c;
}

// The order of updates of litebird_sim 30d6172, destriper.py: the direction is overwritten before beta is used.
course direction_overwritten(const matrix& m, const numbers& b, const numbers& diagonal,
                             double tolerance, std::size_t most) {
    const auto precondition = [&](numbers r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] /= diagonal[i];
        return r;
    };
    numbers r = b, z = precondition(b);
    course c{.x = {numbers(b.size())}, .p = {z}};
    while (c.iterations() < most) {
        const numbers q = m.times(z);
        numbers x = c.x.back(), new_r = r;
        const double alpha = static_cast<double>(dot(r, precondition(r)) / dot(z, q));
        for (std::size_t i = 0; i < b.size(); ++i) {
            x[i] += alpha * z[i];
            new_r[i] -= alpha * q[i];
        }
        z = precondition(new_r);
        const double beta = static_cast<double>(dot(new_r, z) / dot(r, precondition(r)));
        for (double& v : z) v += beta * v;
        r = new_r;
        c.x.push_back(x);
        c.p.push_back(z);
        if (dot(r, r) <= tolerance * tolerance * dot(b, b)) {
            c.converged = true;
            break;
        }
    }
    return c;
}

course destriers(const linear_system& system, const numbers& b, solve_options o) {
    course c{.x = {numbers(b.size())}, .p = {b}};
    if (system.precondition) system.precondition(b, c.p.back());
    o.after_iteration = [&](const solver_state& s) {
        c.x.push_back(s.x);
        c.p.push_back(s.p);
        return true;
    };
    c.converged = solve(system, b, o).reason == stop::converged;
    return c;
}

// b - A x
std::vector<long double> exact_residual(const matrix& m, const numbers& x, const numbers& b) {
    std::vector<long double> r(b.begin(), b.end());
    for (std::size_t i = 0; i < m.n; ++i) {
        for (std::size_t j = 0; j < m.n; ++j) r[i] -= static_cast<long double>(m(i, j)) * x[j];
    }
    return r;
}

// Whether x'Ax / 2 - b'x falls at each iteration. From x to y it does by (y - x)' (r_x + r_y) / 2, which tells
// more digits than two values would.
bool energy_falls(const course& c, const matrix& m, const numbers& b) {
    auto r = exact_residual(m, c.x.front(), b);
    for (std::size_t k = 1; k < c.x.size(); ++k) {
        const auto next = exact_residual(m, c.x[k], b);
        long double fall = 0;
        for (std::size_t i = 0; i < m.n; ++i)
            fall += (static_cast<long double>(c.x[k][i]) - c.x[k - 1][i]) * (r[i] + next[i]);
        if (!(fall > 0)) return false;
        r = next;
    }
    return true;
}

// The largest |p_i' A p_j| for i - j from 1 to 5, of directions of length 1 in A.
double worst_conjugacy(const course& c, const matrix& m) {
    long double worst = 0;
    for (std::size_t i = 0; i < c.iterations(); ++i) {
        const numbers image = m.times(c.p[i]);
        for (std::size_t j = i > 5 ? i - 5 : 0; j < i; ++j) {
            const long double scale = std::sqrt(dot(c.p[i], image) * dot(c.p[j], m.times(c.p[j])));
            worst = std::max(worst, std::abs(dot(c.p[j], image)) / scale);
        }
    }
    return static_cast<double>(worst);
}

// What holds of conjugate gradients and of few others: all of it, for one system.
bool is_conjugate_gradients(const course& c, const matrix& m, const numbers& b, const numbers& diagonal,
                            double tolerance) {
    const auto count = static_cast<int>(c.iterations());
    const auto expected = static_cast<int>(textbook(m, b, diagonal, tolerance, 500).iterations());
    return c.converged && energy_falls(c, m, b) && worst_conjugacy(c, m) <= 1e-8 &&
           std::abs(count - expected) <= 1;
}

double true_residual_of(const matrix& m, const numbers& x, const numbers& b) {
    const numbers r = difference(b, m.times(x));
    return static_cast<double>(std::sqrt(dot(r, r) / dot(b, b)));
}

// Runs this function of a rank on as many threads, and gives them a reduction that adds in the order of ranks.
class processes {
public:
    explicit processes(std::size_t count)
        : count_(count), slots_(count), meet_(static_cast<std::ptrdiff_t>(count)) {}

    reduction sum(std::size_t rank) {
        return [this, rank](std::span<double> values) {
            slots_[rank].assign(values.begin(), values.end());
            meet();
            std::fill(values.begin(), values.end(), 0.0);
            for (const numbers& slot : slots_) {
                for (std::size_t i = 0; i < values.size(); ++i) values[i] += slot[i];
            }
            meet();
        };
    }
    void meet() { meet_.arrive_and_wait(); }

    template <class F>
    void run(F f) {
        std::vector<std::thread> threads;
        for (std::size_t rank = 0; rank < count_; ++rank) threads.emplace_back([&f, rank] { f(rank); });
        for (auto& t : threads) t.join();
    }

private:
    std::size_t count_;
    std::vector<numbers> slots_;
    std::barrier<> meet_;
};

// Solves with rows bounds[k] .. bounds[k + 1] - 1 on process k; options(k) are its options.
template <class Options>
std::vector<solution> solve_in_parts(const matrix& m, const numbers& b,
                                     const std::vector<std::size_t>& bounds, Options options) {
    const std::size_t count = bounds.size() - 1;
    const numbers diagonal = m.diagonal();
    numbers whole(m.n);
    std::vector<solution> solutions(count);
    processes all(count);
    all.run([&](std::size_t rank) {
        const std::size_t begin = bounds[rank], size = bounds[rank + 1] - begin;
        linear_system system;
        system.size = size;
        system.sum = all.sum(rank);
        system.apply = [&](auto in, auto out) {
            std::copy(in.begin(), in.end(), whole.data() + begin);
            all.meet();
            for (std::size_t i = 0; i < size; ++i) out[i] = m.row_product(begin + i, whole);
            all.meet();
        };
        system.precondition = [&](auto in, auto out) {
            for (std::size_t i = 0; i < size; ++i) out[i] = in[i] / diagonal[begin + i];
        };
        solutions[rank] = solve(system, std::span(b).subspan(begin, size), options(rank));
    });
    return solutions;
}

// A tridiagonal matrix of any size: 3 and -1.
linear_system tridiagonal(std::size_t n) {
    return {n, [n](auto in, auto out) {
                for (std::size_t i = 0; i < n; ++i) {
                    out[i] = 3 * in[i] - (i > 0 ? in[i - 1] : 0) - (i + 1 < n ? in[i + 1] : 0);
                }
            }};
}

} // namespace

TEMPLATE_LIST_TEST_CASE("solutions are those of Cholesky's factors", "[destripe][solver]",
                        architectures) {
    for (const std::size_t n : {1u, 2u, 7u, 8u, 9u, 16u, 33u, 70u}) {
        const matrix m = with_eigenvalues(spread(n, 100));
        const numbers b = random_numbers<double>(n, 7), truth = by_cholesky(m, b);
        for (const bool flexible : {false, true}) {
            for (const auto& system : {system_of(m), with_diagonal(system_of(m), m.diagonal())}) {
                const solution s =
                    solve<TestType>(system, b, {.tolerance = 1e-12, .flexible = flexible});
                INFO(n << (flexible ? " flexible " : " ") << s.cause);
                CHECK(s.reason == stop::converged);
                CHECK(s.residual <= 1e-12);
                CHECK(true_residual_of(m, s.x, b) <= 2e-12);
                CHECK(relative_error(s.x, truth) <= 1e-10);
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("vectors longer than a block of sums", "[destripe][solver]", architectures) {
    for (const std::size_t n : {1024u, 1025u, 5003u}) {
        const numbers truth = random_numbers<double>(n);
        const linear_system system = tridiagonal(n);
        numbers b(n);
        system.apply(truth, b);
        const solution s = solve<TestType>(system, b, {.tolerance = 1e-13, .threads = 2});
        CHECK(s.reason == stop::converged);
        CHECK(relative_error(s.x, truth) <= 1e-12);
    }
}

TEST_CASE("singular systems that are consistent", "[destripe][solver]") {
    for (const std::size_t parts : {1u, 3u}) {
        const matrix m = destriping_matrix(90, parts);
        const numbers b = m.times(random_numbers<double>(90, 3));
        const numbers truth = without_means(by_pseudo_inverse(m, b, parts), parts);
        for (const auto& system : {system_of(m), with_diagonal(system_of(m), m.diagonal())}) {
            const solution s = solve(system, b, {.tolerance = 1e-12});
            INFO(parts << " parts: " << s.cause);
            CHECK(s.reason == stop::converged);
            CHECK(relative_error(without_means(s.x, parts), truth) <= 1e-10);
        }
    }
}

TEST_CASE("it is conjugate gradients", "[destripe][solver]") {
    const double tolerance = 1e-10;
    for (const std::size_t n : {60u, 90u}) {
        for (const matrix& m : {destriping_matrix(n, 1), with_eigenvalues(spread(n, 100))}) {
            const numbers b = m.times(random_numbers<double>(n, 5)), ones(n, 1.0),
                          diagonal = m.diagonal();
            const solve_options o{.tolerance = tolerance};
            CHECK(is_conjugate_gradients(destriers(system_of(m), b, o), m, b, ones, tolerance));
            const linear_system system = with_diagonal(system_of(m), diagonal);
            for (const bool flexible : {false, true}) {
                const solve_options with{.tolerance = tolerance, .flexible = flexible};
                CHECK(is_conjugate_gradients(destriers(system, b, with), m, b, diagonal, tolerance));
            }
            const course wrong = direction_overwritten(m, b, diagonal, tolerance, 500);
            CHECK_FALSE(is_conjugate_gradients(wrong, m, b, diagonal, tolerance));
            CHECK(worst_conjugacy(wrong, m) > 1e-3);
        }
    }
}

TEST_CASE("as many iterations as there are eigenvalues", "[destripe][solver]") {
    for (const std::size_t distinct : {1u, 2u, 5u, 9u}) {
        numbers values(80);
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = 1 + static_cast<double>(i % distinct);
        const matrix m = with_eigenvalues(values);
        const numbers b = random_numbers<double>(80, 2);
        const solution s = solve(system_of(m), b, {.tolerance = 1e-11});
        CHECK(s.reason == stop::converged);
        CHECK(s.iterations <= distinct);
        if (distinct > 1) {
            CHECK(direction_overwritten(m, b, numbers(80, 1.0), 1e-11, 500).iterations() > distinct);
        }
    }
}

TEST_CASE("the residual that is reported is the true one", "[destripe][solver]") {
    const matrix m = destriping_matrix(80, 1);
    const numbers b = m.times(random_numbers<double>(80, 5));
    const auto system = with_diagonal(system_of(m), m.diagonal());
    std::vector<numbers> iterates{numbers(80)};
    const solution s =
        solve(system, b, {.tolerance = 1e-11, .refresh = 7, .after_iteration = [&](const auto& state) {
                              iterates.push_back(state.x);
                              return true;
                          }});
    REQUIRE(s.reason == stop::converged);
    REQUIRE(s.residuals.size() == s.iterations + 1);
    REQUIRE(iterates.size() == s.iterations + 1);
    for (std::size_t k = 0; k <= s.iterations; ++k) {
        INFO(k);
        CHECK(s.residuals[k] == Approx(true_residual_of(m, iterates[k], b)).epsilon(0.1));
    }
    CHECK(s.true_residuals.size() == s.iterations / 7 + (s.iterations % 7 > 0 ? 2 : 1));
    for (const auto& [iteration, relative] : s.true_residuals) {
        CHECK(relative == Approx(true_residual_of(m, iterates[iteration], b)).epsilon(0.01));
    }
    CHECK(s.residual == s.true_residuals.back().relative);
    CHECK(s.residual <= 1e-11);
}

TEST_CASE("units do not matter", "[destripe][solver]") {
    const matrix m = destriping_matrix(70, 1);
    const numbers b = m.times(random_numbers<double>(70, 5));
    const auto scaled_solve = [&](double scale) {
        numbers scaled = b;
        for (double& v : scaled) v *= scale;
        return solve(with_diagonal(system_of(m), m.diagonal()), scaled, {.tolerance = 1e-10});
    };
    const solution unscaled = scaled_solve(1);
    for (const double scale : {1e-120, 1e-12, 1e12, 1e120}) {
        const solution s = scaled_solve(scale);
        CHECK(s.reason == stop::converged);
        CHECK(s.iterations == unscaled.iterations);
        numbers x = s.x;
        for (double& v : x) v /= scale;
        CHECK(relative_error(x, unscaled.x) <= 1e-9);
    }
}

TEST_CASE("a start near the solution", "[destripe][solver]") {
    const matrix m = with_eigenvalues(spread(70, 1e3));
    const numbers b = random_numbers<double>(70, 5);
    const solution cold = solve(system_of(m), b, {.tolerance = 1e-10});
    numbers start = cold.x;
    for (double& v : start) v *= 1 + 1e-6;
    const solution warm = solve(system_of(m), b, {.tolerance = 1e-10}, start);
    CHECK(warm.reason == stop::converged);
    CHECK(warm.iterations < cold.iterations);
    CHECK(warm.residuals.front() == Approx(1e-6).epsilon(0.01));
    CHECK(relative_error(warm.x, by_cholesky(m, b)) <= 1e-7);
    const solution there = solve(system_of(m), b, {.tolerance = 1e-9}, cold.x);
    CHECK(there.reason == stop::converged);
    CHECK(there.iterations == 0);
    CHECK(same_bits(there.x, cold.x));
}

TEST_CASE("nothing to solve", "[destripe][solver]") {
    const matrix m = with_eigenvalues(spread(9, 10));
    const solution zero = solve(system_of(m), numbers(9), {}, numbers(9, 1.0));
    CHECK(zero.reason == stop::converged);
    CHECK(zero.x == numbers(9));
    CHECK(zero.residual == 0);
    const solution empty = solve({.size = 0, .apply = [](auto, auto) {}}, {});
    CHECK(empty.reason == stop::converged);
    CHECK(empty.x.empty());
    const solution none = solve(system_of(m), numbers(9, 1.0), {.iterations = 0});
    CHECK(none.reason == stop::iterations);
    CHECK(none.x == numbers(9));
    CHECK(none.residual == 1);
}

TEST_CASE("any number of threads gives the same bits", "[destripe][solver]") {
    const std::size_t n = 7011;
    const linear_system system = with_diagonal(tridiagonal(n), numbers(n, 3.0));
    const numbers b = random_numbers<double>(n);
    const solution one = solve(system, b, {.flexible = true, .threads = 1});
    for (const int threads : {2, 7}) {
        const solution many = solve(system, b, {.flexible = true, .threads = threads});
        CHECK(same_bits(many.x, one.x));
        CHECK(same_bits(many.residuals, one.residuals));
    }
}

TEST_CASE("a state goes on with the same bits", "[destripe][solver]") {
    const matrix m = with_eigenvalues(spread(30, 1e5));
    const numbers b = random_numbers<double>(30, 5);
    const auto system = with_diagonal(system_of(m), m.diagonal());
    for (const bool flexible : {false, true}) {
        // A tolerance that is not reached: the restarts are passed too.
        solve_options o{.tolerance = 1e-13, .flexible = flexible, .refresh = 10};
        const solution whole = solve(system, b, o);
        REQUIRE(whole.reason == stop::stalled);
        for (std::size_t k = 0; k < whole.iterations; ++k) {
            solver_state state;
            o.iterations = k;
            CHECK(solve(system, b, o, state).reason == stop::iterations);
            o.iterations = 500;
            solver_state read_back = state;
            const solution rest = solve(system, b, o, read_back);
            INFO(k << ": " << rest.cause);
            CHECK(same_bits(rest.x, whole.x));
            CHECK(same_bits(rest.residuals, whole.residuals));
            CHECK(rest.reason == whole.reason);
            CHECK(rest.true_residuals.size() == whole.true_residuals.size());
        }
    }
}

TEST_CASE("an interruption can be resumed", "[destripe][solver]") {
    const matrix m = destriping_matrix(80, 1);
    const numbers b = m.times(random_numbers<double>(80, 5));
    solve_options o{.tolerance = 1e-11};
    const solution whole = solve(system_of(m), b, o);
    solver_state state;
    o.after_iteration = [](const solver_state& s) { return s.iterations() < 9; };
    const solution first = solve(system_of(m), b, o, state);
    CHECK(first.reason == stop::interrupted);
    CHECK(first.iterations == 9);
    CHECK(first.residual == Approx(true_residual_of(m, first.x, b)).epsilon(1e-6));
    o.after_iteration = {};
    const solution rest = solve(system_of(m), b, o, state);
    CHECK(rest.reason == stop::converged);
    CHECK(same_bits(rest.x, whole.x));
    CHECK(same_bits(rest.residuals, whole.residuals));
    CHECK(solve(system_of(m), b, o, state).iterations == whole.iterations);
}

TEST_CASE("many processes solve as one", "[destripe][solver]") {
    const matrix m = destriping_matrix(80, 1);
    const numbers b = m.times(random_numbers<double>(80, 5));
    const auto options = [](std::size_t) { return solve_options{.tolerance = 1e-12, .threads = 1}; };
    const solution one = solve(with_diagonal(system_of(m), m.diagonal()), b, options(0));
    for (const std::vector<std::size_t>& bounds :
         {std::vector<std::size_t>{0, 41, 80}, {0, 0, 30, 30, 79, 80, 80}}) {
        const auto parts = solve_in_parts(m, b, bounds, options);
        numbers x;
        for (const solution& s : parts) {
            x.insert(x.end(), s.x.begin(), s.x.end());
            CHECK(s.reason == stop::converged);
            CHECK(s.cause == parts[0].cause);
            CHECK(same_bits(s.residuals, parts[0].residuals));
        }
        CHECK(parts[0].iterations == one.iterations);
        CHECK(relative_error(without_means(x, 1), without_means(one.x, 1)) <= 1e-12);
    }
}

TEST_CASE("all processes stop where one of them is interrupted", "[destripe][solver]") {
    const matrix m = destriping_matrix(80, 1);
    const numbers b = m.times(random_numbers<double>(80, 5));
    const auto parts = solve_in_parts(m, b, {0, 20, 50, 80}, [](std::size_t rank) {
        solve_options o{.tolerance = 1e-12, .threads = 1};
        if (rank == 1) o.after_iteration = [](const solver_state& s) { return s.iterations() < 4; };
        return o;
    });
    for (const solution& s : parts) {
        CHECK(s.reason == stop::interrupted);
        CHECK(s.iterations == 4);
    }
}

TEST_CASE("processes resume from the same iteration or not at all", "[destripe][solver]") {
    const linear_system system = tridiagonal(20);
    std::vector<std::string> messages(2);
    processes all(2);
    all.run([&](std::size_t rank) {
        const numbers b(20, 1.0);
        solver_state state;
        solve(system, b, {.iterations = 3 + rank, .threads = 1}, state);
        linear_system shared = system;
        shared.sum = all.sum(rank);
        messages[rank] = message_of([&] { solve(shared, b, {.threads = 1}, state); });
    });
    CHECK_THAT(messages[0], ContainsSubstring("different iterations, here 3"));
    CHECK_THAT(messages[1], ContainsSubstring("different iterations, here 4"));
}

TEST_CASE("a matrix applied in single precision stops where its accuracy ends", "[destripe][solver]") {
    const matrix m = destriping_matrix(80, 1);
    const numbers b = m.times(random_numbers<double>(80, 5));
    const solution exact = solve(system_of(m), b, {.tolerance = 1e-12});
    const linear_system system = with_diagonal(in_single_precision(m), m.diagonal());
    for (const bool flexible : {false, true}) {
        const solution s = solve(system, b, {.tolerance = 1e-12, .flexible = flexible});
        INFO(s.cause);
        CHECK(s.reason == stop::stalled);
        CHECK_THAT(s.cause, ContainsSubstring("accuracy ends"));
        CHECK(s.iterations <= 400);
        CHECK(s.residual <= 2e-6);
        CHECK(relative_error(without_means(s.x, 1), without_means(exact.x, 1)) <= 1e-5);
    }
    CHECK(solve(system, b, {.tolerance = 1e-5}).reason == stop::converged);
}

TEST_CASE("a recursion that believes itself is not believed", "[destripe][solver]") {
    const matrix m = with_eigenvalues(spread(40, 30));
    const numbers b = random_numbers<double>(40, 5);
    const double tolerance = 1e-10;
    const solution s = solve(in_single_precision(m), b, {.tolerance = tolerance});
    INFO(s.cause);
    CHECK(*std::min_element(s.residuals.begin(), s.residuals.end()) <= tolerance);
    CHECK(s.reason == stop::stalled);
    CHECK_THAT(s.cause, ContainsSubstring("accuracy ends"));
    CHECK(s.residual > 1e-8);
    CHECK(s.residual <= 1e-6);
}

TEST_CASE("what cannot be solved is said", "[destripe][solver]") {
    const std::size_t n = 60;
    const matrix m = with_eigenvalues(spread(n, 1e3));
    const numbers b = random_numbers<double>(n, 5);
    SECTION("a matrix that gives NaN") {
        linear_system system = system_of(m);
        system.apply = [&](auto in, auto out) {
            m.apply(in, out);
            out[7] = std::numeric_limits<double>::quiet_NaN();
        };
        const solution s = solve(system, b);
        CHECK(s.reason == stop::diverged);
        CHECK_THAT(s.cause, ContainsSubstring("nan"));
        CHECK(s.x == numbers(n));
        CHECK(solve(system, b, {}, numbers(n, 1.0)).reason == stop::diverged);
    }
    SECTION("a matrix that is not positive") {
        numbers values = spread(n, 1e3);
        values[n / 2] = -3;
        const matrix indefinite = with_eigenvalues(values);
        const solution s = solve(system_of(indefinite), b);
        CHECK(s.reason == stop::diverged);
        CHECK_THAT(s.cause, ContainsSubstring("p'Ap is -"));
        CHECK_THAT(s.cause, ContainsSubstring("not positive"));
    }
    SECTION("a matrix that is not symmetric") {
        matrix skew = m;
        const numbers noise = random_numbers<double>(n * n, 3);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                skew(i, j) += 20 * noise[i * n + j];
                skew(j, i) -= 20 * noise[i * n + j];
            }
        }
        const solution s = solve(system_of(skew), b);
        CHECK((s.reason == stop::stalled || s.reason == stop::diverged));
        CHECK_THAT(s.cause, ContainsSubstring("not symmetric"));
    }
    SECTION("a preconditioner that is not positive") {
        linear_system system = system_of(m);
        system.precondition = [](auto in, auto out) {
            for (std::size_t i = 0; i < in.size(); ++i) out[i] = -in[i];
        };
        const solution s = solve(system, b);
        CHECK(s.reason == stop::diverged);
        CHECK_THAT(s.cause, ContainsSubstring("preconditioner is not positive"));
    }
    SECTION("a preconditioner that gives NaN") {
        linear_system system = system_of(m);
        system.precondition = [](auto in, auto out) {
            std::copy(in.begin(), in.end(), out.begin());
            out[0] = std::numeric_limits<double>::quiet_NaN();
        };
        const solution s = solve(system, b);
        CHECK(s.reason == stop::diverged);
        CHECK_THAT(s.cause, ContainsSubstring("r'M^-1 r is nan"));
        CHECK(s.residual == 1);
    }
    SECTION("a matrix of zeros") {
        const matrix zero(n);
        const solution s = solve(system_of(zero), b);
        CHECK(s.reason == stop::stalled);
        CHECK_THAT(s.cause, ContainsSubstring("the matrix is 0 of its size"));
        CHECK(s.x == numbers(n));
    }
    SECTION("a right-hand side that is not in the range") {
        const matrix singular = destriping_matrix(n, 1);
        for (const double outside : {1.0, 1e-4, 1e-8}) {
            numbers off = singular.times(b);
            for (double& v : off) v += outside;
            const double part =
                outside * std::sqrt(static_cast<double>(n) / static_cast<double>(dot(off, off)));
            const solution s = solve(system_of(singular), off, {.tolerance = 1e-10});
            INFO(outside << ": " << s.cause << ' ' << s.residual << ' ' << part);
            CHECK((s.reason == stop::stalled || s.reason == stop::diverged));
            CHECK_THAT(s.cause, ContainsSubstring(outside < 1 ? "part where it is 0" : "range"));
            CHECK(s.residual <= 3 * part);
        }
    }
    SECTION("a preconditioner that changes needs flexible") {
        const auto solved = [&](bool flexible) {
            linear_system system = system_of(m);
            const numbers diagonal = m.diagonal();
            system.precondition = [&, call = 0](auto in, auto out) mutable {
                const double share = 0.8 * ++call * std::numbers::phi;
                for (std::size_t i = 0; i < n; ++i) {
                    out[i] = in[i] / diagonal[i] * (1 + 0.3 * std::sin(share * static_cast<double>(i)));
                }
            };
            return solve(system, b, {.tolerance = 1e-8, .flexible = flexible});
        };
        const solution with = solved(true), without = solved(false);
        INFO(with.cause << " | " << without.cause << ' ' << with.iterations << ' '
                        << without.iterations);
        CHECK(with.reason == stop::converged);
        CHECK((without.reason != stop::converged || without.iterations > with.iterations));
    }
}

TEST_CASE("bad arguments are named", "[destripe][solver]") {
    const matrix m = with_eigenvalues(spread(9, 10));
    const linear_system system = system_of(m);
    const numbers b(9, 1.0);
    const auto message = [&](const numbers& rhs, const solve_options& o, const numbers& start = {}) {
        return message_of([&] { solve(system, rhs, o, start); });
    };
    CHECK(message(numbers(8), {}) == "destripe::solve: b has 8 elements, the system has 9");
    CHECK(message(b, {}, numbers(3)) == "destripe::solve: start has 3 elements, the system has 9");
    CHECK(message(b, {.tolerance = 0}) == "destripe::solve: tolerance is 0, expected a number above 0");
    CHECK_THAT(message(b, {.tolerance = std::numeric_limits<double>::quiet_NaN()}),
               ContainsSubstring("nan"));
    CHECK_THAT(message(b, {.tolerance = -1e-8}), ContainsSubstring("-1e-08"));
    CHECK_THAT(message(b, {.threads = -2}), ContainsSubstring("threads is -2"));
    CHECK_THAT(message(numbers(9, std::numeric_limits<double>::infinity()), {}),
               ContainsSubstring("|b|^2 is inf"));
    CHECK_THAT(message(numbers(9, 1e-160), {}), ContainsSubstring("unit"));
    CHECK_THAT(message_of([&] { solve({.size = 9, .apply = {}}, b); }),
               ContainsSubstring("no function"));

    solver_state state;
    solve(system, b, {.iterations = 2}, state);
    CHECK_THAT(message_of([&] { solve(system, numbers(9, 2.0), {}, state); }),
               ContainsSubstring("|b| = 3,"));
    state.p.pop_back();
    CHECK_THAT(message_of([&] { solve(system, b, {}, state); }), ContainsSubstring("p has 8"));
}
