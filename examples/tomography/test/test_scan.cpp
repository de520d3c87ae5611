// SPDX-License-Identifier: BSD-3-Clause
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "common/test_files.hpp"
#include "reference.hpp"
#include "scan/scan.hpp"
#include "small_scan.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
using tomo::test::small_scan;

namespace {

// What read_projections should give, one index after the other.
std::vector<float> chosen(const small_scan& s, const std::vector<std::size_t>& angles, row_range rows,
                          std::size_t first_column, std::size_t last_column) {
    std::vector<float> values;
    for (const std::size_t angle : angles) {
        for (std::size_t row = rows.first; row < rows.last; ++row) {
            for (std::size_t column = first_column; column < last_column; ++column) {
                values.push_back(s.count(angle, row, column));
            }
        }
    }
    return values;
}

std::vector<float> read(const scan& input, row_range rows) {
    std::vector<float> values(input.angles() * rows.size() * input.columns());
    input.read_projections(rows, values.data(), [] {});
    return values;
}

} // namespace

TEST_CASE("a choice of projections, columns and angles is read") {
    const scratch directory;
    const small_scan s(40, 5, 24);
    s.write(directory / "plain.h5");
    s.write(directory / "blocks.h5", {7, 2, 24});
    for (const char* name : {"plain.h5", "blocks.h5"}) {
        CAPTURE(name);
        const scan all(directory / name);
        CHECK(read(all, {1, 4}) == chosen(
                                       s,
                                       [] {
                                           std::vector<std::size_t> angles(40);
                                           std::iota(angles.begin(), angles.end(), std::size_t{0});
                                           return angles;
                                       }(),
                                       {1, 4}, 0, 24));

        scan_choice choice;
        choice.projections = {3, 38, 4};
        choice.columns = {5, 22, 1};
        choice.blocked = {{30, 50}, {100, 101}}; // 4.5 degrees a projection: 7 to 11, and none
        const scan some(directory / name, choice);
        const std::vector<std::size_t> angles{3, 15, 19, 23, 27, 31, 35};
        CHECK(some.angles() == angles.size());
        CHECK(some.columns() == 17);
        CHECK(some.first_column() == 5);
        CHECK(read(some, {0, 5}) == chosen(s, angles, {0, 5}, 5, 22));
        std::vector<float> one(2 * 17);
        for (std::size_t i = 0; i < angles.size(); ++i) {
            some.read_projection(i, {2, 4}, one.data());
            CHECK(one == chosen(s, {angles[i]}, {2, 4}, 5, 22));
            CHECK(some.theta()[i] ==
                  Approx(4.5 * static_cast<double>(angles[i]) * std::numbers::pi / 180));
        }
        const frames white = some.read_white({1, 3});
        CHECK(white.count == 3);
        CHECK(white.values.front() == s.white[24 + 5]);
        CHECK(white.values.back() == s.white[(2 * 5 + 2) * 24 + 21]);
    }
    CHECK(scan(directory / "plain.h5").rows_in_block() == 0);
    CHECK(scan(directory / "blocks.h5").rows_in_block() == 2);
}

TEST_CASE("reading ends where it is told to") {
    const scratch directory;
    const small_scan s(40, 64, 1024); // 10 MiB, in pieces of 16 MiB at most
    s.write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    std::vector<float> values(input.angles() * 64 * 1024);
    const auto stop = [] { throw std::length_error("stop"); };
    CHECK_THROWS_AS(input.read_projections({0, 64}, values.data(), stop), std::length_error);
}

TEST_CASE("a scan that was stopped has more angles than projections") {
    const scratch directory;
    small_scan s(20, 2, 16);
    s.theta.resize(50);
    for (std::size_t i = 0; i < 50; ++i) s.theta[i] = 3.6 * static_cast<double>(i);
    s.write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    REQUIRE(input.theta().size() == 20);
    CHECK(input.theta().back() == Approx(19 * 3.6 * std::numbers::pi / 180));
    REQUIRE(!input.warnings().empty());
    CHECK_THAT(input.warnings().front(),
               ContainsSubstring("has 50 angles, /exchange/data 20 projections"));
}

TEST_CASE("what a choice leaves nothing of is refused") {
    CHECK(fitted({2, 5, 1}, 5, "--rows", "it has rows").last == 5);
    CHECK(fitted({}, 5, "--rows", "it has rows").last == 5);
    const auto refused = [](index_choice choice) {
        return message_of<std::runtime_error>([&] { fitted(choice, 5, "--rows", "it has rows"); });
    };
    CHECK(refused({2, 6, 1}) == "--rows 2:6 does not fit: expected first < last, and it has rows 0:5");
    CHECK(refused({3, 3, 1}) == "--rows 3:3 does not fit: expected first < last, and it has rows 0:5");
    CHECK(refused({9, index_choice::end, 2}) ==
          "--rows 9::2 does not fit: expected first < last, and it has rows 0:5");

    const scratch directory;
    small_scan(20, 2, 16).write(directory / "scan.h5");
    scan_choice choice;
    choice.blocked = {{0, 180}};
    CHECK_THAT(message_of<std::runtime_error>([&] { scan(directory / "scan.h5", choice); }),
               ContainsSubstring("--blocked leaves no projection"));
}

TEST_CASE("a file that claims more projections than it holds is refused before memory is taken") {
    const scratch directory;
    common::h5::prepare();
    common::h5::file file = common::h5::file::create(directory / "s.h5");
    const auto claim = [&](const std::string& name, std::size_t frames) {
        file.create_dataset(name, {frames, 2, 3}, {H5T_NATIVE_FLOAT, {1, 2, 3}}).close();
    };
    claim("/exchange/data", std::size_t{1} << 40);
    claim("/exchange/data_white", 1);
    claim("/exchange/data_dark", 1);
    file.close();
    CHECK(message_of<std::runtime_error>([&] { const scan input(directory / "s.h5"); })
              .ends_with(
                  "/exchange/data: shape is (1099511627776, 2, 3), but the file holds no more than 0 "
                  "bytes of it: corrupt, or never written"));
}
