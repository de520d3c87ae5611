// SPDX-License-Identifier: BSD-3-Clause
//
// hdf5.hpp: HDF5's C interface with owners for its ids and exceptions for its failures.
//
// Every failure is a std::runtime_error naming the file, the data set and what HDF5 says of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <hdf5.h>

namespace common::h5 {

/// An id and the function that closes it.
class handle {
public:
    using closer = herr_t (*)(hid_t);

    handle() = default;
    handle(hid_t id, closer how) noexcept : id_(id), close_(how) {}
    handle(handle&& other) noexcept
        : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
    handle& operator=(handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(close_, other.close_);
        return *this;
    }
    ~handle() { close(); }

    hid_t get() const noexcept { return id_; }
    explicit operator bool() const noexcept { return id_ >= 0; }
    bool close() noexcept { return id_ < 0 || close_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

private:
    hid_t id_ = H5I_INVALID_HID;
    closer close_ = nullptr;
};

/// A box of a three-dimensional data set: first index, number and step along each axis.
struct box {
    std::array<std::size_t, 3> first, count, step = {1, 1, 1};
};

/// A data set of numbers. HDF5 converts between its type and float where they differ.
class dataset {
public:
    dataset(handle id, std::string name) : id_(std::move(id)), name_(std::move(name)) {}

    const std::string& name() const noexcept { return name_; }
    std::vector<std::size_t> extents() const;
    /// The extents of the blocks that it is stored in, each compressed by itself; none where it is contiguous.
    std::vector<std::size_t> blocks() const;
    /// Where in the file the values begin, if they lie there in one piece, as floats do in memory.
    std::optional<std::uint64_t> offset_of_floats() const;

    /// Refuses a data set that claims many more values than the file has room for, as read_all does.
    void require_stored() const;

    void read(const box& where, float* values) const; // where.count values, last index fastest
    /// As many values as there are between `first` and `first + count` along each axis, last index fastest.
    template <class T> // double, std::int64_t, std::uint8_t
    void read_part(const std::vector<std::size_t>& first, const std::vector<std::size_t>& count,
                   std::span<T> values) const;
    std::vector<double> read_all() const;              // for small data sets
    void write(const box& where, const float* values); // rounding is the caller's
    void write(const box& where, const std::uint16_t* values);
    void write_all(const std::vector<double>& values);
    /// Values from element `first` on of a data set with one axis.
    void write_from(std::size_t first, std::span<const double> values);
    /// The counterpart of read_part.
    template <class T> // double, std::uint8_t
    void write_part(const std::vector<std::size_t>& first, const std::vector<std::size_t>& count,
                    std::span<const T> values);

    /// The text of an attribute, or an empty string where there is none.
    std::string text_attribute(const std::string& name) const;
    void set_attribute(const std::string& name, const std::string& text);
    void set_attribute(const std::string& name, double value);

    /// Closes the data set; throws what writing its last bytes finds.
    void close();

private:
    handle id_;
    std::string name_; // with the file's name, for messages
};

/// A data set whose rows are compounds of named numbers and texts.
class table {
public:
    table(handle id, std::string name) : id_(std::move(id)), name_(std::move(name)) {}

    const std::string& name() const noexcept { return name_; }
    std::size_t rows() const;
    bool has_column(const std::string& column) const;
    std::size_t width(const std::string& column) const;              // numbers in a row's element
    std::vector<double> numbers(const std::string& column) const;    // (rows, width)
    std::vector<std::string> texts(const std::string& column) const; // up to the first NUL
    std::string column_name(std::size_t number) const;               // for tables that do not name them

private:
    handle column_type(const std::string& column) const;

    handle id_;
    std::string name_; // with the file's name, for messages
};

/// A column of a new table, `width` numbers a row.
struct column {
    std::string name;
    std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> values;
    std::size_t width = 1;
};

/// How the values of a new data set are stored.
struct storage {
    hid_t type;                          // H5T_NATIVE_FLOAT ...
    std::vector<std::size_t> chunk = {}; // empty: contiguous
    unsigned gzip = 0;                   // 0 to 9; needs chunks
    bool at_once = false;                // the file gets its space when the data set is made
};

/// A file, open for reading or new.
class file {
public:
    static file open(const std::filesystem::path& path);
    static file create(const std::filesystem::path& path);

    const std::filesystem::path& path() const noexcept { return path_; }
    bool has(const std::string& name) const;
    dataset open_dataset(const std::string& name) const;
    bool is_group(const std::string& name) const;
    table open_table(const std::string& name) const;
    std::vector<std::string> texts(const std::string& name) const; // a data set of one text an element
    std::vector<std::string> members(const std::string& group) const; // by name, in alphabetical order

    /// An attribute of a group or a data set, or nothing where there is none of that kind. "/" is the file's.
    std::optional<std::string> text_attribute(const std::string& object, const std::string& name) const;
    std::optional<double> number_attribute(const std::string& object, const std::string& name) const;

    dataset create_dataset(const std::string& name, const std::vector<std::size_t>& extents,
                           const storage& how);
    void write_text(const std::string& name, const std::string& text);
    /// One text an element, of a fixed length.
    void write_texts(const std::string& name, const std::vector<std::string>& texts);
    void write_table(const std::string& name, const std::vector<column>& columns);
    void create_group(const std::string& name);
    /// An attribute of a group or a data set; "/" is the file's.
    void set_attribute(const std::string& object, const std::string& name, const std::string& text);
    void set_attribute(const std::string& object, const std::string& name, double value);
    void set_attribute(const std::string& object, const std::string& name, std::int64_t value);

    /// Closes the file; a disk that is full may be known only here.
    void close();

private:
    file(handle id, std::filesystem::path path) : id_(std::move(id)), path_(std::move(path)) {}

    handle id_;
    std::filesystem::path path_;
};

/// To be called before anything else here: keeps HDF5 from printing its own error stack, and from
/// cleaning up when the program ends, where 1.10 crashes if a file could not be written. All that is
/// open is closed by its owner anyway.
void prepare();

} // namespace common::h5
