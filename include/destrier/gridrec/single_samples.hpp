// SPDX-License-Identifier: BSD-3-Clause
//
// Where the samples of one slice fall, and in which order they are taken.
//
// The grid is the half plane u >= 0 of an M x M transform, and a margin on either side of it. u is the
// fast index, re and im side by side, so that a line holds 8 (float) or 4 (double) cells; rows are v
// modulo M, and those that taps reach beyond the last come again as the first. Samples are sorted by the line and
// row of their first tap: all that share both, wherever in the line they begin, fall into the same few lines of
// the same rows.
//
// A sample's mirror image, its conjugate at (-u, -v), needs no sample of its own: what falls into the
// margins is given to the cells opposite when the grid has been transformed along v (single_image.hpp).
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/samples.hpp>
#include <destrier/memory.hpp>
#include <destrier/simd.hpp>

namespace destrier::gridrec::detail {

template <std::floating_point T>
struct line_grid {
    std::size_t size; // M, even

    static constexpr std::size_t cells = line<T> / 2; // of a line
    // Lines that the taps of a sample reach, and how many of them lie behind its own.
    static constexpr std::size_t reach = (cells + max_taps - 2) / cells + 1, behind = reach - 1;
    // Columns for u < 0: one line, at least half the taps.
    static constexpr std::size_t margin = cells;
    static_assert(margin >= max_taps / 2);
    // Lines that are transformed along v at a time: a lane block of columns.
    static constexpr std::size_t strip = 2;

    std::size_t lines() const noexcept { return (margin + size / 2 + max_taps / 2) / cells + 1; }
    std::size_t strips() const noexcept { return (lines() + strip - 1) / strip; }
    std::size_t rows() const noexcept { return size + max_taps; }
};

inline constexpr std::size_t most_single_samples = std::size_t{1} << 29;

// 12 bytes (float) or 24 (double).
template <std::floating_point T>
struct single_sample {
    T tu, tv;                 // place within the cell, -1 .. 1
    std::uint32_t column : 3; // of the first tap, within its line
    std::uint32_t source : 29;
};

template <std::floating_point T>
class single_samples {
public:
    // Sample `bin` of an angle has the source angle * spectrum_stride + bin.
    single_samples(std::span<const double> theta, std::size_t radial, std::size_t spectrum_stride,
                   const line_grid<T>& grid, std::size_t taps, memory where)
        : bins_(radial / 2 + 1), spectrum_stride_(spectrum_stride), grid_(grid), taps_(taps) {
        const double scale = static_cast<double>(grid.size) / static_cast<double>(radial);
        for (const double t : theta) {
            const double sign = is_mirrored(t) ? -scale : scale;
            steps_.push_back({sign * std::cos(t), sign * std::sin(t)});
        }
        sort(where);
    }

    std::size_t lines() const noexcept { return grid_.lines(); }
    // The samples whose first tap falls into row r of a line are begins(line)[r] .. begins(line)[r + 1] - 1.
    const std::uint32_t* begins(std::size_t line) const noexcept {
        return begin_.data() + line * grid_.size;
    }
    std::size_t count(std::size_t line) const noexcept {
        return begins(line)[grid_.size] - begins(line)[0];
    }
    // Behind the last sample lie read_ahead more that are none: spectra, which lie anywhere, are called for
    // that far ahead: tried on Sapphire Rapids, the optimum is flat.
    const single_sample<T>* data() const noexcept { return samples_.data(); }
    static constexpr std::size_t read_ahead = 64;

private:
    struct placed {
        single_sample<T> value;
        std::size_t key; // line * M + row
    };

    // From one frequency of an angle to the next, in cells.
    struct step {
        double u, v;
    };

    // Out of line, so that both passes of the sort put a sample between two cells into the same one.
    [[gnu::noinline]] placed place(std::size_t angle, std::size_t bin) const noexcept {
        const auto first_cell = [&](double x, T& t) {
            const double start = x - 0.5 * static_cast<double>(taps_), cell = std::ceil(start);
            t = static_cast<T>(2 * (cell - start) - 1);
            return static_cast<std::size_t>(cell);
        };
        placed p;
        const double r = static_cast<double>(bin);
        const std::size_t column =
            first_cell(r * steps_[angle].u + static_cast<double>(grid_.margin), p.value.tu);
        const std::size_t row =
            first_cell(r * steps_[angle].v + static_cast<double>(grid_.size), p.value.tv);
        p.value.column = column % grid_.cells & 7;
        p.value.source = (angle * spectrum_stride_ + bin) & (most_single_samples - 1);
        p.key = column / grid_.cells * grid_.size + row % grid_.size;
        return p;
    }

    // A counting sort: how many samples each row of a line has, where they begin, then each to its place.
    void sort(memory where) {
        const auto for_each = [&](auto&& f) {
            for (std::size_t angle = 0; angle < steps_.size(); ++angle) {
                for (std::size_t bin = 0; bin < bins_; ++bin) f(place(angle, bin));
            }
        };
        begin_ = buffer<std::uint32_t>(product_of({grid_.lines(), grid_.size}, "the gridrec grid") + 2);
        for_each([&](const placed& p) { ++begin_[p.key + 2]; });
        for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
        samples_ = buffer<single_sample<T>>(begin_[begin_.size() - 1] + read_ahead, where);
        // begin_[key + 1] is where the key's samples begin, and, when all have come, where they end
        for_each([&](const placed& p) { samples_[begin_[p.key + 1]++] = p.value; });
    }

    std::size_t bins_, spectrum_stride_;
    line_grid<T> grid_;
    std::size_t taps_;
    std::vector<step> steps_;
    buffer<std::uint32_t> begin_;
    buffer<single_sample<T>> samples_;
};

} // namespace destrier::gridrec::detail
