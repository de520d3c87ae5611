// SPDX-License-Identifier: BSD-3-Clause
//
// outlying_columns.hpp: which columns of a sinogram are stripes, by one value of each.
//
// A value stands out by algorithm 4 of Vo, Atwood and Drakopoulos: sorted, the middle half of the values lies along
// a line, and what that line rises by over all values is the noise. Values beyond the line's end by more than
// snr / 2 times the noise stand out, on either side on which the outermost does by snr times.
//
// So does much of an object, which is no stripe. What an object makes of a mean over angles rises and falls over
// many columns; a stripe begins with a jump and ends with one. So the jumps from column to column, less the slope
// of the columns around, have to stand out too, and only what is between two of them counts.
//
// Source  Vo, Atwood, Drakopoulos, Opt. Express 26 (2018) 28396, doi:10.1364/OE.26.028396
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stripes/running_median.hpp"

namespace tomo {

/// For one thread.
class outlying_columns {
public:
    /// Stripes of more than `widest` columns are none.
    outlying_columns(std::size_t columns, double snr, std::size_t widest);

    /// Whether each column is a stripe, until the next call; noise below least_noise counts as that. No column is
    /// where there are fewer than eight, or a value is not finite.
    std::span<const char> find(std::span<const float> values, double least_noise);

private:
    void find_jumps(std::span<const float> values);
    void mark(std::span<const float> values, double least_noise, std::span<char> outlying);

    double snr_;
    std::size_t widest_;
    list_median median_;
    std::vector<float> jumps_, slopes_, sorted_;
    std::vector<char> outlying_, jumping_, stripes_;
};

} // namespace tomo
