// SPDX-License-Identifier: BSD-3-Clause
//
// scan.hpp: a scan in an HDF5 file of the DataExchange layout, read a range of detector rows at a time.
//
//   /exchange/data        (angles, rows, columns)  projections, in counts
//   /exchange/data_white  (frames, rows, columns)  with the beam on and no sample
//   /exchange/data_dark   (frames, rows, columns)  with the beam off
//   /exchange/theta       (angles)                 in degrees, unless its attribute units says radians
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "common/hdf5.hpp"

namespace tomo {

/// The detector rows first .. last - 1; each is one slice of the volume.
struct row_range {
    std::size_t first, last;
    std::size_t size() const noexcept { return last - first; }
};

/// A pile of frames, all of the same rows and columns: frame slowest, column fastest.
struct frames {
    std::size_t count = 0, rows = 0, columns = 0;
    std::vector<float> values;
};

class scan {
public:
    /// Opens the file and checks that its data sets are there and fit each other.
    explicit scan(const std::filesystem::path& path);

    std::size_t angles() const noexcept { return angles_; }
    std::size_t rows() const noexcept { return rows_; }
    std::size_t columns() const noexcept { return columns_; }
    /// White and dark ones together.
    std::size_t reference_frames() const noexcept { return reference_frames_; }

    /// One angle a projection, in radians; where the file has none, equally spaced over half a turn.
    const std::vector<double>& theta() const noexcept { return theta_; }
    bool theta_is_assumed() const noexcept { return theta_is_assumed_; }

    frames read_white(row_range rows) const { return read_frames(white_, rows); }
    frames read_dark(row_range rows) const { return read_frames(dark_, rows); }

    /// All projections: projections is (angles, rows, columns).
    void read_projections(row_range rows, float* projections) const;
    /// One projection, (rows, columns).
    void read_projection(std::size_t angle, row_range rows, float* projection) const;

private:
    std::size_t checked_frames(const common::h5::dataset& set) const; // their number
    void read_theta();
    frames read_frames(const common::h5::dataset& set, row_range rows) const;

    common::h5::file file_;
    common::h5::dataset data_, white_, dark_;
    std::size_t angles_ = 0, rows_ = 0, columns_ = 0, reference_frames_ = 0;
    std::vector<double> theta_;
    bool theta_is_assumed_ = false;
};

} // namespace tomo
