// SPDX-License-Identifier: BSD-3-Clause
//
// The plan of a scan: line<T> slices at a time, one in each lane.
//
// What bounds it is memory. A batch of 16 float slices, of n angles and N columns on a grid of M = 1.125 N
// (fast), moves in bytes, where N = 2048 and n = 1501:
//   radial  sinogram read 64 n N, spectra written past the caches 128 n (N + 1)          197 + 394 MB
//   grid    spectra read, samples read 16 n (N + 1), panels written 128 (M / 2 + 1) N    394 + 49 + 302 MB
//   image   panels read, volume written past the caches 64 N^2                           302 + 268 MB
// together 1.9 GB, 119 MB a slice (bench/bench_gridrec.cpp counts them). Of the grid itself nothing is
// stored but what the image needs: a row is scattered, transformed and gone while it is in cache.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/budget.hpp>
#include <destrier/gridrec/arguments.hpp>
#include <destrier/gridrec/image.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/options.hpp>
#include <destrier/gridrec/radial.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/gridrec/sweep.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec {

template <std::floating_point T, class A>
class plan;

/// The memory that a plan works in: some batches of line<T> slices at once, for a number of threads. Not to
/// be shared by calls at the same time.
template <std::floating_point T, class A = default_arch>
class workspace {
public:
    int threads() const noexcept { return threads_; }
    /// Slices that are worked on at once: those of whole batches.
    std::size_t slices() const noexcept { return batches_ * line<T>; }
    std::size_t bytes() const noexcept {
        return (spectra_.size() + grid_.size() + phases_.size() + scratch_.size() + windows_.size()) *
               sizeof(T);
    }
    /// Bytes that lie on huge pages at this moment.
    std::size_t huge_bytes() const {
        return spectra_.huge_bytes() + grid_.huge_bytes() + phases_.huge_bytes() +
               scratch_.huge_bytes() + windows_.huge_bytes();
    }
    /// The time all calls with this work space have taken.
    const stage_times& times() const noexcept { return times_; }

private:
    friend class plan<T, A>;

    workspace(const plan<T, A>& p, int threads, std::size_t batches)
        : spectra_(p.spectra_size() * batches, p.memory_, threads),
          grid_(p.grid_size_in_elements() * batches, p.memory_, threads),
          phases_(p.phases_size() * batches, p.memory_),
          scratch_(p.scratch_size() * static_cast<std::size_t>(threads), p.memory_, threads),
          windows_(p.window_size() * static_cast<std::size_t>(threads), p.memory_, threads),
          scratch_size_(p.scratch_size()), window_size_(p.window_size()), batches_(batches),
          threads_(threads) {}

    T* spectra(std::size_t batch) noexcept { return of_batch(spectra_, batch); }
    T* grid(std::size_t batch) noexcept { return of_batch(grid_, batch); }
    T* phases(std::size_t batch) noexcept { return of_batch(phases_, batch); }
    T* of_batch(buffer<T>& all, std::size_t batch) const noexcept {
        return all.data() + batch * (all.size() / batches_);
    }
    T* scratch(std::size_t worker) noexcept { return scratch_.data() + worker * scratch_size_; }
    T* window(std::size_t worker) noexcept { return windows_.data() + worker * window_size_; }

    buffer<T> spectra_, grid_, phases_, scratch_, windows_;
    std::size_t scratch_size_, window_size_, batches_;
    int threads_;
    stage_times times_;
};

/// The geometry of a scan, ready to reconstruct and to project.
///
/// Accuracy  relative L2 error within the field of view against the sum above: 3e-4 (fast), 3e-5
///           (standard), 5e-6 (accurate); asserted in tests/test_gridrec.cpp
/// Threads   any number gives the same bits, and so does any grouping of slices into calls
/// Memory    in bytes, of n angles and N columns, P = radial_size, M = grid_size:
///             the plan               16 (double: 24) n P / 2, and up to 4 M^2 more while it is made
///             a slice at work         8 (16) (n P / 2 + N M / 2), those of whole batches of line<T>
///             a thread              128 (18 M + 3/2 P)
///           to 3 %, the plan to 12 % (N >= 256); workspace_bytes is exact; tests/budget asserts both
template <std::floating_point T, class A = default_arch>
class plan {
public:
    using workspace_type = workspace<T, A>;

    /// Shapes  theta (angles), in radians, in any order and range
    /// Throws  std::invalid_argument if theta is empty or not finite, columns is 0, weights or a custom
    ///         filter have the wrong length, padding is not in 2 .. 16, or sizes overflow;
    ///         destrier::out_of_memory
    plan(std::span<const double> theta, std::size_t columns, const options& o = {})
        : plan(checked(theta, columns, o), columns, detail::preset_of(o.accuracy), o) {}

    std::size_t columns() const noexcept { return columns_; }
    std::size_t angles() const noexcept { return mirrored_.size(); }
    std::size_t radial_size() const noexcept { return radial_size_; }
    std::size_t grid_size() const noexcept { return plane_.size; }

    /// Bytes of a work space for so many slices at once, in whole batches.
    std::size_t workspace_bytes(int threads = 1, std::size_t slices = line<T>) const {
        return product_of({(slices + line<T> - 1) / line<T>, batch_bytes()}, "the gridrec work space") +
               threads_bytes(thread_count(threads));
    }
    /// One batch at once.
    workspace_type make_workspace(int threads = 1) const {
        return workspace_type(*this, thread_count(threads), 1);
    }

    /// As many threads, up to these, as a budget of bytes has room for beside one batch, and as many batches at
    /// once, of those that fit, as keep them from doing much twice. problems are slices.
    ///
    /// Throws  std::invalid_argument if the budget is too small for one batch on one thread
    share share_within(std::size_t budget, int threads) const {
        return share_within("gridrec::plan::share_within", budget, threads);
    }
    /// Of share_within's threads and slices at once.
    ///
    /// Throws  as share_within; destrier::out_of_memory
    workspace_type make_workspace(int threads, std::size_t budget) const {
        const share s = share_within("gridrec::plan::make_workspace", budget, threads);
        return workspace_type(*this, s.threads, s.problems / line<T>);
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
        check("gridrec::plan::apply", sinogram, center, volume, work);
        for_each_group(sinogram.extent(0), center, work, [&](std::size_t first, std::size_t count) {
            spectra_of(sinogram.slice(0, first, count), work);
            grid_of(batches_of(count), work);
            image_of(volume.slice(0, first, count), work);
        });
    }

    /// The adjoint of apply: <apply(g), f> = <g, apply_adjoint(f)>; otherwise as apply.
    void apply_adjoint(view<const T, 3> volume, std::span<const double> center, view<T, 3> sinogram,
                       workspace_type& work) const {
        check("gridrec::plan::apply_adjoint", sinogram, center, volume, work);
        adjoint(volume, center, sinogram, work, filtered_);
    }

    /// Projects slices: line integrals through the image, band-limited at the detector's Nyquist
    /// frequency. The adjoint of apply without filter and weights.
    ///
    /// Units   of the image times pixel; otherwise as apply
    void project(view<const T, 3> volume, std::span<const double> center, view<T, 3> sinogram,
                 workspace_type& work) const {
        check("gridrec::plan::project", sinogram, center, volume, work);
        adjoint(volume, center, sinogram, work, plain_);
    }

private:
    friend workspace_type;

    plan(std::span<const double> theta, std::size_t columns, detail::preset preset, const options& o)
        : columns_(columns), radial_size_(gridrec::radial_size(columns, o.padding)),
          plane_{grid_size_for(columns, preset)}, panels_{columns, plane_.rows()}, memory_(o.memory),
          kernel_(preset), filtered_(o.filter.response(radial_size_, theta.size()),
                                     detail::weights_of(theta.size(), o), radial_size_),
          plain_(std::vector<double>(radial_size_ / 2 + 1, 1.0), std::vector<double>(theta.size(), 1.0),
                 radial_size_),
          radial_(columns, radial_size_, o.edge),
          sweep_(theta, radial_size_, kernel_, plane_, panels_, o.memory),
          image_(kernel_, columns, plane_.size, panels_) {
        for (const double t : theta) mirrored_.push_back(detail::is_mirrored(t));
    }

    static std::span<const double> checked(std::span<const double> theta, std::size_t columns,
                                           const options& o) {
        detail::check_geometry("gridrec::plan", theta, columns, o.padding, o.weights);
        return theta;
    }

    static std::size_t grid_size_for(std::size_t columns, detail::preset p) {
        constexpr std::size_t least = 4 * detail::max_taps; // so that margins do not meet
        const double size = std::ceil(p.oversampling * static_cast<double>(columns));
        return fft::good_size_real(std::max(least, static_cast<std::size_t>(size)));
    }

    void check(const char* call, view<const T, 3> sinogram, std::span<const double> center,
               view<const T, 3> volume, const workspace_type& work) const {
        detail::check_slices(call, sinogram.extents(), center, volume.extents(), angles(), columns_);
        if (work.spectra_.size() != work.batches_ * spectra_size() ||
            work.grid_.size() != work.batches_ * grid_size_in_elements() ||
            work.phases_.size() != work.batches_ * phases_size() ||
            work.scratch_size_ != scratch_size() || work.window_size_ != window_size()) {
            throw std::invalid_argument(std::string(call) + ": the work space is that of another plan");
        }
    }

    std::size_t bins() const noexcept { return radial_size_ / 2 + 1; }
    std::size_t spectra_size() const {
        return product_of({angles(), bins(), detail::cell_size<T>}, "the gridrec work space");
    }
    std::size_t grid_size_in_elements() const {
        return product_of({panels_.cells(), detail::cell_size<T>}, "the gridrec work space");
    }
    std::size_t phases_size() const noexcept { return bins() * detail::cell_size<T>; }
    std::size_t scratch_size() const noexcept {
        return std::max(radial_.scratch_size(), image_.scratch_size());
    }
    std::size_t window_size() const noexcept { return sweep_.scratch_size(); }
    std::size_t batch_bytes() const {
        return (spectra_size() + grid_size_in_elements() + phases_size()) * sizeof(T);
    }
    std::size_t threads_bytes(int threads) const noexcept {
        return (scratch_size() + window_size()) * sizeof(T) * static_cast<std::size_t>(threads);
    }

    share share_within(const char* call, std::size_t budget, int threads) const {
        const std::size_t single = batch_bytes() / line<T> + threads_bytes(1);
        const destrier::detail::problem_need need{
            batch_bytes(), "a batch of " + std::to_string(line<T>) + " slices",
            "; gridrec::plan_single, one slice at a time, takes at most " + std::to_string(single)};
        const share s = destrier::detail::share_within(call, budget, threads, need,
                                                       [&](int some) { return threads_bytes(some); });
        return {s.threads, std::min(s.problems, useful_batches(s.threads)) * line<T>};
    }
    // Of threads that share a batch, each scatters a strip once more: an eighth of all strips at most. 64 of
    // them do 1.8 times the work of one in one batch of 512 columns, 1.2 times in eight at once (Sapphire
    // Rapids).
    std::size_t useful_batches(int threads) const noexcept {
        const std::size_t strips = plane_.strips(), all = static_cast<std::size_t>(threads);
        return std::min((8 * all + strips - 1) / strips, all);
    }

    static std::size_t batches_of(std::size_t slices) noexcept {
        return (slices + line<T> - 1) / line<T>;
    }
    template <class E>
    static view<E, 3> batch_of(const view<E, 3>& slices, std::size_t batch) {
        const std::size_t first = batch * line<T>;
        return slices.slice(0, first, std::min(line<T>, slices.extent(0) - first));
    }

    // f(first slice, count) for as many slices as are worked on at once, with the phases of their axes in
    // place.
    template <class F>
    void for_each_group(std::size_t slices, std::span<const double> center, workspace_type& work,
                        F&& f) const {
        for (std::size_t first = 0; first < slices; first += work.slices()) {
            const std::size_t count = std::min(work.slices(), slices - first);
            for (std::size_t batch = 0; batch < batches_of(count); ++batch) {
                fill_phases(center, first + batch * line<T>, slices, work.phases(batch));
            }
            f(first, count);
        }
    }
    // Of the batch that begins with slice `first`.
    void fill_phases(std::span<const double> center, std::size_t first, std::size_t slices,
                     T* phases) const {
        const std::size_t count = std::min(line<T>, slices - first);
        std::array<double, line<T>> centers{};
        for (std::size_t i = 0; i < count; ++i) {
            centers[i] = center.size() == 1 ? center[0] : center[first + i];
        }
        detail::fill_phases<T>(std::span(centers).first(count), radial_size_, phases);
    }

    // f(batch, i, scratch) for i = 0 .. n - 1 of every batch in parallel; the time goes to `seconds`.
    template <class F>
    void timed_for(std::size_t batches, std::size_t n, workspace_type& work, double& seconds,
                   F&& f) const {
        detail::timed(seconds, [&] {
            parallel_ranges(batches * n, work.threads_,
                            [&](std::size_t i, std::size_t end, std::size_t worker) {
                                for (; i < end; ++i) f(i / n, i % n, work.scratch(worker));
                            });
        });
    }
    T* spectrum(workspace_type& work, std::size_t batch, std::size_t angle) const noexcept {
        return work.spectra(batch) + angle * bins() * detail::cell_size<T>;
    }

    void spectra_of(view<const T, 3> sinogram, workspace_type& work) const {
        timed_for(batches_of(sinogram.extent(0)), angles(), work, work.times_.radial,
                  [&](std::size_t batch, std::size_t p, T* scratch) {
                      const auto slices = batch_of(sinogram, batch);
                      const auto next = slices.at(1, std::min(p + 1, angles() - 1));
                      radial_.forward(slices.at(1, p), next, work.phases(batch), filtered_.response(p),
                                      filtered_.weight(p), mirrored_[p], spectrum(work, batch, p),
                                      scratch);
                  });
    }

    // f(batch, strips, window) for the strips of each thread. Of the threads each batch has its part.
    template <class F>
    void sweep_strips(std::size_t batches, workspace_type& work, F&& f) const {
        const auto workers = static_cast<std::size_t>(work.threads_);
        detail::timed(work.times_.grid, [&] {
            parallel_for(workers, work.threads_, [&](std::size_t k) {
                for (std::size_t batch = 0; batch < batches; ++batch) {
                    const range team = part(workers, batches, batch);
                    if (team.begin <= k && k < team.end)
                        f(batch, sweep_.share(k - team.begin, team.end - team.begin), work.window(k));
                }
            });
        });
    }

    void grid_of(std::size_t batches, workspace_type& work) const {
        sweep_strips(batches, work, [&](std::size_t batch, range strips, T* window) {
            detail::with_taps(kernel_.taps(), [&](auto taps) {
                sweep_.template forward<taps>(strips, work.spectra(batch), work.grid(batch), window);
            });
        });
    }

    void image_of(view<T, 3> volume, workspace_type& work) const {
        timed_for(batches_of(volume.extent(0)), columns_, work, work.times_.image,
                  [&](std::size_t batch, std::size_t row, T* scratch) {
                      image_.forward(work.grid(batch), row, batch_of(volume, batch).at(1, row), scratch);
                  });
    }

    void adjoint(view<const T, 3> volume, std::span<const double> center, view<T, 3> sinogram,
                 workspace_type& work, const detail::gains<T>& gains) const {
        for_each_group(volume.extent(0), center, work, [&](std::size_t first, std::size_t count) {
            const auto slices = volume.slice(0, first, count);
            const auto projections = sinogram.slice(0, first, count);
            timed_for(batches_of(count), columns_, work, work.times_.image,
                      [&](std::size_t batch, std::size_t row, T* scratch) {
                          image_.backward(batch_of(slices, batch).at(1, row), row, work.grid(batch),
                                          scratch);
                      });
            sweep_strips(batches_of(count), work, [&](std::size_t batch, range strips, T* window) {
                detail::with_taps(kernel_.taps(), [&](auto taps) {
                    sweep_.template backward<taps>(strips, work.grid(batch), work.spectra(batch),
                                                   window);
                });
            });
            timed_for(batches_of(count), angles(), work, work.times_.radial,
                      [&](std::size_t batch, std::size_t p, T* scratch) {
                          radial_.backward(spectrum(work, batch, p), work.phases(batch),
                                           gains.response(p), gains.weight(p), mirrored_[p],
                                           batch_of(projections, batch).at(1, p), scratch);
                      });
        });
    }

    std::size_t columns_, radial_size_;
    detail::half_plane plane_;
    detail::panels panels_;
    memory memory_;
    detail::kernel kernel_;
    detail::gains<T> filtered_, plain_;
    detail::radial_stage<T, A> radial_;
    detail::sweep<T, A> sweep_;
    detail::image_stage<T, A> image_;
    std::vector<bool> mirrored_;
};

} // namespace destrier::gridrec
