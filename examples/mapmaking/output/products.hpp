// SPDX-License-Identifier: BSD-3-Clause
//
// products.hpp: what a solve makes, as maps of the whole sphere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/map_sums.hpp>

#include "output/sky_map.hpp"

namespace mapmaking {

/// Letters of a map's components: "I", "QU" or "IQU".
template <destrier::destripe::stokes S>
inline constexpr const char* stokes_letters = S == destrier::destripe::stokes::i    ? "I"
                                              : S == destrier::destripe::stokes::qu ? "QU"
                                                                                    : "IQU";

/// Columns of such maps, in order: I Q U, BINNED_I BINNED_Q BINNED_U, HITS, RCOND, and the upper triangle of the
/// inverse covariance, INVCOV_II INVCOV_IQ ...
std::size_t product_columns(const std::string& letters);

/// Values (pixels, components) and the like, of some pixels of the sphere, nested.
struct pixel_products {
    std::string letters;
    std::span<const std::int32_t> pixels;
    std::span<const double> map, binned, hits, rcond, inverse_covariance;
    double least_rcond; // map and binned are unseen below it
};

/// unit: of the signal; `unseen` where nothing is known, but 0 hits.
sky_map make_products(const pixel_products& from, std::size_t nside, ordering order,
                      const std::string& unit);

} // namespace mapmaking
