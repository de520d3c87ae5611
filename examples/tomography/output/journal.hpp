// SPDX-License-Identifier: BSD-3-Clause
//
// journal.hpp: which slices of an unfinished volume are on the disk, so that a run that was killed can be
// gone on with.
//
// Beside VOLUME.h5.part lies VOLUME.h5.part.done.RANK for each rank that writes: first what was asked for,
// one "name = value" a line, then a line for each range of slices, added once they are on the disk. Whatever
// ends the run, a line that is whole is true.
//
//   volume made anew:  remove_journals(part); create_volume(part, ...);   in this order
//   gone on with:      done = finished_slices(part, slices, request);
//   then, each rank:   journal notes(part, rank, request);
//                      writer.write(...); writer.sync(); notes.add(first, last);
//   finished:          staged.commit(); remove_journals(part);
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "common/plain_file.hpp"

namespace tomo {

/// For each slice, whether the journals beside `part`, of whatever number of ranks, say that it is on the
/// disk: none if there are no journals, or if there is no such file or nothing in it. To be called by all ranks
/// before any makes its journal.
///
/// Throws  std::runtime_error naming the first line of the request that differs, if they are of another one
std::vector<bool> finished_slices(const std::filesystem::path& part, std::size_t slices,
                                  const std::string& request);

/// Removes all journals beside `part`. To be called before a volume of that name is made anew: its slices are
/// not on the disk any more.
///
/// Throws  std::runtime_error naming the file and what the system says
void remove_journals(const std::filesystem::path& part);

/// A rank's journal.
///
/// Threads  one at a time
/// Throws   std::runtime_error naming the file and what the system says
class journal {
public:
    /// Goes on behind what the file holds of the same request, or begins it.
    journal(const std::filesystem::path& part, std::size_t rank, const std::string& request);

    /// Slices first .. last - 1 are on the disk. Returns when that, too, is.
    void add(std::size_t first, std::size_t last);

private:
    void append(const std::string& text);

    common::plain_file file_;
};

} // namespace tomo
