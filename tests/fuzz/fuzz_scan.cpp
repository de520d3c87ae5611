// SPDX-License-Identifier: BSD-3-Clause
//
// Scans and volumes in HDF5 files, as destrier-tomo reads them.
#include <cstdint>
#include <vector>

#include "mutated_hdf5.hpp"
#include "output/volume.hpp"
#include "scan/scan.hpp"

namespace {

// Where the program, too, would say that this is more than --memory.
constexpr std::size_t much = 1 << 16;

void write_numbers(common::h5::file& to, const std::string& name,
                   const std::vector<std::size_t>& extents, double first) {
    std::size_t n = 1;
    for (const std::size_t extent : extents) n *= extent;
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = first + 30 * static_cast<double>(i % 6);
    common::h5::dataset data = to.create_dataset(name, extents, {H5T_NATIVE_FLOAT});
    data.write_all(values);
    if (extents.size() == 1) data.set_attribute("units", "degrees");
    data.close();
}

// Six angles, two rows of three columns.
void write_scan(const std::filesystem::path& path) {
    common::h5::file to = common::h5::file::create(path);
    write_numbers(to, "/exchange/data", {6, 2, 3}, 500);
    write_numbers(to, "/exchange/data_white", {2, 2, 3}, 1000);
    write_numbers(to, "/exchange/data_dark", {1, 2, 3}, 10);
    write_numbers(to, "/exchange/theta", {6}, 0);
    to.close();
}

tomo::scan_choice some_choice(fuzz::choices& from) {
    tomo::scan_choice choice;
    if (fuzz::rarely(from))
        choice.projections = {fuzz::below(from, 8), fuzz::below(from, 8), fuzz::below(from, 4)};
    if (fuzz::rarely(from)) choice.columns = {fuzz::below(from, 5), fuzz::below(from, 5)};
    if (fuzz::rarely(from))
        choice.blocked = {{10, 70}, {fuzz::odd_number(from), fuzz::odd_number(from)}};
    choice.units = static_cast<tomo::theta_units>(fuzz::below(from, 3));
    return choice;
}

void read_scan(const std::filesystem::path& path, fuzz::choices& from) {
    const tomo::scan scan(path, some_choice(from));
    const double pi = 3.141592653589793;
    tomo::gaps(scan.theta(), pi);
    tomo::angle_weights(scan.theta(), pi);
    const std::size_t one = scan.rows() * scan.columns();
    if (scan.rows() > much || scan.columns() > much || one > much || scan.angles() * one > much ||
        scan.reference_frames() > much || scan.reference_frames() * one > much) {
        return;
    }
    const tomo::row_range all{0, scan.rows()};
    scan.read_white(all);
    scan.read_dark(all);
    std::vector<float> values(scan.angles() * one);
    scan.read_projections(all, values.data(), [] {});
    scan.read_projection(scan.angles() - 1, all, values.data());
}

void read_volume(const std::filesystem::path& path) {
    const tomo::volume_reader volume(path);
    for (std::size_t slice = 0; slice < std::min<std::size_t>(volume.slices(), 8); ++slice) {
        const std::vector<float> values = volume.read(slice);
        if (volume.rows() == 0) continue;
        std::vector<float> row(volume.columns());
        volume.read_rows(slice, volume.rows() - 1, 1, row.data());
    }
    tomo::volume_writer(path).close();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".h5");
    static const fuzz::sound_hdf5 scan(write_scan), volume([](const std::filesystem::path&path) {
        tomo::create_volume(path, 2, 3, {{"center", 1.5}, {"theta", std::vector<double>{0, 1, 2}}});
    });
    fuzz::choices from(data, size);
    const bool of_scan = !fuzz::rarely(from);
    fuzz::write_mutated(made, of_scan ? scan : volume, from);
    fuzz::expect_read_or_refused(made, [&] {
        if (of_scan)
            read_scan(made.path(), from);
        else
            read_volume(made.path());
    });
    return 0;
}
