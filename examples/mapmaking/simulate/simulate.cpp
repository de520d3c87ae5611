// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/simulate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/pointing.hpp>

#include "common/output.hpp"
#include "common/progress.hpp"
#include "common/random.hpp"
#include "simulate/observed_sky.hpp"
#include "simulate/toast_file.hpp"

namespace mapmaking {
namespace {

namespace destripe = destrier::destripe;

// Kinds of random numbers.
enum stream : std::uint64_t { detector_noise, atmosphere, single_flags, flag_spans, sensitivity };

void require(bool holds, const char* name, double value, const char* expected) {
    if (holds) return;
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    throw std::runtime_error(std::string(name) + " is " + text + ", expected " + expected);
}

void require_positive(const char* name, double value) {
    require(value > 0 && std::isfinite(value), name, value, "a positive number");
}

void require_not_negative(const char* name, double value) {
    require(value >= 0 && std::isfinite(value), name, value, "0 or more");
}

void check_noise(const noise_options& noise, double rate) {
    require_not_negative("the knee frequency", noise.knee);
    require(noise.slope > 0 && noise.slope <= 10, "the slope", noise.slope, "more than 0, 10 at most");
    require(noise.lowest > 0 && noise.lowest < rate / 2, "the lowest frequency", noise.lowest,
            "more than 0 and less than half of the sampling rate");
}

void check(const simulate_options& o) {
    require(o.observations > 0, "the number of observations", 0, "1 or more");
    require(std::has_single_bit(o.sky_nside) && o.sky_nside <= destripe::sphere::most_nside,
            "the sky's nside", static_cast<double>(o.sky_nside), "a power of two from 1 to 8192");
    require_positive("the duration", o.duration);
    require_positive("the sampling rate", o.rate);
    require(o.duration * o.rate >= 2 && o.duration * o.rate < 1e10, "duration x rate",
            o.duration * o.rate, "2 to 1e10 samples");
    require(o.every == 0 || o.every >= o.duration, "the time from one observation to the next", o.every,
            "0, or the duration at least");
    require(std::abs(o.start) < 1e11, "the start", o.start, "seconds since 1970");
    require(std::abs(o.half_wave_plate) < o.rate, "the half-wave plate's turns a second",
            o.half_wave_plate, "less than the sampling rate");
    require_positive("the NET", o.detector_noise.net);
    check_noise(o.detector_noise, o.rate);
    require(o.spread >= 0 && o.spread < 1, "the spread", o.spread, "0 or more and less than 1");
    require_not_negative("the atmosphere's NET", o.atmosphere.net);
    check_noise(o.atmosphere, o.rate);
    require_not_negative("the atmosphere's gradient", o.gradient);
    require(o.flag_fraction >= 0 && o.flag_fraction <= 1, "the fraction of flagged samples",
            o.flag_fraction, "0 to 1");
    require_not_negative("the number of flagged spans", o.flag_spans);
    require_positive("the length of flagged spans", o.flag_length);
    require(o.dead_every == 0 || o.dead_every > o.dead_time, "the time from one dead time to the next",
            o.dead_every, "0, or more than it lasts");
    require_not_negative("the dead time", o.dead_time);
}

std::size_t samples_of(double duration, const simulate_options& o) {
    return static_cast<std::size_t>(std::round(duration * o.rate));
}

timing timing_of(std::size_t k, const simulate_options& o) {
    const std::size_t samples = samples_of(o.duration, o);
    const std::size_t spacing = o.every > 0 ? samples_of(o.every, o) : samples;
    return {o.start, o.rate, k * spacing, samples, o.dead_every, o.dead_time};
}

// "obs.h5", or "obs-07.h5", with as many digits as the last one needs.
std::filesystem::path path_of(std::size_t k, const simulate_options& o) {
    if (o.observations == 1) return o.output;
    const std::string last = std::to_string(o.observations - 1), number = std::to_string(k);
    std::filesystem::path name = o.output.stem();
    name += std::string("-").append(last.size() - number.size(), '0').append(number);
    name += o.output.extension();
    return o.output.parent_path() / name;
}

std::uint64_t item_of(std::size_t observation, std::size_t detector) {
    return std::uint64_t{observation} << 32 | detector;
}

std::vector<double> half_wave_plate(const std::vector<double>& times, const simulate_options& o) {
    if (o.half_wave_plate == 0) return {};
    std::vector<double> angles;
    for (const double t : times) {
        const double turns = o.half_wave_plate * (t - o.start);
        angles.push_back(2 * std::numbers::pi * (turns - std::floor(turns)));
    }
    return angles;
}

// The same in all observations: what detectors are does not change.
std::vector<noise_options> noise_of_detectors(const simulate_options& o) {
    std::vector<noise_options> all(o.focal_plane.detectors, o.detector_noise);
    for (std::size_t d = 0; d < all.size(); ++d) {
        common::random_stream random(o.seed, sensitivity, d);
        all[d].net *= 1 + o.spread * (2 * random.uniform() - 1);
        all[d].knee *= 1 + o.spread * (2 * random.uniform() - 1);
    }
    return all;
}

new_observation prepared(std::size_t k, const simulate_options& o) {
    new_observation made;
    made.name = path_of(k, o).stem();
    made.rate = o.rate;
    made.field_of_view = std::max(o.focal_plane.field_of_view, 1e-3);
    made.detectors = make_focal_plane(o.focal_plane);
    made.noise = noise_of_detectors(o);
    const timing when = timing_of(k, o);
    if (o.how == survey::ground) {
        made.shared = make_scan(o.ground, when, k, o.threads);
        made.ground = {o.ground.latitude, o.ground.longitude, o.ground.altitude};
    } else {
        made.shared = make_scan(o.satellite, when, o.threads);
    }
    made.half_wave_plate = half_wave_plate(made.shared.times, o);
    return made;
}

// The detectors of one observation, their samples one after the other.
class sampler {
public:
    sampler(std::size_t k, const new_observation& o, const observed_sky& sky,
            const simulate_options& options, noise_maker& noise)
        : k_(k), o_(o), sky_(sky), options_(options), noise_(noise) {
        if (options.noise && options.atmosphere.net > 0) make_atmosphere();
    }

    // Noise for detectors `first` and on, as many as the maker has lanes.
    void prepare(std::size_t first) {
        if (!options_.noise) return;
        std::vector<noise_seed> seeds;
        const std::size_t count = std::min(noise_maker::lanes, o_.detectors.size() - first);
        for (std::size_t d = first; d < first + count; ++d)
            seeds.push_back({options_.seed, detector_noise, item_of(k_, d)});
        noise_.make(std::span(o_.noise).subspan(first, count), seeds);
        first_ = first;
    }

    // Of a detector that is prepared.
    void sample(std::size_t d, std::span<double> signal, std::span<std::uint8_t> flags) {
        std::fill(signal.begin(), signal.end(), 0.0);
        if (options_.signal) look(d, signal);
        if (options_.noise) noise_.add(d - first_, 1, signal);
        for (std::size_t m = 0; m < atmosphere_.size(); ++m)
            add(share_of_atmosphere(m, o_.detectors[d]), atmosphere_[m], signal);
        flag(d, flags);
        if (options_.nan_where_flagged) spoil(flags, signal);
    }

private:
    std::size_t samples() const { return o_.shared.times.size(); }

    static void add(double scale, std::span<const double> what, std::span<double> signal) {
        for (std::size_t i = 0; i < signal.size(); ++i) signal[i] += scale * what[i];
    }

    // One stream that all detectors have in common, and two that are steeper to the edge of the focal plane.
    void make_atmosphere() {
        std::vector<noise_seed> seeds;
        for (std::uint64_t m = 0; m < 3; ++m)
            seeds.push_back({options_.seed, atmosphere, item_of(k_, m)});
        noise_.make(std::vector<noise_options>(3, options_.atmosphere), seeds);
        for (std::size_t m = 0; m < 3; ++m) {
            atmosphere_.emplace_back(samples());
            noise_.add(m, 1, atmosphere_.back());
        }
    }
    double share_of_atmosphere(std::size_t m, const placed_detector& d) const {
        return m == 0 ? 1 : options_.gradient * (m == 1 ? d.x : d.y);
    }

    void look(std::size_t d, std::span<double> signal) {
        const placed_detector& placed = o_.detectors[d];
        pixels_.resize(samples());
        cosine_.resize(samples());
        sine_.resize(samples());
        destripe::expand_pointing(
            o_.shared.boresight, {placed.quaternion, placed.efficiency, placed.gamma},
            o_.half_wave_plate, sky_.grid(), pixels_, cosine_, sine_, options_.threads);
        sky_.look(pixels_, cosine_, sine_, signal);
    }

    void flag(std::size_t d, std::span<std::uint8_t> flags) const {
        common::random_stream single(options_.seed, single_flags, item_of(k_, d));
        common::random_stream spans(options_.seed, flag_spans, item_of(k_, d));
        for (std::uint8_t& f : flags) f = single.uniform() < options_.flag_fraction ? invalid_flag : 0;
        const auto length = static_cast<std::size_t>(std::ceil(options_.flag_length * o_.rate));
        double left = common::poisson(options_.flag_spans * options_.duration / 3600, spans);
        for (; left > 0; --left) {
            const auto begin =
                static_cast<std::size_t>(spans.uniform() * static_cast<double>(samples()));
            const auto at = flags.subspan(begin, std::min(length, samples() - begin));
            std::fill(at.begin(), at.end(), invalid_flag);
        }
    }

    void spoil(std::span<const std::uint8_t> flags, std::span<double> signal) const {
        for (std::size_t i = 0; i < signal.size(); ++i) {
            if ((flags[i] | o_.shared.flags[i]) != 0)
                signal[i] = std::numeric_limits<double>::quiet_NaN();
        }
    }

    std::size_t k_, first_ = 0;
    const new_observation& o_;
    const observed_sky& sky_;
    const simulate_options& options_;
    noise_maker& noise_;
    std::vector<std::vector<double>> atmosphere_;
    std::vector<std::int32_t> pixels_;
    std::vector<float> cosine_, sine_;
};

void write_observation(const std::filesystem::path& path, std::size_t k, const observed_sky& sky,
                       const simulate_options& options, noise_maker& noise, common::progress& shown) {
    const new_observation o = prepared(k, options);
    common::require_free_space(path, file_size(o) * (options.observations - k));
    observation_writer file(path, o);
    sampler detectors(k, o, sky, options, noise);
    std::vector<double> signal(o.shared.times.size());
    std::vector<std::uint8_t> flags(signal.size());
    for (std::size_t d = 0; d < o.detectors.size(); ++d) {
        if (d % noise_maker::lanes == 0) detectors.prepare(d);
        detectors.sample(d, signal, flags);
        file.write(d, signal, flags);
        shown.advance(1);
        common::stop_if_interrupted();
    }
    file.close();
}

} // namespace

void simulate(const simulate_options& options) {
    check(options);
    const observed_sky sky = options.sky.empty() ? observed_sky::built_in(options.sky_nside)
                                                 : observed_sky::read(options.sky, options.sky_unit);
    std::vector<std::unique_ptr<common::staged_file>> staged;
    for (std::size_t k = 0; k < options.observations; ++k)
        staged.push_back(std::make_unique<common::staged_file>(path_of(k, options), options.overwrite));
    std::optional<common::staged_file> truth;
    if (!options.truth.empty()) truth.emplace(options.truth, options.overwrite);

    const std::size_t samples = samples_of(options.duration, options);
    {
        common::progress shown("simulate", "detectors",
                               options.observations * options.focal_plane.detectors);
        noise_maker noise(options.noise ? samples : 1, options.rate, options.threads);
        for (std::size_t k = 0; k < options.observations; ++k)
            write_observation(staged[k]->part(), k, sky, options, noise, shown);
    }
    if (truth) sky.write(truth->part());

    for (const auto& file : staged) file->commit();
    if (truth) truth->commit();
    std::printf("%s%s: %zu detectors, %zu samples each at %g Hz, of a sky of nside %zu\n",
                path_of(0, options).c_str(), options.observations > 1 ? " and on" : "",
                options.focal_plane.detectors, options.observations * samples, options.rate,
                sky.grid().nside);
    if (truth) std::printf("%s: that sky, in K\n", options.truth.c_str());
}

} // namespace mapmaking
