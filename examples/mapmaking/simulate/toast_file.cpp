// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/toast_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <destrier/destripe/noise.hpp>

#include "program.hpp"

namespace mapmaking {
namespace {

namespace h5 = common::h5;
using texts = std::vector<std::string>;

// A number for a name, as TOAST wants one of everything; any will do that is the same each time (FNV-1a).
std::int64_t number_of(const std::string& name) {
    std::uint32_t hash = 2166136261u;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash & 0x7fffffff;
}

std::string decimal(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
}

texts names_of(const new_observation& o) {
    texts names;
    for (const placed_detector& d : o.detectors) names.push_back(d.name);
    return names;
}

std::string json_list(const texts& names) {
    std::string list;
    for (const std::string& name : names)
        list.append(list.empty() ? "[\"" : ", \"").append(name).append("\"");
    return list + "]";
}

template <class F>
std::vector<double> each(const new_observation& o, F value) {
    std::vector<double> values;
    for (std::size_t d = 0; d < o.detectors.size(); ++d) values.push_back(value(d));
    return values;
}

void write_numbers(h5::file& file, const std::string& name, const std::vector<std::size_t>& extents,
                   hid_t type, const std::vector<double>& values) {
    h5::dataset data = file.create_dataset(name, extents, {type});
    if (!values.empty()) data.write_all(values);
    data.close();
}

void write_head(h5::file& file, const new_observation& o) {
    file.set_attribute("/", "toast_format_version", std::int64_t{1});
    file.set_attribute("/", "toast_version", std::string("3.0.6"));
    file.set_attribute("/", "software", program_name());
    file.set_attribute("/", "job_config", std::string("{}"));
    file.set_attribute("/", "observation_name", o.name);
    file.set_attribute("/", "observation_uid", number_of(o.name));
    file.set_attribute("/", "observation_detectors", json_list(names_of(o)));
    file.set_attribute("/", "observation_detector_sets", std::string("NONE"));
    file.set_attribute("/", "observation_samples", static_cast<std::int64_t>(o.shared.times.size()));
    file.set_attribute("/", "observation_sample_sets", std::string("NONE"));
}

void write_named(h5::file& file, const std::string& what, const std::string& type,
                 const std::string& name) {
    file.set_attribute("/instrument", what + "_class", "toast.instrument." + type);
    file.set_attribute("/instrument", what + "_name", name);
    file.set_attribute("/instrument", what + "_uid", number_of(name));
}

void write_instrument(h5::file& file, const new_observation& o) {
    const std::string where = "/instrument";
    file.create_group(where);
    file.set_attribute(where, "toast_format_version", std::int64_t{1});
    write_named(file, "telescope", "Telescope", "simulated");
    write_named(file, "site", o.ground ? "GroundSite" : "SpaceSite", o.ground ? "ground" : "space");
    if (o.ground) {
        file.set_attribute(where, "site_lat_deg", o.ground->latitude);
        file.set_attribute(where, "site_lon_deg", o.ground->longitude);
        file.set_attribute(where, "site_alt_m", o.ground->altitude);
    }
    write_named(file, "session", "Session", o.name);
    file.set_attribute(where, "session_start", o.shared.times.front());
    file.set_attribute(where, "session_end", o.shared.times.back());
}

// A column and the unit it has in an astropy table, if any.
struct unit_column {
    h5::column data;
    std::string type; // as astropy calls it
    std::string unit = {};
};

std::vector<unit_column> focal_plane_columns(const new_observation& o) {
    texts pixels, polarisations;
    std::vector<std::int64_t> numbers;
    std::vector<double> quaternions;
    for (const placed_detector& d : o.detectors) {
        numbers.push_back(number_of(d.name));
        quaternions.insert(quaternions.end(), d.quaternion.begin(), d.quaternion.end());
        pixels.push_back(d.pixel);
        polarisations.emplace_back(1, d.polarisation);
    }
    const auto of_detector = [&](double placed_detector::*member) {
        return each(o, [&](std::size_t d) { return o.detectors[d].*member; });
    };
    const auto of_noise = [&](double noise_options::*member) {
        return each(o, [&](std::size_t d) { return o.noise[d].*member; });
    };
    return {{{"name", names_of(o)}, "string"},
            {{"uid", numbers}, "int64"},
            {{"quat", quaternions, 4}, "string, subtype: 'float64[4]'"},
            {{"pixel", pixels}, "string"},
            {{"pol", polarisations}, "string"},
            {{"gamma", of_detector(&placed_detector::gamma)}, "float64", "rad"},
            {{"pol_efficiency", of_detector(&placed_detector::efficiency)}, "float64"},
            {{"psd_net", of_noise(&noise_options::net)}, "float64", "K s(1/2)"},
            {{"psd_fknee", of_noise(&noise_options::knee)}, "float64", "Hz"},
            {{"psd_fmin", of_noise(&noise_options::lowest)}, "float64", "Hz"},
            {{"psd_alpha", of_noise(&noise_options::slope)}, "float64"}};
}

void add_quantity(texts& lines, const std::string& name, double value, const std::string& unit) {
    lines.push_back("  " + name + ": !astropy.units.Quantity");
    lines.push_back("    unit: !astropy.units.Unit {unit: " + unit + "}");
    lines.push_back("    value: " + decimal(value));
}

// What astropy wants to know of a table that HDF5 does not keep, in YAML.
texts table_description(const std::vector<unit_column>& columns, const new_observation& o) {
    texts lines{"datatype:"};
    for (const unit_column& c : columns) {
        const std::string unit = c.unit.empty() ? "" : ", unit: " + c.unit;
        lines.push_back("- {name: " + c.data.name + unit + ", datatype: " + c.type + "}");
    }
    lines.push_back("meta:");
    lines.push_back("  __serialized_columns__:");
    for (const unit_column& c : columns) {
        if (c.unit.empty()) continue;
        lines.push_back("    " + c.data.name + ":");
        lines.push_back("      __class__: astropy.units.quantity.Quantity");
        lines.push_back("      unit: !astropy.units.Unit {unit: " + c.unit + "}");
        lines.push_back("      value: !astropy.table.SerializedColumn {name: " + c.data.name + "}");
    }
    add_quantity(lines, "field_of_view", o.field_of_view, "deg");
    add_quantity(lines, "sample_rate", o.rate, "Hz");
    return lines;
}

void write_focal_plane(h5::file& file, const new_observation& o) {
    const std::vector<unit_column> columns = focal_plane_columns(o);
    std::vector<h5::column> data;
    for (const unit_column& c : columns) data.push_back(c.data);
    file.write_table("/instrument/focalplane", data);
    file.write_texts("/instrument/focalplane.__table_column_meta__", table_description(columns, o));
}

// One stream of noise a detector, of its name; all are tabulated at the same frequencies.
void write_noise_model(h5::file& file, const new_observation& o) {
    const std::string where = "/metadata/noise_model";
    file.create_group(where);
    file.set_attribute(where, "class", std::string("toast.noise.Noise"));
    file.set_attribute(where, "psd_units", std::string("K2 s"));

    std::vector<double> weights, rows, indices;
    for (const noise_options& n : o.noise) {
        const destrier::destripe::noise_model model =
            destrier::destripe::one_over_f(n.net, n.knee, n.slope, n.lowest, o.rate);
        if (rows.empty()) rows = model.frequency;
        rows.insert(rows.end(), model.density.begin(), model.density.end());
        indices.push_back(static_cast<double>(indices.size()));
        weights.push_back(1 / (destrier::destripe::white_density(model, o.rate) * o.rate));
    }
    const std::size_t count = o.noise.size();
    write_numbers(file, where + "/psd", {count + 1, rows.size() / (count + 1)}, H5T_NATIVE_DOUBLE, rows);
    write_numbers(file, where + "/psd_indices", {count}, H5T_NATIVE_UINT32, indices);
    const texts names = names_of(o);
    file.write_texts(where + "/psd_keys", names);
    file.write_table(where + "/detector_weights", {{"f0", names}, {"f1", weights}});
    file.set_attribute(where + "/detector_weights", "unit", std::string("1 / K2"));
    file.write_table(where + "/mixing_matrix",
                     {{"f0", names}, {"f1", names}, {"f2", std::vector<double>(count, 1.0)}});
}

void write_shared(h5::file& file, const std::string& name, const std::vector<double>& values,
                  std::size_t samples) {
    if (values.empty()) return;
    std::vector<std::size_t> extents{samples};
    if (values.size() > samples) extents.push_back(values.size() / samples);
    write_numbers(file, "/shared/" + name, extents, H5T_NATIVE_DOUBLE, values);
    file.set_attribute("/shared/" + name, "comm_type", std::string("column"));
}

void write_shared(h5::file& file, const new_observation& o) {
    const scan& s = o.shared;
    const std::size_t n = s.times.size();
    file.create_group("/shared");
    write_shared(file, "times", s.times, n);
    write_shared(file, "boresight_radec", s.boresight, n);
    write_shared(file, "boresight_azel", s.horizontal, n);
    write_shared(file, "azimuth", s.azimuth, n);
    write_shared(file, "elevation", s.elevation, n);
    write_shared(file, "position", s.position, n);
    write_shared(file, "velocity", s.velocity, n);
    write_shared(file, "hwp_angle", o.half_wave_plate, n);
    h5::dataset flags = file.create_dataset("/shared/flags", {n}, {H5T_NATIVE_UINT8});
    flags.write_part<std::uint8_t>({0}, {n}, s.flags);
    flags.close();
    file.set_attribute("/shared/flags", "comm_type", std::string("column"));
}

// Starts and stops; a stop is the time of the next sample, or of the last one there is.
void write_intervals(h5::file& file, const scan& s) {
    file.create_group("/intervals");
    file.set_attribute("/intervals", "times", std::string("times"));
    for (const auto& [name, intervals] : s.intervals) {
        std::vector<double> rows;
        for (const interval& i : intervals) rows.push_back(s.times[i.begin]);
        for (const interval& i : intervals) rows.push_back(s.times[std::min(i.end, s.times.size() - 1)]);
        write_numbers(file, "/intervals/" + name, {2, intervals.size()}, H5T_NATIVE_DOUBLE, rows);
    }
}

h5::dataset detector_data(h5::file& file, const std::string& name, const new_observation& o, hid_t type,
                          const std::string& unit) {
    const std::string full = "/detdata/" + name;
    h5::dataset data = file.create_dataset(full, {o.detectors.size(), o.shared.times.size()}, {type});
    file.set_attribute(full, "units", unit);
    return data;
}

} // namespace

std::uintmax_t file_size(const new_observation& o) {
    const scan& s = o.shared;
    const std::uintmax_t doubles = s.times.size() + s.boresight.size() + s.horizontal.size() +
                                   s.azimuth.size() + s.elevation.size() + s.position.size() +
                                   s.velocity.size() + o.half_wave_plate.size();
    return 8 * doubles + s.flags.size() + 9 * o.detectors.size() * s.times.size();
}

observation_writer::observation_writer(const std::filesystem::path& path, const new_observation& o)
    : file_(h5::file::create(path)), signal_(detector_data(file_, "signal", o, H5T_NATIVE_DOUBLE, "K")),
      flags_(detector_data(file_, "flags", o, H5T_NATIVE_UINT8, "")) {
    write_head(file_, o);
    write_instrument(file_, o);
    write_focal_plane(file_, o);
    write_noise_model(file_, o);
    write_shared(file_, o);
    write_intervals(file_, o.shared);
}

void observation_writer::write(std::size_t d, std::span<const double> signal,
                               std::span<const std::uint8_t> flags) {
    signal_.write_part<double>({d, 0}, {1, signal.size()}, signal);
    flags_.write_part<std::uint8_t>({d, 0}, {1, flags.size()}, flags);
}

void observation_writer::close() {
    signal_.close();
    flags_.close();
    file_.close();
}

} // namespace mapmaking
