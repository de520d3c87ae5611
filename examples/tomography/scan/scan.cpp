// SPDX-License-Identifier: BSD-3-Clause
#include "scan/scan.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "common/shape.hpp"

namespace tomo {
namespace {

constexpr const char* data_name = "/exchange/data";
constexpr const char* white_name = "/exchange/data_white";
constexpr const char* dark_name = "/exchange/data_dark";
constexpr const char* theta_name = "/exchange/theta";

// How much is read before somebody may say stop.
constexpr std::size_t piece_bytes = std::size_t{16} << 20;

std::vector<double> equally_spaced(std::size_t n) {
    std::vector<double> theta(n);
    for (std::size_t i = 0; i < n; ++i)
        theta[i] = std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
    return theta;
}

std::string text_of(const index_choice& choice) {
    std::string text = std::to_string(choice.first) + ":";
    if (choice.last != index_choice::end) text += std::to_string(choice.last);
    if (choice.step != 1) text.append(":").append(std::to_string(choice.step));
    return text;
}

bool is_blocked(double theta, const std::vector<angle_range>& blocked) {
    constexpr double rounding = 1e-9;
    const double degrees = theta * 180 / std::numbers::pi;
    return std::any_of(blocked.begin(), blocked.end(), [&](const angle_range& range) {
        return degrees >= range.from - rounding && degrees <= range.to + rounding;
    });
}

} // namespace

index_choice fitted(index_choice choice, std::size_t n, const std::string& option,
                    const std::string& what) {
    const std::string text = text_of(choice);
    if (choice.last == index_choice::end) choice.last = n;
    if (choice.first < choice.last && choice.last <= n && choice.step > 0) return choice;
    throw std::runtime_error(option + " " + text + " does not fit: expected first < last, and " + what +
                             " 0:" + std::to_string(n));
}

scan::scan(const std::filesystem::path& path, const scan_choice& choice)
    : file_(common::h5::file::open(path)), data_(file_.open_dataset(data_name)),
      white_(file_.open_dataset(white_name)), dark_(file_.open_dataset(dark_name)) {
    const std::vector<std::size_t> extents = data_.extents();
    if (extents.size() != 3 || extents[0] == 0 || extents[1] == 0 || extents[2] == 0) {
        throw std::runtime_error(data_.name() + ": shape is " + common::shape_text(extents) +
                                 ", expected (angles, rows, columns), none of them 0");
    }
    data_.require_stored();
    block_ = data_.blocks();
    projections_ = extents[0];
    rows_ = extents[1];
    file_columns_ = extents[2];
    reference_frames_ = checked_frames(white_) + checked_frames(dark_);
    theta_ = read_theta(choice.units);
    choose_columns(choice.columns);
    choose_projections(choice);
}

std::size_t scan::checked_frames(const common::h5::dataset& set) const {
    const std::vector<std::size_t> extents = set.extents();
    if (extents.size() != 3 || extents[0] == 0 || extents[1] != rows_ || extents[2] != file_columns_) {
        throw std::runtime_error(set.name() + ": shape is " + common::shape_text(extents) +
                                 ", expected (frames, " + std::to_string(rows_) + ", " +
                                 std::to_string(file_columns_) + ") as in " + data_name);
    }
    return extents[0];
}

// Of all projections in the file.
std::vector<double> scan::read_theta(theta_units units) {
    if (!file_.has(theta_name)) {
        warnings_.push_back(path().string() + " has no " + theta_name + ": assuming " +
                            std::to_string(projections_) +
                            " angles equally spaced over 180 degrees, 180 left out");
        return equally_spaced(projections_);
    }
    const common::h5::dataset set = file_.open_dataset(theta_name);
    const std::vector<std::size_t> extents = set.extents();
    if (extents.size() != 1 || extents[0] < projections_) {
        throw std::runtime_error(set.name() + ": shape is " + common::shape_text(extents) +
                                 ", expected (" + std::to_string(projections_) +
                                 "), one angle for each projection in " + data_name);
    }
    std::vector<double> values(projections_);
    set.read_part<double>({0}, {projections_}, values);
    if (extents[0] > projections_) {
        warnings_.push_back(set.name() + ": has " + std::to_string(extents[0]) + " angles, " +
                            data_name + " " + std::to_string(projections_) +
                            " projections: taken for a scan that was stopped, with the first " +
                            std::to_string(projections_) + " angles");
    }
    read_angles read = as_radians(std::move(values), set.text_attribute("units"), units, set.name());
    if (!read.warning.empty()) warnings_.push_back(read.warning);
    return std::move(read.theta);
}

void scan::choose_columns(const index_choice& choice) {
    const index_choice chosen =
        fitted(choice, file_columns_, "--columns", path().string() + " has columns");
    first_column_ = chosen.first;
    columns_ = chosen.last - chosen.first;
}

void scan::choose_projections(const scan_choice& choice) {
    const index_choice chosen =
        fitted(choice.projections, projections_, "--projections", path().string() + " has projections");
    std::vector<double> theta;
    for (std::size_t i = chosen.first; i < chosen.last; i += chosen.step) {
        if (is_blocked(theta_[i], choice.blocked)) continue;
        index_.push_back(i);
        theta.push_back(theta_[i]);
    }
    if (index_.empty()) {
        throw std::runtime_error("--blocked leaves no projection of " + path().string() +
                                 ", expected one or more");
    }
    theta_ = std::move(theta);
}

std::vector<scan::run> scan::runs() const {
    std::vector<run> found;
    for (const std::size_t i : index_) {
        if (!found.empty()) {
            run& last = found.back();
            if (last.count == 1) last.step = i - last.first;
            if (i == last.first + last.count * last.step) {
                ++last.count;
                continue;
            }
        }
        found.push_back({i, 1, 1});
    }
    return found;
}

// Whole blocks of projections at a time, as each block is decompressed for each call that needs any of it.
void scan::read_projections(row_range rows, float* projections,
                            const std::function<void()>& goes_on) const {
    const std::size_t one = rows.size() * columns_, block = block_.empty() ? 1 : block_[0];
    const std::size_t fits = std::max<std::size_t>(piece_bytes / (one * sizeof(float)), 1);
    for (const run& some : runs()) {
        const std::size_t whole = (fits * some.step + block - 1) / block * block;
        const std::size_t last = some.first + some.count * some.step;
        for (std::size_t first = some.first; first < last;) {
            goes_on();
            const std::size_t end = std::min(first / block * block + whole, last);
            const std::size_t count = (end - first + some.step - 1) / some.step;
            data_.read(
                {{first, rows.first, first_column_}, {count, rows.size(), columns_}, {some.step, 1, 1}},
                projections);
            projections += count * one;
            first += count * some.step;
        }
    }
}

void scan::read_projection(std::size_t angle, row_range rows, float* projection) const {
    data_.read({{index_[angle], rows.first, first_column_}, {1, rows.size(), columns_}}, projection);
}

frames scan::read_frames(const common::h5::dataset& set, row_range rows) const {
    const std::size_t count = set.extents()[0];
    frames out{count, rows.size(), columns_, std::vector<float>(count * rows.size() * columns_)};
    set.read({{0, rows.first, first_column_}, {count, rows.size(), columns_}}, out.values.data());
    return out;
}

} // namespace tomo
