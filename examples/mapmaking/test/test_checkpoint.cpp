// SPDX-License-Identifier: BSD-3-Clause
//
// Checkpoints come back as they were, and what is none, or is spoilt, is refused.
#include <stdexcept>
#include <string>
#include <vector>

#include "common/test_files.hpp"
#include "solve/checkpoint.hpp"

#include "reference.hpp"

using namespace mapmaking;
using namespace reference;

namespace {

const std::vector<double> right_hand_side{3, 4};

std::string complaint(const std::filesystem::path& path) {
    const common::ranks alone;
    return message_of<std::runtime_error>(
        [&] { checkpoint(path, "nside: 4\n", 2, alone).load(right_hand_side); });
}

} // namespace

TEST_CASE("a checkpoint comes back as it was", "[checkpoint]") {
    const common::scratch directory;
    const common::ranks alone;
    const checkpoint file(directory / "c.h5", "nside: 4\n", 2, alone);
    destrier::destripe::solver_state state;
    state.x = state.r = state.p = {1, 2};
    state.best_x = {5, 6};
    state.b_norm = 5;
    state.mark_iteration = 7;
    state.residuals = {1, 0.5};
    state.true_residuals = {{1, 0.25}};
    file.save(state);
    const destrier::destripe::solver_state read = file.load(right_hand_side);
    CHECK(read.best_x == state.best_x);
    CHECK(read.mark_iteration == 7);
    CHECK(read.true_residuals.at(0).relative == 0.25);
}

TEST_CASE("a checkpoint without its problem, or of no number of iterations, is refused",
          "[checkpoint]") {
    const common::scratch directory;
    common::h5::prepare();
    common::h5::file empty = common::h5::file::create(directory / "empty.h5");
    empty.write_texts("problem", {});
    empty.close();
    CHECK_THAT(complaint(directory / "empty.h5"), ContainsSubstring("is no checkpoint of destrier-map"));

    for (const double iterations : {-1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
        common::h5::file spoilt = common::h5::file::create(directory / "spoilt.h5");
        spoilt.write_text("problem", "nside: 4\n");
        common::h5::dataset numbers = spoilt.create_dataset("numbers", {9}, {H5T_NATIVE_DOUBLE});
        numbers.write_all({5, 1, 1, 1, 1, 1, 1, 1, iterations});
        numbers.close();
        spoilt.close();
        CHECK_THAT(complaint(directory / "spoilt.h5"),
                   ContainsSubstring("numbers: a number of iterations is"));
    }
}
