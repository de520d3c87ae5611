// SPDX-License-Identifier: BSD-3-Clause
//
// zingers.hpp: X-rays that hit the camera's chip itself leave pixels far too bright in one projection.
//
// A count is a zinger where it exceeds the median of its neighbours in the sinogram of its detector row, size x size
// of them over angles and columns with itself in the middle, by more than a factor 1 + threshold; the median
// takes its place. Neighbours are those that exist: there are fewer at the edges. No other detector row is looked
// at, and the counts compared are those that came in, so that neither chunks nor threads change a result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scan/stack.hpp"

namespace tomo {

struct zinger_options {
    double threshold = 0; // how far above the median, in medians; 0: none are looked for
    std::size_t size = 3; // neighbours along angles and along columns
};

/// Throws std::runtime_error where the threshold is negative or the size not odd, or not 3 to 15.
void check(const zinger_options& options);

/// Removes the zingers where they lie, and says how many there were. A NaN is none, and stays.
std::uint64_t remove_zingers(projections counts, const zinger_options& options, int threads);

} // namespace tomo
