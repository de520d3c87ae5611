// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct/reconstruct.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/parallel.hpp>

#include "axis/axis_of_scan.hpp"
#include "common/output.hpp"
#include "common/process_memory.hpp"
#include "common/progress.hpp"
#include "output/journal.hpp"
#include "output/outputs.hpp"
#include "output/picture.hpp"
#include "output/survey.hpp"
#include "output/tiff_stack.hpp"
#include "output/volume.hpp"
#include "prepare/prepared_scan.hpp"
#include "program.hpp"
#include "reconstruct/description.hpp"
#include "reconstruct/memory_needs.hpp"
#include "reconstruct/pipeline.hpp"
#include "reconstruct/slice_maker.hpp"

namespace tomo {
namespace {

constexpr double mib = 1 << 20;

int threads_of_a_rank(const recon_options& options, const common::ranks& all) {
    const int offered = destrier::thread_count(options.threads);
    return options.threads > 0 ? offered : std::max(offered / static_cast<int>(all.on_this_node()), 1);
}

// The rows of the prepared scan that lie wholly within those asked for.
row_range chosen_rows(const recon_options& options, const scan& input) {
    const index_choice rows =
        fitted(options.rows, input.rows(), "--rows", input.path().string() + " has rows");
    const std::size_t bin = options.prepare.bin;
    const row_range whole{(rows.first + bin - 1) / bin, rows.last / bin};
    if (whole.first < whole.last) return whole;
    throw std::runtime_error("--bin " + std::to_string(bin) + " leaves nothing of rows " +
                             std::to_string(rows.first) + ":" + std::to_string(rows.last) +
                             ", expected a multiple of it among them and as many rows");
}

// The k-th of `parts` shares of the slices that are not done.
std::vector<slice_range> share_of_rest(const std::vector<bool>& done, std::size_t parts, std::size_t k) {
    const auto left = static_cast<std::size_t>(std::count(done.begin(), done.end(), false));
    const destrier::range share = destrier::part(left, parts, k);
    std::vector<slice_range> ranges;
    std::size_t number = 0; // among those that are not done
    for (std::size_t slice = 0; slice < done.size(); ++slice) {
        if (done[slice]) continue;
        const bool mine = number >= share.begin && number < share.end;
        ++number;
        if (!mine) continue;
        if (!ranges.empty() && ranges.back().last == slice) {
            ++ranges.back().last;
        } else {
            ranges.push_back({slice, slice + 1});
        }
    }
    return ranges;
}

std::size_t size_of(const std::vector<slice_range>& ranges) {
    std::size_t sum = 0;
    for (const slice_range& some : ranges) sum += some.size();
    return sum;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path.string() + ": " + std::strerror(errno));
}

// A reconstruction, stage after stage. What only one rank may do, print or name, the first one does.
class reconstruction {
public:
    reconstruction(const recon_options& options, const common::ranks& all)
        : options_(options), all_(all), threads_(threads_of_a_rank(options, all)) {}

    void run() {
        all_.together([&] { open(); });
        all_.together([&] { choose_axis(); });
        axis_.share(all_);
        all_.together([&] { set_up(); });
        fall_back_on_single_slices();
        all_.together([&] { share_work(); });
        all_.together([&] { make_volume(); });
        make_slices();
        all_.together([&] { volume_.emplace(part_); });
        kept_if_interrupted([&] {
            if (needs_survey()) survey_.emplace(*volume_, all_, threads_);
            all_.together([&] { derive(); });
        });
        all_.together([&] { finish(); });
        report();
    }

private:
    void open() {
        scan_.emplace(options_.scan, options_.use);
        prepared_.emplace(*scan_, options_.prepare, threads_);
        slices_.rows = chosen_rows(options_, *scan_);
        part_ = common::part_of(options_.volume);
        if (!all_.first()) return;
        outputs_.emplace(options_);
        announce(options_, *scan_, *prepared_, slices_.rows);
    }

    void choose_axis() {
        axis_ = times_.time("axis", [&] {
            return axis_of_scan(options_, *scan_, *prepared_, slices_.rows, threads_, all_.first());
        });
    }

    void set_up() {
        slices_.centers = axis_.centers(slices_.rows.size());
        slices_.trial = axis_.trial;
        if (slices_.trial) slices_.rows = middle_row();
        make_slice_maker(slices_.size() <= slice_maker::few);
        size_ = maker_->size();
    }

    void make_slice_maker(bool one_by_one) {
        maker_.reset();
        maker_.emplace(times_.time("set up", [&] {
            return slice_maker(prepared_->theta(), prepared_->columns(),
                               {options_.filter, options_.accuracy, axis_.half_center(), one_by_one},
                               threads_);
        }));
        one_by_one_ = one_by_one;
    }

    // A batch of slices wants many times the memory of a single one. Where that is too much for any rank, slices
    // come one by one on all, or the bits of a volume would depend on who made them.
    void fall_back_on_single_slices() {
        const bool fits = one_by_one_ || batches_fit();
        if (all_.sums({fits ? 0.0 : 1.0})[0] > 0) all_.together([&] { make_slice_maker(true); });
    }

    bool batches_fit() const {
        try {
            const std::size_t most = (slices_.size() + all_.size() - 1) / all_.size(); // for a rank
            share_memory(*prepared_, *maker_, memory_wanted(most));
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    }

    void share_work() {
        notes_ = describe(options_, *scan_, *prepared_, axis_, slices_);
        notes_.emplace_back("reconstructed", one_by_one_ ? "one by one" : "in batches");
        request_ = request_of(notes_, *scan_, slices_);
        done_ = options_.resume ? finished_slices(part_, slices_.size(), request_)
                                : std::vector<bool>(slices_.size());
        if (done_.empty()) done_.resize(slices_.size());
        to_do_ = share_of_rest(done_, all_.size(), all_.rank());
        if (!to_do_.empty()) layout_ = share_memory(*prepared_, *maker_, memory_wanted(size_of(to_do_)));
        if (all_.first()) announce_work();
    }

    row_range middle_row() const {
        const std::size_t row = slices_.rows.first + slices_.rows.size() / 2;
        return {row, row + 1};
    }

    memory_request memory_wanted(std::size_t slices) const {
        return {.slices = slices,
                .rows_in_block = scan_->rows_in_block(),
                .reference_frames = scan_->reference_frames(),
                .one_row = slices_.trial,
                .resident = common::resident_bytes(),
                .limit = options_.memory};
    }

    std::size_t finished() const {
        return static_cast<std::size_t>(std::count(done_.begin(), done_.end(), true));
    }

    void announce_work() const {
        announce_gaps(*prepared_, axis_.half);
        if (options_.resume) {
            std::printf("resume: %zu of %zu slices are there already\n", finished(), slices_.size());
        }
        std::printf("slices of %zu x %zu, filter %s, accuracy %s, ", size_, size_,
                    options_.filter.c_str(), options_.accuracy.c_str());
        if (all_.size() > 1) std::printf("%zu ranks x ", all_.size());
        std::printf("%d threads", threads_);
        if (!to_do_.empty()) {
            std::printf(", %zu slices at once%s in %.0f of %.0f MiB", layout_.chunk,
                        one_by_one_ ? ", one by one," : "", layout_.bytes / mib,
                        static_cast<double>(options_.memory) / mib);
        }
        std::printf("\n");
    }

    void make_volume() {
        if (!all_.first() || finished() > 0) return;
        remove_journals(part_);
        const std::uintmax_t bytes = std::uintmax_t{4} * slices_.size() * size_ * size_;
        outputs_->require_space(bytes, bytes / sizeof(float) * bytes_of(options_.tiff_type));
        create_volume(part_, slices_.size(), size_, notes_);
    }

    static std::uintmax_t bytes_of(tiff_format format) {
        if (format == tiff_format::uint8) return 1;
        return format == tiff_format::uint16 ? 2 : 4;
    }

    // A signal may reach some ranks only: then all stop, and what is finished is kept.
    void make_slices() {
        int signal = 0;
        all_.together([&] {
            if (to_do_.empty()) return;
            try {
                run_my_part();
            } catch (const common::interrupted& stop) {
                signal = stop.signal;
            }
        });
        const std::vector<double> stopped = all_.sums({signal != 0 ? 1.0 : 0.0});
        if (stopped[0] == 0) return;
        if (!all_.first()) throw common::failed_elsewhere{};
        kept_if_interrupted(
            [&] { throw common::interrupted{.signal = signal != 0 ? signal : SIGTERM}; });
    }

    // The first rank keeps the finished slices where a signal ends f.
    template <class F>
    void kept_if_interrupted(F&& f) {
        try {
            f();
        } catch (common::interrupted stop) {
            const std::vector<bool> finished = finished_slices(part_, slices_.size(), request_);
            if (all_.first() && std::count(finished.begin(), finished.end(), true) > 0) {
                outputs_->keep_volume();
                stop.text = "interrupted; finished slices are kept: --resume goes on with them";
            }
            throw stop;
        }
    }

    void run_my_part() {
        volume_writer volume(part_);
        journal notes(part_, all_.rank(), request_);
        std::optional<common::progress> shown;
        if (all_.first()) shown.emplace("reconstruct", "slices", size_of(to_do_));
        slices_report_ = run_pipeline(*prepared_, *maker_, slices_, to_do_, layout_, volume, notes,
                                      shown ? &*shown : nullptr, threads_);
        times_.time("sync", [&] { volume.close(); });
        maker_.reset();
    }

    bool needs_survey() const {
        return !options_.picture.empty() || (!options_.tiff.empty() && !options_.tiff_range &&
                                             options_.tiff_type != tiff_format::float32);
    }

    void derive() {
        times_.time("derive", [&] {
            if (!options_.tiff.empty()) write_tiffs();
            if (!all_.first()) return;
            if (outputs_->picture()) write_pictures();
            if (outputs_->configuration()) {
                write_text(outputs_->configuration()->part(),
                           options_.configuration(axis_.for_configuration));
            }
        });
    }

    void write_tiffs() {
        const destrier::range mine = destrier::part(slices_.size(), all_.size(), all_.rank());
        tiff_options how{
            .format = options_.tiff_type, .slice_first = mine.begin, .slice_last = mine.end};
        if (options_.tiff_range) {
            how.range = *options_.tiff_range;
        } else if (survey_) {
            how.range = survey_->range(0.005);
        }
        if (!slices_.trial) {
            how.row_step = options_.prepare.bin;
            how.first_row = slices_.rows.first * how.row_step;
        }
        write_tiff_stack(*volume_, common::part_of(options_.tiff), how, threads_);
        gray_ = how.range;
    }

    void write_pictures() {
        const std::filesystem::path& path = outputs_->picture()->part();
        if (!slices_.trial) {
            write_picture(path, *volume_, *survey_);
            return;
        }
        std::vector<std::string> labels;
        for (const double center : slices_.centers) {
            labels.push_back("center " + short_text(prepared_->in_file(center)));
        }
        write_contact_sheet(path, *volume_, *survey_, labels);
    }

    void finish() {
        volume_.reset();
        if (all_.first()) outputs_->commit();
    }

    void report() {
        const findings& f = slices_report_.found;
        const std::vector<double> sums =
            all_.sums({static_cast<double>(f.guards.opaque), static_cast<double>(f.guards.not_finite),
                       static_cast<double>(f.clamped), static_cast<double>(f.zingers),
                       static_cast<double>(size_of(to_do_))});
        const std::vector<std::vector<double>> peaks =
            all_.gather({static_cast<double>(common::peak_resident_bytes())});
        if (!all_.first()) return;
        const std::size_t per_slice = prepared_->angles() * prepared_->columns();
        const double samples = (slices_.trial ? 1 : sums[4]) * static_cast<double>(per_slice);
        std::printf("guarded: %.0f of %.0f samples not above 1e-5 of the beam, taken as that; %.0f not "
                    "finite, taken from their neighbours; %.0f pixels without beam\n",
                    sums[0], samples, sums[1], sums[2]);
        if (options_.prepare.zingers.threshold > 0) std::printf("zingers: %.0f replaced\n", sums[3]);
        double peak = 0;
        for (const std::vector<double>& of_rank : peaks) peak = std::max(peak, of_rank[0]);
        report_times(static_cast<std::size_t>(sums[4]), peak);
        report_outputs();
    }

    void report_times(std::size_t made, double peak) {
        const std::chrono::duration<double> total = std::chrono::steady_clock::now() - start_;
        common::stage_times all = times_;
        all += slices_report_.compute;
        const common::stage_times& work = slices_report_.compute;
        const destrier::gridrec::stage_times& inside = slices_report_.gridrec;
        const double waited = work.seconds("wait for read") + work.seconds("wait for write");
        std::printf("time:\n%s", all.text().c_str());
        std::printf("  (reconstruct: radial %.3f, grid %.3f, image %.3f s; beside that: reading %.3f, "
                    "writing %.3f s)\n",
                    inside.radial, inside.grid, inside.image, slices_report_.beside.seconds("read"),
                    slices_report_.beside.seconds("write"));
        std::printf("%zu slices in %.3f s: %.3g slices/s; %.1f %% of it waited for files; peak memory "
                    "%.0f MiB\n",
                    made, total.count(), static_cast<double>(made) / total.count(),
                    100 * waited / total.count(), peak / mib);
    }

    void report_outputs() const {
        std::printf("%s: %zu slices of %zu x %zu, in 1/pixel\n", options_.volume.c_str(), slices_.size(),
                    size_, size_);
        if (!options_.tiff.empty()) {
            std::printf("%s: the same as TIFF files", options_.tiff.c_str());
            if (options_.tiff_type != tiff_format::float32) {
                std::printf(", %g to %g from black to white", static_cast<double>(gray_.low),
                            static_cast<double>(gray_.high));
            }
            std::printf("\n");
        }
        if (!options_.picture.empty()) std::printf("%s: the picture\n", options_.picture.c_str());
        if (options_.configuration) {
            std::printf("%s: the options, for recon --config\n",
                        outputs::configuration_of(options_).c_str());
        }
    }

    const recon_options& options_;
    const common::ranks& all_;
    int threads_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    common::stage_times times_;

    std::optional<scan> scan_;
    std::optional<prepared_scan> prepared_;
    std::filesystem::path part_; // of the volume
    std::optional<outputs> outputs_;
    chosen_axis axis_;
    slice_list slices_;
    std::optional<slice_maker> maker_;
    bool one_by_one_ = false;
    attributes notes_;
    std::string request_;
    std::vector<bool> done_;
    std::vector<slice_range> to_do_;
    memory_layout layout_;
    pipeline_report slices_report_;
    std::optional<volume_reader> volume_;
    std::optional<survey> survey_;
    gray_range gray_{0, 1};
    std::size_t size_ = 0; // rows and columns of a slice
};

} // namespace

void reconstruct(const recon_options& options, const common::ranks& all) {
    common::return_large_blocks(); // for --memory
    reconstruction(options, all).run();
}

} // namespace tomo
