// SPDX-License-Identifier: BSD-3-Clause
//
// Transforms of N-dimensional arrays against N-dimensional sums in long double, in layouts of all kinds.

#include "fft_kernels.hpp"
#include "reference.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <vector>

#include <destrier/fft/shapes.hpp>

using namespace destrier;
using fft::shape_t;
using fft::stride_t;

namespace {

using exact = std::complex<long double>;

std::size_t points_of(const shape_t& shape) {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
}

// The indices of element `number`, the last one fastest.
shape_t index_of(std::size_t number, const shape_t& shape) {
    shape_t index(shape.size());
    for (std::size_t i = shape.size(); i-- > 0; number /= shape[i]) index[i] = number % shape[i];
    return index;
}

// How an array lies: which index is fastest, how many elements are left out between, which axes run
// backwards (bit i for axis i).
struct layout {
    bool columns = false;
    std::size_t gap = 0;
    unsigned backwards = 0;
};

const std::vector<std::array<layout, 2>> layout_pairs{
    {layout{}, layout{}},
    {layout{.columns = true}, layout{.gap = 2}},
    {layout{.backwards = 15}, layout{.columns = true}},
    {layout{}, layout{.backwards = 15}},
    {layout{.gap = 1, .backwards = 5}, layout{.columns = true, .gap = 1, .backwards = 6}}};

// An array in a layout; every element around it and between its own is a canary.
template <class E>
class array {
public:
    array(const shape_t& shape, const layout& how)
        : shape_(shape), strides_(shape.size()), places_(points_of(shape)) {
        std::ptrdiff_t step = 1 + static_cast<std::ptrdiff_t>(how.gap), first = margin;
        for (std::size_t i = 0; i < shape.size(); ++i) {
            const std::size_t axis = how.columns ? i : shape.size() - 1 - i;
            const auto extent = static_cast<std::ptrdiff_t>(shape[axis]);
            const bool backwards = how.backwards >> axis & 1u;
            strides_[axis] = backwards ? -step : step;
            if (backwards) first += step * (extent - 1);
            step = step * extent + static_cast<std::ptrdiff_t>(how.gap);
        }
        first_ = static_cast<std::size_t>(first);
        storage_.assign(2 * margin + static_cast<std::size_t>(step), canary());
        for (std::size_t number = 0; number < places_.size(); ++number) {
            const shape_t index = index_of(number, shape);
            std::ptrdiff_t place = first;
            for (std::size_t i = 0; i < index.size(); ++i) {
                place += strides_[i] * static_cast<std::ptrdiff_t>(index[i]);
            }
            places_[number] = static_cast<std::size_t>(place);
        }
    }
    array(const shape_t& shape, const layout& how, const std::vector<E>& values) : array(shape, how) {
        for (std::size_t i = 0; i < places_.size(); ++i) storage_[places_[i]] = values[i];
    }

    E* data() { return storage_.data() + first_; }
    stride_t strides() const {
        stride_t bytes = strides_;
        for (std::ptrdiff_t& b : bytes) b *= static_cast<std::ptrdiff_t>(sizeof(E));
        return bytes;
    }
    // In the order of the last index fastest.
    std::vector<E> values() const {
        std::vector<E> v;
        for (const std::size_t place : places_) v.push_back(storage_[place]);
        return v;
    }
    bool canaries_live() const {
        std::vector<E> rest = storage_;
        for (const std::size_t place : places_) rest[place] = canary();
        return std::all_of(rest.begin(), rest.end(), [](const E& e) { return e == canary(); });
    }

private:
    static constexpr std::ptrdiff_t margin = 7;
    static E canary() { return E(-77); }

    shape_t shape_;
    stride_t strides_;
    std::vector<std::size_t> places_;
    std::size_t first_;
    std::vector<E> storage_;
};

template <class E>
std::vector<E> random_values(const shape_t& shape, unsigned seed) {
    const std::size_t n = points_of(shape);
    if constexpr (std::is_floating_point_v<E>) {
        return reference::random_numbers<E>(n, seed);
    } else {
        const auto parts = reference::random_numbers<typename E::value_type>(2 * n, seed);
        std::vector<E> x(n);
        for (std::size_t i = 0; i < n; ++i) x[i] = {parts[2 * i], parts[2 * i + 1]};
        return x;
    }
}

template <class E>
std::vector<exact> exactly(const std::vector<E>& x) {
    return {x.begin(), x.end()};
}

// exp(sign 2 pi i k / n) for all k.
std::vector<exact> roots(std::size_t n, int sign) {
    std::vector<exact> r;
    for (std::size_t k = 0; k < n; ++k) {
        r.push_back(std::polar(1.0L, 2 * sign * std::numbers::pi_v<long double> *
                                         static_cast<long double>(k) / static_cast<long double>(n)));
    }
    return r;
}

// The definition: over all elements that differ from an element's indices along these axes only.
std::vector<exact> fourier_sums(const shape_t& shape, const std::vector<exact>& x, const shape_t& axes,
                                int sign) {
    std::vector<exact> out;
    std::vector<bool> summed(shape.size());
    for (const std::size_t axis : axes) summed[axis] = true;
    std::vector<std::vector<exact>> tables;
    for (const std::size_t extent : shape) tables.push_back(roots(extent, sign));
    for (std::size_t k = 0; k < x.size(); ++k) {
        const shape_t to = index_of(k, shape);
        exact sum = 0;
        for (std::size_t t = 0; t < x.size(); ++t) {
            const shape_t from = index_of(t, shape);
            exact term = x[t];
            for (std::size_t i = 0; i < shape.size() && term != exact(0); ++i) {
                if (summed[i])
                    term *= tables[i][to[i] * from[i] % shape[i]];
                else if (to[i] != from[i])
                    term = 0;
            }
            sum += term;
        }
        out.push_back(sum);
    }
    return out;
}

shape_t half_shape(shape_t shape, std::size_t axis) {
    shape[axis] = shape[axis] / 2 + 1;
    return shape;
}

// The element with these indices in an array of that shape.
template <class E>
const E& element(const std::vector<E>& x, const shape_t& shape, const shape_t& index) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) number = number * shape[i] + index[i];
    return x[number];
}

// The first n / 2 + 1 elements along an axis.
std::vector<exact> half_of(const std::vector<exact>& x, const shape_t& shape, std::size_t axis) {
    const shape_t half = half_shape(shape, axis);
    std::vector<exact> out;
    for (std::size_t i = 0; i < points_of(half); ++i) {
        out.push_back(element(x, shape, index_of(i, half)));
    }
    return out;
}

// All n elements along an axis of half spectra, the others mirror images, those without one real.
std::vector<exact> whole_of(const std::vector<exact>& x, const shape_t& shape, std::size_t axis) {
    const shape_t half = half_shape(shape, axis);
    std::vector<exact> out;
    for (std::size_t i = 0; i < points_of(shape); ++i) {
        shape_t index = index_of(i, shape);
        const std::size_t k = index[axis], mirror = (shape[axis] - k) % shape[axis];
        index[axis] = std::min(k, mirror);
        const exact e = element(x, half, index);
        out.push_back(k == mirror ? exact(e.real()) : k < mirror ? e : std::conj(e));
    }
    return out;
}

// All choices of axes in all orders; the empty one is the first.
std::vector<shape_t> axis_choices(std::size_t rank) {
    std::vector<shape_t> choices{{}};
    for (std::size_t done = 0; done < choices.size(); ++done) {
        for (std::size_t axis = 0; axis < rank; ++axis) {
            shape_t longer = choices[done];
            if (std::count(longer.begin(), longer.end(), axis) > 0) continue;
            longer.push_back(axis);
            choices.push_back(longer);
        }
    }
    return choices;
}

const std::vector<shape_t> shapes{{3}, {1}, {4, 5}, {3, 4, 5}, {2, 1, 7}, {16, 33}, {5, 2, 3, 4}};

// In eps(T): the documented bound, for what is transformed along these axes.
double bound(const shape_t& shape, const shape_t& axes) {
    std::size_t n = 1;
    for (const std::size_t axis : axes) n *= shape[axis];
    return 0.7 * std::sqrt(std::log2(static_cast<double>(std::max<std::size_t>(n, 2))));
}

template <class T, class E>
void check_close(const std::vector<E>& a, const std::vector<exact>& b, double allowed) {
    CHECK(reference::relative_error(a, b) <= allowed * reference::epsilon<T>);
}

std::vector<exact> scaled(std::vector<exact> x, long double factor) {
    for (exact& e : x) e *= factor;
    return x;
}

int sign_of(bool forward) { return forward ? -1 : 1; }

} // namespace

TEMPLATE_LIST_TEST_CASE("complex arrays of any shape are transformed along any axes", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    for (const shape_t& shape : shapes) {
        const auto x = random_values<C>(shape, 1);
        std::map<shape_t, std::array<std::vector<exact>, 2>> expected; // by the axes in order
        for (const shape_t& axes : axis_choices(shape.size())) {
            shape_t sorted = axes;
            std::sort(sorted.begin(), sorted.end());
            for (const bool forward : {false, true}) {
                auto& sums = expected[sorted][forward];
                if (sums.empty()) sums = fourier_sums(shape, exactly(x), axes, sign_of(forward));
                CAPTURE(shape, axes, forward);
                for (const auto& [how_in, how_out] : layout_pairs) {
                    array<C> in(shape, how_in, x), out(shape, how_out);
                    fft::c2c<T, A>(shape, in.strides(), out.strides(), axes, forward, in.data(),
                                   out.data(), T(3));
                    check_close<T>(out.values(), scaled(sums, 3), bound(shape, axes));
                    REQUIRE(out.canaries_live());
                    REQUIRE(reference::same_bits(in.values(), x));

                    fft::c2c<T, A>(shape, in.strides(), in.strides(), axes, forward, in.data(),
                                   in.data(), T(1));
                    check_close<T>(in.values(), sums, bound(shape, axes));
                    REQUIRE(in.canaries_live());
                }
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("real arrays of any shape become half spectra along the last of any axes",
                        "[fft]", reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    for (const shape_t& shape : shapes) {
        const auto x = random_values<T>(shape, 2);
        for (const shape_t& axes : axis_choices(shape.size())) {
            if (axes.empty()) continue;
            const shape_t half = half_shape(shape, axes.back());
            for (const bool forward : {false, true}) {
                CAPTURE(shape, axes, forward);
                const auto sums =
                    half_of(fourier_sums(shape, exactly(x), axes, sign_of(forward)), shape, axes.back());
                for (const auto& [how_in, how_out] : layout_pairs) {
                    array<T> in(shape, how_in, x);
                    array<std::complex<T>> out(half, how_out);
                    fft::r2c<T, A>(shape, in.strides(), out.strides(), axes, forward, in.data(),
                                   out.data(), T(3));
                    check_close<T>(out.values(), scaled(sums, 3), bound(shape, axes));
                    REQUIRE(out.canaries_live());
                    REQUIRE(reference::same_bits(in.values(), x));
                }
            }
        }
    }
}

TEMPLATE_LIST_TEST_CASE("half spectra, the mirror images of others or not, become real arrays", "[fft]",
                        reference::lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    using C = std::complex<T>;
    for (const shape_t& shape : shapes) {
        for (const shape_t& axes : axis_choices(shape.size())) {
            if (axes.empty()) continue;
            const std::size_t last = axes.back();
            const shape_t half = half_shape(shape, last), others(axes.begin(), axes.end() - 1);
            const auto x = random_values<C>(half, 3);
            for (const bool forward : {false, true}) {
                CAPTURE(shape, axes, forward);
                const int sign = sign_of(forward);
                const auto spectra = whole_of(fourier_sums(half, exactly(x), others, sign), shape, last);
                const auto sums = fourier_sums(shape, spectra, {last}, sign);
                for (const auto& [how_in, how_out] : layout_pairs) {
                    array<C> in(half, how_in, x);
                    array<T> out(shape, how_out);
                    fft::c2r<T, A>(shape, in.strides(), out.strides(), axes, forward, in.data(),
                                   out.data(), T(3));
                    check_close<T>(out.values(), scaled(sums, 3), bound(shape, axes));
                    REQUIRE(out.canaries_live());
                    REQUIRE(reference::same_bits(in.values(), x));
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("real arrays come back", "[fft]", float, double) {
    using T = TestType;
    const shape_t shape{12, 30, 45};
    const auto x = random_values<T>(shape, 4);
    for (const shape_t& axes : axis_choices(shape.size())) {
        if (axes.empty()) continue;
        std::size_t n = 1;
        for (const std::size_t axis : axes) n *= shape[axis];
        array<T> in(shape, {}, x), out(shape, {.columns = true});
        array<std::complex<T>> spectra(half_shape(shape, axes.back()), {});
        for (const bool forward : {false, true}) {
            fft::r2c(shape, in.strides(), spectra.strides(), axes, forward, in.data(), spectra.data(),
                     fft::scale_of<T>(fft::norm::ortho, n));
            fft::c2r(shape, spectra.strides(), out.strides(), axes, !forward, spectra.data(), out.data(),
                     fft::scale_of<T>(fft::norm::ortho, n));
            check_close<T>(out.values(), exactly(x), 2 * bound(shape, axes));
        }
    }
}

TEMPLATE_TEST_CASE("any number of threads gives the same bits of arrays", "[fft]", float, double) {
    using T = TestType;
    using C = std::complex<T>;
    const std::vector<shape_t> choices{{1}, {2}, {2, 0, 1}};
    for (const shape_t& shape : {shape_t{7, 36, 50}, shape_t{3, 21, 256}}) {
        const auto x = random_values<C>(shape, 5);
        const auto reals = random_values<T>(shape, 6);
        for (const shape_t& axes : choices) {
            for (const auto& [how_in, how_out] : {layout_pairs.front(), layout_pairs.back()}) {
                CAPTURE(shape, axes);
                array<C> in(shape, how_in, x);
                array<T> real_in(shape, how_in, reals);
                std::array<std::vector<C>, 4> complexes, spectra;
                std::array<std::vector<T>, 4> sums;
                for (const std::size_t nthreads : {1u, 2u, 3u}) {
                    array<C> out(shape, how_out), half(half_shape(shape, axes.back()), how_out);
                    array<T> real_out(shape, how_out);
                    fft::c2c(shape, in.strides(), out.strides(), axes, true, in.data(), out.data(), T(1),
                             nthreads);
                    fft::r2c(shape, real_in.strides(), half.strides(), axes, false, real_in.data(),
                             half.data(), T(1), nthreads);
                    fft::c2r(shape, half.strides(), real_out.strides(), axes, true, half.data(),
                             real_out.data(), T(1), nthreads);
                    complexes[nthreads] = out.values();
                    spectra[nthreads] = half.values();
                    sums[nthreads] = real_out.values();
                    REQUIRE(reference::same_bits(complexes[nthreads], complexes[1]));
                    REQUIRE(reference::same_bits(spectra[nthreads], spectra[1]));
                    REQUIRE(reference::same_bits(sums[nthreads], sums[1]));
                }
            }
        }
    }
}

TEST_CASE("an impulse in a large array becomes a plane wave", "[fft]") {
    using C = std::complex<float>;
    const shape_t shape{40, 33, 64}, at{3, 32, 17};
    std::vector<C> x(points_of(shape));
    x[(at[0] * shape[1] + at[1]) * shape[2] + at[2]] = 1;
    const std::vector<exact> a = roots(shape[0], -1), b = roots(shape[1], -1), c = roots(shape[2], -1);
    std::vector<exact> wave;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const shape_t k = index_of(i, shape);
        wave.push_back(a[k[0] * at[0] % shape[0]] * b[k[1] * at[1] % shape[1]] *
                       c[k[2] * at[2] % shape[2]]);
    }
    for (const auto& [how_in, how_out] : layout_pairs) {
        array<C> in(shape, how_in, x), out(shape, how_out);
        fft::c2c(shape, in.strides(), out.strides(), {1, 2, 0}, true, in.data(), out.data(), 1.0f, 0);
        check_close<float>(out.values(), wave, bound(shape, {0, 1, 2}));
        CHECK(out.canaries_live());
    }
}

TEST_CASE("axes are joined where strides allow, and neighbours share a register", "[fft]") {
    using axes = fft::detail::array_axes<default_arch>;
    const auto across = [](const axes& array, std::size_t axis) {
        const auto b = fft::detail::batches_along(array, axis, 16);
        return std::array<std::size_t, 2>{b.across.extent, b.views()};
    };
    using batches = std::array<std::size_t, 2>; // transforms of a view, views
    const axes contiguous{{30, 2000, 2000}, {40, 50, 50}, {50, 1, 1}};
    CHECK(across(contiguous, 0) == batches{2000, 1});
    CHECK(across(contiguous, 1) == batches{50, 30});
    CHECK(across(contiguous, 2) == batches{1200, 1});
    const axes reversed{{30, -2000, 2000}, {40, -50, 50}, {50, 1, 1}};
    CHECK(across(reversed, 0) == batches{50, 40});
    const axes few_neighbours{{30, 200, 200}, {50, 4, 4}, {4, 1, 1}};
    CHECK(across(few_neighbours, 1) == batches{30, 4});
    const axes part_of_rows{{30, 8000, 8000}, {20, 80, 80}, {64, 1, 1}};
    CHECK(across(part_of_rows, 2) == batches{30, 20});
}

TEST_CASE("the same element may be read many times", "[fft]") {
    using C = std::complex<double>;
    const std::vector<C> row = random_values<C>({6}, 7);
    std::vector<C> rows, out(24);
    for (int i = 0; i < 4; ++i) rows.insert(rows.end(), row.begin(), row.end());
    fft::c2c({4, 6}, {0, sizeof(C)}, {6 * sizeof(C), sizeof(C)}, {0, 1}, true, row.data(), out.data(),
             1.0);
    check_close<double>(out, fourier_sums({4, 6}, exactly(rows), {0, 1}, -1), bound({4, 6}, {0, 1}));
}

TEST_CASE("imaginary parts that real arrays cannot have are not read", "[fft]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const std::size_t n : {std::size_t{1}, std::size_t{8}, std::size_t{9}}) {
        auto x = random_values<std::complex<float>>({n / 2 + 1}, 8);
        for (const bool forward : {false, true}) {
            std::vector<float> plain(n), other(n);
            x[0].imag(0);
            if (n % 2 == 0) x[n / 2].imag(0);
            fft::c2r({n}, {8}, {4}, 0, forward, x.data(), plain.data(), 1.0f);
            x[0].imag(nan);
            if (n % 2 == 0) x[n / 2].imag(nan);
            fft::c2r({n}, {8}, {4}, 0, forward, x.data(), other.data(), 1.0f);
            CHECK(reference::same_bits(plain, other));
        }
    }
}

TEST_CASE("one axis may be given as a number", "[fft]") {
    const shape_t shape{5, 6};
    const auto x = random_values<double>(shape, 9);
    for (const std::size_t axis : {0u, 1u}) {
        array<double> in(shape, {}, x), a(shape, {}), b(shape, {});
        array<std::complex<double>> p(half_shape(shape, axis), {}), q(half_shape(shape, axis), {});
        fft::r2c(shape, in.strides(), p.strides(), axis, true, in.data(), p.data(), 2.0);
        fft::r2c(shape, in.strides(), q.strides(), shape_t{axis}, true, in.data(), q.data(), 2.0);
        CHECK(reference::same_bits(p.values(), q.values()));
        fft::c2r(shape, p.strides(), a.strides(), axis, false, p.data(), a.data(), 2.0);
        fft::c2r(shape, p.strides(), b.strides(), shape_t{axis}, false, p.data(), b.data(), 2.0);
        CHECK(reference::same_bits(a.values(), b.values()));
    }
}

TEST_CASE("an array without axes is one element", "[fft]") {
    const std::complex<float> in(2, 3);
    std::complex<float> out;
    fft::c2c({}, {}, {}, {}, true, &in, &out, 2.0f);
    CHECK(out == std::complex<float>(4, 6));
}

TEST_CASE("strides of axes of one element are not followed", "[fft]") {
    const auto x = random_values<std::complex<double>>({4}, 10);
    std::vector<std::complex<double>> out(4), expected(4);
    fft::c2c({4}, {16}, {16}, {0}, true, x.data(), expected.data(), 1.0);
    fft::c2c({1, 4}, {0, 16}, {-7, 16}, {0, 1}, true, x.data(), out.data(), 1.0);
    CHECK(reference::same_bits(out, expected));
}

TEST_CASE("empty arrays are left alone", "[fft]") {
    std::complex<double>* const none = nullptr;
    double* const no_reals = nullptr;
    for (const shape_t& shape : {shape_t{0, 3}, shape_t{3, 0}}) {
        fft::c2c(shape, {48, 16}, {16, 48}, {1, 0}, true, none, none, 1.0);
        fft::r2c(shape, {24, 8}, {48, 16}, {0, 1}, true, no_reals, none, 1.0);
        fft::c2r(shape, {48, 16}, {24, 8}, 1, true, none, no_reals, 1.0);
    }
}

TEST_CASE("arrays that do not fit together are refused, and nothing is written", "[fft]") {
    using C = std::complex<float>;
    const C untouched(-77);
    std::vector<C> x(24), y(24, untouched);
    std::vector<float> r(24);
    const shape_t shape{2, 3, 4};
    const stride_t good{96, 32, 8}, reals{48, 16, 4};
    C* const null = nullptr;
    const auto c2c = [&](const stride_t& in, const stride_t& out, const shape_t& axes, const C* from,
                         C* to) {
        return reference::message_of([&] { fft::c2c(shape, in, out, axes, true, from, to, 1.0f); });
    };
    CHECK(c2c({32, 8}, good, {0}, x.data(), y.data()) ==
          "fft::c2c: stride_in has 2 entries, expected 3");
    CHECK(c2c(good, {96, 32, 8, 8}, {0}, x.data(), y.data()) ==
          "fft::c2c: stride_out has 4 entries, expected 3");
    CHECK(c2c(good, good, {0, 3}, x.data(), y.data()) == "fft::c2c: axis is 3, expected less than 3");
    CHECK(c2c(good, good, {2, 0, 2}, x.data(), y.data()) == "fft::c2c: axis 2 is named more than once");
    CHECK(c2c({96, -30, 8}, good, {0}, x.data(), y.data()) ==
          "fft::c2c: stride_in[1] is -30 bytes, expected a multiple of 8");
    CHECK(c2c(good, {96, 32, 4}, {0}, x.data(), y.data()) ==
          "fft::c2c: stride_out[2] is 4 bytes, expected a multiple of 8");
    CHECK(c2c(good, {0, 32, 8}, {1}, x.data(), y.data()) ==
          "fft::c2c: stride_out[0] is 0 bytes, elements would coincide");
    CHECK(c2c(good, good, {1}, null, y.data()) == "fft::c2c: in is null, the array is not empty");
    CHECK(c2c(good, good, {1}, x.data(), null) == "fft::c2c: out is null, the array is not empty");
    CHECK(c2c(good, {96, 8, 24}, {1}, y.data(), y.data()) ==
          "fft::c2c: in is out, but stride_in[1] is 32 bytes, stride_out[1] is 8 bytes");

    const auto r2c = [&](const stride_t& in, const stride_t& out, const shape_t& axes, const float* from,
                         C* to) {
        return reference::message_of([&] { fft::r2c(shape, in, out, axes, true, from, to, 1.0f); });
    };
    CHECK(r2c({16, 4}, good, {0}, r.data(), y.data()) ==
          "fft::r2c: stride_in has 2 entries, expected 3");
    CHECK(r2c(reals, good, {}, r.data(), y.data()) ==
          "fft::r2c: axes has 0 entries, expected 1 or more");
    CHECK(r2c(reals, good, {1, 1}, r.data(), y.data()) == "fft::r2c: axis 1 is named more than once");
    CHECK(r2c(reals, reals, {0}, r.data(), y.data()) ==
          "fft::r2c: stride_out[2] is 4 bytes, expected a multiple of 8");
    CHECK(r2c({48, 16, 6}, good, {0}, r.data(), y.data()) ==
          "fft::r2c: stride_in[2] is 6 bytes, expected a multiple of 4");
    CHECK(r2c(reals, good, {0}, nullptr, y.data()) == "fft::r2c: in is null, the array is not empty");
    CHECK(r2c(reals, good, {0}, reinterpret_cast<float*>(y.data()), y.data()) ==
          "fft::r2c: in is out, expected different memory");
    CHECK(y == std::vector<C>(24, untouched));

    const auto c2r = [&](const stride_t& in, const stride_t& out, std::size_t axis, const C* from,
                         float* to) {
        return reference::message_of([&] { fft::c2r(shape, in, out, axis, true, from, to, 1.0f); });
    };
    CHECK(c2r(good, {4}, 0, x.data(), r.data()) == "fft::c2r: stride_out has 1 entries, expected 3");
    CHECK(c2r(good, reals, 7, x.data(), r.data()) == "fft::c2r: axis is 7, expected less than 3");
    CHECK(c2r(good, {48, 16, 5}, 0, x.data(), r.data()) ==
          "fft::c2r: stride_out[2] is 5 bytes, expected a multiple of 4");
    CHECK(c2r(good, reals, 0, x.data(), nullptr) == "fft::c2r: out is null, the array is not empty");
    CHECK(c2r(good, reals, 0, x.data(), reinterpret_cast<float*>(x.data())) ==
          "fft::c2r: in is out, expected different memory");
    CHECK(r == std::vector<float>(24));
}

TEST_CASE("norms are numpy's", "[fft]") {
    CHECK(fft::scale_of<float>(fft::norm::none, 12) == 1.0f);
    CHECK(fft::scale_of<double>(fft::norm::by_n, 12) == 1.0 / 12);
    CHECK(fft::scale_of<double>(fft::norm::ortho, 64) == 1.0 / 8);
}
