// SPDX-License-Identifier: BSD-3-Clause
#include "output/volume.hpp"

#include <stdexcept>

#include <fcntl.h>

#include "common/shape.hpp"

namespace tomo {
namespace {

namespace fs = std::filesystem;
namespace h5 = common::h5;

constexpr const char* data_name = "/exchange/data";

std::vector<std::size_t> volume_extents(const h5::dataset& data) {
    std::vector<std::size_t> extents = data.extents();
    if (extents.size() != 3) {
        throw std::runtime_error(data.name() + ": shape is " + common::shape_text(extents) +
                                 ", expected (slices, y, x)");
    }
    data.require_stored();
    return extents;
}

void require_part(const char* what, std::size_t first, std::size_t count, std::size_t all) {
    if (count > all || first > all - count) {
        throw std::invalid_argument("volume: " + std::string(what) + " " + std::to_string(first) +
                                    " to " + std::to_string(first + count) + " of " +
                                    std::to_string(all));
    }
}

} // namespace

void create_volume(const fs::path& path, std::size_t slices, std::size_t size, const attributes& notes) {
    h5::file file = h5::file::create(path);
    {
        h5::dataset data = file.create_dataset(data_name, {slices, size, size},
                                               {.type = H5T_NATIVE_FLOAT, .at_once = true});
        for (const auto& [name, value] : notes) {
            if (const auto* text = std::get_if<std::string>(&value)) data.set_attribute(name, *text);
            if (const auto* number = std::get_if<double>(&value)) data.set_attribute(name, *number);
            if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
                h5::dataset beside =
                    file.create_dataset("/exchange/" + name, {numbers->size()}, {H5T_NATIVE_DOUBLE});
                beside.write_all(*numbers);
                beside.close();
            }
        }
        data.close();
    }
    file.write_text("/implements", "exchange");
    file.close();
}

volume_writer::volume_writer(const fs::path& path) : file_(path, O_WRONLY) {
    const h5::file file = h5::file::open(path);
    const h5::dataset data = file.open_dataset(data_name);
    const std::vector<std::size_t> extents = volume_extents(data);
    const std::optional<std::uint64_t> offset = data.offset_of_floats();
    if (!offset || extents[1] != extents[2]) {
        throw std::runtime_error(data.name() + ": is no volume that slices can be written into, "
                                               "expected (slices, n, n), float32, in one piece");
    }
    slices_ = extents[0];
    size_ = extents[1];
    offset_ = *offset;
}

void volume_writer::write(std::size_t first, std::size_t count, const float* values) {
    require_part("slices", first, count, slices_);
    const std::size_t bytes = size_ * size_ * sizeof(float);
    file_.write(offset_ + first * bytes, count * bytes, values);
}

volume_reader::volume_reader(const fs::path& path)
    : file_(h5::file::open(path)), data_(file_.open_dataset(data_name)), extents_(volume_extents(data_)),
      offset_(data_.offset_of_floats()), plain_(path, O_RDONLY) {}

std::vector<float> volume_reader::read(std::size_t slice) const {
    std::vector<float> values(rows() * columns());
    read(slice, 1, values.data());
    return values;
}

void volume_reader::read(std::size_t first, std::size_t count, float* values) const {
    require_part("slices", first, count, slices());
    if (offset_) {
        const std::size_t bytes = rows() * columns() * sizeof(float);
        plain_.read(*offset_ + first * bytes, count * bytes, values);
    } else {
        const std::lock_guard lock(hdf5_);
        data_.read({{first, 0, 0}, {count, rows(), columns()}}, values);
    }
}

void volume_reader::read_rows(std::size_t slice, std::size_t first, std::size_t count,
                              float* values) const {
    require_part("slices", slice, 1, slices());
    require_part("rows", first, count, rows());
    if (offset_) {
        const std::size_t bytes = columns() * sizeof(float);
        plain_.read(*offset_ + (slice * rows() + first) * bytes, count * bytes, values);
    } else {
        const std::lock_guard lock(hdf5_);
        data_.read({{slice, first, 0}, {1, count, columns()}}, values);
    }
}

} // namespace tomo
