// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <vector>

#include "common/test_files.hpp"
#include "prepare/prepared_scan.hpp"
#include "reference.hpp"
#include "small_scan.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
using tomo::test::small_scan;

namespace {

// A scan in a file, opened.
struct opened {
    small_scan s{30, 12, 60};
    scratch directory;
    std::optional<scan> input;

    opened() {
        s.write(directory / "scan.h5");
        input.emplace(directory / "scan.h5");
    }
};

std::vector<float> read(const prepared_scan& input, row_range rows) {
    std::vector<float> values(input.angles() * rows.size() * input.columns());
    input.read(rows, projections(values.data(), {input.angles(), rows.size(), input.columns()}));
    return values;
}

// One row of what read() gave.
std::vector<float> row_of(const std::vector<float>& values, std::size_t angles, std::size_t row,
                          std::size_t rows, std::size_t columns) {
    std::vector<float> found;
    for (std::size_t angle = 0; angle < angles; ++angle) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>((angle * rows + row) * columns);
        found.insert(found.end(), begin, begin + static_cast<std::ptrdiff_t>(columns));
    }
    return found;
}

// The mean of frames over bin x bin pixels, in double.
double mean_of(const std::vector<float>& frames, std::size_t count, const small_scan& s, std::size_t bin,
               std::size_t row, std::size_t column) {
    double sum = 0;
    for (std::size_t frame = 0; frame < count; ++frame) {
        for (std::size_t i = 0; i < bin * bin; ++i) {
            sum += static_cast<double>(
                frames[(frame * s.rows + row * bin + i / bin) * s.columns + column * bin + i % bin]);
        }
    }
    return sum / static_cast<double>(count * bin * bin);
}

} // namespace

TEST_CASE("counts become line integrals, binned or not") {
    const opened o;
    for (const std::size_t bin : {1u, 2u, 3u}) {
        CAPTURE(bin);
        preparation how;
        how.bin = bin;
        const prepared_scan prepared(*o.input, how, 2);
        const std::size_t rows = prepared.rows(), columns = prepared.columns();
        REQUIRE(rows == 12 / bin);
        REQUIRE(columns == 60 / bin);
        const std::vector<float> found = read(prepared, {0, rows});
        for (std::size_t i = 0; i < found.size(); ++i) {
            const std::size_t angle = i / (rows * columns), row = i / columns % rows, k = i % columns;
            const std::vector<float> one(o.s.data.begin() + static_cast<std::ptrdiff_t>(angle * 12 * 60),
                                         o.s.data.begin() +
                                             static_cast<std::ptrdiff_t>((angle + 1) * 12 * 60));
            const double dark = mean_of(o.s.dark, 3, o.s, bin, row, k),
                         white = mean_of(o.s.white, 3, o.s, bin, row, k);
            const double expected =
                -std::log((mean_of(one, 1, o.s, bin, row, k) - dark) / (white - dark));
            REQUIRE(static_cast<double>(found[i]) == Approx(expected).margin(2e-6));
        }
    }
}

TEST_CASE("rows come out the same to the last bit, whichever others come with them") {
    const opened o;
    preparation how;
    how.zingers.threshold = 0.5;
    for (const std::size_t bin : {1u, 2u}) {
        how.bin = bin;
        for (const stripe_method method : {stripe_method::none, stripe_method::fourier_wavelet,
                                           stripe_method::titarenko, stripe_method::smoothing}) {
            how.stripes.method = method;
            how.stripes.levels = 1;
            const prepared_scan prepared(*o.input, how, 3);
            const std::size_t rows = prepared.rows(), columns = prepared.columns();
            const std::vector<float> all = read(prepared, {0, rows});
            for (std::size_t row = 0; row < rows; ++row) {
                CHECK(read(prepared, {row, row + 1}) == row_of(all, 30, row, rows, columns));
            }
            const prepared_scan alone(*o.input, how, 1);
            CHECK(read(alone, {0, rows}) == all);
        }
    }
}

TEST_CASE("phase retrieval gets the rows it needs, where the detector has them") {
    const opened o;
    preparation how;
    how.phase = {.pixel_cm = 1e-4, .distance_cm = 0.1, .energy_kev = 20, .delta_beta = 30};
    const prepared_scan prepared(*o.input, how, 2), without(*o.input, {}, 2);
    REQUIRE(prepared.margin() > 0);
    const std::vector<float> all = read(prepared, {0, 12});
    CHECK(read(without, {0, 12}) != all);
    for (std::size_t row = 0; row < 12; ++row) {
        const std::vector<float> one = read(prepared, {row, row + 1}),
                                 expected = row_of(all, 30, row, 12, 60);
        for (std::size_t i = 0; i < one.size(); ++i) {
            REQUIRE(static_cast<double>(one[i]) ==
                    Approx(static_cast<double>(expected[i])).margin(2e-6));
        }
    }
    // A pixel of the file is what the option is about, whatever is binned: half as many, twice as wide.
    how.bin = 2;
    CHECK(prepared_scan(*o.input, how, 2).margin() < prepared.margin());
}

TEST_CASE("one projection comes as it does among all") {
    const opened o;
    for (const std::size_t bin : {1u, 2u}) {
        preparation how;
        how.bin = bin;
        const prepared_scan prepared(*o.input, how, 2);
        const std::size_t columns = prepared.columns();
        const std::vector<float> all = read(prepared, {1, 5});
        std::vector<float> one(4 * (columns + 3), -1.0f);
        const destrier::view<float, 2> out(one.data(), {4, columns},
                                           {static_cast<std::ptrdiff_t>(columns) + 3, 1});
        prepared.read_projection(17, {1, 5}, out);
        for (std::size_t row = 0; row < 4; ++row) {
            for (std::size_t k = 0; k < columns + 3; ++k) {
                CHECK(one[row * (columns + 3) + k] ==
                      (k < columns ? all[(17 * 4 + row) * columns + k] : -1.0f));
            }
        }
    }
}

TEST_CASE("places on the detector are told in the file's pixels") {
    const opened o;
    scan_choice choice;
    choice.columns = {5, 45, 1};
    const scan part(o.directory / "scan.h5", choice);
    preparation how;
    CHECK(prepared_scan(part, how, 1).from_file(5) == 0);
    how.bin = 2;
    const prepared_scan binned(part, how, 1);
    CHECK(binned.from_file(5.5) == 0); // between the two that were joined
    CHECK(binned.from_file(7.5) == 1);
    CHECK(binned.in_file(binned.from_file(12.34)) == Approx(12.34).epsilon(1e-15));
}

TEST_CASE("preparations that do not fit a scan are refused") {
    const opened o;
    preparation how;
    how.bin = 3;
    CHECK_NOTHROW(prepared_scan(*o.input, {}, 1));
    CHECK_THAT(message_of<std::runtime_error>([&] {
                   scan_choice few;
                   few.columns = {0, 40, 1};
                   const scan narrow(o.directory / "scan.h5", few);
                   prepared_scan(narrow, how, 1);
               }),
               ContainsSubstring("--bin 3 does not fit: of 12 rows x 40 columns"));
    how.bin = 13;
    CHECK_THAT(message_of<std::runtime_error>([&] { prepared_scan(*o.input, how, 1); }),
               ContainsSubstring("--bin 13"));
}
