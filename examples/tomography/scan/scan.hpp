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
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/hdf5.hpp"
#include "scan/angles.hpp"

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

/// first, first + step ... below last.
struct index_choice {
    static constexpr std::size_t end = std::numeric_limits<std::size_t>::max(); // all there are
    std::size_t first = 0, last = end, step = 1;
};

/// The choice among n things with its end filled in.
///
/// Throws  std::runtime_error that names the option and what there is
index_choice fitted(index_choice choice, std::size_t n, const std::string& option,
                    const std::string& what);

/// Angles from .. to, in degrees as the file has them.
struct angle_range {
    double from, to;
};

/// What of a scan is made use of.
struct scan_choice {
    index_choice projections, columns;
    std::vector<angle_range> blocked = {}; // projections at these angles are left out
    theta_units units = theta_units::automatic;
};

class scan {
public:
    /// Opens the file and checks that its data sets are there and fit each other and the choice.
    explicit scan(const std::filesystem::path& path, const scan_choice& choice = {});

    const std::filesystem::path& path() const noexcept { return file_.path(); }

    /// Of the projections in use, and of the rows and columns that each has.
    std::size_t angles() const noexcept { return index_.size(); }
    std::size_t rows() const noexcept { return rows_; }
    std::size_t columns() const noexcept { return columns_; }
    /// Where the columns in use begin on the detector.
    std::size_t first_column() const noexcept { return first_column_; }
    /// White and dark ones together.
    std::size_t reference_frames() const noexcept { return reference_frames_; }
    /// Of all that the file holds, in use or not.
    std::size_t projections_in_file() const noexcept { return projections_; }
    std::size_t columns_in_file() const noexcept { return file_columns_; }
    /// Rows of the blocks that the file's projections are compressed in; 0 where they lie as they are.
    std::size_t rows_in_block() const noexcept { return block_.empty() ? 0 : block_[1]; }

    /// One angle a projection, in radians; where the file has none, equally spaced over half a turn.
    const std::vector<double>& theta() const noexcept { return theta_; }
    /// What the user should know of the file, a sentence each.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

    frames read_white(row_range rows) const { return read_frames(white_, rows); }
    frames read_dark(row_range rows) const { return read_frames(dark_, rows); }

    /// All projections in use, (angles, rows, columns), some at a time; between them goes_on() may throw.
    void read_projections(row_range rows, float* projections,
                          const std::function<void()>& goes_on) const;
    /// One projection, (rows, columns).
    void read_projection(std::size_t angle, row_range rows, float* projection) const;

private:
    // Projections that are evenly spaced in the file.
    struct run {
        std::size_t first, count, step;
    };

    std::size_t checked_frames(const common::h5::dataset& set) const; // their number
    std::vector<double> read_theta(theta_units units);
    void choose_columns(const index_choice& choice);
    void choose_projections(const scan_choice& choice);
    std::vector<run> runs() const;
    frames read_frames(const common::h5::dataset& set, row_range rows) const;

    common::h5::file file_;
    common::h5::dataset data_, white_, dark_;
    std::vector<std::size_t> block_;
    std::size_t projections_ = 0, rows_ = 0, file_columns_ = 0;
    std::size_t first_column_ = 0, columns_ = 0, reference_frames_ = 0;
    std::vector<std::size_t> index_; // of the projections in use
    std::vector<double> theta_;
    std::vector<std::string> warnings_;
};

} // namespace tomo
