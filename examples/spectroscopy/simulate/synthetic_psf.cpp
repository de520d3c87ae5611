// SPDX-License-Identifier: BSD-3-Clause
#include "simulate/synthetic_psf.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "common/fits.hpp"
#include "common/output.hpp"
#include "program.hpp"

namespace spectra {
namespace {

constexpr double pitch = 7.3, bundle_gap = 9.7, margin = 24; // pixels
constexpr double angstroms_per_pixel = 0.54;
constexpr std::size_t trace_terms = 7, shape_terms = 4;

double as_double(std::size_t n) { return static_cast<double>(n); }

// Where a fibre is among the 500 of a whole spectrograph: -1 to 1.
double place_of(std::size_t fiber) { return (as_double(fiber) - 249.5) / 250; }

// terms(fiber) fills in the coefficients of one fibre, which are zero before.
template <class Terms>
fiber_series series(std::size_t fibers, destrier::legendre::domain over, std::size_t terms,
                    Terms&& fill) {
    fiber_series s{over, terms, std::vector<double>(fibers * terms)};
    for (std::size_t f = 0; f < fibers; ++f) fill(f, s.coefficients.data() + f * terms);
    return s;
}

void add_traces(psf& p, destrier::legendre::domain over) {
    p.x = series(p.fibers, over, trace_terms, [](std::size_t f, double* c) {
        const double v = place_of(f);
        c[0] = margin + 8 + pitch * as_double(f) + bundle_gap * as_double(f / 25);
        c[1] = 6 * v;
        c[2] = 3 * v;
        c[4] = -1.8 * v;
    });
    // Rows -0.5 to 1.02 ny, and a few fewer in the middle of the spectrograph.
    const double rows = as_double(p.ny);
    p.y = series(p.fibers, over, trace_terms, [rows](std::size_t f, double* c) {
        const double v = place_of(f);
        c[2] = 0.015 * rows;
        c[1] = (1.02 * rows + 0.5) / 2;
        c[0] = (1.02 * rows - 0.5) / 2 - c[2] - 0.005 * rows * (1 - v * v);
    });
}

void add_shapes(psf& p, destrier::legendre::domain over) {
    static constexpr double higher[] = {0.063, 0.058, -0.015};
    p.sigma_x = series(p.fibers, over, shape_terms, [](std::size_t f, double* c) {
        c[0] = 1.04 + 0.02 * std::sin(0.3 * as_double(f));
        c[1] = 0.052;
        c[2] = 0.039;
        c[3] = 0.024;
    });
    p.sigma_y = series(p.fibers, over, shape_terms, [&](std::size_t, double* c) {
        c[0] = 1.11;
        for (std::size_t k = 1; k < shape_terms; ++k) c[k] = higher[k - 1];
    });
    for (std::size_t i = 0; i <= p.degree_x; ++i) {
        for (std::size_t j = 0; j <= p.degree_y; ++j) {
            p.gauss_hermite.push_back(series(p.fibers, over, shape_terms, [&](std::size_t f, double* c) {
                if (i + j == 0) { // as in DESI's files: 1, and then what sigma_y has
                    c[0] = 1;
                    for (std::size_t k = 1; k < shape_terms; ++k) c[k] = higher[k - 1];
                    return;
                }
                const double size = 0.02 * std::exp(-0.5 * as_double(i + j - 1));
                const double phase = 1.3 * as_double(i) + 2.1 * as_double(j) + 0.05 * as_double(f);
                for (std::size_t k = 0; k < shape_terms; ++k)
                    c[k] = size / as_double(k + 1) * std::cos(phase + as_double(k));
            }));
        }
    }
}

void write_trace(common::fits::output_file& file, const std::string& name, const psf& p,
                 const fiber_series& trace) {
    file.write_image<double>(name, {p.fibers, trace.terms}, trace.coefficients);
    file.write_key("FIBERMIN", 0LL);
    file.write_key("FIBERMAX", static_cast<long long>(p.fibers) - 1);
    file.write_key("WAVEMIN", trace.wavelengths.a);
    file.write_key("WAVEMAX", trace.wavelengths.b);
    file.write_key("PSFTYPE", "GAUSS-HERMITE");
    file.write_key("PSFVER", 3LL);
}

// The parameters in the order of specex, one row of the table each.
class parameter_rows {
public:
    explicit parameter_rows(std::size_t fibers) : fibers_(fibers) {}

    void add(const std::string& name, const fiber_series& s) {
        names.push_back(name);
        coefficients.insert(coefficients.end(), s.coefficients.begin(), s.coefficients.end());
    }
    void add(const std::string& name, double constant) {
        names.push_back(name);
        for (std::size_t f = 0; f < fibers_; ++f) {
            coefficients.push_back(constant);
            coefficients.insert(coefficients.end(), shape_terms - 1, 0.0);
        }
    }

    std::vector<std::string> names;
    std::vector<double> coefficients;

private:
    std::size_t fibers_;
};

parameter_rows rows_of(const psf& p) {
    parameter_rows rows(p.fibers);
    rows.add("GHSIGX", p.sigma_x);
    rows.add("GHSIGY", p.sigma_y);
    for (std::size_t j = 0; j <= p.degree_y; ++j) {
        for (std::size_t i = 0; i <= p.degree_x; ++i) {
            rows.add("GH-" + std::to_string(i) + "-" + std::to_string(j),
                     p.gauss_hermite[i * (p.degree_y + 1) + j]);
        }
    }
    rows.add("TAILAMP", 0);
    for (const char* name : {"TAILCORE", "TAILXSCA", "TAILYSCA"}) rows.add(name, 1);
    rows.add("TAILINDE", 2);
    for (const char* name : {"BUNDLE", "STATUS", "CONT"}) rows.add(name, 0);
    return rows;
}

void write_shapes(common::fits::output_file& file, const psf& p) {
    const parameter_rows rows = rows_of(p);
    const std::size_t n = rows.names.size();
    file.write_table("PSF", n,
                     {{"PARAM", "8A"},
                      {"COEFF", std::to_string(p.fibers * shape_terms) + "D", {p.fibers, shape_terms}},
                      {"LEGDEGX", "J"},
                      {"LEGDEGW", "J"}});
    file.write_column("PARAM", rows.names);
    file.write_column("COEFF", rows.coefficients);
    file.write_column("LEGDEGX", std::vector<double>(n, 1));
    file.write_column("LEGDEGW", std::vector<double>(n, as_double(shape_terms - 1)));
    file.write_key("PSFTYPE", "GAUSS-HERMITE");
    file.write_key("PSFVER", "3");
    file.write_key("CAMERA", "'" + p.camera + "'"); // quoted within the quotes of FITS, as specex does
    const auto write_number = [&](const std::string& key, std::size_t value) {
        file.write_key(key, static_cast<long long>(value));
    };
    write_number("NPIX_X", p.nx);
    write_number("NPIX_Y", p.ny);
    write_number("HSIZEX", p.half_x);
    write_number("HSIZEY", p.half_y);
    write_number("FIBERMIN", 0);
    write_number("FIBERMAX", p.fibers - 1);
    write_number("NPARAMS", n - 2); // specex does not count STATUS and CONT
    write_number("LEGDEG", shape_terms - 1);
    write_number("GHDEGX", p.degree_x);
    write_number("GHDEGY", p.degree_y);
    file.write_key("WAVEMIN", p.sigma_x.wavelengths.a);
    file.write_key("WAVEMAX", p.sigma_x.wavelengths.b);
    file.write_key("CREATOR", program_name());
}

} // namespace

psf synthetic_psf(std::size_t fibers, std::size_t rows, double first_wavelength) {
    psf p;
    p.camera = "r0";
    p.fibers = fibers;
    p.half_x = 8;
    p.half_y = 5;
    p.degree_x = p.degree_y = 6;
    p.ny = rows;
    const double last = first_wavelength + std::ceil(1.02 * as_double(rows) * angstroms_per_pixel);
    add_traces(p, {first_wavelength, last});
    add_shapes(p, {first_wavelength, last + 1}); // another domain, as in DESI's files
    p.nx = static_cast<std::size_t>(p.x.coefficients[(fibers - 1) * trace_terms] + margin + 8);
    return p;
}

void write_synthetic_psf(const synthetic_psf_options& options) {
    const psf p = synthetic_psf(options.fibers, options.rows, options.first_wavelength);
    common::fits::require_plain_name(options.output);
    common::staged_file staged(options.output, options.overwrite);
    common::fits::output_file file(staged.part());
    write_trace(file, "XTRACE", p, p.x);
    write_trace(file, "YTRACE", p, p.y);
    write_shapes(file, p);
    file.close();
    staged.commit();
    std::printf("%s: a PSF of %zu fibres for a CCD of %zu x %zu pixels, %g to %g Angstrom\n",
                options.output.c_str(), p.fibers, p.nx, p.ny, p.y.wavelengths.a, p.y.wavelengths.b);
}

} // namespace spectra
