// SPDX-License-Identifier: BSD-3-Clause
//
// The texts that destrier-tomo reads: rotation axes, row by row, and journals of unfinished volumes.
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>

#include "axis/centers.hpp"
#include "fuzz.hpp"
#include "output/journal.hpp"

namespace {

const std::string request = "filter = shepp\ncenter = 12.5\n";

void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

void read_axes(const fuzz::file& made, const std::string& text) {
    put(made.path(), text);
    fuzz::expect_read_or_refused(made, [&] {
        for (const double center : tomo::read_centers(made.path(), 3, 20)) {
            if (!std::isfinite(center)) std::abort();
        }
    });
}

void read_option(const std::string& text) {
    try {
        tomo::parse_center(text);
    } catch (const std::runtime_error&) {
    }
}

// The part has bytes in it, so that its journals count; those of two ranks, of which one goes on.
void read_journals(const fuzz::file& made, const std::string& text, fuzz::choices& from) {
    const std::string sound = request + "slices on the disk, the last of a line left out:\n";
    put(made.path(), "volume");
    put(made.path().string() + ".done.0", fuzz::rarely(from) ? text : sound + text);
    put(made.path().string() + ".done.1", sound + "2 4\n");
    fuzz::expect_read_or_refused(made, [&] {
        if (tomo::finished_slices(made.path(), 8, request).size() != 8) std::abort();
        tomo::journal goes_on(made.path(), 0, request);
        goes_on.add(6, 7);
        if (!tomo::finished_slices(made.path(), 8, request).at(6)) std::abort();
    });
    tomo::remove_journals(made.path());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".txt");
    fuzz::choices from(data, size);
    const std::size_t which = fuzz::below(from, 3);
    if (which == 0)
        read_axes(made, from.ConsumeRemainingBytesAsString());
    else if (which == 1)
        read_option(from.ConsumeRemainingBytesAsString());
    else
        read_journals(made, from.ConsumeRandomLengthString(200), from);
    return 0;
}
