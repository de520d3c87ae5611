// SPDX-License-Identifier: BSD-3-Clause
//
// center.hpp: where the rotation axis meets the detector, asked of the scan itself in several ways.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <destrier/layout.hpp>

#include "axis/centers.hpp"
#include "axis/no_axis.hpp"
#include "scan/scan.hpp"
#include "scan/stack.hpp"

namespace tomo {

/// Line integrals, wherever they come from.
class line_integral_source {
public:
    virtual ~line_integral_source() = default;

    virtual std::size_t angles() const = 0;
    virtual std::size_t rows() const = 0;
    virtual std::size_t columns() const = 0;
    /// In radians, one for each projection used.
    virtual const std::vector<double>& theta() const = 0;

    /// All projections of these rows after all steps of preprocessing; out is (angles, rows, columns).
    virtual void read(row_range rows, projections out) const = 0;
    /// One projection after flat field and logarithm alone; out is (rows, columns).
    virtual void read_projection(std::size_t angle, row_range rows,
                                 destrier::view<float, 2> out) const = 0;
};

/// Whether a scan is a half acquisition; automatic: where it is a whole turn and its axis lies so.
enum class half_scan { automatic, yes, no };

/// What was found, in pixels; detector pixel k lies at k.
struct axis {
    double center = 0;  // the one to use
    std::string method; // "phase correlation", "Vo double wedge", "entropy" or "overlap"

    /// What each of the methods that were asked found.
    std::optional<double> phase_correlation; // of projections half a turn apart
    double missing_degrees = 0;              // what the best pair of them lacks to half a turn
    std::optional<double> vo;                // double wedge, of up to three slices
    std::optional<double> entropy;           // of the middle slice
    std::optional<double> overlap;           // of opposite projections of a whole turn

    std::string warning; // empty, or what to tell the user
};

/// Reads a few projections and slices of these rows.
///
///   automatic          Vo's method, and phase correlation to compare with where two projections are
///                      opposite; in a half acquisition the overlap
///   phase_correlation, vo    that method alone
///   entropy            about the axis that Vo's method found, or phase correlation where it found none
///
/// Throws  no_axis where the scan does not tell; std::invalid_argument where the method is none of these
axis find_axis(const line_integral_source& input, row_range rows, center_method method, half_scan half,
               int threads);

/// What find_axis takes of memory at its peak, besides what the source does; a little more than it is.
std::size_t find_axis_bytes(center_method method, half_scan half, std::size_t angles, std::size_t rows,
                            std::size_t columns, int threads);

} // namespace tomo
