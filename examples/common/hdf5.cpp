// SPDX-License-Identifier: BSD-3-Clause
#include "hdf5.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace common::h5 {
namespace {

// What the system said, where HDF5 quotes it among addresses and sizes; else all of the text.
std::string quoted_message(const std::string& text) {
    static const std::string before = "error message = '";
    const std::size_t begin = text.find(before);
    if (begin == std::string::npos) return text;
    return text.substr(begin + before.size(),
                       text.find('\'', begin + before.size()) - begin - before.size());
}

// What HDF5 says of the last failure where it arose, which is the most telling line of its stack.
std::string last_error() {
    std::string text;
    const auto keep = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
        if (error->desc) *static_cast<std::string*>(out) = error->desc;
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep, &text);
    text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
    return text.empty() ? "HDF5 gives no reason" : quoted_message(text);
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + last_error()); }

std::vector<hsize_t> as_hsize(const std::vector<std::size_t>& extents) {
    return {extents.begin(), extents.end()};
}

handle memory_space(const std::vector<hsize_t>& extents) {
    return {H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose};
}

// The data set's own space with the box selected.
handle selected(hid_t data, const box& where) {
    handle space(H5Dget_space(data), H5Sclose);
    const std::array<hsize_t, 3> first{where.first[0], where.first[1], where.first[2]};
    const std::array<hsize_t, 3> count{where.count[0], where.count[1], where.count[2]};
    if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr) <
        0) {
        fail("cannot select a part of a data set");
    }
    return space;
}

void write_box(hid_t data, const std::string& name, const box& where, hid_t type, const void* values) {
    const handle disk = selected(data, where);
    const handle mine = memory_space({where.count[0], where.count[1], where.count[2]});
    if (H5Dwrite(data, type, mine.get(), disk.get(), H5P_DEFAULT, values) < 0)
        fail("cannot write " + name);
}

bool is_number(hid_t data) {
    const handle type(H5Dget_type(data), H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.get());
    return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

handle text_type(std::size_t length) {
    handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), std::max<std::size_t>(length, 1));
    return type;
}

handle with_parent_groups() {
    handle list(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(list.get(), 1);
    return list;
}

handle creation_list(const storage& how) {
    handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    if (!how.chunk.empty()) {
        const std::vector<hsize_t> chunk = as_hsize(how.chunk);
        H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
        if (how.gzip > 0) H5Pset_deflate(list.get(), how.gzip);
    }
    // Every value is written by us: a first pass of zeros would double the traffic.
    H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER);
    return list;
}

} // namespace

std::vector<std::size_t> dataset::extents() const {
    const handle space(H5Dget_space(id_.get()), H5Sclose);
    std::vector<hsize_t> extents(
        static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space.get()), 0)));
    H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
    return {extents.begin(), extents.end()};
}

void dataset::read(const box& where, float* values) const {
    const handle disk = selected(id_.get(), where);
    const handle mine = memory_space({where.count[0], where.count[1], where.count[2]});
    if (H5Dread(id_.get(), H5T_NATIVE_FLOAT, mine.get(), disk.get(), H5P_DEFAULT, values) < 0) {
        fail("cannot read " + name_);
    }
}

std::vector<double> dataset::read_all() const {
    std::size_t n = 1;
    for (const std::size_t extent : extents()) n *= extent;
    std::vector<double> values(n);
    if (H5Dread(id_.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        fail("cannot read " + name_);
    }
    return values;
}

void dataset::write(const box& where, const float* values) {
    write_box(id_.get(), name_, where, H5T_NATIVE_FLOAT, values);
}

void dataset::write(const box& where, const std::uint16_t* values) {
    write_box(id_.get(), name_, where, H5T_NATIVE_UINT16, values);
}

void dataset::write_all(const std::vector<double>& values) {
    if (H5Dwrite(id_.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        fail("cannot write " + name_);
    }
}

std::string dataset::text_attribute(const std::string& name) const {
    if (H5Aexists(id_.get(), name.c_str()) <= 0) return {};
    const handle attribute(H5Aopen(id_.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
    const handle type(H5Aget_type(attribute.get()), H5Tclose);
    const handle space(H5Aget_space(attribute.get()), H5Sclose);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1)
        return {};
    if (H5Tis_variable_str(type.get()) > 0) {
        char* text = nullptr;
        if (H5Aread(attribute.get(), type.get(), &text) < 0 || !text) return {};
        std::string copy = text;
        H5free_memory(text);
        return copy;
    }
    std::string text(H5Tget_size(type.get()), '\0');
    if (H5Aread(attribute.get(), type.get(), text.data()) < 0) return {};
    return text.substr(0, std::min(text.find('\0'), text.size()));
}

void dataset::set_attribute(const std::string& name, const std::string& text) {
    const handle type = text_type(text.size());
    const handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const handle attribute(
        H5Acreate2(id_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    if (!attribute || H5Awrite(attribute.get(), type.get(), text.c_str()) < 0) {
        fail("cannot write attribute " + name + " of " + name_);
    }
}

void dataset::set_attribute(const std::string& name, double value) {
    const handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const handle attribute(
        H5Acreate2(id_.get(), name.c_str(), H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    if (!attribute || H5Awrite(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0) {
        fail("cannot write attribute " + name + " of " + name_);
    }
}

void dataset::close() {
    if (!id_.close()) fail("cannot finish " + name_);
}

file file::open(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) throw std::runtime_error(path.string() + ": no such file");
    if (!std::filesystem::is_regular_file(path))
        throw std::runtime_error(path.string() + ": not a regular file");
    if (!std::ifstream(path)) throw std::runtime_error(path.string() + ": " + std::strerror(errno));
    if (H5Fis_hdf5(path.c_str()) <= 0) throw std::runtime_error(path.string() + ": not an HDF5 file");
    handle id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!id) fail(path.string() + ": cannot open this HDF5 file");
    return {std::move(id), path};
}

file file::create(const std::filesystem::path& path) {
    handle id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    if (!id) fail("cannot create " + path.string());
    return {std::move(id), path};
}

// H5Lexists wants every group on the way to exist.
bool file::has(const std::string& name) const {
    for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
        if (H5Lexists(id_.get(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
        if (end == std::string::npos) return true;
    }
}

dataset file::open_dataset(const std::string& name) const {
    const std::string full = path_.string() + ":" + name;
    if (!has(name)) throw std::runtime_error(path_.string() + ": has no data set " + name);
    handle id(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
    if (!id) fail(full + ": cannot open this data set");
    if (!is_number(id.get()))
        throw std::runtime_error(full + ": holds no numbers, expected integers or floats");
    return {std::move(id), full};
}

dataset file::create_dataset(const std::string& name, const std::vector<std::size_t>& extents,
                             const storage& how) {
    const std::vector<hsize_t> sizes = as_hsize(extents);
    const handle space = memory_space(sizes);
    const handle parents = with_parent_groups();
    const handle list = creation_list(how);
    const std::string full = path_.string() + ":" + name;
    handle id(H5Dcreate2(id_.get(), name.c_str(), how.type, space.get(), parents.get(), list.get(),
                         H5P_DEFAULT),
              H5Dclose);
    if (!id) fail("cannot create " + full);
    return {std::move(id), full};
}

void file::write_text(const std::string& name, const std::string& text) {
    const handle type = text_type(text.size());
    const handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const handle parents = with_parent_groups();
    const handle id(H5Dcreate2(id_.get(), name.c_str(), type.get(), space.get(), parents.get(),
                               H5P_DEFAULT, H5P_DEFAULT),
                    H5Dclose);
    if (!id || H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()) < 0) {
        fail("cannot write " + path_.string() + ":" + name);
    }
}

void file::close() {
    if (!id_.close()) fail("cannot finish " + path_.string());
}

std::string shape_text(const std::vector<std::size_t>& extents) {
    std::string text;
    for (const std::size_t extent : extents)
        text.append(text.empty() ? "(" : ", ").append(std::to_string(extent));
    return text.empty() ? "()" : text.append(")");
}

void prepare() {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

} // namespace common::h5
