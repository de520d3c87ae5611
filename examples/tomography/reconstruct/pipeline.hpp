// SPDX-License-Identifier: BSD-3-Clause
//
// pipeline.hpp: chunks of rows from the scan's file to the volume's. One thread reads ahead, one writes behind, and
// all the others compute.
#pragma once

#include <cstddef>
#include <vector>

#include "common/progress.hpp"
#include "output/journal.hpp"
#include "output/volume.hpp"
#include "prepare/prepared_scan.hpp"
#include "reconstruct/memory_needs.hpp"
#include "reconstruct/slice_maker.hpp"

namespace tomo {

/// The slices first .. last - 1 of a volume.
struct slice_range {
    std::size_t first, last;
    std::size_t size() const noexcept { return last - first; }
};

/// What slices a volume has.
struct slice_list {
    row_range rows;              // of the prepared scan
    bool trial = false;          // one slice of row rows.first for each center; else one for each row
    std::vector<double> centers; // one a slice, on the prepared scan's detector

    std::size_t size() const noexcept { return centers.size(); }
    row_range rows_of(slice_range slices) const noexcept {
        if (trial) return rows;
        return {rows.first + slices.first, rows.first + slices.last};
    }
};

struct pipeline_report {
    findings found;
    common::stage_times compute, beside; // of what one waits for; of the threads that read and write
    destrier::gridrec::stage_times gridrec;
};

/// Makes the slices that are to do, each range's in order, and notes those that are on the disk.
///
/// Throws  what reading, computing or writing throws first, once all three have ended; common::interrupted.
///         What is noted is then on the disk
pipeline_report run_pipeline(const prepared_scan& input, slice_maker& maker, const slice_list& slices,
                             const std::vector<slice_range>& to_do, const memory_layout& layout,
                             volume_writer& volume, journal& notes, common::progress* shown,
                             int threads);

} // namespace tomo
