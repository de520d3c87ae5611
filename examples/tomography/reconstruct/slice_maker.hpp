// SPDX-License-Identifier: BSD-3-Clause
//
// slice_maker.hpp: from line integrals to slices, a batch at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include <destrier/gridrec.hpp>
#include <destrier/memory.hpp>

#include "axis/half_acquisition.hpp"
#include "fft_kernels.hpp"
#include "scan/stack.hpp"

namespace tomo {

struct slice_options {
    std::string filter, accuracy;
    std::optional<double> half_center; // where the axis of a half acquisition is; none: it is none
    bool one_by_one = false;           // faster for a few slices, and with less memory
};

class slice_maker {
public:
    /// Slices that are reconstructed at once, at most; fewer cost nearly as much, unless it is one by one.
    static constexpr std::size_t batch = destrier::line<float>;
    /// Up to so many slices are better reconstructed one by one.
    static constexpr std::size_t few = 4;

    slice_maker(std::span<const double> theta, std::size_t columns, const slice_options& options,
                int threads);

    /// Rows and columns of a slice.
    std::size_t size() const noexcept { return size_; }
    std::size_t angles() const noexcept { return angles_; }

    /// Bytes that reserve() takes for batches of `slices`.
    double work_bytes(std::size_t slices) const;
    /// To be called once, before apply().
    void reserve(std::size_t slices);

    /// Slices, (rows, size, size), masked to the circle that every projection saw. lines is (angles, rows,
    /// columns), any strides, center (rows) on the detector.
    void apply(const_projections lines, std::span<const double> center, float* slices);

    const destrier::gridrec::stage_times& times() const noexcept;

private:
    template <class Plan>
    struct with_work {
        Plan plan;
        std::optional<typename Plan::workspace_type> work;
    };
    using batches = with_work<destrier::gridrec::plan<float>>;
    using singles = with_work<destrier::gridrec::plan_single<float>>;

    static std::variant<batches, singles> make_plan(std::span<const double> theta, std::size_t columns,
                                                    const slice_options& options);

    std::optional<wide_detector> wide_;
    int threads_;
    std::size_t size_, angles_;
    std::variant<batches, singles> plan_;
    destrier::buffer<float> widened_;
};

} // namespace tomo
