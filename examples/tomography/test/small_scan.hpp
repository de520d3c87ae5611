// SPDX-License-Identifier: BSD-3-Clause
//
// small_scan.hpp: scans of random counts, in memory and in a file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "common/hdf5.hpp"

namespace tomo::test {

struct small_scan {
    std::size_t angles, rows, columns, frames = 3;
    std::vector<float> data, white, dark;
    std::vector<double> theta; // degrees

    small_scan(std::size_t n_angles, std::size_t n_rows, std::size_t n_columns, double turn = 180)
        : angles(n_angles), rows(n_rows), columns(n_columns) {
        std::mt19937 random(7);
        const auto fill = [&](std::vector<float>& values, std::size_t count, int low, int high) {
            std::uniform_int_distribution<int> counts(low, high);
            for (std::size_t i = 0; i < count * rows * columns; ++i)
                values.push_back(static_cast<float>(counts(random)));
        };
        fill(data, angles, 2000, 30000);
        fill(white, frames, 28000, 32000);
        fill(dark, frames, 90, 110);
        for (std::size_t i = 0; i < angles; ++i)
            theta.push_back(turn * static_cast<double>(i) / static_cast<double>(angles));
    }

    float count(std::size_t angle, std::size_t row, std::size_t column) const {
        return data[(angle * rows + row) * columns + column];
    }

    /// Contiguous, or compressed in blocks.
    void write(const std::filesystem::path& path, const std::vector<std::size_t>& block = {}) const {
        namespace h5 = common::h5;
        h5::prepare();
        h5::file file = h5::file::create(path);
        const auto write_frames = [&](const std::string& name, std::size_t n,
                                      const std::vector<float>& values) {
            h5::storage how{H5T_NATIVE_UINT16};
            how.chunk = block;
            if (!block.empty()) how.chunk[0] = std::min(block[0], n);
            how.gzip = block.empty() ? 0 : 1;
            h5::dataset set = file.create_dataset(name, {n, rows, columns}, how);
            set.write({{0, 0, 0}, {n, rows, columns}}, values.data());
            set.close();
        };
        write_frames("/exchange/data", angles, data);
        write_frames("/exchange/data_white", frames, white);
        write_frames("/exchange/data_dark", frames, dark);
        h5::dataset set = file.create_dataset("/exchange/theta", {theta.size()}, {H5T_NATIVE_DOUBLE});
        set.write_all(theta);
        set.set_attribute("units", std::string("degrees"));
        set.close();
        file.close();
    }
};

} // namespace tomo::test
