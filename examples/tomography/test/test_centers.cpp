// SPDX-License-Identifier: BSD-3-Clause
#include <string>
#include <vector>

#include "axis/centers.hpp"
#include "common/test_files.hpp"
#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::put;
using common::scratch;

namespace {

std::string refusal_of(const std::string& text) {
    return message_of<std::runtime_error>([&] { parse_center(text); });
}

} // namespace

TEST_CASE("what a user says about the axis is understood") {
    CHECK(parse_center("auto").method == center_method::automatic);
    CHECK(parse_center("pc").method == center_method::phase_correlation);
    CHECK(parse_center("vo").method == center_method::vo);
    CHECK(parse_center("entropy").method == center_method::entropy);
    for (const double center : {296.25, -3.0, 1e3}) {
        const center_choice given = parse_center(std::to_string(center));
        CHECK(given.method == center_method::number);
        CHECK(given.center == center);
    }
    const center_choice trial = parse_center("try:290:300.5:0.5");
    CHECK(trial.method == center_method::trial);
    CHECK(trial.first == 290);
    CHECK(trial.last == 300.5);
    CHECK(trial.step == 0.5);

    const scratch here;
    put(here / "centers.txt", "0 1\n");
    const center_choice file = parse_center((here / "centers.txt").string());
    CHECK(file.method == center_method::file);
    CHECK(file.file == here / "centers.txt");
}

TEST_CASE("what is no axis is refused") {
    for (const char* text : {"left", "nan", "inf", "12px", "", "1 2", "Vo", "try", "no/such/file"}) {
        CHECK_THAT(refusal_of(text),
                   ContainsSubstring(std::string("is ") + text + ", expected auto, pc, vo, entropy"));
    }
    for (const char* text : {"try:", "try:1:2", "try:1:2:3:4", "try:1:2:x", "try:1:2:3:", "try:1::3"}) {
        CHECK_THAT(refusal_of(text), ContainsSubstring("expected auto, pc, vo"));
    }
    for (const char* text : {"try:2:1:0.5", "try:1:2:0", "try:1:2:-1", "try:1:2000:1", "try:0:1:1e-9"}) {
        CHECK_THAT(refusal_of(text), ContainsSubstring("expected FIRST <= LAST, STEP > 0, and no more"));
    }
}

TEST_CASE("tried centers end where they should") {
    CHECK(try_centers(290, 292, 0.5) == std::vector<double>{290, 290.5, 291, 291.5, 292});
    CHECK(try_centers(290, 292.4, 0.5).back() == 292);
    CHECK(try_centers(0, 1, 0.1).size() == 11); // 0.1 is a little more than a tenth
    CHECK(try_centers(5, 5, 1) == std::vector<double>{5});
    CHECK(try_centers(0, 1023, 1).size() == 1024);
}

TEST_CASE("centers between the rows of a file lie on straight lines") {
    const scratch here;
    put(here / "centers.txt", "# row center\n\n"
                              "20  296.0   # the middle\n"
                              "10\t295\n"
                              "  40 300\n");
    const std::vector<double> centers = read_centers(here / "centers.txt", 8, 40);
    REQUIRE(centers.size() == 40);
    for (std::size_t i = 0; i < centers.size(); ++i) {
        const auto row = static_cast<double>(i + 8);
        const double expected = row <= 10   ? 295
                                : row <= 20 ? 294 + row / 10
                                : row <= 40 ? 292 + row / 5
                                            : 300;
        CHECK(centers[i] == Approx(expected).epsilon(1e-14));
    }
    put(here / "one.txt", "3 7.5");
    CHECK(read_centers(here / "one.txt", 0, 3) == std::vector<double>{7.5, 7.5, 7.5});
}

TEST_CASE("a file that holds no centers is refused by its line") {
    const scratch here;
    const auto refusal = [&](const std::string& text) {
        put(here / "bad.txt", text);
        return message_of<std::runtime_error>([&] { read_centers(here / "bad.txt", 0, 1); });
    };
    CHECK_THAT(refusal("1 2\n3\n"),
               ContainsSubstring("bad.txt:2: \"3\", expected a row and its center"));
    CHECK_THAT(refusal("1 2 3\n"), ContainsSubstring("bad.txt:1"));
    CHECK_THAT(refusal("1 x\n"), ContainsSubstring("bad.txt:1"));
    CHECK_THAT(refusal("1 nan\n"), ContainsSubstring("bad.txt:1"));
    CHECK_THAT(refusal("1 2\n#\n1.0 3\n"),
               ContainsSubstring("bad.txt:3: \"1.0 3\", expected each row once"));
    CHECK_THAT(refusal("# nothing\n"), ContainsSubstring("has no line with a row and its center"));
    CHECK_THAT(message_of<std::runtime_error>([&] { read_centers(here / "missing.txt", 0, 1); }),
               ContainsSubstring("missing.txt: cannot read"));
}
