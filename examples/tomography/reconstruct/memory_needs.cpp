// SPDX-License-Identifier: BSD-3-Clause
#include "reconstruct/memory_needs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace tomo {
namespace {

constexpr double mib = 1 << 20;

// Blocks that HDF5 decompresses, stacks of threads, and what malloc keeps.
constexpr double others = 16 * mib;

double bytes_of(const prepared_scan& input, const slice_maker& maker, const memory_request& request,
                const memory_layout& layout) {
    const auto rows = request.one_row ? std::size_t{1} : layout.chunk;
    const std::size_t read = input.counts_size(rows) / input.angles();
    const double references =
        sizeof(float) * static_cast<double>(read) * 2.0 * static_cast<double>(request.reference_frames);
    const double flat = sizeof(float) * static_cast<double>(read) * 4.0;
    const double counts = sizeof(float) * static_cast<double>(input.counts_size(rows));
    const double slices = sizeof(float) * static_cast<double>(layout.batch) *
                          static_cast<double>(maker.size() * maker.size());
    return static_cast<double>(request.resident) + others + maker.work_bytes(layout.batch) +
           static_cast<double>(layout.inputs) * (counts + flat) + references +
           sizeof(float) * static_cast<double>(input.work_size(rows)) +
           static_cast<double>(input.scratch_bytes(rows)) + static_cast<double>(layout.outputs) * slices;
}

// The largest batch, with as much going on at once as the limit lets.
bool fit_smallest(const prepared_scan& input, const slice_maker& maker, const memory_request& request,
                  memory_layout& layout) {
    struct buffers {
        std::size_t inputs, outputs;
    };
    for (std::size_t batch = slice_maker::batch; batch > 0; batch /= 2) {
        for (const auto& [inputs, outputs] : {buffers{2, 2}, buffers{2, 1}, buffers{1, 1}}) {
            const std::size_t some = std::min(batch, request.slices);
            layout = {some, some, inputs, outputs};
            layout.bytes = bytes_of(input, maker, request, layout);
            if (layout.bytes <= static_cast<double>(request.limit)) return true;
        }
    }
    return false;
}

// Whole blocks of the file, as each is decompressed for each chunk that has a part in it; else enough for long
// reads and for few margins, but an eighth of all, so that reading and writing overlap with work.
std::size_t wanted_chunk(const prepared_scan& input, const memory_request& request) {
    constexpr std::size_t long_read = std::size_t{1} << 20; // bytes of a projection
    const std::size_t row = input.counts_size(1) / input.angles() * sizeof(float) /
                            (input.margin() > 0 ? 2 * input.margin() + 1 : 1);
    const std::size_t long_enough = std::max<std::size_t>(long_read / row, 1);
    const std::size_t several = std::min(long_enough, request.slices / 8);
    const std::size_t bin = input.pixels_joined();
    return std::max(
        {several, 8 * input.margin(), (request.rows_in_block + bin - 1) / bin, 2 * slice_maker::batch});
}

} // namespace

memory_layout share_memory(const prepared_scan& input, const slice_maker& maker,
                           const memory_request& request) {
    memory_layout layout;
    if (!fit_smallest(input, maker, request, layout)) {
        char text[120];
        std::snprintf(text, sizeof text, "--memory of %.0f MiB is too small: expected %.0f MiB or more",
                      static_cast<double>(request.limit) / mib, std::ceil(layout.bytes / mib));
        throw std::runtime_error(text);
    }
    const std::size_t batch = layout.batch;
    const std::size_t most = std::min(wanted_chunk(input, request), request.slices);
    for (memory_layout larger = layout; larger.chunk < most && !request.one_row;) {
        larger.chunk = std::min(larger.chunk + batch, request.slices);
        larger.bytes = bytes_of(input, maker, request, larger);
        if (larger.bytes > static_cast<double>(request.limit)) break;
        layout = larger;
    }
    if (request.one_row) layout.chunk = request.slices;
    if (layout.chunk == request.slices) layout.inputs = 1;
    if (layout.batch == request.slices) layout.outputs = 1;
    layout.bytes = bytes_of(input, maker, request, layout);
    return layout;
}

} // namespace tomo
