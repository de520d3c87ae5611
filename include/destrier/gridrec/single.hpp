// SPDX-License-Identifier: BSD-3-Clause
//
// single.hpp: reconstruction of few slices, one at a time.
//
// gridrec::plan takes as long for one slice as for line<T> of them. Here the lanes are not slices but
// frequencies, a sample's taps, and columns and rows of the grid, so that each slice is paid for by itself:
// 38 ms for one of 2048 columns and 1501 angles (fast, one thread of Sapphire Rapids), a seventh of the
// batch. So it is the better choice for up to six slices of floats.
// A slice with many axes is one batch of plan, with a stride of 0 along slices.
//
//   gridrec::plan_single<float> plan(theta, columns, {.filter = gridrec::filter::shepp()});
//   auto work = plan.make_workspace(threads);
//   plan.apply(sinogram, center, volume, work);
//
// Conventions, options and the sum that is computed are those of gridrec.hpp. There is no adjoint: what
// iterates takes plan.
//
//   gridrec/single_radial.hpp    projections to spectra
//   gridrec/single_samples.hpp   where samples fall, and in which order they are taken
//   gridrec/single_sweep.hpp     spectra to the grid, transformed along v
//   gridrec/single_image.hpp     the grid to the image
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/budget.hpp>
#include <destrier/gridrec/arguments.hpp>
#include <destrier/gridrec/options.hpp>
#include <destrier/gridrec/single_image.hpp>
#include <destrier/gridrec/single_radial.hpp>
#include <destrier/gridrec/single_sweep.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec {

/// The geometry of a scan, ready to reconstruct slices one by one.
///
/// Accuracy  as plan; asserted in tests/test_gridrec_single.cpp
/// Threads   any number gives the same bits
/// Memory    in bytes, of n angles and N columns, P = radial_size, M = grid_size:
///             the plan               12 (double: 24) n P / 2 + M^2 / 4 (M^2 / 2)
///             a slice at work         8 (16) (n P / 2 + N M / 2), one at a time
///             a thread               at most 900 M, or 320 P where that is more
///           to 10 % (N >= 256); workspace_bytes is exact; tests/budget asserts both
template <std::floating_point T, class A = default_arch>
class plan_single {
public:
    /// The memory that a plan works in, for a number of threads. Not to be shared by calls at the same
    /// time.
    class workspace_type {
    public:
        int threads() const noexcept { return threads_; }
        std::size_t bytes() const noexcept {
            return (spectra_.size() + half_.size() + phases_.size() + scratch_.size()) * sizeof(T);
        }
        /// Bytes that lie on huge pages at this moment.
        std::size_t huge_bytes() const {
            return spectra_.huge_bytes() + half_.huge_bytes() + phases_.huge_bytes() +
                   scratch_.huge_bytes();
        }
        /// The time all calls with this work space have taken.
        const stage_times& times() const noexcept { return times_; }

    private:
        friend class plan_single;

        workspace_type(const plan_single& p, int threads)
            : spectra_(p.spectra_size(), p.memory_, threads), half_(p.half_size(), p.memory_, threads),
              phases_(p.radial_.phases_size(), p.memory_),
              scratch_(p.scratch_size() * static_cast<std::size_t>(threads), p.memory_, threads),
              scratch_size_(p.scratch_size()), threads_(threads) {}

        T* scratch(std::size_t worker) noexcept { return scratch_.data() + worker * scratch_size_; }

        buffer<T> spectra_, half_, phases_, scratch_;
        std::size_t scratch_size_;
        int threads_;
        stage_times times_;
    };

    /// Shapes  theta (angles), in radians, in any order and range
    /// Throws  std::invalid_argument if theta is empty or not finite, columns is 0, weights or a custom
    ///         filter have the wrong length, padding is not in 2 .. 16, or there are more than 2^29
    ///         samples; destrier::out_of_memory
    plan_single(std::span<const double> theta, std::size_t columns, const options& o = {})
        : plan_single(checked(theta, columns, o), columns, detail::kernel(detail::preset_of(o.accuracy)),
                      grid_for(columns, o), o) {}

    std::size_t columns() const noexcept { return columns_; }
    std::size_t angles() const noexcept { return angles_; }
    std::size_t radial_size() const noexcept { return radial_.size(); }
    std::size_t grid_size() const noexcept { return grid_.size; }

    std::size_t workspace_bytes(int threads = 1) const {
        return slice_bytes() + threads_bytes(thread_count(threads));
    }
    workspace_type make_workspace(int threads = 1) const {
        return workspace_type(*this, thread_count(threads));
    }

    /// Of as many threads, up to these, as a budget of bytes has room for beside one slice.
    ///
    /// Throws  std::invalid_argument if the budget is too small for one slice on one thread;
    ///         destrier::out_of_memory
    workspace_type make_workspace(int threads, std::size_t budget) const {
        const share s = destrier::detail::share_within("gridrec::plan_single::make_workspace", budget,
                                                       threads, {slice_bytes(), "a slice"},
                                                       [&](int some) { return threads_bytes(some); });
        return workspace_type(*this, s.threads);
    }

    /// Reconstructs slices.
    ///
    /// Shapes    sinogram (slices, angles, columns), any strides; center (slices) or (1), in detector
    ///           pixels; volume (slices, columns, columns), any strides
    /// Aliasing  none
    /// Memory    allocates nothing
    /// Throws    std::invalid_argument on shapes that disagree, or a center farther than `columns` from
    ///           the middle of the detector; volume untouched
    void apply(view<const T, 3> sinogram, std::span<const double> center, view<T, 3> volume,
               workspace_type& work) const {
        constexpr const char* call = "gridrec::plan_single::apply";
        detail::check_slices(call, sinogram.extents(), center, volume.extents(), angles_, columns_);
        if (work.spectra_.size() != spectra_size() || work.half_.size() != half_size() ||
            work.phases_.size() != radial_.phases_size() || work.scratch_size_ != scratch_size()) {
            throw std::invalid_argument(std::string(call) + ": the work space is that of another plan");
        }
        for (std::size_t i = 0; i < sinogram.extent(0); ++i) {
            spectra_of(sinogram.at(0, i), center[center.size() == 1 ? 0 : i], work);
            half_plane_of(work);
            image_of(volume.at(0, i), work);
        }
    }

private:
    using grid = detail::line_grid<T>;

    plan_single(std::span<const double> theta, std::size_t columns, const detail::kernel& k,
                const grid& g, const options& o)
        : columns_(columns), angles_(theta.size()), taps_(k.taps()), grid_(g), memory_(o.memory),
          radial_(theta, columns, gridrec::radial_size(columns, o.padding), o.edge,
                  o.filter.response(gridrec::radial_size(columns, o.padding), theta.size()),
                  detail::weights_of(theta.size(), o)),
          sweep_(theta, radial_.size(), radial_.stride(), k, g, columns, o.memory),
          image_(k, columns, g, sweep_.half_stride()) {}

    static std::span<const double> checked(std::span<const double> theta, std::size_t columns,
                                           const options& o) {
        detail::check_geometry("gridrec::plan_single", theta, columns, o.padding, o.weights);
        const std::size_t bins = gridrec::radial_size(columns, o.padding) / 2 + 1;
        if (theta.size() > detail::most_single_samples / (bins + line<T>)) {
            throw std::invalid_argument("gridrec::plan_single: " + std::to_string(theta.size()) +
                                        " angles of " + std::to_string(bins) +
                                        " frequencies exceed 2^29 samples");
        }
        return theta;
    }

    // Of a length that the transform along u has its fastest kernel for, which is finer if not the same.
    static grid grid_for(std::size_t columns, const options& o) {
        const double least = detail::preset_of(o.accuracy).oversampling * static_cast<double>(columns);
        constexpr std::size_t unit = 2 * line<float>; // of doubles too: the same grid
        return {unit * fft::good_size(static_cast<std::size_t>(std::ceil(least / unit)))};
    }

    std::size_t spectra_size() const {
        return product_of({angles_, radial_.stride(), 2}, "the gridrec work space");
    }
    std::size_t half_size() const {
        return product_of({columns_, sweep_.half_stride()}, "the gridrec work space");
    }
    std::size_t slice_bytes() const {
        return (spectra_size() + half_size() + radial_.phases_size()) * sizeof(T);
    }
    std::size_t threads_bytes(int threads) const {
        return scratch_size() * sizeof(T) * static_cast<std::size_t>(threads);
    }
    std::size_t scratch_size() const {
        const std::size_t most =
            std::max({radial_.scratch_size(), sweep_.scratch_size(), image_.scratch_size()});
        return (most + line<T> - 1) / line<T> * line<T>; // every thread's begins on a line
    }

    // f(first, count, scratch) for pieces of 0 .. n - 1, in parallel; the time goes to `seconds`.
    template <class F>
    static void for_pieces(std::size_t n, std::size_t piece, workspace_type& work, double& seconds,
                           F&& f) {
        detail::timed(seconds, [&] {
            parallel_ranges((n + piece - 1) / piece, work.threads_,
                            [&](std::size_t i, std::size_t end, std::size_t worker) {
                                for (; i < end; ++i) {
                                    const std::size_t first = i * piece;
                                    f(first, std::min(piece, n - first), work.scratch(worker));
                                }
                            });
        });
    }
    void spectra_of(view<const T, 2> sinogram, double center, workspace_type& work) const {
        radial_.fill_phases(center, work.phases_.data());
        for_pieces(angles_, radial_.at_once, work, work.times_.radial,
                   [&](std::size_t first, std::size_t count, T* scratch) {
                       radial_.run(sinogram.slice(0, first, count), first, work.phases_.data(),
                                   work.spectra_.data(), scratch);
                   });
    }

    void half_plane_of(workspace_type& work) const {
        const auto workers = static_cast<std::size_t>(work.threads_);
        detail::timed(work.times_.grid, [&] {
            parallel_for(workers, work.threads_, [&](std::size_t k) {
                detail::with_taps(taps_, [&](auto taps) {
                    sweep_.template run<taps>(sweep_.share(k, workers), work.spectra_.data(),
                                              work.half_.data(), work.scratch(k));
                });
            });
        });
    }

    void image_of(view<T, 2> slice, workspace_type& work) const {
        for_pieces(columns_, image_.at_once, work, work.times_.image,
                   [&](std::size_t first, std::size_t count, T* scratch) {
                       image_.run(work.half_.data(), first, count, slice, scratch);
                   });
    }

    std::size_t columns_, angles_, taps_;
    grid grid_;
    memory memory_;
    detail::single_radial<T, A> radial_;
    detail::single_sweep<T, A> sweep_;
    detail::single_image<T, A> image_;
};

} // namespace destrier::gridrec
