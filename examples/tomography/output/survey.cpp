// SPDX-License-Identifier: BSD-3-Clause
#include "output/survey.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>

#include <destrier/parallel.hpp>

#include "common/shape.hpp"
#include "reconstruct/circle.hpp"
#include "reconstruct/over_slices.hpp"

namespace tomo {
namespace {

constexpr std::size_t widest = 768; // pixels of a plane of a picture
constexpr std::size_t block_bytes = std::size_t{1} << 20;

// ---- bins

// Sign, exponent and nine bits of the mantissa: neighbours are 0.2 % apart.
constexpr unsigned dropped_bits = 14;
constexpr std::size_t bins = std::size_t{1} << (32 - dropped_bits);
constexpr std::uint32_t sign = std::uint32_t{1} << 31;

// Numbers in the order of the floats, and back.
std::uint32_t ordered(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}
float from_ordered(std::uint32_t key) {
    return std::bit_cast<float>((key & sign) != 0 ? key & ~sign : ~key);
}

std::size_t bin_of(float value) { return ordered(value) >> dropped_bits; }
double least_of(std::size_t bin) {
    return from_ordered(static_cast<std::uint32_t>(bin) << dropped_bits);
}

// ---- reading

// What is found, of each slice by one thread of one rank; zeros of the slices of others.
struct findings {
    std::vector<double> least, greatest, sum, finite, not_finite; // (slices)
    std::vector<double> zx, zy;                                   // (slices, shown)
    std::size_t step, shown;
    std::vector<std::vector<double>> counts; // (threads, bins)

    findings(const volume_reader& volume, std::size_t plane_step, std::size_t threads)
        : step(plane_step), shown(volume.columns() / plane_step),
          counts(threads, std::vector<double>(bins)) {
        for (std::vector<double>* each : {&least, &greatest, &sum, &finite, &not_finite})
            each->resize(volume.slices());
        zx.resize(volume.slices() * shown);
        zy.resize(volume.slices() * shown);
    }
};

class slice_surveyor {
public:
    slice_surveyor(const volume_reader& volume, findings& found, std::vector<double>& counts)
        : volume_(volume), found_(found), counts_(counts), size_(volume.columns()), inside_(size_),
          rows_(std::clamp<std::size_t>(block_bytes / (sizeof(float) * size_), 1, size_)),
          block_(rows_ * size_) {}

    void operator()(std::size_t slice) {
        found_.least[slice] = std::numeric_limits<double>::infinity();
        found_.greatest[slice] = -found_.least[slice];
        for (std::size_t first = 0; first < size_; first += rows_) {
            const std::size_t count = std::min(rows_, size_ - first);
            volume_.read_rows(slice, first, count, block_.data());
            for (std::size_t row = first; row < first + count; ++row) {
                const std::span<const float> values(block_.data() + (row - first) * size_, size_);
                const circle::chord seen = inside_.of_row(row);
                add(slice, values.subspan(seen.begin, seen.end - seen.begin));
                keep_planes(slice, row, values);
            }
        }
    }

private:
    void add(std::size_t slice, std::span<const float> values) {
        float least = std::numeric_limits<float>::infinity(), greatest = -least;
        double sum = 0;
        std::size_t finite = 0;
        for (const float value : values) {
            if (!std::isfinite(value)) continue;
            least = std::min(least, value);
            greatest = std::max(greatest, value);
            sum += value;
            ++finite;
            counts_[bin_of(value)] += 1;
        }
        found_.least[slice] = std::min<double>(found_.least[slice], least);
        found_.greatest[slice] = std::max<double>(found_.greatest[slice], greatest);
        found_.sum[slice] += sum;
        found_.finite[slice] += static_cast<double>(finite);
        found_.not_finite[slice] += static_cast<double>(values.size() - finite);
    }

    void keep_planes(std::size_t slice, std::size_t row, std::span<const float> values) {
        const std::size_t shown = found_.shown, step = found_.step;
        const double part = 1 / static_cast<double>(step);
        if (row / step < shown) found_.zy[slice * shown + row / step] += part * values[size_ / 2];
        if (row != size_ / 2) return;
        for (std::size_t x = 0; x < shown * step; ++x)
            found_.zx[slice * shown + x / step] += part * values[x];
    }

    const volume_reader& volume_;
    findings& found_;
    std::vector<double>& counts_;
    std::size_t size_;
    circle inside_;
    std::size_t rows_; // read at once
    std::vector<float> block_;
};

void require_square(const volume_reader& volume) {
    if (volume.rows() == volume.columns() && volume.rows() > 0) return;
    throw std::runtime_error(volume.name() + ": shape is " + common::shape_text(volume.extents()) +
                             ", expected (slices, n, n)");
}

double total(const std::vector<double>& each) { return std::accumulate(each.begin(), each.end(), 0.0); }

} // namespace

survey::survey(const volume_reader& volume, const common::ranks& all, int threads)
    : slices_(volume.slices()), size_(volume.columns()),
      step_(std::min((std::max(slices_, size_) + widest - 1) / widest, size_)) {
    require_square(volume);
    findings found(volume, step_, static_cast<std::size_t>(destrier::thread_count(threads)));
    const destrier::range mine = destrier::part(slices_, all.size(), all.rank());
    all.together([&] {
        over_slices("survey", mine.begin, mine.end, threads, [&](std::size_t thread) {
            return slice_surveyor(volume, found, found.counts[thread]);
        });
    });

    counts_ = std::move(found.counts.front());
    for (std::size_t thread = 1; thread < found.counts.size(); ++thread) {
        for (std::size_t bin = 0; bin < bins; ++bin) counts_[bin] += found.counts[thread][bin];
    }
    for (std::vector<double>* each : {&counts_, &found.least, &found.greatest, &found.sum, &found.finite,
                                      &found.not_finite, &found.zx, &found.zy}) {
        all.add_up(*each);
    }
    finite_ = static_cast<std::uint64_t>(total(found.finite));
    not_finite_ = static_cast<std::uint64_t>(total(found.not_finite));
    zx_.assign(found.zx.begin(), found.zx.end());
    zy_.assign(found.zy.begin(), found.zy.end());
    if (finite_ == 0) return;
    least_ = *std::min_element(found.least.begin(), found.least.end());
    greatest_ = *std::max_element(found.greatest.begin(), found.greatest.end());
    mean_ = total(found.sum) / total(found.finite);
}

survey::interval survey::values_in(std::size_t bin) const {
    return {std::max(least_of(bin), least_), std::min(least_of(bin + 1), greatest_)};
}

double survey::percentile(double fraction) const {
    const double rank = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(finite_);
    double before = 0;
    for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
        if (counts_[bin] == 0) continue;
        if (before + counts_[bin] >= rank) {
            const interval values = values_in(bin);
            return values.low + (rank - before) / counts_[bin] * (values.high - values.low);
        }
        before += counts_[bin];
    }
    return greatest_;
}

gray_range survey::range(double outside) const {
    const auto low = static_cast<float>(percentile(outside)),
               high = static_cast<float>(percentile(1 - outside));
    return {low, high > low ? high : low + std::max(1.0f, std::abs(low))};
}

std::vector<double> survey::histogram(gray_range within, std::size_t columns) const {
    std::vector<double> out(columns);
    const double low = within.low, width = (within.high - low) / static_cast<double>(columns);
    for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
        if (counts_[bin] == 0) continue;
        const interval values = values_in(bin);
        const double begin = (values.low - low) / width,
                     length = std::max((values.high - values.low) / width, 1e-9);
        const double first = std::max(begin, 0.0),
                     last = std::min(begin + length, static_cast<double>(columns));
        for (double at = first; at < last;) {
            const double next = std::min(std::floor(at) + 1, last);
            out[static_cast<std::size_t>(at)] += counts_[bin] * (next - at) / length;
            at = next;
        }
    }
    return out;
}

} // namespace tomo
