// SPDX-License-Identifier: BSD-3-Clause
#include "output/picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <stdexcept>

#include "common/drawing.hpp"
#include "reconstruct/circle.hpp"

namespace tomo {
namespace {

using common::drawing;
using common::fill;
using common::rgb;
using common::write_text;

constexpr rgb background{16, 18, 24}, text{190, 196, 210}, not_finite{214, 48, 40};
constexpr rgb bar{96, 150, 220}, bar_outside{62, 84, 120}, mark{250, 190, 90};
constexpr std::size_t margin = 16, line_height = common::text_height + 8;
constexpr double outside = 0.005; // of the values are darker than black, and as many brighter than white

template <class... Values>
std::string text_of(const char* format, Values... values) {
    char out[160];
    std::snprintf(out, sizeof out, format, values...);
    return out;
}

// ---- what is shown

// The gray of a value, and red of what is none.
class gray_scale {
public:
    explicit gray_scale(gray_range range) : range_(range) {}

    rgb operator()(double value) const {
        if (!std::isfinite(value)) return not_finite;
        const double level = (value - range_.low) / (static_cast<double>(range_.high) - range_.low);
        const auto gray = static_cast<std::uint8_t>(std::lround(255 * std::clamp(level, 0.0, 1.0)));
        return {gray, gray, gray};
    }

private:
    gray_range range_;
};

struct image {
    std::string title;
    std::size_t width;
    std::vector<float> values; // rows from the top down
    bool round = false;        // only the circle is shown

    std::size_t height() const { return values.size() / width; }
};

// The mean of each step x step square; what does not fill a square at the far edges is left out.
image slice_image(const volume_reader& volume, std::size_t slice, std::size_t step, std::string title) {
    const std::size_t columns = volume.columns(), shown = columns / step;
    std::vector<float> rows(step * columns), values(shown * shown);
    for (std::size_t y = 0; y < shown; ++y) {
        volume.read_rows(slice, y * step, step, rows.data());
        for (std::size_t row = 0; row < step; ++row) {
            for (std::size_t x = 0; x < shown * step; ++x)
                values[y * shown + x / step] += rows[row * columns + x];
        }
    }
    for (float& value : values) value /= static_cast<float>(step * step);
    return {std::move(title), shown, std::move(values), true};
}

// The mean of each step rows of a plane, of those that there are at its end.
image plane_image(const std::vector<float>& plane, std::size_t width, std::size_t step,
                  std::string title) {
    const std::size_t rows = plane.size() / width;
    std::vector<float> values;
    for (std::size_t first = 0; first < rows; first += step) {
        const std::size_t count = std::min(step, rows - first);
        for (std::size_t x = 0; x < width; ++x) {
            float sum = 0;
            for (std::size_t row = first; row < first + count; ++row) sum += plane[row * width + x];
            values.push_back(sum / static_cast<float>(count));
        }
    }
    return {std::move(title), width, std::move(values)};
}

// Up to `most` of `all`, spread evenly.
std::vector<std::size_t> spread(std::size_t all, std::size_t most) {
    const std::size_t count = std::min(all, most);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < count; ++i) chosen.push_back((2 * i + 1) * all / (2 * count));
    return chosen;
}

std::vector<image> images_of(const volume_reader& volume, const survey& found) {
    constexpr std::size_t fewest_for_planes = 16;
    const std::size_t step = found.step(), shown = found.size() / step, middle = found.size() / 2;
    std::vector<image> images;
    const bool planes = volume.slices() >= fewest_for_planes;
    for (const std::size_t slice : spread(volume.slices(), planes ? 1 : 3))
        images.push_back(slice_image(volume, slice, step, text_of("x, y: slice %zu", slice)));
    if (planes) {
        images.push_back(plane_image(found.plane_zx(), shown, step, text_of("x, z: y = %zu", middle)));
        images.push_back(plane_image(found.plane_zy(), shown, step, text_of("y, z: x = %zu", middle)));
    }
    return images;
}

// ---- drawing

struct cell {
    std::size_t left, top, width, height;
};

// A drawing with cells of one width, side by side in rows that are as high as the highest of their cells.
struct sheet {
    drawing d;
    std::vector<cell> cells;

    sheet(const std::vector<std::size_t>& heights, std::size_t columns, std::size_t width) {
        std::size_t top = margin;
        for (std::size_t first = 0; first < heights.size(); first += columns) {
            const std::size_t last = std::min(first + columns, heights.size());
            const std::size_t height =
                *std::max_element(heights.begin() + static_cast<std::ptrdiff_t>(first),
                                  heights.begin() + static_cast<std::ptrdiff_t>(last));
            for (std::size_t i = first; i < last; ++i)
                cells.push_back({margin + (i - first) * (width + margin), top, width, height});
            top += height + margin;
        }
        d.width = margin + std::min(columns, heights.size()) * (width + margin);
        d.pixels.assign(d.width * top, background);
    }
};

std::size_t height_of(const image& shown, std::size_t zoom) {
    return line_height + shown.height() * zoom;
}

void draw(drawing& d, const cell& area, const image& shown, std::size_t zoom, const gray_scale& gray) {
    const circle inside(shown.width);
    write_text(d, area.left, area.top, shown.title, text);
    for (std::size_t i = 0; i < shown.values.size(); ++i) {
        const std::size_t y = i / shown.width, x = i % shown.width;
        if (shown.round && !inside.contains(y, x)) continue;
        fill(d, area.left + x * zoom, area.top + line_height + y * zoom, zoom, zoom,
             gray(shown.values[i]));
    }
}

// How often values occur, on a logarithmic scale of five decades, above the grays that show them.
class histogram {
public:
    histogram(const survey& found, const cell& area)
        : area_(area), gray_(found.range(outside)), border_((gray_.high - gray_.low) / 4),
          counts_(found.histogram({gray_.low - border_, gray_.high + border_}, area.width)) {}

    void draw(drawing& d) const {
        constexpr std::size_t ramp = 20, gap = 4;
        const std::size_t height = area_.height - ramp - line_height;
        const double most = std::max(1.0, *std::max_element(counts_.begin(), counts_.end()));
        const gray_scale gray(gray_);
        for (std::size_t x = 0; x < area_.width; ++x) {
            const double value = value_at(x), part = 1 + std::log10(counts_[x] / most) / 5;
            const auto length =
                static_cast<std::size_t>(std::max(part, 0.0) * static_cast<double>(height));
            const bool shown_gray = value >= gray_.low && value <= gray_.high;
            fill(d, area_.left + x, area_.top + height - length, 1, length,
                 shown_gray ? bar : bar_outside);
            fill(d, area_.left + x, area_.top + height + gap, 1, ramp - gap, gray(value));
        }
        for (const float end : {gray_.low, gray_.high}) {
            const std::string words = text_of("%.3g", static_cast<double>(end));
            const std::size_t x = place_of(end);
            fill(d, x, area_.top, 1, height + ramp, mark);
            write_text(d, x - common::width_of(words) / 2, area_.top + height + ramp + gap, words, mark);
        }
    }

private:
    double value_at(std::size_t x) const {
        const double part = (static_cast<double>(x) + 0.5) / static_cast<double>(area_.width);
        return gray_.low - border_ + part * 6 * border_;
    }
    std::size_t place_of(double value) const {
        const double part = (value - gray_.low + border_) / (6 * border_);
        return area_.left + static_cast<std::size_t>(part * static_cast<double>(area_.width));
    }

    cell area_;
    gray_range gray_;
    float border_; // shown on either side of the grays, a quarter of their range
    std::vector<double> counts_;
};

// What was found, in words, and the histogram below them.
void draw(drawing& d, const cell& area, const survey& found) {
    const std::vector<std::string> lines{
        text_of("%zu slices of %zu x %zu, 1/pixel", found.slices(), found.size(), found.size()),
        text_of("least     %11.4g", found.least()), text_of("greatest  %11.4g", found.greatest()),
        text_of("mean      %11.4g", found.mean()),
        text_of("not finite %10llu", static_cast<unsigned long long>(found.not_finite()))};
    std::size_t top = area.top;
    for (const std::string& line : lines) {
        write_text(d, area.left, top, line, text);
        top += line_height;
    }
    top += margin;
    histogram(found, {area.left, top, area.width, area.top + area.height - top}).draw(d);
}

void save(const std::filesystem::path& path, const drawing& d) {
    common::write_png(path, d.width, std::span<const rgb>(d.pixels));
}

// Small pictures are shown as large as they can be, by whole pixels.
std::size_t zoom_for(std::size_t pixels, std::size_t wanted) {
    return std::max<std::size_t>(1, wanted / std::max<std::size_t>(pixels, 1));
}

} // namespace

drawing draw_picture(const volume_reader& volume, const survey& found) {
    constexpr std::size_t narrowest = 440; // for the words
    const std::vector<image> images = images_of(volume, found);
    std::size_t longest = found.size() / found.step();
    for (const image& shown : images) longest = std::max(longest, shown.height());
    const std::size_t zoom = zoom_for(longest, 512);

    // The histogram stands beside the first image, or behind two of them.
    const std::size_t columns = images.size() == 2 ? 3 : 2, second = images.size() == 2 ? 2 : 1;
    std::vector<std::size_t> heights;
    for (const image& shown : images) heights.push_back(height_of(shown, zoom));
    heights.insert(heights.begin() + static_cast<std::ptrdiff_t>(second), narrowest);

    sheet out(heights, columns, std::max(found.size() / found.step() * zoom, narrowest));
    const gray_scale gray(found.range(outside));
    for (std::size_t i = 0; i < images.size(); ++i)
        draw(out.d, out.cells[i < second ? i : i + 1], images[i], zoom, gray);
    draw(out.d, out.cells[second], found);
    return std::move(out.d);
}

drawing draw_contact_sheet(const volume_reader& volume, const survey& found,
                           const std::vector<std::string>& labels) {
    constexpr std::size_t most = 25, width = 1600;
    if (labels.size() != volume.slices()) {
        throw std::invalid_argument("draw_contact_sheet: " + std::to_string(labels.size()) +
                                    " labels for " + std::to_string(volume.slices()) + " slices");
    }
    const std::vector<std::size_t> chosen = spread(volume.slices(), most);
    const auto columns =
        static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(chosen.size()))));
    const std::size_t wanted = std::min<std::size_t>(width / columns, 768);
    const std::size_t step = (volume.columns() + wanted - 1) / wanted;
    const std::size_t zoom = zoom_for(volume.columns() / step, wanted);

    std::size_t cell_width = volume.columns() / step * zoom;
    for (const std::string& label : labels) cell_width = std::max(cell_width, common::width_of(label));
    sheet out(std::vector<std::size_t>(chosen.size(), line_height + volume.columns() / step * zoom),
              columns, cell_width);
    const gray_scale gray(found.range(outside));
    for (std::size_t i = 0; i < chosen.size(); ++i)
        draw(out.d, out.cells[i], slice_image(volume, chosen[i], step, labels[chosen[i]]), zoom, gray);
    return std::move(out.d);
}

void write_picture(const std::filesystem::path& path, const volume_reader& volume, const survey& found) {
    save(path, draw_picture(volume, found));
}

void write_contact_sheet(const std::filesystem::path& path, const volume_reader& volume,
                         const survey& found, const std::vector<std::string>& labels) {
    save(path, draw_contact_sheet(volume, found, labels));
}

} // namespace tomo
