// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/relay.hpp"
#include "common/test_files.hpp"
#include "output/journal.hpp"
#include "output/volume.hpp"
#include "prepare/prepared_scan.hpp"
#include "reconstruct/memory_needs.hpp"
#include "reconstruct/pipeline.hpp"
#include "reconstruct/slice_maker.hpp"
#include "reference.hpp"
#include "small_scan.hpp"

using namespace tomo;
using namespace reference;
using common::scratch;
using tomo::test::small_scan;
namespace fs = std::filesystem;

namespace {

const slice_options usual{"shepp", "fast", {}};

slice_list slices_of(std::size_t rows, double center) {
    slice_list slices;
    slices.rows = {0, rows};
    for (std::size_t row = 0; row < rows; ++row) {
        slices.centers.push_back(center + 0.25 * static_cast<double>(row));
    }
    return slices;
}

std::vector<float> values_of(const fs::path& path) {
    const volume_reader volume(path);
    std::vector<float> values(volume.slices() * volume.rows() * volume.columns());
    volume.read(0, volume.slices(), values.data());
    return values;
}

// All slices in one go, without a pipeline.
std::vector<float> made_at_once(const prepared_scan& input, const slice_list& slices) {
    slice_maker maker(input.theta(), input.columns(), usual, 1);
    maker.reserve(slices.size());
    const std::size_t n = maker.size(), rows = slices.rows.size();
    std::vector<float> lines(input.angles() * rows * input.columns()), values;
    input.read(slices.rows, projections(lines.data(), {input.angles(), rows, input.columns()}));
    const const_projections all(lines.data(), {input.angles(), rows, input.columns()});
    for (std::size_t i = 0; i < slices.size(); ++i) {
        std::vector<float> one(n * n);
        maker.apply(all.slice(1, slices.trial ? 0 : i, 1), {&slices.centers[i], 1}, one.data());
        values.insert(values.end(), one.begin(), one.end());
    }
    return values;
}

// The volume that the pipeline makes of these slices; its journal says that all are done.
std::vector<float> made_by_pipeline(const fs::path& path, const prepared_scan& input,
                                    const slice_list& slices, const std::vector<slice_range>& to_do,
                                    const memory_layout& layout) {
    slice_maker maker(input.theta(), input.columns(), usual, 2);
    remove_journals(path);
    create_volume(path, slices.size(), maker.size(), {});
    {
        volume_writer volume(path);
        journal notes(path, 0, "a = 1\n");
        run_pipeline(input, maker, slices, to_do, layout, volume, notes, nullptr, 2);
        volume.close();
    }
    const std::vector<bool> done = finished_slices(path, slices.size(), "a = 1\n");
    for (std::size_t i = 0; i < slices.size(); ++i) {
        const bool asked = std::any_of(to_do.begin(), to_do.end(), [&](const slice_range& some) {
            return i >= some.first && i < some.last;
        });
        CHECK(done.at(i) == asked);
    }
    return values_of(path);
}

} // namespace

TEST_CASE("slices are the same however they are shared out") {
    const scratch directory;
    small_scan(24, 21, 32).write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    const prepared_scan prepared(input, {}, 2);
    const slice_list slices = slices_of(21, 13);
    const std::vector<float> expected = made_at_once(prepared, slices);
    const std::vector<std::vector<slice_range>> orders{{{0, 21}}, {{0, 5}, {5, 6}, {6, 21}}};
    for (const memory_layout& layout : {memory_layout{21, 16, 1, 1, 0}, memory_layout{16, 16, 2, 2, 0},
                                        memory_layout{4, 3, 2, 1, 0}, memory_layout{1, 1, 1, 1, 0}}) {
        for (const std::vector<slice_range>& to_do : orders) {
            CAPTURE(layout.chunk, layout.batch, to_do.size());
            CHECK(made_by_pipeline(directory / "v.h5", prepared, slices, to_do, layout) == expected);
        }
    }
    made_by_pipeline(directory / "v.h5", prepared, slices, {{3, 9}, {20, 21}}, {4, 4, 2, 2, 0});
}

TEST_CASE("a trial is one row with each center") {
    const scratch directory;
    small_scan(24, 3, 32).write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    const prepared_scan prepared(input, {}, 2);
    slice_list slices = slices_of(21, 13);
    slices.rows = {1, 2};
    slices.trial = true;
    CHECK(made_by_pipeline(directory / "v.h5", prepared, slices, {{0, 21}}, {21, 16, 1, 2, 0}) ==
          made_at_once(prepared, slices));
}

TEST_CASE("a half acquisition is reconstructed on a wide detector, whatever the batch") {
    const scratch directory;
    small_scan(48, 5, 32, 360).write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    const prepared_scan prepared(input, {}, 2);
    const slice_options half{"shepp", "fast", 6.0};
    slice_maker maker(prepared.theta(), 32, half, 2);
    maker.reserve(5);
    const std::size_t n = maker.size();
    CHECK(n > 48);
    std::vector<float> lines(48 * 5 * 32), together(5 * n * n), one(n * n);
    const projections all(lines.data(), {48, 5, 32});
    prepared.read({0, 5}, all);
    const std::vector<double> centers{6, 6.25, 5.5, 6, 7};
    maker.apply(all, centers, together.data());
    for (std::size_t i = 0; i < 5; ++i) {
        maker.apply(const_projections(all.slice(1, i, 1)), {&centers[i], 1}, one.data());
        CHECK(std::equal(one.begin(), one.end(),
                         together.begin() + static_cast<std::ptrdiff_t>(i * n * n)));
    }
}

TEST_CASE("what fails to be read ends the pipeline") {
    const scratch directory;
    small_scan(24, 40, 32).write(directory / "scan.h5", {24, 8, 32});
    const fs::path path = directory / "scan.h5";
    std::string bytes = common::contents(path);
    const std::size_t middle = bytes.size() / 2; // among compressed projections
    for (std::size_t i = middle; i < middle + 4000; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
    common::put(path, bytes);
    const scan input(path);
    const prepared_scan prepared(input, {}, 2);
    CHECK_THAT(message_of<std::runtime_error>([&] {
                   made_by_pipeline(directory / "v.h5", prepared, slices_of(40, 13), {{0, 40}},
                                    {8, 8, 2, 2, 0});
               }),
               ContainsSubstring("cannot read"));
}

TEST_CASE("memory is shared out within its limit") {
    const scratch directory;
    small_scan(24, 100, 64).write(directory / "scan.h5");
    const scan input(directory / "scan.h5");
    const prepared_scan prepared(input, {}, 2);
    const slice_maker maker(prepared.theta(), 64, usual, 2);
    memory_request request{.slices = 100,
                           .rows_in_block = 0,
                           .reference_frames = 6,
                           .resident = std::size_t{50} << 20,
                           .limit = std::uint64_t{1} << 40};
    const memory_layout free_choice = share_memory(prepared, maker, request);
    CHECK(free_choice.chunk == 32);
    CHECK(free_choice.batch == 16);
    CHECK(free_choice.inputs == 2);
    CHECK(free_choice.outputs == 2);

    request.rows_in_block = 70;
    CHECK(share_memory(prepared, maker, request).chunk == 80);
    request.rows_in_block = 100;
    CHECK(share_memory(prepared, maker, request).chunk == 100);
    CHECK(share_memory(prepared, maker, request).inputs == 1);

    request.limit = 0;
    const std::string asked =
        message_of<std::runtime_error>([&] { share_memory(prepared, maker, request); });
    CHECK_THAT(asked, ContainsSubstring("--memory of 0 MiB is too small: expected "));
    const std::uint64_t least = std::stoull(asked.substr(asked.find("expected ") + 9)) << 20;
    std::size_t chunk = 0, batch = 0;
    for (request.limit = least; request.limit < least + (std::uint64_t{6} << 20);
         request.limit += std::uint64_t{1} << 17) {
        const memory_layout layout = share_memory(prepared, maker, request);
        CHECK(layout.bytes <= static_cast<double>(request.limit));
        CHECK(layout.bytes > static_cast<double>(request.resident));
        CHECK((layout.chunk % layout.batch == 0 || layout.chunk == 100));
        CHECK(layout.batch >= batch);
        CHECK((layout.batch > batch || layout.chunk >= chunk));
        batch = layout.batch;
        chunk = layout.chunk;
    }
    CHECK(batch == 16);

    request.one_row = true;
    request.slices = 40;
    request.limit = std::uint64_t{1} << 40;
    const memory_layout trial = share_memory(prepared, maker, request);
    CHECK(trial.chunk == 40);
    CHECK(trial.inputs == 1);
}

TEST_CASE("buffers go round in order until there are no more") {
    common::relay<int> round(std::vector<int>(3));
    std::vector<int> seen;
    std::thread filling([&] {
        for (int i = 0; i < 1000; ++i) {
            int* const buffer = round.next_empty();
            *buffer = i;
            round.filled(buffer);
        }
        round.finish();
    });
    while (int* const buffer = round.next_filled()) {
        seen.push_back(*buffer);
        round.emptied(buffer);
    }
    filling.join();
    std::vector<int> expected(1000);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(seen == expected);
}

TEST_CASE("who waits for a buffer is told when the other gives up") {
    common::relay<int> round(std::vector<int>(1));
    int* const only = round.next_empty();
    REQUIRE(only != nullptr);
    int *empty = only, *full = only;
    std::thread filling([&] { empty = round.next_empty(); });
    std::thread emptying([&] { full = round.next_filled(); });
    round.give_up();
    filling.join();
    emptying.join();
    CHECK(empty == nullptr);
    CHECK(full == nullptr);
    round.filled(only);
    CHECK(round.next_filled() == nullptr);
}
