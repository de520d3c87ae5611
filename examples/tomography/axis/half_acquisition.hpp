// SPDX-License-Identifier: BSD-3-Clause
//
// half_acquisition.hpp: a whole turn about an axis near the detector's edge, which sees nearly twice
// the detector's width.
//
// What the longer side of the detector sees, the shorter one sees half a turn later up to its own end:
// the overlap. Nothing is stitched and nothing interpolated: every projection stays what it is, on a
// detector made wide enough with zeros, and is weighted by w(s), which falls smoothly over the overlap
// from 2 to 0 such that w(s) + w(2 c - s) = 2. The reconstruction of the whole turn, linear in the
// projections, adds up the rest.
#pragma once

#include <cstddef>
#include <span>

#include "axis/no_axis.hpp"
#include "scan/stack.hpp"

namespace tomo {

/// Whether angles leave no more than 5 degrees of a whole turn without a projection.
bool is_whole_turn(std::span<const double> theta);

/// Whether this is a whole turn about an axis farther than an eighth of the detector from its middle.
bool is_half_acquisition(std::span<const double> theta, double center, std::size_t columns);

/// The axis of a whole turn, wherever it is on the detector: about which opposite projections are each
/// other's mirror image, as far as both were seen.
///
/// Shapes  line_integrals (angles, rows, columns), a few rows; theta (angles) in radians
/// Throws  no_axis if theta is no whole turn, there are fewer than 64 columns, or nothing matches
double overlap_axis(const_projections line_integrals, std::span<const double> theta, int threads);

/// The detector that the object would have needed. What it holds is meant for gridrec::edge::replicate,
/// as its outer end is the detector's own, and for angle_weights(theta, 2 pi).
class wide_detector {
public:
    /// For an axis at `center`, or thereabouts in all slices.
    ///
    /// Throws  std::runtime_error where the overlap is less than 8 pixels wide, or the axis is in the
    ///         middle of the detector, to a pixel, so that nothing is gained
    wide_detector(std::size_t columns, double center);

    std::size_t columns() const noexcept { return columns_; }
    /// Where an axis of the detector's lies on this one.
    double center(double on_detector) const noexcept {
        return on_detector + static_cast<double>(first_);
    }

    /// Shapes    in (angles, rows, columns of the detector), out (angles, rows, columns());
    ///           center (rows) or (1), on the detector: the overlap of a slice depends on its axis
    /// Aliasing  none
    /// Throws    std::invalid_argument where shapes disagree
    void widen(const_projections in, std::span<const double> center, projections out, int threads) const;

private:
    float weight(double pixel, double center) const;

    std::size_t detector_columns_, columns_, first_; // the detector's column 0 is first_ on this one
    bool axis_is_right_;                             // of the detector's middle
};

} // namespace tomo
