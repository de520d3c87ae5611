// SPDX-License-Identifier: BSD-3-Clause
//
// odd_scans: writes small scans of a disc into a directory, each with something unusual or wrong.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "common/hdf5.hpp"

namespace {

namespace h5 = common::h5;

constexpr std::size_t angles = 90, rows = 3, columns = 80, frames = 2;
constexpr double full_beam = 1000, center = 40.25;

// The disc that is seen, and the length of a line through it at a distance from its middle.
constexpr double disc_x = 9, disc_y = -5, radius = 16;
double chord(double s) { return 2 * std::sqrt(std::max(radius * radius - s * s, 0.0)); }

// A scan as it should be; each odd one changes something before it is written.
struct scan {
    std::vector<std::size_t> data_shape{angles, rows, columns};
    std::vector<std::size_t> white_shape{frames, rows, columns}, dark_shape = white_shape;
    std::vector<float> data, white = std::vector<float>(frames * rows * columns, full_beam),
                             dark = std::vector<float>(frames * rows * columns);
    std::vector<double> theta;
    std::string units = "degrees";
    bool has_data = true, has_white = true, has_dark = true, has_theta = true;

    scan() {
        for (std::size_t i = 0; i < angles; ++i)
            theta.push_back(180.0 / angles * static_cast<double>(i));
        for (std::size_t i = 0; i < angles * rows * columns; ++i) {
            const double angle = theta[i / (rows * columns)] * std::numbers::pi / 180;
            const double s = static_cast<double>(i % columns) - center;
            const double line = chord(s - disc_x * std::cos(angle) - disc_y * std::sin(angle));
            data.push_back(static_cast<float>(full_beam * std::exp(-0.02 * line)));
        }
    }
};

template <class T>
void write_frames(h5::file& file, const std::string& name, const std::vector<std::size_t>& shape,
                  const std::vector<T>& values) {
    h5::dataset set = file.create_dataset(name, shape, {H5T_NATIVE_FLOAT});
    if (shape.size() == 3) {
        set.write({{0, 0, 0}, {shape[0], shape[1], shape[2]}}, values.data());
    } else {
        set.write_all({values.begin(), values.end()});
    }
}

void write(const std::filesystem::path& path, const scan& s) {
    h5::file file = h5::file::create(path);
    if (s.has_data) write_frames(file, "/exchange/data", s.data_shape, s.data);
    if (s.has_white) write_frames(file, "/exchange/data_white", s.white_shape, s.white);
    if (s.has_dark) write_frames(file, "/exchange/data_dark", s.dark_shape, s.dark);
    if (s.has_theta) {
        h5::dataset theta =
            file.create_dataset("/exchange/theta", {s.theta.size()}, {H5T_NATIVE_DOUBLE});
        theta.write_all(s.theta);
        if (!s.units.empty()) theta.set_attribute("units", s.units);
    }
}

struct odd_scan {
    const char* name;
    std::function<void(scan&)> change;
};

const std::vector<odd_scan> odd_scans{
    {"plain", [](scan&) {}},
    {"no_data", [](scan& s) { s.has_data = false; }},
    {"no_white", [](scan& s) { s.has_white = false; }},
    {"no_dark", [](scan& s) { s.has_dark = false; }},
    {"no_theta", [](scan& s) { s.has_theta = false; }},
    {"short_theta", [](scan& s) { s.theta.pop_back(); }},
    {"nan_theta", [](scan& s) { s.theta[7] = std::numeric_limits<double>::quiet_NaN(); }},
    {"odd_units", [](scan& s) { s.units = "furlongs"; }},
    {"radians",
     [](scan& s) {
         s.units = "radians";
         for (double& t : s.theta) t *= std::numbers::pi / 180;
     }},
    {"unsaid_radians",
     [](scan& s) {
         s.units = "";
         for (double& t : s.theta) t *= std::numbers::pi / 180;
     }},
    {"mistaken_radians",
     [](scan& s) {
         for (double& t : s.theta) t *= std::numbers::pi / 180;
     }},
    {"mistaken_degrees", [](scan& s) { s.units = "radians"; }},
    {"stopped",
     [](scan& s) {
         s.data_shape = {2 * angles / 3, rows, columns};
     }},
    {"quarter_turn",
     [](scan& s) {
         for (double& t : s.theta) t /= 2;
     }},
    {"flat_data",
     [](scan& s) {
         s.data_shape = {angles, rows * columns};
     }},
    {"wide_white",
     [](scan& s) {
         s.white_shape = {frames, rows / 3, 3 * columns};
     }},
    {"tall_dark",
     [](scan& s) {
         s.dark_shape = {1, frames * rows, columns};
     }},
    {"no_beam", [](scan& s) { s.white = s.dark; }},
    {"bad_samples",
     [](scan& s) {
         s.data[40] = -5;          // opaque
         s.data[columns + 41] = 0; // opaque
         s.data[2 * columns] = std::numeric_limits<float>::quiet_NaN();
         s.data[3 * columns + 5] = std::numeric_limits<float>::infinity();
         for (std::size_t i = 0; i < frames; ++i) s.white[i * rows * columns + 3] = 0; // one dead pixel
     }},
};

void write_text_data(const std::filesystem::path& path) {
    h5::file file = h5::file::create(path);
    file.write_text("/exchange/data", "no numbers");
    file.close();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: odd_scans DIRECTORY\n");
        return 2;
    }
    try {
        h5::prepare();
        const std::filesystem::path directory = argv[1];
        for (const odd_scan& odd : odd_scans) {
            scan s;
            odd.change(s);
            write(directory / (std::string(odd.name) + ".h5"), s);
        }
        write_text_data(directory / "text_data.h5");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "odd_scans: %s\n", e.what());
        return 1;
    }
    return 0;
}
