// SPDX-License-Identifier: BSD-3-Clause
//
// normal_equations.hpp: the weighted least-squares problem of one patch, A^T W A f = A^T W p.
//
// A column of A is a spot, which touches 3 % of a patch's pixels and shares some with a tenth of the others: A is
// never formed. Products of spots go straight into the band that they fill when unknowns are ordered by wavelength.
#pragma once

#include <cstddef>
#include <vector>

#include "extract/patch.hpp"
#include "extract/spots.hpp"

namespace spectra {

/// The spots of a patch in the order of its unknowns, placed on its image. Those wholly beside the CCD are null.
struct patch_spots {
    std::size_t nx = 0, ny = 0, pitch = 0; // of a spot
    std::vector<const double*> spot;
    std::vector<std::size_t> offset; // of a spot's first pixel in the image
    std::vector<int> x, y;           // the same on the CCD

    void place(const patch& at, const spot_table& table, const patch_image& image);
};

struct normal_equations {
    std::size_t unknowns = 0, half_bandwidth = 0;
    // (unknowns, half_bandwidth + 1): row i of the lower triangle, columns i - half_bandwidth .. i. To LAPACK, which
    // counts columns first, it is the upper triangle's band.
    std::vector<double> band;
    std::vector<double> weighted_light;  // A^T W p
    std::vector<double> weight;          // A^T W 1: 0 where no usable pixel sees the bin
    std::vector<double> masked_fraction; // A^T [W = 0]: the part of a spot that lies on unusable pixels

    const double* row(std::size_t i) const { return band.data() + i * (half_bandwidth + 1); }
    double* row(std::size_t i) { return band.data() + i * (half_bandwidth + 1); }
};

/// Makes normal equations; keeps its work space from patch to patch.
class accumulator {
public:
    void accumulate(const patch& at, const patch_spots& spots, const patch_image& image,
                    normal_equations& out);

private:
    void sum_over_spots(const patch_spots& spots, const patch_image& image, normal_equations& out) const;
    void find_band(const patch& at, const patch_spots& spots, normal_equations& out);
    void fill_row(std::size_t j, const patch_spots& spots, const patch_image& image,
                  normal_equations& out);

    std::vector<std::size_t> first_; // unknown that shares pixels with each
    std::vector<double> weighted_;   // a spot times the weights, between margins of zeros
};

/// Adds a weak prior, flux = 0, to the bins that the pixels say next to nothing of, as gpu_specter: those of less than
/// 10^-4 of the largest weight. (And 10^-15 to all, as it is with bins that no pixel sees.)
void regularise(normal_equations& equations);

} // namespace spectra
