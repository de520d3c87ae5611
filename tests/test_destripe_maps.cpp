// SPDX-License-Identifier: BSD-3-Clause
//
// Pixel matrices against adjugates and Newton's method with 113 bits; sums against plain ones in long double.
#include "quad.hpp"
#include "reference.hpp"

#include <array>
#include <cstdint>

#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/pixel_set.hpp>

using namespace destrier;
using namespace destrier::destripe;
using namespace reference;

namespace {

using real = reference::quad;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> copy_of(std::span<const T> x) {
    return {x.begin(), x.end()};
}

// A packed matrix of any size in the upper left corner of one of 3 x 3, 1 on the rest of the diagonal.
template <stokes S>
std::array<std::array<real, 3>, 3> unpacked(const double* m) {
    std::array<std::array<real, 3>, 3> a{};
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = i; j < 3; ++j) {
            const bool inside = j < components<S>;
            a[i][j] = a[j][i] = inside ? static_cast<real>(*m++) : static_cast<real>(i == j);
        }
    }
    return a;
}

real cofactor(const std::array<std::array<real, 3>, 3>& a, std::size_t i, std::size_t j) {
    const std::size_t k = (i + 1) % 3, l = (i + 2) % 3, m = (j + 1) % 3, n = (j + 2) % 3;
    return a[k][m] * a[l][n] - a[k][n] * a[l][m];
}

// By cofactors.
template <stokes S>
std::vector<real> true_inverse(const double* m) {
    const auto a = unpacked<S>(m);
    const real determinant =
        a[0][0] * cofactor(a, 0, 0) + a[0][1] * cofactor(a, 0, 1) + a[0][2] * cofactor(a, 0, 2);
    std::vector<real> inverse;
    for (std::size_t i = 0; i < components<S>; ++i) {
        for (std::size_t j = i; j < components<S>; ++j)
            inverse.push_back(cofactor(a, j, i) / determinant);
    }
    return inverse;
}

// Newton's method on the characteristic polynomial, from outside of all eigenvalues. `scale` makes the largest
// entry of m about 1.
template <stokes S>
double true_rcond(const double* m, double scale) {
    std::vector<double> scaled(m, m + packed<S>);
    for (double& x : scaled) x *= scale;
    const auto a = unpacked<S>(scaled.data());
    // coefficients of x^0, x^1, ... of det(x - a), of the corner that is the matrix
    std::vector<real> p;
    if constexpr (S == stokes::i) p = {-a[0][0], 1};
    if constexpr (S == stokes::qu) p = {cofactor(a, 2, 2), -(a[0][0] + a[1][1]), 1};
    if constexpr (S == stokes::iqu) {
        const real determinant =
            a[0][0] * cofactor(a, 0, 0) + a[0][1] * cofactor(a, 0, 1) + a[0][2] * cofactor(a, 0, 2);
        p = {-determinant, cofactor(a, 0, 0) + cofactor(a, 1, 1) + cofactor(a, 2, 2),
             -(a[0][0] + a[1][1] + a[2][2]), 1};
    }
    const auto root_from = [&](real x) {
        for (int iteration = 0; iteration < 400; ++iteration) {
            real value = 0, slope = 0;
            for (std::size_t k = p.size(); k-- > 0;) {
                slope = slope * x + value;
                value = value * x + p[k];
            }
            const real next = slope == 0 ? x : x - value / slope;
            if (next == x) break;
            x = next;
        }
        return x;
    };
    return static_cast<double>(root_from(0) / root_from(a[0][0] + a[1][1] + a[2][2]));
}

// P' N^-1 P of samples whose angles spread over `spread` radians, one kind in each pixel.
template <stokes S>
std::vector<double> matrices_of_samples(std::size_t pixels, double weight) {
    std::vector<double> all;
    const auto random = random_numbers<double>(4 * pixels, 11);
    for (std::size_t p = 0; p < pixels; ++p) {
        const double spread = std::pow(10.0, -0.25 * static_cast<double>(p % 12)),
                     at = 3 * random[4 * p];
        std::array<double, packed<S>> m{};
        for (std::size_t i = 0; i < 4 + p % 3; ++i) {
            const double psi =
                at + spread * (random[(4 * p + i) % random.size()] + static_cast<double>(i));
            const std::array<double, 3> row = {1, std::cos(2 * psi), std::sin(2 * psi)};
            std::size_t e = 0;
            const std::size_t first = S == stokes::qu ? 1 : 0, last = first + components<S>;
            for (std::size_t j = first; j < last; ++j) {
                for (std::size_t k = j; k < last; ++k) m[e++] += weight * row[j] * row[k];
            }
        }
        all.insert(all.end(), m.begin(), m.end());
    }
    return all;
}

struct inverted {
    std::vector<double> inverse, rcond;
};

template <stokes S, class A>
inverted invert_all(const std::vector<double>& matrices, double threshold, int threads = 1) {
    const std::size_t n = matrices.size() / packed<S>;
    inverted out = {std::vector<double>(n * packed<S>, -77), std::vector<double>(n, -77)};
    invert<S, A>(matrices, threshold, out.inverse, out.rcond, threads);
    return out;
}

// The products of random 3 x 3 matrices with their transposes: eigenvectors of any direction.
std::vector<double> random_matrices(std::size_t pixels, double weight) {
    std::vector<double> all;
    const auto g = random_numbers<double>(9 * pixels, 12);
    for (std::size_t p = 0; p < pixels; ++p) {
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = i; j < 3; ++j) {
                double sum = 0;
                for (std::size_t k = 0; k < 3; ++k) sum += g[9 * p + 3 * i + k] * g[9 * p + 3 * j + k];
                all.push_back(weight * sum);
            }
        }
    }
    return all;
}

// The largest errors over all pixels: of an inverse, relative to its largest element and times rcond, and of rcond.
template <stokes S, class A>
std::array<double, 2> inversion_errors(const std::vector<double>& matrices, double weight) {
    const std::size_t pixels = matrices.size() / packed<S>;
    const inverted got = invert_all<S, A>(matrices, 0);
    std::array<double, 2> worst = {0, 0};
    for (std::size_t p = 0; p < pixels; ++p) {
        const double rcond = true_rcond<S>(matrices.data() + p * packed<S>, 1 / weight);
        const auto expected = true_inverse<S>(matrices.data() + p * packed<S>);
        real largest = 0, error = 0;
        for (std::size_t e = 0; e < packed<S>; ++e) {
            const real difference = got.inverse[p * packed<S> + e] - expected[e];
            largest = std::max(largest, absolute(expected[e]));
            error = std::max(error, absolute(difference));
        }
        worst[0] = std::max(worst[0], static_cast<double>(error / largest) * rcond);
        worst[1] = std::max(worst[1], std::abs(got.rcond[p] - rcond));
    }
    return worst;
}

// One detector's samples, with what makes a chunk of them.
struct samples {
    std::vector<std::int32_t> pixels;
    std::vector<float> cosine, sine;
    std::vector<double> signal;
    std::vector<std::uint8_t> flags;
    std::vector<baseline> baselines;
    double weight = 1.7;

    // Runs along a map, a jump now and then; some flagged, some off the map; baselines with gaps.
    samples(std::size_t n, std::size_t map, unsigned seed)
        : pixels(n), cosine(n), sine(n), signal(random_numbers<double>(n, seed)), flags(n) {
        std::mt19937 generator(seed);
        std::size_t at = 0;
        for (std::size_t i = 0; i < n; ++i) {
            at = generator() % 50 == 0 ? generator() : at + generator() % 2;
            const double psi =
                static_cast<double>(i % 4) * 0.7 + 0.01 * static_cast<double>(generator() % 7);
            pixels[i] = generator() % 40 == 0 ? -1 : static_cast<std::int32_t>(at % map);
            cosine[i] = static_cast<float>(std::cos(2 * psi));
            sine[i] = static_cast<float>(std::sin(2 * psi));
            flags[i] = generator() % 20 == 0 ? 2 : 0;
        }
        for (std::size_t begin = n / 100, length = 40; begin + length <= n;
             begin += length, length += 7) {
            baselines.push_back({begin, length});
            if (length % 3 == 0) begin += 30;
        }
    }
    template <stokes S>
    chunk view() const {
        chunk c = {pixels, cosine, sine, signal, flags, weight, baselines};
        if (S == stokes::i) c.cosine = c.sine = {};
        return c;
    }
    std::vector<bool> counted() const {
        std::vector<bool> in(pixels.size(), baselines.empty());
        for (const baseline& b : baselines) {
            for (std::size_t i = b.begin; i < b.begin + b.length; ++i) in[i] = true;
        }
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = in[i] && flags[i] == 0 && pixels[i] >= 0;
        return in;
    }
};

// hits, matrices and signal one after the other
template <stokes S, class A>
std::vector<double> all_of(const map_sums<S, A>& sums) {
    std::vector<double> all = copy_of(sums.hits());
    for (const auto part : {sums.inverse_covariance(), sums.signal()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

template <stokes S>
std::vector<double> summed(const std::vector<samples>& chunks, std::size_t map, int threads = 1) {
    map_sums<S> sums(map, threads);
    for (std::size_t k = 0; k < chunks.size(); ++k) sums.add(k, chunks[k].view<S>());
    return all_of(sums);
}

// The same, one sample after the other.
template <stokes S>
std::vector<long double> plainly_summed(const samples& x, const std::vector<double>& model,
                                        std::size_t map) {
    const std::size_t n = components<S>, size = packed<S>;
    std::vector<long double> all(map * (1 + size + n));
    const auto counted = x.counted();
    for (std::size_t i = 0; i < counted.size(); ++i) {
        if (!counted[i]) continue;
        const auto p = static_cast<std::size_t>(x.pixels[i]);
        const std::array<long double, 3> row = {1, rounded_weight(x.cosine[i]),
                                                rounded_weight(x.sine[i])};
        const std::size_t first = S == stokes::qu ? 1 : 0;
        long double* m = &all[map + p * size];
        all[p] += 1;
        for (std::size_t j = first; j < first + n; ++j) {
            for (std::size_t k = j; k < first + n; ++k) *m++ += x.weight * row[j] * row[k];
            all[map * (1 + size) + p * n + j - first] += x.weight * row[j] * (x.signal[i] - model[i]);
        }
    }
    return all;
}

// A reduction for one of two processes: what it hands over, in order, is added to what the other has.
reduction adding(const std::vector<double>& other) {
    return [&other, at = std::size_t{0}](std::span<double> x) mutable {
        for (double& v : x) v += other[at++];
    };
}

} // namespace

TEMPLATE_LIST_TEST_CASE("pixel matrices are inverted, whatever they are weighted by", "[destripe]",
                        architectures) {
    using A = TestType;
    const auto check = [](std::array<double, 2> errors) {
        CHECK(errors[0] <= 1e-15);
        CHECK(errors[1] <= 1e-15);
    };
    for (const double weight : {1e-20, 1.7, 1e20}) {
        CAPTURE(weight);
        for (const std::size_t pixels : {1u, 7u, 8u, 9u, 120u}) {
            check(inversion_errors<stokes::iqu, A>(matrices_of_samples<stokes::iqu>(pixels, weight),
                                                   weight));
        }
        check(inversion_errors<stokes::qu, A>(matrices_of_samples<stokes::qu>(30, weight), weight));
        check(inversion_errors<stokes::i, A>(matrices_of_samples<stokes::i>(10, weight), weight));
    }
    check(inversion_errors<stokes::iqu, A>(random_matrices(600, 1), 1));
}

TEST_CASE("four angles 45 degrees apart have an rcond of 1/2", "[destripe]") {
    const std::size_t n = 8;
    samples x(n, 1, 1);
    x.baselines.clear();
    x.flags.assign(n, 0);
    x.pixels.assign(n, 0);
    for (const double weight : {1.0, 1.7, 3e-21}) {
        x.weight = weight;
        for (const double turn : {0.0, 0.3, 1.1}) {
            for (std::size_t i = 0; i < n; ++i) {
                const double psi = turn + static_cast<double>(i % 4) * std::numbers::pi / 4;
                x.cosine[i] = static_cast<float>(std::cos(2 * psi));
                x.sine[i] = static_cast<float>(std::sin(2 * psi));
            }
            map_sums<stokes::iqu> sums(1, 1);
            sums.add(0, x.view<stokes::iqu>());
            const double rcond = make_maps(sums, 0.49).rcond[0];
            if (turn == 0) CHECK(std::abs(rcond - 0.5) <= 2 * epsilon<double>);
            CHECK(std::abs(rcond - 0.5) <= 1e-7); // what floats are rounded by
        }
    }
}

TEMPLATE_LIST_TEST_CASE("pixels without their own inverse are cut", "[destripe]", architectures) {
    // unhit, one angle, good, NaN, threshold, good
    const double c = std::cos(1.0), s = std::sin(1.0);
    const std::vector<double> matrices = {0,         0,         0,
                                          0,         0,         0, //
                                          3,         3 * c,     3 * s,
                                          3 * c * c, 3 * c * s, 3 * s * s, //
                                          4,         0,         0,
                                          2,         0,         2, //
                                          4,         0,         not_a_number,
                                          2,         0,         2, //
                                          4,         0,         0,
                                          2,         0,         0.4, //
                                          4,         0,         0,
                                          1,         0,         2};
    const inverted out = invert_all<stokes::iqu, TestType>(matrices, 0.11);
    CHECK(out.rcond[0] == 0);
    CHECK(std::abs(out.rcond[1]) <= 1e-15);
    CHECK(out.rcond[2] == 0.5);
    CHECK(std::isnan(out.rcond[3]));
    CHECK(out.rcond[4] == Approx(0.1).epsilon(1e-15));
    CHECK(out.rcond[5] == 0.25);
    for (const std::size_t p : {0u, 1u, 4u}) {
        for (std::size_t e = 0; e < 6; ++e) CHECK(out.inverse[6 * p + e] == 0);
    }
    const std::vector<double> third(out.inverse.begin() + 12, out.inverse.begin() + 18);
    CHECK(third == std::vector<double>{0.25, 0, 0, 0.5, 0, 0.5});
    CHECK(std::isnan(out.inverse[18]));
    CHECK(out.inverse[35] == 0.5);
    CHECK(invert_all<stokes::iqu, TestType>(matrices, 0).inverse[29] == Approx(2.5));
    // a pixel alone, with nothing else in its register, has the same bits
    for (std::size_t p = 0; p < 6; ++p) {
        const std::vector<double> one(matrices.begin() + 6 * static_cast<int>(p),
                                      matrices.begin() + 6 * static_cast<int>(p + 1));
        const inverted alone = invert_all<stokes::iqu, TestType>(one, 0.11);
        CHECK(same_bits(alone.rcond, std::span(out.rcond).subspan(p, 1)));
        CHECK(same_bits(alone.inverse, std::span(out.inverse).subspan(6 * p, 6)));
    }
    const inverted i = invert_all<stokes::i, TestType>({0, 3, not_a_number, 1e-30}, 1e-3);
    CHECK(i.rcond[0] == 0); // not 1
    CHECK(i.inverse[0] == 0);
    CHECK(i.rcond[1] == 1);
    CHECK(std::isnan(i.rcond[2]));
    CHECK(i.inverse[3] == Approx(1e30));
}

TEST_CASE("pixel matrices: any threads, in place, and nothing beyond", "[destripe]") {
    const std::size_t n = 101;
    const auto matrices = matrices_of_samples<stokes::iqu>(n, 1.7);
    const inverted one = invert_all<stokes::iqu, default_arch>(matrices, 1e-3);
    for (const int threads : {2, 3, 7}) {
        const inverted several = invert_all<stokes::iqu, default_arch>(matrices, 1e-3, threads);
        CHECK(same_bits(several.inverse, one.inverse));
        CHECK(same_bits(several.rcond, one.rcond));
    }
    std::vector<double> inside(6 * n + 16, -77), rcond(n + 16, -77);
    std::copy(matrices.begin(), matrices.end(), inside.begin() + 8);
    const auto middle = std::span(inside).subspan(8, 6 * n);
    invert<stokes::iqu>(middle, 1e-3, middle, std::span(rcond).subspan(8, n), 1);
    CHECK(same_bits(middle, one.inverse));
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(inside[i] == -77);
        CHECK(inside[inside.size() - 1 - i] == -77);
        CHECK(rcond[i] == -77);
        CHECK(rcond[rcond.size() - 1 - i] == -77);
    }
}

TEST_CASE("matrix times vector, a different one in each pixel", "[destripe]") {
    const std::size_t n = 37;
    const auto matrices = matrices_of_samples<stokes::iqu>(n, 1.7);
    const auto x = random_numbers<double>(3 * n);
    std::vector<double> y = x;
    apply<stokes::iqu>(matrices, y, y, 2);
    for (std::size_t p = 0; p < n; ++p) {
        const auto a = unpacked<stokes::iqu>(&matrices[6 * p]);
        for (std::size_t i = 0; i < 3; ++i) {
            real sum = 0;
            for (std::size_t j = 0; j < 3; ++j) sum += a[i][j] * x[3 * p + j];
            CHECK(std::abs(y[3 * p + i] - static_cast<double>(sum)) <= 1e-14);
        }
    }
}

TEST_CASE("pixel matrices refuse what does not fit", "[destripe]") {
    std::vector<double> m(12), rcond(2), x(6);
    CHECK_THAT(message_of([&] { invert<stokes::iqu>(std::span(m).first(11), 0, m, rcond); }),
               ContainsSubstring("invert: matrices has 11 elements, expected 6 for each of 2"));
    CHECK_THAT(message_of([&] { invert<stokes::iqu>(m, not_a_number, m, rcond); }),
               ContainsSubstring("threshold is nan"));
    CHECK_THAT(message_of([&] { invert<stokes::iqu>(m, -0.1, m, rcond); }),
               ContainsSubstring("threshold is -0.1"));
    CHECK_THAT(message_of([&] { apply<stokes::iqu>(m, x, std::span(x).first(3)); }),
               ContainsSubstring("apply: y has 3 elements"));
    CHECK_THAT(message_of([&] { apply<stokes::qu>(m, x, x); }),
               ContainsSubstring("apply: matrices has 12 elements, expected 3 for each of 3"));
    CHECK_NOTHROW(invert<stokes::iqu>({}, 0, {}, {}));
    CHECK_NOTHROW(apply<stokes::iqu>({}, {}, {}));
}

TEMPLATE_TEST_CASE_SIG("sums are those of one sample after the other", "[destripe]", ((stokes S), S),
                       stokes::i, stokes::qu, stokes::iqu) {
    const std::size_t n = 20000, map = 300;
    samples x(n, map, 3);
    const auto model = random_numbers<double>(n, 5);
    for (const bool all : {false, true}) {
        if (all) x.baselines.clear();
        map_sums<S> sums(map, 1);
        sums.add(0, x.view<S>(), model);
        const auto expected = plainly_summed<S>(x, model, map);
        CHECK(relative_error(all_of(sums), expected) <= 1e-14);
        const std::vector<double> hits(expected.begin(), expected.begin() + map);
        CHECK(copy_of(sums.hits()) == hits);
        CHECK(std::accumulate(hits.begin(), hits.end(), 0.0) > 0.5 * n);
    }
}

TEST_CASE("each sample is counted once, however long its baseline", "[destripe]") {
    // 18000 samples, one a pixel, every 50th of them flagged.
    constexpr std::size_t n = 18000;
    std::vector<std::int32_t> pixels(n);
    std::vector<std::uint8_t> flags(n);
    for (std::size_t i = 0; i < n; ++i) {
        pixels[i] = static_cast<std::int32_t>(i);
        flags[i] = i % 50 == 7 ? 4 : 0;
    }
    const std::vector<double> signal(n, 2.5);
    for (const std::size_t length : {n, std::size_t{3000}, std::size_t{1000}, std::size_t{37}}) {
        const std::vector<baseline> baselines = equal_baselines(0, n, length);
        map_sums<stokes::i> sums(n);
        sums.add(0, {.pixels = pixels,
                     .cosine = {},
                     .sine = {},
                     .signal = signal,
                     .flags = flags,
                     .baselines = baselines});
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < n; ++i) wrong += sums.hits()[i] != (flags[i] == 0 ? 1 : 0);
        CHECK(wrong == 0);
    }
}

TEST_CASE("sums have the same bits for any number of threads", "[destripe]") {
    // more than two threads take at a time, and the same samples in pieces
    const std::size_t n = 150000;
    for (const std::size_t map : {std::size_t{70}, std::size_t{5000}}) {
        const samples x(n, map, 4);
        const auto one = summed<stokes::iqu>({x}, map, 1);
        for (const int threads : {2, 3, 5})
            CHECK(same_bits(summed<stokes::iqu>({x}, map, threads), one));
    }
}

TEST_CASE("samples that do not count may hold anything", "[destripe]") {
    const std::size_t n = 30000, map = 200;
    const samples x(n, map, 6);
    const auto expected = summed<stokes::iqu>({x}, map);
    for (const double junk : {not_a_number, 1e30, std::numeric_limits<double>::infinity()}) {
        samples spoilt = x;
        const auto counted = x.counted();
        for (std::size_t i = 0; i < n; ++i) {
            if (counted[i]) continue;
            spoilt.signal[i] = junk;
            spoilt.cosine[i] = spoilt.sine[i] = static_cast<float>(junk);
            if (x.flags[i] != 0) spoilt.pixels[i] = 1000000;
        }
        for (const int threads : {1, 2})
            CHECK(same_bits(summed<stokes::iqu>({spoilt}, map, threads), expected));
    }
}

TEST_CASE("sums of halves are those of all, and of processes those of one", "[destripe]") {
    const std::size_t n = 8000, map = 150;
    std::vector<samples> chunks;
    for (unsigned k = 0; k < 4; ++k) {
        chunks.emplace_back(n, map, 20 + k);
        chunks.back().weight = 1 + 0.7 * k;
    }
    const auto all = summed<stokes::iqu>(chunks, map);
    const std::vector<samples> first(chunks.begin(), chunks.begin() + 2),
        second(chunks.begin() + 2, chunks.end());
    const auto a = summed<stokes::iqu>(first, map), b = summed<stokes::iqu>(second, map);
    std::vector<double> both = a;
    for (std::size_t i = 0; i < a.size(); ++i) both[i] += b[i];
    CHECK(relative_error(both, all) <= 1e-13);
    CHECK(std::equal(all.begin(), all.begin() + map, both.begin())); // hits

    map_sums<stokes::iqu> here(map, 1), nothing(map, 1);
    for (std::size_t k = 0; k < 2; ++k) here.add(k, chunks[k].view<stokes::iqu>());
    here.reduce(adding(b));
    CHECK(same_bits(all_of(here), both));
    nothing.reduce(adding(all)); // a process without data
    CHECK(same_bits(all_of(nothing), all));
    nothing.reduce({});
    CHECK(same_bits(all_of(nothing), all));
}

TEST_CASE("sums refuse what they cannot use, and keep what they have", "[destripe]") {
    const std::size_t n = 9000, map = 100;
    samples x(n, map, 7);
    x.baselines = {{100, 8000}};
    const std::size_t at = 7777;
    x.flags[at] = 0;
    x.pixels[at] = 9;
    std::vector<double> model(n, 0.0);
    const samples good = x;
    const auto refused = [&](int threads, auto&& spoil) {
        map_sums<stokes::iqu> sums(map, threads);
        sums.add(0, good.view<stokes::iqu>());
        const auto before = all_of(sums);
        x = good;
        std::fill(model.begin(), model.end(), 0.0);
        spoil();
        const std::string message = message_of([&] { sums.add(12, x.view<stokes::iqu>(), model); });
        CHECK(same_bits(all_of(sums), before));
        return message;
    };
    for (const int threads : {1, 3}) {
        CHECK_THAT(refused(threads, [&] { x.pixels[at] = 100; }),
                   ContainsSubstring("map_sums::add: chunk 12: pixels[7777] is 100, there are 100"));
        CHECK_THAT(refused(threads, [&] { x.cosine[at] = 4.5f; }),
                   ContainsSubstring("cosine[7777] is 4.5"));
        CHECK_THAT(refused(threads, [&] { x.sine[at] = std::nanf(""); }),
                   ContainsSubstring("sine[7777] is nan"));
        CHECK_THAT(refused(threads, [&] { x.signal[at] = not_a_number; }),
                   ContainsSubstring("signal[7777] is nan"));
        CHECK_THAT(refused(threads, [&] { x.signal[at] = -1 / 0.0; }),
                   ContainsSubstring("signal[7777] is -inf"));
        CHECK_THAT(refused(threads, [&] { model[at] = not_a_number; }),
                   ContainsSubstring("model[7777] is nan"));
        CHECK_THAT(refused(threads, [&] { model.pop_back(); }),
                   ContainsSubstring("model has 8999 elements"));
        model.resize(n);
        CHECK_THAT(refused(threads, [&] { x.weight = not_a_number; }),
                   ContainsSubstring("weight is nan"));
        // of two, the first one is named
        CHECK_THAT(refused(threads, [&] { x.signal[at] = x.signal[at + 1] = not_a_number; }),
                   ContainsSubstring("[7777]"));
    }
    CHECK_THAT(message_of([] { map_sums<stokes::i>(std::size_t{1} << 31); }),
               ContainsSubstring("pixels is 2147483648"));
}

TEST_CASE("sums of nothing are legal", "[destripe]") {
    map_sums<stokes::iqu> none(0);
    none.add(0, chunk{});
    none.reduce([](std::span<double>) { FAIL(); });
    CHECK(make_maps(none, 1e-3).map.empty());

    samples x(100, 10, 8);
    const auto zeros = [](const map_sums<stokes::iqu>& sums) {
        const auto all = all_of(sums);
        return std::all_of(all.begin(), all.end(), [](double v) { return v == 0; });
    };
    map_sums<stokes::iqu> sums(10);
    sums.add(0, chunk{});
    x.weight = 0;
    x.signal[50] = not_a_number; // of a detector that is left out
    sums.add(1, x.view<stokes::iqu>());
    x.weight = 1;
    x.flags.assign(100, 1);
    sums.add(2, x.view<stokes::iqu>());
    x.pixels.assign(100, -1);
    x.flags.assign(100, 0);
    sums.add(3, x.view<stokes::iqu>());
    CHECK(zeros(sums));
    const sky_maps maps = make_maps(sums, 1e-3);
    CHECK(std::all_of(maps.map.begin(), maps.map.end(), [](double v) { return v == 0; }));
    CHECK(std::all_of(maps.rcond.begin(), maps.rcond.end(), [](double v) { return v == 0; }));
}

TEST_CASE("the map of a sky without noise is that sky", "[destripe]") {
    const std::size_t n = 20000, map = 100;
    const auto sky = random_numbers<double>(3 * map, 9);
    samples x(n, map, 10);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t p = x.pixels[i] < 0 ? 0 : static_cast<std::size_t>(x.pixels[i]);
        if (p == 7) x.cosine[i] = x.sine[i] = 0.5f; // one angle: cut
        x.signal[i] = sky[3 * p] + rounded_weight(x.cosine[i]) * sky[3 * p + 1] +
                      rounded_weight(x.sine[i]) * sky[3 * p + 2];
    }
    map_sums<stokes::iqu> sums(map);
    sums.add(0, x.view<stokes::iqu>());
    const sky_maps maps = make_maps(sums, 1e-3);
    for (std::size_t p = 0; p < map; ++p) {
        for (std::size_t i = 0; i < 3; ++i) {
            const double expected = p == 7 ? 0 : sky[3 * p + i];
            CHECK(std::abs(maps.map[3 * p + i] - expected) <= 1e-12);
        }
        CHECK((maps.rcond[p] >= 1e-3) == (p != 7));
    }
}

TEST_CASE("pixels of a sphere that were hit get numbers", "[destripe]") {
    std::vector<std::int32_t> pixels = {700, 3, -1, 64, 700, 63, 767, -5, 0, 9, 3};
    const std::vector<std::uint8_t> flags = {0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    for (const int threads : {1, 3}) {
        pixel_set set(768, threads);
        set.mark(pixels, flags);
        set.mark({});
        set.close();
        CHECK(copy_of(set.pixels()) == std::vector<std::int32_t>{0, 3, 63, 64, 700, 767});
        CHECK(set.size() == 6);
        auto local = pixels;
        local.push_back(768); // beyond the sphere
        set.renumber(local, local);
        CHECK(local == std::vector<std::int32_t>{4, 1, -1, 3, 4, 2, 5, -1, 0, -1, 1, -1});
    }
}

TEST_CASE("the set of all processes is the union of theirs", "[destripe]") {
    const std::size_t sphere = 3000000; // more than goes into one sum
    const std::vector<std::int32_t> mine = {5, 2999999, 1048576}, theirs = {5, 1048575, 2000000};
    std::vector<double> marks(sphere);
    for (const std::int32_t p : theirs) marks[static_cast<std::size_t>(p)] = 1;
    pixel_set set(sphere), empty(sphere);
    set.mark(mine);
    set.close(adding(marks));
    CHECK(copy_of(set.pixels()) == std::vector<std::int32_t>{5, 1048575, 1048576, 2000000, 2999999});
    empty.close(adding(marks));
    CHECK(copy_of(empty.pixels()) == theirs);
    pixel_set none(0);
    none.mark({});
    none.close([](std::span<double>) { FAIL(); });
    CHECK(none.size() == 0);
}

TEST_CASE("a set of pixels refuses what it cannot use", "[destripe]") {
    std::vector<std::int32_t> pixels = {1, 47, 48, 5}, local(3);
    std::vector<std::uint8_t> flags = {0, 0, 1, 0};
    pixel_set set(48);
    CHECK_THAT(message_of([&] { set.mark(pixels); }),
               ContainsSubstring("pixels[2] is 48, the sphere has 48"));
    CHECK_THAT(message_of([&] { set.mark(pixels, std::span(flags).first(3)); }),
               ContainsSubstring("flags has 3 elements, pixels has 4"));
    CHECK_THAT(message_of<std::logic_error>([&] { set.renumber(pixels, pixels); }),
               ContainsSubstring("not closed"));
    set.close();
    CHECK(set.size() == 0); // nothing was marked
    CHECK_THAT(message_of<std::logic_error>([&] { set.mark(pixels, flags); }),
               ContainsSubstring("is closed"));
    CHECK_THAT(message_of<std::logic_error>([&] { set.close(); }), ContainsSubstring("closed already"));
    CHECK_THAT(message_of([&] { set.renumber(pixels, local); }),
               ContainsSubstring("local has 3 elements"));
    CHECK_THAT(message_of([] { pixel_set(std::size_t{1} << 31); }), ContainsSubstring("is 2147483648"));
}
