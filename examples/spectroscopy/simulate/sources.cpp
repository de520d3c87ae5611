// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/sources.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "common/random.hpp"

namespace spectra {
namespace {

constexpr double planck_times_c = 6.62607015e-27 * 2.99792458e18; // erg Angstrom
constexpr double flux_unit = 1e-17;                               // erg/s/cm^2/Angstrom
constexpr double light_speed = 299792.458;                        // km/s

double normal(common::random_stream& random) {
    const double radius = std::sqrt(-2 * std::log1p(-random.uniform()));
    return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

// Electrons in a bin of width `step` from a flux of 1, all of whose light enters the fibre.
double electrons_per_flux(const throughput& t, double wavelength, double step, double seconds) {
    const bool passes = wavelength >= t.instrument.first() && wavelength <= t.instrument.last();
    const double photons = flux_unit * t.area * seconds * step * wavelength / planck_times_c;
    return passes ? photons * t.instrument.at(wavelength) : 0;
}

// The part of a line with a Gaussian profile that falls in the bin.
double part_within(double low, double high, double center, double sigma) {
    const double scale = 1 / (std::numbers::sqrt2 * sigma);
    return (std::erf((high - center) * scale) - std::erf((low - center) * scale)) / 2;
}

// Mean flux in bins, 1e-17 erg/s/cm^2/Angstrom, above the atmosphere.
class star_light {
public:
    explicit star_light(common::random_stream& random) : flux_(200 * std::exp(0.3 * normal(random))) {}

    // The far side of a hot black body, with the absorption lines of hydrogen.
    double mean(double low, double high) const {
        const double middle = (low + high) / 2;
        double flux = flux_ * std::pow(middle / 6500, -2.5);
        for (const double line : {3889.05, 3970.07, 4101.73, 4340.46, 4861.32, 6562.79}) {
            constexpr double width = 8, depth = 12; // Angstrom: the line's sigma, and what it takes away
            flux *= 1 - depth / (high - low) * part_within(low, high, line, width);
        }
        return flux;
    }

private:
    double flux_;
};

class galaxy_light {
public:
    explicit galaxy_light(common::random_stream& random) {
        redshift_ = 0.1 + 1.1 * random.uniform();
        continuum_ = std::exp(-0.5 + 0.7 * normal(random));
        line_flux_ = std::exp(2.5 + 0.8 * normal(random));
        velocity_ = 60 + 100 * random.uniform();
    }

    double mean(double low, double high) const {
        struct line {
            double wavelength, strength;
        };
        constexpr std::array<line, 9> lines = {{{3727.09, 0.8},
                                                {3729.88, 1.0},
                                                {4340.46, 0.2},
                                                {4861.32, 0.4},
                                                {4958.91, 0.3},
                                                {5006.84, 0.9},
                                                {6548.05, 0.3},
                                                {6562.79, 1.2},
                                                {6583.45, 0.6}}};
        const double stretch = 1 + redshift_;
        double flux = continuum((low + high) / 2 / stretch);
        for (const line& l : lines) {
            const double center = l.wavelength * stretch, sigma = center * velocity_ / light_speed;
            flux += line_flux_ * l.strength * part_within(low, high, center, sigma) / (high - low);
        }
        return flux;
    }

private:
    // Old stars give little light below 4000 Angstrom.
    double continuum(double rest_wavelength) const {
        const double above_break = 1 / (1 + std::exp((4000 - rest_wavelength) / 15));
        return continuum_ * (0.5 + 0.5 * above_break) * std::pow(rest_wavelength / 4000, -0.3);
    }

    double redshift_ = 0, continuum_ = 0;
    double line_flux_ = 0; // of the strongest, about: 1e-17 erg/s/cm^2
    double velocity_ = 0;  // sigma of the lines, km/s
};

template <class Light>
void add_object(const Light& object, const throughput& t, const wavelength_grid& bins, double seconds,
                double* electrons) {
    const std::vector<double> wavelength = bins.values();
    for (std::size_t i = 0; i < wavelength.size(); ++i) {
        const double w = wavelength[i];
        const double arrives = std::pow(10, -0.4 * t.extinction.at(w)) * t.fiber_input.at(w);
        electrons[i] += arrives * electrons_per_flux(t, w, bins.step, seconds) *
                        object.mean(w - bins.step / 2, w + bins.step / 2);
    }
}

} // namespace

source source_of(std::size_t fiber) {
    const std::size_t in_bundle = fiber % 25;
    if (in_bundle == 5) return source::star;
    return in_bundle == 8 || in_bundle == 20 ? source::sky : source::galaxy;
}

std::vector<double> sky_electrons(const curve& sky, const throughput& t, const wavelength_grid& bins,
                                  double seconds) {
    const std::vector<double> wavelength = bins.values();
    sky.require(wavelength.front() - bins.step / 2, wavelength.back() + bins.step / 2);
    const double solid_angle = std::numbers::pi / 4 * t.fiber_diameter * t.fiber_diameter;
    std::vector<double> electrons(wavelength.size());
    for (std::size_t i = 0; i < wavelength.size(); ++i) {
        const double w = wavelength[i];
        // Where the sky is dark, tables have values below zero, which are noise.
        const double brightness = std::max(sky.mean(w - bins.step / 2, w + bins.step / 2), 0.0);
        electrons[i] = brightness * solid_angle * electrons_per_flux(t, w, bins.step, seconds);
    }
    return electrons;
}

std::vector<double> electrons(const curve& sky, const throughput& t, fiber_range fibers,
                              const wavelength_grid& bins, const exposing& how) {
    const std::vector<double> from_sky = sky_electrons(sky, t, bins, how.seconds);
    const std::size_t n = from_sky.size();
    std::vector<double> all;
    all.reserve(fibers.count() * n);
    for (std::size_t fiber = fibers.first; fiber < fibers.last; ++fiber) {
        common::random_stream random(how.seed, 0, fiber);
        const double transmission = 1 - 0.1 * random.uniform();
        std::vector<double> one = from_sky;
        switch (source_of(fiber)) {
        case source::star: add_object(star_light(random), t, bins, how.seconds, one.data()); break;
        case source::galaxy: add_object(galaxy_light(random), t, bins, how.seconds, one.data()); break;
        case source::sky: break;
        }
        for (const double e : one) all.push_back(transmission * e);
    }
    return all;
}

} // namespace spectra
