// SPDX-License-Identifier: BSD-3-Clause
#include "exposure/psf.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include <destrier/legendre/eval.hpp>

#include "common/fits.hpp"
#include "common/shape.hpp"

namespace spectra {
namespace {

using extents = std::vector<std::size_t>;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
    throw std::runtime_error(where + ": " + what);
}

void require_finite(const fiber_series& series, const std::string& where) {
    const bool finite = std::all_of(series.coefficients.begin(), series.coefficients.end(),
                                    [](double c) { return std::isfinite(c); });
    if (!finite) refuse(where, "has a coefficient that is not a number, expected finite ones");
    const auto [a, b] = series.wavelengths;
    if (!(std::isfinite(a) && std::isfinite(b) && a < b)) {
        refuse(where, "is for wavelengths " + std::to_string(a) + " to " + std::to_string(b) +
                          ", expected an increasing range");
    }
}

// "GHSIGX" and the others by name, of all fibres.
class parameter_table {
public:
    explicit parameter_table(const common::fits::hdu& table)
        : name_(table.name()), shape_(table.column_shape("COEFF")),
          coefficients_(table.numbers("COEFF")) {
        const std::vector<std::string> names = table.texts("PARAM");
        for (std::size_t row = 0; row < names.size(); ++row) rows_[names[row]] = row;
        if (shape_.size() != 2 || shape_[0] == 0 || shape_[1] == 0)
            refuse(name_, "an element of COEFF is " + common::shape_text(shape_) +
                              ", expected (fibres, terms)");
        read_domains(table);
    }

    std::size_t fibers() const noexcept { return shape_[0]; }

    fiber_series operator[](const std::string& parameter) const {
        const auto found = rows_.find(parameter);
        if (found == rows_.end()) refuse(name_, "has no row " + parameter + " in PARAM, expected one");
        const std::size_t size = shape_[0] * shape_[1];
        const auto first = coefficients_.begin() + static_cast<std::ptrdiff_t>(found->second * size);
        fiber_series series{
            domains_[found->second], shape_[1], {first, first + static_cast<std::ptrdiff_t>(size)}};
        require_finite(series, name_ + ", row " + parameter);
        return series;
    }

    bool is_zero(const std::string& parameter) const {
        if (!rows_.contains(parameter)) return true;
        const fiber_series series = (*this)[parameter];
        return std::all_of(series.coefficients.begin(), series.coefficients.end(),
                           [](double c) { return c == 0; });
    }

private:
    // Columns until version 2, keywords since.
    void read_domains(const common::fits::hdu& table) {
        const std::size_t count = table.rows();
        const bool columns = table.has_column("WAVEMIN") && table.has_column("WAVEMAX");
        const std::vector<double> low =
            columns ? table.numbers("WAVEMIN") : std::vector(count, table.required_number("WAVEMIN"));
        const std::vector<double> high =
            columns ? table.numbers("WAVEMAX") : std::vector(count, table.required_number("WAVEMAX"));
        for (std::size_t row = 0; row < count; ++row) domains_.push_back({low[row], high[row]});
    }

    std::string name_;
    extents shape_; // (fibers, terms)
    std::vector<double> coefficients_;
    std::vector<destrier::legendre::domain> domains_;
    std::map<std::string, std::size_t> rows_;
};

// XTRACE or YTRACE, whose range of wavelengths is its own.
fiber_series read_trace(const common::fits::input_file& file, const std::string& name,
                        std::size_t fibers) {
    const common::fits::hdu image = file[name];
    const extents shape = image.shape();
    if (shape.size() != 2 || shape[0] != fibers || shape[1] == 0) {
        refuse(image.name(), "is " + common::shape_text(shape) + ", expected (" +
                                 std::to_string(fibers) + ", terms), as the PSF table is for " +
                                 std::to_string(fibers) + " fibres");
    }
    fiber_series series{{image.required_number("WAVEMIN"), image.required_number("WAVEMAX")},
                        shape[1],
                        image.image<double>()};
    require_finite(series, image.name());
    return series;
}

void require_gauss_hermite(const common::fits::hdu& header) {
    const std::string type = header.text("PSFTYPE").value_or("missing");
    if (type != "GAUSS-HERMITE")
        refuse(header.name(), "PSFTYPE is " + type + ", expected GAUSS-HERMITE");
}

std::size_t fibers_named(const common::fits::hdu& table) {
    const std::size_t first = table.whole_number("FIBERMIN", 0, 1u << 20);
    return table.whole_number("FIBERMAX", first, 1u << 20) - first + 1;
}

void read_expansion(psf& p, const common::fits::hdu& table, const parameter_table& parameters) {
    p.half_x = table.whole_number("HSIZEX", 0, 1000);
    p.half_y = table.whole_number("HSIZEY", 0, 1000);
    p.degree_x = table.whole_number("GHDEGX", 0, 100);
    p.degree_y = table.whole_number("GHDEGY", 0, 100);
    p.sigma_x = parameters["GHSIGX"];
    p.sigma_y = parameters["GHSIGY"];
    for (std::size_t i = 0; i <= p.degree_x; ++i) {
        for (std::size_t j = 0; j <= p.degree_y;
             ++j) // GH-0-0 is a series, too: specex does not keep it at 1
            p.gauss_hermite.push_back(parameters["GH-" + std::to_string(i) + "-" + std::to_string(j)]);
    }
    if (!parameters.is_zero("TAILAMP")) {
        p.tails = psf_tails{parameters["TAILAMP"], parameters["TAILCORE"], parameters["TAILXSCA"],
                            parameters["TAILYSCA"], parameters["TAILINDE"]};
    }
}

} // namespace

void fiber_series::evaluate(std::size_t first, std::span<const double> at,
                            destrier::view<double, 2> out) const {
    const destrier::view<const double, 2> series(coefficients.data() + first * terms,
                                                 {out.extent(0), terms});
    destrier::legendre::eval<double>(at, series, out, {.domain = wavelengths});
}

psf read_psf(const std::filesystem::path& path) {
    const common::fits::input_file file(path);
    require_gauss_hermite(file[0]);
    const bool traces_in_table = file[0].required_number("PSFVER") < 3;
    const common::fits::hdu table = traces_in_table ? file[1] : file["PSF"];
    require_gauss_hermite(table);
    const parameter_table parameters(table);

    psf p;
    p.camera = table.text("CAMERA").value_or("");
    p.fibers = fibers_named(table);
    if (parameters.fibers() != p.fibers) {
        refuse(table.name(), "COEFF is for " + std::to_string(parameters.fibers()) +
                                 " fibres, FIBERMIN and "
                                 "FIBERMAX for " +
                                 std::to_string(p.fibers));
    }
    if (table.number("NPIX_X")) p.nx = table.whole_number("NPIX_X", 0, 1u << 20);
    if (table.number("NPIX_Y")) p.ny = table.whole_number("NPIX_Y", 0, 1u << 20);
    p.model_error = table.number("PSFERR").value_or(p.model_error);
    p.x = traces_in_table ? parameters["X"] : read_trace(file, "XTRACE", p.fibers);
    p.y = traces_in_table ? parameters["Y"] : read_trace(file, "YTRACE", p.fibers);
    read_expansion(p, table, parameters);
    return p;
}

} // namespace spectra
