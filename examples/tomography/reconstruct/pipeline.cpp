// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct/pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/hdf5.hpp"
#include "common/output.hpp"
#include "common/relay.hpp"

namespace tomo {
namespace {

using destrier::buffer;

// A chunk on its way in: counts of the rows that these slices are made of.
struct chunk {
    slice_range slices{0, 0};
    count_rows counts;
};

// A batch on its way out.
struct finished_slices_batch {
    slice_range slices{0, 0};
    buffer<float> values;
};

// The first exception of several threads.
class first_failure {
public:
    void keep(std::exception_ptr thrown) {
        const std::lock_guard lock(mutex_);
        if (!thrown_) thrown_ = std::move(thrown);
    }
    void rethrow() {
        const std::lock_guard lock(mutex_);
        if (thrown_) std::rethrow_exception(thrown_);
    }

private:
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

// Writes slices. A thread of its own waits until they are on the disk, once a second at most, and notes that they
// are: so that nobody else waits.
class recorder {
public:
    recorder(volume_writer& volume, journal& notes)
        : volume_(volume), notes_(notes),
          noting_([this](const std::stop_token& stop) { note_all(stop); }) {}

    void write(slice_range slices, const float* values) {
        volume_.write(slices.first, slices.size(), values);
        const std::lock_guard lock(mutex_);
        failure_.rethrow();
        if (!written_.empty() && written_.back().last == slices.first) {
            written_.back().last = slices.last;
        } else {
            written_.push_back(slices);
        }
        changed_.notify_one();
    }
    /// All that was written is noted.
    void finish() {
        noting_.request_stop();
        noting_.join();
        failure_.rethrow();
    }

private:
    void note_all(const std::stop_token& stop) noexcept {
        try {
            for (std::unique_lock lock(mutex_);
                 changed_.wait(lock, stop, [&] { return !written_.empty(); }); pause(lock, stop)) {
                const std::vector<slice_range> some = std::exchange(written_, {});
                lock.unlock();
                volume_.sync();
                for (const slice_range& slices : some) notes_.add(slices.first, slices.last);
                lock.lock();
            }
        } catch (...) {
            failure_.keep(std::current_exception());
        }
    }
    void pause(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
        changed_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }

    volume_writer& volume_;
    journal& notes_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<slice_range> written_; // and not noted
    first_failure failure_;
    std::jthread noting_; // the last, as it is the first to go
};

class pipeline {
public:
    pipeline(const prepared_scan& input, slice_maker& maker, const slice_list& slices,
             const memory_layout& layout, int threads)
        : input_(input), maker_(maker), slices_(slices), layout_(layout), threads_(threads),
          in_(chunks()), out_(batches()), work_(input.work_size(rows_in_chunk()), {}, threads) {
        maker.reserve(layout.batch);
    }

    pipeline_report run(const std::vector<slice_range>& to_do, volume_writer& volume, journal& notes,
                        common::progress* shown) {
        first_failure failure;
        const auto guarded = [&](auto&& f) {
            try {
                f();
            } catch (...) {
                failure.keep(std::current_exception());
                in_.give_up();
                out_.give_up();
            }
        };
        common::stage_times reading, writing;
        std::jthread reader([&] { guarded([&] { read(to_do, reading); }); });
        std::jthread writer([&] { guarded([&] { write(volume, notes, writing); }); });
        guarded([&] { compute(shown); });
        reader.join();
        report_.compute.time("wait for write", [&] { writer.join(); });
        failure.rethrow();
        report_.beside = reading;
        report_.beside += writing;
        report_.gridrec = maker_.times();
        return std::move(report_);
    }

private:
    std::size_t rows_in_chunk() const { return slices_.trial ? 1 : layout_.chunk; }

    std::vector<chunk> chunks() const {
        std::vector<chunk> all(layout_.inputs);
        for (chunk& one : all) {
            one.counts.counts = buffer<float>(input_.counts_size(rows_in_chunk()), {}, threads_);
        }
        return all;
    }
    std::vector<finished_slices_batch> batches() const {
        std::vector<finished_slices_batch> all(layout_.outputs);
        for (finished_slices_batch& one : all) {
            one.values = buffer<float>(layout_.batch * maker_.size() * maker_.size(), {}, threads_);
        }
        return all;
    }

    void read(const std::vector<slice_range>& to_do, common::stage_times& times) {
        common::h5::prepare(); // HDF5 asks each thread whether it is to print errors itself
        for (const slice_range& some : to_do) {
            for (std::size_t first = some.first; first < some.last; first += layout_.chunk) {
                chunk* const next = in_.next_empty();
                if (!next) return;
                next->slices = {first, std::min(first + layout_.chunk, some.last)};
                times.time("read", [&] {
                    input_.read_counts(slices_.rows_of(next->slices), next->counts,
                                       common::stop_if_interrupted);
                });
                in_.filled(next);
            }
        }
        in_.finish();
    }

    void compute(common::progress* shown) {
        common::stage_times& times = report_.compute;
        for (;;) {
            chunk* const next = times.time("wait for read", [&] { return in_.next_filled(); });
            if (!next) break;
            const projections lines = times.time(
                "preprocess", [&] { return input_.prepare(next->counts, work_, report_.found); });
            for (std::size_t done = 0; done < next->slices.size(); done += layout_.batch) {
                common::stop_if_interrupted();
                const slice_range some{
                    next->slices.first + done,
                    std::min(next->slices.first + done + layout_.batch, next->slices.last)};
                if (!make(lines, done, some)) return;
                if (shown) shown->advance(some.size());
            }
            in_.emptied(next);
        }
        out_.finish();
    }

    // False where nobody will write them.
    bool make(const projections& lines, std::size_t row, slice_range slices) {
        finished_slices_batch* const next =
            report_.compute.time("wait for write", [&] { return out_.next_empty(); });
        if (!next) return false;
        // Of a trial, all slices are of one row.
        const const_projections rows =
            slices_.trial
                ? const_projections(lines.data(), {lines.extent(0), slices.size(), lines.extent(2)},
                                    {lines.stride(0), 0, lines.stride(2)})
                : const_projections(lines.slice(1, row, slices.size()));
        const std::span<const double> centers(slices_.centers.data() + slices.first, slices.size());
        report_.compute.time("reconstruct", [&] { maker_.apply(rows, centers, next->values.data()); });
        next->slices = slices;
        out_.filled(next);
        return true;
    }

    void write(volume_writer& volume, journal& notes, common::stage_times& times) {
        recorder record(volume, notes);
        while (finished_slices_batch* const next = out_.next_filled()) {
            times.time("write", [&] { record.write(next->slices, next->values.data()); });
            out_.emptied(next);
        }
        times.time("write", [&] { record.finish(); });
    }

    const prepared_scan& input_;
    slice_maker& maker_;
    const slice_list& slices_;
    memory_layout layout_;
    int threads_;
    common::relay<chunk> in_;
    common::relay<finished_slices_batch> out_;
    buffer<float> work_;
    pipeline_report report_;
};

} // namespace

pipeline_report run_pipeline(const prepared_scan& input, slice_maker& maker, const slice_list& slices,
                             const std::vector<slice_range>& to_do, const memory_layout& layout,
                             volume_writer& volume, journal& notes, common::progress* shown,
                             int threads) {
    return pipeline(input, maker, slices, layout, threads).run(to_do, volume, notes, shown);
}

} // namespace tomo
