// SPDX-License-Identifier: BSD-3-Clause
//
// fits.hpp: FITS files through CFITSIO, with owners for what it opens and exceptions for its failures.
//
// Every failure is a std::runtime_error naming the file, the HDU, the value, what was expected and what CFITSIO
// says. File names are taken as they are, whatever CFITSIO's extended syntax would make of [], + or !.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fitsio.h>

namespace common::fits {

/// Closes the file and swallows what goes wrong then.
struct closer {
    void operator()(fitsfile* f) const noexcept;
};
using handle = std::unique_ptr<fitsfile, closer>;

/// A header and what follows it, of a file open for reading. It must not outlive its file.
class hdu {
public:
    hdu(fitsfile* from, int number, std::string name)
        : from_(from), number_(number), name_(std::move(name)) {}

    const std::string& name() const noexcept { return name_; } // FILE.fits[IVAR], for messages

    /// The value of a keyword, or nothing where there is none. A text comes without the blanks around it, nor the
    /// quotes that some programs write within it.
    std::optional<double> number(const std::string& key) const;
    std::optional<std::string> text(const std::string& key) const;
    /// The value of a keyword that must be there, and, in whole_number, one of low to high.
    double required_number(const std::string& key) const;
    std::size_t whole_number(const std::string& key, std::size_t low, std::size_t high) const;

    /// Extents of the image, slowest axis first, tile-compressed or not; empty where there is no image.
    std::vector<std::size_t> shape() const;
    /// The image in that order, converted from whatever type it has. Like numbers(), refuses data that differ from
    /// their DATASUM, where they have one.
    template <class T> // float, double, std::int32_t
    std::vector<T> image() const;

    bool is_table() const;
    std::size_t rows() const;
    std::vector<std::string> columns() const; // their names, in the file's order
    bool has_column(const std::string& column) const;
    std::string unit(const std::string& column) const; // empty where the file has none
    /// Extents of one row's element, slowest axis first, as TDIM has it, else TFORM.
    std::vector<std::size_t> column_shape(const std::string& column) const;
    std::vector<double> numbers(const std::string& column) const; // (rows, ...column_shape)
    /// One text a row, up to its first NUL and without blanks around it.
    std::vector<std::string> texts(const std::string& column) const;

    /// For what CFITSIO does between files: makes this the current HDU of its file.
    fitsfile* current() const;

private:
    void require_stored(const std::vector<std::size_t>& extents) const;
    void require_sum() const;
    int column_number(const std::string& column) const;

    fitsfile* from_;
    int number_;
    std::string name_;
};

/// A file open for reading, gzipped or not.
class input_file {
public:
    /// Refuses a file that ends before its last HDU does, or in the middle of a header.
    explicit input_file(const std::filesystem::path& path);

    const std::filesystem::path& path() const noexcept { return path_; }
    std::size_t size() const noexcept { return size_; } // HDUs
    bool has(const std::string& extname) const;
    hdu operator[](const std::string& extname) const;
    hdu operator[](std::size_t number) const; // 0 is the primary one

private:
    void open_plain();
    void unzip();
    void check_length(std::size_t bytes) const;

    struct memory { // not a vector: gigabytes would be filled with zeros first
        void* data = nullptr;
        std::size_t size = 0, capacity = 0;

        void reserve(std::size_t bytes);
        memory() = default;
        memory(const memory&) = delete;
        memory& operator=(const memory&) = delete;
        ~memory() { std::free(data); }
    };

    std::filesystem::path path_;
    std::unique_ptr<memory> unzipped_;
    handle file_;
    std::size_t size_ = 0;
};

enum class compression { none, rice };

/// A column of a new table: an element is text of one length or `shape` numbers.
struct column {
    std::string name;
    std::string format;                  // TFORM: 8A, 2000D, 1024E, J
    std::vector<std::size_t> shape = {}; // slowest axis first; empty: as TFORM has it
    std::string unit = {};
};

/// A new file; HDUs come one after the other, and keywords and values go to the last one.
class output_file {
public:
    /// Replaces a file of that name.
    explicit output_file(const std::filesystem::path& path);

    template <class T> // float, double, std::int16_t, std::int32_t, std::uint32_t
    void write_image(const std::string& extname, const std::vector<std::size_t>& shape,
                     std::span<const T> values, compression how = compression::none);
    void write_table(const std::string& extname, std::size_t rows, const std::vector<column>& columns);
    void write_column(const std::string& name, std::span<const double> values); // all rows
    void write_column(const std::string& name, const std::vector<std::string>& values);

    void write_key(const std::string& key, const std::string& value, const std::string& comment = "");
    void write_key(const std::string& key, double value, const std::string& comment = "");
    template <std::integral I>
    void write_key(const std::string& key, I value, const std::string& comment = "") {
        write_whole(key, static_cast<long long>(value), comment);
    }

    /// Copies what the observatory wrote: all keywords that FITS gives no meaning.
    void copy_keys(const hdu& from);
    /// Appends a copy of the table with rows first .. first + count - 1.
    void copy_table(const hdu& from, std::size_t first, std::size_t count);

    /// Closes the file; a disk that is full may be known only here.
    void close();

private:
    void write_whole(const std::string& key, long long value, const std::string& comment);
    void name_last(const std::string& extname, int status);
    int column_number(const std::string& name) const;

    std::string name_; // FILE.fits[IVAR], for messages
    std::filesystem::path path_;
    handle file_;
};

/// Refuses a name that ends in .gz: what is written is not compressed.
void require_plain_name(const std::filesystem::path& path);

} // namespace common::fits
