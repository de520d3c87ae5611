// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec.hpp: tomographic reconstruction by gridding in Fourier space, and forward projection.
//
// Every projection's spectrum is a line through the two-dimensional spectrum of the slice. gridrec puts
// all of them on a Cartesian grid, each sample shared among the cells around it, transforms the grid
// into the image, and divides out what the sharing did. The geometry is worked out once, in double
// precision, and serves all slices: 16 (float) or 8 (double) of them lie in the lanes of every vector.
//
//   gridrec::plan<float> plan(theta, columns, {.filter = gridrec::filter::shepp()});
//   auto work = plan.make_workspace(threads);
//   plan.apply(sinogram, center, volume, work);
//
// Conventions, N = columns
//   Pixel (row, column) lies at x = column - floor(N / 2), y = floor(N / 2) - row: the rotation axis
//   meets the centre of pixel (floor(N / 2), floor(N / 2)). Detector pixel k lies at s = k, and a point
//   projects to s = x cos(theta) + y sin(theta) + center. The image is in 1 / pixel: a disc of value 1,
//   whose projections are its chords in pixels, comes back as 1.
//
// What is computed, exactly (to the accuracy of the preset):
//   f(x, y) = sum_p weight[p] / P sum_{j = -P/2}^{P/2} A[j] G_p[j] exp(2 pi i j s / P),
// with G_p the transform of projection p padded to P = radial_size(columns, padding), A the filter's
// response, and the terms at +-P/2 counted half.
//
//   gridrec/filter.hpp    filters and their responses
//   gridrec/kernel.hpp    the gridding kernel, accuracy presets
//   gridrec/samples.hpp   where samples fall, and in which order they are taken
//   gridrec/radial.hpp    projections to spectra
//   gridrec/scatter.hpp   samples to the cells around them
//   gridrec/sweep.hpp     spectra to the grid, transformed along one axis, in a window in cache
//   gridrec/image.hpp     the grid to the image
//
// Source  O'Sullivan, IEEE Trans. Med. Imaging 4 (1985) 200; Dowd et al., Proc. SPIE 3772 (1999) 224
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/gridrec/filter.hpp>
#include <destrier/gridrec/image.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/radial.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/gridrec/scatter.hpp>
#include <destrier/gridrec/sweep.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec {

struct options {
    gridrec::filter filter = gridrec::filter::shepp();
    gridrec::accuracy accuracy = gridrec::accuracy::standard;
    gridrec::edge edge = gridrec::edge::zero;
    /// The radial length is at least this many times the columns; 2 keeps the filter from wrapping
    /// around wherever the rotation axis is near the detector's middle.
    double padding = 2;
    /// One for each angle, in radians (they add up to pi); empty: pi / angles each.
    std::vector<double> weights = {};
    destrier::memory memory = {};
};

/// The length P that projections are padded to before they are filtered.
inline std::size_t radial_size(std::size_t columns, double padding = 2) {
    return fft::good_size_real(
        static_cast<std::size_t>(std::ceil(padding * static_cast<double>(columns))));
}

/// Weights for angles that are uneven, repeated or missing: the part of the half circle that is nearer
/// to an angle (modulo pi) than to any other, shared among equal ones.
///
/// Shapes  theta (angles), in radians; the result as many, adding up to pi
/// Throws  std::invalid_argument if theta is empty or holds a value that is not finite
std::vector<double> angular_weights(std::span<const double> theta);

/// Seconds spent in the stages of a plan.
struct stage_times {
    double radial = 0; ///< projections to spectra, or back
    double grid = 0;   ///< spectra to the grid and its transform along v, or back
    double image = 0;  ///< transform along u, deapodisation, transposed store, or back
};

template <std::floating_point T, class A>
class plan;

/// The memory that a plan works in: one batch of line<T> slices, for a number of threads. Not to be
/// shared by calls at the same time.
template <std::floating_point T, class A = default_arch>
class workspace {
public:
    int threads() const noexcept { return threads_; }
    std::size_t bytes() const noexcept {
        return (spectra_.size() + grid_.size() + phases_.size() + scratch_.size() + windows_.size()) *
               sizeof(T);
    }
    /// The time all calls with this work space have taken.
    const stage_times& times() const noexcept { return times_; }

private:
    friend class plan<T, A>;

    workspace(std::size_t spectra, std::size_t grid, std::size_t phases, std::size_t scratch,
              std::size_t window, memory where, int threads)
        : spectra_(spectra, where, threads), grid_(grid, where, threads), phases_(phases, where),
          scratch_(scratch * static_cast<std::size_t>(threads), where, threads),
          windows_(window * static_cast<std::size_t>(threads), where, threads), scratch_size_(scratch),
          window_size_(window), threads_(threads) {}

    T* scratch(std::size_t worker) noexcept { return scratch_.data() + worker * scratch_size_; }
    T* window(std::size_t worker) noexcept { return windows_.data() + worker * window_size_; }

    buffer<T> spectra_, grid_, phases_, scratch_, windows_;
    std::size_t scratch_size_, window_size_;
    int threads_;
    stage_times times_;
};

/// The geometry of a scan, ready to reconstruct and to project.
///
/// Accuracy  relative L2 error within the field of view against the sum above: 3e-4 (fast), 3e-5
///           (standard), 5e-6 (accurate); asserted in tests/test_gridrec.cpp
/// Threads   any number gives the same bits, and so does any grouping of slices into calls
/// Memory    the plan: 16 (float) or 24 (double) bytes for each angle and column; the work space:
///           workspace_bytes, about 128 bytes for each angle and column, 64 for each column and cell of a
///           grid row, and a window of 2048 bytes for each cell of a row for every thread
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

    std::size_t workspace_bytes(int threads = 1) const {
        return (spectra_size() + grid_size_in_elements() + phases_size()) * sizeof(T) +
               thread_bytes() * static_cast<std::size_t>(thread_count(threads));
    }
    workspace_type make_workspace(int threads = 1) const {
        return workspace_type(spectra_size(), grid_size_in_elements(), phases_size(), scratch_size(),
                              window_size(), memory_, thread_count(threads));
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
        for_each_batch(sinogram.extent(0), center, work, [&](std::size_t first, std::size_t count) {
            spectra_of(sinogram.slice(0, first, count), work);
            grid_of(work);
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
    plan(std::span<const double> theta, std::size_t columns, detail::preset preset, const options& o)
        : columns_(columns), radial_size_(gridrec::radial_size(columns, o.padding)),
          plane_{grid_size_for(columns, preset)}, panels_{columns, plane_.rows()}, memory_(o.memory),
          kernel_(preset), filtered_(o.filter.response(radial_size_, theta.size()),
                                     weights_of(theta.size(), o), radial_size_),
          plain_(std::vector<double>(radial_size_ / 2 + 1, 1.0), std::vector<double>(theta.size(), 1.0),
                 radial_size_),
          radial_(columns, radial_size_, o.edge),
          sweep_(theta, radial_size_, kernel_, plane_, panels_, o.memory),
          image_(kernel_, columns, plane_.size, panels_) {
        for (const double t : theta) mirrored_.push_back(detail::is_mirrored(t));
    }

    static std::size_t grid_size_for(std::size_t columns, detail::preset p) {
        constexpr std::size_t least = 4 * detail::max_taps; // so that margins do not meet
        const double size = std::ceil(p.oversampling * static_cast<double>(columns));
        return fft::good_size_real(std::max(least, static_cast<std::size_t>(size)));
    }

    static std::vector<double> weights_of(std::size_t angles, const options& o) {
        if (!o.weights.empty()) return o.weights;
        return std::vector<double>(angles, std::numbers::pi / static_cast<double>(angles));
    }

    static std::span<const double> checked(std::span<const double> theta, std::size_t columns,
                                           const options& o) {
        const auto fail = [](const std::string& what) {
            throw std::invalid_argument("gridrec::plan: " + what);
        };
        if (theta.empty()) fail("theta is empty, expected one angle or more");
        for (std::size_t i = 0; i < theta.size(); ++i) {
            if (!std::isfinite(theta[i])) {
                fail("theta[" + std::to_string(i) + "] is " + std::to_string(theta[i]) +
                     ", expected a finite angle in radians");
            }
        }
        constexpr std::size_t most = std::size_t{1} << 24;
        if (columns == 0 || columns > most) {
            fail("columns is " + std::to_string(columns) + ", expected 1 to " + std::to_string(most));
        }
        if (!(o.padding >= 2) || o.padding > 16) {
            fail("padding is " + std::to_string(o.padding) + ", expected 2 to 16");
        }
        if (!o.weights.empty() && o.weights.size() != theta.size()) {
            fail("weights has " + std::to_string(o.weights.size()) + " elements, theta has " +
                 std::to_string(theta.size()));
        }
        for (std::size_t i = 0; i < o.weights.size(); ++i) {
            if (!std::isfinite(o.weights[i])) fail("weights[" + std::to_string(i) + "] is not finite");
        }
        return theta;
    }

    void check(const char* call, view<const T, 3> sinogram, std::span<const double> center,
               view<const T, 3> volume, const workspace_type& work) const {
        const auto fail = [&](const std::string& what) {
            throw std::invalid_argument(std::string(call) + ": " + what);
        };
        const auto shape = [](std::size_t a, std::size_t b, std::size_t c) {
            std::string text = "("; // built up: "(" + ... makes g++ 12 warn of an overlap that is none
            return text.append(std::to_string(a) + ", " + std::to_string(b) + ", " + std::to_string(c) +
                               ")");
        };
        const std::size_t slices = sinogram.extent(0);
        if (sinogram.extent(1) != angles() || sinogram.extent(2) != columns_) {
            fail("sinogram is " + shape(slices, sinogram.extent(1), sinogram.extent(2)) +
                 ", expected (slices, angles, columns) = " + shape(slices, angles(), columns_));
        }
        if (volume.extents() != std::array{slices, columns_, columns_}) {
            fail("volume is " + shape(volume.extent(0), volume.extent(1), volume.extent(2)) +
                 ", expected (slices, columns, columns) = " + shape(slices, columns_, columns_));
        }
        if (center.size() != 1 && center.size() != slices) {
            fail("center has " + std::to_string(center.size()) + " elements, expected 1 or " +
                 std::to_string(slices) + " (one a slice)");
        }
        const double middle = 0.5 * static_cast<double>(columns_ - 1);
        for (std::size_t i = 0; i < center.size(); ++i) {
            if (!(std::abs(center[i] - middle) <= static_cast<double>(columns_))) {
                fail("center[" + std::to_string(i) + "] is " + std::to_string(center[i]) +
                     ", expected within " + std::to_string(columns_) +
                     " pixels of the detector's middle, " + std::to_string(middle));
            }
        }
        if (work.spectra_.size() != spectra_size() || work.grid_.size() != grid_size_in_elements() ||
            work.phases_.size() != phases_size() || work.scratch_size_ != scratch_size() ||
            work.window_size_ != window_size()) {
            fail("the work space is that of another plan");
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
    std::size_t thread_bytes() const noexcept { return (scratch_size() + window_size()) * sizeof(T); }

    // f(first slice, count) for batches of line<T> slices, with the phases of their axes in place.
    template <class F>
    void for_each_batch(std::size_t slices, std::span<const double> center, workspace_type& work,
                        F&& f) const {
        for (std::size_t first = 0; first < slices; first += line<T>) {
            const std::size_t count = std::min(line<T>, slices - first);
            std::array<double, line<T>> centers{};
            for (std::size_t i = 0; i < count; ++i) {
                centers[i] = center.size() == 1 ? center[0] : center[first + i];
            }
            detail::fill_phases<T>(std::span(centers).first(count), radial_size_, work.phases_.data());
            f(first, count);
        }
    }

    // f(i, scratch) for i = 0 .. n - 1 in parallel; the time goes to `seconds`.
    template <class F>
    void timed_for(std::size_t n, workspace_type& work, double& seconds, F&& f) const {
        timed(seconds, [&] {
            parallel_ranges(n, work.threads_, [&](std::size_t i, std::size_t end, std::size_t worker) {
                for (; i < end; ++i) f(i, work.scratch(worker));
            });
        });
    }
    template <class F>
    static void timed(double& seconds, F&& f) {
        const auto start = std::chrono::steady_clock::now();
        f();
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    T* spectrum(workspace_type& work, std::size_t angle) const noexcept {
        return work.spectra_.data() + angle * bins() * detail::cell_size<T>;
    }

    void spectra_of(view<const T, 3> sinogram, workspace_type& work) const {
        timed_for(angles(), work, work.times_.radial, [&](std::size_t p, T* scratch) {
            const auto next = sinogram.at(1, std::min(p + 1, angles() - 1));
            radial_.forward(sinogram.at(1, p), next, work.phases_.data(), filtered_.response(p),
                            filtered_.weight(p), mirrored_[p], spectrum(work, p), scratch);
        });
    }

    // f(number of taps), known to the compiler.
    template <class F>
    void with_taps(F&& f) const {
        switch (kernel_.taps()) {
        case 6: return f(std::integral_constant<std::size_t, 6>());
        case 7: return f(std::integral_constant<std::size_t, 7>());
        default: return f(std::integral_constant<std::size_t, 8>());
        }
    }

    // f(strips, window) for the strips of each thread.
    template <class F>
    void sweep_strips(workspace_type& work, F&& f) const {
        const auto workers = static_cast<std::size_t>(work.threads_);
        timed(work.times_.grid, [&] {
            parallel_for(workers, work.threads_,
                         [&](std::size_t k) { f(sweep_.share(k, workers), work.window(k)); });
        });
    }

    void grid_of(workspace_type& work) const {
        sweep_strips(work, [&](range strips, T* window) {
            with_taps([&](auto taps) {
                sweep_.template forward<taps>(strips, work.spectra_.data(), work.grid_.data(), window);
            });
        });
    }

    void image_of(view<T, 3> volume, workspace_type& work) const {
        timed_for(columns_, work, work.times_.image, [&](std::size_t row, T* scratch) {
            image_.forward(work.grid_.data(), row, volume.at(1, row), scratch);
        });
    }

    void adjoint(view<const T, 3> volume, std::span<const double> center, view<T, 3> sinogram,
                 workspace_type& work, const detail::gains<T>& gains) const {
        for_each_batch(volume.extent(0), center, work, [&](std::size_t first, std::size_t count) {
            const auto slices = volume.slice(0, first, count);
            const auto projections = sinogram.slice(0, first, count);
            timed_for(columns_, work, work.times_.image, [&](std::size_t row, T* scratch) {
                image_.backward(slices.at(1, row), row, work.grid_.data(), scratch);
            });
            sweep_strips(work, [&](range strips, T* window) {
                with_taps([&](auto taps) {
                    sweep_.template backward<taps>(strips, work.grid_.data(), work.spectra_.data(),
                                                   window);
                });
            });
            timed_for(angles(), work, work.times_.radial, [&](std::size_t p, T* scratch) {
                radial_.backward(spectrum(work, p), work.phases_.data(), gains.response(p),
                                 gains.weight(p), mirrored_[p], projections.at(1, p), scratch);
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

inline std::vector<double> angular_weights(std::span<const double> theta) {
    if (theta.empty()) throw std::invalid_argument("gridrec::angular_weights: theta is empty");
    constexpr double pi = std::numbers::pi;
    const std::size_t n = theta.size();
    std::vector<double> turned(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (!std::isfinite(theta[i])) {
            throw std::invalid_argument("gridrec::angular_weights: theta[" + std::to_string(i) +
                                        "] is not finite");
        }
        turned[i] = theta[i] - pi * std::floor(theta[i] / pi);
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return turned[a] < turned[b]; });
    std::vector<double> weights(n);
    // Half of each gap to the angle before it, half to the one after; of equal angles only the first
    // and the last have a gap, which they then share.
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t a = order[i], b = order[(i + 1) % n];
        const double gap = i + 1 < n ? turned[b] - turned[a] : turned[b] + pi - turned[a];
        weights[a] += gap / 2;
        weights[b] += gap / 2;
    }
    constexpr double equal = 1e-9; // radians
    for (std::size_t i = 0; i < n;) {
        std::size_t end = i + 1;
        while (end < n && turned[order[end]] - turned[order[i]] < equal) ++end;
        double sum = 0;
        for (std::size_t k = i; k < end; ++k) sum += weights[order[k]];
        for (std::size_t k = i; k < end; ++k) weights[order[k]] = sum / static_cast<double>(end - i);
        i = end;
    }
    return weights;
}

} // namespace destrier::gridrec
