// SPDX-License-Identifier: BSD-3-Clause
#include "extract/spots.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <destrier/legendre/family.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

#include "extract/gaussian.hpp"

namespace spectra {
namespace {

using destrier::buffer;
using V = destrier::batch<double>; // one wavelength a lane

constexpr std::size_t lanes = destrier::width<double>;

// Wavelengths that are worked on together: the parameters of 25 fibres then fill half of a 2 MB L2 cache.
constexpr std::size_t largest_tile = 64;

// Register tiles of contract(): with 12 sums and 4 factors it needs all 16 registers of AVX2.
constexpr std::size_t row_tile = 4, column_tile = 3;

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// The pixel that a place is in: the nearest whole number, the higher one of two.
V pixel_of(V place) {
    const V to_integer(0x1.8p52); // its neighbours are 1 apart
    const V nearest = (place + to_integer) - to_integer;
    return xsimd::select(place - nearest == V(0.5), nearest + V(1.0), nearest);
}

// base^exponent; only tails, which few PSFs have, ask for it.
V power(V base, V exponent) {
    alignas(64) double b[lanes], e[lanes];
    base.store_aligned(b);
    exponent.store_aligned(e);
    for (std::size_t i = 0; i < lanes; ++i) b[i] = std::pow(b[i], e[i]);
    return V::load_aligned(b);
}

// out[r][c] = sum_k a[k][r] b[k][c], a matrix product for each lane. Rows and columns are multiples of the
// register tiles.
void contract(const V* a, std::size_t rows, const V* b, std::size_t columns, std::size_t terms, V* out,
              std::size_t out_pitch) {
    for (std::size_t r = 0; r < rows; r += row_tile) {
        for (std::size_t c = 0; c < columns; c += column_tile) {
            V sum[row_tile * column_tile];
            destrier::unroll<row_tile * column_tile>([&](auto i) DESTRIER_UNROLLED { sum[i] = V(0.0); });
            for (std::size_t k = 0; k < terms; ++k) {
                V factor[column_tile];
                destrier::unroll<column_tile>(
                    [&](auto j) DESTRIER_UNROLLED { factor[j] = b[k * columns + c + j]; });
                destrier::unroll<row_tile>([&](auto i) DESTRIER_UNROLLED {
                    const V row = a[k * rows + r + i];
                    destrier::unroll<column_tile>([&](auto j) DESTRIER_UNROLLED {
                        sum[i * column_tile + j] =
                            destrier::fmadd(row, factor[j], sum[i * column_tile + j]);
                    });
                });
            }
            destrier::unroll<row_tile>([&](auto i) DESTRIER_UNROLLED {
                destrier::unroll<column_tile>([&](auto j) DESTRIER_UNROLLED {
                    out[(r + i) * out_pitch + c + j] = sum[i * column_tile + j];
                });
            });
        }
    }
}

// Values of all series of the PSF for all fibres at a tile of wavelengths.
class parameters {
public:
    parameters(const psf& p, std::size_t first, std::size_t count)
        : first_(first), count_(count), series_{&p.x, &p.y, &p.sigma_x, &p.sigma_y} {
        for (const fiber_series& s : p.gauss_hermite) series_.push_back(&s);
        if (p.tails) {
            const psf_tails& t = *p.tails;
            for (const fiber_series* s : {&t.amplitude, &t.core, &t.x_scale, &t.y_scale, &t.index}) {
                series_.push_back(s);
            }
        }
        values_ = buffer<double>(series_.size() * count * largest_tile);
    }

    void evaluate(std::span<const double> wavelengths) {
        for (std::size_t s = 0; s < series_.size(); ++s) {
            const destrier::view<double, 2> rows(values_.data() + s * count_ * largest_tile,
                                                 {count_, wavelengths.size()},
                                                 {static_cast<std::ptrdiff_t>(largest_tile), 1});
            series_[s]->evaluate(first_, wavelengths, rows);
        }
    }

    V operator()(std::size_t series, std::size_t fiber, std::size_t wave) const {
        return V::load_aligned(values_.data() + (series * count_ + fiber) * largest_tile + wave);
    }

private:
    std::size_t first_, count_;
    std::vector<const fiber_series*> series_; // x, y, sigmas, Gauss-Hermite, tails
    buffer<double> values_;                   // (series, fibers, largest_tile)
};

enum : std::size_t { series_x, series_y, series_sigma_x, series_sigma_y, series_gauss_hermite };

// One dimension of a spot: 2 half + 1 pixels, Gauss-Hermite functions of degree 0 .. degree.
class profile {
public:
    profile(std::size_t half, std::size_t degree, std::size_t padded_to)
        : half_(half), degree_(degree), pitch_(round_up(pixels(), padded_to)),
          at_edges_((degree + 1) * (pixels() + 1)), integrals_((degree + 1) * pitch_) {}

    std::size_t pixels() const { return 2 * half_ + 1; }
    std::size_t pitch() const { return pitch_; }
    std::size_t terms() const { return degree_ + 1; }

    // The functions integrated over the pixels around a centre that lies `offset` from the middle one's:
    // (terms, pitch), zero in the padding.
    //
    //   int He_k(e) g(e) de = -He_{k-1}(e) g(e),  g the normal density
    const V* integrate(V offset, V sigma) {
        const std::size_t n = pixels();
        for (std::size_t i = 0; i <= n; ++i) {
            const V e = (V(static_cast<double>(i) - static_cast<double>(half_) - 0.5) - offset) / sigma;
            const normal_distribution normal = normal_at(e);
            at_edges_[i] =
                xsimd::select(e < V(0.0), V(0.0) - normal.tail, normal.tail); // its sign says the side
            V before(0.0), h = normal.density;
            for (std::size_t k = 1; k <= degree_; ++k) {
                at_edges_[k * (n + 1) + i] = h;
                const V next =
                    destrier::fnmadd(V(destrier::hermite_e_family::back(k - 1)), before, e * h);
                before = h;
                h = next;
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            const V left = at_edges_[i], right = at_edges_[i + 1];
            const V inside = left - right;
            integrals_[i] = xsimd::select(inside < V(0.0), V(1.0) + inside, inside);
        }
        for (std::size_t k = 1; k <= degree_; ++k) {
            const V* edges = &at_edges_[k * (n + 1)];
            for (std::size_t i = 0; i < n; ++i) integrals_[k * pitch_ + i] = edges[i] - edges[i + 1];
        }
        return integrals_.data();
    }

private:
    std::size_t half_, degree_, pitch_;
    buffer<V> at_edges_;  // (degree + 1, pixels + 1)
    buffer<V> integrals_; // (degree + 1, pitch)
};

// The spots of one fibre at as many wavelengths as there are lanes.
class spot_maker {
public:
    spot_maker(const psf& p, const spot_table& table)
        : half_x_(static_cast<double>(p.half_x)), half_y_(static_cast<double>(p.half_y)),
          tails_at_(series_gauss_hermite + p.gauss_hermite.size()), has_tails_(p.tails), nx_(table.nx),
          ny_(table.ny), pitch_(table.pitch), x_(p.half_x, p.degree_x, column_tile),
          y_(p.half_y, p.degree_y, row_tile), coefficient_pitch_(round_up(y_.terms(), row_tile)),
          coefficients_(x_.terms() * coefficient_pitch_), rows_(coefficient_pitch_ * x_.pitch()),
          pixel_pitch_(round_up(x_.pitch(), lanes)), pixels_(y_.pitch() * pixel_pitch_) {}

    // Wavelengths wave .. wave + n - 1 of the tile go to `spots`, (n, ny, pitch), and their corners to x0, y0.
    void make(const parameters& parameter, std::size_t fiber, std::size_t wave, std::size_t n,
              double* spots, int* x0, int* y0) {
        const V x = parameter(series_x, fiber, wave), y = parameter(series_y, fiber, wave);
        const V x_pixel = pixel_of(x), y_pixel = pixel_of(y);
        const V dx = x - x_pixel, dy = y - y_pixel;
        for (std::size_t i = 0; i < x_.terms(); ++i) {
            for (std::size_t j = 0; j < y_.terms(); ++j) {
                coefficients_[i * coefficient_pitch_ + j] =
                    parameter(series_gauss_hermite + i * y_.terms() + j, fiber, wave);
            }
        }
        const V* along_x = x_.integrate(dx, parameter(series_sigma_x, fiber, wave));
        const V* along_y = y_.integrate(dy, parameter(series_sigma_y, fiber, wave));
        contract(coefficients_.data(), coefficient_pitch_, along_x, x_.pitch(), x_.terms(), rows_.data(),
                 x_.pitch());
        contract(along_y, y_.pitch(), rows_.data(), x_.pitch(), y_.terms(), pixels_.data(),
                 pixel_pitch_);
        if (has_tails_) add_tails(parameter, fiber, wave, dx, dy);
        const V sum = clip();
        store(V(1.0) / sum, n, spots);
        set_corners(x_pixel, y_pixel, sum, n, spots, x0, y0);
    }

private:
    // amplitude r^2 / (core^2 + r^2)^(1 + index / 2), r the scaled distance of pixel's centre, as specter has it.
    void add_tails(const parameters& parameter, std::size_t fiber, std::size_t wave, V dx, V dy) {
        const V amplitude = parameter(tails_at_, fiber, wave),
                core = parameter(tails_at_ + 1, fiber, wave);
        const V scale_x = parameter(tails_at_ + 2, fiber, wave),
                scale_y = parameter(tails_at_ + 3, fiber, wave);
        const V exponent = V(-1.0) - V(0.5) * parameter(tails_at_ + 4, fiber, wave);
        for (std::size_t iy = 0; iy < ny_; ++iy) {
            const V v = (V(static_cast<double>(iy) - half_y_) - dy) * scale_y;
            for (std::size_t ix = 0; ix < nx_; ++ix) {
                const V u = (V(static_cast<double>(ix) - half_x_) - dx) * scale_x;
                const V r2 = destrier::fmadd(u, u, v * v);
                const V fall = power(destrier::fmadd(core, core, r2), exponent);
                V& pixel = pixels_[iy * pixel_pitch_ + ix];
                pixel = destrier::fmadd(amplitude * r2, fall, pixel);
            }
        }
    }

    // Sets negative pixels to zero; the sum of all.
    V clip() {
        V sum(0.0);
        for (std::size_t iy = 0; iy < ny_; ++iy) {
            V row(0.0);
            for (std::size_t ix = 0; ix < nx_; ++ix) {
                V& pixel = pixels_[iy * pixel_pitch_ + ix];
                pixel = xsimd::select(pixel > V(0.0), pixel, V(0.0));
                row += pixel;
            }
            sum += row;
        }
        return sum;
    }

    void store(V scale, std::size_t n, double* spots) const {
        for (std::size_t iy = 0; iy < ny_; ++iy) {
            for (std::size_t ix = 0; ix < pitch_; ix += lanes) {
                V block[lanes];
                destrier::unroll<lanes>([&](auto i) DESTRIER_UNROLLED {
                    block[i] = pixels_[iy * pixel_pitch_ + ix + i] * scale;
                });
                destrier::transpose(block);
                double* to = spots + iy * pitch_ + ix;
                destrier::unroll<lanes>([&](auto i) DESTRIER_UNROLLED {
                    if (i < n) block[i].store_aligned(to + i * ny_ * pitch_);
                });
            }
        }
    }

    void set_corners(V x_pixel, V y_pixel, V sum, std::size_t n, double* spots, int* x0, int* y0) const {
        constexpr double far = -nowhere / 2;
        alignas(64) double x[lanes], y[lanes], sums[lanes];
        x_pixel.store_aligned(x);
        y_pixel.store_aligned(y);
        sum.store_aligned(sums);
        for (std::size_t i = 0; i < n; ++i) {
            const bool sound = std::abs(x[i]) < far && std::abs(y[i]) < far && sums[i] > 0 &&
                               sums[i] < std::numeric_limits<double>::infinity();
            if (!sound) std::fill_n(spots + i * ny_ * pitch_, ny_ * pitch_, 0.0);
            x0[i] = sound ? static_cast<int>(x[i] - half_x_) : nowhere;
            y0[i] = sound ? static_cast<int>(y[i] - half_y_) : nowhere;
        }
    }

    double half_x_, half_y_;
    std::size_t tails_at_;
    bool has_tails_;
    std::size_t nx_, ny_, pitch_; // of the spots
    profile x_, y_;
    std::size_t coefficient_pitch_;
    buffer<V> coefficients_; // (terms of x, coefficient pitch >= terms of y)
    buffer<V> rows_;         // (coefficient pitch, pitch of x)
    std::size_t pixel_pitch_;
    buffer<V> pixels_; // (pitch of y, pixel pitch)
};

} // namespace

void evaluate_spots(const psf& p, std::size_t first, std::size_t count,
                    std::span<const double> wavelengths, spot_table& out, int threads) {
    if (first + count > p.fibers) {
        throw std::invalid_argument("evaluate_spots: fibres " + std::to_string(first) + ":" +
                                    std::to_string(first + count) + " were asked for, the PSF has " +
                                    std::to_string(p.fibers));
    }
    out.first_fiber = first;
    out.fibers = count;
    out.wavelengths = wavelengths.size();
    out.nx = 2 * p.half_x + 1;
    out.ny = 2 * p.half_y + 1;
    out.pitch = round_up(out.nx, lanes);
    const std::size_t spots = destrier::product_of({count, out.wavelengths}, "the bundle");
    const std::size_t values = destrier::product_of({spots, out.ny, out.pitch}, "the spots");
    if (out.values.size() != values) out.values = buffer<double>(values, {}, threads);
    out.x0.resize(spots);
    out.y0.resize(spots);
    if (spots == 0) return;

    // Tiles of nearly one size, in whole registers.
    const std::size_t fewest = (out.wavelengths + largest_tile - 1) / largest_tile;
    const std::size_t tile = round_up((out.wavelengths + fewest - 1) / fewest, lanes);
    const std::size_t tiles = (out.wavelengths + tile - 1) / tile;
    destrier::parallel_ranges(tiles, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        parameters parameter(p, first, count);
        spot_maker maker(p, out);
        for (std::size_t t = begin; t < end; ++t) {
            const std::size_t from = t * tile, n = std::min(tile, out.wavelengths - from);
            parameter.evaluate(wavelengths.subspan(from, n));
            for (std::size_t fiber = 0; fiber < count; ++fiber) {
                for (std::size_t w = 0; w < n; w += lanes) {
                    const std::size_t at = fiber * out.wavelengths + from + w;
                    maker.make(parameter, fiber, w, std::min(lanes, n - w),
                               out.values.data() + at * out.ny * out.pitch, &out.x0[at], &out.y0[at]);
                }
            }
        }
    });
}

spot_table evaluate_spots(const psf& p, std::size_t first, std::size_t count,
                          std::span<const double> wavelengths, int threads) {
    spot_table out;
    evaluate_spots(p, first, count, wavelengths, out, threads);
    return out;
}

} // namespace spectra
