// SPDX-License-Identifier: BSD-3-Clause
#include "simulate_command.hpp"

#include <charconv>
#include <map>
#include <string>

#include "common/command_line.hpp"

namespace mapmaking {
namespace {

// "first:last" in degrees; an empty string means that all is well, as CLI11 has it.
std::string read_azimuths(const std::string& text, ground_scan& scan) {
    const auto parse = [](const char* begin, const char* end, double& value) {
        const auto [stop, error] = std::from_chars(begin, end, value);
        return error == std::errc() && stop == end;
    };
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || !parse(begin, begin + colon, scan.azimuth_first) ||
        !parse(begin + colon + 1, end, scan.azimuth_last)) {
        return "is " + text + ", expected first:last in degrees, such as 110:150";
    }
    return {};
}

// An option whose words stand for values of an enumeration.
template <class T>
void add_choice(CLI::App& app, const std::string& name, T& value, const std::string& help,
                const std::map<std::string, T>& words) {
    std::string shown;
    for (const auto& [word, meaning] : words) shown.append(shown.empty() ? "" : "|").append(word);
    common::add_text(app, name, help, shown, [&value, words, shown](const std::string& text) {
        const auto found = words.find(text);
        if (found == words.end()) return "is " + text + ", expected " + shown;
        value = found->second;
        return std::string();
    });
}

// Adds options under one heading of the help.
class heading {
public:
    heading(CLI::App& app, std::string title) : app_(app), title_(std::move(title)) {}

    template <class T>
    CLI::Option* operator()(const std::string& name, T& value, const std::string& help,
                            const std::string& unit) const {
        return app_.add_option(name, value, help)->capture_default_str()->type_name(unit)->group(title_);
    }
    /// Makes the value what it is not by default.
    void flag(const std::string& name, bool& value, const std::string& help) const {
        const bool other = !value;
        app_.add_flag_callback(
                name, [&value, other] { value = other; }, help)
            ->group(title_);
    }

private:
    CLI::App& app_;
    std::string title_;
};

void add_files(CLI::App& app, simulate_options& o) {
    app.add_option("-o,--output", o.output,
                   "observation to write, as TOAST 3 does; several become OBS-0.h5, OBS-1.h5, ...")
        ->required()
        ->type_name("OBS.h5");
    app.add_option("--sky", o.sky,
                   "HEALPix map of I or of I, Q, U, in the frame of the pointing [a built-in sky]")
        ->type_name("IQU.fits");
    app.add_option("--sky-unit", o.sky_unit, "of the map: K, mK or uK [as it says itself]")
        ->type_name("UNIT");
    app.add_option("--sky-nside", o.sky_nside, "of the built-in sky")->capture_default_str();
    app.add_option("--truth", o.truth, "also write the sky that was looked at, in K")
        ->type_name("SKY.fits");
    app.add_flag("--overwrite", o.overwrite, "replace outputs that exist");
    app.add_option("--seed", o.seed, "of noise and flags")->capture_default_str();
    app.add_option("--threads", o.threads, "0 is all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
}

void add_times(CLI::App& app, simulate_options& o) {
    const heading add(app, "Samples");
    add("--observations", o.observations, "how many, one file each", "N");
    add("--duration", o.duration, "of an observation", "SECONDS");
    add("--every", o.every, "from one start to the next; 0: one follows the other", "SECONDS");
    add("--rate", o.rate, "of samples", "HZ");
    add("--start", o.start, "of the first, since 1970 UTC", "SECONDS");
}

void add_satellite(CLI::App& app, satellite_scan& s) {
    const heading add(app, "Satellite");
    add("--spin-angle", s.spin_angle, "from the spin axis to the line of sight", "DEGREES");
    add("--spin-period", s.spin_period, "of a turn about the spin axis", "SECONDS");
    add("--precession-angle", s.precession_angle,
        "from the direction away from the Sun to the spin axis", "DEGREES");
    add("--precession-period", s.precession_period, "of the spin axis about that direction", "SECONDS");
    add("--year", s.year, "in which the Sun goes round; short ones cover the sky soon", "DAYS");
}

void add_ground(CLI::App& app, ground_scan& g) {
    const heading add(app, "Ground");
    add("--latitude", g.latitude, "of the telescope, north", "DEGREES");
    add("--longitude", g.longitude, "of the telescope, east", "DEGREES");
    add("--altitude", g.altitude, "of the telescope", "METRES");
    add("--elevation", g.elevation, "of all scans", "DEGREES");
    common::add_text(app, "--azimuth", "ends of the scans, from north by east [110:150]", "FIRST:LAST",
                     [&g](const std::string& text) { return read_azimuths(text, g); })
        ->group("Ground");
    add("--scan-rate", g.rate, "of the azimuth", "DEGREES/S");
    add("--acceleration", g.acceleration, "of the azimuth in turnarounds", "DEGREES/S^2");
    add.flag("--no-mirror", g.mirror,
             "all observations scan the same azimuths; else every other one 360 - azimuth, where the "
             "field sets");
}

void add_focal_plane(CLI::App& app, simulate_options& o) {
    const heading add(app, "Focal plane");
    focal_plane_options& f = o.focal_plane;
    add("--detectors", f.detectors, "two in a pixel, at right angles", "N");
    add_choice(app, "--layout", f.shape, "of the pixels [hexagon]",
               std::map<std::string, layout>{{"hexagon", layout::hexagon}, {"grid", layout::grid}});
    app.get_option("--layout")->group("Focal plane");
    add("--field-of-view", f.field_of_view, "between the outermost pixels", "DEGREES");
    add("--efficiency", f.efficiency, "of the polarisers, 0 to 1", "ETA");
    add("--half-wave-plate", o.half_wave_plate, "its turns; 0: there is none", "HZ");
}

void add_noise(CLI::App& app, simulate_options& o) {
    const heading add(app, "Noise");
    add.flag("--noiseless", o.noise, "what the pixels hold, and nothing else");
    add.flag("--no-signal", o.signal, "noise, and nothing else");
    add("--net", o.detector_noise.net,
        "of a detector: the density is NET^2 (f^slope + knee^slope) / (f^slope + lowest^slope)",
        "K SQRT(S)");
    add("--knee", o.detector_noise.knee, "where 1/f noise is as large as white noise; 0: white", "HZ");
    add("--slope", o.detector_noise.slope, "of the 1/f noise", "POWER");
    add("--lowest", o.detector_noise.lowest, "where the 1/f noise levels off", "HZ");
    add("--spread", o.spread, "of detectors' NET and knee about these, relative", "PART");
    add("--atmosphere", o.atmosphere.net, "NET of noise common to all detectors; 0: none", "K SQRT(S)");
    add("--atmosphere-knee", o.atmosphere.knee, "its knee", "HZ");
    add("--atmosphere-slope", o.atmosphere.slope, "its slope", "POWER");
    add("--atmosphere-lowest", o.atmosphere.lowest, "where it levels off", "HZ");
    add("--gradient", o.gradient, "of it, at the edge of the focal plane, relative", "PART");
}

void add_flags(CLI::App& app, simulate_options& o) {
    const heading add(app, "Flags");
    add("--flag-fraction", o.flag_fraction, "of single samples", "PART");
    add("--flag-spans", o.flag_spans, "of samples, a detector and hour", "NUMBER");
    add("--flag-length", o.flag_length, "of a span", "SECONDS");
    add("--dead-every", o.dead_every, "time from one dead time of all detectors to the next; 0: none",
        "SECONDS");
    add("--dead-time", o.dead_time, "that each lasts", "SECONDS");
    add.flag("--nan-where-flagged", o.nan_where_flagged, "flagged samples hold no numbers");
}

} // namespace

void add_simulate(CLI::App& app, simulate_options& options) {
    add_files(app, options);
    add_choice(
        app, "--scan", options.how, "how the telescope moves [satellite]",
        std::map<std::string, survey>{{"satellite", survey::satellite}, {"ground", survey::ground}});
    add_times(app, options);
    add_satellite(app, options.satellite);
    add_ground(app, options.ground);
    add_focal_plane(app, options);
    add_noise(app, options);
    add_flags(app, options);
}

} // namespace mapmaking
