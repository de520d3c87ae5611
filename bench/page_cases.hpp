// SPDX-License-Identifier: BSD-3-Clause
//
// page_cases.hpp: what larger pages give to kernels that touch more memory than the TLB reaches.
//
//   page_cases::compare<plane_transform<4096>>(state)
//
// makes the kernel on base, transparent and explicit huge pages, verifies each, and runs them in turns. The row's
// time is that of transparent pages; its counters:
//
//   gain_transparent, gain_huge     median time on base pages by that on these; no gain_huge where there is no
//                                   pool of explicit pages (echo 1024 > /proc/sys/vm/nr_hugepages)
//   got_base, got_transparent, ...  share of the kernel's memory that lies on huge pages
//
// All are one thread's, in seconds of the CPU, so that other work on the machine counts little.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/gridrec.hpp>
#include <destrier/memory.hpp>

#include "limits.hpp"
#include "untiled_scatter.hpp"

namespace page_cases {

using destrier::buffer;
using destrier::memory;
using destrier::pages;
using destrier::view;
using limits::cpu_seconds;
namespace gridrec = destrier::gridrec::detail;

/// The scatter of the library, rows transformed and stored as they are complete: 16 slices of 2048 columns and
/// 1501 angles, whose spectra and panels are 697 MB.
class tiled_scatter {
public:
    explicit tiled_scatter(memory where)
        : sweep_(untiled::theta(), untiled::radial, kernel_, grid_, panels_, where),
          image_(kernel_, untiled::columns, grid_.size, panels_),
          spectra_(untiled::angles * untiled::bins * untiled::cell_size, where),
          out_(panels_.cells() * untiled::cell_size, where), window_(sweep_.scratch_size(), where) {
        for (std::size_t i = 0; i < spectra_.size(); i += untiled::cell_size)
            std::fill_n(spectra_.data() + i, slices, 1.0f); // and no imaginary part
    }

    double run() {
        const double before = cpu_seconds();
        sweep_.forward<untiled::taps>({0, grid_.strips()}, spectra_.data(), out_.data(), window_.data());
        return cpu_seconds() - before;
    }
    /// In the middle of the image waves of all samples, and of their mirror images, meet at their tops.
    bool right() const {
        constexpr std::size_t middle = untiled::columns / 2;
        buffer<float> row(slices * untiled::columns), scratch(image_.scratch_size());
        image_.forward(out_.data(), middle, view<float, 2>(row.data(), {slices, untiled::columns}),
                       scratch.data());
        for (std::size_t s = 0; s < slices; ++s) {
            const double all = 2.0 * static_cast<double>(untiled::angles * untiled::bins);
            if (!(std::abs(row[s * untiled::columns + middle] / all - 1) < 3e-4)) return false;
        }
        return true;
    }
    std::size_t bytes() const { return (spectra_.size() + out_.size()) * sizeof(float); }
    std::size_t huge_bytes() const { return spectra_.huge_bytes() + out_.huge_bytes(); }
    destrier::pages pages() const { return out_.pages(); }

private:
    static constexpr std::size_t slices = destrier::line<float>;

    gridrec::kernel kernel_{gridrec::preset_of(destrier::gridrec::accuracy::fast)};
    gridrec::half_plane grid_{untiled::grid_size()};
    gridrec::panels panels_{untiled::columns, grid_.rows()};
    gridrec::sweep<float, destrier::default_arch> sweep_;
    gridrec::image_stage<float, destrier::default_arch> image_;
    buffer<float> spectra_, out_, window_;
};

/// The same samples as they come, on a grid of 346 MB held whole.
class untiled_scatter {
public:
    explicit untiled_scatter(memory where)
        : spectra_(untiled::angles * untiled::bins * untiled::cell_size, where),
          cells_(grid_.rows() * grid_.row_cells() * untiled::cell_size, where) {
        std::fill(spectra_.begin(), spectra_.end(), 1.0f);
    }

    double run() {
        const double before = cpu_seconds();
        untiled::untiled_walk(grid_, spectra_, cells_, 1);
        const double seconds = cpu_seconds() - before;
        ++runs_;
        return seconds;
    }
    /// Every sample has given 1 to each of its cells, in every lane.
    bool right() const {
        double total = 0;
        for (const float x : cells_) total += static_cast<double>(x);
        return total == static_cast<double>(runs_ * untiled::angles * untiled::bins * untiled::taps *
                                            untiled::taps * untiled::cell_size);
    }
    std::size_t bytes() const { return (spectra_.size() + cells_.size()) * sizeof(float); }
    std::size_t huge_bytes() const { return spectra_.huge_bytes() + cells_.huge_bytes(); }
    destrier::pages pages() const { return cells_.pages(); }

private:
    untiled::plane grid_{untiled::grid_size()};
    std::size_t runs_ = 0;
    buffer<float> spectra_, cells_;
};

/// The transform of a plane of N x N complex floats, in place.
template <std::size_t N>
class plane_transform {
    using number = std::complex<float>;

public:
    explicit plane_transform(memory where)
        : plan_(N, N), data_(2 * N * N, where), scratch_(plan_.scratch_size(), where) {
        at(row, column) = N;
    }

    double run() {
        const double before = cpu_seconds();
        const view<number, 2> plane(&at(0, 0), {N, N});
        plan_.forward(plane, plane, scratch_.span(), 1.0f / N);
        return cpu_seconds() - before;
    }
    /// A wave, after one run, of the impulse that was there.
    bool right() {
        for (std::size_t i = 0; i < N; ++i) {
            const std::size_t k = i, l = i * 7 % N;
            const double turns = static_cast<double>((k * row + l * column) % N) / N;
            const auto wave = std::polar(1.0, -2 * std::numbers::pi * turns);
            if (!(std::abs(std::complex<double>(at(k, l)) - wave) < 1e-5)) return false;
        }
        return true;
    }
    std::size_t bytes() const { return (data_.size() + scratch_.size()) * sizeof(float); }
    std::size_t huge_bytes() const { return data_.huge_bytes() + scratch_.huge_bytes(); }
    destrier::pages pages() const { return data_.pages(); }

private:
    static constexpr std::size_t row = 3, column = N / 2 + 5;

    number& at(std::size_t k, std::size_t l) {
        return reinterpret_cast<number*>(data_.data())[k * N + l];
    }

    destrier::fft::plan_2d_c2c<float> plan_;
    buffer<float> data_, scratch_;
};

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::ranges::nth_element(values, middle);
    return *middle;
}

template <class Kernel>
void compare(benchmark::State& state) {
    struct on_pages {
        const char* name;
        destrier::pages pages;
        Kernel kernel{memory{.pages = pages}};
        std::vector<double> seconds = {};
    };
    on_pages all[] = {{"base", pages::base}, {"transparent", pages::transparent}, {"huge", pages::huge}};
    for (on_pages& some : all) {
        some.kernel.run();
        if (!some.kernel.right()) return state.SkipWithError("wrong result");
    }
    for (auto _ : state) {
        for (on_pages& some : all) some.seconds.push_back(some.kernel.run());
        state.SetIterationTime(all[1].seconds.back());
    }
    const double base = median(all[0].seconds);
    for (const on_pages& some : all) {
        const std::string name = some.name;
        const auto bytes = static_cast<double>(some.kernel.bytes());
        state.counters["got_" + name] = static_cast<double>(some.kernel.huge_bytes()) / bytes;
        if (some.kernel.pages() == some.pages && some.pages != pages::base)
            state.counters["gain_" + name] = base / median(some.seconds);
    }
    if (all[2].kernel.pages() != pages::huge) state.SetLabel("no pool of explicit huge pages");
}

} // namespace page_cases
