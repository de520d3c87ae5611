// SPDX-License-Identifier: BSD-3-Clause
//
// prepared_scan.hpp: a scan from its counts to line integrals, some rows at a time.
//
//   counts -> zingers -> binning -> dark and flat field -> phase retrieval -> logarithm -> stripes
//
// Rows come out the same, to the last bit, whichever others come with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <destrier/memory.hpp>

#include "axis/center.hpp"
#include "prepare/normalise.hpp"
#include "prepare/phase_retrieval.hpp"
#include "prepare/zingers.hpp"
#include "scan/scan.hpp"
#include "scan/stack.hpp"
#include "stripes/stripes.hpp"

namespace tomo {

/// What is done to counts on their way.
struct preparation {
    zinger_options zingers = {};
    std::size_t bin = 1; // this many pixels along rows and columns become one
    average flat = average::mean;
    paganin_options phase = {}; // pixel_cm is that of the file's pixels
    stripe_options stripes = {};
};

/// What was met on the way. With phase retrieval, what lies in rows that several chunks need is counted for each.
struct findings {
    guard_counts guards;
    std::uint64_t zingers = 0;
    std::uint64_t clamped = 0; // pixels without beam

    findings& operator+=(const findings& other) noexcept {
        guards += other.guards;
        zingers += other.zingers;
        clamped += other.clamped;
        return *this;
    }
};

/// Counts as they were read, and what they are to become.
struct count_rows {
    row_range rows{0, 0}; // of the prepared scan
    std::size_t above = 0,
                read = 0; // rows on top of them; all rows that were read. Before binning: times bin
    flat_field flat;      // of the rows that were read, binned
    destrier::buffer<float> counts;
};

class prepared_scan : public line_integral_source {
public:
    /// Throws  std::runtime_error naming the option that does not fit the scan
    prepared_scan(const scan& input, const preparation& how, int threads);

    std::size_t angles() const override { return input_.angles(); }
    std::size_t rows() const override { return input_.rows() / how_.bin; }
    std::size_t columns() const override { return input_.columns() / how_.bin; }
    const std::vector<double>& theta() const override { return input_.theta(); }

    void read(row_range rows, projections out) const override;
    void read_projection(std::size_t angle, row_range rows, destrier::view<float, 2> out) const override;

    /// The two halves of read(), for two threads. Counts to read into have room for counts_size(rows.size())
    /// values, as those to work in have for work_size.
    void read_counts(row_range rows, count_rows& into, const std::function<void()>& goes_on) const;
    /// The line integrals, (angles, rows, columns), which lie in counts or in work.
    projections prepare(count_rows& counts, destrier::buffer<float>& work, findings& found) const;
    std::size_t counts_size(std::size_t rows) const;
    std::size_t work_size(std::size_t rows) const;
    std::size_t pixels_joined() const noexcept { return how_.bin; }
    /// Rows that are read on either side of those that come out.
    std::size_t margin() const { return phase_ ? phase_->margin() : 0; }
    /// Bytes that the steps take besides.
    std::size_t scratch_bytes(std::size_t rows) const;

    /// Where a place on the detector, in the file's pixels, is in those that come out; and back.
    double from_file(double pixel) const { return (pixel - first_pixel()) / pixels_in_bin(); }
    double in_file(double pixel) const { return pixel * pixels_in_bin() + first_pixel(); }

private:
    double pixels_in_bin() const { return static_cast<double>(how_.bin); }
    double first_pixel() const {
        return static_cast<double>(input_.first_column()) + (pixels_in_bin() - 1) / 2;
    }
    flat_field flat_field_of(row_range file_rows) const;

    const scan& input_;
    preparation how_;
    int threads_;
    std::optional<phase_retrieval> phase_;
};

} // namespace tomo
