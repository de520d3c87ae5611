// SPDX-License-Identifier: BSD-3-Clause
//
// The transforms against sums in long double, and what follows from their definition at any size.
#include "agreement/results.hpp"
#include "fft_kernels.hpp"
#include "reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <destrier/fft.hpp>

using namespace destrier;

namespace {

using exact = std::complex<long double>;

// Every product of some primes up to a limit, made by multiplying.
std::set<std::size_t> products_of(std::initializer_list<std::size_t> primes, std::size_t limit) {
    std::set<std::size_t> all{1};
    for (const std::size_t p : primes) {
        for (auto n = all.begin(); n != all.end() && *n * p <= limit; ++n) all.insert(*n * p);
    }
    return all;
}

// The documented bound on the L2 relative error, in eps(T), as all errors below.
double bound(std::size_t n) {
    static const std::set<std::size_t> smooth = products_of({2, 3, 5, 7, 11, 13}, 1 << 15);
    const double factor = smooth.contains(n) ? 0.5 : 1.0;
    return factor * std::sqrt(std::log2(static_cast<double>(std::max<std::size_t>(n, 2))));
}
template <class T>
double relative_error(const std::vector<exact>& a, const std::vector<exact>& b) {
    return reference::relative_error(a, b) / reference::epsilon<T>;
}

// exp(2 pi i k / n).
exact unit(std::size_t k, std::size_t n) {
    return std::polar(1.0L, 2 * std::numbers::pi_v<long double> * static_cast<long double>(k % n) /
                                static_cast<long double>(n));
}

// All lengths to 512, or those to 80 and some, and longer ones, primes and powers of primes among them.
std::vector<std::size_t> lengths() {
    std::vector<std::size_t> list{625, 1000, 1001, 1009, 1024, 2187};
    if (!reference::long_double_is_slow) {
        list.insert(list.end(), {1021, 1331, 1369, 1849, 2011, 2039, 2179, 2197, 2304, 2401, 3125, 4096,
                                 5040, 8191, 14641, 16384});
    }
    constexpr std::size_t step = reference::long_double_is_slow ? 13 : 1;
    for (std::size_t n = 1; n <= 512; n += n < 80 ? 1 : step) list.push_back(n);
    return list;
}

// Transforms in lane blocks (Parts = 1 real, 2 complex), with a line of canaries behind.
template <class T, std::size_t Parts>
class transforms {
public:
    transforms(std::size_t elements, std::size_t count)
        : storage_(blocks<T, Parts>::size_for(elements, count) + line<T>),
          blocks_(storage_.data(), elements, count) {
        std::fill(storage_.end() - line<T>, storage_.end(), T(-77));
    }
    static transforms random(std::size_t elements, std::size_t count, unsigned seed = 1) {
        transforms x(elements, count);
        const auto numbers = reference::random_numbers<T>(elements * count * Parts, seed);
        auto next = numbers.begin();
        for (std::size_t problem = 0; problem < count; ++problem) {
            for (std::size_t e = 0; e < elements; ++e) {
                for (std::size_t part = 0; part < Parts; ++part) x(problem, e, part) = *next++;
            }
        }
        return x;
    }

    T& operator()(std::size_t problem, std::size_t element, std::size_t part = 0) {
        return blocks_.at(problem / line<T>, element, part)[problem % line<T>];
    }
    const T& operator()(std::size_t problem, std::size_t element, std::size_t part = 0) const {
        return blocks_.at(problem / line<T>, element, part)[problem % line<T>];
    }
    exact element(std::size_t problem, std::size_t e) const {
        const auto& self = *this;
        return {self(problem, e), Parts == 2 ? self(problem, e, Parts - 1) : T(0)};
    }
    std::vector<exact> problem(std::size_t p) const {
        std::vector<exact> x(blocks_.elements());
        for (std::size_t e = 0; e < x.size(); ++e) x[e] = element(p, e);
        return x;
    }
    // The bits of one problem.
    std::vector<T> values(std::size_t p) const {
        std::vector<T> v;
        for (std::size_t e = 0; e < blocks_.elements(); ++e) {
            for (std::size_t part = 0; part < Parts; ++part) v.push_back((*this)(p, e, part));
        }
        return v;
    }
    blocks<T, Parts> all() { return blocks_; }
    blocks<const T, Parts> all() const { return blocks_; }
    const buffer<T>& storage() const { return storage_; }
    bool canaries_live() const {
        return std::all_of(storage_.end() - line<T>, storage_.end(), [](T v) { return v == -77; });
    }
    transforms copy() const {
        transforms x(blocks_.elements(), blocks_.problems());
        std::copy(storage_.begin(), storage_.end(), x.storage_.begin());
        return x;
    }

private:
    buffer<T> storage_;
    blocks<T, Parts> blocks_;
};

template <class T>
using spectra = transforms<T, 2>;
template <class T>
using signals = transforms<T, 1>;

template <class P, class Q>
bool same(const P& a, const Q& b) {
    return reference::same_bits(a.storage(), b.storage());
}

// Lanes at the ends of two blocks; what happens between them is the same instruction.
template <class T>
constexpr std::array<std::size_t, 3> some_problems = {0, line<T> - 1, line<T>};

// The L2 error of `out` against long double sums over the whole problems that `whole` makes of `in`.
template <class In, class Out, class Whole>
double error_of(const In& in, const Out& out, int sign, Whole&& whole) {
    using T = typename decltype(out.all())::value_type;
    const auto bins = reference::bins_of(out.all().elements());
    std::vector<exact> got, truth;
    for (const std::size_t p : some_problems<T>) {
        const auto sums = reference::fourier_sums(whole(in.problem(p)), bins, sign);
        truth.insert(truth.end(), sums.begin(), sums.end());
        for (const std::size_t k : bins) got.push_back(out.element(p, k));
    }
    return relative_error<T>(got, truth);
}
template <class In, class Out>
double error_of(const In& in, const Out& out, int sign) {
    return error_of(in, out, sign, [](std::vector<exact> x) { return x; });
}

// The real parts of some data, and the first half of its elements: what real plans take.
template <class T>
signals<T> real_parts(const spectra<T>& x) {
    signals<T> r(x.all().elements(), x.all().problems());
    for (std::size_t p = 0; p < r.all().problems(); ++p) {
        for (std::size_t t = 0; t < r.all().elements(); ++t) r(p, t) = x(p, t);
    }
    return r;
}
template <class T>
spectra<T> half_of(const spectra<T>& x) {
    spectra<T> half(x.all().elements() / 2 + 1, x.all().problems());
    for (std::size_t p = 0; p < half.all().problems(); ++p) {
        for (std::size_t k = 0; k < half.all().elements(); ++k) {
            for (const std::size_t part : {0u, 1u}) half(p, k, part) = x(p, k, part);
        }
    }
    return half;
}

// Everything a plan makes of some data, for comparisons of bits.
template <class T>
struct results {
    spectra<T> forward, backward, half;
    signals<T> real;
};

template <class T, class A>
results<T> all_results(const spectra<T>& x, std::size_t n, std::size_t count, int threads = 1) {
    const fft::plan_c2c<T, A> plan(n);
    const fft::plan_r2c<T, A> real(n);
    results<T> r{{n, count}, {n, count}, {n / 2 + 1, count}, {n, count}};
    plan.forward(x.all(), r.forward.all(), {}, T(1), threads);
    plan.backward(x.all(), r.backward.all(), {}, T(1), threads);
    real.forward(real_parts(x).all(), r.half.all(), {}, T(1), threads);
    real.backward(half_of(x).all(), r.real.all(), {}, T(1), threads);
    return r;
}

template <class T>
bool same_results(const results<T>& a, const results<T>& b) {
    return same(a.forward, b.forward) && same(a.backward, b.backward) && same(a.half, b.half) &&
           same(a.real, b.real);
}

// The bits of one problem of each result.
template <class T>
std::vector<T> values(const results<T>& r, std::size_t problem) {
    std::vector<T> v = r.forward.values(problem);
    for (const auto& more :
         {r.backward.values(problem), r.half.values(problem), r.real.values(problem)}) {
        v.insert(v.end(), more.begin(), more.end());
    }
    return v;
}

// Lengths with one pass, several, every radix and none, even and odd.
const std::vector<std::size_t> few_lengths{1,  2,  3,  8,  11,  12,  17,  26,
                                           34, 35, 64, 81, 143, 210, 375, 448};

} // namespace

TEMPLATE_LIST_TEST_CASE("complex transforms meet their bound at every length", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : lengths()) {
        CAPTURE(n);
        const fft::plan_c2c<T, A> plan(n);
        const auto x = spectra<T>::random(n, line<T> + 1);
        spectra<T> y(n, line<T> + 1);
        plan.forward(x.all(), y.all());
        CHECK(error_of(x, y, -1) <= bound(n));
        plan.backward(x.all(), y.all());
        CHECK(error_of(x, y, +1) <= bound(n));
    }
}

TEMPLATE_LIST_TEST_CASE("real transforms meet the same bound at every length", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : lengths()) {
        CAPTURE(n);
        const fft::plan_r2c<T, A> plan(n);
        const auto x = signals<T>::random(n, line<T> + 1);
        spectra<T> y(plan.spectrum_size(), line<T> + 1);
        plan.forward(x.all(), y.all());
        CHECK(error_of(x, y, -1) <= bound(n));

        const auto z = spectra<T>::random(plan.spectrum_size(), line<T> + 1);
        signals<T> back(n, line<T> + 1);
        plan.backward(z.all(), back.all());
        CHECK(error_of(z, back, +1, [n](std::vector<exact> half) {
                  return reference::whole_spectrum(half, n);
              }) <= bound(n));
    }
}

TEMPLATE_LIST_TEST_CASE("half spectra are the complex ones, and backward inverts", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : lengths()) {
        CAPTURE(n);
        const fft::plan_r2c<T, A> plan(n);
        const auto x = signals<T>::random(n, line<T> + 1);
        spectra<T> complex(n, line<T> + 1), whole(n, line<T> + 1), half(n / 2 + 1, line<T> + 1);
        signals<T> back(n, line<T> + 1);
        for (std::size_t p = 0; p <= line<T>; ++p) {
            for (std::size_t t = 0; t < n; ++t) complex(p, t) = x(p, t);
        }
        fft::plan_c2c<T, A>(n).forward(complex.all(), whole.all());
        plan.forward(x.all(), half.all());
        plan.backward(half.all(), back.all(), {}, T(1) / static_cast<T>(n));
        for (const std::size_t p : some_problems<T>) {
            auto expected = whole.problem(p);
            expected.resize(n / 2 + 1);
            CHECK(relative_error<T>(half.problem(p), expected) <= 2 * bound(n));
            CHECK(relative_error<T>(back.problem(p), x.problem(p)) <= 2 * bound(n));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("an impulse becomes ones, and elsewhere a wave of modulus one", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {1u, 2u, 15u, 64u, 210u, 1000u, 4096u}) {
        CAPTURE(n);
        // Problem p has its impulse at element p n / 5.
        spectra<T> x(n, 5), y(n, 5);
        for (std::size_t p = 0; p < 5; ++p) x(p, p * n / 5) = T(1);
        fft::plan_c2c<T, A>(n).forward(x.all(), y.all());
        const std::vector<exact> ones(n, exact(1));
        CHECK(y.problem(0) == ones);
        for (std::size_t p = 0; p < 5; ++p) {
            auto modulus = y.problem(p);
            for (exact& v : modulus) v = std::abs(v);
            CHECK(relative_error<T>(modulus, ones) <= bound(n));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a constant becomes an impulse", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {1u, 2u, 15u, 64u, 210u, 1000u, 4096u}) {
        CAPTURE(n);
        spectra<T> x(n, 1), y(n, 1);
        signals<T> r(n, 1);
        spectra<T> half(n / 2 + 1, 1);
        for (std::size_t t = 0; t < n; ++t) x(0, t) = r(0, t) = T(1);
        fft::plan_c2c<T, A>(n).forward(x.all(), y.all());
        fft::plan_r2c<T, A>(n).forward(r.all(), half.all());
        std::vector<exact> impulse(n);
        impulse[0] = static_cast<long double>(n);
        CHECK(relative_error<T>(y.problem(0), impulse) <= bound(n));
        impulse.resize(n / 2 + 1);
        CHECK(relative_error<T>(half.problem(0), impulse) <= bound(n));
    }
}

TEMPLATE_LIST_TEST_CASE("a tone becomes an impulse at its bin, at every bin", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {8u, 12u, 49u, 64u, 135u}) {
        CAPTURE(n);
        spectra<T> x(n, n), y(n, n); // problem f is a tone of frequency f
        for (std::size_t f = 0; f < n; ++f) {
            for (std::size_t t = 0; t < n; ++t) {
                const exact tone = unit(f * t, n);
                x(f, t) = static_cast<T>(tone.real());
                x(f, t, 1) = static_cast<T>(tone.imag());
            }
        }
        fft::plan_c2c<T, A>(n).forward(x.all(), y.all());
        // A rounded tone is no longer pure: by eps / 4 in each part at most.
        const double limit = bound(n) + 0.36;
        for (std::size_t f = 0; f < n; ++f) {
            std::vector<exact> impulse(n);
            impulse[f] = static_cast<long double>(n);
            CHECK(relative_error<T>(y.problem(f), impulse) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("long transforms keep energy, are linear and turn shifts into phases", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {1024u, 2187u, 2401u, 16384u, 30000u}) {
        CAPTURE(n);
        // Problems: x, y, x + y without rounding, x one element later.
        spectra<T> in(n, 4), out(n, 4);
        const auto random = reference::random_numbers<T>(4 * n);
        for (std::size_t t = 0; t < n; ++t) {
            for (const std::size_t part : {0u, 1u}) {
                const auto coarse = [&](std::size_t i) { return std::round(1024 * random[i]) / 1024; };
                in(0, t, part) = in(3, (t + 1) % n, part) = coarse(2 * t + part);
                in(1, t, part) = coarse(2 * (n + t) + part);
                in(2, t, part) = in(0, t, part) + in(1, t, part);
            }
        }
        fft::plan_c2c<T, A>(n).forward(in.all(), out.all());

        long double energy = 0, spectral_energy = 0;
        std::vector<exact> sum(n), shifted(n);
        for (std::size_t k = 0; k < n; ++k) {
            energy += static_cast<long double>(n) * std::norm(in.element(0, k));
            spectral_energy += std::norm(out.element(0, k));
            sum[k] = out.element(0, k) + out.element(1, k);
            shifted[k] = out.element(0, k) * std::conj(unit(k, n));
        }
        CHECK(std::abs(static_cast<double>(spectral_energy / energy - 1)) <=
              2 * bound(n) * reference::epsilon<T>);
        // One bound for the transform of the sum, one for the terms, whose errors do not add up.
        CHECK(relative_error<T>(out.problem(2), sum) <= 2 * bound(n));
        CHECK(relative_error<T>(out.problem(3), shifted) <= 2 * bound(n));
    }
}

TEMPLATE_LIST_TEST_CASE("the real pair is adjoint but for the weights of half spectra", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const fft::plan_r2c<T, A> plan(n);
        const auto x = signals<T>::random(n, 1, 3);
        const auto y = spectra<T>::random(n / 2 + 1, 1, 4);
        spectra<T> fx(n / 2 + 1, 1);
        signals<T> by(n, 1);
        plan.forward(x.all(), fx.all());
        plan.backward(y.all(), by.all());
        // <x, B y> = sum over the whole spectrum of conj(F x) y.
        const auto a = reference::whole_spectrum(fx.problem(0), n),
                   b = reference::whole_spectrum(y.problem(0), n);
        exact left = 0, right = 0;
        long double size_a = 0, size_b = 0;
        for (std::size_t i = 0; i < n; ++i) {
            left += x.element(0, i) * by.element(0, i);
            right += std::conj(a[i]) * b[i];
            size_a += std::norm(a[i]);
            size_b += std::norm(b[i]);
        }
        CHECK(std::abs(left - right) <=
              2 * bound(n) * reference::epsilon<T> * std::sqrt(size_a * size_b));
    }
}

TEMPLATE_LIST_TEST_CASE("out of place leaves the input, in place gives the same bits", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const fft::plan_c2c<T, A> plan(n);
        const auto x = spectra<T>::random(n, line<T> + 1);
        const auto kept = x.copy();
        spectra<T> y(n, line<T> + 1);
        auto in_place = x.copy();
        plan.forward(x.all(), y.all(), {}, T(0.5));
        plan.forward(in_place.all(), in_place.all(), {}, T(0.5));
        CHECK(same(in_place, y));
        in_place = x.copy();
        plan.backward(x.all(), y.all());
        plan.backward(in_place.all(), in_place.all());
        CHECK(same(in_place, y));
        CHECK(same(x, kept));
    }
}

TEMPLATE_LIST_TEST_CASE("real transforms leave their input and what lies behind the output", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const fft::plan_r2c<T, A> plan(n);
        const auto x = signals<T>::random(n, line<T> + 1);
        const auto z = spectra<T>::random(n / 2 + 1, line<T> + 1);
        const auto kept = x.copy();
        const auto kept_spectra = z.copy();
        spectra<T> half(n / 2 + 1, line<T> + 1);
        signals<T> back(n, line<T> + 1);
        plan.forward(x.all(), half.all());
        plan.backward(z.all(), back.all());
        CHECK(same(x, kept));
        CHECK(same(z, kept_spectra));
        CHECK(half.canaries_live());
        CHECK(back.canaries_live());
    }
}

TEMPLATE_LIST_TEST_CASE("a scale is folded in as if multiplied afterwards", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        for (const T scale : {T(0.25), T(-2), T(0.3)}) {
            CAPTURE(n, scale);
            const fft::plan_c2c<T, A> plan(n);
            const fft::plan_r2c<T, A> real(n);
            const auto x = spectra<T>::random(n, line<T> + 1);
            const auto r = signals<T>::random(n, line<T> + 1);
            spectra<T> y(n, line<T> + 1), scaled(n, line<T> + 1);
            spectra<T> half(n / 2 + 1, line<T> + 1), half_scaled(n / 2 + 1, line<T> + 1);
            signals<T> back(n, line<T> + 1), back_scaled(n, line<T> + 1);
            plan.forward(x.all(), y.all());
            plan.forward(x.all(), scaled.all(), {}, scale);
            real.forward(r.all(), half.all());
            real.forward(r.all(), half_scaled.all(), {}, scale);
            real.backward(half.all(), back.all());
            real.backward(half.all(), back_scaled.all(), {}, scale);
            // Exactly so for powers of two, else as well as both are known.
            const double limit = scale == T(0.3) ? 2 * bound(n) : 0;
            const auto error = [scale](const auto& with, const auto& without) {
                auto expected = without.problem(line<T>);
                for (exact& v : expected) v *= scale;
                return relative_error<T>(with.problem(line<T>), expected);
            };
            CHECK(error(scaled, y) <= limit);
            CHECK(error(back_scaled, back) <= limit);
            CHECK(error(half_scaled, half) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a transform's bits do not depend on its batch", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = 2 * line<T> + 3;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const auto x = spectra<T>::random(n, count);
        const auto together = all_results<T, A>(x, n, count);
        for (const std::size_t size : {std::size_t{1}, line<T>}) {
            for (std::size_t first = 0; first + size <= count; first += size) {
                spectra<T> some(n, size);
                for (std::size_t p = 0; p < size; ++p) {
                    for (std::size_t e = 0; e < n; ++e) {
                        for (const std::size_t part : {0u, 1u}) some(p, e, part) = x(first + p, e, part);
                    }
                }
                const auto apart = all_results<T, A>(some, n, size);
                for (std::size_t p = 0; p < size; ++p) {
                    REQUIRE(reference::same_bits(values(apart, p), values(together, first + p)));
                }
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("any number of threads gives the same bits", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = 4 * line<T> + 3;
    for (const std::size_t n : {1u, 12u, 35u, 448u}) {
        CAPTURE(n);
        const auto x = spectra<T>::random(n, count);
        const auto one = all_results<T, A>(x, n, count, 1);
        for (const int threads : {0, 2, 3}) {
            CHECK(same_results(one, all_results<T, A>(x, n, count, threads)));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("NaN stays in its transform", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = line<T> + 2, bad = 3;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        auto x = spectra<T>::random(n, count);
        const auto clean = all_results<T, A>(x, n, count);
        x(bad, 0) = std::numeric_limits<T>::quiet_NaN();
        const auto dirty = all_results<T, A>(x, n, count);
        for (std::size_t p = 0; p < count; ++p) {
            if (p != bad) REQUIRE(reference::same_bits(values(clean, p), values(dirty, p)));
        }
        for (std::size_t k = 0; k < n; ++k) {
            CHECK(std::isnan(dirty.forward(bad, k)));
            CHECK(std::isnan(dirty.backward(bad, k)));
            CHECK(std::isnan(dirty.real(bad, k)));
        }
        for (std::size_t k = 0; k <= n / 2; ++k) CHECK(std::isnan(dirty.half(bad, k)));
    }
}

TEMPLATE_LIST_TEST_CASE("transforms are left for comparison between architectures", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    for (const std::size_t n : {64u, 360u, 1001u, 1009u, 1024u, 2187u}) {
        const auto x = spectra<T>::random(n, 1);
        const auto y = values(all_results<T, typename TestType::A>(x, n, 1), 0);
        reference::leave_for_comparison("fft of " + std::to_string(n), bound(n) * reference::epsilon<T>,
                                        y);
    }
}

TEMPLATE_LIST_TEST_CASE("elements may lie apart, and exchanged parts run backward", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using lines = fft::detail::lines<T>;
    constexpr std::ptrdiff_t apart = 6 * line<T>; // every third element of a larger block
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const auto x = spectra<T>::random(n, line<T>);
        const auto expected = all_results<T, A>(x, n, line<T>);
        spectra<T> wide(3 * n, line<T>), wide_out(3 * n, line<T>), out(n, line<T>);
        signals<T> real(n, line<T>);
        for (std::size_t p = 0; p < line<T>; ++p) {
            for (std::size_t e = 0; e < n; ++e) {
                for (const std::size_t part : {0u, 1u}) wide(p, 3 * e, part) = x(p, e, part);
            }
        }
        const lines in{wide.all().data(), wide.all().data() + line<T>, apart};
        const lines scattered{wide_out.all().data(), wide_out.all().data() + line<T>, apart};
        const fft::plan_c2c<T, A> plan(n);
        const fft::plan_r2c<T, A> plan_real(n);
        buffer<T> space(std::max(plan.scratch_size(), plan_real.scratch_size()));

        plan.run(in, scattered, space.data());
        for (std::size_t e = 0; e < n; ++e) {
            REQUIRE(wide_out.element(1, 3 * e) == expected.forward.element(1, e));
        }
        plan.run(in.exchanged(), lines::at(out.all().data()).exchanged(), space.data());
        CHECK(same(out, expected.backward));
        plan_real.run_backward(in, real.all().data(), space.data());
        CHECK(same(real, expected.real));
    }
}

TEST_CASE("scratch of the size asked for is used to its end, a part by each thread", "[fft]") {
    constexpr std::size_t count = 40; // blocks for three threads
    for (const std::size_t n : few_lengths) {
        for (const int threads : {1, 2}) {
            CAPTURE(n, threads);
            const fft::plan_c2c<float> plan(n);
            const fft::plan_r2c<float> real(n);
            const auto x = spectra<float>::random(n, count);
            const auto r = real_parts(x);
            const auto h = half_of(x);
            const auto expected = all_results<float, default_arch>(x, n, count);
            results<float> got{{n, count}, {n, count}, {n / 2 + 1, count}, {n, count}};
            // In place, for what is apart may be transformed without.
            got.forward = x.copy();
            got.backward = x.copy();
            const auto run = [&](std::size_t size, bool to_its_end, auto&& transform) {
                buffer<float> space(size + 16);
                std::fill(space.begin(), space.end(), -77.0f);
                transform(space.span().first(size));
                const auto untouched = std::count(space.begin(), space.end(), -77.0f);
                CHECK((to_its_end ? untouched == 16 : untouched >= 16));
                CHECK(std::count(space.end() - 16, space.end(), -77.0f) == 16);
            };
            // A transform of one pass needs none, a real one forward not all of what backward wants.
            const bool passes = n > 34;
            run(plan.scratch_size(threads), passes, [&](auto space) {
                plan.forward(got.forward.all(), got.forward.all(), space, 1.0f, threads);
            });
            run(plan.scratch_size(threads), passes, [&](auto space) {
                plan.backward(got.backward.all(), got.backward.all(), space, 1.0f, threads);
            });
            run(real.scratch_size(threads), false,
                [&](auto space) { real.forward(r.all(), got.half.all(), space, 1.0f, threads); });
            run(real.scratch_size(threads), passes,
                [&](auto space) { real.backward(h.all(), got.real.all(), space, 1.0f, threads); });
            CHECK(same_results(got, expected));
        }
    }
}

TEST_CASE("many threads may use one plan at a time", "[fft]") {
    const fft::plan_c2c<double> plan(360);
    const auto x = spectra<double>::random(360, 8);
    spectra<double> expected(360, 8);
    plan.forward(x.all(), expected.all());
    std::vector<spectra<double>> out;
    for (int i = 0; i < 12; ++i) out.emplace_back(std::size_t{360}, std::size_t{8});
    parallel_for(out.size(), 4, [&](std::size_t i) { plan.forward(x.all(), out[i].all()); });
    for (const auto& y : out) CHECK(same(y, expected));
}

TEST_CASE("no transforms are none", "[fft]") {
    const spectra<float> in(12, 0);
    spectra<float> out(12, 0);
    CHECK_NOTHROW(fft::plan_c2c<float>(12).forward(in.all(), out.all()));
    CHECK_NOTHROW(fft::plan_c2c<float>(12).forward(in.all(), out.all(), {}, 1.0f, 3));
}

TEST_CASE("good_size is the next product of 2, 3, 5 and 7, good_size_real the next even one", "[fft]") {
    const auto smooth = products_of({2, 3, 5, 7}, 10000);
    CHECK(fft::good_size(0) == 1);
    CHECK(fft::good_size_real(0) == 2);
    for (std::size_t n = 1; n <= 5000; ++n) {
        REQUIRE(fft::good_size(n) == *smooth.lower_bound(n));
        REQUIRE(fft::good_size_real(n) ==
                *std::find_if(smooth.lower_bound(n), smooth.end(), [](auto s) { return s % 2 == 0; }));
    }
}

TEST_CASE("roots of unity are right to the last bits of long double", "[fft]") {
    for (const std::size_t n : {1u, 2u, 3u, 7u, 8u, 12u, 40u, 210u, 1000u, 65536u, 823543u}) {
        for (std::size_t k = 0; k < n; k += 1 + n / 1000) {
            const auto root = fft::detail::unit_root(k, n);
            // The angle that std::polar is given is itself rounded, by up to 2 pi eps.
            REQUIRE(std::abs(exact(root.re, root.im) - std::conj(unit(k, n))) <= 7 * 0x1p-63L);
        }
    }
    CHECK(fft::detail::unit_root(5, 20).re == 0);
    CHECK(fft::detail::unit_root(5, 20).im == -1);
}

TEST_CASE("lengths that cannot be are refused", "[fft]") {
    using reference::message_of;
    const std::size_t huge = std::size_t{1} << 41;
    CHECK(message_of([] { fft::plan_c2c<float>(0); }) ==
          "fft::plan_c2c: length is 0, expected 1 to 1099511627776");
    CHECK(message_of([&] { fft::plan_c2c<double>{huge}; }) ==
          "fft::plan_c2c: length is 2199023255552, expected 1 to 1099511627776");
    CHECK(message_of([] { fft::plan_r2c<float>(0); }) ==
          "fft::plan_r2c: length is 0, expected 1 to 1099511627776");
}

TEST_CASE("complex plans refuse wrong arguments, name them and write nothing", "[fft]") {
    using reference::message_of;
    const fft::plan_c2c<float> plan(12);
    const auto in = spectra<float>::random(12, 20), longer = spectra<float>::random(14, 20),
               more = spectra<float>::random(12, 21);
    auto out = spectra<float>::random(12, 20, 2), shorter = spectra<float>::random(10, 20, 2);
    const auto kept = out.copy(), kept_shorter = shorter.copy();
    buffer<float> space(plan.scratch_size() + 16);
    const auto good = space.span().first(plan.scratch_size());
    const std::string size = std::to_string(good.size());

    CHECK(message_of([&] { plan.forward(longer.all(), out.all()); }) ==
          "fft::plan_c2c::forward: in has 14 elements, expected 12");
    CHECK(message_of([&] { plan.backward(in.all(), shorter.all()); }) ==
          "fft::plan_c2c::backward: out has 10 elements, expected 12");
    CHECK(message_of([&] { plan.forward(more.all(), out.all()); }) ==
          "fft::plan_c2c::forward: in holds 21 transforms, out holds 20");
    CHECK(message_of([&] { plan.forward(in.all(), out.all(), good.first(good.size() - 1)); }) ==
          "fft::plan_c2c::forward: scratch has " + std::to_string(good.size() - 1) +
              " elements, expected " + size + " or more on a 64-byte boundary");
    CHECK(message_of([&] {
              plan.backward(in.all(), out.all(), space.span().subspan(1, good.size()));
          }) == "fft::plan_c2c::backward: scratch has " + size + " elements, expected " + size +
                    " or more on a 64-byte boundary");
    CHECK_THROWS_AS(plan.forward(in.all(), out.all(), {}, 1.0f, -1), std::invalid_argument);
    if (thread_count(2) == 2) { // each thread wants scratch of its own
        CHECK_THROWS_AS(plan.forward(in.all(), out.all(), good, 1.0f, 2), std::invalid_argument);
    }
    CHECK(same(out, kept));
    CHECK(same(shorter, kept_shorter));
}

TEST_CASE("real plans refuse wrong arguments, name them and write nothing", "[fft]") {
    using reference::message_of;
    const fft::plan_r2c<double> plan(12);
    const auto in = signals<double>::random(12, 20);
    const auto half = spectra<double>::random(7, 20);
    auto out = spectra<double>::random(7, 20, 2), wrong_half = spectra<double>::random(6, 20, 2);
    auto back = signals<double>::random(12, 20, 2), wrong_back = signals<double>::random(12, 19, 2);
    const auto kept = out.copy(), kept_wrong_half = wrong_half.copy();
    const auto kept_back = back.copy(), kept_wrong_back = wrong_back.copy();
    buffer<double> space(plan.scratch_size());

    CHECK(message_of([&] { plan.forward(in.all(), wrong_half.all()); }) ==
          "fft::plan_r2c::forward: out has 6 elements, expected 7");
    CHECK(message_of([&] { plan.backward(wrong_half.all(), back.all()); }) ==
          "fft::plan_r2c::backward: in has 6 elements, expected 7");
    CHECK(message_of([&] { plan.backward(half.all(), wrong_back.all()); }) ==
          "fft::plan_r2c::backward: in holds 20 transforms, out holds 19");
    CHECK(message_of([&] {
              plan.forward(in.all(), out.all(), space.span().first(8));
          }).starts_with("fft::plan_r2c::forward: scratch has 8 elements, expected "));
    CHECK(message_of([&] {
              plan.backward(half.all(), back.all(), space.span().first(8));
          }).starts_with("fft::plan_r2c::backward: scratch has 8 elements, expected "));
    CHECK_THROWS_AS(plan.backward(half.all(), back.all(), {}, 1.0, -1), std::invalid_argument);
    CHECK(same(out, kept));
    CHECK(same(wrong_half, kept_wrong_half));
    CHECK(same(back, kept_back));
    CHECK(same(wrong_back, kept_wrong_back));
}
