// SPDX-License-Identifier: BSD-3-Clause
//
// Samples: where every element of every projection's spectrum falls on the grid.
//
// The grid is the half plane u >= 0 of an M x M transform; v runs from -M / 2 and is stored from 0. A
// margin on all sides takes the taps that reach over, so that the scatter knows no edges. Samples are
// sorted by strips of 8 rows, in a strip by tiles of 8 x 8 cells, in a tile by cell: a tile's cells stay
// in L1, samples of one cell meet in registers, and a strip writes only to itself and the next one, so
// that every second strip can be worked on at the same time.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/gridrec/kernel.hpp>
#include <destrier/memory.hpp>

namespace destrier::gridrec::detail {

inline constexpr std::size_t margin = max_taps / 2;
inline constexpr std::size_t tile = 8; // at least the taps, or strips two apart would meet

// Samples of one cell that are summed in registers before they are stored.
inline constexpr std::size_t group_size = 4;

// The half plane with its margins: rows u = -margin .. M / 2 + margin of cells v = 0 .. M - 1 and margins.
struct half_plane {
    std::size_t size; // M, even

    std::size_t rows() const noexcept { return size / 2 + 1 + 2 * margin; }
    // Odd, so that the same cell of many rows does not fall into the same cache sets.
    std::size_t row_cells() const noexcept { return (size + 1 + 2 * margin) | 1; }
    std::size_t cells() const { return product_of({rows(), row_cells()}, "the gridrec grid"); }
    std::size_t strips() const noexcept { return (rows() + tile - 1) / tile; }
    // The first cell, v = 0, of row u = row - margin.
    std::size_t row_start(std::size_t row) const noexcept { return row * row_cells() + margin; }
};

template <std::floating_point T>
struct sample {
    T tu, tv;             // place within the cell, -1 .. 1
    std::uint32_t cell;   // of the first tap along both axes
    std::uint32_t source; // angle * bins + bin
};

// A projection of angle pi or more, or one whose cosine is negative, is put into the half plane by its
// mirror image, the conjugate.
inline bool is_mirrored(double theta) noexcept { return std::cos(theta) < 0; }

// All samples of a geometry, sorted.
template <std::floating_point T>
class sample_list {
public:
    sample_list(std::span<const double> theta, std::size_t radial, const half_plane& grid,
                std::size_t taps, memory where)
        : grid_(grid), bins_(radial / 2 + 1), radial_(radial), taps_(taps) {
        const std::size_t n = product_of({theta.size(), bins_}, "the number of gridrec samples");
        constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
        if (n > most || grid.cells() > most) {
            throw std::invalid_argument("gridrec: " + std::to_string(theta.size()) + " angles of " +
                                        std::to_string(bins_) + " frequencies exceed 2^32 samples or cells");
        }
        samples_ = buffer<sample<T>>(n, where);
        sort(theta);
    }

    // The samples of a strip.
    std::span<const sample<T>> strip(std::size_t s) const noexcept {
        return samples_.span().subspan(strip_begin_[s], strip_begin_[s + 1] - strip_begin_[s]);
    }
    std::size_t size() const noexcept { return samples_.size(); }
    const half_plane& grid() const noexcept { return grid_; }

private:
    struct placed {
        sample<T> value;
        std::size_t row, column; // of the first tap, margins included
    };

    placed place(double cosine, double sine, std::size_t angle, std::size_t bin) const noexcept {
        const double scale = static_cast<double>(bin) * static_cast<double>(grid_.size) /
                             static_cast<double>(radial_);
        const auto along = [&](double x, std::size_t& first) {
            const double start = x - 0.5 * static_cast<double>(taps_) + static_cast<double>(margin);
            const double cell = std::ceil(start);
            first = static_cast<std::size_t>(cell);
            return static_cast<T>(2 * (cell - start) - 1);
        };
        placed p;
        p.value.tu = along(scale * cosine, p.row);
        p.value.tv = along(scale * sine + 0.5 * static_cast<double>(grid_.size), p.column);
        p.value.cell = static_cast<std::uint32_t>(p.row * grid_.row_cells() + p.column);
        p.value.source = static_cast<std::uint32_t>(angle * bins_ + bin);
        return p;
    }

    template <class F>
    void for_each_placed(std::span<const double> theta, F&& f) const {
        for (std::size_t angle = 0; angle < theta.size(); ++angle) {
            const double sign = is_mirrored(theta[angle]) ? -1 : 1;
            const double cosine = sign * std::cos(theta[angle]), sine = sign * std::sin(theta[angle]);
            for (std::size_t bin = 0; bin < bins_; ++bin) f(place(cosine, sine, angle, bin));
        }
    }

    // A counting sort: how many samples each cell has, where they start, then each to its place.
    void sort(std::span<const double> theta) {
        const std::size_t tiles = (grid_.row_cells() + tile - 1) / tile;
        const auto order = [&](const placed& p) {
            return ((p.row / tile * tiles + p.column / tile) * tile + p.row % tile) * tile +
                   p.column % tile;
        };
        const std::size_t strip_keys = tiles * tile * tile;
        buffer<std::uint32_t> start(grid_.strips() * strip_keys + 1);
        for_each_placed(theta, [&](const placed& p) { ++start[order(p) + 1]; });
        for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
        for (std::size_t s = 0; s <= grid_.strips(); ++s) strip_begin_.push_back(start[s * strip_keys]);
        for_each_placed(theta, [&](const placed& p) { samples_[start[order(p)]++] = p.value; });
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
                for (end = i + 1; end < samples.size() && samples[end].cell == samples[i].cell;) ++end;
                const std::size_t left = (end - i) % group_size;
                const std::size_t whole = end - i - left;
                const auto first = samples.begin() + static_cast<std::ptrdiff_t>(i);
                if (size == group_size) {
                    regrouped.insert(regrouped.end(), first, first + static_cast<std::ptrdiff_t>(whole));
                } else if (size == left) {
                    regrouped.insert(regrouped.end(), first + static_cast<std::ptrdiff_t>(whole),
                                     first + static_cast<std::ptrdiff_t>(whole + left));
                }
            }
        }
        std::copy(regrouped.begin(), regrouped.end(), samples.begin());
    }

    half_plane grid_;
    std::size_t bins_, radial_, taps_;
    buffer<sample<T>> samples_;
    std::vector<std::size_t> strip_begin_;
};

} // namespace destrier::gridrec::detail
