// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "common/test_files.hpp"
#include "output/volume.hpp"
#include "reconstruct/circle.hpp"
#include "simulate/compare.hpp"

#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
namespace fs = std::filesystem;
namespace h5 = common::h5;

namespace {

// HDF5 crashes at the end of a program that could not write a file.
const bool prepared = (h5::prepare(), true);

std::vector<float> numbers_from(float first, std::size_t count) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
}

// All of /exchange/data as HDF5 reads it.
std::vector<double> as_hdf5_has_it(const fs::path& path) {
    return h5::file::open(path).open_dataset("/exchange/data").read_all();
}

// A limit on the size of files, which stands in for a full disk.
class file_size_limit {
public:
    explicit file_size_limit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;
    ~file_size_limit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int);
};

} // namespace

TEST_CASE("a row of the circle has the columns that the circle contains") {
    for (const std::size_t size : {1u, 2u, 3u, 16u, 17u, 255u, 640u}) {
        const circle inside(size);
        for (std::size_t row = 0; row < size; ++row) {
            const circle::chord chord = inside.of_row(row);
            for (std::size_t column = 0; column < size; ++column)
                REQUIRE(inside.contains(row, column) == (column >= chord.begin && column < chord.end));
        }
    }
}

TEST_CASE("slices written by several threads and writers are what HDF5 reads") {
    const scratch directory;
    const fs::path path = directory / "volume.h5";
    constexpr std::size_t slices = 9, size = 5, n = size * size;
    create_volume(path, slices, size,
                  {{"units", "1/pixel"}, {"first_row", 7.0}, {"center", std::vector<double>{1.5, 2.5}}});
    const std::vector<float> values = numbers_from(-3, slices * n);
    {
        volume_writer one(path), other(path);
        CHECK(one.slices() == slices);
        CHECK(one.size() == size);
        std::thread worker([&] {
            for (std::size_t slice = 0; slice < slices; slice += 2) // the last ones before the first
                one.write(slices - 1 - slice, 1, values.data() + (slices - 1 - slice) * n);
        });
        other.write(1, 1, values.data() + n);
        for (const std::size_t first : {3u, 5u, 7u}) other.write(first, 1, values.data() + first * n);
        worker.join();
        one.sync();
        one.close();
        other.close();
    }

    CHECK(same_bits(as_hdf5_has_it(path), std::vector<double>(values.begin(), values.end())));
    const h5::file file = h5::file::open(path);
    CHECK(file.texts("/implements") == std::vector<std::string>{"exchange"});
    CHECK(file.open_dataset("/exchange/data").text_attribute("units") == "1/pixel");
    CHECK(file.number_attribute("/exchange/data", "first_row") == 7.0);
    CHECK(file.open_dataset("/exchange/center").read_all() == std::vector<double>{1.5, 2.5});

    const volume_reader reader(path);
    CHECK(reader.extents() == std::vector<std::size_t>{slices, size, size});
    CHECK(same_bits(reader.read(4), std::vector<float>(values.begin() + 4 * n, values.begin() + 5 * n)));
    std::vector<float> some(3 * n), rows(2 * size);
    reader.read(6, 3, some.data());
    CHECK(same_bits(some, std::vector<float>(values.begin() + 6 * n, values.end())));
    reader.read_rows(8, 3, 2, rows.data());
    CHECK(same_bits(rows, std::vector<float>(values.end() - 2 * size, values.end())));
}

TEST_CASE("volumes that other programs store otherwise are read as well") {
    const scratch directory;
    const std::vector<float> values = numbers_from(0, 4 * 3 * 6);
    const auto stored = [&](const char* name, const h5::storage& how) {
        h5::file file = h5::file::create(directory / name);
        file.create_dataset("/exchange/data", {4, 3, 6}, how)
            .write({{0, 0, 0}, {4, 3, 6}}, values.data());
        file.close();
        return directory / name;
    };
    for (const fs::path& path :
         {stored("chunks.h5", {H5T_NATIVE_FLOAT, {1, 3, 6}, 4}),
          stored("integers.h5", {H5T_NATIVE_UINT16}), stored("doubles.h5", {H5T_NATIVE_DOUBLE}),
          stored("other_bytes.h5", {H5T_IEEE_F32BE}), stored("plain.h5", {H5T_NATIVE_FLOAT})}) {
        CAPTURE(path.string());
        const volume_reader reader(path);
        CHECK(same_bits(reader.read(2), std::vector<float>(values.begin() + 36, values.begin() + 54)));
        std::vector<float> rows(12);
        reader.read_rows(3, 1, 2, rows.data());
        CHECK(same_bits(rows, std::vector<float>(values.end() - 12, values.end())));
        CHECK_THAT(message_of<std::runtime_error>([&] { volume_writer writer(path); }),
                   ContainsSubstring("is no volume that slices can be written into"));
    }
}

TEST_CASE("more than 2^32 elements are in their places") {
    const scratch directory;
    const fs::path path = directory / "large.h5";
    constexpr std::size_t size = 64, slices = (std::size_t{1} << 20) + 3, last = slices - 1;
    {
        const file_size_limit none(RLIM_INFINITY);
        try {
            create_volume(path, slices, size, {});
        } catch (const std::runtime_error& error) {
            WARN("skipped: no file of 16 GiB here: " << error.what());
            return;
        }
    }
    const std::vector<float> first = numbers_from(1, size * size),
                             end = numbers_from(9, 2 * size * size);
    volume_writer writer(path);
    writer.write(0, 1, first.data());
    writer.write(last - 1, 2, end.data());
    writer.close();

    std::vector<float> read(2 * size * size);
    const h5::file file = h5::file::open(path);
    file.open_dataset("/exchange/data").read({{last - 1, 0, 0}, {2, size, size}}, read.data());
    CHECK(same_bits(read, end));
    const volume_reader reader(path);
    CHECK(same_bits(reader.read(0), first));
    read.resize(size);
    reader.read_rows(last, size - 1, 1, read.data());
    CHECK(same_bits(read, std::vector<float>(end.end() - size, end.end())));
}

TEST_CASE("a disk that is full is an error that names the file and says so") {
    const scratch directory;
    const fs::path path = directory / "volume.h5", none = directory / "none.h5";
    const std::vector<float> values(20 * 32 * 32, 1.0f);
#if !defined(__SANITIZE_ADDRESS__) // HDF5 loses the memory of a file that it could not write
    {
        const file_size_limit limit(16384);
        const std::string said = message_of<std::runtime_error>([&] {
            create_volume(none, 20, 32, {{"units", "1/pixel"}});
        });
        CHECK_THAT(said, ContainsSubstring(none.string()));
        CHECK_THAT(said, ContainsSubstring("File too large"));
    }
#endif
    create_volume(path, 20, 32, {});
    volume_writer writer(path);
    const file_size_limit limit(40000);
    writer.write(0, 4, values.data());
    CHECK(message_of<std::runtime_error>([&] { writer.write(0, 20, values.data()); }) ==
          "cannot write " + path.string() + ": File too large");
}

TEST_CASE("slices and files that are not there are refused") {
    const scratch directory;
    const fs::path path = directory / "volume.h5";
    create_volume(path, 3, 4, {});
    std::vector<float> values(3 * 16);
    volume_writer writer(path);
    CHECK_THAT(message_of([&] { writer.write(2, 2, values.data()); }),
               ContainsSubstring("slices 2 to 4 of 3"));
    CHECK_THAT(message_of([&] { writer.write(static_cast<std::size_t>(-1), 2, values.data()); }),
               ContainsSubstring(" of 3"));
    const volume_reader reader(path);
    CHECK_THAT(message_of([&] { reader.read(3); }), ContainsSubstring("slices 3 to 4 of 3"));
    CHECK_THAT(message_of([&] { reader.read_rows(0, 3, 2, values.data()); }),
               ContainsSubstring("rows 3 to 5 of 4"));
    CHECK_THAT(message_of<std::runtime_error>([&] { volume_writer none(directory / "none.h5"); }),
               ContainsSubstring("none.h5"));

    h5::file flat = h5::file::create(directory / "flat.h5");
    flat.create_dataset("/exchange/data", {3, 4}, {H5T_NATIVE_FLOAT}).close();
    flat.close();
    CHECK_THAT(message_of<std::runtime_error>([&] { volume_reader wrong(directory / "flat.h5"); }),
               ContainsSubstring("shape is (3, 4), expected (slices, y, x)"));
}

TEST_CASE("volumes are compared within the circle, with the same bits for any number of threads") {
    const scratch directory;
    constexpr std::size_t slices = 11, size = 24, n = size * size;
    const std::vector<float> x = random_numbers<float>(slices * n, 1),
                             noise = random_numbers<float>(slices * n, 2);
    std::vector<float> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = 2 + 3 * x[i] + 0.1f * noise[i];
    const auto written = [&](const char* name, const std::vector<float>& values) {
        create_volume(directory / name, slices, size, {});
        volume_writer out(directory / name);
        out.write(0, slices, values.data());
        out.close();
        return directory / name;
    };
    const circle inside(size);
    std::vector<double> a, b;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!inside.contains(i % n / size, i % size)) {
            y[i] = std::numeric_limits<float>::quiet_NaN(); // nobody looks there
        } else {
            a.push_back(x[i]);
            b.push_back(y[i]);
        }
    }
    const fs::path one = written("one.h5", x), other = written("other.h5", y);

    double square = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        square += (a[i] - b[i]) * (a[i] - b[i]);
        largest = std::max(largest, std::abs(a[i] - b[i]));
    }
    const double count = static_cast<double>(a.size());
    const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count,
                 mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    const difference d = compare(one, other, 1);
    CHECK(d.rmse == Approx(std::sqrt(square / count)).epsilon(1e-12));
    CHECK(d.largest == largest);
    CHECK(d.mean_ratio == Approx(mean_b / mean_a).epsilon(1e-9));
    CHECK(d.correlation == Approx(ab / std::sqrt(aa * bb)).epsilon(1e-12));
    for (const int threads : {2, 3, 5}) {
        const difference again = compare(one, other, threads);
        CHECK(std::memcmp(&again, &d, sizeof d) == 0);
    }
    y[12 * size + 12] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(compare(one, written("nan.h5", y)).rmse));
}
