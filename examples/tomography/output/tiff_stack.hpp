// SPDX-License-Identifier: BSD-3-Clause
//
// tiff_stack.hpp: a volume as TIFF files, one a slice, as most programs that show slices read them.
#pragma once

#include <cstddef>
#include <filesystem>

#include "output/survey.hpp"
#include "output/volume.hpp"

namespace tomo {

enum class tiff_format { float32, uint16, uint8 };

struct tiff_options {
    tiff_format format = tiff_format::float32;
    gray_range range = {0, 1}; // what 0 and the greatest integer stand for; float32 has no use for it
    std::size_t first_row = 0; // detector row of slice 0
    std::size_t row_step = 1;  // detector rows from a slice to the next
    std::size_t slice_first = 0, slice_last = static_cast<std::size_t>(-1); // the part to write
};

/// Writes slice_00042.tif and so on into the directory, where 42 is the slice's detector row. Integers are
/// the nearest ones; values outside of the range become its ends, and NaN becomes 0. The description in
/// each file says how to get back to 1/pixel.
///
/// Memory  2 MiB a thread
/// Throws  std::runtime_error naming the file and what the system says; common::interrupted
void write_tiff_stack(const volume_reader& volume, const std::filesystem::path& directory,
                      const tiff_options& options, int threads);

} // namespace tomo
