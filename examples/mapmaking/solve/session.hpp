// SPDX-License-Identifier: BSD-3-Clause
//
// session.hpp: a solve from its pixels to its maps, stage after stage, for one choice of Stokes parameters.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <destrier/destripe.hpp>
#include <destrier/parallel.hpp>

#include "common/output.hpp"
#include "common/progress.hpp"
#include "common/ranks.hpp"
#include "observation/chunk_reader.hpp"
#include "observation/work.hpp"
#include "output/offsets.hpp"
#include "output/outputs.hpp"
#include "output/picture.hpp"
#include "output/products.hpp"
#include "output/sky_map.hpp"
#include "program.hpp"
#include "solve/account.hpp"
#include "solve/bandwidth.hpp"
#include "solve/checkpoint.hpp"
#include "solve/noise_prior.hpp"
#include "solve/solve.hpp"
#include "solve/stages.hpp"

namespace mapmaking {

namespace ds = destrier::destripe;
namespace fs = std::filesystem;

inline std::size_t sphere_pixels(std::size_t nside) { return 12 * nside * nside; }

/// What a checkpoint is the state of, line by line.
std::string description_of(const solve_options& options, const work& all, std::size_t kept_pixels);

/// All ranks make one and run it.
template <ds::stokes S>
class session {
public:
    session(const solve_options& options, const work& all_work, const common::ranks& all, int threads)
        : options_(options), work_(all_work), all_(all), threads_(threads),
          coarser_(static_cast<unsigned>(std::countr_zero(options.nside) -
                                         std::countr_zero(options.solve_nside))),
          sum_(all.size() > 1 ? ds::reduction([&all](std::span<double> v) { all.add_up_together(v); })
                              : ds::reduction()),
          reader_(all_work,
                  {.nside = options.nside,
                   .polarised = S != ds::stokes::i,
                   .half_wave_plate = options.half_wave_plate,
                   .baselines = options.baselines,
                   .masks = options.reading.masks,
                   .threads = threads},
                  clock_),
          map_pixels_(sphere_pixels(options.nside), threads),
          solve_pixels_(sphere_pixels(options.solve_nside), threads) {}

    void run() {
        all_.together([&] { mark_pixels(); });
        all_.together([&] { set_up(); });
        all_.together([&] { add_prior(); });
        all_.together([&] { iterate(); });
        all_.together([&] { make_maps(); });
        all_.together([&] { finish(); });
        print_account();
    }

private:
    // Shows how a pass over the data goes, where this rank is the one to do so.
    class pass {
    public:
        pass(session& s, const std::string& what) {
            if (s.all_.first()) shown_.emplace(what, "samples", s.work_.my_samples());
        }
        void done(std::size_t samples) {
            if (shown_) shown_->advance(samples);
            common::stop_if_interrupted();
        }

    private:
        std::optional<common::progress> shown_;
    };

    void mark_pixels() {
        pass shown(*this, "find pixels");
        std::vector<std::int32_t> coarse;
        for (std::size_t k = 0; k < work_.size(); ++k) {
            clock_.ends(stage::set_up);
            const ds::chunk c = reader_.pixels(k);
            map_pixels_.mark(c.pixels, c.flags);
            coarse.resize(c.pixels.size());
            std::transform(c.pixels.begin(), c.pixels.end(), coarse.begin(),
                           [&](std::int32_t p) { return p >> 2 * coarser_; });
            solve_pixels_.mark(coarse, c.flags);
            shown.done(work_.observation_of(k).samples);
        }
        map_pixels_.close(sum_);
        solve_pixels_.close(sum_);
        if (map_pixels_.size() == 0) {
            throw std::runtime_error(work_.observations.front().path.string() +
                                     ": no sample is left: all are flagged, or in no interval");
        }
    }

    // 1 or 0 for each of the solve's pixels; none without a mask.
    std::vector<std::uint8_t> read_mask() {
        if (options_.mask.empty()) return {};
        const std::vector<std::uint8_t> sphere =
            kept_pixels(read_sky_map(options_.mask, 1), options_.solve_nside, ordering::nest);
        std::vector<std::uint8_t> mask;
        for (const std::int32_t p : solve_pixels_.pixels())
            mask.push_back(sphere[static_cast<std::size_t>(p)]);
        kept_ = static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1));
        if (kept_ == 0) {
            throw std::runtime_error(options_.mask.string() +
                                     ": leaves none of the pixels that were seen to the solve");
        }
        return mask;
    }

    // The prior is of one rate, and of baselines of one length.
    void set_rate(std::size_t k) {
        const observation& o = work_.observation_of(k);
        if (!options_.prior || o.samples < 2) return;
        const double rate = reader_.rate();
        if (rate_ && std::abs(rate - *rate_) > 1e-3 * *rate_) {
            throw std::runtime_error(o.path.string() + ":/shared/times: has " + std::to_string(rate) +
                                     " samples a second, expected " + std::to_string(*rate_) +
                                     " as the others have: the noise prior is of one rate");
        }
        if (!rate_) rate_ = rate;
    }

    void set_up() {
        const std::vector<std::uint8_t> mask = read_mask();
        std::optional<pass> shown;
        const ds::source chunk_of = [&](std::size_t k) {
            clock_.ends(stage::set_up);
            if (k == 0) shown.emplace(*this, "set up"); // twice
            const ds::chunk c = reader_.samples(k, solve_pixels_, coarser_);
            shown->done(c.pixels.size());
            set_rate(k);
            return c;
        };
        problem_.emplace(
            solve_pixels_.size(), work_.size(), chunk_of,
            ds::problem_options{.rcond = options_.solve_rcond,
                                .mask = mask,
                                .passes = options_.one_pass ? ds::passes::one : ds::passes::two,
                                .threads = threads_,
                                .sum = sum_});
        clock_.ends(stage::set_up);
    }

    void add_prior() {
        equations_ = ds::normal_equations(*problem_, sum_);
        if (!options_.prior) return;
        std::vector<noise_prior::part> parts;
        for (std::size_t k = 0; k < work_.size(); ++k) {
            require_density(work_.observation_of(k), work_.detector_of(k));
            parts.push_back({problem_->amplitudes(k), work_.detector_of(k).noise});
        }
        const double rate = rate_.value_or(1);
        const auto samples = static_cast<double>(baseline_samples(options_.baselines, rate));
        prior_.emplace(parts, samples / rate, rate, problem_->diagonal(), options_.precond_width,
                       threads_);
        equations_.apply = [this, apply = equations_.apply](std::span<const double> in,
                                                            std::span<double> out) {
            apply(in, out);
            prior_->add(in, out);
        };
        equations_.precondition = [this](std::span<const double> in, std::span<double> out) {
            prior_->precondition(in, out);
        };
        clock_.ends(stage::set_up);
    }

    void iterate() {
        std::optional<checkpoint> saved;
        ds::solver_state state;
        if (!options_.checkpoint.empty()) {
            saved.emplace(options_.checkpoint, description_of(options_, work_, kept_), problem_->size(),
                          all_);
            state = saved->load(problem_->rhs());
        }
        begun_ = state.iterations();
        if (begun_ > 0 && all_.first())
            std::printf("%s: going on after iteration %zu\n", options_.checkpoint.c_str(), begun_);
        std::optional<common::progress> shown;
        if (all_.first()) shown.emplace("solve", "iterations", options_.iterations);
        if (shown) shown->advance(begun_);
        time_operator();
        const ds::solve_options how{.tolerance = options_.tolerance,
                                    .iterations = options_.iterations,
                                    .threads = threads_,
                                    .after_iteration = [&](const ds::solver_state& s) {
                                        return after_iteration(s, saved, shown);
                                    }};
        clock_.ends(stage::set_up);
        found_ = ds::solve(equations_, problem_->rhs(), how, state);
        clock_.ends(stage::iterate);
        shown.reset();
        report_solution();
        if (saved && found_.reason != ds::stop::converged) saved->save(state);
    }

    // Books the time that goes into A alone.
    void time_operator() {
        equations_.apply = [this, apply = equations_.apply](std::span<const double> in,
                                                            std::span<double> out) {
            const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
            apply(in, out);
            operator_seconds_ +=
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            ++operator_calls_;
        };
    }

    // Saves the state every so often, and before an interruption; all ranks agree on whether there is one.
    bool after_iteration(const ds::solver_state& s, const std::optional<checkpoint>& saved,
                         std::optional<common::progress>& shown) {
        if (shown) {
            char residual[40];
            std::snprintf(residual, sizeof residual, "residual %.2e", s.relative);
            shown->advance(1, residual);
        }
        double interruptions = 0;
        try {
            common::stop_if_interrupted();
        } catch (const common::interrupted&) {
            interruptions = 1;
        }
        if (sum_) sum_({&interruptions, 1});
        if (saved && (interruptions > 0 || s.iterations() % options_.checkpoint_every == 0))
            saved->save(s);
        return interruptions == 0;
    }

    void report_solution() {
        if (found_.reason == ds::stop::interrupted)
            return common::stop_if_interrupted(); // throws on one rank at least
        if (!all_.first()) return;
        const char* const how =
            found_.reason == ds::stop::iterations ? "not converged" : ds::name_of(found_.reason);
        std::printf("%s after %zu iterations: %s\n", how, found_.iterations, found_.cause.c_str());
        if (found_.reason != ds::stop::converged) {
            std::fprintf(stderr,
                         "destrier-map: warning: the residual is %.3g, %.3g was asked for; the maps "
                         "are made of these offsets nevertheless\n",
                         found_.residual, options_.tolerance);
        }
    }

    void make_maps() {
        for (const selection& which : selections_of(options_, work_)) {
            make_maps_of(which);
            clock_.ends(stage::write);
        }
        if (!options_.offsets.empty()) write_offsets();
    }

    // Flags what is not of this half of an observation.
    static void keep_half(std::span<std::uint8_t> flags, int half) {
        if (half == 0) return;
        const std::size_t middle = flags.size() / 2;
        const std::span<std::uint8_t> other = half == 1 ? flags.subspan(middle) : flags.first(middle);
        std::fill(other.begin(), other.end(), std::uint8_t{1});
    }

    void make_maps_of(const selection& which) {
        pass shown(*this, which.name.empty() ? "bin" : "bin " + which.name);
        ds::map_sums<S> cleaned(map_pixels_.size(), threads_), binned(map_pixels_.size(), threads_);
        std::vector<double> model;
        for (std::size_t k = 0; k < work_.size(); ++k) {
            if (which.detector.empty() || which.detector == work_.detector_of(k).name) {
                clock_.ends(stage::bin);
                const ds::chunk c = reader_.samples(k, map_pixels_, 0);
                if (!c.pixels.empty()) {
                    const destrier::range r = problem_->amplitudes(k);
                    const std::size_t many = r.end - r.begin;
                    // Offsets that nothing is known of are no reason to put their samples into a map.
                    if (!options_.prior) reader_.leave_out(problem_->diagonal().subspan(r.begin, many));
                    keep_half(reader_.flags(), which.half);
                    model.assign(c.pixels.size(), 0);
                    ds::expand_offsets(c.baselines, std::span(found_.x).subspan(r.begin, many), model);
                    cleaned.add(k, c, model);
                    binned.add(k, c);
                }
            }
            shown.done(work_.observation_of(k).samples);
        }
        cleaned.reduce(sum_);
        binned.reduce(sum_);
        clock_.ends(stage::bin);
        if (all_.first()) write_maps(which, cleaned, binned);
    }

    void write_maps(const selection& which, const ds::map_sums<S>& cleaned,
                    const ds::map_sums<S>& binned) {
        const ds::sky_maps maps = ds::make_maps(cleaned, options_.rcond, threads_);
        const ds::sky_maps raw = ds::make_maps(binned, options_.rcond, threads_);
        clock_.ends(stage::bin);
        const sky_map products =
            make_products({.letters = stokes_letters<S>,
                           .pixels = map_pixels_.pixels(),
                           .map = maps.map.span(),
                           .binned = raw.map.span(),
                           .hits = cleaned.hits(),
                           .rcond = maps.rcond.span(),
                           .inverse_covariance = cleaned.inverse_covariance(),
                           .least_rcond = options_.rcond},
                          options_.nside, options_.order, work_.observations.front().unit);
        write_sky_map(files_.add(file_of(options_, which)), products,
                      options_.float32 ? number_type::float32 : number_type::float64,
                      options_.partial ? coverage::partial : coverage::full, notes());
        if (!which.name.empty() || options_.picture.empty()) return;
        write_picture(files_.add(options_.picture), options_.nside, options_.order, panels_of(products));
    }

    keywords notes() const {
        const baseline_options& b = options_.baselines;
        return {
            {"CREATOR", program_name()},
            {"BASELINE", b.seconds == 0 ? std::string("intervals") : std::to_string(b.seconds) + " s"},
            {"PRIOR", std::string(options_.prior ? "yes" : "no")},
            {"STOPPED", std::string(ds::name_of(found_.reason))},
            {"NITER", static_cast<double>(found_.iterations)},
            {"RESIDUAL", found_.residual}};
    }

    // The map, the binned map, what was taken out, and hits.
    std::vector<picture_panel> panels_of(const sky_map& products) {
        const std::size_t n = ds::components<S>;
        const std::string in = products.units[0].empty() ? "" : " (" + products.units[0] + ")";
        std::vector<picture_panel> panels;
        for (std::size_t i = 0; i < n; ++i) {
            const std::string& name = products.columns[i];
            const std::vector<double>& map = products.values[i];
            const std::vector<double>& binned = products.values[n + i];
            stripes_.push_back(difference(binned, map));
            const std::size_t first = panels.size();
            panels.push_back({name + " destriped" + in, map, scale::linear});
            panels.push_back({name + " binned" + in, binned, scale::linear, first});
            panels.push_back({name + " taken out" + in, stripes_.back(), scale::diverging});
        }
        panels.push_back({"hits", products.values[2 * n], scale::logarithmic});
        return panels;
    }

    // Offsets of all ranks, with the samples that they are of.
    void write_offsets() {
        std::vector<double> mine;
        for (std::size_t k = 0; k < work_.size(); ++k) {
            clock_.ends(stage::bin);
            const ds::chunk c = reader_.pixels(k);
            const std::size_t first = problem_->amplitudes(k).begin;
            for (std::size_t b = 0; b < c.baselines.size(); ++b) {
                append_offset(mine, {.chunk = work_.mine.begin + k,
                                     .samples = c.baselines[b],
                                     .offset = found_.x[first + b],
                                     .weight = problem_->diagonal()[first + b]});
            }
        }
        if (sum_) sum_({});
        const std::vector<std::vector<double>> parts = all_.gather(std::move(mine));
        if (all_.first()) write_offset_file(files_.add(options_.offsets), work_, parts);
        clock_.ends(stage::write);
    }

    void finish() {
        if (!all_.first()) return;
        common::stop_if_interrupted();
        files_.commit();
        if (options_.checkpoint.empty()) return;
        if (found_.reason == ds::stop::converged) {
            std::error_code ignored;
            fs::remove(options_.checkpoint, ignored);
        } else {
            std::printf("%s: kept, to go on from with more --iterations\n", options_.checkpoint.c_str());
        }
    }

    // Sums over ranks, which the first one prints.
    void print_account() {
        clock_.ends(stage::write);
        account mine;
        mine.seconds = clock_.seconds();
        mine.operator_seconds = operator_seconds_;
        mine.samples = static_cast<double>(work_.my_samples());
        mine.solve_samples = static_cast<double>(problem_->samples());
        mine.operator_bytes = static_cast<double>(problem_->entry_bytes() * operator_calls_);
        problem_.reset(); // makes room for the measurement
        mine.read_bandwidth = read_bandwidth(threads_);
        const account sum = sum_of(mine, all_);
        if (all_.first()) print(sum, found_.iterations - begun_, all_.size(), threads_);
    }

    const solve_options& options_;
    const work& work_;
    const common::ranks& all_;
    int threads_;
    unsigned coarser_; // halvings of nside from the map's to the solve's
    ds::reduction sum_;
    stage_clock clock_;
    chunk_reader reader_;
    pixel_set map_pixels_, solve_pixels_;
    std::size_t kept_ = 0;       // pixels in the mask
    std::optional<double> rate_; // Hz, for the prior
    std::optional<ds::problem<double, S>> problem_;
    std::optional<noise_prior> prior_;
    ds::linear_system equations_;
    ds::solution found_;
    std::size_t begun_ = 0; // iterations before this run
    double operator_seconds_ = 0;
    std::size_t operator_calls_ = 0;
    std::vector<std::vector<double>> stripes_; // of the picture
    staged_files files_{options_.overwrite};
};

} // namespace mapmaking
