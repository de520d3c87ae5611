// SPDX-License-Identifier: BSD-3-Clause
//
// checkpoint.hpp: a solve between two iterations, in a file from which it goes on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <destrier/destripe/solver.hpp>

#include "common/hdf5.hpp"
#include "common/ranks.hpp"

namespace mapmaking {

/// The file holds all of the solver's state, of all ranks, and what it is the state of: lines "name: value". It
/// may be read by another number of ranks than wrote it. All ranks make the same calls, within together().
class checkpoint {
public:
    /// size: of this rank's part of the vectors.
    checkpoint(std::filesystem::path path, std::string problem, std::size_t size,
               const common::ranks& all);

    /// Replaces the file when the new one is whole.
    void save(const destrier::destripe::solver_state& state) const;

    /// The state to go on from; a fresh one if there is no file.
    ///
    /// Throws  std::runtime_error naming the file and what differs, if it is of another solve, or if |b| was
    ///         another one, so that its data were
    destrier::destripe::solver_state load(std::span<const double> b) const;

private:
    void require_same_problem(const common::h5::file& file) const;
    void require_same_norm(std::span<const double> b, double b_norm) const;

    std::filesystem::path path_;
    std::string problem_;
    std::size_t first_, size_, total_; // this rank's part of the vectors
    const common::ranks& all_;
};

} // namespace mapmaking
