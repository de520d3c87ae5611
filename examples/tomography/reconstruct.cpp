// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <stdexcept>
#include <vector>

#include <destrier/gridrec.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

#include "center.hpp"
#include "circle.hpp"
#include "common/output.hpp"
#include "common/progress.hpp"
#include "picture.hpp"
#include "program.hpp"
#include "vo.hpp"
#include "volume.hpp"

namespace tomo {
namespace {

namespace fs = std::filesystem;
namespace gridrec = destrier::gridrec;
using destrier::buffer;
using destrier::view;

constexpr std::size_t batch = destrier::line<float>; // slices that gridrec reconstructs at once
constexpr double degree = std::numbers::pi / 180;

double as_mib(double bytes) { return bytes / (1 << 20); }

void warn(const std::string& text) {
    std::fprintf(stderr, "destrier-tomo: warning: %s\n", text.c_str());
}

row_range checked_rows(const recon_options& options, const scan& input) {
    const row_range rows{options.first_row, std::min(options.last_row, input.rows())};
    const bool last_is_given = options.last_row != std::numeric_limits<std::size_t>::max();
    if (rows.first >= rows.last || (last_is_given && options.last_row > input.rows())) {
        throw std::runtime_error("--rows " + std::to_string(options.first_row) + ":" +
                                 (last_is_given ? std::to_string(options.last_row) : "") +
                                 " does not fit: expected first < last, and " + options.scan.string() +
                                 " has rows 0:" + std::to_string(input.rows()));
    }
    return rows;
}

void check_center(double center, std::size_t columns) {
    const auto width = static_cast<double>(columns);
    if (std::abs(center - (width - 1) / 2) <= width) return;
    char text[160];
    std::snprintf(text, sizeof text,
                  "--center %g is far outside the detector: expected %g to %g, it has %zu columns",
                  center, (width - 1) / 2 - width, (width - 1) / 2 + width, columns);
    throw std::runtime_error(text);
}

// The outputs under their temporary names; refused at once if they cannot be.
struct outputs {
    common::staged_file volume;
    std::optional<common::staged_directory> tiff;
    std::optional<common::staged_file> picture;

    explicit outputs(const recon_options& o) : volume(checked_volume(o), o.overwrite) {
        if (!o.tiff.empty()) tiff.emplace(o.tiff, ".tif", o.overwrite);
        if (!o.picture.empty()) picture.emplace(o.picture, o.overwrite);
    }
    void require_space(std::uintmax_t volume_bytes) const {
        common::require_free_space(volume.part(), volume_bytes);
        if (tiff) common::require_free_space(tiff->part(), volume_bytes);
    }
    void commit() {
        volume.commit();
        if (tiff) tiff->commit();
        if (picture) picture->commit();
    }

private:
    static const fs::path& checked_volume(const recon_options& o) {
        std::error_code ignored;
        if (fs::equivalent(o.scan, o.volume, ignored)) {
            throw std::runtime_error(o.volume.string() +
                                     ": is the scan itself, expected another name for the volume");
        }
        if (o.picture == o.volume) {
            throw std::runtime_error(o.volume.string() + ": is both the volume and the picture");
        }
        return o.volume;
    }
};

void announce(const recon_options& options, const scan& input, row_range rows) {
    const auto [low, high] = std::minmax_element(input.theta().begin(), input.theta().end());
    std::printf("%s: %zu projections of %zu rows x %zu columns, theta %g to %g degrees\n",
                options.scan.c_str(), input.angles(), input.rows(), input.columns(), *low / degree,
                *high / degree);
    if (input.theta_is_assumed()) {
        warn(options.scan.string() + " has no /exchange/theta: assuming " +
             std::to_string(input.angles()) + " angles equally spaced over 180 degrees, 180 left out");
    }
    std::printf("rows %zu:%zu, %s of white and dark frames\n", rows.first, rows.last,
                options.frames == average::mean ? "mean" : "median");
}

struct chosen_axis {
    double center;
    std::string method;
};

chosen_axis choose_axis(const recon_options& options, const scan& input, row_range rows) {
    if (options.center) {
        std::printf("rotation axis: %g, as given\n", *options.center);
        return {*options.center, "given"};
    }
    try {
        const axis found = find_axis(input, rows, options.frames, options.threads);
        std::printf("rotation axis: %.2f by phase correlation (the best pair lacks %.2f degrees to half "
                    "a turn)\n"
                    "               %.2f by Vo's double wedge, used\n",
                    found.phase_correlation, found.missing_degrees, found.vo);
        if (std::abs(found.phase_correlation - found.vo) > 1) {
            warn("the two methods disagree by more than a pixel; compare with --center " +
                 std::to_string(found.phase_correlation));
        }
        return {found.vo, "Vo double wedge"};
    } catch (const no_axis& e) {
        throw std::runtime_error(std::string("cannot find the rotation axis: ") + e.what() +
                                 "; give it with --center");
    }
}

// Uneven angles count by the part of the half circle they stand for; the neighbours of a gap count at
// most twice as much as the middle one of all, for what lies in a gap was not seen.
std::vector<double> weights_of(const std::vector<double>& theta) {
    std::vector<double> weights = gridrec::angular_weights(theta), sorted = weights;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    for (double& weight : weights) weight = std::min(weight, 2 * *middle);
    return weights;
}

gridrec::plan<float> make_plan(const recon_options& options, const scan& input) {
    static const std::map<std::string, gridrec::accuracy> accuracies{
        {"fast", gridrec::accuracy::fast},
        {"standard", gridrec::accuracy::standard},
        {"accurate", gridrec::accuracy::accurate}};
    gridrec::options how;
    how.filter = gridrec::filter::named(options.filter);
    how.accuracy = accuracies.at(options.accuracy);
    how.edge = gridrec::edge::replicate;
    how.weights = weights_of(input.theta());
    return gridrec::plan<float>(input.theta(), input.columns(), how);
}

// Bytes that the memory limit has to cover.
struct memory_need {
    double fixed, slice;

    memory_need(const scan& input, const gridrec::plan<float>& plan, int threads)
        : fixed(static_cast<double>(plan.workspace_bytes(threads)) +
                16.0 * static_cast<double>(plan.angles()) *
                    static_cast<double>(plan.radial_size() / 2 + 1)),
          slice(4.0 * static_cast<double>(input.columns()) *
                static_cast<double>(input.angles() + input.columns() + input.reference_frames() + 2)) {}

    double of(std::size_t slices) const { return fixed + slice * static_cast<double>(slices); }
};

// Slices to read at once: whole batches, as many as memory allows, or all there are.
std::size_t chunk_of(const recon_options& options, std::size_t slices, const memory_need& need) {
    const auto limit = static_cast<double>(options.memory);
    const std::size_t least = std::min(batch, slices);
    if (need.of(least) > limit) {
        char text[160];
        std::snprintf(text, sizeof text,
                      "--memory of %.0f MiB is too small: %zu slices at once need %.0f MiB",
                      as_mib(limit), least, std::ceil(as_mib(need.of(least))));
        throw std::runtime_error(text);
    }
    if (need.of(slices) <= limit) return slices;
    return static_cast<std::size_t>((limit - need.fixed) / need.slice) / batch * batch;
}

void mask(view<float, 3> slices, int threads) {
    const std::size_t size = slices.extent(1);
    const circle inside(size);
    destrier::parallel_for(slices.extent(0) * size, threads, [&](std::size_t i) {
        for (std::size_t column = 0; column < size; ++column) {
            if (!inside.contains(i % size, column)) slices(i / size, i % size, column) = 0;
        }
    });
}

attributes describe(const recon_options& options, const chosen_axis& axis, row_range rows) {
    return {{"units", "1/pixel"},
            {"axes", "z:y:x"},
            {"description", "linear attenuation coefficient"},
            {"source", fs::absolute(options.scan).string()},
            {"first_row", static_cast<double>(rows.first)},
            {"center", axis.center},
            {"center_method", axis.method},
            {"filter", options.filter},
            {"accuracy", options.accuracy},
            {"flat", options.frames == average::mean ? "mean" : "median"},
            {"program", program_name()}};
}

void report_guards(const guard_counts& guards, std::size_t clamped, std::size_t samples) {
    std::printf("guarded: %llu of %zu samples not above 1e-5 of the beam, taken as that; %llu not "
                "finite, taken from "
                "their neighbours; %zu pixels without beam\n",
                static_cast<unsigned long long>(guards.opaque), samples,
                static_cast<unsigned long long>(guards.not_finite), clamped);
}

void report_times(const common::stage_times& times, const gridrec::stage_times& inside,
                  std::size_t slices, double total) {
    std::printf("time:\n%s", times.text().c_str());
    std::printf("  (reconstruct: radial %.3f, grid %.3f, image %.3f s)\n", inside.radial, inside.grid,
                inside.image);
    std::printf("%zu slices in %.3f s: %.3g slices/s, %.3g slices/s in reconstruct alone\n", slices,
                total, static_cast<double>(slices) / total,
                static_cast<double>(slices) / times.seconds("reconstruct"));
}

// The chunks of a scan on their way from its file to the outputs.
class pipeline {
public:
    pipeline(const recon_options& options, const scan& input, row_range rows, const chosen_axis& axis,
             outputs& out, common::stage_times& times)
        : options_(options), input_(input), rows_(rows), axis_(axis), out_(out), times_(times),
          threads_(destrier::thread_count(options.threads)),
          plan_(times.time("prepare", [&] { return make_plan(options, input); })),
          shown_(rows.size(), input.columns()) {}

    void run() {
        const memory_need need(input_, plan_, threads_);
        const std::size_t n = input_.columns(), chunk = chunk_of(options_, rows_.size(), need);
        std::printf("slices of %zu x %zu, filter %s, accuracy %s, %d threads, %zu slices at once in "
                    "%.0f of %.0f MiB\n",
                    n, n, options_.filter.c_str(), options_.accuracy.c_str(), threads_, chunk,
                    as_mib(need.of(chunk)), as_mib(static_cast<double>(options_.memory)));
        out_.require_space(std::uintmax_t{4} * rows_.size() * n * n);

        auto work = times_.time("prepare", [&] {
            projections_ = buffer<float>(input_.angles() * chunk * n, {}, threads_);
            slices_ = buffer<float>(chunk * n * n, {}, threads_);
            return plan_.make_workspace(threads_);
        });
        volume_file volume(out_.volume.part(), rows_.size(), n, describe(options_, axis_, rows_));
        {
            common::progress line("reconstruct", "slices", rows_.size());
            for (std::size_t first = rows_.first; first < rows_.last; first += chunk) {
                const row_range rows{first, std::min(first + chunk, rows_.last)};
                read(rows);
                reconstruct(rows.size(), work, line);
                write(rows, volume);
            }
        }
        times_.time("write", [&] {
            volume.close();
            if (out_.picture) shown_.write(out_.picture->part());
        });
        report_guards(guards_, clamped_, rows_.size() * input_.angles() * n);
        stages_ = work.times();
    }

    const gridrec::stage_times& stages() const noexcept { return stages_; }

private:
    void read(row_range rows) {
        common::stop_if_interrupted();
        const flat_field flat = times_.time("read", [&] {
            input_.read_projections(rows, projections_.data());
            return make_flat_field(input_.read_white(rows), input_.read_dark(rows), options_.frames);
        });
        clamped_ += flat.clamped;
        guards_ += times_.time("normalise", [&] {
            return normalise(projections_.data(), input_.angles(), flat, threads_);
        });
    }

    void reconstruct(std::size_t count, gridrec::workspace<float>& work, common::progress& line) {
        const std::size_t n = input_.columns();
        const auto row = static_cast<std::ptrdiff_t>(n);
        // (slices, angles, columns), as they lie in the file: angle slowest.
        const view<const float, 3> sinograms(projections_.data(), {count, input_.angles(), n},
                                             {row, row * static_cast<std::ptrdiff_t>(count), 1});
        const view<float, 3> slices(slices_.data(), {count, n, n});
        for (std::size_t first = 0; first < count; first += batch) {
            common::stop_if_interrupted();
            const std::size_t some = std::min(batch, count - first);
            times_.time("reconstruct", [&] {
                plan_.apply(sinograms.slice(0, first, some), {&axis_.center, 1},
                            slices.slice(0, first, some), work);
                mask(slices.slice(0, first, some), threads_);
            });
            line.advance(some);
        }
    }

    void write(row_range rows, volume_file& volume) {
        common::stop_if_interrupted();
        times_.time("write", [&] {
            const std::size_t n = input_.columns(), first = rows.first - rows_.first;
            volume.write(first, rows.size(), slices_.data());
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const float* slice = slices_.data() + i * n * n;
                if (out_.tiff) write_tiff(out_.tiff->part(), rows.first + i, n, slice);
                if (out_.picture) shown_.offer(first + i, slice);
            }
        });
    }

    const recon_options& options_;
    const scan& input_;
    row_range rows_;
    const chosen_axis& axis_;
    outputs& out_;
    common::stage_times& times_;
    int threads_;
    gridrec::plan<float> plan_;
    picture shown_;
    buffer<float> projections_, slices_; // of one chunk
    guard_counts guards_;
    std::size_t clamped_ = 0;
    gridrec::stage_times stages_;
};

} // namespace

void reconstruct(const recon_options& options) {
    const auto start = std::chrono::steady_clock::now();
    const scan input(options.scan);
    const row_range rows = checked_rows(options, input);
    if (options.center) check_center(*options.center, input.columns());
    outputs out(options);
    announce(options, input, rows);

    common::stage_times times;
    const chosen_axis axis = times.time("axis", [&] { return choose_axis(options, input, rows); });
    pipeline work(options, input, rows, axis, out, times);
    work.run();
    out.commit();
    const std::chrono::duration<double> total = std::chrono::steady_clock::now() - start;
    report_times(times, work.stages(), rows.size(), total.count());
    std::printf("%s: %zu slices of %zu x %zu, in 1/pixel\n", options.volume.c_str(), rows.size(),
                input.columns(), input.columns());
    if (out.tiff) std::printf("%s: the same as TIFF files\n", options.tiff.c_str());
    if (out.picture) std::printf("%s: the picture\n", options.picture.c_str());
}

} // namespace tomo
