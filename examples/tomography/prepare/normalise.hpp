// SPDX-License-Identifier: BSD-3-Clause
//
// normalise.hpp: from counts to the transmission (data - dark) / (white - dark), and on to line integrals of the
// attenuation, its -log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scan/scan.hpp"
#include "scan/stack.hpp"

namespace tomo {

/// How the white frames, and the dark ones, become one frame each. The median does not see a zinger.
enum class average { mean, median };

/// The frames with the beam off and on, ready for use: transmission = (data - dark) * scale.
struct flat_field {
    std::size_t rows = 0, columns = 0;
    std::vector<float> dark, scale;
    /// Pixels whose white - dark is below a thousandth of its mean along the row, and was set to that.
    std::size_t clamped = 0;
};

/// Throws std::runtime_error where no pixel of white is brighter than dark.
flat_field make_flat_field(const frames& white, const frames& dark, average how);

/// Samples that have no logarithm, and what stands in for them.
struct guard_counts {
    /// Transmission below 1e-5, the last bit of a 16-bit detector: taken as 1e-5.
    std::uint64_t opaque = 0;
    /// NaN or infinite: replaced by the transmission on their left in the row, or by 1 at its start.
    std::uint64_t not_finite = 0;

    guard_counts& operator+=(const guard_counts& other) noexcept {
        opaque += other.opaque;
        not_finite += other.not_finite;
        return *this;
    }
};

/// Turns counts into transmissions where they lie; counts is (angles, flat.rows, flat.columns). Guards what is not
/// finite.
guard_counts to_transmission(projections counts, const flat_field& flat, int threads);

/// Turns transmissions into line integrals where they lie. Guards what is opaque, replaced samples too.
guard_counts to_line_integrals(projections transmission, int threads);

} // namespace tomo
