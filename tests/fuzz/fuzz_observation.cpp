// SPDX-License-Identifier: BSD-3-Clause
//
// Observations in TOAST's HDF5 files, all that destrier-map reads of them.
#include <cstdint>
#include <vector>

#include "mutated_hdf5.hpp"
#include "observation/baselines.hpp"
#include "observation/observation.hpp"
#include "simulate/toast_file.hpp"

namespace {

// Two detectors, 20 samples at 2 Hz, two intervals, a half-wave plate.
void write_observation(const std::filesystem::path& path) {
    constexpr std::size_t samples = 20;
    mapmaking::new_observation o;
    o.name = "small";
    o.rate = 2;
    o.field_of_view = 5;
    o.detectors = mapmaking::make_focal_plane({.detectors = 2, .efficiency = 0.9});
    o.noise = {{.net = 2}, {.net = 4}};
    for (std::size_t i = 0; i < samples; ++i) {
        o.shared.times.push_back(1e9 + 0.5 * static_cast<double>(i));
        for (const double q : {0.0, 0.6, 0.0, 0.8}) o.shared.boresight.push_back(q);
        o.shared.flags.push_back(i == 3 ? 4 : 0);
        for (auto* const v : {&o.shared.position, &o.shared.velocity}) v->insert(v->end(), 3, 0.0);
        o.half_wave_plate.push_back(0.1 * static_cast<double>(i));
    }
    o.shared.intervals = {{"scanning", {{2, 8}, {10, 19}}}};
    mapmaking::observation_writer writer(path, o);
    const std::vector<double> signal(samples, 1.5);
    const std::vector<std::uint8_t> flags(samples, 0);
    for (const std::size_t d : {0u, 1u}) writer.write(d, signal, flags);
    writer.close();
}

void read_all_of(const std::filesystem::path& path, fuzz::choices& from) {
    const mapmaking::flag_masks masks =
        from.ConsumeBool() ? mapmaking::flag_masks{0, 0} : mapmaking::flag_masks{};
    const mapmaking::observation o =
        mapmaking::read_observation(path, {.masks = masks, .uniform_weights = from.ConsumeBool()});
    const mapmaking::time_streams streams(o, masks);
    const auto every = mapmaking::make_baselines(streams, {.seconds = 2});
    const auto within = mapmaking::make_baselines(streams, {.seconds = 2, .intervals = "scanning"});
    std::vector<std::uint8_t> flags(o.samples);
    std::vector<double> signal(o.samples);
    for (const mapmaking::detector& d : o.detectors) {
        streams.read_flags(d, flags);
        streams.read_signal(d, flags, signal);
    }
    mapmaking::require_same_focal_plane(o, o);
    for (const mapmaking::detector& d : o.detectors) mapmaking::require_density(o, d);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".h5");
    static const fuzz::sound_hdf5 sound(write_observation);
    fuzz::choices from(data, size);
    fuzz::write_mutated(made, sound, from);
    fuzz::expect_read_or_refused(made, [&] { read_all_of(made.path(), from); });
    return 0;
}
