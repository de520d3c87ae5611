// SPDX-License-Identifier: BSD-3-Clause
//
// Two-dimensional transforms against sums in long double over rows and columns, and against plans of one
// dimension; bands of rows against whole planes.

#include "fft_kernels.hpp"
#include "reference.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <vector>

#include <destrier/fft.hpp>

using namespace destrier;

namespace {

using exact = std::complex<long double>;
using reference::lanes;

bool smooth(std::size_t n) {
    for (const std::size_t p : {2u, 3u, 5u, 7u, 11u, 13u}) {
        while (n % p == 0) n /= p;
    }
    return n == 1;
}

// The documented bound on the L2 relative error.
template <class T>
double bound(std::size_t rows, std::size_t columns) {
    const double factor = smooth(rows) && smooth(columns) ? 0.5 : 1.0;
    return factor * std::sqrt(std::log2(static_cast<double>(std::max<std::size_t>(rows * columns, 2)))) *
           reference::epsilon<T>;
}

// Rows of numbers `gap` apart, canaries between and behind them.
template <class E>
class plane {
    using T = decltype(std::abs(E()));

public:
    plane(std::size_t rows, std::size_t columns, std::size_t gap = 0)
        : rows_(rows), columns_(columns), stride_(columns + gap),
          storage_(1 + rows * stride_ + 1, canary) {}
    static plane random(std::size_t rows, std::size_t columns, std::size_t gap = 0, unsigned seed = 1) {
        plane x(rows, columns, gap);
        const auto numbers = reference::random_numbers<T>(2 * rows * columns, seed);
        for (std::size_t i = 0; i < rows * columns; ++i) {
            if constexpr (std::is_same_v<E, T>) {
                x(i / columns, i % columns) = numbers[i];
            } else {
                x(i / columns, i % columns) = {numbers[2 * i], numbers[2 * i + 1]};
            }
        }
        return x;
    }

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    E& operator()(std::size_t i, std::size_t j) { return storage_[1 + i * stride_ + j]; }
    const E& operator()(std::size_t i, std::size_t j) const { return storage_[1 + i * stride_ + j]; }
    view<E, 2> all() { return {storage_.data() + 1, {rows_, columns_}, strides()}; }
    view<const E, 2> all() const { return {storage_.data() + 1, {rows_, columns_}, strides()}; }
    std::vector<E> row(std::size_t i) const {
        return {&storage_[1 + i * stride_], &storage_[1 + i * stride_] + columns_};
    }
    // All elements, one row after the other.
    std::vector<E> values() const {
        std::vector<E> v;
        for (std::size_t i = 0; i < rows_; ++i)
            v.insert(v.end(), &row_begin(i), &row_begin(i) + columns_);
        return v;
    }
    bool canaries_live() const {
        auto rest = storage_;
        for (std::size_t i = 0; i < rows_; ++i) {
            for (std::size_t j = 0; j < columns_; ++j) rest[1 + i * stride_ + j] = canary;
        }
        return std::all_of(rest.begin(), rest.end(), [](E v) { return v == canary; });
    }
    const std::vector<E>& storage() const { return storage_; }

private:
    static constexpr E canary = [] {
        if constexpr (sizeof(E) == sizeof(T))
            return E(-77);
        else
            return E(-77, -78);
    }();
    const E& row_begin(std::size_t i) const { return storage_[1 + i * stride_]; }
    std::array<std::ptrdiff_t, 2> strides() const { return {static_cast<std::ptrdiff_t>(stride_), 1}; }

    std::size_t rows_, columns_, stride_;
    std::vector<E> storage_;
};

// Forward or backward, with scratch of just the size that the plan asks for.
template <class Plan, class In, class Out>
void execute(const Plan& plan, bool back, const In& in, Out& out, int threads = 1,
             const fft::bands& bands = {}) {
    using T = decltype(std::abs(out(0, 0)));
    reference::exact_scratch<T> scratch(plan.scratch_size(threads));
    const auto from = std::as_const(in).all();
    if constexpr (std::is_same_v<Plan, fft::plan_2d_c2c<T>>) {
        back ? plan.backward(from, out.all(), scratch.span(), T(1), threads, bands)
             : plan.forward(from, out.all(), scratch.span(), T(1), threads, bands);
    } else if constexpr (std::is_same_v<decltype(from), const view<const T, 2>>) {
        plan.forward(from, out.all(), scratch.span(), T(1), threads, bands);
    } else {
        plan.backward(from, out.all(), scratch.span(), T(1), threads, bands);
    }
    CHECK(scratch.canaries_live());
}

using exact_plane = std::vector<std::vector<exact>>;

exact_plane transposed(const exact_plane& x) {
    exact_plane y(x.front().size(), std::vector<exact>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
        for (std::size_t j = 0; j < y.size(); ++j) y[j][i] = x[i][j];
    }
    return y;
}
exact_plane sums_over_rows(exact_plane x, int sign) {
    for (auto& row : x) row = reference::discrete_fourier_transform(row, sign);
    return x;
}
// Over both indices.
exact_plane sums(const exact_plane& x, int sign) {
    return transposed(sums_over_rows(transposed(sums_over_rows(x, sign)), sign));
}

// A whole plane around the rows of a band.
template <class E>
exact_plane whole(const plane<E>& x, std::size_t rows, fft::band band) {
    exact_plane y(rows, std::vector<exact>(x.columns()));
    for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t j = 0; j < x.columns(); ++j) y[(band.first + i) % rows][j] = x(i, j);
    }
    return y;
}

// Some elements and what they should be, of several transforms: the errors of one of few elements scatter.
class comparison {
public:
    // The rows of a band.
    template <class E>
    void add(const plane<E>& out, const exact_plane& truth, fft::band band) {
        for (std::size_t i = 0; i < out.rows(); ++i) {
            for (std::size_t j = 0; j < out.columns(); ++j) {
                got_.emplace_back(out(i, j));
                truth_.push_back(truth[(band.first + i) % truth.size()][j]);
            }
        }
    }
    double error() const { return reference::relative_error(got_, truth_); }

private:
    std::vector<exact> got_, truth_;
};

// The real plane of a spectrum of which `half` holds columns 0 .. columns / 2, by sums over the rows and then
// over columns mirrored there.
exact_plane real_sums(exact_plane half, std::size_t columns) {
    half = transposed(sums_over_rows(transposed(half), +1));
    for (auto& row : half) {
        std::vector<exact> spectrum(columns);
        for (std::size_t l = 0; l < row.size(); ++l) {
            const bool real = l == 0 || 2 * l == columns;
            spectrum[l] = real ? exact(row[l].real()) : row[l];
            if (l > 0) spectrum[columns - l] = std::conj(spectrum[l]);
        }
        row = reference::discrete_fourier_transform(spectrum, +1);
    }
    return half;
}

struct shape {
    std::size_t rows, columns;
};
const std::vector<shape> small_shapes{{1, 1},   {1, 8},   {8, 1},   {3, 5},   {2, 2},  {16, 16},
                                      {17, 33}, {32, 48}, {48, 20}, {100, 7}, {7, 128}};

// All rows; some to all and all to some; fewer in than out and more; across the end; one.
std::vector<fft::bands> bands_of(std::size_t rows) {
    using band = fft::band;
    const auto few = [&](std::size_t part) { return std::max<std::size_t>(1, rows / part); };
    return {fft::bands{},
            {.in = band{rows / 3, few(2)}, .out = {}},
            {.in = {}, .out = band{rows - 1, few(3)}},
            {.in = band{rows - 1, few(4)}, .out = band{2, few(2)}},
            {.in = band{rows + 1, few(2)}, .out = band{rows / 2, few(5)}},
            {.in = band{0, 1}, .out = band{3 * rows - 1, 1}},
            {.in = band{1, rows}, .out = band{rows / 2, rows}}};
}
std::size_t count_of(fft::band b, std::size_t rows) { return b.count == 0 ? rows : b.count; }

} // namespace

TEMPLATE_LIST_TEST_CASE("complex planes and bands of them meet the bound", "[fft]", lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const auto [rows, columns] : small_shapes) {
        const fft::plan_2d_c2c<T> plan(rows, columns);
        comparison errors;
        for (const fft::bands& bands : bands_of(rows)) {
            for (const bool back : {false, true}) {
                CAPTURE(rows, columns, back, bands.in.first, bands.in.count, bands.out.first,
                        bands.out.count);
                const auto x = plane<C>::random(count_of(bands.in, rows), columns, 3);
                const auto kept = x.storage();
                plane<C> y(count_of(bands.out, rows), columns, 2);
                execute(plan, back, x, y, 1, bands);
                CHECK(y.canaries_live());
                CHECK(reference::same_bits(x.storage(), kept));
                comparison one;
                for (comparison* c : {&one, &errors}) {
                    c->add(y, sums(whole(x, rows, bands.in), back ? +1 : -1), bands.out);
                }
                CHECK(one.error() <= 2 * bound<T>(rows, columns));

                plane<C> threaded(y.rows(), columns);
                execute(plan, back, x, threaded, 3, bands);
                CHECK(reference::same_bits(threaded.values(), y.values()));
                if (x.rows() == y.rows()) {
                    auto in_place = x;
                    execute(plan, back, in_place, in_place, 2, bands);
                    CHECK(reference::same_bits(in_place.values(), y.values()));
                    CHECK(in_place.canaries_live());
                }
            }
        }
        CAPTURE(rows, columns);
        CHECK(errors.error() <= bound<T>(rows, columns));
    }
}

TEMPLATE_LIST_TEST_CASE("real planes and bands of them meet the bound", "[fft]", lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const auto [rows, columns] : small_shapes) {
        const fft::plan_2d_r2c<T> plan(rows, columns);
        const std::size_t half = columns / 2 + 1;
        comparison errors, back_errors;
        for (const fft::bands& bands : bands_of(rows)) {
            CAPTURE(rows, columns, bands.in.first, bands.in.count, bands.out.first, bands.out.count);
            const std::size_t in = count_of(bands.in, rows), out = count_of(bands.out, rows);
            const auto x = plane<T>::random(in, columns, 1);
            const auto kept = x.storage();
            plane<C> y(out, half, 2), y_threaded(out, half);
            execute(plan, false, x, y, 1, bands);
            execute(plan, false, x, y_threaded, 3, bands);
            CHECK(y.canaries_live());
            CHECK(reference::same_bits(x.storage(), kept));
            CHECK(reference::same_bits(y_threaded.values(), y.values()));

            const auto z = plane<C>::random(in, half, 1, 5);
            const auto kept_spectra = z.storage();
            plane<T> back(out, columns, 3), back_threaded(out, columns);
            execute(plan, true, z, back, 1, bands);
            execute(plan, true, z, back_threaded, 2, bands);
            CHECK(back.canaries_live());
            CHECK(reference::same_bits(z.storage(), kept_spectra));
            CHECK(reference::same_bits(back_threaded.values(), back.values()));

            comparison one, back_one;
            for (comparison* c : {&one, &errors}) {
                c->add(y, sums(whole(x, rows, bands.in), -1), bands.out);
            }
            for (comparison* c : {&back_one, &back_errors}) {
                c->add(back, real_sums(whole(z, rows, bands.in), columns), bands.out);
            }
            CHECK(one.error() <= 2 * bound<T>(rows, columns));
            CHECK(back_one.error() <= 2 * bound<T>(rows, columns));
        }
        CAPTURE(rows, columns);
        CHECK(errors.error() <= bound<T>(rows, columns));
        CHECK(back_errors.error() <= bound<T>(rows, columns));
    }
}

TEMPLATE_LIST_TEST_CASE("bands of a plane are whole planes with zeros, and rows of whole results",
                        "[fft]", lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const shape size : {shape{96, 160}, shape{45, 34}}) {
        const std::size_t rows = size.rows, columns = size.columns;
        const fft::plan_2d_c2c<T> plan(rows, columns);
        const fft::plan_2d_r2c<T> real(rows, columns);
        const std::size_t half = columns / 2 + 1;
        for (const fft::bands& bands : bands_of(rows)) {
            CAPTURE(rows, columns, bands.in.first, bands.in.count, bands.out.first, bands.out.count);
            const std::size_t in = count_of(bands.in, rows), out = count_of(bands.out, rows);
            // The rows of `some` among zeros; what whole planes and bands give, of rows that are wanted.
            const auto compare = [&](const auto& used, const auto& some, auto whole_in, auto whole_out,
                                     auto some_out) {
                for (std::size_t i = 0; i < rows * whole_in.columns(); ++i) {
                    whole_in(i / whole_in.columns(), i % whole_in.columns()) = 0;
                }
                for (std::size_t i = 0; i < in; ++i) {
                    for (std::size_t j = 0; j < some.columns(); ++j) {
                        whole_in((bands.in.first + i) % rows, j) = some(i, j);
                    }
                }
                execute(used, false, whole_in, whole_out);
                execute(used, false, some, some_out, 1, bands);
                auto expected = some_out;
                for (std::size_t i = 0; i < out; ++i) {
                    for (std::size_t j = 0; j < some_out.columns(); ++j) {
                        expected(i, j) = whole_out((bands.out.first + i) % rows, j);
                    }
                }
                // Rows come first where there are no more of them than of the result.
                if (in <= out) {
                    CHECK(some_out.values() == expected.values());
                } else {
                    CHECK(reference::relative_error(some_out.values(), expected.values()) <=
                          2 * bound<T>(rows, columns));
                }
            };
            compare(plan, plane<C>::random(in, columns), plane<C>(rows, columns),
                    plane<C>(rows, columns), plane<C>(out, columns));
            compare(real, plane<T>::random(in, columns), plane<T>(rows, columns), plane<C>(rows, half),
                    plane<C>(out, half));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("planes are rows and then columns of one dimension", "[fft]", lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    for (const auto [rows, columns] : {shape{256, 256}, shape{130, 2048}, shape{2, 131072}}) {
        const fft::plan_2d_c2c<T> plan(rows, columns);
        const fft::plan_2d_r2c<T> real(rows, columns);
        const fft::plan_c2c<T> over_columns(columns), over_rows(rows);
        const std::size_t half = columns / 2 + 1;
        const double limit = 2 * bound<T>(rows, columns); // one for each
        const auto turned = [](view<C, 2> v) {
            return view<C, 2>(v.data(), {v.extent(1), v.extent(0)}, {1, v.stride(0)});
        };
        for (const std::size_t gap : {0u, 5u}) { // rows a power of two apart, and not
            CAPTURE(rows, columns, gap);
            const auto x = plane<C>::random(rows, columns, gap);
            plane<C> expected(rows, columns), y(rows, columns, gap);
            over_columns.forward(x.all(), expected.all());
            over_rows.forward(turned(expected.all()), turned(expected.all()));
            execute(plan, false, x, y);
            CHECK(reference::relative_error(y.values(), expected.values()) <= limit);

            plane<C> back(rows, columns, gap);
            plan.backward(y.all(), back.all(), {}, T(1) / static_cast<T>(rows * columns), 2);
            CHECK(reference::relative_error(back.values(), x.values()) <= limit);

            const auto r = plane<T>::random(rows, columns, gap);
            plane<C> widened(rows, columns), spectra(rows, half, gap), spectra_expected(rows, half);
            for (std::size_t i = 0; i < rows; ++i) {
                for (std::size_t j = 0; j < columns; ++j) widened(i, j) = r(i, j);
            }
            execute(plan, false, widened, widened);
            for (std::size_t i = 0; i < rows; ++i) {
                for (std::size_t j = 0; j < half; ++j) spectra_expected(i, j) = widened(i, j);
            }
            execute(real, false, r, spectra);
            CHECK(reference::relative_error(spectra.values(), spectra_expected.values()) <= limit);

            plane<T> real_back(rows, columns, gap);
            real.backward(spectra.all(), real_back.all(), {}, T(1) / static_cast<T>(rows * columns), 2);
            CHECK(reference::relative_error(real_back.values(), r.values()) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("NaN in a plane is NaN in all of the result", "[fft]", lanes) {
    using T = typename TestType::T;
    using C = std::complex<T>;
    const std::size_t rows = 48, columns = 64;
    const auto all_nan = [](const auto& x) {
        const auto values = x.values();
        return std::all_of(values.begin(), values.end(),
                           [](auto v) { return std::isnan(std::real(v) + std::imag(v)); });
    };
    auto x = plane<C>::random(rows, columns);
    auto r = plane<T>::random(rows, columns);
    plane<C> y(rows, columns), half(rows, columns / 2 + 1);
    plane<T> back(rows, columns);
    x(5, 9) = r(5, 9) = std::numeric_limits<T>::quiet_NaN();
    execute(fft::plan_2d_c2c<T>(rows, columns), false, x, y);
    execute(fft::plan_2d_r2c<T>(rows, columns), false, r, half);
    execute(fft::plan_2d_r2c<T>(rows, columns), true, half, back);
    CHECK(all_nan(y));
    CHECK(all_nan(half));
    CHECK(all_nan(back));
}

TEST_CASE("plans of planes refuse wrong arguments, name them and write nothing", "[fft]") {
    using reference::message_of;
    using complexes = plane<std::complex<float>>;
    CHECK(message_of([] { fft::plan_2d_c2c<float>(0, 5); }) ==
          "fft::plan_2d_c2c: number of rows is 0, expected 1 to 1099511627776");
    CHECK(message_of([] { fft::plan_2d_c2c<float>(5, 0); }) ==
          "fft::plan_2d_c2c: number of columns is 0, expected 1 to 1099511627776");
    CHECK(message_of([] { fft::plan_2d_r2c<float>(0, 5); }) ==
          "fft::plan_2d_r2c: number of rows is 0, expected 1 to 1099511627776");
    CHECK(message_of([] { fft::plan_2d_r2c<float>(5, 0); }) ==
          "fft::plan_2d_r2c: number of columns is 0, expected 1 to 1099511627776");

    const fft::plan_2d_c2c<float> plan(6, 10);
    const fft::plan_2d_r2c<float> real(6, 10);
    const auto x = complexes::random(6, 10), narrow = complexes::random(6, 9),
               low = complexes::random(5, 10), in_half = complexes::random(6, 6);
    const auto r = plane<float>::random(6, 10), narrow_r = plane<float>::random(6, 9);
    auto y = complexes::random(6, 10), narrow_y = complexes::random(6, 9),
         half = complexes::random(6, 6);
    auto back = plane<float>::random(6, 10);
    const auto kept = y.storage(), kept_narrow = narrow_y.storage(), kept_half = half.storage();
    const auto kept_back = back.storage();
    const auto apart = [](const auto& v, std::size_t columns) {
        return std::remove_cvref_t<decltype(v)>(v.data(), {3, columns}, {20, 2});
    };
    const fft::bands three{.in = {0, 3}, .out = {0, 3}};

    CHECK(message_of([&] { plan.forward(narrow.all(), y.all()); }) ==
          "fft::plan_2d_c2c::forward: in has 9 elements, expected 10");
    CHECK(message_of([&] { plan.backward(x.all(), narrow_y.all()); }) ==
          "fft::plan_2d_c2c::backward: out has 9 elements, expected 10");
    CHECK(message_of([&] { plan.forward(low.all(), y.all()); }) ==
          "fft::plan_2d_c2c::forward: in has 5 rows, expected 6");
    CHECK(message_of([&] {
              plan.backward(x.all(), y.all(), {}, 1.0f, 1, {.in = {}, .out = {2, 4}});
          }) == "fft::plan_2d_c2c::backward: out has 6 rows, expected 4");
    CHECK(message_of([&] {
              plan.forward(x.all(), y.all(), {}, 1.0f, 1, {.in = {2, 7}, .out = {}});
          }) == "fft::plan_2d_c2c::forward: the band of in has 7 rows, the plane 6");
    CHECK(message_of([&] {
              plan.forward(x.all(), y.all(), {}, 1.0f, 1, {.in = {}, .out = {0, 8}});
          }) == "fft::plan_2d_c2c::forward: the band of out has 8 rows, the plane 6");
    CHECK(message_of([&] { plan.forward(apart(x.all(), 10), y.all(), {}, 1.0f, 1, three); }) ==
          "fft::plan_2d_c2c::forward: the elements of a row of in are 2 apart, expected 1");
    CHECK(message_of([&] {
              plan.backward(x.all().slice(0, 0, 3), apart(y.all(), 10), {}, 1.0f, 1, three);
          }) == "fft::plan_2d_c2c::backward: the elements of a row of out are 2 apart, expected 1");
    CHECK_THROWS_AS(plan.forward(x.all(), y.all(), {}, 1.0f, -1), std::invalid_argument);

    CHECK(message_of([&] { real.forward(narrow_r.all(), half.all()); }) ==
          "fft::plan_2d_r2c::forward: in has 9 elements, expected 10");
    CHECK(message_of([&] { real.forward(r.all(), y.all()); }) ==
          "fft::plan_2d_r2c::forward: out has 10 elements, expected 6");
    CHECK(message_of([&] { real.backward(x.all(), back.all()); }) ==
          "fft::plan_2d_r2c::backward: in has 10 elements, expected 6");
    CHECK(message_of([&] { real.backward(in_half.all(), back.all(), {}, 1.0f, 1, three); }) ==
          "fft::plan_2d_r2c::backward: in has 6 rows, expected 3");
    CHECK(message_of([&] {
              real.forward(r.all(), half.all(), {}, 1.0f, 1, {.in = {2, 7}, .out = {}});
          }) == "fft::plan_2d_r2c::forward: the band of in has 7 rows, the plane 6");
    CHECK(message_of([&] { real.forward(apart(r.all(), 10), half.all(), {}, 1.0f, 1, three); }) ==
          "fft::plan_2d_r2c::forward: the elements of a row of in are 2 apart, expected 1");

    buffer<float> space(std::max(plan.scratch_size(), real.scratch_size()) + 16);
    const auto refused = [&](const std::string& call, std::span<float> scratch, std::size_t expected,
                             auto&& run) {
        CHECK(message_of([&] { run(scratch); }) ==
              call + ": scratch has " + std::to_string(scratch.size()) + " elements, expected " +
                  std::to_string(expected) + " or more on a 64-byte boundary");
    };
    const std::size_t size = plan.scratch_size(), real_size = real.scratch_size();
    refused("fft::plan_2d_c2c::forward", space.span().first(size - 1), size,
            [&](auto scratch) { plan.forward(x.all(), y.all(), scratch); });
    refused("fft::plan_2d_c2c::backward", space.span().subspan(1, size), size,
            [&](auto scratch) { plan.backward(x.all(), y.all(), scratch); });
    refused("fft::plan_2d_r2c::forward", space.span().first(real_size - 1), real_size,
            [&](auto scratch) { real.forward(r.all(), half.all(), scratch); });
    refused("fft::plan_2d_r2c::backward", space.span().first(real_size - 1), real_size,
            [&](auto scratch) { real.backward(in_half.all(), back.all(), scratch); });

    CHECK(reference::same_bits(y.storage(), kept));
    CHECK(reference::same_bits(narrow_y.storage(), kept_narrow));
    CHECK(reference::same_bits(half.storage(), kept_half));
    CHECK(reference::same_bits(back.storage(), kept_back));
}
