// SPDX-License-Identifier: BSD-3-Clause
//
// The noise of detectors as a prior of offsets: its spectrum by direct sums, its matrix beside the inverse of the
// covariance by quadrature, its preconditioner beside dense solves.
#include "fft_kernels.hpp"
#include "reference.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <numbers>

#include <destrier/destripe.hpp>

#include "destripe_truth.hpp"

using namespace reference;
using namespace destrier;
using namespace destrier::destripe;

namespace {

constexpr double pi = std::numbers::pi;
constexpr double infinity = std::numeric_limits<double>::infinity();

using dense = std::vector<std::vector<double>>; // rows

// 1/f^1.7 noise as satellites have it, white noise of density 1.
constexpr double knee = 0.1, slope = 1.7, lowest = 1e-5, rate = 50;
noise_model some_noise(double net = 1) { return one_over_f(net, knee, slope, lowest, rate); }
double power_law(double f) {
    return (std::pow(knee, slope) - std::pow(lowest, slope)) /
           (std::pow(f, slope) + std::pow(lowest, slope));
}

// What the average of `length` samples leaves of the power at frequency f.
double averaged(double f, std::size_t length) {
    std::complex<double> sum = 0;
    for (std::size_t k = 0; k < length; ++k) {
        sum += std::polar(1.0, 2 * pi * f / rate * static_cast<double>(k));
    }
    return std::norm(sum / static_cast<double>(length));
}

double integral(const std::function<double(double)>& f, double from, double to) {
    constexpr std::array<double, 4> x{0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                      0.9602898564975363};
    constexpr std::array<double, 4> w{0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                      0.1012285362903763};
    const double center = (from + to) / 2, half = (to - from) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        sum += w[i] * (f(center - half * x[i]) + f(center + half * x[i]));
    }
    return half * sum;
}

// The covariance of averages of `length` samples of power-law noise, n lags, by quadrature.
std::vector<double> covariance(std::size_t n, std::size_t length) {
    std::vector<double> edges{0};
    for (double f = 1e-7; f < 1e-3; f *= 1.5) edges.push_back(f);
    const double seconds = static_cast<double>(length) / rate;
    const auto steps = static_cast<std::size_t>(rate * seconds * static_cast<double>(n));
    for (std::size_t i = 0; i <= steps; ++i) {
        edges.push_back(1e-3 + (rate / 2 - 1e-3) * static_cast<double>(i) / static_cast<double>(steps));
    }
    std::vector<double> lags(n);
    for (std::size_t lag = 0; lag < n; ++lag) {
        const auto integrand = [&](double f) {
            const double damped = std::pow(
                std::sin(pi * f * seconds) / (static_cast<double>(length) * std::sin(pi * f / rate)), 2);
            return 2 * power_law(f) * damped * std::cos(2 * pi * f * static_cast<double>(lag) * seconds);
        };
        for (std::size_t i = 1; i < edges.size(); ++i) {
            lags[lag] += integral(integrand, edges[i - 1], edges[i]);
        }
    }
    return lags;
}

dense toeplitz(const std::vector<double>& lags) {
    const std::size_t n = lags.size();
    dense m(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) m[i][j] = lags[i > j ? i - j : j - i];
    }
    return m;
}

// Solves a x = b by the Cholesky factor of a; fails a test where it has none.
std::vector<double> solved(dense a, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = a[i][j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
            if (i == j && !(sum > 0)) FAIL("not positive definite");
            a[i][j] = i == j ? std::sqrt(sum) : sum / a[j][j];
        }
        for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    return b;
}

std::vector<double> unit(std::size_t n, std::size_t i) {
    std::vector<double> e(n);
    e[i] = 1;
    return e;
}

dense inverse(const dense& a) {
    dense columns; // the rows, as it is symmetric
    for (std::size_t i = 0; i < a.size(); ++i) columns.push_back(solved(a, unit(a.size(), i)));
    return columns;
}

std::vector<double> applied(const offset_prior<>& prior, const std::vector<double>& a) {
    std::vector<double> out(a.size());
    prior.add(a, out);
    return out;
}
std::vector<double> applied(const banded_preconditioner<>& m, const std::vector<double>& r) {
    std::vector<double> z(r.size());
    m.apply(r, z);
    return z;
}

template <class Operator>
dense matrix_of(const Operator& f) {
    dense columns;
    for (std::size_t i = 0; i < f.size(); ++i) columns.push_back(applied(f, unit(f.size(), i)));
    return columns;
}

offset_prior<> prior_of(const noise_model& m, std::size_t n, double seconds = 1) {
    const prior_chunk one{0, n, 0};
    return offset_prior<>(std::span(&m, 1), std::span(&one, 1), seconds, rate);
}

// Chunks of these lengths one after the other, of models 0, 1, 0, ...
std::vector<prior_chunk> chunks_of(const std::vector<std::size_t>& lengths) {
    std::vector<prior_chunk> chunks;
    std::size_t at = 0;
    for (const std::size_t n : lengths) {
        chunks.push_back({at, n, chunks.size() % 2});
        at += n;
    }
    return chunks;
}

std::vector<double> part_of(const std::vector<double>& x, const prior_chunk& c) {
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(c.first);
    return {first, first + static_cast<std::ptrdiff_t>(c.count)};
}

double dot(const std::vector<double>& x, const std::vector<double>& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

const std::vector<std::size_t> many_lengths{7,  0, 30, 30, 1, 2,  30, 30, 31, 64, 64, 7,  30, 30, 30, 30,
                                            30, 1, 30, 97, 3, 64, 64, 64, 64, 64, 64, 64, 64, 64, 17};

} // namespace

TEST_CASE("1/f noise is tabulated as its formula", "[destripe][noise]") {
    const noise_model m = some_noise(3);
    REQUIRE(m.frequency.size() == m.density.size());
    CHECK(m.frequency.front() == Approx(lowest / 100));
    CHECK(m.frequency.back() == rate / 2);
    for (std::size_t i = 0; i < m.frequency.size(); ++i) {
        CHECK(m.density[i] == Approx(9 * (1 + power_law(m.frequency[i]))).epsilon(1e-12));
        if (i > 0) CHECK(m.frequency[i] / m.frequency[i - 1] < 1.05);
    }
    const noise_model white = one_over_f(2, 0, 1, 0.01, rate);
    CHECK(white_density(white, rate) == Approx(4).epsilon(1e-3));
}

TEST_CASE("the white density is the median at the end, or before it where that rolls off",
          "[destripe][noise]") {
    const std::vector<double> f{1, 4, 5, 6, 7, 9, 9.5, 9.6, 10, 11};
    CHECK(white_density({f, {9, 8, 5, 6, 5, 4, 2.5, 3, 2.8, 90}}, 20) == Approx(2.9));
    CHECK(white_density({f, {9, 8, 7, 6, 5, 4, 2, 3, 2.8, 90}}, 20) == Approx(6.5));
    CHECK(white_density({f, {9, 8, 5, 6, 5, 4, 2.5, 3, 2.8, 90}}, 19.9999) == Approx(2.9));
    CHECK(white_density({{1}, {3}}, 20) == 3);                   // all there is
    CHECK(white_density({{1, 8, 12}, {7, 3, 4}}, 20) == 3.5);    // on both sides of the band
    CHECK(white_density({{0.1, 0.2, 0.3}, {7, 3, 2}}, 20) == 2); // below it
    CHECK(white_density({{11, 12, 13}, {2, 5, 5}}, 20) == 2);    // above it
}

TEST_CASE("the spectrum of offsets is the sum over all frequencies that become one",
          "[destripe][noise]") {
    const noise_model m = some_noise(2);
    const double white = white_density(m, rate);
    for (const std::size_t length : {1u, 2u, 5u, 50u, 300u}) {
        const double seconds = static_cast<double>(length) / rate;
        for (const std::size_t n : {1u, 2u, 9u, 60u, 5000u}) {
            const auto spectrum = offset_spectrum(m, rate, seconds, n);
            REQUIRE(spectrum.size() == n / 2 + 1);
            for (std::size_t k = 0; k < spectrum.size(); k += n / 9 + 1) {
                double sum = 0;
                for (std::size_t alias = 0; alias < length; ++alias) {
                    const double at =
                        (static_cast<double>(alias) + static_cast<double>(k) / static_cast<double>(n)) /
                        seconds;
                    const double f = std::min(at, rate - at);
                    const double excess = 4 * (1 + power_law(std::max(f, lowest / 100))) - white;
                    sum += averaged(f, length) * std::max(excess, least_offset_variance * white);
                }
                CAPTURE(length, n, k);
                // near the plateau the table's excess is uncertain by so much of the plateau
                CHECK(spectrum[k] == Approx(sum / seconds).epsilon(1e-4).margin(1e-5 * white / seconds));
            }
        }
    }
}

TEST_CASE("the spectrum of offsets is positive whatever the noise", "[destripe][noise]") {
    const auto check = [](const noise_model& m, double seconds) {
        const double least = least_offset_variance * white_density(m, rate) / seconds;
        for (const double p : offset_spectrum(m, rate, seconds, 700)) {
            CHECK(std::isfinite(1 / p));
            CHECK(p > 0.999 * least);
        }
    };
    const noise_model white{{1e-3, rate / 2}, {2, 2}};
    for (const double p : offset_spectrum(white, rate, 1, 700)) {
        CHECK(p == Approx(least_offset_variance * 2).epsilon(1e-4));
    }
    check(white, 100);
    check({{1}, {1e-30}}, 1);
    check({{1, 2, 20, 25}, {1e-30, 1e-20, 1e-40, 1e-32}}, 0.02);
    check({{1e-9, 1e-8, 20, 25}, {1e30, 1e3, 1, 2}}, 3600);
}

TEST_CASE("noise models are checked", "[destripe][noise]") {
    const auto message = [](const noise_model& m) {
        return message_of([&] { offset_spectrum(m, rate, 1, 8); });
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(message({{1, 2}, {1, 0}}) ==
          "destripe::offset_spectrum: model.density[1] is 0, expected a positive number");
    CHECK_THAT(message({{1, 2}, {-1e-12, 1}}), ContainsSubstring("density[0] is -1e-12"));
    CHECK_THAT(message({{1, 2}, {1, nan}}), ContainsSubstring("density[1] is nan"));
    CHECK_THAT(message({{1, 2}, {1, infinity}}), ContainsSubstring("density[1] is inf"));
    CHECK_THAT(message({{0, 2}, {1, 1}}), ContainsSubstring("frequency[0] is 0"));
    CHECK_THAT(message({{2, 1}, {1, 1}}), ContainsSubstring("frequency[1] is 1 and follows 2"));
    CHECK_THAT(message({{1, 2}, {1}}), ContainsSubstring("density has 1 elements, frequency has 2"));
    CHECK_THAT(message({}), ContainsSubstring("frequency is empty"));

    const noise_model good = some_noise();
    const auto thrown = [](auto&& f) { return message_of(f); };
    CHECK_THAT(thrown([&] { offset_spectrum(good, 0, 1, 8); }), ContainsSubstring("rate is 0"));
    CHECK_THAT(thrown([&] { offset_spectrum(good, rate, -1, 8); }),
               ContainsSubstring("baseline_seconds is -1"));
    CHECK_THAT(thrown([&] { offset_spectrum(good, rate, 1, 0); }), ContainsSubstring("n is 0"));
    CHECK_THAT(thrown([&] { white_density(good, nan); }), ContainsSubstring("rate is nan"));
    CHECK_THAT(thrown([&] { one_over_f(0, 1, 1, 1, 20); }), ContainsSubstring("net is 0"));
    CHECK_THAT(thrown([&] { one_over_f(1, -1, 1, 1, 20); }), ContainsSubstring("knee is -1"));
    CHECK_THAT(thrown([&] { one_over_f(1, 1, nan, 1, 20); }), ContainsSubstring("slope is nan"));
    CHECK_THAT(thrown([&] { one_over_f(1, 1, 1, 10, 20); }), ContainsSubstring("lowest is 10 Hz"));
}

TEST_CASE("the prior is the inverse covariance of averages of 1/f noise", "[destripe][prior]") {
    const std::size_t n = 60, length = 50;
    const dense c = toeplitz(covariance(n, length)), truth = inverse(c);
    const dense prior = matrix_of(prior_of(some_noise(), n));
    double interior = 0, whole = 0;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            const double error = std::abs(prior[i][j] - truth[i][j]) / truth[n / 2][n / 2];
            whole = std::max(whole, error);
            if (std::min({i, j, n - 1 - i, n - 1 - j}) >= n / 6) interior = std::max(interior, error);
        }
    }
    CAPTURE(interior, whole);
    CHECK(interior < 0.01);
    CHECK(whole < 0.05);

    // What is left of the offsets' errors where each is measured with white noise, a sample's of density 1:
    // (k - 1) C (k - 1)' + k k' of k = (D + prior)^-1 D.
    const auto error_at_end = [&](dense p) {
        for (std::size_t i = 0; i < n; ++i) p[i][i] += 1;
        std::vector<double> k = solved(p, unit(n, 0));
        const double noise = dot(k, k);
        k[0] -= 1;
        double rest = 0;
        for (std::size_t i = 0; i < n; ++i) rest += k[i] * dot(c[i], k);
        return std::sqrt(rest + noise);
    };
    const auto spectrum = offset_spectrum(some_noise(), rate, 1, 2 * n);
    std::vector<double> lags(n);
    for (std::size_t lag = 0; lag < n; ++lag) {
        for (std::size_t k = 0; k < 2 * n; ++k) {
            const auto turns = static_cast<double>(k * lag % (2 * n)) / static_cast<double>(2 * n);
            lags[lag] +=
                std::cos(2 * pi * turns) / spectrum[std::min(k, 2 * n - k)] / static_cast<double>(2 * n);
        }
    }
    const double best = error_at_end(truth);
    CHECK(error_at_end(prior) < 1.01 * best);
    CHECK(error_at_end(toeplitz(lags)) > 10 * best); // a block of the circulant
}

TEST_CASE("the prior has cosines for eigenvectors, of each chunk alone", "[destripe][prior]") {
    const std::vector<noise_model> models{some_noise(), one_over_f(0.1, 1, 1, 1e-3, rate)};
    const auto chunks = chunks_of(many_lengths);
    const offset_prior<> prior(models, chunks, 1, rate);
    for (const prior_chunk& c : chunks) {
        for (std::size_t k = 0; k < c.count; k += c.count / 4 + 1) {
            const double value = 1 / offset_spectrum(models[c.noise], rate, 1, 2 * c.count)[k];
            std::vector<double> a(prior.size()), expected(prior.size());
            for (std::size_t j = 0; j < c.count; ++j) {
                const double turns = static_cast<double>(k) * (static_cast<double>(j) + 0.5);
                a[c.first + j] = std::cos(pi * turns / static_cast<double>(c.count));
                expected[c.first + j] = value * a[c.first + j];
            }
            const auto out = applied(prior, a);
            const double largest = 1 / offset_spectrum(models[c.noise], rate, 1, 2 * c.count).back();
            double error = 0;
            for (std::size_t i = 0; i < out.size(); ++i) {
                error = std::max(error, std::abs(out[i] - expected[i]));
            }
            CAPTURE(c.count, k);
            CHECK(error <= 1e-13 * largest);
        }
    }
    const auto u = random_numbers<double>(prior.size(), 1), v = random_numbers<double>(prior.size(), 2);
    const auto pu = applied(prior, u), pv = applied(prior, v);
    CHECK(std::abs(dot(u, pv) - dot(v, pu)) <=
          1e-14 * std::sqrt(dot(u, u) * dot(pv, pv)) * std::sqrt(static_cast<double>(u.size())));
    CHECK(dot(u, pu) > 0);
    const std::vector<double> before = random_numbers<double>(prior.size(), 3);
    std::vector<double> after = before;
    prior.add(u, after);
    for (std::size_t i = 0; i < after.size(); ++i) CHECK(after[i] == before[i] + pu[i]);
}

TEST_CASE("the prior and its preconditioner are the same bits in any company", "[destripe][prior]") {
    const std::vector<noise_model> models{some_noise(), one_over_f(0.1, 1, 1, 1e-3, rate)};
    const auto chunks = chunks_of(many_lengths);
    const offset_prior<> prior(models, chunks, 1, rate, 1);
    const auto a = random_numbers<double>(prior.size());
    auto d = random_numbers<double>(prior.size(), 2);
    for (double& x : d) x = std::max(x, 0.0);
    const banded_preconditioner<> band(prior, d, 8, 1);
    const auto out = applied(prior, a), z = applied(band, a);

    for (const int threads : {2, 3, 7}) {
        const offset_prior<> others(models, chunks, 1, rate, threads);
        CHECK(same_bits(applied(others, a), out));
        CHECK(same_bits(applied(banded_preconditioner<>(others, d, 8, threads), a), z));
    }
    for (const prior_chunk& c : chunks) {
        const prior_chunk alone{0, c.count, c.noise};
        const offset_prior<> own(models, std::span(&alone, 1), 1, rate);
        CHECK(same_bits(applied(own, part_of(a, c)), part_of(out, c)));
        const banded_preconditioner<> near(own, part_of(d, c), 8);
        if (c.count > 8) CHECK(same_bits(applied(near, part_of(a, c)), part_of(z, c)));
    }
    std::vector<double> in_place = a;
    band.apply(in_place, in_place);
    CHECK(same_bits(in_place, z));

    exact_scratch<double> scratch(prior.scratch_size()), more(band.scratch_size());
    std::vector<double> again(a.size());
    prior.add(a, again, scratch.span());
    CHECK(scratch.canaries_live());
    CHECK(same_bits(again, out));
    band.apply(a, again, more.span());
    CHECK(more.canaries_live());
    CHECK(same_bits(again, z));

    auto hurt = a; // in one chunk among others of its length
    hurt[chunks[10].first + 5] = std::numeric_limits<double>::quiet_NaN();
    const auto hurt_out = applied(prior, hurt), hurt_z = applied(band, hurt);
    for (std::size_t k = 0; k < chunks.size(); ++k) {
        if (k == 10) continue;
        CHECK(same_bits(part_of(hurt_out, chunks[k]), part_of(out, chunks[k])));
        CHECK(same_bits(part_of(hurt_z, chunks[k]), part_of(z, chunks[k])));
    }
}

TEST_CASE("a prior of nothing is legal, others are checked", "[destripe][prior]") {
    const std::vector<noise_model> models{some_noise(), {{1, 2}, {1, -3}}};
    const auto made = [&](std::vector<prior_chunk> chunks) {
        return offset_prior<>(models, chunks, 1, rate);
    };
    for (const auto& none :
         {std::vector<prior_chunk>{}, std::vector<prior_chunk>{{0, 0, 0}, {0, 0, 1}}}) {
        const offset_prior<> prior = made(none);
        CHECK(prior.size() == 0);
        CHECK(applied(prior, {}).empty());
        CHECK(applied(banded_preconditioner<>(prior, {}), {}).empty());
    }
    const auto message = [&](std::vector<prior_chunk> chunks) {
        return message_of([&] { made(chunks); });
    };
    CHECK_THAT(message({{0, 4, 0}, {5, 4, 0}}), ContainsSubstring("chunks[1].first is 5, expected 4"));
    CHECK_THAT(message({{0, 4, 2}}), ContainsSubstring("chunks[0].noise is 2, expected less than 2"));
    CHECK_THAT(message({{0, 4, 0}, {4, 4, 1}}), ContainsSubstring("models[1].density[1] is -3"));

    const offset_prior<> prior = made({{0, 4, 0}});
    std::vector<double> four(4), five(5);
    const auto thrown = [](auto&& f) { return message_of(f); };
    CHECK_THAT(thrown([&] { prior.add(five, four); }),
               ContainsSubstring("a has 5 elements, expected 4"));
    CHECK_THAT(thrown([&] { prior.add(four, five); }), ContainsSubstring("out has 5 elements"));
    CHECK_THAT(thrown([&] { prior.add(four, four, four); }),
               ContainsSubstring("scratch has 4 elements"));
    CHECK_THAT(thrown([&] { banded_preconditioner<>(prior, five); }),
               ContainsSubstring("diagonal has 5 elements"));
    four[2] = -1;
    CHECK_THAT(thrown([&] { banded_preconditioner<>(prior, four); }),
               ContainsSubstring("diagonal[2] is -1"));
    four[2] = infinity;
    CHECK_THAT(thrown([&] { banded_preconditioner<>(prior, four); }),
               ContainsSubstring("diagonal[2] is inf"));
    const banded_preconditioner<> band(prior, std::vector<double>(4));
    CHECK_THAT(thrown([&] { band.apply(five, four); }), ContainsSubstring("r has 5 elements"));
    CHECK_THAT(thrown([&] { band.apply(four, five); }), ContainsSubstring("z has 5 elements"));
}

TEST_CASE("the preconditioner solves the band", "[destripe][prior]") {
    const std::size_t n = 70;
    const offset_prior<> prior = prior_of(some_noise(), n);
    std::vector<double> d(n);
    for (std::size_t i = 0; i < n; ++i) {
        d[i] = i >= 20 && i < 37 ? 0 : 1 + 0.1 * static_cast<double>(i % 7); // a gap
    }
    for (const std::size_t width : {0u, 1u, 4u, 20u, 69u, 1000u}) {
        const banded_preconditioner<> near(prior, d, width);
        CHECK(near.width() == (std::min<std::size_t>(width, n - 1) + 3) / 4 * 4);
        CHECK(near.tapered() == 0);
        CHECK(near.diagonal_only() == 0);
        dense band = matrix_of(prior);
        for (std::size_t i = 0; i < n; ++i) {
            band[i][i] += d[i];
            for (std::size_t j = 0; j < n; ++j) {
                if (std::max(i, j) - std::min(i, j) > near.width()) band[i][j] = 0;
            }
        }
        const auto r = random_numbers<double>(n), q = random_numbers<double>(n, 2);
        const auto z = applied(near, r);
        CAPTURE(width);
        CHECK(relative_error(z, solved(band, r)) <= 1e-5);
        CHECK(std::abs(dot(q, z) - dot(r, applied(near, q))) <=
              1e-14 * std::sqrt(dot(q, q) * dot(z, z)));
        CHECK(dot(r, z) > 0);
    }
}

TEST_CASE("a band that is not positive definite is tapered", "[destripe][prior]") {
    // Noise at high frequencies but for 0.4 to 0.5 Hz: no band of its inverse is positive definite.
    const noise_model odd{{0.01, 0.2, 0.201, 0.4, 0.401, 1, 1.01, 25}, {1e3, 1e3, 2, 2, 1e3, 1e3, 1, 1}};
    const std::size_t n = 64;
    const std::vector<noise_model> models{odd, some_noise()};
    const auto chunks = chunks_of({n, n});
    const offset_prior<> prior(models, chunks, 1, rate);
    const std::vector<double> d(2 * n, 1e-6);
    const banded_preconditioner<> near(prior, d, 8);
    CHECK(near.tapered() == 1);
    CHECK(near.diagonal_only() == 0);
    dense band = matrix_of(prior);
    for (std::size_t i = 0; i < 2 * n; ++i) {
        band[i][i] += d[i];
        for (std::size_t j = 0; j < 2 * n; ++j) {
            const std::size_t distance = std::max(i, j) - std::min(i, j);
            const double tapered = 1 - static_cast<double>(distance) / 9;
            band[i][j] *= distance > 8 ? 0 : std::max(i, j) < n ? tapered : 1;
        }
    }
    const auto r = random_numbers<double>(2 * n);
    CHECK(relative_error(applied(near, r), solved(band, r)) <= 1e-5);
}

namespace {

// 2048 s of a detector at 20 Hz that crosses a square of pixels on its diagonals, in baselines of a second.
truth::survey crossing_survey(std::size_t side) {
    const auto triangle = [](double t) { return std::abs(2 * (t - std::floor(t + 0.5))); };
    truth::survey s;
    s.pixels = side * side;
    truth::samples c;
    for (std::size_t i = 0; i < 40960; ++i) {
        const double t = static_cast<double>(i) / 20, edge = static_cast<double>(side) - 1e-9;
        const auto x = static_cast<std::int32_t>(edge * triangle(t / 39.7));
        const auto y = static_cast<std::int32_t>(edge * triangle(t / 41.3 + 0.1));
        c.pixels.push_back(y * static_cast<std::int32_t>(side) + x);
    }
    c.signal.assign(40960, 0);
    c.flags.assign(40960, 0);
    c.baselines = equal_baselines(0, 40960, 20);
    s.chunks = {c};
    return s;
}

// Noise of this density, 8 series of 65536 samples at 20 Hz, in a lane block: each frequency a draw of its own.
buffer<double> noise_of(const std::function<double(double)>& density, unsigned seed) {
    constexpr std::size_t n = 65536, lanes = line<double>;
    constexpr double sampling = 20;
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    buffer<double> spectrum((n + 2) * lanes), series(n * lanes);
    for (std::size_t k = 1; k <= n / 2; ++k) {
        const double f = sampling * static_cast<double>(k) / n;
        const double size = std::sqrt(density(f) * sampling / (2.0 * n));
        for (std::size_t i = 0; i < 2 * lanes; ++i) spectrum[2 * k * lanes + i] = size * normal(random);
    }
    fft::plan_r2c<double>(n).backward(complex_blocks<const double>(spectrum.data(), n / 2 + 1, 8),
                                      real_blocks<double>(series.data(), n, 8));
    return series;
}

double rms_of_map(const truth::survey& s, const std::vector<double>& model, std::size_t degraded = 1) {
    map_sums<stokes::i> sums(s.pixels);
    sums.add(0, s.chunks[0].view(), model);
    const sky_maps maps = make_maps(sums, 0.5);
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(s.pixels))));
    std::vector<double> means;
    for (std::size_t row = 0; row + degraded <= side; row += degraded) {
        for (std::size_t column = 0; column + degraded <= side; column += degraded) {
            double sum = 0, seen = 0;
            for (std::size_t i = 0; i < degraded * degraded; ++i) {
                const std::size_t p = (row + i / degraded) * side + column + i % degraded;
                if (maps.rcond[p] > 0) sum += maps.map[p], ++seen;
            }
            if (seen > 0) means.push_back(sum / seen);
        }
    }
    double mean = 0, square = 0;
    for (const double x : means) mean += x / static_cast<double>(means.size());
    for (const double x : means) square += (x - mean) * (x - mean) / static_cast<double>(means.size());
    return std::sqrt(square);
}

} // namespace

TEST_CASE("with the prior, 1/f noise leaves a map hardly noisier than white noise alone would",
          "[destripe][prior]") {
    truth::survey s = crossing_survey(61);
    const noise_model noise =
        one_over_f(1 / std::sqrt(20.0), 0.1, 1.7, 1e-5, 20); // white samples of variance 1
    const double white_density = 1 / 20.0;
    const buffer<double> white = noise_of([&](double) { return white_density; }, 1);
    const buffer<double> slow = noise_of(
        [&](double f) {
            return white_density * (std::pow(0.1, 1.7) - std::pow(1e-5, 1.7)) /
                   (std::pow(f, 1.7) + std::pow(1e-5, 1.7));
        },
        2);
    const std::vector<double> nothing(40960);
    double white_rms = 0, binned = 0, with = 0; // of maps
    double without_left = 0, with_left = 0, coarse_binned = 0,
           coarse_with = 0; // of what 1/f noise leaves in them
    for (std::size_t lane = 0; lane < line<double>; ++lane) {
        std::vector<double>& signal = s.chunks[0].signal;
        std::vector<double> drift(signal.size());
        for (std::size_t i = 0; i < signal.size(); ++i) {
            signal[i] = white[i * line<double> + lane];
            drift[i] = slow[i * line<double> + lane];
        }
        white_rms += rms_of_map(s, nothing);
        for (std::size_t i = 0; i < signal.size(); ++i) signal[i] += drift[i];
        binned += rms_of_map(s, nothing);

        const problem<double, stokes::i> p(s.pixels, 1, s.source(), {});
        std::vector<double> without(40960), model(40960);
        expand_offsets(s.chunks[0].baselines,
                       solve(normal_equations(p), p.rhs(), {.iterations = 1000}).x, without);
        const offset_prior<> prior(std::vector<noise_model>{noise},
                                   std::vector<prior_chunk>{{0, p.size(), 0}}, 1.0, 20);
        const banded_preconditioner<> band(prior, p.diagonal());
        const solution x = solve(normal_equations(p, prior, band), p.rhs());
        CHECK(x.reason == stop::converged);
        CHECK(x.iterations < 100);
        expand_offsets(s.chunks[0].baselines, x.x, model);
        with += rms_of_map(s, model);

        signal = drift;
        without_left += rms_of_map(s, without);
        with_left += rms_of_map(s, model);
        coarse_binned += rms_of_map(s, nothing, 8);
        coarse_with += rms_of_map(s, model, 8);
    }
    INFO("over white: binned " << binned / white_rms << ", with " << with / white_rms
                               << "; left without " << without_left / white_rms << ", with "
                               << with_left / white_rms << "; coarse " << coarse_binned / white_rms
                               << " and " << coarse_with / white_rms);
    CHECK(binned >= 1.5 * white_rms);
    CHECK(with <= 1.10 * white_rms);
    CHECK(with_left <= 0.5 * without_left);
    CHECK(coarse_with <= coarse_binned / 4);
}

TEST_CASE("the prior fills what is flagged, as the dense solution does", "[destripe][prior]") {
    truth::survey s = truth::wandering_survey(40, 16);
    for (truth::samples& c : s.chunks) {
        const std::size_t n = c.pixels.size();
        c.baselines = equal_baselines(0, n, 50);
        std::fill_n(c.flags.begin() + 500, 150, std::uint8_t{1}); // three baselines
    }
    truth::add_noise(s, 0.3, 5);
    truth::add_offsets(s, random_numbers<double>(s.baselines(), 4));
    const problem<double, stokes::i> p(s.pixels, s.chunks.size(), s.source(), {});
    std::vector<prior_chunk> chunks;
    for (std::size_t k = 0; k < s.chunks.size(); ++k) {
        chunks.push_back({p.amplitudes(k).begin, p.amplitudes(k).end - p.amplitudes(k).begin, 0});
    }
    const offset_prior<> prior(std::vector<noise_model>{some_noise()}, chunks, 1.0, rate);
    const banded_preconditioner<> band(prior, p.diagonal());
    const solution x = solve(normal_equations(p, prior, band), p.rhs(), {.tolerance = 1e-13});

    const truth::equations<stokes::i> e(s);
    dense a(p.size(), std::vector<double>(p.size()));
    for (std::size_t i = 0; i < p.size(); ++i) {
        std::vector<double> row(p.size());
        prior.add(unit(p.size(), i), row);
        for (std::size_t j = 0; j < p.size(); ++j) a[j][i] = row[j] + static_cast<double>(e.a[j][i]);
    }
    const std::vector<double> expected = solved(a, {e.b.begin(), e.b.end()});
    CHECK(p.diagonal()[11] == 0);
    CHECK(std::abs(x.x[11]) > 1e-3);
    CHECK(relative_error(x.x, expected) <= 1e-8);
}

TEST_CASE("a prior that knows the offsets to be 0 leaves the binned map", "[destripe][prior]") {
    truth::survey s = truth::wandering_survey(40, 16);
    truth::add_noise(s, 1, 5);
    const problem<double, stokes::i> p(s.pixels, s.chunks.size(), s.source(), {});
    linear_system equations = normal_equations(p);
    equations.apply = [apply = equations.apply](std::span<const double> in, std::span<double> out) {
        apply(in, out);
        for (std::size_t i = 0; i < in.size(); ++i) out[i] += 1e12 * in[i];
    };
    const solution x = solve(equations, p.rhs());
    CHECK(x.reason == stop::converged);
    double most = 0;
    for (const double offset : x.x) most = std::max(most, std::abs(offset));
    CHECK(most <= 1e-10);
}
