// SPDX-License-Identifier: BSD-3-Clause
#include "fits.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <system_error>

#include <zlib.h>

#include "shape.hpp"

namespace common::fits {
namespace {

namespace fs = std::filesystem;

std::string error_text(int status) {
    char text[FLEN_STATUS];
    fits_get_errstatus(status, text);
    fits_clear_errmsg();
    return std::string(text) + " (CFITSIO's error " + std::to_string(status) + ")";
}

void check(int status, const std::string& what) {
    if (status > 0) throw std::runtime_error(what + ": " + error_text(status));
}

std::string cannot(const char* what, const std::string& name, const std::string& part = {}) {
    return std::string("cannot ") + what + " " + name + (part.empty() ? "" : ", " + part);
}

// Without what stands around it: blanks, NULs, and the quotes that specex writes within the quotes of FITS.
std::string trimmed(const std::string& text) {
    const std::string padding(" '\0", 3);
    const std::size_t first = text.find_first_not_of(padding);
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(padding) - first + 1);
}

std::size_t product(const std::vector<std::size_t>& extents) {
    return std::accumulate(extents.begin(), extents.end(), std::size_t{1}, std::multiplies<>());
}

// FITS has the fastest axis first.
std::vector<std::size_t> slowest_first(const std::vector<LONGLONG>& extents) {
    return {extents.rbegin(), extents.rend()};
}
std::vector<LONGLONG> fastest_first(const std::vector<std::size_t>& extents) {
    return {extents.rbegin(), extents.rend()};
}

// CFITSIO's names of a type: of numbers in memory, and of an image of them.
template <class T>
struct type;
template <>
struct type<float> {
    static constexpr int number = TFLOAT, image = FLOAT_IMG;
};
template <>
struct type<double> {
    static constexpr int number = TDOUBLE, image = DOUBLE_IMG;
};
template <>
struct type<std::int16_t> {
    static constexpr int number = TSHORT, image = SHORT_IMG;
};
template <>
struct type<std::int32_t> {
    static constexpr int number = TINT, image = LONG_IMG;
};
template <>
struct type<std::uint32_t> {
    static constexpr int number = TUINT, image = ULONG_IMG;
};

bool is_gzipped(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return file.get() == 0x1f && file.get() == 0x8b;
}

void require_readable(const fs::path& path) {
    if (!fs::exists(path)) throw std::runtime_error(path.string() + ": no such file");
    if (!fs::is_regular_file(path)) throw std::runtime_error(path.string() + ": not a regular file");
    if (!std::ifstream(path)) throw std::runtime_error(path.string() + ": " + std::strerror(errno));
}

} // namespace

void closer::operator()(fitsfile* f) const noexcept {
    int status = 0;
    fits_close_file(f, &status);
    fits_clear_errmsg();
}

fitsfile* hdu::current() const {
    int status = 0;
    fits_movabs_hdu(from_, number_ + 1, nullptr, &status);
    check(status, cannot("read", name_));
    return from_;
}

std::optional<double> hdu::number(const std::string& key) const {
    std::optional<std::string> digits = text(key); // some programs write numbers as text
    if (!digits) return std::nullopt;
    std::replace(digits->begin(), digits->end(), 'D', 'E'); // Fortran's exponent
    const char* const end = digits->data() + digits->size();
    double value = 0;
    const auto [stop, error] = std::from_chars(digits->data(), end, value);
    if (error != std::errc() || stop != end)
        throw std::runtime_error(name_ + ": " + key + " is " + *text(key) + ", expected a number");
    return value;
}

std::optional<std::string> hdu::text(const std::string& key) const {
    char value[FLEN_VALUE];
    int status = 0;
    fits_read_key(current(), TSTRING, key.c_str(), value, nullptr, &status);
    if (status == KEY_NO_EXIST || status == VALUE_UNDEFINED) {
        fits_clear_errmsg();
        return std::nullopt;
    }
    check(status, cannot("read", name_, key));
    return trimmed(value);
}

double hdu::required_number(const std::string& key) const {
    const std::optional<double> value = number(key);
    if (!value) throw std::runtime_error(name_ + ": has no keyword " + key + ", expected a number");
    return *value;
}

std::size_t hdu::whole_number(const std::string& key, std::size_t low, std::size_t high) const {
    const double value = required_number(key);
    if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) ||
        value != std::floor(value)) {
        throw std::runtime_error(name_ + ": " + key + " is " + text(key).value_or("") +
                                 ", expected a whole number, " + std::to_string(low) + " to " +
                                 std::to_string(high));
    }
    return static_cast<std::size_t>(value);
}

std::vector<std::size_t> hdu::shape() const {
    if (is_table()) return {};
    int axes = 0, status = 0;
    fits_get_img_dim(current(), &axes, &status);
    std::vector<LONGLONG> extents(static_cast<std::size_t>(axes));
    if (axes > 0) fits_get_img_sizell(current(), axes, extents.data(), &status);
    check(status, cannot("read the shape of", name_));
    return slowest_first(extents);
}

void hdu::require_sum() const {
    int data_good = 0, header_good = 0, status = 0; // headers are edited now and then without a new sum
    fits_verify_chksum(current(), &data_good, &header_good, &status);
    check(status, cannot("read", name_));
    if (data_good < 0) throw std::runtime_error(name_ + ": corrupt: the data differ from their DATASUM");
}

void hdu::require_stored(const std::vector<std::size_t>& extents) const {
    LONGLONG begin = 0, end = 0;
    int status = 0;
    fits_get_hduaddrll(current(), nullptr, &begin, &end, &status);
    check(status, cannot("read", name_));
    if (is_plausible(extents, 1, static_cast<double>(end - begin))) return;
    throw std::runtime_error(name_ + ": corrupt: is " + shape_text(extents) +
                             ", but the file holds no more than " + std::to_string(end - begin) +
                             " bytes of it");
}

template <class T>
std::vector<T> hdu::image() const {
    const std::vector<std::size_t> extents = shape();
    if (extents.empty()) throw std::runtime_error(name_ + ": holds no image, expected one");
    require_stored(extents);
    require_sum();
    std::vector<T> values(product(extents));
    std::vector<LONGLONG> first(extents.size(), 1);
    // What the file marks as undefined is NaN; integers know no such thing.
    T undefined = std::numeric_limits<T>::quiet_NaN();
    int any_undefined = 0, status = 0; // CFITSIO crashes without a place for the first
    fits_read_pixll(current(), type<T>::number, first.data(), static_cast<LONGLONG>(values.size()),
                    std::is_floating_point_v<T> ? &undefined : nullptr, values.data(), &any_undefined,
                    &status);
    check(status, cannot("read the image", name_));
    return values;
}

template std::vector<float> hdu::image() const;
template std::vector<double> hdu::image() const;
template std::vector<std::int32_t> hdu::image() const;

bool hdu::is_table() const {
    int kind = 0, status = 0;
    fits_get_hdu_type(current(), &kind, &status);
    check(status, cannot("read", name_));
    return kind == BINARY_TBL || kind == ASCII_TBL;
}

std::size_t hdu::rows() const {
    if (!is_table()) throw std::runtime_error(name_ + ": is no table, expected one");
    LONGLONG rows = 0;
    int status = 0;
    fits_get_num_rowsll(current(), &rows, &status);
    check(status, cannot("read", name_));
    return static_cast<std::size_t>(rows);
}

std::vector<std::string> hdu::columns() const {
    if (!is_table()) throw std::runtime_error(name_ + ": is no table, expected one");
    int count = 0, status = 0;
    fits_get_num_cols(current(), &count, &status);
    check(status, cannot("read", name_));
    std::vector<std::string> names;
    for (int i = 1; i <= count; ++i) names.push_back(text("TTYPE" + std::to_string(i)).value_or(""));
    return names;
}

bool hdu::has_column(const std::string& column) const {
    int number = 0, status = 0;
    std::string name = column;
    fits_get_colnum(current(), CASEINSEN, name.data(), &number, &status);
    fits_clear_errmsg();
    return status == 0;
}

int hdu::column_number(const std::string& column) const {
    if (!is_table() || !has_column(column))
        throw std::runtime_error(name_ + ": has no column " + column + ", expected one");
    int number = 0, status = 0;
    std::string name = column;
    fits_get_colnum(current(), CASEINSEN, name.data(), &number, &status);
    return number;
}

std::string hdu::unit(const std::string& column) const {
    return text("TUNIT" + std::to_string(column_number(column))).value_or("");
}

std::vector<std::size_t> hdu::column_shape(const std::string& column) const {
    constexpr int most_axes = 8;
    const int number = column_number(column);
    LONGLONG extents[most_axes];
    int axes = 0, status = 0;
    fits_read_tdimll(current(), number, most_axes, &axes, extents, &status);
    check(status, cannot("read the shape of", name_, "column " + column));
    if (axes > most_axes)
        throw std::runtime_error(name_ + ": column " + column + " has " + std::to_string(axes) +
                                 " axes, expected at most " + std::to_string(most_axes));
    return slowest_first({extents, extents + axes});
}

std::vector<double> hdu::numbers(const std::string& column) const {
    const int number = column_number(column);
    require_sum();
    std::vector<double> values(rows() * product(column_shape(column)));
    double undefined = std::numeric_limits<double>::quiet_NaN();
    int any_undefined = 0, status = 0;
    fits_read_col(current(), TDOUBLE, number, 1, 1, static_cast<LONGLONG>(values.size()), &undefined,
                  values.data(), &any_undefined, &status);
    check(status, cannot("read", name_, "column " + column));
    return values;
}

std::vector<std::string> hdu::texts(const std::string& column) const {
    const int number = column_number(column);
    int kind = 0, width = 0, status = 0;
    fits_get_coltype(current(), number, &kind, nullptr, nullptr, &status);
    check(status, cannot("read", name_, "column " + column));
    if (kind != TSTRING)
        throw std::runtime_error(name_ + ": column " + column + " holds numbers, expected text");
    fits_get_col_display_width(current(), number, &width, &status);
    std::vector<std::string> values(rows());
    std::vector<char> text(static_cast<std::size_t>(width) + 1);
    for (std::size_t row = 0; row < values.size(); ++row) {
        char* out = text.data();
        fits_read_col(current(), TSTRING, number, static_cast<LONGLONG>(row) + 1, 1, 1, nullptr, &out,
                      nullptr, &status);
        check(status, cannot("read", name_, "column " + column));
        values[row] = trimmed(out);
    }
    return values;
}

void input_file::memory::reserve(std::size_t bytes) {
    if (bytes <= capacity) return;
    capacity = std::max(bytes, 2 * capacity);
    void* const larger = std::realloc(data, capacity);
    if (!larger) throw std::bad_alloc();
    data = larger;
}

input_file::input_file(const fs::path& path) : path_(path) {
    require_readable(path);
    if (is_gzipped(path)) {
        unzip();
    } else {
        open_plain();
    }
    int count = 0, status = 0;
    fits_get_num_hdus(file_.get(), &count, &status);
    check(status, cannot("read", path.string()));
    size_ = static_cast<std::size_t>(count);
    check_length(unzipped_ ? unzipped_->size : fs::file_size(path));
}

void input_file::open_plain() {
    fitsfile* f = nullptr;
    int status = 0;
    fits_open_diskfile(&f, path_.c_str(), READONLY, &status);
    check(status, path_.string() + ": not a FITS file");
    file_.reset(f);
}

// CFITSIO could do it, but takes the end of a truncated file for the end of the data.
void input_file::unzip() {
    constexpr std::size_t chunk = std::size_t{1} << 24;
    unzipped_ = std::make_unique<memory>();
    memory& out = *unzipped_;
    gzFile zipped = gzopen(path_.c_str(), "rb");
    if (!zipped) throw std::runtime_error(path_.string() + ": " + std::strerror(errno));
    gzbuffer(zipped, 1 << 18);
    for (int got = 1; got > 0; out.size += static_cast<std::size_t>(std::max(got, 0))) {
        out.reserve(out.size + chunk);
        got = gzread(zipped, static_cast<char*>(out.data) + out.size, chunk);
    }
    int error = Z_OK;
    gzerror(zipped, &error);
    const int closed = gzclose(zipped);
    if (error != Z_OK || closed != Z_OK)
        throw std::runtime_error(path_.string() + ": the gzip file is truncated or corrupt");

    fitsfile* f = nullptr;
    int status = 0;
    fits_open_memfile(&f, "unzipped", READONLY, &out.data, &out.size, 0, nullptr, &status);
    check(status, path_.string() + ": not a gzipped FITS file");
    file_.reset(f);
}

// CFITSIO counts an HDU whose header is whole, whether or not its data are, and stops at a broken header.
void input_file::check_length(std::size_t bytes) const {
    constexpr LONGLONG block = 2880; // some writers leave out the filling of the last one
    LONGLONG end = 0;
    int status = 0;
    fits_movabs_hdu(file_.get(), static_cast<int>(size_), nullptr, &status);
    fits_get_hduaddrll(file_.get(), nullptr, nullptr, &end, &status);
    check(status, cannot("read", path_.string()));
    const LONGLONG length = static_cast<LONGLONG>(bytes);
    if (length <= end - block || length > end) {
        throw std::runtime_error(path_.string() + ": truncated or corrupt: its " +
                                 std::to_string(size_) + " HDUs take " + std::to_string(end) +
                                 " bytes, it has " + std::to_string(length));
    }
}

bool input_file::has(const std::string& extname) const {
    std::string name = extname;
    int status = 0;
    fits_movnam_hdu(file_.get(), ANY_HDU, name.data(), 0, &status);
    fits_clear_errmsg();
    return status == 0;
}

hdu input_file::operator[](const std::string& extname) const {
    if (!has(extname))
        throw std::runtime_error(path_.string() + ": has no HDU " + extname + ", expected one");
    int number = 0;
    fits_get_hdu_num(file_.get(), &number);
    return {file_.get(), number - 1, path_.string() + "[" + extname + "]"};
}

hdu input_file::operator[](std::size_t number) const {
    if (number >= size_) {
        throw std::runtime_error(path_.string() + ": has " + std::to_string(size_) +
                                 " HDUs, expected number " + std::to_string(number) +
                                 ", counted from 0");
    }
    return {file_.get(), static_cast<int>(number), path_.string() + "[" + std::to_string(number) + "]"};
}

output_file::output_file(const fs::path& path) : name_(path.string()), path_(path) {
    std::error_code none_such;
    fs::remove(path, none_such); // CFITSIO makes new files only
    fitsfile* f = nullptr;
    int status = 0;
    fits_create_diskfile(&f, path.c_str(), &status);
    check(status, cannot("create", path.string()));
    file_.reset(f);
}

template <class T>
void output_file::write_image(const std::string& extname, const std::vector<std::size_t>& shape,
                              std::span<const T> values, compression how) {
    if (product(shape) != values.size()) {
        throw std::invalid_argument("fits::write_image: " + extname + " has " +
                                    std::to_string(values.size()) + " values, shape " +
                                    shape_text(shape));
    }
    std::vector<LONGLONG> extents = fastest_first(shape), first(shape.size(), 1);
    int status = 0;
    fits_set_compression_type(file_.get(), how == compression::rice ? RICE_1 : 0, &status);
    fits_create_imgll(file_.get(), type<T>::image, static_cast<int>(shape.size()), extents.data(),
                      &status);
    name_last(extname, status);
    fits_write_pixll(file_.get(), type<T>::number, first.data(), static_cast<LONGLONG>(values.size()),
                     const_cast<T*>(values.data()), &status); // which it only reads
    check(status, cannot("write", name_));
}

template void output_file::write_image(const std::string&, const std::vector<std::size_t>&,
                                       std::span<const float>, compression);
template void output_file::write_image(const std::string&, const std::vector<std::size_t>&,
                                       std::span<const double>, compression);
template void output_file::write_image(const std::string&, const std::vector<std::size_t>&,
                                       std::span<const std::int16_t>, compression);
template void output_file::write_image(const std::string&, const std::vector<std::size_t>&,
                                       std::span<const std::int32_t>, compression);
template void output_file::write_image(const std::string&, const std::vector<std::size_t>&,
                                       std::span<const std::uint32_t>, compression);

void output_file::name_last(const std::string& extname, int status) {
    name_ = path_.string() + "[" + extname + "]";
    check(status, cannot("create", name_));
    write_key("EXTNAME", extname);
}

void output_file::write_table(const std::string& extname, std::size_t rows,
                              const std::vector<column>& columns) {
    std::vector<char*> names, formats, units;
    for (const column& c : columns) {
        names.push_back(const_cast<char*>(c.name.c_str())); // which CFITSIO only reads
        formats.push_back(const_cast<char*>(c.format.c_str()));
        units.push_back(const_cast<char*>(c.unit.c_str()));
    }
    int status = 0;
    fits_create_tbl(file_.get(), BINARY_TBL, static_cast<LONGLONG>(rows),
                    static_cast<int>(columns.size()), names.data(), formats.data(), units.data(),
                    extname.c_str(), &status);
    name_last(extname, status);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].shape.empty()) continue;
        std::vector<LONGLONG> extents = fastest_first(columns[i].shape);
        fits_write_tdimll(file_.get(), static_cast<int>(i) + 1, static_cast<int>(extents.size()),
                          extents.data(), &status);
        check(status, cannot("create", name_, "column " + columns[i].name));
    }
}

int output_file::column_number(const std::string& column) const {
    std::string name = column;
    int number = 0, status = 0;
    fits_get_colnum(file_.get(), CASESEN, name.data(), &number, &status);
    check(status, cannot("write", name_, "column " + column));
    return number;
}

void output_file::write_column(const std::string& column, std::span<const double> values) {
    int status = 0;
    fits_write_col(file_.get(), TDOUBLE, column_number(column), 1, 1,
                   static_cast<LONGLONG>(values.size()), const_cast<double*>(values.data()),
                   &status); // which it only reads
    check(status, cannot("write", name_, "column " + column));
}

void output_file::write_column(const std::string& column, const std::vector<std::string>& values) {
    std::vector<char*> texts;
    for (const std::string& value : values) texts.push_back(const_cast<char*>(value.c_str()));
    int status = 0;
    fits_write_col(file_.get(), TSTRING, column_number(column), 1, 1,
                   static_cast<LONGLONG>(values.size()), texts.data(), &status);
    check(status, cannot("write", name_, "column " + column));
}

void output_file::write_key(const std::string& key, const std::string& value,
                            const std::string& comment) {
    int status = 0;
    fits_update_key_longstr(file_.get(), key.c_str(), value.c_str(), comment.c_str(), &status);
    check(status, cannot("write", name_, key));
}

void output_file::write_key(const std::string& key, double value, const std::string& comment) {
    int status = 0;
    fits_update_key(file_.get(), TDOUBLE, key.c_str(), &value, comment.c_str(), &status);
    check(status, cannot("write", name_, key));
}

void output_file::write_whole(const std::string& key, long long value, const std::string& comment) {
    int status = 0;
    fits_update_key(file_.get(), TLONGLONG, key.c_str(), &value, comment.c_str(), &status);
    check(status, cannot("write", name_, key));
}

void output_file::copy_keys(const hdu& from) {
    fitsfile* const source = from.current();
    int count = 0, status = 0;
    fits_get_hdrspace(source, &count, nullptr, &status);
    for (int i = 1; i <= count && status == 0; ++i) {
        char card[FLEN_CARD];
        fits_read_record(source, i, card, &status);
        const int kind = fits_get_keyclass(card);
        if (kind == TYP_USER_KEY || kind == TYP_CONT_KEY || kind == TYP_REFSYS_KEY)
            fits_write_record(file_.get(), card, &status);
    }
    check(status, cannot("copy the keywords of", from.name()));
}

void output_file::copy_table(const hdu& from, std::size_t first, std::size_t count) {
    const std::size_t rows = from.rows();
    if (first + count > rows) {
        throw std::runtime_error(from.name() + ": has " + std::to_string(rows) +
                                 " rows, expected at least " + std::to_string(first + count) +
                                 ", one for each fibre");
    }
    int status = 0;
    const auto drop = [&](std::size_t row, std::size_t number) {
        if (number > 0)
            fits_delete_rows(file_.get(), static_cast<LONGLONG>(row) + 1, static_cast<LONGLONG>(number),
                             &status);
    };
    fits_copy_hdu(from.current(), file_.get(), 0, &status);
    drop(first + count, rows - first - count);
    drop(0, first);
    check(status, cannot("copy", from.name()));
    for (const char* key : {"CHECKSUM", "DATASUM"}) { // of other rows
        fits_delete_key(file_.get(), key, &status);
        if (status == KEY_NO_EXIST) status = 0;
    }
    fits_clear_errmsg();
    check(status, cannot("copy", from.name()));
}

void output_file::close() {
    int status = 0;
    fits_close_file(file_.release(), &status);
    check(status, cannot("finish", path_.string()));
}

void require_plain_name(const fs::path& path) {
    if (path.extension() == ".gz")
        throw std::runtime_error(path.string() +
                                 ": is written uncompressed, expected a name without .gz");
}

} // namespace common::fits
