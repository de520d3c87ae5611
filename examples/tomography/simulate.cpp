// SPDX-License-Identifier: BSD-3-Clause
#include "simulate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <destrier/parallel.hpp>

#include "common/hdf5.hpp"
#include "common/output.hpp"
#include "common/progress.hpp"
#include "common/random.hpp"
#include "phantom.hpp"
#include "volume.hpp"

namespace tomo {
namespace {

constexpr double full_beam = 50000; // counts where the beam is brightest
constexpr std::size_t reference_frames = 10;
constexpr std::size_t frames_at_once = 8;

// A camera before a beam that is brighter in the middle; no two pixels have the same gain.
class camera {
public:
    enum kind : std::uint64_t { projection, white, dark };

    explicit camera(const simulate_options& options) : options_(options) {}

    // The counts of one row; row holds line integrals and receives the counts.
    void expose(kind what, std::size_t frame, std::size_t row_number, std::span<double> row) const {
        common::random_stream random(options_.seed, frame << 2 | what, row_number);
        for (std::size_t k = 0; k < row.size(); ++k) {
            const double offset = dark_counts(row_number, k);
            const double beam = what == dark ? 0 : full_beam * gain(row_number, k) * std::exp(-row[k]);
            row[k] = offset + (options_.photons > 0 ? noisy(beam, random) : beam);
        }
    }

private:
    double noisy(double beam, common::random_stream& random) const {
        const double counts_per_photon = full_beam / options_.photons;
        return counts_per_photon * common::poisson(beam / counts_per_photon, random);
    }
    double pixel_pattern(std::size_t row, std::size_t k, std::uint64_t which) const { // -1 .. 1
        return static_cast<double>(common::mixed(common::mixed(row + 1) + 4 * k + which) >> 11) *
                   0x1p-52 -
               1;
    }
    double dark_counts(std::size_t row, std::size_t k) const {
        return 100 + 20 * pixel_pattern(row, k, 1);
    }
    double gain(std::size_t row, std::size_t k) const {
        const double x = static_cast<double>(k) / static_cast<double>(options_.columns) - 0.55;
        const double y = static_cast<double>(row) / static_cast<double>(options_.rows) - 0.45;
        return std::exp(-1.5 * (x * x + y * y)) * (0.97 + 0.03 * pixel_pattern(row, k, 0));
    }

    const simulate_options& options_;
};

// One data set of the scan, written frame by frame.
class frame_writer {
public:
    frame_writer(common::h5::file& file, const std::string& name, std::size_t count,
                 const simulate_options& options)
        : options_(options), data_(file.create_dataset(name, {count, options.rows, options.columns},
                                                       storage(count, options))) {
        data_.set_attribute("units", std::string("counts"));
    }

    common::h5::dataset& data() noexcept { return data_; }

    void write(std::size_t first, std::size_t count, const std::vector<double>& counts) {
        const common::h5::box where{{first, 0, 0}, {count, options_.rows, options_.columns}};
        const auto end =
            counts.begin() + static_cast<std::ptrdiff_t>(count * options_.rows * options_.columns);
        if (options_.integers) {
            integers_.resize(counts.size());
            std::transform(counts.begin(), end, integers_.begin(), [](double value) {
                return static_cast<std::uint16_t>(std::clamp(std::round(value), 0.0, 65535.0));
            });
            data_.write(where, integers_.data());
        } else {
            floats_.resize(counts.size());
            std::transform(counts.begin(), end, floats_.begin(),
                           [](double v) { return static_cast<float>(v); });
            data_.write(where, floats_.data());
        }
    }

private:
    static common::h5::storage storage(std::size_t count, const simulate_options& options) {
        common::h5::storage how{options.integers ? H5T_NATIVE_UINT16 : H5T_NATIVE_FLOAT};
        if (options.gzip > 0) {
            how.gzip = options.gzip;
            how.chunk = {std::min(count, frames_at_once), std::min<std::size_t>(options.rows, 16),
                         options.columns};
        }
        return how;
    }

    const simulate_options& options_;
    common::h5::dataset data_;
    std::vector<std::uint16_t> integers_;
    std::vector<float> floats_;
};

std::vector<double> angles_in_degrees(const simulate_options& options) {
    std::vector<double> theta(options.angles);
    for (std::size_t i = 0; i < theta.size(); ++i) {
        theta[i] = options.range * static_cast<double>(i) / static_cast<double>(options.angles);
    }
    return theta;
}

// Exposes the frames of one kind; integrals(frame, row, values) adds the object's line integrals.
template <class Integrals>
void expose_frames(frame_writer& out, camera::kind what, std::size_t count,
                   const simulate_options& options, common::progress& shown, Integrals&& integrals) {
    const camera camera(options);
    std::vector<double> counts(frames_at_once * options.rows * options.columns);
    for (std::size_t first = 0; first < count; first += frames_at_once) {
        const std::size_t n = std::min(frames_at_once, count - first);
        std::fill(counts.begin(), counts.end(), 0.0);
        destrier::parallel_for(n * options.rows, options.threads, [&](std::size_t i) {
            const std::size_t frame = first + i / options.rows, row = i % options.rows;
            const std::span<double> values(counts.data() + i * options.columns, options.columns);
            integrals(frame, row, values);
            camera.expose(what, frame, row, values);
        });
        out.write(first, n, counts);
        shown.advance(n);
        common::stop_if_interrupted();
    }
}

void write_scan(const std::filesystem::path& path, const simulate_options& options, double center) {
    const phantom object(options.columns);
    const std::vector<double> theta = angles_in_degrees(options);
    common::h5::file file = common::h5::file::create(path);
    {
        frame_writer data(file, "/exchange/data", options.angles, options);
        frame_writer white(file, "/exchange/data_white", reference_frames, options);
        frame_writer dark(file, "/exchange/data_dark", reference_frames, options);
        common::h5::dataset angles =
            file.create_dataset("/exchange/theta", {options.angles}, {H5T_NATIVE_DOUBLE});
        angles.set_attribute("units", std::string("degrees"));
        angles.write_all(theta);
        data.data().set_attribute("center", center);
        file.write_text("/implements", "exchange");

        common::progress shown("simulate", "frames", options.angles + 2 * reference_frames);
        const auto nothing = [](std::size_t, std::size_t, std::span<double>) {};
        expose_frames(dark, camera::dark, reference_frames, options, shown, nothing);
        expose_frames(white, camera::white, reference_frames, options, shown, nothing);
        expose_frames(data, camera::projection, options.angles, options, shown,
                      [&](std::size_t frame, std::size_t row, std::span<double> values) {
                          object.project(height_of(row, options.rows),
                                         theta[frame] * std::numbers::pi / 180, center, values);
                      });
        for (frame_writer* set : {&data, &white, &dark}) set->data().close();
        angles.close();
    }
    file.close();
}

void write_truth(const std::filesystem::path& path, const simulate_options& options) {
    const phantom object(options.columns);
    volume_file volume(path, options.rows, options.columns,
                       {{"units", "1/pixel"}, {"source", "phantom"}});
    common::progress shown("truth", "slices", options.rows);
    for (std::size_t row = 0; row < options.rows; ++row) {
        volume.write(
            row, 1, object.slice(height_of(row, options.rows), options.columns, options.threads).data());
        shown.advance(1);
        common::stop_if_interrupted();
    }
    volume.close();
}

std::uintmax_t scan_bytes(const simulate_options& options) {
    const std::uintmax_t pixel = options.integers ? 2 : 4;
    return (options.angles + 2 * reference_frames) * options.rows * options.columns * pixel;
}

} // namespace

void simulate(const simulate_options& options) {
    const double center = options.center.value_or(0.48 * static_cast<double>(options.columns));
    common::staged_file scan(options.output, options.overwrite);
    std::optional<common::staged_file> truth;
    if (!options.truth.empty()) truth.emplace(options.truth, options.overwrite);
    if (options.gzip == 0) common::require_free_space(scan.part(), scan_bytes(options));
    if (truth)
        common::require_free_space(truth->part(),
                                   std::uintmax_t{4} * options.rows * options.columns * options.columns);

    write_scan(scan.part(), options, center);
    if (truth) write_truth(truth->part(), options);
    scan.commit();
    if (truth) truth->commit();
    std::printf("%s: %zu projections of %zu x %zu pixels over %g degrees, rotation axis at %g\n",
                options.output.c_str(), options.angles, options.rows, options.columns, options.range,
                center);
    if (truth) std::printf("%s: the object itself, %zu slices\n", options.truth.c_str(), options.rows);
}

} // namespace tomo
