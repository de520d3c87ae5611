// SPDX-License-Identifier: BSD-3-Clause
//
// Samples: where every element of every projection's spectrum falls on the grid.
//
// The grid is the half plane u = 0 .. M / 2 of an M x M transform; v runs from -M / 2 and is stored from
// 0. It is worked on in strips of 8 rows, with margins on all sides for the taps that reach over, so that
// the scatter knows no edges. Samples are sorted by strip, in a strip by tiles of 8 x 8 cells, in a tile
// by cell: a tile's cells stay in L1, samples of one cell meet in registers, and a strip's samples touch
// only its own rows and those of the next strip.
//
// A sample near u = 0 or u = M / 2 has a mirror image, its conjugate at (-u, -v), that reaches into the
// half plane too. Those few have a list of their own.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/gridrec/kernel.hpp>
#include <destrier/memory.hpp>

namespace destrier::gridrec::detail {

inline constexpr std::size_t tile = 8; // at least the taps, or a strip would reach beyond the next

// Samples of one cell that are summed in registers before they are stored.
inline constexpr std::size_t group_size = 4;

// The half plane, as the strips see it: row r of strip s is u = (s - 1) * 8 + r, so that strip 0 and
// whatever lies beyond u = M / 2 are margins. Columns have margins for half the taps.
struct half_plane {
    std::size_t size; // M, even

    static constexpr std::size_t margin = max_taps / 2;

    std::size_t rows() const noexcept { return size / 2 + 1; }
    // Cells of a row with its margins; odd, so that columns of cells do not share cache sets.
    std::size_t row_cells() const noexcept { return (size + 1 + 2 * margin) | 1; }
    std::size_t strips() const noexcept { return (rows() + tile - 1) / tile + 1; }
    // The first and the last but one row u of a strip that lie in the half plane.
    std::size_t begin_row(std::size_t strip) const noexcept {
        return strip == 0 ? 0 : (strip - 1) * tile;
    }
    std::size_t end_row(std::size_t strip) const noexcept { return std::min(strip * tile, rows()); }
};

// 16 bytes (float) or 24 (double), of which the scatter reads every one.
template <std::floating_point T>
struct sample {
    T tu, tv;                  // place within the cell, -1 .. 1
    std::uint32_t row : 4;     // of the first tap, within its strip
    std::uint32_t column : 28; // of the first tap, margin included
    std::uint32_t source;      // angle * bins + bin

    bool same_cell(const sample& other) const noexcept {
        return row == other.row && column == other.column;
    }
};

// A projection whose direction points to negative u is put into the half plane by its mirror image.
inline bool is_mirrored(double theta) noexcept { return std::cos(theta) < 0; }

// Samples sorted by strip, tile and cell.
template <std::floating_point T>
class sample_list {
public:
    // for_each calls its argument with (u, v, source) for every sample, the same ones each time. A sample
    // on a cell has a tap at one end of the kernel only; its mirror image has it at the other.
    template <class ForEach>
    sample_list(const half_plane& plane, std::size_t taps, bool mirrored, memory where,
                ForEach&& for_each)
        : plane_(plane), taps_(taps), mirrored_(mirrored) {
        sort(where, for_each);
    }

    std::span<const sample<T>> strip(std::size_t s) const noexcept {
        return samples_.span().subspan(strip_begin_[s], strip_begin_[s + 1] - strip_begin_[s]);
    }

private:
    struct placed {
        sample<T> value;
        std::size_t strip;
    };

    placed place(double u, double v, std::size_t source) const noexcept {
        const auto first_cell = [&](double x, T& t) {
            const double start = x - 0.5 * static_cast<double>(taps_);
            const double cell = mirrored_ ? std::floor(start) + 1 : std::ceil(start);
            t = static_cast<T>(2 * (cell - start) - 1);
            return static_cast<std::size_t>(cell);
        };
        placed p;
        const std::size_t row = first_cell(u + tile, p.value.tu);
        const double middle = 0.5 * static_cast<double>(plane_.size);
        p.strip = row / tile;
        p.value.row = row % tile & 15;
        p.value.column = first_cell(v + middle + half_plane::margin, p.value.tv) & 0xfffffff;
        p.value.source = static_cast<std::uint32_t>(source);
        return p;
    }

    // A counting sort: how many samples each cell has, where they start, then each to its place.
    template <class ForEach>
    void sort(memory where, ForEach&& for_each) {
        const std::size_t tiles = (plane_.row_cells() + tile - 1) / tile;
        const std::size_t strip_keys = tiles * tile * tile;
        const auto key = [&](const placed& p) {
            const std::size_t column = p.value.column;
            return ((p.strip * tiles + column / tile) * tile + p.value.row) * tile + column % tile;
        };
        buffer<std::uint32_t> start(plane_.strips() * strip_keys + 1);
        for_each([&](double u, double v, std::size_t source) { ++start[key(place(u, v, source)) + 1]; });
        for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
        for (std::size_t s = 0; s <= plane_.strips(); ++s) strip_begin_.push_back(start[s * strip_keys]);
        samples_ = buffer<sample<T>>(start[start.size() - 1], where);
        for_each([&](double u, double v, std::size_t source) {
            const placed p = place(u, v, source);
            samples_[start[key(p)]++] = p.value;
        });
        // start[key] is now where the key's samples end
        std::vector<sample<T>> regrouped;
        for (std::size_t end = tile * tile - 1, begin = 0; end < start.size(); end += tile * tile) {
            largest_groups_first(samples_.span().subspan(begin, start[end] - begin), regrouped);
            begin = start[end];
        }
    }

    // Within a tile: every cell's samples in groups of group_size, then what is left of 3, of 2 and
    // single ones, so that the scatter meets long runs of equal groups.
    static void largest_groups_first(std::span<sample<T>> samples, std::vector<sample<T>>& regrouped) {
        regrouped.clear();
        for (std::size_t size = group_size; size > 0; --size) {
            for (std::size_t i = 0, end; i < samples.size(); i = end) {
                for (end = i + 1; end < samples.size() && samples[end].same_cell(samples[i]);) ++end;
                const std::size_t left = (end - i) % group_size, whole = end - i - left;
                const auto first = samples.begin() + static_cast<std::ptrdiff_t>(i);
                const auto middle = first + static_cast<std::ptrdiff_t>(whole);
                if (size == group_size) {
                    regrouped.insert(regrouped.end(), first, middle);
                } else if (size == left) {
                    regrouped.insert(regrouped.end(), middle,
                                     middle + static_cast<std::ptrdiff_t>(left));
                }
            }
        }
        std::copy(regrouped.begin(), regrouped.end(), samples.begin());
    }

    half_plane plane_;
    std::size_t taps_;
    bool mirrored_;
    buffer<sample<T>> samples_;
    std::vector<std::size_t> strip_begin_;
};

// All samples of a geometry: those of the half plane, and their mirror images that reach into it.
template <std::floating_point T>
struct sample_lists {
    sample_lists(std::span<const double> theta, std::size_t radial, const half_plane& plane,
                 std::size_t taps, memory where)
        : direct(checked(plane, theta.size(), radial), taps, false, where,
                 [&](auto&& f) { for_each_sample(theta, radial, plane, f); }),
          mirrored(plane, taps, true, where, [&](auto&& f) {
              const double reach = 0.5 * static_cast<double>(taps), m = static_cast<double>(plane.size);
              for_each_sample(theta, radial, plane, [&](double u, double v, std::size_t source) {
                  if (u <= reach) f(-u, -v, source);
                  if (u > 0.5 * m - reach) f(m - u, -v, source);
              });
          }) {}

    sample_list<T> direct, mirrored;

private:
    // Out of line, so that it is rounded: fused into an addition in one of the sort's two passes and not
    // in the other, it would put a sample between two cells into either.
    [[gnu::noinline]] static double rounded_product(double a, double b) noexcept { return a * b; }

    template <class F>
    static void for_each_sample(std::span<const double> theta, std::size_t radial,
                                const half_plane& plane, F&& f) {
        const std::size_t bins = radial / 2 + 1;
        const double scale = static_cast<double>(plane.size) / static_cast<double>(radial);
        for (std::size_t angle = 0; angle < theta.size(); ++angle) {
            const double sign = is_mirrored(theta[angle]) ? -scale : scale;
            const double along_u = sign * std::cos(theta[angle]),
                         along_v = sign * std::sin(theta[angle]);
            for (std::size_t bin = 0; bin < bins; ++bin) {
                const double r = static_cast<double>(bin);
                f(rounded_product(r, along_u), rounded_product(r, along_v), angle * bins + bin);
            }
        }
    }

    static const half_plane& checked(const half_plane& plane, std::size_t angles, std::size_t radial) {
        const std::size_t n = product_of({angles, radial / 2 + 1}, "the number of gridrec samples");
        constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
        if (n > most || plane.strips() * tile * (plane.row_cells() + tile) > most) {
            throw std::invalid_argument("gridrec: " + std::to_string(angles) + " angles of " +
                                        std::to_string(radial / 2 + 1) +
                                        " frequencies exceed 2^32 samples or grid cells");
        }
        return plane;
    }
};

} // namespace destrier::gridrec::detail
