// SPDX-License-Identifier: BSD-3-Clause
//
// propagation.hpp: what a beam that has passed a sample of one material looks like some way behind it.
//
// Intensity I and transmission T are related by I = T - L^2 laplacian T in the near field (phase_retrieval.hpp,
// which turns this round, has the formula of L). The camera sees both through a Gaussian of one pixel, as optics
// blur: so T, which has kinks at the sample's edges, is convolved with g - L^2 laplacian g, known exactly.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <destrier/layout.hpp>

namespace tomo {

class propagation {
public:
    /// L in pixels.
    explicit propagation(double blur);

    /// Rows and columns of the transmission wanted on every side of those that come out.
    static constexpr std::size_t margin = 6;

    /// One row: transmission is (1 + 2 margin, columns + 2 margin), its middle row the one that comes out.
    void apply(destrier::view<const double, 2> transmission, std::span<double> intensity) const;

private:
    std::vector<double> g_, bend_; // g and -L^2 g'', at -margin .. margin
};

} // namespace tomo
