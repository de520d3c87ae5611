// SPDX-License-Identifier: BSD-3-Clause
#include "observation/observation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <utility>

#include <destrier/destripe/pointing.hpp>

#include "common/shape.hpp"

namespace mapmaking {
namespace {

namespace h5 = common::h5;
namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
    throw std::runtime_error(where + ": " + what);
}

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.12g", value);
    return text;
}

// The texts of a JSON list or object, each with the number behind its colon, if there is one.
std::vector<std::pair<std::string, std::optional<double>>> json_texts(const std::string& json) {
    std::vector<std::pair<std::string, std::optional<double>>> found;
    for (std::size_t at = json.find('"'); at != std::string::npos; at = json.find('"', at)) {
        std::string text;
        for (++at; at < json.size() && json[at] != '"'; ++at) {
            if (json[at] == '\\') ++at;
            if (at < json.size()) text += json[at];
        }
        if (at == std::string::npos || at >= json.size()) break;
        ++at;
        std::optional<double> number;
        const std::size_t colon = json.find_first_not_of(" \n", at);
        if (colon != std::string::npos && json[colon] == ':')
            number = std::strtod(json.c_str() + colon + 1, nullptr);
        found.emplace_back(std::move(text), number);
    }
    return found;
}

std::string required_text(const h5::file& file, const std::string& attribute) {
    const std::optional<std::string> text = file.text_attribute("/", attribute);
    if (!text) refuse(file.path().string(), "has no attribute " + attribute + ", as TOAST's files do");
    return *text;
}

// An array as TOAST writes it, not compressed into a group of pieces.
h5::dataset open_array(const h5::file& file, const std::string& name,
                       const std::vector<std::size_t>& shape) {
    if (file.is_group(name)) {
        refuse(file.path().string() + ":" + name,
               "is compressed, expected an array; TOAST writes one without compression");
    }
    h5::dataset data = file.open_dataset(name);
    if (data.extents() != shape) {
        refuse(data.name(), "shape is " + common::shape_text(data.extents()) + ", expected " +
                                common::shape_text(shape));
    }
    return data;
}

// How many kelvins a unit is, or nothing for other units.
std::optional<double> kelvins(const std::string& unit) {
    const std::map<std::string, double> known{{"K", 1}, {"mK", 1e-3}, {"uK", 1e-6}, {"nK", 1e-9}};
    const auto found = known.find(unit);
    return found == known.end() ? std::nullopt : std::optional(found->second);
}

// What a number in the square of a unit has to be multiplied by, where the square is written as `before` + unit +
// `after`, to be in the square of the signal's.
double square_scale(const std::string& where, const std::string& square, const std::string& before,
                    const std::string& after, const std::string& signal) {
    if (signal.empty() || square.empty()) return 1;
    if (square.size() > before.size() + after.size() && square.starts_with(before) &&
        square.ends_with(after)) {
        const std::string unit =
            square.substr(before.size(), square.size() - before.size() - after.size());
        if (unit == signal) return 1;
        const std::optional<double> from = kelvins(unit), to = kelvins(signal);
        if (from && to) return *from * *from / (*to * *to);
    }
    refuse(where, "unit is \"" + square + "\", expected \"" + before + signal + after +
                      "\" for a signal in " + signal);
}

// Radians in the unit of a column of the focal plane, as the lines of YAML beside the table say.
double radians_in(const h5::file& file, const std::string& table, const std::string& column) {
    const std::string lines = table + ".__table_column_meta__";
    if (!file.has(lines)) return 1;
    for (const std::string& line : file.texts(lines)) {
        if (line.find("name: " + column + ",") == std::string::npos) continue;
        if (line.find("unit: deg") != std::string::npos) return std::numbers::pi / 180;
        if (line.find("unit: ") == std::string::npos || line.find("unit: rad") != std::string::npos)
            return 1;
        refuse(file.path().string() + ":" + lines, "\"" + line + "\", expected unit deg or rad");
    }
    return 1;
}

std::vector<double> optional_numbers(const h5::table& table, const std::string& column, double instead) {
    return table.has_column(column) ? table.numbers(column) : std::vector<double>(table.rows(), instead);
}

// The efficiency of polarisers: from their leakage e, (1 - e) / (1 + e), which TOAST makes use of where there is one.
std::vector<double> efficiencies(const h5::table& table) {
    if (!table.has_column("pol_leakage")) return optional_numbers(table, "pol_efficiency", 1);
    std::vector<double> values = table.numbers("pol_leakage");
    for (double& v : values) v = (1 - v) / (1 + v);
    return values;
}

void check(const h5::table& table, const placed& d) {
    double norm = 0;
    for (const double q : d.quaternion) norm += q * q;
    if (!(std::abs(std::sqrt(norm) - 1) < 1e-3)) {
        refuse(table.name(),
               "quaternion of " + d.name + " has length " + text_of(std::sqrt(norm)) + ", expected 1");
    }
    if (!(d.efficiency >= 0 && d.efficiency <= 1)) {
        refuse(table.name(), "polarisation efficiency of " + d.name + " is " + text_of(d.efficiency) +
                                 ", expected 0 to 1");
    }
    if (!std::isfinite(d.gamma))
        refuse(table.name(),
               "gamma of " + d.name + " is " + text_of(d.gamma) + ", expected a finite number");
}

std::vector<placed> read_focal_plane(const h5::file& file) {
    const std::string name = "/instrument/focalplane";
    const h5::table table = file.open_table(name);
    const std::vector<std::string> names = table.texts("name");
    if (table.width("quat") != 4)
        refuse(table.name(),
               "column quat has " + std::to_string(table.width("quat")) + " numbers a row, expected 4");
    const std::vector<double> quaternions = table.numbers("quat");
    const std::vector<double> efficiency = efficiencies(table);
    const std::vector<double> gamma = optional_numbers(table, "gamma", 0);
    const double radians = radians_in(file, name, "gamma");
    std::vector<placed> all;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const double* const q = quaternions.data() + 4 * i;
        all.push_back({names[i], {q[0], q[1], q[2], q[3]}, efficiency[i], gamma[i] * radians});
        check(table, all.back());
    }
    return all;
}

using noise_model = destrier::destripe::noise_model;

// The streams of noise in a file, and what they are of the detectors.
class noise_tables {
public:
    noise_tables(const h5::file& file, std::string unit)
        : file_(file), group_("/metadata/noise_model"), unit_(std::move(unit)) {
        read_weights();
        read_mixing();
        for (const std::string& name : file.members(group_)) {
            if (file.has(group_ + "/" + name + "_keys")) read_densities(group_ + "/" + name);
        }
    }

    double weight(const std::string& detector) const {
        const auto found = weights_.find(detector);
        if (found == weights_.end()) refuse(weights_name(), "has no row for detector " + detector);
        return found->second;
    }

    // The sum of the detector's streams, each times the square of its part; empty if one has no density.
    noise_model noise(const std::string& detector) const {
        noise_model sum;
        for (const auto& [stream, part] : mixing_of(detector)) {
            const auto found = densities_.find(stream);
            if (found == densities_.end()) return {};
            const noise_model& one = found->second;
            if (sum.frequency.empty()) sum = {one.frequency, std::vector(one.density.size(), 0.0)};
            if (sum.frequency != one.frequency) {
                refuse(place(), "streams of detector " + detector +
                                    " have different frequencies, expected the same");
            }
            for (std::size_t i = 0; i < sum.density.size(); ++i)
                sum.density[i] += part * part * one.density[i];
        }
        return sum;
    }

private:
    std::string place() const { return file_.path().string() + ":" + group_; }
    std::string weights_name() const { return place() + "/detector_weights"; }

    void read_weights() {
        const h5::table table = file_.open_table(group_ + "/detector_weights");
        const double scale = square_scale(
            table.name(), file_.text_attribute(group_ + "/detector_weights", "unit").value_or(""),
            "1 / ", "2", unit_);
        const std::vector<std::string> names = table.texts(table.column_name(0));
        const std::vector<double> weights = table.numbers(table.column_name(1));
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (!(weights[i] >= 0) || !std::isfinite(weights[i])) {
                refuse(table.name(), "weight of " + names[i] + " is " + text_of(weights[i]) +
                                         ", expected 0 or more, finite");
            }
            weights_[names[i]] = weights[i] / scale;
        }
    }

    void read_mixing() {
        const std::string name = group_ + "/mixing_matrix";
        if (!file_.has(name)) return;
        const h5::table table = file_.open_table(name);
        const std::vector<std::string> detectors = table.texts(table.column_name(0));
        const std::vector<std::string> streams = table.texts(table.column_name(1));
        const std::vector<double> parts = table.numbers(table.column_name(2));
        for (std::size_t i = 0; i < detectors.size(); ++i)
            mixing_[detectors[i]].emplace_back(streams[i], parts[i]);
    }
    std::vector<std::pair<std::string, double>> mixing_of(const std::string& detector) const {
        const auto found = mixing_.find(detector);
        if (found == mixing_.end()) return {{detector, 1.0}};
        return found->second;
    }

    // Rows are the frequencies, and a density for each of the keys.
    void read_densities(const std::string& name) {
        const std::vector<std::string> keys = file_.texts(name + "_keys");
        const h5::dataset data = file_.open_dataset(name);
        const std::vector<std::size_t> shape = data.extents();
        if (shape.size() != 2 || shape[0] != keys.size() + 1) {
            refuse(data.name(), "shape is " + common::shape_text(shape) + ", expected (" +
                                    std::to_string(keys.size() + 1) +
                                    ", frequencies): the frequencies and " +
                                    std::to_string(keys.size()) + " densities");
        }
        const double scale = square_scale(
            place(), file_.text_attribute(group_, "psd_units").value_or(""), "", "2 s", unit_);
        const std::vector<double> values = data.read_all();
        for (std::size_t k = 0; k < keys.size(); ++k) {
            noise_model& model = densities_[keys[k]];
            for (std::size_t i = 0; i < shape[1]; ++i) {
                if (values[i] <= 0) continue;
                model.frequency.push_back(values[i]);
                model.density.push_back(values[(k + 1) * shape[1] + i] * scale);
            }
        }
    }

    const h5::file& file_;
    std::string group_, unit_;
    std::map<std::string, double> weights_;
    std::map<std::string, std::vector<std::pair<std::string, double>>> mixing_;
    std::map<std::string, noise_model> densities_;
};

// Names of the detectors, one a row of the arrays, and the flags of each.
struct detector_rows {
    std::vector<std::string> names;
    std::map<std::string, std::uint8_t> flags;
};

detector_rows read_detector_rows(const h5::file& file) {
    detector_rows rows;
    for (const auto& [name, nothing] : json_texts(required_text(file, "observation_detectors")))
        rows.names.push_back(name);
    const std::optional<std::string> flags = file.text_attribute("/", "observation_detector_flags");
    for (const auto& [name, flag] : json_texts(flags.value_or(""))) {
        const double bits = flag.value_or(0);
        if (!(bits >= 0 && bits <= 255)) {
            refuse(file.path().string(), "observation_detector_flags has " + text_of(bits) + " for " +
                                             name + ", expected 0 to 255");
        }
        rows.flags[name] = static_cast<std::uint8_t>(bits);
    }
    return rows;
}

std::size_t read_samples(const h5::file& file) {
    const h5::dataset times = file.open_dataset("/shared/times");
    const std::vector<std::size_t> shape = times.extents();
    if (shape.size() != 1)
        refuse(times.name(), "shape is " + common::shape_text(shape) + ", expected (samples)");
    times.require_stored(); // whatever is as long has this for its bound
    return shape[0];
}

double mean_rate(const h5::file& file, std::size_t samples) {
    if (samples < 2) return 1;
    const h5::dataset times = file.open_dataset("/shared/times");
    double first = 0, last = 0;
    times.read_part<double>({0}, {1}, {&first, 1});
    times.read_part<double>({samples - 1}, {1}, {&last, 1});
    if (!(last > first) || !std::isfinite(last - first)) {
        refuse(times.name(), "times are from " + text_of(first) + " to " + text_of(last) +
                                 ", expected later and later ones");
    }
    return static_cast<double>(samples - 1) / (last - first);
}

void check_shapes(const h5::file& file, const observation& o, std::size_t rows,
                  const flag_masks& masks) {
    const std::size_t n = o.samples;
    open_array(file, "/detdata/signal", {rows, n});
    if (masks.detector != 0) open_array(file, "/detdata/flags", {rows, n});
    if (masks.shared != 0) open_array(file, "/shared/flags", {n});
    open_array(file, "/shared/boresight_radec", {n, 4});
    if (o.has_half_wave_plate) open_array(file, "/shared/hwp_angle", {n});
}

double median_step(const std::vector<double>& times) {
    std::vector<double> steps(times.size() - 1);
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = times[i + 1] - times[i];
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
    std::nth_element(steps.begin(), middle, steps.end());
    return *middle;
}

void check_times(const std::string& where, const std::vector<double>& times) {
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (!std::isfinite(times[i]) || (i > 0 && !(times[i] > times[i - 1]))) {
            refuse(where, "time " + std::to_string(i) + " is " + text_of(times[i]) +
                              (i > 0 ? " and follows " + text_of(times[i - 1]) : "") +
                              ", expected later and later ones");
        }
    }
}

} // namespace

observation read_observation(const fs::path& path, const observation_options& options) {
    const h5::file file = h5::file::open(path);
    observation o;
    o.path = path;
    const detector_rows rows = read_detector_rows(file);
    o.name = file.text_attribute("/", "observation_name").value_or(path.stem().string());
    o.samples = read_samples(file);
    o.rate = mean_rate(file, o.samples);
    o.has_noise_model = file.has("/metadata/noise_model/detector_weights");
    o.has_half_wave_plate = file.has("/shared/hwp_angle");
    check_shapes(file, o, rows.names.size(), options.masks);
    o.unit = file.open_dataset("/detdata/signal").text_attribute("units");
    o.focal_plane = read_focal_plane(file);
    std::optional<noise_tables> noise;
    if (o.has_noise_model || !options.uniform_weights) noise.emplace(file, o.unit);
    for (std::size_t row = 0; row < rows.names.size(); ++row) {
        const std::string& name = rows.names[row];
        const auto in_plane = std::find_if(o.focal_plane.begin(), o.focal_plane.end(),
                                           [&](const placed& d) { return d.name == name; });
        if (in_plane == o.focal_plane.end())
            refuse(path.string() + ":/instrument/focalplane", "has no row for detector " + name);
        detector d{*in_plane, row};
        if (noise) d.noise = noise->noise(name);
        if (!options.uniform_weights) d.weight = noise->weight(name);
        const auto flag = rows.flags.find(name);
        const bool flagged = flag != rows.flags.end() && (flag->second & options.masks.detector) != 0;
        if (flagged || d.weight == 0) {
            o.unused.push_back(name);
        } else {
            o.detectors.push_back(std::move(d));
        }
    }
    return o;
}

time_streams::time_streams(const observation& of, const flag_masks& masks)
    : path_(of.path), file_(h5::file::open(of.path)), masks_(masks), samples_(of.samples),
      flags_(of.samples, 0) {
    const std::size_t n = samples_;
    times_ = open_array(file_, "/shared/times", {n}).read_all();
    check_times(path_.string() + ":/shared/times", times_);
    if (n > 1) rate_ = 1 / median_step(times_);
    if (masks.shared != 0)
        open_array(file_, "/shared/flags", {n}).read_part<std::uint8_t>({0}, {n}, flags_);
    for (std::uint8_t& flag : flags_) flag = static_cast<std::uint8_t>(flag & masks.shared);
    const h5::dataset boresight = open_array(file_, "/shared/boresight_radec", {n, 4});
    boresight_ = boresight.read_all();
    for (std::size_t i = 0; i < n; ++i) {
        double* const q = boresight_.data() + 4 * i;
        if (flags_[i] != 0) std::copy_n(std::array{0.0, 0.0, 0.0, 1.0}.data(), 4, q);
    }
    destrier::destripe::check_quaternions(boresight_, boresight.name().c_str());
    if (of.has_half_wave_plate) hwp_angle_ = open_array(file_, "/shared/hwp_angle", {n}).read_all();
}

std::vector<interval> time_streams::intervals(const std::string& name) const {
    const std::string full = "/intervals/" + name;
    if (!file_.has(full)) {
        std::string there;
        if (file_.has("/intervals"))
            for (const std::string& other : file_.members("/intervals")) there += " " + other;
        refuse(path_.string(),
               "has no intervals " + name + "; it has" + (there.empty() ? " none" : there));
    }
    const h5::dataset data = file_.open_dataset(full);
    const std::vector<std::size_t> shape = data.extents();
    if (shape.size() != 2 || shape[0] != 2) {
        refuse(data.name(),
               "shape is " + common::shape_text(shape) + ", expected (2, intervals): starts and stops");
    }
    const std::vector<double> spans = data.read_all();
    std::vector<interval> found;
    for (std::size_t i = 0; i < shape[1] && samples_ > 0; ++i) {
        const double start = spans[i];
        double stop = spans[shape[1] + i];
        if (!(start <= stop)) {
            refuse(data.name(), "interval " + std::to_string(i) + " is from " + text_of(start) + " to " +
                                    text_of(stop) + ", expected a start before its stop");
        }
        if (i + 1 < shape[1]) {
            const double next = spans[i + 1];
            if (std::abs(next - stop) <= 1e-8 + 1e-12 * std::abs(next)) stop = next;
            if (!(next >= stop)) {
                refuse(data.name(), "interval " + std::to_string(i + 1) + " starts at " + text_of(next) +
                                        ", before the stop of the one before it at " + text_of(stop));
            }
        }
        if (!(start < times_.back() && stop > times_.front())) continue;
        const auto index = [&](double time) {
            return static_cast<std::size_t>(std::lower_bound(times_.begin(), times_.end(), time) -
                                            times_.begin());
        };
        interval samples{index(start), index(stop)};
        if (samples.end == samples_ - 1) samples.end = samples_;
        if (samples.begin < samples.end) found.push_back(samples);
    }
    return found;
}

void time_streams::read_flags(const detector& of, std::span<std::uint8_t> flags) const {
    std::copy(flags_.begin(), flags_.end(), flags.begin());
    if (masks_.detector == 0) return;
    std::vector<std::uint8_t> own(samples_);
    file_.open_dataset("/detdata/flags").read_part<std::uint8_t>({of.row, 0}, {1, samples_}, own);
    for (std::size_t i = 0; i < samples_; ++i)
        flags[i] = static_cast<std::uint8_t>(flags[i] | (own[i] & masks_.detector));
}

void time_streams::read_signal(const detector& of, std::span<const std::uint8_t> flags,
                               std::span<double> signal) const {
    const h5::dataset data = file_.open_dataset("/detdata/signal");
    data.read_part<double>({of.row, 0}, {1, samples_}, signal);
    for (std::size_t i = 0; i < samples_; ++i) {
        if (flags[i] == 0 && !std::isfinite(signal[i])) {
            refuse(data.name(), "detector " + of.name + ", sample " + std::to_string(i) + " is " +
                                    text_of(signal[i]) + ", expected a finite number, or a flag");
        }
    }
}

void require_density(const observation& o, const detector& d) {
    const std::string where = o.path.string() + ":/metadata/noise_model";
    if (d.noise.frequency.empty())
        refuse(where, "has no noise density of detector " + d.name + ", which a noise prior is made of");
    for (std::size_t i = 0; i < d.noise.density.size(); ++i) {
        const double density = d.noise.density[i];
        if (density > 0 && std::isfinite(density)) continue;
        refuse(where, "noise density of detector " + d.name + " at " + text_of(d.noise.frequency[i]) +
                          " Hz is " + text_of(density) + ", expected a number above 0");
    }
}

void require_same_focal_plane(const observation& first, const observation& other) {
    const std::string where = other.path.string() + ":/instrument/focalplane";
    if (other.focal_plane.size() != first.focal_plane.size()) {
        refuse(where, "has " + std::to_string(other.focal_plane.size()) + " detectors, " +
                          first.path.string() + " has " + std::to_string(first.focal_plane.size()) +
                          ", expected the same focal plane");
    }
    for (const placed& d : other.focal_plane) {
        const auto same = std::find_if(first.focal_plane.begin(), first.focal_plane.end(),
                                       [&](const placed& f) { return f.name == d.name; });
        if (same == first.focal_plane.end()) {
            refuse(where, "has detector " + d.name + ", which " + first.path.string() +
                              " has not, expected the same focal plane");
        }
        double product = 0; // of a rotation with itself, or its negative
        for (std::size_t k = 0; k < 4; ++k) product += d.quaternion[k] * same->quaternion[k];
        if (std::abs(product) < 1 - 1e-9 || std::abs(d.efficiency - same->efficiency) > 1e-6) {
            refuse(where, "detector " + d.name +
                              " is at another place, or of another efficiency, than in " +
                              first.path.string() + ", expected the same focal plane");
        }
    }
}

} // namespace mapmaking
