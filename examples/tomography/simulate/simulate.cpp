// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/simulate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>

#include "common/hdf5.hpp"
#include "common/output.hpp"
#include "common/progress.hpp"
#include "output/volume.hpp"
#include "simulate/camera.hpp"
#include "simulate/phantom.hpp"
#include "simulate/propagation.hpp"

namespace tomo {
namespace {

using destrier::view;

constexpr std::size_t reference_frames = 10;
constexpr std::size_t frames_at_once = 8;
constexpr double brightest_fringe = 2.5; // of the beam

camera_options camera_of(const simulate_options& options) {
    camera_options camera;
    camera.columns = options.columns;
    camera.rows = options.rows;
    if (options.phase.delta_beta != 0) camera.full_beam /= 2;
    camera.photons = options.photons;
    camera.stripes = options.stripes;
    camera.zingers = options.zingers;
    camera.seed = options.seed;
    return camera;
}

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

// What part of the beam arrives where there is no sample in it.
struct open_beam {
    void turn_to(std::size_t, std::size_t) {}
    void arrive(std::size_t, std::size_t, std::span<double> row) {
        std::fill(row.begin(), row.end(), 1.0);
    }
};

// What part of the beam arrives behind the phantom.
class sample {
public:
    sample(const simulate_options& options, const std::vector<double>& theta, double center)
        : options_(options), theta_(theta), center_(center) {
        const phantom object(options.columns);
        if (options.phase.delta_beta != 0) propagation_.emplace(blur_of(options.phase));
        const std::size_t more = propagation_ ? propagation::margin : 0;
        for (std::size_t row = 0; row < options.rows + 2 * more; ++row) {
            planes_.push_back(object.at(height_of(row, options.rows + 2 * more)));
        }
    }

    // Makes ready for the projections first .. first + count - 1.
    void turn_to(std::size_t first, std::size_t count) {
        if (!propagation_) return;
        first_ = first;
        const std::size_t rows = planes_.size(), columns = options_.columns + 2 * propagation::margin;
        transmission_.resize(count * rows * columns);
        destrier::parallel_for(count * rows, options_.threads, [&](std::size_t i) {
            transmit(planes_[i % rows], first + i / rows, center_ + double{propagation::margin},
                     {&transmission_[i * columns], columns});
        });
    }

    void arrive(std::size_t angle, std::size_t row, std::span<double> values) {
        if (!propagation_) return transmit(planes_[row], angle, center_, values);
        const std::size_t rows = planes_.size(), columns = values.size() + 2 * propagation::margin;
        const double* const top = &transmission_[((angle - first_) * rows + row) * columns];
        propagation_->apply(view<const double, 2>(top, {2 * propagation::margin + 1, columns}), values);
        std::uint64_t cut = 0;
        for (double& value : values) {
            cut += value < 0 || value > brightest_fringe;
            value = std::clamp(value, 0.0, brightest_fringe);
        }
        cut_.fetch_add(cut, std::memory_order_relaxed);
    }

    /// Counts that fringes would have made negative, or brighter than the camera can tell.
    std::uint64_t cut() const { return cut_; }

private:
    void transmit(const phantom::plane& plane, std::size_t angle, double center,
                  std::span<double> row) const {
        std::fill(row.begin(), row.end(), 0.0);
        plane.project(theta_[angle] * std::numbers::pi / 180, center, row);
        for (double& value : row) value = std::exp(-value);
    }

    const simulate_options& options_;
    const std::vector<double>& theta_;
    double center_;
    std::optional<propagation> propagation_;
    std::vector<phantom::plane> planes_; // a detector row each, with the margins of the propagation
    std::size_t first_ = 0;
    std::vector<double> transmission_; // of some projections, with margins
    std::atomic<std::uint64_t> cut_ = 0;
};

// Exposes the frames of one kind.
template <class Beam>
void expose_frames(frame_writer& out, const camera& eye, camera::kind what, std::size_t count,
                   const simulate_options& options, common::progress& shown, Beam&& beam) {
    std::vector<double> counts(frames_at_once * options.rows * options.columns);
    for (std::size_t first = 0; first < count; first += frames_at_once) {
        const std::size_t n = std::min(frames_at_once, count - first);
        beam.turn_to(first, n);
        destrier::parallel_for(n * options.rows, options.threads, [&](std::size_t i) {
            const std::size_t frame = first + i / options.rows, row = i % options.rows;
            const std::span<double> values(counts.data() + i * options.columns, options.columns);
            beam.arrive(frame, row, values);
            eye.expose(what, frame, static_cast<double>(frame) / static_cast<double>(count), row,
                       values);
        });
        out.write(first, n, counts);
        shown.advance(n);
        common::stop_if_interrupted();
    }
}

void write_scan(const std::filesystem::path& path, const simulate_options& options, double center) {
    const std::vector<double> theta = angles_in_degrees(options);
    const camera eye(camera_of(options));
    sample object(options, theta, center);
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
        expose_frames(dark, eye, camera::dark, reference_frames, options, shown, open_beam());
        expose_frames(white, eye, camera::white, reference_frames, options, shown, open_beam());
        expose_frames(data, eye, camera::projection, options.angles, options, shown, object);
        for (frame_writer* set : {&data, &white, &dark}) set->data().close();
        angles.close();
    }
    file.close();
    if (object.cut() > 0) {
        std::fprintf(
            stderr,
            "destrier-tomo: warning: fringes at sharp edges took %llu samples beyond 0 to %g of "
            "the beam, and were cut: the distance is too long for near-field propagation\n",
            static_cast<unsigned long long>(object.cut()), brightest_fringe);
    }
}

void write_truth(const std::filesystem::path& path, const simulate_options& options) {
    const phantom object(options.columns);
    create_volume(path, options.rows, options.columns, {{"units", "1/pixel"}, {"source", "phantom"}});
    volume_writer volume(path);
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

void require_part(const char* name, double value, double most) {
    if (value >= 0 && value <= most) return;
    char text[120];
    std::snprintf(text, sizeof text, "%s is %g, expected 0 to %g", name, value, most);
    throw std::runtime_error(text);
}

} // namespace

void simulate(const simulate_options& options) {
    require_part("--stripes", options.stripes, 0.2);
    require_part("--zingers", options.zingers, 0.1);
    if (options.phase.delta_beta != 0) blur_of(options.phase); // throws where it makes no sense
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
