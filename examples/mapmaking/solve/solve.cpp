// SPDX-License-Identifier: BSD-3-Clause
#include "solve/solve.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>

#include <destrier/parallel.hpp>

#include "observation/work.hpp"
#include "output/outputs.hpp"
#include "output/products.hpp"
#include "solve/memory_needs.hpp"
#include "solve/session.hpp"

namespace mapmaking {
namespace {

int threads_of_a_rank(const solve_options& options, const common::ranks& all) {
    const int offered = destrier::thread_count(options.threads);
    return options.threads > 0 ? offered : std::max(offered / static_cast<int>(all.on_this_node()), 1);
}

// What was left open is filled in; what does not go together is refused.
solve_options completed(solve_options options) {
    if (options.solve_nside == 0) options.solve_nside = options.nside;
    if (options.solve_nside > options.nside) {
        throw std::runtime_error("--solve-nside is " + std::to_string(options.solve_nside) +
                                 ", expected at most --nside, which is " +
                                 std::to_string(options.nside));
    }
    baseline_options& baselines = options.baselines;
    if (baselines.seconds == 0 && baselines.intervals.empty()) baselines.intervals = "scanning";
    if (options.prior && baselines.seconds == 0)
        throw std::runtime_error(
            "--baseline is intervals, expected baselines of one length, such as 1s, "
            "with --prior");
    if (options.prior && options.reading.uniform_weights)
        throw std::runtime_error("--weights is uniform, expected noise with --prior");
    baselines.contiguous = options.prior;
    return options;
}

// Baselines of this rank, about.
std::size_t estimated_baselines(const work& all, const baseline_options& how) {
    std::size_t sum = 0;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const observation& o = all.observation_of(k);
        sum += how.seconds == 0 ? o.samples / 100 + 1 : o.samples / baseline_samples(how, o.rate) + 1;
    }
    return sum;
}

problem_sizes sizes_of(const solve_options& options, const work& all, const std::string& letters,
                       bool writes) {
    const std::size_t samples = all.samples();
    problem_sizes sizes{};
    sizes.samples = all.my_samples();
    sizes.longest = all.my_longest();
    sizes.pixels = std::min(sphere_pixels(options.nside), samples);
    sizes.solve_pixels = std::min(sphere_pixels(options.solve_nside), samples);
    sizes.sphere_pixels = writes ? sphere_pixels(options.nside) : 0;
    sizes.baselines = estimated_baselines(all, options.baselines);
    sizes.components = letters.size();
    sizes.columns = product_columns(letters);
    sizes.band = options.prior ? options.precond_width : 0;
    sizes.one_pass = options.one_pass;
    return sizes;
}

void require_room(const solve_options& options, const work& all, const common::ranks& ranks,
                  const std::string& letters) {
    const problem_sizes sizes = sizes_of(options, all, letters, ranks.first());
    const memory_need need = needed_memory(sizes);
    const std::size_t available =
        options.memory > 0 ? options.memory : available_memory(ranks.on_this_node());
    require_memory(need, available, sizes);
    if (!ranks.first()) return;
    std::printf("memory: at most %s of %s; %zu bytes a sample while setting up, %zu in iterations\n",
                bytes_text(need.bytes).c_str(), bytes_text(available).c_str(),
                need.per_sample_setting_up, need.per_sample_iterating);
}

void print_work(const work& all) {
    for (const observation& o : all.observations) {
        if (o.unused.empty()) continue;
        std::fprintf(
            stderr,
            "destrier-map: warning: %s: %zu of %zu detectors are left out, flagged or of weight "
            "0: %s%s\n",
            o.path.c_str(), o.unused.size(), o.unused.size() + o.detectors.size(),
            o.unused.front().c_str(), o.unused.size() > 1 ? " ..." : "");
    }
    std::printf("%zu observation%s, %zu chunks of a detector's samples, %zu samples\n",
                all.observations.size(), all.observations.size() > 1 ? "s" : "", all.chunks.size(),
                all.samples());
}

template <ds::stokes S>
void solve_for(const solve_options& options, const work& to_do, const common::ranks& all) {
    all.together([&] { require_room(options, to_do, all, stokes_letters<S>); });
    session<S>(options, to_do, all, threads_of_a_rank(options, all)).run();
}

} // namespace

std::string description_of(const solve_options& options, const work& all, std::size_t kept_pixels) {
    const baseline_options& b = options.baselines;
    std::ostringstream lines;
    lines << "program: " << program_name() << "\nStokes parameters: " << static_cast<int>(options.stokes)
          << "\nnside of the solve: " << options.solve_nside << "\nbaseline: " << b.seconds
          << " s\nintervals: " << b.intervals << "\nprior: " << options.prior
          << "\nwidth of the preconditioner: " << (options.prior ? options.precond_width : 0)
          << "\nrcond of the solve: " << options.solve_rcond << "\npixels in the mask: " << kept_pixels
          << "\nmask of detectors' flags: " << options.reading.masks.detector
          << "\nmask of shared flags: " << options.reading.masks.shared
          << "\nuniform weights: " << options.reading.uniform_weights
          << "\nhalf-wave plate: " << options.half_wave_plate << "\n";
    for (const observation& o : all.observations) {
        lines << "observation: " << o.name << ", " << fs::file_size(o.path) << " bytes, " << o.samples
              << " samples, " << o.detectors.size() << " detectors\n";
    }
    return lines.str();
}

void solve(const solve_options& given, const common::ranks& all) {
    solve_options options;
    work to_do;
    all.together([&] {
        options = completed(given);
        to_do = plan_work(options.observations, options.reading, options.mixed_focal_planes, all.rank(),
                          all.size());
    });
    all.together([&] {
        if (!all.first()) return;
        require_outputs(options, selections_of(options, to_do));
        print_work(to_do);
    });
    switch (options.stokes) {
    case ds::stokes::i: return solve_for<ds::stokes::i>(options, to_do, all);
    case ds::stokes::qu: return solve_for<ds::stokes::qu>(options, to_do, all);
    case ds::stokes::iqu: return solve_for<ds::stokes::iqu>(options, to_do, all);
    }
}

} // namespace mapmaking
