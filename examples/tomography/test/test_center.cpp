// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "phase_correlation.hpp"
#include "reference.hpp"

TEST_CASE("opposite pairs are found over half a turn and over a whole one") {
    std::vector<double> theta(360);
    for (std::size_t i = 0; i < theta.size(); ++i) {
        theta[i] = static_cast<double>(i) * std::numbers::pi / 180;
    }
    for (const tomo::opposite_pair& pair : tomo::opposite_pairs(theta)) {
        CHECK(std::abs(theta[pair.second] - theta[pair.first]) == Approx(std::numbers::pi));
        CHECK(pair.missing == Approx(0).margin(1e-12));
    }
    theta.resize(179);
    const std::vector<tomo::opposite_pair> nearly = tomo::opposite_pairs(theta);
    REQUIRE(!nearly.empty());
    CHECK(nearly.front().missing == Approx(2 * std::numbers::pi / 180));
}
