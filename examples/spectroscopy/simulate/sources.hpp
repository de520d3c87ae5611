// SPDX-License-Identifier: BSD-3-Clause
//
// sources.hpp: what shines into the fibres, as electrons in each bin of wavelength.
//
// All fibres see the night sky. In every bundle of 25, fibre 5 also has a bright standard star, fibres 8 and 20
// nothing more, and the others a faint galaxy each, with a continuum and emission lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exposure/curves.hpp"
#include "extract/grid.hpp"

namespace spectra {

enum class source { sky, star, galaxy };

source source_of(std::size_t fiber);

struct exposing {
    double seconds = 900;
    std::uint64_t seed = 1; // of the objects and of the fibres' transmissions
};

/// Electrons from the sky in each bin of a fibre that lets all light through.
///
/// Throws  std::runtime_error if the sky's curve does not cover the bins
std::vector<double> sky_electrons(const curve& sky, const throughput& t, const wavelength_grid& bins,
                                  double seconds);

/// Electrons in each bin of each fibre, (fibers, bins): sky and object, through fibres whose transmissions differ
/// by a few percent. A fibre's do not depend on which others there are.
std::vector<double> electrons(const curve& sky, const throughput& t, fiber_range fibers,
                              const wavelength_grid& bins, const exposing& how);

} // namespace spectra
