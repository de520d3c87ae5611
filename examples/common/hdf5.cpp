// SPDX-License-Identifier: BSD-3-Clause
#include "hdf5.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "shape.hpp"

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
    const std::array<hsize_t, 3> step{where.step[0], where.step[1], where.step[2]};
    if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), step.data(), count.data(),
                            nullptr) < 0) {
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

// The attribute, or no attribute where there is none of one element.
handle single_attribute(hid_t object, const std::string& name) {
    if (H5Aexists(object, name.c_str()) <= 0) return {};
    handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    const handle space(H5Aget_space(attribute.get()), H5Sclose);
    if (H5Sget_simple_extent_npoints(space.get()) != 1) return {};
    return attribute;
}

std::string up_to_nul(const char* text, std::size_t length) {
    return {text, std::find(text, text + length, '\0')};
}

std::optional<std::string> attribute_text(hid_t object, const std::string& name) {
    const handle attribute = single_attribute(object, name);
    if (!attribute) return {};
    const handle type(H5Aget_type(attribute.get()), H5Tclose);
    if (H5Tget_class(type.get()) != H5T_STRING) return {};
    if (H5Tis_variable_str(type.get()) > 0) {
        char* text = nullptr;
        if (H5Aread(attribute.get(), type.get(), &text) < 0 || !text) return {};
        std::string copy = text;
        H5free_memory(text);
        return copy;
    }
    std::string text(H5Tget_size(type.get()), '\0');
    if (H5Aread(attribute.get(), type.get(), text.data()) < 0) return {};
    return up_to_nul(text.data(), text.size());
}

std::optional<double> attribute_number(hid_t object, const std::string& name) {
    const handle attribute = single_attribute(object, name);
    if (!attribute) return {};
    const handle type(H5Aget_type(attribute.get()), H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.get());
    double value = 0;
    if ((kind != H5T_INTEGER && kind != H5T_FLOAT) ||
        H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0) {
        return {};
    }
    return value;
}

// Texts of a fixed length, as many as there are rows, read as they are stored or, where member is not empty, from
// that member of compounds.
std::vector<std::string> fixed_texts(hid_t data, const std::string& name, hid_t stored, std::size_t rows,
                                     const std::string& member) {
    const std::size_t length = H5Tget_size(stored);
    handle type(H5Tcopy(stored), H5Tclose);
    if (!member.empty()) {
        handle compound(H5Tcreate(H5T_COMPOUND, length), H5Tclose);
        H5Tinsert(compound.get(), member.c_str(), 0, type.get());
        type = std::move(compound);
    }
    std::vector<char> bytes(rows * length);
    if (H5Dread(data, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0)
        fail("cannot read " + name);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < rows; ++i) texts.push_back(up_to_nul(bytes.data() + i * length, length));
    return texts;
}

// The same of variable lengths, which HDF5 allocates.
std::vector<std::string> variable_texts(hid_t data, const std::string& name, hid_t stored,
                                        std::size_t rows, const std::string& member) {
    handle type(H5Tcopy(stored), H5Tclose);
    if (!member.empty()) {
        handle compound(H5Tcreate(H5T_COMPOUND, sizeof(char*)), H5Tclose);
        H5Tinsert(compound.get(), member.c_str(), 0, type.get());
        type = std::move(compound);
    }
    std::vector<char*> pointers(rows, nullptr);
    if (H5Dread(data, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0)
        fail("cannot read " + name);
    std::vector<std::string> texts;
    for (char* text : pointers) {
        texts.emplace_back(text ? text : "");
        H5free_memory(text);
    }
    return texts;
}

std::vector<std::string> read_texts(hid_t data, const std::string& name, hid_t stored, std::size_t rows,
                                    const std::string& member = {}) {
    if (rows == 0) return {};
    if (H5Tis_variable_str(stored) > 0) return variable_texts(data, name, stored, rows, member);
    return fixed_texts(data, name, stored, rows, member);
}

std::vector<std::size_t> extents_of(hid_t data) {
    const handle space(H5Dget_space(data), H5Sclose);
    std::vector<hsize_t> extents(
        static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space.get()), 0)));
    H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
    return {extents.begin(), extents.end()};
}

// What is not stored HDF5 would read as zeros; what a virtual data set has, other files hold.
void require_stored(hid_t data, const std::string& name) {
    const handle type(H5Dget_type(data), H5Tclose), list(H5Dget_create_plist(data), H5Pclose);
    if (H5Pget_layout(list.get()) == H5D_VIRTUAL) return;
    const std::vector<std::size_t> extents = extents_of(data);
    const hsize_t stored = H5Dget_storage_size(data);
    if (is_plausible(extents, H5Tget_size(type.get()), static_cast<double>(stored))) return;
    throw std::runtime_error(name + ": shape is " + shape_text(extents) +
                             ", but the file holds no more than " + std::to_string(stored) +
                             " bytes of it: corrupt, or never written");
}

std::size_t elements_of(hid_t data) {
    const handle space(H5Dget_space(data), H5Sclose);
    return static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.get()), 0));
}

template <class T>
hid_t native_type();
template <>
hid_t native_type<double>() {
    return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native_type<std::int64_t>() {
    return H5T_NATIVE_INT64;
}
template <>
hid_t native_type<std::uint8_t>() {
    return H5T_NATIVE_UINT8;
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

// Without the time of day, so that the same values make the same file.
handle untimed() {
    handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(list.get(), false);
    return list;
}

handle creation_list(const storage& how) {
    handle list = untimed();
    if (!how.chunk.empty()) {
        const std::vector<hsize_t> chunk = as_hsize(how.chunk);
        H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
        if (how.gzip > 0) H5Pset_deflate(list.get(), how.gzip);
    }
    // Every value is written by us: a first pass of zeros would double the traffic.
    H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER);
    if (how.at_once) H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY);
    return list;
}

std::size_t rows_of(const column& c) {
    return std::visit([&](const auto& values) { return values.size() / c.width; }, c.values);
}

// How a column's values lie in a row.
handle column_type(const column& c) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&c.values)) {
        std::size_t longest = 0;
        for (const std::string& text : *texts) longest = std::max(longest, text.size());
        handle type = text_type(longest);
        H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
        return type;
    }
    const hid_t number =
        std::holds_alternative<std::vector<double>>(c.values) ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64;
    const hsize_t width = c.width;
    return width == 1 ? handle(H5Tcopy(number), H5Tclose)
                      : handle(H5Tarray_create2(number, 1, &width), H5Tclose);
}

// Writes a column's values into rows of so many bytes, which are zeros before.
void pack_column(const column& c, char* to, std::size_t bytes_in_row) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&c.values)) {
        for (const std::string& text : *texts) {
            std::copy(text.begin(), text.end(), to);
            to += bytes_in_row;
        }
        return;
    }
    const auto pack = [&](const auto& values) {
        for (std::size_t i = 0; i < values.size(); i += c.width) {
            std::memcpy(to, values.data() + i, c.width * 8);
            to += bytes_in_row;
        }
    };
    if (const auto* numbers = std::get_if<std::vector<double>>(&c.values)) pack(*numbers);
    if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&c.values)) pack(*numbers);
}

void create_and_write(hid_t file, const std::filesystem::path& path, const std::string& name, hid_t type,
                      std::size_t rows, const void* values) {
    const handle space = memory_space({rows});
    const handle parents = with_parent_groups(), list = untimed();
    handle id(H5Dcreate2(file, name.c_str(), type, space.get(), parents.get(), list.get(), H5P_DEFAULT),
              H5Dclose);
    if (!id || H5Dwrite(id.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 || !id.close())
        fail("cannot write " + name + " of " + path.string());
}

void write_attribute(hid_t file, const std::filesystem::path& path, const std::string& object,
                     const std::string& name, hid_t type, const void* value) {
    const handle owner(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose);
    const handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const handle attribute(
        H5Acreate2(owner.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!attribute || H5Awrite(attribute.get(), type, value) < 0)
        fail("cannot write attribute " + name + " of " + object + " of " + path.string());
}

} // namespace

std::vector<std::size_t> dataset::extents() const { return extents_of(id_.get()); }

void dataset::require_stored() const { h5::require_stored(id_.get(), name_); }

std::optional<std::uint64_t> dataset::offset_of_floats() const {
    const handle type(H5Dget_type(id_.get()), H5Tclose);
    const haddr_t offset = H5Dget_offset(id_.get()); // none of chunks, and of what other files hold
    if (H5Tequal(type.get(), H5T_NATIVE_FLOAT) <= 0 || offset == HADDR_UNDEF) return {};
    return offset;
}

std::vector<std::size_t> dataset::blocks() const {
    const handle list(H5Dget_create_plist(id_.get()), H5Pclose);
    if (H5Pget_layout(list.get()) != H5D_CHUNKED) return {};
    std::vector<hsize_t> sizes(extents().size());
    H5Pget_chunk(list.get(), static_cast<int>(sizes.size()), sizes.data());
    return {sizes.begin(), sizes.end()};
}

void dataset::read(const box& where, float* values) const {
    const handle disk = selected(id_.get(), where);
    const handle mine = memory_space({where.count[0], where.count[1], where.count[2]});
    if (H5Dread(id_.get(), H5T_NATIVE_FLOAT, mine.get(), disk.get(), H5P_DEFAULT, values) < 0) {
        fail("cannot read " + name_);
    }
}

namespace {

// Calls transfer(memory space, disk space) for a part of the data set; false where HDF5 says no to either.
template <class Transfer>
bool with_part(hid_t data, const std::vector<std::size_t>& first, const std::vector<std::size_t>& count,
               const Transfer& transfer) {
    const std::vector<hsize_t> from = as_hsize(first), sizes = as_hsize(count);
    const handle disk(H5Dget_space(data), H5Sclose), mine = memory_space(sizes);
    return H5Sselect_hyperslab(disk.get(), H5S_SELECT_SET, from.data(), nullptr, sizes.data(),
                               nullptr) >= 0 &&
           transfer(mine.get(), disk.get()) >= 0;
}

} // namespace

template <class T>
void dataset::read_part(const std::vector<std::size_t>& first, const std::vector<std::size_t>& count,
                        std::span<T> values) const {
    if (values.empty()) return;
    const bool done = with_part(id_.get(), first, count, [&](hid_t mine, hid_t disk) {
        return H5Dread(id_.get(), native_type<T>(), mine, disk, H5P_DEFAULT, values.data());
    });
    if (!done) fail("cannot read " + name_);
}
template void dataset::read_part(const std::vector<std::size_t>&, const std::vector<std::size_t>&,
                                 std::span<double>) const;
template void dataset::read_part(const std::vector<std::size_t>&, const std::vector<std::size_t>&,
                                 std::span<std::int64_t>) const;
template void dataset::read_part(const std::vector<std::size_t>&, const std::vector<std::size_t>&,
                                 std::span<std::uint8_t>) const;

std::vector<double> dataset::read_all() const {
    require_stored();
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

template <class T>
void dataset::write_part(const std::vector<std::size_t>& first, const std::vector<std::size_t>& count,
                         std::span<const T> values) {
    if (values.empty()) return;
    const bool done = with_part(id_.get(), first, count, [&](hid_t mine, hid_t disk) {
        return H5Dwrite(id_.get(), native_type<T>(), mine, disk, H5P_DEFAULT, values.data());
    });
    if (!done) fail("cannot write " + name_);
}
template void dataset::write_part(const std::vector<std::size_t>&, const std::vector<std::size_t>&,
                                  std::span<const double>);
template void dataset::write_part(const std::vector<std::size_t>&, const std::vector<std::size_t>&,
                                  std::span<const std::uint8_t>);

void dataset::write_from(std::size_t first, std::span<const double> values) {
    write_part({first}, {values.size()}, values);
}

std::string dataset::text_attribute(const std::string& name) const {
    return attribute_text(id_.get(), name).value_or("");
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

std::size_t table::rows() const { return elements_of(id_.get()); }

handle table::column_type(const std::string& column) const {
    const handle type(H5Dget_type(id_.get()), H5Tclose);
    const int member = H5Tget_member_index(type.get(), column.c_str());
    if (member < 0) throw std::runtime_error(name_ + ": has no column " + column);
    return {H5Tget_member_type(type.get(), static_cast<unsigned>(member)), H5Tclose};
}

bool table::has_column(const std::string& column) const {
    const handle type(H5Dget_type(id_.get()), H5Tclose);
    return H5Tget_member_index(type.get(), column.c_str()) >= 0;
}

std::string table::column_name(std::size_t number) const {
    const handle type(H5Dget_type(id_.get()), H5Tclose);
    if (number >= static_cast<std::size_t>(H5Tget_nmembers(type.get()))) {
        throw std::runtime_error(name_ + ": has " + std::to_string(H5Tget_nmembers(type.get())) +
                                 " columns, expected " + std::to_string(number + 1) + " or more");
    }
    char* const text = H5Tget_member_name(type.get(), static_cast<unsigned>(number));
    std::string copy = text ? text : "";
    H5free_memory(text);
    return copy;
}

std::size_t table::width(const std::string& column) const {
    const handle type = column_type(column);
    if (H5Tget_class(type.get()) != H5T_ARRAY) return 1;
    const handle element(H5Tget_super(type.get()), H5Tclose);
    return H5Tget_size(type.get()) / H5Tget_size(element.get());
}

std::vector<double> table::numbers(const std::string& column) const {
    const handle stored = column_type(column);
    const bool is_array = H5Tget_class(stored.get()) == H5T_ARRAY;
    const handle element = is_array ? handle(H5Tget_super(stored.get()), H5Tclose)
                                    : handle(H5Tcopy(stored.get()), H5Tclose);
    const H5T_class_t kind = H5Tget_class(element.get());
    if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
        throw std::runtime_error(name_ + ": column " + column +
                                 " holds no numbers, expected integers or floats");
    }
    const std::size_t each = width(column), n = rows();
    const hsize_t extent = each;
    const handle wanted = is_array ? handle(H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &extent), H5Tclose)
                                   : handle(H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose);
    const handle compound(H5Tcreate(H5T_COMPOUND, each * sizeof(double)), H5Tclose);
    H5Tinsert(compound.get(), column.c_str(), 0, wanted.get());
    std::vector<double> values(n * each);
    if (n > 0 && H5Dread(id_.get(), compound.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        fail("cannot read column " + column + " of " + name_);
    }
    return values;
}

std::vector<std::string> table::texts(const std::string& column) const {
    const handle type = column_type(column);
    if (H5Tget_class(type.get()) != H5T_STRING)
        throw std::runtime_error(name_ + ": column " + column + " holds no texts");
    return read_texts(id_.get(), name_, type.get(), rows(), column);
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

bool file::is_group(const std::string& name) const {
    if (!has(name)) return false;
    const handle object(H5Oopen(id_.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
    return H5Iget_type(object.get()) == H5I_GROUP;
}

table file::open_table(const std::string& name) const {
    const std::string full = path_.string() + ":" + name;
    if (!has(name)) throw std::runtime_error(path_.string() + ": has no data set " + name);
    handle id(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
    if (!id) fail(full + ": cannot open this data set");
    const handle type(H5Dget_type(id.get()), H5Tclose);
    if (H5Tget_class(type.get()) != H5T_COMPOUND)
        throw std::runtime_error(full + ": is no table, expected named columns");
    require_stored(id.get(), full);
    return {std::move(id), full};
}

std::vector<std::string> file::texts(const std::string& name) const {
    const std::string full = path_.string() + ":" + name;
    if (!has(name)) throw std::runtime_error(path_.string() + ": has no data set " + name);
    const handle id(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
    if (!id) fail(full + ": cannot open this data set");
    const handle type(H5Dget_type(id.get()), H5Tclose);
    if (H5Tget_class(type.get()) != H5T_STRING) throw std::runtime_error(full + ": holds no texts");
    require_stored(id.get(), full);
    return read_texts(id.get(), full, type.get(), elements_of(id.get()));
}

std::vector<std::string> file::members(const std::string& group) const {
    std::vector<std::string> names;
    const auto keep = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
        static_cast<std::vector<std::string>*>(out)->emplace_back(name);
        return 0;
    };
    const handle id(H5Gopen2(id_.get(), group.c_str(), H5P_DEFAULT), H5Gclose);
    if (!id || H5Literate(id.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names) < 0)
        fail(path_.string() + ": cannot list group " + group);
    return names;
}

std::optional<std::string> file::text_attribute(const std::string& object,
                                                const std::string& name) const {
    const handle id(H5Oopen(id_.get(), object.c_str(), H5P_DEFAULT), H5Oclose);
    return id ? attribute_text(id.get(), name) : std::nullopt;
}

std::optional<double> file::number_attribute(const std::string& object, const std::string& name) const {
    const handle id(H5Oopen(id_.get(), object.c_str(), H5P_DEFAULT), H5Oclose);
    return id ? attribute_number(id.get(), name) : std::nullopt;
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
    const handle parents = with_parent_groups(), list = untimed();
    const handle id(H5Dcreate2(id_.get(), name.c_str(), type.get(), space.get(), parents.get(),
                               list.get(), H5P_DEFAULT),
                    H5Dclose);
    if (!id || H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()) < 0) {
        fail("cannot write " + path_.string() + ":" + name);
    }
}

void file::write_texts(const std::string& name, const std::vector<std::string>& texts) {
    const column all{name, texts};
    const handle type = column_type(all);
    std::vector<char> bytes(texts.size() * H5Tget_size(type.get()));
    pack_column(all, bytes.data(), H5Tget_size(type.get()));
    create_and_write(id_.get(), path_, name, type.get(), texts.size(), bytes.data());
}

void file::write_table(const std::string& name, const std::vector<column>& columns) {
    std::vector<handle> types;
    std::size_t bytes_in_row = 0;
    for (const column& c : columns) {
        types.push_back(column_type(c));
        bytes_in_row += H5Tget_size(types.back().get());
    }
    const std::size_t rows = rows_of(columns.at(0));
    std::vector<char> bytes(rows * bytes_in_row);
    const handle row(H5Tcreate(H5T_COMPOUND, bytes_in_row), H5Tclose);
    std::size_t at = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
        H5Tinsert(row.get(), columns[k].name.c_str(), at, types[k].get());
        pack_column(columns[k], bytes.data() + at, bytes_in_row);
        at += H5Tget_size(types[k].get());
    }
    create_and_write(id_.get(), path_, name, row.get(), rows, bytes.data());
}

void file::create_group(const std::string& name) {
    const handle parents = with_parent_groups();
    const handle id(H5Gcreate2(id_.get(), name.c_str(), parents.get(), H5P_DEFAULT, H5P_DEFAULT),
                    H5Gclose);
    if (!id) fail("cannot create group " + name + " of " + path_.string());
}

void file::set_attribute(const std::string& object, const std::string& name, const std::string& text) {
    const handle type(H5Tcopy(H5T_C_S1), H5Tclose); // of any length, UTF-8: what h5py gives back as text
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    const char* const characters = text.c_str();
    write_attribute(id_.get(), path_, object, name, type.get(), &characters);
}

void file::set_attribute(const std::string& object, const std::string& name, double value) {
    write_attribute(id_.get(), path_, object, name, H5T_NATIVE_DOUBLE, &value);
}

void file::set_attribute(const std::string& object, const std::string& name, std::int64_t value) {
    write_attribute(id_.get(), path_, object, name, H5T_NATIVE_INT64, &value);
}

void file::close() {
    if (!id_.close()) fail("cannot finish " + path_.string());
}

void prepare() {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

} // namespace common::h5
