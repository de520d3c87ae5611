// SPDX-License-Identifier: BSD-3-Clause
#include "prepare/prepared_scan.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <destrier/layout.hpp>
#include <destrier/parallel.hpp>

#include "prepare/binning.hpp"

namespace tomo {
namespace {

using destrier::buffer;

paganin_options with_binned_pixels(paganin_options phase, std::size_t bin) {
    phase.pixel_cm *= static_cast<double>(bin);
    return phase;
}

void copy(const_projections in, projections out, int threads) {
    destrier::parallel_for(in.extent(0), threads, [&](std::size_t angle) {
        for (std::size_t row = 0; row < in.extent(1); ++row)
            std::copy_n(&in(angle, row, 0), in.extent(2), &out(angle, row, 0));
    });
}

} // namespace

prepared_scan::prepared_scan(const scan& input, const preparation& how, int threads)
    : input_(input), how_(how), threads_(threads) {
    if (how.bin == 0 || columns() < 16 || rows() == 0) {
        throw std::runtime_error("--bin " + std::to_string(how.bin) + " does not fit: of " +
                                 std::to_string(input.rows()) + " rows x " +
                                 std::to_string(input.columns()) +
                                 " columns, expected 1 row x 16 columns or more to come out");
    }
    check(how.zingers);
    check(how.stripes, angles(), columns());
    if (how.phase.delta_beta != 0) phase_.emplace(with_binned_pixels(how.phase, how.bin), columns());
}

flat_field prepared_scan::flat_field_of(row_range file_rows) const {
    const frames white = input_.read_white(file_rows), dark = input_.read_dark(file_rows);
    try {
        if (how_.bin == 1) return make_flat_field(white, dark, how_.flat);
        return make_flat_field(binned(white, how_.bin), binned(dark, how_.bin), how_.flat);
    } catch (const std::runtime_error& e) {
        throw std::runtime_error(input_.path().string() + ": rows " + std::to_string(file_rows.first) +
                                 ":" + std::to_string(file_rows.last) + ": " + e.what());
    }
}

void prepared_scan::read_counts(row_range rows, count_rows& into,
                                const std::function<void()>& goes_on) const {
    const row_range read{rows.first - std::min(margin(), rows.first),
                         std::min(rows.last + margin(), this->rows())};
    const row_range file_rows{read.first * how_.bin, read.last * how_.bin};
    into.rows = rows;
    into.above = rows.first - read.first;
    into.read = read.size();
    into.flat = flat_field_of(file_rows);
    input_.read_projections(file_rows, into.counts.data(), goes_on);
}

projections prepared_scan::prepare(count_rows& counts, buffer<float>& work, findings& found) const {
    projections stage(counts.counts.data(), {angles(), counts.read * how_.bin, input_.columns()});
    if (how_.zingers.threshold > 0) found.zingers += remove_zingers(stage, how_.zingers, threads_);
    if (how_.bin > 1) {
        const projections larger_pixels(work.data(), {angles(), counts.read, columns()});
        bin(stage, how_.bin, larger_pixels, threads_);
        stage = larger_pixels;
    }
    found.clamped += counts.flat.clamped;
    found.guards += to_transmission(stage, counts.flat, threads_);
    const projections wanted = stage.slice(1, counts.above, counts.rows.size());
    if (phase_) phase_->apply(stage, counts.above, wanted, threads_);
    found.guards += to_line_integrals(wanted, threads_);
    remove_stripes(wanted, how_.stripes, threads_);
    return wanted;
}

void prepared_scan::read(row_range rows, projections out) const {
    count_rows counts;
    counts.counts = buffer<float>(counts_size(rows.size()), {}, threads_);
    buffer<float> work(work_size(rows.size()), {}, threads_);
    findings ignored;
    read_counts(rows, counts, [] {});
    copy(prepare(counts, work, ignored), out, threads_);
}

void prepared_scan::read_projection(std::size_t angle, row_range rows,
                                    destrier::view<float, 2> out) const {
    const row_range file_rows{rows.first * how_.bin, rows.last * how_.bin};
    buffer<float> counts(file_rows.size() * input_.columns()), work(rows.size() * columns());
    input_.read_projection(angle, file_rows, counts.data());
    const projections file_pixels(counts.data(), {1, file_rows.size(), input_.columns()}),
        one(work.data(), {1, rows.size(), columns()});
    bin(file_pixels, how_.bin, one, threads_);
    to_transmission(one, flat_field_of(file_rows), threads_);
    to_line_integrals(one, threads_);
    copy(one, projections(out.data(), {1, rows.size(), columns()}, {0, out.stride(0), 1}), threads_);
}

std::size_t prepared_scan::counts_size(std::size_t rows) const {
    const std::size_t read = std::min(rows + 2 * margin(), this->rows());
    return angles() * read * how_.bin * input_.columns();
}

std::size_t prepared_scan::scratch_bytes(std::size_t rows) const {
    std::size_t bytes = stripe_scratch_bytes(how_.stripes, angles(), columns(), threads_);
    if (phase_) bytes = std::max(bytes, phase_->scratch_bytes(rows, threads_));
    return bytes;
}

std::size_t prepared_scan::work_size(std::size_t rows) const {
    return how_.bin == 1 ? 0 : counts_size(rows) / (how_.bin * how_.bin);
}

} // namespace tomo
