// SPDX-License-Identifier: BSD-3-Clause
#include "scan.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace tomo {
namespace {

constexpr const char* data_name = "/exchange/data";
constexpr const char* white_name = "/exchange/data_white";
constexpr const char* dark_name = "/exchange/data_dark";
constexpr const char* theta_name = "/exchange/theta";

// Radians in one of the data set's units.
double radians_per_unit(const common::h5::dataset& theta) {
    const std::string units = theta.text_attribute("units");
    if (units.empty() || units.starts_with("deg")) return std::numbers::pi / 180;
    if (units.starts_with("rad")) return 1;
    throw std::runtime_error(theta.name() + ": units are \"" + units +
                             "\", expected degrees or radians");
}

std::vector<double> equally_spaced(std::size_t n) {
    std::vector<double> theta(n);
    for (std::size_t i = 0; i < n; ++i)
        theta[i] = std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
    return theta;
}

} // namespace

scan::scan(const std::filesystem::path& path)
    : file_(common::h5::file::open(path)), data_(file_.open_dataset(data_name)),
      white_(file_.open_dataset(white_name)), dark_(file_.open_dataset(dark_name)) {
    const std::vector<std::size_t> extents = data_.extents();
    if (extents.size() != 3 || extents[0] == 0 || extents[1] == 0 || extents[2] == 0) {
        throw std::runtime_error(data_.name() + ": shape is " + common::h5::shape_text(extents) +
                                 ", expected (angles, rows, columns), none of them 0");
    }
    angles_ = extents[0];
    rows_ = extents[1];
    columns_ = extents[2];
    reference_frames_ = checked_frames(white_) + checked_frames(dark_);
    read_theta();
}

std::size_t scan::checked_frames(const common::h5::dataset& set) const {
    const std::vector<std::size_t> extents = set.extents();
    if (extents.size() != 3 || extents[0] == 0 || extents[1] != rows_ || extents[2] != columns_) {
        throw std::runtime_error(set.name() + ": shape is " + common::h5::shape_text(extents) +
                                 ", expected (frames, " + std::to_string(rows_) + ", " +
                                 std::to_string(columns_) + ") as in " + data_name);
    }
    return extents[0];
}

void scan::read_theta() {
    theta_is_assumed_ = !file_.has(theta_name);
    if (theta_is_assumed_) {
        theta_ = equally_spaced(angles_);
        return;
    }
    const common::h5::dataset set = file_.open_dataset(theta_name);
    const std::vector<std::size_t> extents = set.extents();
    if (extents.size() != 1 || extents[0] != angles_) {
        throw std::runtime_error(set.name() + ": shape is " + common::h5::shape_text(extents) +
                                 ", expected (" + std::to_string(angles_) +
                                 "), one angle for each projection in " + data_name);
    }
    const double unit = radians_per_unit(set);
    theta_ = set.read_all();
    for (std::size_t i = 0; i < angles_; ++i) {
        if (!std::isfinite(theta_[i])) {
            throw std::runtime_error(set.name() + ": angle " + std::to_string(i) + " is " +
                                     std::to_string(theta_[i]) + ", expected a finite number");
        }
        theta_[i] *= unit;
    }
}

void scan::read_projections(row_range rows, float* projections) const {
    data_.read({{0, rows.first, 0}, {angles_, rows.size(), columns_}}, projections);
}

void scan::read_projection(std::size_t angle, row_range rows, float* projection) const {
    data_.read({{angle, rows.first, 0}, {1, rows.size(), columns_}}, projection);
}

frames scan::read_frames(const common::h5::dataset& set, row_range rows) const {
    const std::size_t count = set.extents()[0];
    frames out{count, rows.size(), columns_, std::vector<float>(count * rows.size() * columns_)};
    set.read({{0, rows.first, 0}, {count, rows.size(), columns_}}, out.values.data());
    return out;
}

} // namespace tomo
