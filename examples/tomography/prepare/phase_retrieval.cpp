// SPDX-License-Identifier: BSD-3-Clause
#include "prepare/phase_retrieval.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/fft.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

#include "fft_kernels.hpp"

namespace tomo {
namespace {

using destrier::buffer;
using destrier::view;

constexpr double pi = std::numbers::pi;
constexpr double wavelength_cm_kev = 1.239841984e-7; // h c
constexpr std::size_t lanes = destrier::line<float>;

// The margin in L and pixels. What the kernel holds beyond |x| or |y| = r is 2 exp(-r / L). The sampled kernel has
// ripples besides, for H has an edge where frequencies end: they fall as 1 / r^2, and matter to blurs of few pixels.
constexpr double blurs_in_margin = 8;
constexpr std::size_t ripples = 24;

constexpr std::size_t most_blur = 64; // on any detector; on a wide one an eighth of it

void require_positive(const char* name, double value, const char* unit) {
    if (value > 0 && std::isfinite(value)) return;
    char text[160];
    std::snprintf(text, sizeof text, "propagation: %s is %g%s, expected a positive number", name, value,
                  unit);
    throw std::runtime_error(text);
}

// The first rows of a real plane, zeros in the others, and half of its spectrum.
class plane {
public:
    plane(const destrier::fft::plan_2d_r2c<float>& plan, std::size_t rows)
        : plan_(plan), rows_(rows), half_(plan.columns() / 2 + 1), values_(rows * plan.columns()),
          spectrum_(2 * plan.rows() * half_), scratch_(plan.scratch_size()) {}

    view<float, 2> values() { return {values_.data(), {rows_, plan_.columns()}}; }
    view<std::complex<float>, 2> spectrum() {
        return {reinterpret_cast<std::complex<float>*>(spectrum_.data()), {plan_.rows(), half_}};
    }
    void to_spectrum() {
        plan_.forward(values(), spectrum(), scratch_.span(), 1, 1, {.in = {0, rows_}, .out = {}});
    }
    static std::size_t bytes(const destrier::fft::plan_2d_r2c<float>& plan) {
        const std::size_t half = plan.columns() / 2 + 1;
        return sizeof(float) * (plan.rows() * (plan.columns() + 2 * half) + plan.scratch_size());
    }
    /// Values of `count` rows from the spectrum, in place of the first ones.
    view<float, 2> from_spectrum(std::size_t first, std::size_t count) {
        const view<float, 2> some = values().slice(0, 0, count);
        plan_.backward(spectrum(), some, scratch_.span(), 1, 1, {.in = {}, .out = {first, count}});
        return some;
    }

private:
    const destrier::fft::plan_2d_r2c<float>& plan_;
    std::size_t rows_, half_;
    buffer<float> values_, spectrum_, scratch_;
};

// The frequency of bin k of n, in cycles per sample.
double frequency(std::size_t k, std::size_t n) {
    return static_cast<double>(std::min(k, n - k)) / static_cast<double>(n);
}

// kernel(|y|, |x|) for y and x up to the margin, of a whole sum of 1. It is that of a torus so large that what
// comes round is less than what is cut off.
template <class Transfer>
std::vector<double> cut_kernel(std::size_t margin, Transfer&& transfer) {
    const std::size_t n = destrier::fft::good_size_real(std::max<std::size_t>(3 * margin, 256));
    const destrier::fft::plan_2d_r2c<float> plan(n, n);
    plane torus(plan, n);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t l = 0; l <= n / 2; ++l) {
            torus.spectrum()(k, l) = static_cast<float>(transfer(frequency(l, n), frequency(k, n)));
        }
    }
    const view<float, 2> values = torus.from_spectrum(0, n);
    std::vector<double> kernel((margin + 1) * (margin + 1));
    double sum = 0;
    for (std::size_t y = 0; y <= margin; ++y) {
        for (std::size_t x = 0; x <= margin; ++x) {
            const double value = values(y, x);
            kernel[y * (margin + 1) + x] = value;
            sum += (y > 0 ? 2 : 1) * (x > 0 ? 2 : 1) * value;
        }
    }
    for (double& value : kernel) value /= sum;
    return kernel;
}

// Rows and columns with a margin on either side, and more up to sizes that the transform likes.
destrier::fft::plan_2d_r2c<float> plan_for(std::size_t rows, std::size_t columns, std::size_t margin) {
    const std::size_t lines = (columns + 2 * margin + lanes - 1) / lanes;
    return {destrier::fft::good_size(rows + 2 * margin), lanes * destrier::fft::good_size(lines)};
}

// The cut kernel's own spectrum on the plan's torus, real since the kernel is even, with the scale of the
// transforms there and back.
buffer<float> response_of(const std::vector<double>& kernel, std::size_t margin,
                          const destrier::fft::plan_2d_r2c<float>& plan) {
    const std::size_t rows = plan.rows(), columns = plan.columns();
    plane torus(plan, plan.rows());
    for (std::size_t y = 0; y <= margin; ++y) {
        for (std::size_t x = 0; x <= margin; ++x) {
            const auto value = static_cast<float>(kernel[y * (margin + 1) + x]);
            for (const std::size_t row : {y, (rows - y) % rows}) {
                for (const std::size_t column : {x, (columns - x) % columns}) {
                    torus.values()(row, column) = value;
                }
            }
        }
    }
    torus.to_spectrum();
    const view<std::complex<float>, 2> spectrum = torus.spectrum();
    const float scale = 1 / static_cast<float>(rows * columns);
    buffer<float> response(spectrum.size());
    for (std::size_t i = 0; i < response.size(); ++i) {
        response.data()[i] = scale * spectrum.data()[i].real();
    }
    return response;
}

// Copies a projection into a plane, its edges repeated: row i of the plane is row i - shift of in.
void spread(view<const float, 2> in, std::size_t shift, std::size_t margin, view<float, 2> out) {
    const std::size_t columns = in.extent(1);
    for (std::size_t i = 0; i < out.extent(0); ++i) {
        const float* const from = &in(std::clamp(i, shift, shift + in.extent(0) - 1) - shift, 0u);
        float* const to = &out(i, 0u);
        std::fill_n(to, margin, from[0]);
        std::copy_n(from, columns, to + margin);
        std::fill_n(to + margin + columns, margin, from[columns - 1]);
        std::fill(to + columns + 2 * margin, to + out.extent(1), 0.0f);
    }
}

void multiply(view<std::complex<float>, 2> spectrum, const float* response) {
    for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum.data()[i] *= response[i];
}

} // namespace

double blur_of(const paganin_options& o) {
    require_positive("pixel size", o.pixel_cm, " cm");
    require_positive("distance", o.distance_cm, " cm");
    require_positive("energy", o.energy_kev, " keV");
    require_positive("delta / beta", o.delta_beta, "");
    const double wavelength = wavelength_cm_kev / o.energy_kev;
    return std::sqrt(wavelength * o.distance_cm * o.delta_beta / (4 * pi)) / o.pixel_cm;
}

phase_retrieval::phase_retrieval(const paganin_options& options, std::size_t columns)
    : blur_(blur_of(options)), columns_(columns) {
    const std::size_t most = std::max(most_blur, columns / 8);
    if (blur_ > static_cast<double>(most)) {
        throw std::runtime_error("phase retrieval: the filter would blur over " + std::to_string(blur_) +
                                 " pixels, expected at most " + std::to_string(most) +
                                 ": are pixel size, distance and energy in the right units?");
    }
    margin_ = static_cast<std::size_t>(std::ceil(blurs_in_margin * blur_)) + ripples;
    kernel_ = cut_kernel(margin_, [this](double u, double v) { return transfer(u, v); });
}

double phase_retrieval::transfer(double u, double v) const noexcept {
    return 1 / (1 + 4 * pi * pi * blur_ * blur_ * (u * u + v * v));
}

std::size_t phase_retrieval::scratch_bytes(std::size_t rows, int threads) const {
    const destrier::fft::plan_2d_r2c<float> plan = plan_for(rows, columns_, margin_);
    return sizeof(float) * plan.rows() * (plan.columns() / 2 + 1) + // the response
           static_cast<std::size_t>(destrier::thread_count(threads)) * plane::bytes(plan);
}

void phase_retrieval::apply(const_projections in, std::size_t above, projections out,
                            int threads) const {
    const std::size_t rows = out.extent(1);
    if (in.extent(0) != out.extent(0) || in.extent(1) < above + rows || in.extent(2) != columns_ ||
        out.extent(2) != columns_) {
        const auto shape = [](const_projections p) {
            return "(" + std::to_string(p.extent(0)) + ", " + std::to_string(p.extent(1)) + ", " +
                   std::to_string(p.extent(2)) + ")";
        };
        throw std::invalid_argument("phase_retrieval::apply: in is " + shape(in) + " with " +
                                    std::to_string(above) + " rows above, out " + shape(out) +
                                    ", expected the angles and the rows of out in it, and " +
                                    std::to_string(columns_) + " columns");
    }
    if (out.size() == 0) return;
    // Rows out of reach are left alone.
    const std::size_t top = std::min(above, margin_);
    const std::size_t bottom = std::min(in.extent(1) - above - rows, margin_);
    const const_projections near = in.slice(1, above - top, top + rows + bottom);

    const destrier::fft::plan_2d_r2c<float> plan = plan_for(rows, columns_, margin_);
    const buffer<float> response = response_of(kernel_, margin_, plan);
    destrier::parallel_ranges(
        out.extent(0), threads, [&](std::size_t angle, std::size_t end, std::size_t) {
            plane work(plan, rows + 2 * margin_);
            for (; angle < end; ++angle) {
                spread(near.at(0, angle), margin_ - top, margin_, work.values());
                work.to_spectrum();
                multiply(work.spectrum(), response.data());
                const view<float, 2> filtered = work.from_spectrum(margin_, rows);
                for (std::size_t row = 0; row < rows; ++row) {
                    std::copy_n(&filtered(row, margin_), columns_, &out(angle, row, 0u));
                }
            }
        });
}

} // namespace tomo
