// SPDX-License-Identifier: BSD-3-Clause
//
// Transforms of arrays in callers' own layouts. Rows of some lengths have a kernel of their own, which is
// compared with sums in long double; everything else gives the bits of lane blocks, whatever the strides.

#include "fft_kernels.hpp"
#include "reference.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <type_traits>
#include <vector>

#include <destrier/fft.hpp>

using namespace destrier;

namespace {

using exact = std::complex<long double>;

bool smooth(std::size_t n) {
    for (const std::size_t p : {2u, 3u, 5u, 7u, 11u, 13u}) {
        while (n % p == 0) n /= p;
    }
    return n == 1;
}

// The documented bound on the L2 relative error, in eps(T).
double bound(std::size_t n) {
    return (smooth(n) ? 0.5 : 1.0) *
           std::sqrt(std::log2(static_cast<double>(std::max<std::size_t>(n, 2))));
}

// Rows of numbers in an array of canaries, off the boundaries of registers.
template <class E>
class rows {
public:
    rows(std::size_t count, std::size_t n, std::size_t gap = 0, bool backwards = false)
        : count_(count), n_(n), stride_(n + gap), backwards_(backwards),
          storage_(first + count * stride_ + 1, canary) {}

    // The first numbers of a sequence: row p of any count is the same.
    static rows random(std::size_t count, std::size_t n, std::size_t gap = 0, bool backwards = false) {
        rows x(count, n, gap, backwards);
        x.fill_randomly();
        return x;
    }
    void fill_randomly() {
        constexpr std::size_t parts = sizeof(E) / sizeof(T);
        const auto numbers = reference::random_numbers<T>(count_ * n_ * parts, 11);
        for (std::size_t i = 0; i < count_ * n_; ++i) {
            if constexpr (parts == 2) {
                (*this)(i / n_, i % n_) = {numbers[2 * i], numbers[2 * i + 1]};
            } else {
                (*this)(i / n_, i % n_) = numbers[i];
            }
        }
    }

    std::size_t count() const { return count_; }
    std::size_t size() const { return n_; }
    E& operator()(std::size_t p, std::size_t e) { return storage_[place(p, e)]; }
    const E& operator()(std::size_t p, std::size_t e) const { return storage_[place(p, e)]; }
    std::vector<E> row(std::size_t p) const {
        const auto begin = storage_.begin() + static_cast<std::ptrdiff_t>(place(p, 0));
        return {begin, begin + static_cast<std::ptrdiff_t>(n_)};
    }
    std::vector<exact> row_exactly(std::size_t p) const {
        const auto x = row(p);
        return {x.begin(), x.end()};
    }

    view<E, 2> all() { return {&storage_[place(0, 0)], {count_, n_}, strides()}; }
    view<const E, 2> all() const { return {&storage_[place(0, 0)], {count_, n_}, strides()}; }
    // Rows p .. p + many - 1.
    view<const E, 2> some(std::size_t p, std::size_t many) const { return all().slice(0, p, many); }

    bool canaries_live() const {
        auto rest = storage_;
        for (std::size_t i = 0; i < count_ * n_; ++i) rest[place(i / n_, i % n_)] = canary;
        return std::all_of(rest.begin(), rest.end(), [](E v) { return v == canary; });
    }
    const std::vector<E>& storage() const { return storage_; }

private:
    using T = decltype(std::abs(E()));
    static constexpr E canary = [] {
        if constexpr (sizeof(E) == sizeof(T))
            return E(-77);
        else
            return E(-77, -78);
    }();
    static constexpr std::size_t first = 1;

    std::array<std::ptrdiff_t, 2> strides() const {
        const auto s = static_cast<std::ptrdiff_t>(stride_);
        return {backwards_ ? -s : s, 1};
    }
    std::size_t place(std::size_t p, std::size_t e) const {
        return first + (backwards_ ? count_ - 1 - p : p) * stride_ + e;
    }

    std::size_t count_, n_, stride_;
    bool backwards_;
    std::vector<E> storage_;
};

// A row of an array, and whether it is transformed in place, by how many threads, among how many.
struct surroundings {
    std::size_t count, gap;
    bool in_place, backwards;
    int threads;
};
const std::vector<surroundings> all_surroundings{
    {1, 0, true, false, 3},  {2, 0, false, false, 1},  {3, 1, true, true, 2},
    {5, 3, false, false, 3}, {17, 0, true, false, 2},  {17, 2, false, true, 1},
    {64, 1, true, false, 1}, {64, 0, false, false, 2}, {65, 3, true, false, 3},
    {65, 0, false, true, 1}, {130, 0, true, false, 1}, {130, 1, false, false, 3},
    {130, 0, true, true, 2}, {130, 5, false, true, 2},
};
constexpr std::size_t most_rows = 130;

// Lengths of rows with a kernel of their own where rows share registers, where they do not, where the width
// does not divide what is left of the length, and where rows are long; and lengths without.
const std::vector<std::size_t> few_lengths{1,   2,   12,  16,  17,  32,  34,  64,
                                           128, 208, 256, 288, 400, 432, 528, 1024};

// Multiples of `line`, which are transformed as rows, and others.
template <class T>
std::vector<std::size_t> row_lengths() {
    std::vector<std::size_t> list{1024, 1040, 1536, 4096, 16384};
    for (std::size_t n = line<T>; n <= 640; n += line<T>) {
        if (smooth(n)) list.push_back(n);
    }
    return list;
}

// The L2 error of rows against sums over the whole transforms that `whole` makes of rows of `in`, in eps.
template <class In, class Out, class Whole>
double error_of(const In& in, const Out& out, int sign, Whole&& whole) {
    const auto bins = reference::bins_of(out.size());
    std::vector<exact> got, truth;
    for (const std::size_t p : {std::size_t{0}, in.count() / 2, in.count() - 1}) {
        const auto sums = reference::fourier_sums(whole(in.row_exactly(p)), bins, sign);
        truth.insert(truth.end(), sums.begin(), sums.end());
        for (const std::size_t k : bins) got.push_back(out(p, k));
    }
    using T = decltype(std::abs(out(0, 0)));
    return reference::relative_error(got, truth) / reference::epsilon<T>;
}
template <class In, class Out>
double error_of(const In& in, const Out& out, int sign) {
    return error_of(in, out, sign, [](std::vector<exact> x) { return x; });
}

template <class T, class A>
void execute(const fft::plan_c2c<T, A>& plan, bool back,
             std::type_identity_t<view<const std::complex<T>, 2>> in, view<std::complex<T>, 2> out,
             T scale = T(1), int threads = 1) {
    reference::exact_scratch<T> scratch(plan.array_scratch_size(threads));
    back ? plan.backward(in, out, scratch.span(), scale, threads)
         : plan.forward(in, out, scratch.span(), scale, threads);
    CHECK(scratch.canaries_live());
}

template <class T, class A>
rows<std::complex<T>> transformed(const fft::plan_c2c<T, A>& plan, bool back,
                                  const rows<std::complex<T>>& in) {
    rows<std::complex<T>> out(in.count(), in.size());
    execute(plan, back, in.all(), out.all());
    return out;
}

// Every row by itself.
template <class T, class A>
std::vector<std::vector<std::complex<T>>> each_alone(const fft::plan_c2c<T, A>& plan, bool back,
                                                     const rows<std::complex<T>>& in) {
    std::vector<std::vector<std::complex<T>>> alone;
    for (std::size_t p = 0; p < in.count(); ++p) {
        alone.emplace_back(in.size());
        execute(plan, back, in.some(p, 1),
                view<std::complex<T>, 2>(alone.back().data(), {1, in.size()}));
    }
    return alone;
}

template <class E>
bool all_nan(const std::vector<E>& x) {
    return std::all_of(x.begin(), x.end(), [](E v) { return std::isnan(std::real(v) + std::imag(v)); });
}

template <class T>
std::vector<std::complex<T>> random_complex(std::size_t n, unsigned seed) {
    const auto parts = reference::random_numbers<T>(2 * n, seed);
    std::vector<std::complex<T>> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = {parts[2 * i], parts[2 * i + 1]};
    return x;
}

// Through lane blocks packed and unpacked by hand.
template <class T, class A>
std::vector<std::complex<T>> by_blocks(const std::vector<std::complex<T>>& x, std::size_t n, bool back,
                                       T scale = T(1)) {
    const std::size_t count = x.size() / n;
    buffer<T> data(complex_blocks<T>::size_for(n, count));
    const complex_blocks<T> blocks(data.data(), n, count);
    std::vector<std::complex<T>> y(x.size());
    pack<A>(view<const std::complex<T>, 2>(x.data(), {count, n}), blocks);
    const fft::plan_c2c<T, A> plan(n);
    back ? plan.backward(blocks, blocks, {}, scale) : plan.forward(blocks, blocks, {}, scale);
    unpack<A>(blocks, view<std::complex<T>, 2>(y.data(), {count, n}));
    return y;
}

} // namespace

TEMPLATE_LIST_TEST_CASE("rows meet the bound at every length that is theirs", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : row_lengths<T>()) {
        CAPTURE(n);
        const fft::plan_c2c<T, A> plan(n);
        const auto x = rows<std::complex<T>>::random(9, n, 3);
        CHECK(error_of(x, transformed(plan, false, x), -1) <= bound(n));
        CHECK(error_of(x, transformed(plan, true, x), +1) <= bound(n));
    }
}

TEMPLATE_LIST_TEST_CASE("impulses, constants and tones of rows come out at every bin", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {64u, 256u, 1024u}) {
        CAPTURE(n);
        const fft::plan_c2c<T, A> plan(n);
        std::vector<exact> roots(n);
        for (std::size_t k = 0; k < n; ++k) {
            roots[k] = std::polar(1.0L, 2 * std::numbers::pi_v<long double> *
                                            static_cast<long double>(k) / static_cast<long double>(n));
        }
        // A rounded tone is no longer pure: by eps / 4 in each part at most.
        const double limit = (bound(n) + 0.36) * reference::epsilon<T>;

        rows<std::complex<T>> impulses(n, n), tones(n, n); // row f is at t = f, of frequency f
        for (std::size_t f = 0; f < n; ++f) {
            for (std::size_t t = 0; t < n; ++t) {
                impulses(f, t) = T(f == t);
                tones(f, t) = {static_cast<T>(roots[f * t % n].real()),
                               static_cast<T>(roots[f * t % n].imag())};
            }
        }
        const auto waves = transformed(plan, false, impulses), peaks = transformed(plan, false, tones);
        // Nothing is rounded in these.
        CHECK(waves.row(0) == std::vector<std::complex<T>>(n, T(1)));
        std::vector<std::complex<T>> first(n);
        first[0] = static_cast<T>(n);
        CHECK(peaks.row(0) == first);
        for (std::size_t f = 0; f < n; ++f) {
            std::vector<exact> wave(n), peak(n);
            for (std::size_t k = 0; k < n; ++k) wave[k] = std::conj(roots[f * k % n]);
            peak[f] = static_cast<long double>(n);
            REQUIRE(reference::relative_error(waves.row(f), wave) <= limit);
            REQUIRE(reference::relative_error(peaks.row(f), peak) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a row's bits depend on nothing around it", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using array = rows<std::complex<T>>;
    for (const std::size_t n : few_lengths) {
        const fft::plan_c2c<T, A> plan(n);
        for (const bool back : {false, true}) {
            const auto alone = each_alone(plan, back, array::random(most_rows, n));
            for (const auto& [count, gap, in_place, backwards, threads] : all_surroundings) {
                CAPTURE(n, back, count, gap, in_place, backwards, threads);
                auto in = array::random(count, n, gap, backwards);
                const auto kept = in.storage();
                array other(count, n, gap + 2, backwards);
                array& out = in_place ? in : other;
                execute(plan, back, in.all(), out.all(), T(1), threads);
                std::size_t differ = 0;
                for (std::size_t p = 0; p < count; ++p) {
                    differ += reference::same_bits(out.row(p), alone[p]) ? 0 : 1;
                }
                CHECK(differ == 0);
                CHECK(out.canaries_live());
                CHECK((in_place || reference::same_bits(in.storage(), kept)));
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("NaN stays in its row", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    constexpr std::size_t count = 35;
    for (const std::size_t n : few_lengths) {
        for (const std::size_t bad : {std::size_t{2}, count - 1}) {
            CAPTURE(n, bad);
            const fft::plan_c2c<T, A> plan(n);
            auto x = rows<std::complex<T>>::random(count, n);
            const auto clean = transformed(plan, false, x);
            x(bad, n / 2) = std::numeric_limits<T>::quiet_NaN();
            const auto dirty = transformed(plan, false, x);
            CHECK(all_nan(dirty.row(bad)));
            for (std::size_t p = 0; p < count; ++p) {
                if (p != bad) REQUIRE(reference::same_bits(dirty.row(p), clean.row(p)));
            }

            const fft::plan_r2c<T, A> real(n);
            auto r = rows<T>::random(count, n);
            rows<std::complex<T>> half(count, n / 2 + 1), half_dirty(count, n / 2 + 1);
            rows<T> back(count, n), back_dirty(count, n);
            real.forward(r.all(), half.all());
            real.backward(half.all(), back.all());
            r(bad, n / 2) = std::numeric_limits<T>::quiet_NaN();
            real.forward(r.all(), half_dirty.all());
            real.backward(half_dirty.all(), back_dirty.all());
            CHECK(all_nan(half_dirty.row(bad)));
            CHECK(all_nan(back_dirty.row(bad)));
            for (std::size_t p = 0; p < count; ++p) {
                if (p == bad) continue;
                REQUIRE(reference::same_bits(half_dirty.row(p), half.row(p)));
                REQUIRE(reference::same_bits(back_dirty.row(p), back.row(p)));
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a scale of arrays is folded in as if multiplied afterwards", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : few_lengths) {
        for (const T scale : {T(0.25), T(-2), T(0.3)}) {
            CAPTURE(n, scale);
            // Exactly so for powers of two, else as well as both are known.
            const double limit = scale == T(0.3) ? 2 * bound(n) * reference::epsilon<T> : 0;
            const auto error = [&](const auto& with, const auto& without) {
                auto expected = without.row_exactly(1);
                for (exact& v : expected) v *= scale;
                return reference::relative_error(with.row(1), expected);
            };
            const auto x = rows<std::complex<T>>::random(3, n);
            const fft::plan_c2c<T, A> plan(n);
            for (const bool back : {false, true}) {
                rows<std::complex<T>> y(3, n);
                execute(plan, back, x.all(), y.all(), scale);
                CHECK(error(y, transformed(plan, back, x)) <= limit);
            }
            const fft::plan_r2c<T, A> real(n);
            const auto r = rows<T>::random(3, n);
            rows<std::complex<T>> half(3, n / 2 + 1), half_scaled(3, n / 2 + 1);
            rows<T> back(3, n), back_scaled(3, n);
            real.forward(r.all(), half.all());
            real.forward(r.all(), half_scaled.all(), {}, scale);
            real.backward(half.all(), back.all());
            real.backward(half.all(), back_scaled.all(), {}, scale);
            CHECK(error(half_scaled, half) <= limit);
            CHECK(error(back_scaled, back) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("arrays of other lengths give the bits of lane blocks", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const std::size_t n : {std::size_t{1}, std::size_t{12}, std::size_t{13}, std::size_t{34},
                                std::size_t{100}, std::size_t{210}}) {
        CAPTURE(n);
        const fft::plan_c2c<T, A> plan(n);
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, line<T>, 2 * line<T> + 3}) {
            const auto x = random_complex<T>(n * count, 3);
            const view<const std::complex<T>, 2> in(x.data(), {count, n});
            std::vector<std::complex<T>> y(x.size()), z = x;
            plan.forward(in, view<std::complex<T>, 2>(y.data(), {count, n}), {}, T(1), 2);
            CHECK(reference::same_bits(y, by_blocks<T, A>(x, n, false)));
            const view<std::complex<T>, 2> place(z.data(), {count, n});
            plan.backward(place, place);
            CHECK(reference::same_bits(z, by_blocks<T, A>(x, n, true)));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("columns, other strides and parts apart give the bits of lane blocks", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    constexpr std::size_t count = 2 * line<T> + 3;
    constexpr T scale = T(0.7);
    for (const std::size_t n : {std::size_t{1}, std::size_t{17}, std::size_t{30}, std::size_t{64}}) {
        const auto wide = static_cast<std::ptrdiff_t>(n), many = static_cast<std::ptrdiff_t>(count);
        const fft::plan_c2c<T, A> plan(n);
        for (const bool back : {false, true}) {
            CAPTURE(n, back);
            const auto x = random_complex<T>(n * count, 4);
            const auto expected = by_blocks<T, A>(x, n, back, scale);
            // From and to any of: columns, columns far apart, every second element of rows in reverse order,
            // elements backwards.
            struct layout {
                std::size_t size;
                std::ptrdiff_t first;
                std::array<std::ptrdiff_t, 2> strides;
            };
            const layout layouts[] = {{n * count, 0, {1, many}},
                                      {n * (count + 5), 1, {1, many + 5}},
                                      {2 * n * count, (many - 1) * 2 * wide, {-2 * wide, 2}},
                                      {n * count, wide - 1, {wide, -1}}};
            for (const layout& from : layouts) {
                for (const layout& to : layouts) {
                    std::vector<C> in(from.size, C(-77)), out(to.size, C(-77)), wanted = out;
                    const view<C, 2> a(in.data() + from.first, {count, n}, from.strides);
                    const view<C, 2> b(out.data() + to.first, {count, n}, to.strides);
                    const view<C, 2> c(wanted.data() + to.first, {count, n}, to.strides);
                    for (std::size_t i = 0; i < n * count; ++i) {
                        a(i / n, i % n) = x[i];
                        c(i / n, i % n) = expected[i];
                    }
                    execute(plan, back, a, b, scale, 2);
                    CHECK(reference::same_bits(out, wanted));
                    if (&from == &to) {
                        execute(plan, back, a, a, scale, 3);
                        CHECK(reference::same_bits(in, wanted));
                    }
                }
            }
            // Parts apart, re in rows and im in columns, and the other way round.
            std::vector<T> re(x.size()), im(x.size()), out_re(x.size(), T(-77)), out_im = out_re;
            const view<T, 2> in_rows(re.data(), {count, n}),
                in_columns(im.data(), {count, n}, {1, many});
            const view<T, 2> columns(out_re.data(), {count, n}, {1, many}),
                rows(out_im.data(), {count, n});
            for (std::size_t i = 0; i < x.size(); ++i) {
                in_rows(i / n, i % n) = x[i].real();
                in_columns(i / n, i % n) = x[i].imag();
            }
            reference::exact_scratch<T> scratch(plan.split_scratch_size(2));
            back ? plan.backward(in_rows, in_columns, columns, rows, scratch.span(), scale, 2)
                 : plan.forward(in_rows, in_columns, columns, rows, scratch.span(), scale, 2);
            CHECK(scratch.canaries_live());
            std::vector<C> joined(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) {
                joined[i] = {columns(i / n, i % n), rows(i / n, i % n)};
            }
            CHECK(reference::same_bits(joined, expected));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("real arrays meet the bound at every length, and come back", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    std::vector<std::size_t> lengths{256, 1000, 1024, 2018, 2048, 4096};
    for (std::size_t n = 1; n <= 200; ++n) lengths.push_back(n);
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const fft::plan_r2c<T, A> plan(n);
        const std::size_t count = line<T> + 1;
        const auto x = rows<T>::random(count, n, n % 2 == 0 ? 1 : 0);
        rows<std::complex<T>> half(count, n / 2 + 1, n % 3);
        rows<T> back(count, n, 3);
        plan.forward(x.all(), half.all());
        CHECK(error_of(x, half, -1) <= bound(n));
        plan.backward(half.all(), back.all(), {}, T(1) / static_cast<T>(n));
        CHECK(reference::relative_error(back.row(1), x.row(1)) <= 2 * bound(n) * reference::epsilon<T>);
        if (n % 2 == 0) {
            for (std::size_t p = 0; p < count; ++p) {
                REQUIRE(half(p, 0).imag() == 0);
                REQUIRE(half(p, n / 2).imag() == 0);
            }
        }

        const auto z = rows<std::complex<T>>::random(count, n / 2 + 1, n % 3);
        plan.backward(z.all(), back.all());
        CHECK(error_of(z, back, +1, [n](std::vector<exact> h) {
                  return reference::whole_spectrum(h, n);
              }) <= bound(n));
        CHECK((half.canaries_live() && back.canaries_live()));
    }
}

TEMPLATE_LIST_TEST_CASE("a real row's bits depend on nothing around it", "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    for (const std::size_t n : few_lengths) {
        const fft::plan_r2c<T, A> plan(n);
        const std::size_t half = n / 2 + 1;
        const auto reals = rows<T>::random(most_rows, n);
        const auto spectra = rows<C>::random(most_rows, half);
        std::vector<std::vector<C>> forward(most_rows, std::vector<C>(half));
        std::vector<std::vector<T>> backward(most_rows, std::vector<T>(n));
        for (std::size_t p = 0; p < most_rows; ++p) {
            plan.forward(reals.some(p, 1), view<C, 2>(forward[p].data(), {1, half}));
            plan.backward(spectra.some(p, 1), view<T, 2>(backward[p].data(), {1, n}));
        }
        for (const auto& [count, gap, in_place, backwards, threads] : all_surroundings) {
            CAPTURE(n, count, gap, in_place, backwards, threads);
            reference::exact_scratch<T> scratch(plan.array_scratch_size(threads));
            // In place rows are as long as spectra, and end in canaries.
            const std::size_t room = 2 * half + (in_place ? 2 * gap : 0);
            auto r = rows<T>::random(count, n, in_place ? room - n : gap, backwards);
            rows<C> other(count, half, gap, backwards);
            const auto row = [&](std::size_t p) { return reinterpret_cast<C*>(&r(p, 0)); };
            const auto spectrum =
                in_place ? view<C, 2>(row(0), {count, half}, {r.all().stride(0) / 2, 1}) : other.all();
            plan.forward(r.all(), spectrum, scratch.span(), T(1), threads);
            std::size_t differ = 0;
            for (std::size_t p = 0; p < count; ++p) {
                const std::vector<C> got(&spectrum(p, 0), &spectrum(p, 0) + half);
                differ += reference::same_bits(got, forward[p]) ? 0 : 1;
            }
            CHECK(differ == 0);
            CHECK(other.canaries_live());

            // What counts as real may hold anything else.
            for (std::size_t p = 0; p < count; ++p) {
                for (std::size_t k = 0; k < half; ++k) spectrum(p, k) = spectra(p, k);
                spectrum(p, 0).imag(std::numeric_limits<T>::quiet_NaN());
                if (n % 2 == 0) spectrum(p, n / 2).imag(std::numeric_limits<T>::quiet_NaN());
            }
            const auto kept = other.storage();
            plan.backward(spectrum, r.all(), scratch.span(), T(1), threads);
            for (std::size_t p = 0; p < count; ++p) {
                differ += reference::same_bits(r.row(p), backward[p]) ? 0 : 1;
            }
            CHECK(differ == 0);
            CHECK(scratch.canaries_live());
            CHECK((in_place || (r.canaries_live() && reference::same_bits(other.storage(), kept))));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("real arrays in columns, or backwards, are as close as rows", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    for (const std::size_t n : {std::size_t{1}, std::size_t{22}, std::size_t{45}, std::size_t{64}}) {
        CAPTURE(n);
        const std::size_t count = line<T> + 5, half = n / 2 + 1;
        const auto many = static_cast<std::ptrdiff_t>(count), wide = static_cast<std::ptrdiff_t>(n);
        const fft::plan_r2c<T, A> plan(n);
        const auto x = rows<T>::random(count, n);
        std::vector<T> reals(count * n), back(count * n);
        std::vector<C> spectra(count * half);
        const view<T, 2> columns(reals.data(), {count, n}, {1, many});
        const view<T, 2> reversed(back.data() + n - 1, {count, n}, {wide, -1});
        const view<C, 2> spectrum(spectra.data(), {count, half}, {1, many});
        for (std::size_t i = 0; i < count * n; ++i) columns(i / n, i % n) = x(i / n, i % n);
        plan.forward(columns, spectrum, {}, T(1), 2);
        rows<C> got(count, half);
        for (std::size_t i = 0; i < count * half; ++i) {
            got(i / half, i % half) = spectrum(i / half, i % half);
        }
        CHECK(error_of(x, got, -1) <= bound(n));
        plan.backward(spectrum, reversed, {}, T(1) / static_cast<T>(n), 2);
        std::vector<T> returned(count * n), original(count * n);
        for (std::size_t i = 0; i < count * n; ++i) {
            returned[i] = reversed(i / n, i % n);
            original[i] = x(i / n, i % n);
        }
        CHECK(reference::relative_error(returned, original) <= 2 * bound(n) * reference::epsilon<T>);
    }
}

TEST_CASE("arrays of other shapes than the plan's are refused", "[fft]") {
    std::vector<std::complex<float>> a(200), b(200);
    std::vector<float> r(200);
    using complexes = view<std::complex<float>, 2>;
    const fft::plan_c2c<float> plan(10);
    CHECK_THROWS_WITH(plan.forward(complexes(a.data(), {20, 9}), complexes(b.data(), {20, 10})),
                      reference::ContainsSubstring("in has 9 elements, expected 10"));
    CHECK_THROWS_WITH(plan.backward(complexes(a.data(), {20, 10}), complexes(b.data(), {19, 10})),
                      reference::ContainsSubstring("in holds 20 transforms, out holds 19"));
    buffer<float> little(plan.array_scratch_size() - 1);
    CHECK_THROWS_WITH(
        plan.forward(complexes(a.data(), {20, 10}), complexes(b.data(), {20, 10}), little.span()),
        reference::ContainsSubstring("scratch has"));
    const fft::plan_r2c<float> real(10);
    CHECK_THROWS_WITH(real.forward(view<float, 2>(r.data(), {20, 10}), complexes(b.data(), {20, 5})),
                      reference::ContainsSubstring("spectra has 5 elements, expected 6"));
}
