// SPDX-License-Identifier: BSD-3-Clause
//
// mean_stripes.hpp: stripes as what is rough in the mean over angles.
//
// A profile p over columns is parted into a smooth one s, which is the object's, and p - s, the stripes, which
// are taken off all projections. Where the angles are cut into blocks, each has a profile of its own, and between
// the middles of blocks stripes change linearly.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <destrier/layout.hpp>

#include "reconstruct/scratch_bytes.hpp"

namespace tomo {

/// The smooth profile as the running mean over `window` columns, odd; beyond its ends the profile goes on as its
/// mirror image.
class running_mean {
public:
    running_mean(std::size_t columns, std::size_t window) : columns_(columns), window_(window) {}

    void operator()(std::span<const double> profile, std::span<double> smooth) const;

private:
    std::size_t columns_, window_;
};

/// The smooth profile as the s that makes
///
///     sum_k (s[k + 1] - s[k])^2 + alpha sum_k (p[k] - s[k])^2
///
/// least: the solution of (alpha + D^T D) s = alpha p, D the difference of neighbours. With 2 sinh(tau / 2) =
/// sqrt(alpha), s is p convolved with tanh(tau / 2) exp(-tau |k|), mirrored at the ends.
///
/// Source  Titarenko, Withers, Yagola, Appl. Math. Lett. 23 (2010) 1489, doi:10.1016/j.aml.2010.08.022
class least_squares_profile {
public:
    least_squares_profile(std::size_t columns, double alpha);

    void operator()(std::span<const double> profile, std::span<double> smooth) const;

private:
    double alpha_;
    std::vector<double> pivot_; // of the tridiagonal matrix: one over each
};

/// The means of each of the blocks, (blocks, columns).
void mean_profiles(destrier::view<const float, 2> sinogram, std::size_t blocks,
                   std::span<double> profiles);

/// Takes profiles (blocks, columns) off the sinogram.
void subtract_profiles(std::span<const double> profiles, std::size_t blocks,
                       destrier::view<float, 2> sinogram);

template <class Smooth>
class mean_stripes {
public:
    mean_stripes(Smooth smooth, std::size_t columns, std::size_t blocks)
        : smooth_(std::move(smooth)), columns_(columns), blocks_(blocks) {}

    /// For one thread.
    class work_space {
    public:
        explicit work_space(const mean_stripes& plan)
            : profiles(plan.blocks_ * plan.columns_), smooth(plan.columns_) {}
        std::size_t bytes() const { return bytes_of(profiles, smooth); }

    private:
        friend mean_stripes;
        std::vector<double> profiles, smooth;
    };

    void remove(destrier::view<float, 2> sinogram, work_space& work) const {
        mean_profiles(sinogram, blocks_, work.profiles);
        for (std::size_t block = 0; block < blocks_; ++block) {
            const auto profile = std::span(work.profiles).subspan(block * columns_, columns_);
            smooth_(profile, work.smooth);
            for (std::size_t k = 0; k < columns_; ++k) profile[k] -= work.smooth[k];
        }
        subtract_profiles(work.profiles, blocks_, sinogram);
    }

private:
    Smooth smooth_;
    std::size_t columns_, blocks_;
};

} // namespace tomo
