// SPDX-License-Identifier: BSD-3-Clause
#include "extract/extract_files.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include <destrier/parallel.hpp>

#include "common/output.hpp"
#include "common/progress.hpp"
#include "exposure/exposure.hpp"
#include "extract/extract.hpp"
#include "extract/jobs.hpp"
#include "output/frame.hpp"
#include "output/picture.hpp"
#include "program.hpp"

namespace spectra {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
}

std::string text_of(std::size_t nx, std::size_t ny) {
    return std::to_string(nx) + " x " + std::to_string(ny) + " pixels";
}

struct task {
    std::size_t job;
    fiber_span wanted;
};

std::vector<task> tasks_of(const std::vector<job>& jobs) {
    std::vector<task> tasks;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
        for (const fiber_span& wanted : jobs[j].bundles) tasks.push_back({j, wanted});
    }
    return tasks;
}

// What became of the exposures, as the first rank knows it in the end.
struct account {
    stage_seconds stages = {}; // summed over threads and ranks
    double files = 0;          // seconds of reading and writing, this rank's
    std::size_t patches = 0, clipped = 0;

    void add(const bundle_spectra& b) {
        for (std::size_t s = 0; s < stage_count; ++s) stages[s] += b.seconds[s];
        patches += b.patches;
        clipped += b.clipped;
    }
};

// The extraction of all jobs, round by round: in each, every rank extracts a bundle, and the first rank collects
// them, and writes the frames that are whole. Without ranks a round is a bundle.
class session {
public:
    session(const extract_files_options& options, const std::vector<job>& jobs, const common::ranks& all)
        : options_(options), jobs_(jobs), all_(all), tasks_(tasks_of(jobs)) {
        std::size_t patches = 0;
        for (const job& j : jobs) patches += j.patches;
        if (all.first()) shown_.emplace("extract", "patches", patches);
    }

    account run() {
        for (std::size_t begin = 0; begin < tasks_.size(); begin += all_.size()) {
            std::vector<double> mine;
            all_.together([&] {
                const std::size_t number = begin + all_.rank();
                if (number < tasks_.size()) extract(tasks_[number]).append_to(mine);
            });
            const std::vector<std::vector<double>> gathered = all_.gather(std::move(mine));
            all_.together([&] {
                common::stop_if_interrupted(); // a rank without a bundle, too
                for (std::size_t r = 0; r < gathered.size() && begin + r < tasks_.size(); ++r)
                    collect(begin + r, gathered[r]);
            });
        }
        shown_.reset();
        account_.files = all_.sums({account_.files}).front();
        return account_;
    }

private:
    template <class F>
    decltype(auto) time_files(F&& f) {
        struct timer {
            double& sum;
            clock::time_point start = clock::now();
            ~timer() { sum += seconds_since(start); }
        };
        const timer t{account_.files};
        return f();
    }

    // Makes this job's exposure the one at hand.
    void load(std::size_t number) {
        if (loaded_ == number) return;
        loaded_.reset();
        const job& j = jobs_[number];
        time_files([&] {
            exposure_ = read_exposure(j.image);
            weights_ = usable_weights(exposure_);
        });
        common::stop_if_interrupted();
        const psf& p = *j.psf;
        if (p.nx != 0 && (p.nx != exposure_.nx || p.ny != exposure_.ny)) {
            throw std::runtime_error(j.image.string() + ": is of " +
                                     text_of(exposure_.nx, exposure_.ny) + ", expected " +
                                     text_of(p.nx, p.ny) + " as " + j.psf_path.string() + " is for");
        }
        if (!p.camera.empty() && !exposure_.camera.empty() && p.camera != exposure_.camera &&
            all_.first()) {
            std::fprintf(stderr, "destrier-spectra: warning: %s is of camera %s, %s of %s\n",
                         j.image.c_str(), exposure_.camera.c_str(), j.psf_path.c_str(),
                         p.camera.c_str());
        }
        loaded_ = number;
    }

    bundle_spectra extract(const task& t) {
        load(t.job);
        const job& j = jobs_[t.job];
        return extract_bundle(*j.psf, exposure_, weights_, t.wanted, j.how,
                              [this](std::size_t, std::size_t) {
                                  if (shown_) shown_->advance(1);
                                  common::stop_if_interrupted();
                              });
    }

    // Takes in a bundle; the last one of a job makes its frame. Bundles come in the order of the tasks.
    void collect(std::size_t number, std::span<const double> numbers) {
        const std::size_t in_job = tasks_[number].job;
        bundles_.push_back(bundle_spectra::take_from(numbers));
        account_.add(bundles_.back());
        if (number % all_.size() != 0 && shown_) shown_->advance(bundles_.back().patches);
        if (bundles_.size() < jobs_[in_job].bundles.size()) return;
        load(in_job);
        write(jobs_[in_job], finish_frame(bundles_, *jobs_[in_job].psf, exposure_, jobs_[in_job].how));
        bundles_.clear();
    }

    void write(const job& j, frame f) {
        time_files([&] {
            std::optional<common::staged_file> picture;
            if (!options_.picture.empty()) {
                picture.emplace(options_.picture, options_.overwrite);
                write_picture(picture->part(), exposure_, f);
            }
            if (!options_.model) f.model.clear();
            write_frame(j.frame, f,
                        {j.psf_path, j.image, program_name(), options_.algorithm, j.how.psf_error},
                        options_.overwrite);
            if (picture) picture->commit();
        });
        std::printf("%s: %zu fibres, %zu bins from %g to %g Angstrom\n", j.frame.c_str(), f.fibers,
                    f.wavelength.size(), f.wavelength.front(), f.wavelength.back());
        if (!options_.picture.empty()) std::printf("%s: the picture\n", options_.picture.c_str());
        common::stop_if_interrupted();
    }

    const extract_files_options& options_;
    const std::vector<job>& jobs_;
    const common::ranks& all_;
    std::vector<task> tasks_;
    std::optional<common::progress> shown_; // of the first rank

    std::optional<std::size_t> loaded_;
    exposure exposure_;
    std::vector<float> weights_;
    std::vector<bundle_spectra> bundles_; // of the job that the first rank collects
    account account_;
};

void print_row(const char* name, double seconds, double of) {
    std::printf("  %-18s %10.3f %6.1f %%\n", name, seconds, 100 * seconds / of);
}

void print_stages(const account& a, double core_seconds) {
    double counted = a.files;
    std::printf("%-20s %10s\n", "stage", "core-s");
    print_row("read and write", a.files, core_seconds);
    for (std::size_t s = 0; s < stage_count; ++s) {
        print_row(name_of(static_cast<stage>(s)), a.stages[s], core_seconds);
        counted += a.stages[s];
    }
    print_row("idle and other", std::max(core_seconds - counted, 0.0), core_seconds);
    print_row("all", core_seconds, core_seconds);
}

// Reading and writing take as long for few fibres as for many, the rest is in proportion to them.
void print_speed(const account& a, const std::vector<job>& jobs, double seconds, std::size_t ranks,
                 int threads) {
    const double cores = static_cast<double>(ranks) * threads, frames = static_cast<double>(jobs.size());
    double fibers = 0;
    for (const job& j : jobs) fibers += static_cast<double>(j.how.fibers) / frames;
    const double reading = a.files / static_cast<double>(ranks), computing = seconds - reading;
    const double whole_frame = (reading + computing * 500 / fibers) / frames;
    std::printf("%zu patches in %.3f s on %g cores (ranks x threads: %zu x %d): %.1f patches/s\n",
                a.patches, seconds, cores, ranks, threads, static_cast<double>(a.patches) / seconds);
    std::printf("a frame of %g fibres: %.3f core-s\n", fibers, cores * seconds / frames);
    std::printf("scaled to 500 fibres: %.1f core-s, %.1f frames per node-hour on %g cores\n",
                cores * whole_frame, 3600 / whole_frame, cores);
}

void print_account(const account& a, const std::vector<job>& jobs, double seconds, std::size_t ranks,
                   int threads) {
    print_stages(a, static_cast<double>(ranks) * threads * seconds);
    print_speed(a, jobs, seconds, ranks, threads);
    if (a.clipped > 0) {
        std::fprintf(
            stderr,
            "destrier-spectra: warning: the matrix of %zu patches was not positive definite, and was "
            "made so\n",
            a.clipped);
    }
}

int threads_of_a_rank(const extract_files_options& options, const common::ranks& all) {
    const int offered = destrier::thread_count(options.threads);
    return options.threads > 0 ? offered : std::max(offered / static_cast<int>(all.on_this_node()), 1);
}

} // namespace

void extract_files(const extract_files_options& options, const common::ranks& all) {
    const clock::time_point start = clock::now();
    const int threads = threads_of_a_rank(options, all);
    plan p;
    all.together([&] { p = plan_of(options, threads); });
    all.together([&] {
        if (all.first()) require_files(options, p.jobs);
    });
    const account a = session(options, p.jobs, all).run();
    if (all.first()) print_account(a, p.jobs, seconds_since(start), all.size(), threads);
}

} // namespace spectra
