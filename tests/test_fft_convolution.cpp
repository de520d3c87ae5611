// SPDX-License-Identifier: BSD-3-Clause
//
// Transforms that leave their spectra in their own order, and the convolutions made of them.
#include "fft_kernels.hpp"
#include "reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <destrier/fft.hpp>
#include <destrier/fft/convolution.hpp>
#include <destrier/fft/in_place.hpp>

using namespace destrier;

namespace {

using exact = std::complex<long double>;

using reference::lanes;

// Plans, too, are made in long double.
constexpr std::size_t longest = reference::long_double_is_slow ? 1100 : 16384;

// What a convolution may err by in L2 for a signal and a response whose spectrum are at most 1; as much as two
// transforms.
template <class T>
double bound(std::size_t n) {
    return reference::epsilon<T> *
           std::sqrt(std::log2(static_cast<double>(std::max<std::size_t>(n, 2))));
}

// Problems in lane blocks (Parts = 1 real, 2 complex), with a line of canaries behind.
template <class T, std::size_t Parts>
class problems {
public:
    problems(std::size_t elements, std::size_t count)
        : storage_(blocks<T, Parts>::size_for(elements, count) + line<T>),
          blocks_(storage_.data(), elements, count) {
        std::fill(storage_.end() - line<T>, storage_.end(), T(-77));
    }
    // Each of another magnitude, so that what one leaks into its neighbours shows.
    static problems random(std::size_t elements, std::size_t count, unsigned seed = 1) {
        problems x(elements, count);
        const auto numbers = reference::random_numbers<T>(elements * count * Parts, seed);
        auto next = numbers.begin();
        for (std::size_t p = 0; p < count; ++p) {
            for (std::size_t e = 0; e < elements * Parts; ++e) {
                x(p, e / Parts, e % Parts) = std::ldexp(*next++, 30 * static_cast<int>(p % 2));
            }
        }
        return x;
    }

    T& operator()(std::size_t problem, std::size_t element, std::size_t part = 0) {
        return blocks_.at(problem / line<T>, element, part)[problem % line<T>];
    }
    exact element(std::size_t problem, std::size_t e) const {
        const auto value = [&](std::size_t part) {
            return blocks_.at(problem / line<T>, e, part)[problem % line<T>];
        };
        return {value(0), Parts == 2 ? value(Parts - 1) : T(0)};
    }
    std::vector<exact> problem(std::size_t p) const {
        std::vector<exact> x(blocks_.elements());
        for (std::size_t e = 0; e < x.size(); ++e) x[e] = element(p, e);
        return x;
    }
    blocks<T, Parts> all() { return blocks_; }
    blocks<const T, Parts> all() const { return blocks_; }
    const buffer<T>& storage() const { return storage_; }
    bool canaries_live() const {
        return std::all_of(storage_.end() - line<T>, storage_.end(), [](T v) { return v == -77; });
    }
    problems copy() const {
        problems x(blocks_.elements(), blocks_.problems());
        std::copy(storage_.begin(), storage_.end(), x.storage_.begin());
        return x;
    }

private:
    buffer<T> storage_;
    blocks<T, Parts> blocks_;
};

template <class P>
bool same(const P& a, const P& b) {
    return reference::same_bits(a.storage(), b.storage());
}

// Lanes at the ends of two blocks; what happens between them is the same instruction.
template <class T>
constexpr std::array<std::size_t, 3> some_problems = {0, line<T> - 1, line<T>};

template <class T>
fft::detail::lines<T> lines_of(problems<T, 2>& x) {
    return fft::detail::lines<T>::at(x.all().data());
}
template <class T>
fft::detail::lines<const T> lines_of(const problems<T, 2>& x) {
    return fft::detail::lines<const T>::at(x.all().data());
}

// Every product of 2, 3, 5 and 7 up to 200, and lengths of two sweeps and more.
std::vector<std::size_t> smooth_lengths() {
    std::set<std::size_t> smooth{1};
    for (const std::size_t p : {2u, 3u, 5u, 7u}) {
        for (auto n = smooth.begin(); n != smooth.end() && *n * p <= 200; ++n) smooth.insert(*n * p);
    }
    smooth.insert({256, 512, 1000, 2304, 4096, 16384, 30870});
    return {smooth.begin(), smooth.end()};
}

// Element sum q_i m_i is frequency sum q_i l_i: the digits of the frequency, the last first.
std::vector<std::size_t> reversed_digits(std::size_t n) {
    const auto f = fft::detail::in_place_radices(n);
    std::vector<std::size_t> frequency{0};
    std::size_t l = 1;
    for (std::size_t i = 0; i < f.count; ++i) {
        std::vector<std::size_t> longer;
        for (const std::size_t k : frequency) {
            for (std::size_t q = 0; q < f.radix[i]; ++q) longer.push_back(k + q * l);
        }
        frequency = longer;
        l *= f.radix[i];
    }
    return frequency;
}

// Element i of the circular convolution, or of its adjoint, by its sum.
exact direct_sum(const std::vector<exact>& response, const std::vector<exact>& x, std::size_t i,
                 bool adjoint) {
    const std::size_t n = x.size();
    exact sum = 0;
    for (std::size_t t = 0; t < n; ++t) {
        const exact weight = adjoint ? std::conj(response[(t + n - i) % n]) : response[(i + n - t) % n];
        sum += reference::product(weight, x[t]);
    }
    return sum;
}

long double norm(const std::vector<exact>& x) {
    long double sum = 0;
    for (const exact& v : x) sum += std::norm(v);
    return std::sqrt(sum);
}
// Of some elements of long ones: at most what it is.
long double most_of_spectrum(const std::vector<exact>& response) {
    long double most = 0;
    for (const exact& v : reference::fourier_sums(response, reference::bins_of(response.size()), -1))
        most = std::max(most, std::abs(v));
    return most;
}

// The L2 error of y = response * x, or its adjoint, over |x| and the largest of the response's spectrum; by some
// elements of long ones.
struct convolution_error {
    explicit convolution_error(std::vector<exact> r)
        : response(std::move(r)), most(most_of_spectrum(response)) {}
    double operator()(const std::vector<exact>& x, const std::vector<exact>& y, bool adjoint) const {
        std::vector<exact> error;
        for (const std::size_t i : reference::bins_of(x.size()))
            error.push_back(y[i] - direct_sum(response, x, i, adjoint));
        const auto share = static_cast<double>(error.size()) / static_cast<double>(x.size());
        return static_cast<double>(norm(error) / (norm(x) * most)) / std::sqrt(share);
    }
    std::vector<exact> response;
    long double most;
};

template <class T, std::size_t Parts>
using number = std::conditional_t<Parts == 2, std::complex<T>, T>;

template <class T, std::size_t Parts>
std::vector<number<T, Parts>> random_response(std::size_t n) {
    const auto random = reference::random_numbers<T>(2 * n, 9);
    std::vector<number<T, Parts>> response(n);
    for (std::size_t t = 0; t < n; ++t) {
        if constexpr (Parts == 2) {
            response[t] = {random[t], random[n + t]};
        } else {
            response[t] = random[t];
        }
    }
    return response;
}

template <class A, class T, class Number>
fft::convolution<T, A> plan_for(const std::vector<Number>& response) {
    return fft::convolution<T, A>(std::span<const Number>(response));
}

// Applies a plan or its adjoint.
template <class Plan, class In, class Out>
void apply(const Plan& plan, bool adjoint, const In& in, Out& out) {
    adjoint ? plan.apply_adjoint(in.all(), out.all()) : plan.apply(in.all(), out.all());
}

// Direct and padded lengths, even and odd, primes among them.
const std::vector<std::size_t> few_lengths{1, 2, 3, 8, 11, 17, 34, 64, 101, 143, 210, 375, 1024};

// f(parts, n) for real and for complex problems of these lengths.
template <class F>
void for_both(const std::vector<std::size_t>& lengths, F&& f) {
    for (const std::size_t n : lengths) {
        f(std::integral_constant<std::size_t, 1>{}, n);
        f(std::integral_constant<std::size_t, 2>{}, n);
    }
}

} // namespace

TEMPLATE_LIST_TEST_CASE("a spectrum in any order is the natural one by reversed digits", "[fft]",
                        lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : smooth_lengths()) {
        CAPTURE(n);
        const fft::detail::scrambled_transform<T, A> transform(n);
        const auto frequency = reversed_digits(n);
        const auto x = problems<T, 2>::random(n, line<T>);
        problems<T, 2> natural(n, line<T>), any(n, line<T>), back(n, line<T>);
        fft::plan_c2c<T, A>(n).forward(x.all(), natural.all(), {}, T(0.5));
        transform.run_forward(lines_of(x), lines_of(any), T(0.5));
        transform.run_backward(lines_of(any), lines_of(back), T(2) / static_cast<T>(n));
        for (const std::size_t p : {std::size_t{0}, line<T> - 1}) {
            auto expected = natural.problem(p);
            for (std::size_t e = 0; e < n; ++e) {
                REQUIRE(transform.frequency(e) == frequency[e]);
                expected[e] = natural.element(p, frequency[e]);
            }
            const double limit = bound<T>(n); // of two transforms
            CHECK(reference::relative_error(any.problem(p), expected) <= limit);
            CHECK(reference::relative_error(back.problem(p), x.problem(p)) <= limit);
        }
        CHECK(any.canaries_live());
    }
}

TEMPLATE_LIST_TEST_CASE("a spectrum in any order comes in place, with the bits of out of place", "[fft]",
                        lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : smooth_lengths()) {
        CAPTURE(n);
        const fft::detail::scrambled_transform<T, A> transform(n);
        const auto x = problems<T, 2>::random(n, line<T>);
        const auto kept = x.copy();
        problems<T, 2> y(n, line<T>), z(n, line<T>);
        auto place = x.copy();
        transform.run_forward(lines_of(x), lines_of(y));
        transform.run_forward(lines_of(std::as_const(place)), lines_of(place));
        CHECK(same(place, y));
        transform.run_backward(lines_of(y), lines_of(z));
        transform.run_backward(lines_of(std::as_const(place)), lines_of(place));
        CHECK(same(place, z));
        CHECK(same(x, kept));
    }
}

TEST_CASE("mirrored ranges pair every frequency with its negative, once", "[fft]") {
    for (const std::size_t n : smooth_lengths()) {
        CAPTURE(n);
        const fft::detail::scrambled_transform<float, default_arch> transform(n);
        std::vector<int> seen(n);
        transform.for_each_mirrored([&](std::size_t first, std::size_t end) {
            for (; first < end; ++first, --end) {
                REQUIRE((transform.frequency(first) + transform.frequency(end - 1)) % n == 0);
                ++seen[first];
                if (first != end - 1) ++seen[end - 1];
            }
        });
        CHECK(std::count(seen.begin(), seen.end(), 1) == static_cast<std::ptrdiff_t>(n));
    }
}

TEMPLATE_LIST_TEST_CASE("convolutions and their adjoints are the sums they stand for", "[fft]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    std::vector<std::size_t> lengths = few_lengths;
    lengths.insert(lengths.end(),
                   {4, 5, 6, 12, 13, 16, 36, 121, 128, 169, 256, 257, 514, 1000, 1001, 1009});
    for_both(lengths, [&](auto parts, std::size_t n) {
        constexpr std::size_t Parts = parts;
        const auto response = random_response<T, Parts>(n);
        const convolution_error error({response.begin(), response.end()});
        const auto plan = plan_for<A, T>(response);
        const auto x = problems<T, Parts>::random(n, line<T> + 1);
        for (const bool adjoint : {false, true}) {
            CAPTURE(n, Parts, adjoint);
            problems<T, Parts> y(n, line<T> + 1);
            apply(plan, adjoint, x, y);
            for (const std::size_t p : some_problems<T>) {
                CHECK(error(x.problem(p), y.problem(p), adjoint) <= bound<T>(n));
            }
            CHECK(y.canaries_live());
        }
    });
}

TEMPLATE_LIST_TEST_CASE("a real response convolves complex blocks part by part", "[fft]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        CAPTURE(n);
        const auto response = random_response<T, 1>(n);
        const convolution_error error({response.begin(), response.end()});
        const auto plan = plan_for<A, T>(response);
        const auto x = problems<T, 2>::random(n, 3);
        problems<T, 2> y(n, 3);
        plan.apply(x.all(), y.all());
        CHECK(error(x.problem(2), y.problem(2), false) <= bound<T>(n));
    }
}

TEMPLATE_LIST_TEST_CASE("an impulse as response shifts", "[fft]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {1u, 2u, 15u, 17u, 64u, 210u, 1000u, 1009u, 4096u, 16384u}) {
        if (n > longest) continue;
        for (const std::size_t shift : {std::size_t{0}, n / 3, std::size_t{n - 1}}) {
            CAPTURE(n, shift);
            std::vector<T> response(n);
            response[shift] = T(1);
            const auto plan = plan_for<A, T>(response);
            const auto complex_in = problems<T, 2>::random(n, 1);
            const auto real_in = problems<T, 1>::random(n, 1);
            problems<T, 2> complex_out(n, 1);
            problems<T, 1> real_out(n, 1);
            plan.apply(complex_in.all(), complex_out.all());
            plan.apply(real_in.all(), real_out.all());
            long double most = 0; // |x| < 1 in each part
            for (std::size_t t = 0; t < n; ++t) {
                const std::size_t to = (t + shift) % n;
                most = std::max(most, std::abs(complex_out.element(0, to) - complex_in.element(0, t)));
                most = std::max(most, std::abs(real_out.element(0, to) - real_in.element(0, t)));
            }
            CHECK(most <= 6 * static_cast<long double>(reference::epsilon<T>));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a convolution and its adjoint are a pair", "[fft]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    std::vector<std::size_t> lengths = few_lengths;
    lengths.insert(lengths.end(), {4096, 4099, 16384});
    for_both(lengths, [&](auto parts, std::size_t n) {
        if (n > longest) return;
        constexpr std::size_t Parts = parts;
        CAPTURE(n, Parts);
        const auto plan = plan_for<A, T>(random_response<T, Parts>(n));
        const auto x = problems<T, Parts>::random(n, 1, 3), y = problems<T, Parts>::random(n, 1, 4);
        problems<T, Parts> ax(n, 1), ay(n, 1);
        plan.apply(x.all(), ax.all());
        plan.apply_adjoint(y.all(), ay.all());
        exact left = 0, right = 0;
        long double size_ax = 0, size_y = 0;
        for (std::size_t i = 0; i < n; ++i) {
            left += std::conj(y.element(0, i)) * ax.element(0, i);
            right += std::conj(ay.element(0, i)) * x.element(0, i);
            size_ax += std::norm(ax.element(0, i));
            size_y += std::norm(y.element(0, i));
        }
        CHECK(std::abs(left - right) <= 2 * bound<T>(n) * std::sqrt(size_ax * size_y));
    });
}

TEMPLATE_LIST_TEST_CASE(
    "convolutions in place, in given scratch and in any number of threads are the same", "[fft]",
    lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = 4 * line<T> + 3;
    for_both(few_lengths, [&](auto parts, std::size_t n) {
        constexpr std::size_t Parts = parts;
        const auto plan = plan_for<A, T>(random_response<T, Parts>(n));
        const auto x = problems<T, Parts>::random(n, count);
        const auto kept = x.copy();
        for (const bool adjoint : {false, true}) {
            CAPTURE(n, Parts, adjoint);
            problems<T, Parts> y(n, count);
            apply(plan, adjoint, x, y);
            CHECK(same(x, kept));
            auto place = x.copy();
            apply(plan, adjoint, place, place);
            CHECK(same(place, y));
            for (const int threads : {0, 2, 3}) {
                buffer<T> space(plan.scratch_size(threads) + line<T>);
                std::fill(space.begin(), space.end(), T(-77));
                const auto scratch = space.span().first(plan.scratch_size(threads));
                problems<T, Parts> z(n, count);
                adjoint ? plan.apply_adjoint(x.all(), z.all(), scratch, threads)
                        : plan.apply(x.all(), z.all(), scratch, threads);
                CHECK(same(z, y));
                CHECK(std::count(space.end() - line<T>, space.end(), T(-77)) == line<T>);
            }
        }
    });
}

TEMPLATE_LIST_TEST_CASE("NaN stays in the problem it is convolved in", "[fft]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = line<T> + 2, bad = 3;
    for_both(few_lengths, [&](auto parts, std::size_t n) {
        constexpr std::size_t Parts = parts;
        CAPTURE(n, Parts);
        const auto plan = plan_for<A, T>(random_response<T, Parts>(n));
        auto x = problems<T, Parts>::random(n, count);
        problems<T, Parts> clean(n, count), dirty(n, count);
        plan.apply(x.all(), clean.all());
        x(bad, n / 2) = std::numeric_limits<T>::quiet_NaN();
        plan.apply(x.all(), dirty.all());
        for (std::size_t p = 0; p < count; ++p) {
            for (std::size_t e = 0; e < n; ++e) {
                if (p == bad) {
                    REQUIRE(std::isnan(dirty.element(p, e).real()));
                } else {
                    REQUIRE(dirty.element(p, e) == clean.element(p, e));
                }
            }
        }
    });
}

TEST_CASE("a convolution needs scratch for padded lengths alone", "[fft]") {
    const auto scratch = [](std::size_t n, auto number) {
        return plan_for<default_arch, float>(std::vector<decltype(number)>(n)).scratch_size();
    };
    for (const std::size_t n : {2u, 1000u, 1024u, 1152u}) CHECK(scratch(n, 1.0f) == 0);
    for (const std::size_t n : {3u, 147u, 375u}) CHECK(scratch(n, std::complex<float>()) == 0);
    for (const std::size_t n : {3u, 375u, 1144u}) CHECK(scratch(n, 1.0f) > 0);
    CHECK(scratch(1009, std::complex<float>()) == 2 * line<float> * 2048);
}

TEST_CASE("convolutions refuse wrong arguments, name them and write nothing", "[fft]") {
    using reference::message_of;
    const std::vector<float> response(16, 1.0f);
    const std::vector<std::complex<float>> complex_response(17, 1.0f);
    const auto plan = plan_for<default_arch, float>(response);
    const auto padded = plan_for<default_arch, float>(complex_response);
    const auto in = problems<float, 2>::random(16, 20), shorter = problems<float, 2>::random(12, 20),
               more = problems<float, 2>::random(16, 21), longer = problems<float, 2>::random(17, 20);
    const auto real_in = problems<float, 1>::random(17, 20), real = problems<float, 1>::random(16, 20);
    auto out = problems<float, 2>::random(16, 20, 2), longer_out = problems<float, 2>::random(17, 20, 2);
    auto real_out = problems<float, 1>::random(17, 20, 2);
    const auto kept = out.copy(), kept_longer = longer_out.copy();
    const auto kept_real = real_out.copy();

    CHECK(message_of([&] { plan.apply(shorter.all(), out.all()); }) ==
          "fft::convolution::apply: in has 12 elements, expected 16");
    CHECK(message_of([&] { plan.apply_adjoint(in.all(), longer_out.all()); }) ==
          "fft::convolution::apply_adjoint: out has 17 elements, expected 16");
    CHECK(message_of([&] { plan.apply(more.all(), out.all()); }) ==
          "fft::convolution::apply: in holds 21 transforms, out holds 20");
    CHECK(message_of([&] { plan.apply(real.all(), real_out.all()); }) ==
          "fft::convolution::apply: out has 17 elements, expected 16");
    CHECK(message_of([&] { padded.apply_adjoint(real_in.all(), real_out.all()); }) ==
          "fft::convolution::apply_adjoint: the response is complex, real blocks want a real one");
    buffer<float> little(padded.scratch_size() - 1);
    CHECK(message_of([&] {
              padded.apply(longer.all(), longer_out.all(), little.span());
          }).starts_with("fft::convolution::apply: scratch has 1151 elements, expected 1152"));
    CHECK_THROWS_AS(plan.apply(in.all(), out.all(), {}, -1), std::invalid_argument);
    CHECK(message_of([] { plan_for<default_arch, float>(std::vector<float>()); }) ==
          "fft::convolution: length is 0, expected 1 to 1099511627776");
    CHECK(same(out, kept));
    CHECK(same(longer_out, kept_longer));
    CHECK(same(real_out, kept_real));
}
