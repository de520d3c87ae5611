// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "reference.hpp"
#include "scan/angles.hpp"

using namespace tomo;
using namespace reference;

namespace {

constexpr double pi = std::numbers::pi;
constexpr double degree = pi / 180;

// first, first + step ...
std::vector<double> steps(std::size_t n, double first, double step) {
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = first + step * static_cast<double>(i);
    return values;
}

read_angles automatic(const std::vector<double>& values, const std::string& declared) {
    return as_radians(values, declared, theta_units::automatic, "theta");
}

// Whether they come back as those degrees, and nothing is said.
bool are_degrees(const std::vector<double>& values, const std::string& declared) {
    const read_angles read = automatic(values, declared);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::abs(read.theta[i] - values[i] * degree) > 1e-12) return false;
    }
    return read.warning.empty();
}
bool are_radians(const std::vector<double>& values, const std::string& declared) {
    const read_angles read = automatic(values, declared);
    return read.theta == values && read.warning.empty();
}

std::string error_of(const std::vector<double>& values, const std::string& declared) {
    return message_of<std::runtime_error>([&] { automatic(values, declared); });
}

} // namespace

TEST_CASE("angles are what the file says they are") {
    for (const char* name : {"deg", "degrees", "degree"}) {
        CHECK(are_degrees(steps(180, 0, 1), name));
        CHECK(are_degrees(steps(181, 0, 180.0 / 181), name)); // the tooth
        CHECK(are_degrees(steps(721, -90, 0.5), name));
        CHECK(are_degrees(steps(90, 0, 1), name));          // a quarter of a turn
        CHECK(are_degrees(steps(1000, 17, 111.246), name)); // the golden angle
    }
    for (const char* name : {"rad", "radians"}) {
        CHECK(are_radians(steps(180, 0, degree), name));
        CHECK(are_radians(steps(720, 3, degree / 2), name));
        CHECK(are_radians(steps(91, 0, degree), name));
    }
    CHECK(are_degrees(steps(180, 0, 1), ""));
    CHECK(are_degrees(steps(721, 360, -0.5), ""));
}

TEST_CASE("degrees and radians that were mistaken for each other are found out") {
    for (const std::size_t n : {4u, 7u, 180u, 1501u}) {
        for (const double range : {180.0, 360.0, 182.0 * 359 / 360}) {
            const auto step = range / static_cast<double>(n);
            CAPTURE(n, range);
            const std::string radians_as_degrees = error_of(steps(n, 0, step * degree), "degrees");
            CHECK_THAT(radians_as_degrees, ContainsSubstring("theta: 0 to "));
            CHECK_THAT(radians_as_degrees,
                       ContainsSubstring("are degrees by their units, but look like radians"));
            CHECK_THAT(radians_as_degrees, ContainsSubstring("--theta-units degrees or radians"));
            const std::string degrees_as_radians = error_of(steps(n, -5, step), "radians");
            CHECK_THAT(degrees_as_radians,
                       ContainsSubstring("are radians by their units, but look like degrees"));

            const read_angles guessed = automatic(steps(n, 0, step * degree), "");
            CHECK(guessed.theta.back() == Approx((range - step) * degree));
            CHECK_THAT(guessed.warning, ContainsSubstring("without units, are taken as radians"));
        }
    }
    // With the end; to and fro; twice over.
    CHECK_THAT(error_of(steps(181, 0, degree), "deg"), ContainsSubstring("look like radians"));
    std::vector<double> twice = steps(180, 0, degree);
    for (std::size_t i = 180; i-- > 0;) twice.push_back(twice[i]);
    CHECK_THAT(error_of(twice, "deg"), ContainsSubstring("look like radians"));
}

TEST_CASE("angles that may be either are what the file says, with a warning") {
    // What is between the two, and no whole half turn: 201 degrees in radians.
    CHECK_THAT(automatic(steps(200, 0, 201.0 / 200 * degree), "degrees").warning,
               ContainsSubstring("are taken as degrees; --theta-units radians says that they are not"));
    CHECK_THAT(automatic(steps(200, 0, 201.0 / 200 * degree), "").warning,
               ContainsSubstring("are taken as degrees"));
    CHECK_THAT(automatic(steps(200, 0, 1.0), "radians").warning,
               ContainsSubstring("are taken as radians; --theta-units degrees says that they are not"));
}

TEST_CASE("a few angles are not misjudged") {
    for (const std::size_t n : {1u, 2u, 3u}) {
        CHECK(are_degrees(steps(n, 0, 1), "degrees"));
        CHECK(are_degrees(steps(n, 0, pi / 2), "degrees"));
        CHECK(are_degrees(steps(n, 0, 60), ""));
        CHECK(are_radians(steps(n, 0, pi / static_cast<double>(n)), "radians"));
    }
    CHECK(are_degrees({}, ""));
    CHECK(are_degrees({3.14}, ""));
    CHECK_THAT(automatic(steps(3, 0, 1), "").warning, ContainsSubstring("are taken as degrees"));
    CHECK(automatic(steps(4, 0, 1), "degrees").theta[3] == Approx(3 * degree));
}

TEST_CASE("what the user says about angles is done") {
    const std::vector<double> values = steps(180, 0, 1);
    CHECK(as_radians(values, "degrees", theta_units::radians, "theta").theta == values);
    CHECK(as_radians(values, "furlongs", theta_units::degrees, "theta").theta[90] == Approx(pi / 2));
    CHECK_THAT(error_of(values, "furlongs"),
               ContainsSubstring("theta: units are \"furlongs\", expected degrees or radians"));
    CHECK_THAT(error_of({0, 1, std::nan("")}, ""), ContainsSubstring("theta: angle 2 is nan, expected"));
}

// The part of the period that is nearer to each angle than to any other, in 100 000 points.
static std::vector<double> nearest_parts(const std::vector<double>& theta, double period) {
    constexpr std::size_t points = 100000;
    std::vector<double> parts(theta.size());
    for (std::size_t i = 0; i < points; ++i) {
        const double at = period * static_cast<double>(i) / points;
        std::size_t nearest = 0;
        double least = period;
        for (std::size_t p = 0; p < theta.size(); ++p) {
            const double away = std::abs(std::remainder(theta[p] - at, period));
            if (away < least) {
                least = away;
                nearest = p;
            }
        }
        parts[nearest] += pi / points;
    }
    return parts;
}

TEST_CASE("weights are the nearest parts of the period") {
    std::vector<double> theta;
    for (const double x : random_numbers<double>(40)) theta.push_back(7 * x);
    for (const double period : {pi, 2 * pi}) {
        std::vector<double> parts = nearest_parts(theta, period);
        std::vector<double> sorted = parts;
        std::sort(sorted.begin(), sorted.end());
        const std::vector<double> weights = angle_weights(theta, period);
        for (std::size_t i = 0; i < theta.size(); ++i) {
            CHECK(weights[i] == Approx(std::min(parts[i], 2 * sorted[20])).margin(1e-3));
        }
    }
}

TEST_CASE("weights of even angles are equal, whatever the range") {
    const auto all_equal = [](const std::vector<double>& weights, std::size_t n) {
        for (const double w : weights) CHECK(w == Approx(pi / static_cast<double>(n)));
    };
    all_equal(angle_weights(steps(90, 0, pi / 90)), 90);
    all_equal(angle_weights(steps(180, 0, pi / 90)), 180);
    all_equal(angle_weights(steps(91, 1, 2 * pi / 91)), 91);
    all_equal(angle_weights(steps(91, 1, 2 * pi / 91), 2 * pi), 91);
    all_equal(angle_weights(steps(1, 1, 0)), 1);
    all_equal(angle_weights(steps(2, 0, degree)), 2); // they share the half circle
}

TEST_CASE("the neighbours of a gap count at most twice the others") {
    std::vector<double> theta = steps(180, 0, degree);
    theta.erase(theta.begin() + 60, theta.begin() + 90);
    const std::vector<double> weights = angle_weights(theta);
    CHECK(weights[30] == Approx(degree));
    CHECK(weights[59] == Approx(2 * degree));
    CHECK(weights[60] == Approx(2 * degree));
}

TEST_CASE("gaps are found where projections are missing, and nowhere else") {
    CHECK(gaps(steps(180, 0, degree)).empty());
    CHECK(gaps(steps(181, 0, degree)).empty());
    CHECK(gaps(steps(720, 0, degree / 2)).empty());
    CHECK(gaps(steps(361, 0, 360.24 / 361 * degree)).empty()); // the second half between the first
    CHECK(gaps(steps(400, 0, 111.246 * degree)).empty());
    CHECK(gaps(steps(1, 0, 0)).empty());
    CHECK(gaps(steps(2, 0, degree)).empty());
    CHECK(gaps(steps(3, 0, degree)).empty());
    CHECK(gaps({}).empty());

    std::vector<double> theta = steps(180, 0, degree);
    theta.erase(theta.begin() + 60, theta.begin() + 90);
    REQUIRE(gaps(theta).size() == 1);
    CHECK(text_of(gaps(theta)[0]) == "no projections between 59.0 and 90.0 degrees");

    const std::vector<double> quarter = steps(90, 0, degree);
    REQUIRE(gaps(quarter).size() == 1);
    CHECK(text_of(gaps(quarter)[0]) == "no projections between 89.0 and 180.0 degrees");
    REQUIRE(gaps(steps(180, 0, degree), 2 * pi).size() == 1);
    CHECK(text_of(gaps(steps(180, 0, degree), 2 * pi)[0]) ==
          "no projections between 179.0 and 360.0 degrees");

    // Blocked in one half of a whole turn: the other half saw it, but not in a half acquisition.
    std::vector<double> turn = steps(720, 0, degree / 2);
    turn.erase(turn.begin() + 40, turn.begin() + 80);
    CHECK(gaps(turn).empty());
    REQUIRE(gaps(turn, 2 * pi).size() == 1);
    CHECK(gaps(turn, 2 * pi)[0].from == Approx(19.5 * degree));
}
