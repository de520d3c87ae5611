// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/template_sums.hpp: what templates sum up to over samples: with the sky, with one another, with the signal.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/compressed_rows.hpp>
#include <destrier/destripe/counted.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe::detail {

// One term of one family, whose amplitudes are begin .. end - 1 of all.
struct template_slot {
    std::size_t family, term, begin, end;
};

// Rows of all families for samples of chunk k: amplitude, within its family, and value, (slots, samples).
using template_rows = std::function<void(std::size_t k, range samples, std::span<std::int32_t> amplitude,
                                         std::span<double> value)>;

// Pixels as the solve sees them: C, which is 0 where they are left out, and the map C P' N^-1 d.
template <stokes S>
struct solve_pixels {
    std::span<const double> covariance, map;

    DESTRIER_INLINE bool has(std::int32_t pixel) const noexcept {
        const std::size_t at = static_cast<std::size_t>(pixel) * packed<S>;
        return pixel >= 0 && at < covariance.size() && covariance[at] > 0;
    }
};

// What a sample multiplies the components of its pixel by.
template <stokes S, class A>
DESTRIER_INLINE std::array<double, components<S>> pointing_of(const chunk& c, std::size_t i) noexcept {
    if constexpr (S == stokes::i) {
        return {1};
    } else if constexpr (S == stokes::qu) {
        return {rounded_weight(c.cosine[i]), rounded_weight(c.sine[i])};
    } else {
        return {1, rounded_weight(c.cosine[i]), rounded_weight(c.sine[i])};
    }
}

// Elements of B' = F' N^-1 P and of G = F' N^-1 F, collected chunk by chunk, a piece of samples at a time. Each slot,
// and each pair of slots, has a list of its own, which one thread at a time fills in the order of samples.
template <stokes S, class A>
class template_sums {
public:
    template_sums(std::vector<template_slot> slots, int threads)
        : slots_(std::move(slots)), threads_(threads), with_sky_(slots_.size()) {
        for (std::size_t u = 0; u < slots_.size(); ++u) {
            for (std::size_t v = u; v < slots_.size(); ++v) pairs_.push_back({u, v, {}});
        }
    }

    // Chunk k; rhs, of all amplitudes, receives F' N^-1 (d - P map).
    void add(std::size_t k, const chunk& c, const solve_pixels<S>& sky, const template_rows& rows,
             std::span<double> rhs) {
        const std::size_t n = c.pixels.size();
        for (std::size_t begin = 0; begin < n; begin += piece) {
            const range samples{begin, std::min(begin + piece, n)};
            load(c, sky, samples);
            amplitude_.resize(slots_.size() * size());
            value_.resize(slots_.size() * size());
            rows(k, samples, amplitude_, value_);
            parallel_for(slots_.size(), threads_, [&](std::size_t slot) { number(k, slot, begin); });
            add_to_rhs(c.weight, rhs);
            for_each_list([&](std::size_t slot) { add_with_sky(slot); }, [&](pair& p) { add_pair(p); });
        }
        for_each_list([&](std::size_t slot) { with_sky_[slot].close(c.weight); },
                      [&](pair& p) { p.list.close(c.weight); });
    }

    // Calls f(amplitude, pixel, value) for the elements of B'.
    template <class F>
    void for_each_with_sky(F&& f) const {
        for (const auto& list : with_sky_) {
            for (const auto& e : list.elements()) f(e.row, e.column, e.value);
        }
    }
    // Calls f(row, column, value) for the elements of G, on both sides of the diagonal.
    template <class F>
    void for_each_normal(F&& f) const {
        for (const pair& p : pairs_) {
            for (const auto& e : p.list.elements()) {
                f(e.row, e.column, e.value);
                if (p.u != p.v) f(e.column, e.row, e.value);
            }
        }
    }

private:
    static constexpr std::size_t piece = 8192; // samples; 1024 to 32768 are alike on Sapphire Rapids
    static constexpr std::size_t n_stokes = components<S>;

    struct pair {
        std::size_t u, v; // slots
        element_list<1, A> list;
    };

    std::size_t size() const noexcept { return pixel_.size(); }
    static std::size_t index(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }

    // Pixel, pointing, and signal less the map of those samples that count; pixel -1 for the others.
    void load(const chunk& c, const solve_pixels<S>& sky, range samples) {
        pixel_.resize(samples.end - samples.begin);
        pointing_.resize(size());
        residual_.resize(size());
        counted_pixels<A>(c, samples.begin, samples.end, pixel_.data());
        for (std::size_t i = 0; i < size(); ++i) {
            if (!sky.has(pixel_[i])) pixel_[i] = -1;
            if (pixel_[i] < 0) continue;
            pointing_[i] = pointing_of<S, A>(c, samples.begin + i);
            residual_[i] = c.signal[samples.begin + i];
            for (std::size_t s = 0; s < n_stokes; ++s) {
                residual_[i] -= pointing_[i][s] * sky.map[index(pixel_[i]) * n_stokes + s];
            }
        }
    }

    // Numbers a slot's amplitudes among those of all families; -1 for samples that do not count.
    void number(std::size_t k, std::size_t slot, std::size_t begin) {
        const template_slot& of = slots_[slot];
        for (std::size_t i = 0; i < size(); ++i) {
            std::int32_t& amplitude = amplitude_[slot * size() + i];
            if (pixel_[i] < 0) amplitude = -1;
            if (amplitude < 0) continue;
            const double v = value_[slot * size() + i];
            if (index(amplitude) >= of.end - of.begin || !std::isfinite(v)) {
                refuse("template_problem", k,
                       "family " + std::to_string(of.family) + ", term " + std::to_string(of.term) +
                           ": amplitude " + std::to_string(amplitude) + " of " +
                           std::to_string(of.end - of.begin) + " and value " + std::to_string(v) +
                           " at sample " + std::to_string(begin + i));
            }
            amplitude += static_cast<std::int32_t>(of.begin);
        }
    }

    void add_to_rhs(double weight, std::span<double> rhs) const {
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
            for (std::size_t i = 0; i < size(); ++i) {
                const std::int32_t amplitude = amplitude_[slot * size() + i];
                if (amplitude < 0) continue;
                rhs[index(amplitude)] += weight * value_[slot * size() + i] * residual_[i];
            }
        }
    }
    void add_with_sky(std::size_t slot) {
        const std::int32_t* const amplitude = amplitude_.data() + slot * size();
        const double* const value = value_.data() + slot * size();
        element<n_stokes> run{-1, -1, {}};
        for (std::size_t i = 0; i < size(); ++i) {
            if (amplitude[i] < 0) continue;
            if (amplitude[i] != run.row || pixel_[i] != run.column) {
                with_sky_[slot].add(run);
                run = {amplitude[i], pixel_[i], {}};
            }
            for (std::size_t s = 0; s < n_stokes; ++s) run.value[s] += value[i] * pointing_[i][s];
        }
        with_sky_[slot].add(run);
    }
    void add_pair(pair& p) const {
        const std::int32_t *const row = amplitude_.data() + p.u * size(), *const column =
                                                                              amplitude_.data() +
                                                                              p.v * size();
        const double *const left = value_.data() + p.u * size(), *const right =
                                                                     value_.data() + p.v * size();
        element<1> run{-1, -1, {}};
        for (std::size_t i = 0; i < size(); ++i) {
            if (row[i] < 0 || column[i] < 0) continue;
            if (row[i] != run.row || column[i] != run.column) {
                p.list.add(run);
                run = {row[i], column[i], {}};
            }
            run.value[0] += left[i] * right[i];
        }
        p.list.add(run);
    }

    // Calls with_sky(slot) for all slots, normal(pair) for all pairs, in parallel.
    template <class WithSky, class Normal>
    void for_each_list(WithSky&& with_sky, Normal&& normal) {
        parallel_for(slots_.size() + pairs_.size(), threads_, [&](std::size_t list) {
            if (list < slots_.size())
                with_sky(list);
            else
                normal(pairs_[list - slots_.size()]);
        });
    }

    std::vector<template_slot> slots_;
    int threads_;
    std::vector<element_list<n_stokes, A>> with_sky_; // of a slot: rows are amplitudes, columns pixels
    std::vector<pair> pairs_;
    // of the piece at hand: (samples), and (slots, samples)
    std::vector<std::int32_t> pixel_;
    std::vector<std::array<double, n_stokes>> pointing_;
    std::vector<double> residual_;
    std::vector<std::int32_t> amplitude_;
    std::vector<double> value_;
};

} // namespace destrier::destripe::detail
