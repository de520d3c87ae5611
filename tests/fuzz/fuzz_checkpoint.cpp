// SPDX-License-Identifier: BSD-3-Clause
//
// Checkpoints of destrier-map's solver.
#include <cstdint>
#include <vector>

#include "mutated_hdf5.hpp"
#include "solve/checkpoint.hpp"

namespace {

constexpr std::size_t unknowns = 5;
const std::vector<double> right_hand_side{1, 2, 2, 4, 0};

mapmaking::checkpoint at(const std::filesystem::path& path, const common::ranks& alone) {
    return {path, "nside: 4\nbaseline: 1\n", unknowns, alone};
}

void write_checkpoint(const std::filesystem::path& path, const common::ranks& alone) {
    destrier::destripe::solver_state state;
    state.x = state.r = state.p = state.best_x = right_hand_side;
    state.b_norm = 5;
    state.residuals = {1, 0.5};
    state.true_residuals = {{1, 0.5}};
    at(path, alone).save(state);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".h5");
    static const common::ranks alone;
    static const fuzz::sound_hdf5 sound(
        [](const std::filesystem::path& path) { write_checkpoint(path, alone); });
    fuzz::choices from(data, size);
    fuzz::write_mutated(made, sound, from);
    fuzz::expect_read_or_refused(made, [&] {
        const auto state = at(made.path(), alone).load(right_hand_side);
        if (state.x.size() != unknowns || state.best_x.size() != unknowns) std::abort();
    });
    return 0;
}
