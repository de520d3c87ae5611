// SPDX-License-Identifier: BSD-3-Clause
#include "output/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/fits.hpp"
#include "common/png.hpp"
#include "common/shape.hpp"

namespace spectra {
namespace {

using common::rgb;

constexpr rgb background{16, 18, 24}, panel{24, 27, 35}, grid{52, 57, 70}, text{150, 156, 170};
constexpr rgb discarded{120, 124, 132};
constexpr std::array<rgb, 4> lines{{{255, 183, 77}, {102, 194, 255}, {140, 220, 130}, {240, 130, 170}}};
constexpr std::size_t margin = 12;

rgb mixed(rgb from, rgb to, double part) {
    const auto channel = [part](std::uint8_t a, std::uint8_t b) {
        return static_cast<std::uint8_t>(std::lround(a + (b - a) * part));
    };
    return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

class canvas {
public:
    canvas(std::size_t width, std::size_t height)
        : width_(width), height_(height), pixels_(width * height, background) {}

    std::size_t width() const noexcept { return width_; }

    /// Lays a color over a pixel; part 1 hides what was there.
    void lay(std::size_t x, std::size_t y, rgb color, double part = 1) {
        if (x >= width_ || y >= height_) return;
        rgb& pixel = pixels_[y * width_ + x];
        pixel = mixed(pixel, color, std::clamp(part, 0.0, 1.0));
    }

    void fill(std::size_t x, std::size_t y, std::size_t width, std::size_t height, rgb color,
              double part = 1) {
        for (std::size_t i = 0; i < width * height; ++i) lay(x + i % width, y + i / width, color, part);
    }

    /// A vertical stroke from top to bottom, whose ends may lie within pixels.
    void stroke(std::size_t x, double top, double bottom, rgb color, double part = 1) {
        const auto first = static_cast<std::size_t>(std::max(top, 0.0));
        for (std::size_t y = first; static_cast<double>(y) < bottom; ++y) {
            const double row = static_cast<double>(y);
            lay(x, y, color, part * (std::min(bottom, row + 1) - std::max(top, row)));
        }
    }

    /// Digits of 6 x 10 pixels; returns what they take of the width.
    std::size_t write(std::size_t x, std::size_t y, std::size_t number, rgb color) {
        // Rows of three pixels, from the top.
        static constexpr std::array<unsigned, 10> digits{075557, 026227, 071747, 071717, 055711,
                                                         074717, 074757, 071111, 075757, 075717};
        const std::string shown = std::to_string(number);
        for (std::size_t i = 0; i < shown.size(); ++i) {
            const unsigned digit = digits[static_cast<std::size_t>(shown[i] - '0')];
            for (std::size_t bit = 0; bit < 15; ++bit) {
                if ((digit >> (14 - bit) & 1) != 0)
                    fill(x + 8 * i + 2 * (bit % 3), y + 2 * (bit / 3), 2, 2, color);
            }
        }
        return 8 * shown.size();
    }

    void save(const std::filesystem::path& path) const {
        common::write_png(path, width_, std::span<const rgb>(pixels_));
    }

private:
    std::size_t width_, height_;
    std::vector<rgb> pixels_;
};

float percentile(std::vector<float> values, double fraction) {
    if (values.empty()) return 0;
    const auto rank = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

// The part of the CCD that is shown, and the size of its pixels.
struct window {
    std::size_t x = 0, y = 0, columns = 0, rows = 0, zoom = 1;
};

// The first and the last place of what is not zero, or all where nothing is.
std::pair<std::size_t, std::size_t> support(const std::vector<double>& sums) {
    const auto lit = [](double sum) { return sum > 0; };
    const auto first = std::find_if(sums.begin(), sums.end(), lit);
    const auto last = std::find_if(sums.rbegin(), sums.rend(), lit).base();
    if (first == sums.end()) return {0, sums.size()};
    return {static_cast<std::size_t>(first - sums.begin()),
            static_cast<std::size_t>(last - sums.begin())};
}

// A bundle's width at most, and the rows around the brightest one.
window chosen_window(const frame& f) {
    constexpr std::size_t most_columns = 210, width = 440, height = 720;
    std::vector<double> column_sums(f.nx), row_sums(f.ny);
    for (std::size_t i = 0; i < f.model.size(); ++i) column_sums[i % f.nx] += std::abs(f.model[i]);
    const auto [left, right] = support(column_sums);
    window w{left, 0, std::min(right - left, most_columns)};
    w.zoom = std::clamp<std::size_t>(width / w.columns, 1, 4);
    for (std::size_t y = 0; y < f.ny; ++y) {
        for (std::size_t x = w.x; x < w.x + w.columns; ++x)
            row_sums[y] += std::abs(f.model[y * f.nx + x]);
    }
    const auto [low, high] = support(row_sums);
    w.rows = std::min(high - low, height / w.zoom);
    const auto brightest =
        static_cast<std::size_t>(std::max_element(row_sums.begin(), row_sums.end()) - row_sums.begin());
    w.y = std::clamp(brightest, low + w.rows / 2, high - w.rows + w.rows / 2) - w.rows / 2;
    return w;
}

// Linear near zero, logarithmic far from it.
struct gray_scale {
    double soft, white;

    rgb operator()(float value) const {
        const double black = std::asinh(-0.5), level = std::asinh(value / soft) - black;
        const double part = std::clamp(level / (std::asinh(white / soft) - black), 0.0, 1.0);
        return mixed({0, 0, 0}, {255, 255, 255}, part);
    }
};

gray_scale scale_for(const frame& f, const window& w) {
    std::vector<float> values;
    for (std::size_t i = 0; i < w.rows * w.columns; ++i)
        values.push_back(f.model[(w.y + i / w.columns) * f.nx + w.x + i % w.columns]);
    const double soft = std::max(percentile(values, 0.5), 1.0f);
    return {soft, std::max<double>(percentile(values, 0.997), 10 * soft)};
}

rgb residual_color(double sigmas) {
    const rgb white{245, 245, 245}, blue{33, 90, 190}, red{200, 40, 40};
    return mixed(white, sigmas < 0 ? blue : red, std::min(std::abs(sigmas) / 5, 1.0));
}

class ccd_tiles {
public:
    ccd_tiles(const exposure& e, const frame& f) : e_(e), f_(f), shown_(chosen_window(f)) {}

    std::size_t width() const noexcept { return 3 * shown_.columns * shown_.zoom + 2 * margin; }
    std::size_t height() const noexcept { return shown_.rows * shown_.zoom; }

    void draw(canvas& c, std::size_t left, std::size_t top) const {
        const gray_scale gray = scale_for(f_, shown_);
        draw_tile(c, left, top, [&](std::size_t i) { return gray(e_.image[i]); });
        left += shown_.columns * shown_.zoom + margin;
        draw_tile(c, left, top, [&](std::size_t i) { return gray(f_.model[i]); });
        left += shown_.columns * shown_.zoom + margin;
        draw_tile(c, left, top, [&](std::size_t i) {
            const bool usable = (e_.mask[i] & discarded_bits) == 0 && e_.ivar[i] > 0;
            return usable ? residual_color((e_.image[i] - f_.model[i]) * std::sqrt(e_.ivar[i]))
                          : discarded;
        });
    }

private:
    template <class Color>
    void draw_tile(canvas& c, std::size_t left, std::size_t top, Color&& color_of) const {
        for (std::size_t row = 0; row < shown_.rows; ++row) {
            const std::size_t y = shown_.y + shown_.rows - 1 - row; // upwards
            for (std::size_t column = 0; column < shown_.columns; ++column) {
                c.fill(left + column * shown_.zoom, top + row * shown_.zoom, shown_.zoom, shown_.zoom,
                       color_of(y * f_.nx + shown_.x + column));
            }
        }
    }

    const exposure& e_;
    const frame& f_;
    window shown_;
};

// One fibre's spectrum in a panel.
class spectrum_panel {
public:
    static constexpr std::size_t height = 130;

    spectrum_panel(const frame& f, std::size_t fiber, std::size_t left, std::size_t top,
                   std::size_t width)
        : flux_(f.flux.data() + fiber * f.wavelength.size()),
          ivar_(f.ivar.data() + fiber * f.wavelength.size()), bins_(f.wavelength.size()), left_(left),
          top_(top), width_(width) {
        std::vector<float> valid;
        for (std::size_t i = 0; i < bins_; ++i) {
            if (ivar_[i] > 0) valid.push_back(static_cast<float>(flux_[i]));
        }
        soft_ = std::max(percentile(valid, 0.25), 1.0f);
        most_ = std::max<double>(1.3 * percentile(valid, 1), 10 * soft_);
    }

    void draw(canvas& c, rgb color) const {
        c.fill(left_, top_, width_, height, panel);
        for (double power = 10; power < most_; power *= 10) {
            if (power > soft_ / 2)
                c.fill(left_, static_cast<std::size_t>(row_of(power)), width_, 1, grid);
        }
        for (std::size_t x = 0; x < width_; ++x) draw_column(c, x, color);
    }

private:
    double row_of(double flux) const {
        const double lowest = std::asinh(-0.3), level = std::asinh(flux / soft_) - lowest;
        const double part = level / (std::asinh(most_ / soft_) - lowest);
        return static_cast<double>(top_) + (1 - std::clamp(part, 0.0, 1.0)) * (height - 1);
    }

    // Bins under a pixel's column, and the first beyond it, so that columns join.
    void draw_column(canvas& c, std::size_t x, rgb color) const {
        const std::size_t first = x * bins_ / width_,
                          last = std::min((x + 1) * bins_ / width_ + 1, bins_);
        double top = height + static_cast<double>(top_), bottom = 0, band_top = top, band_bottom = 0;
        for (std::size_t i = first; i < last; ++i) {
            if (!(ivar_[i] > 0)) continue;
            const double sigma = 1 / std::sqrt(ivar_[i]);
            top = std::min(top, row_of(flux_[i]));
            bottom = std::max(bottom, row_of(flux_[i]));
            band_top = std::min(band_top, row_of(flux_[i] + sigma));
            band_bottom = std::max(band_bottom, row_of(flux_[i] - sigma));
        }
        c.stroke(left_ + x, band_top, band_bottom, color, 0.35);
        c.stroke(left_ + x, top, std::max(bottom, top + 1.2), color);
    }

    const double *flux_, *ivar_;
    std::size_t bins_, left_, top_, width_;
    double soft_, most_;
};

std::vector<std::size_t> fibers_to_show(std::size_t fibers) {
    const std::size_t count = std::min<std::size_t>(fibers, lines.size());
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < count; ++i) shown.push_back((2 * i + 1) * fibers / (2 * count));
    return shown;
}

// The distance of the ticks: 1, 2 or 5 times a power of ten, some ten of them.
double tick_step(double range) {
    const double power = std::pow(10, std::floor(std::log10(range / 8)));
    const double part = range / 8 / power;
    return power * (part < 2 ? 2 : part < 5 ? 5 : 10);
}

void draw_wavelengths(canvas& c, const frame& f, std::size_t top, std::size_t width) {
    const double low = f.wavelength.front(), range = f.wavelength.back() - low;
    if (!(range > 0)) return;
    const double step = std::max(tick_step(range), 1.0);
    const std::size_t rightmost = c.width() - 40; // where five digits still fit
    for (double tick = std::ceil(low / step) * step; tick <= low + range; tick += step) {
        const auto x = static_cast<std::size_t>((tick - low) / range * static_cast<double>(width - 1));
        c.fill(margin + x, top, 1, 6, text);
        c.write(std::min(margin + x - std::min<std::size_t>(x, 15), rightmost), top + 9,
                static_cast<std::size_t>(tick), text);
    }
}

void require_model(const exposure& e, const frame& f) {
    const std::vector<std::size_t> image{e.ny, e.nx}, model{f.ny, f.nx};
    if (image != model || f.model.size() != e.image.size()) {
        throw std::invalid_argument("write_picture: the model is " + common::shape_text(model) +
                                    " and has " + std::to_string(f.model.size()) +
                                    " pixels, the image is " + common::shape_text(image));
    }
}

} // namespace

void write_picture(const std::filesystem::path& path, const exposure& e, const frame& f) {
    require_model(e, f);
    const ccd_tiles tiles(e, f);
    const std::vector<std::size_t> fibers = fibers_to_show(f.wavelength.empty() ? 0 : f.fibers);
    const std::size_t width = std::max<std::size_t>(tiles.width(), 800);
    const std::size_t axis = 24, panels = fibers.size() * (spectrum_panel::height + margin);
    canvas c(width + 2 * margin, 2 * margin + tiles.height() + panels + axis);
    tiles.draw(c, margin, margin);
    std::size_t top = 2 * margin + tiles.height();
    for (std::size_t i = 0; i < fibers.size(); ++i, top += spectrum_panel::height + margin) {
        spectrum_panel(f, fibers[i], margin, top, width).draw(c, lines[i]);
        c.write(2 * margin, top + 8, f.first_fiber + fibers[i], lines[i]);
    }
    if (!fibers.empty()) draw_wavelengths(c, f, top - margin + 2, width);
    c.save(path);
}

} // namespace spectra
