// SPDX-License-Identifier: BSD-3-Clause
//
// curves.hpp: quantities as functions of wavelength that the simulation starts from: the night sky's light, and
// how much of it reaches the CCD.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace spectra {

/// A function of wavelength (Angstrom), straight between its points.
class curve {
public:
    /// Wavelengths must increase; there must be two or more, and all values must be finite.
    ///
    /// Throws  std::runtime_error naming what, the point, and what was expected
    curve(std::string what, std::vector<double> wavelength, std::vector<double> value);

    double first() const noexcept { return wavelength_.front(); }
    double last() const noexcept { return wavelength_.back(); }

    /// The value there; beyond either end, that of the end.
    double at(double wavelength) const;
    /// The mean from low to high, both within the curve.
    double mean(double low, double high) const;

    /// Throws unless low to high lies within the curve.
    void require(double low, double high) const;

private:
    double integral(std::size_t left, double wavelength) const;
    std::size_t left_of(double wavelength) const;

    std::string what_;
    std::vector<double> wavelength_, value_;
};

/// From the light above the telescope to electrons.
struct throughput {
    curve instrument;  // electrons a photon, all between the fibre and the CCD
    curve extinction;  // of the atmosphere, magnitudes; the sky's light is what is left of it already
    curve fiber_input; // part of an object's light that enters its fibre
    double area;       // of the mirror, cm^2
    double fiber_diameter; // arcsec
};

/// The sky's brightness, 1e-17 erg/s/cm^2/Angstrom/arcsec^2: the first table with columns `wavelength` and `flux`.
///
/// Throws  std::runtime_error naming file, column and what was expected
curve read_sky(const std::filesystem::path& path);

/// The THROUGHPUT table: columns `wavelength`, `throughput`, and, where there are, `extinction` and `fiberinput`;
/// keywords GEOMAREA (cm^2) and FIBERDIA (arcsec).
///
/// Throws  std::runtime_error naming file, column or keyword and what was expected
throughput read_throughput(const std::filesystem::path& path);

/// Like the real ones, for where there are no files: a continuum with lines of OH, O, Na and Hg.
curve built_in_sky();
throughput built_in_throughput();

} // namespace spectra
