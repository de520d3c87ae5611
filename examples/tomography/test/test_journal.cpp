// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "common/output.hpp"
#include "common/test_files.hpp"
#include "output/journal.hpp"
#include "output/volume.hpp"

#include "reference.hpp"

using namespace tomo;
using namespace reference;
using common::contents;
using common::put;
using common::scratch;
namespace fs = std::filesystem;

namespace {

const std::string request = "scan = scan.h5\nfilter = shepp\ncenter = 296.2";

// The slices that are done, as numbers.
std::vector<std::size_t> done(const fs::path& part, std::size_t slices) {
    const std::vector<bool> finished = finished_slices(part, slices, request);
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < slices; ++i) {
        if (finished[i]) numbers.push_back(i);
    }
    return numbers;
}

using numbers = std::vector<std::size_t>;

} // namespace

TEST_CASE("journals of all ranks say what is done, to any number of ranks") {
    const scratch directory;
    const fs::path part = directory / "volume.h5.part";
    put(part, "volume");
    CHECK(done(part, 10).empty());
    {
        journal first(part, 0, request), second(part, 1, request + "\n");
        CHECK(done(part, 10).empty());
        first.add(0, 2);
        second.add(5, 8);
        CHECK(done(part, 10) == numbers{0, 1, 5, 6, 7});
        first.add(2, 3);
    }
    {
        journal again(part, 0, request), third(part, 12, request);
        again.add(9, 10);
        third.add(4, 5);
    }
    CHECK(done(part, 10) == numbers{0, 1, 2, 4, 5, 6, 7, 9});
    CHECK(contents(directory / "volume.h5.part.done.0") ==
          request + "\nslices on the disk, the last of a line left out:\n0 2\n2 3\n9 10\n");

    put(directory / "other.h5.part.done.0", "of another volume");
    remove_journals(part);
    CHECK(done(part, 10).empty());
    CHECK(directory.files() == 2);
}

TEST_CASE("journals of a volume that is gone count nothing") {
    const scratch directory;
    const fs::path part = directory / "volume.h5.part";
    journal(part, 0, request).add(0, 3);
    CHECK(done(part, 10).empty());
    put(part, "");
    CHECK(done(part, 10).empty());
    put(part, "volume");
    CHECK(done(part, 10) == numbers{0, 1, 2});
}

TEST_CASE("wherever a journal is torn, its whole lines count and it can be gone on with") {
    const scratch directory;
    const fs::path part = directory / "volume.h5.part", path = directory / "volume.h5.part.done.3";
    put(part, "volume");
    {
        journal notes(part, 3, request);
        notes.add(0, 1);
        notes.add(10, 12);
        notes.add(100, 120);
    }
    const std::string whole = contents(path);
    const std::size_t header = whole.find("0 1\n");
    for (std::size_t length = 0; length <= whole.size(); length += length + 7 < header ? 7 : 1) {
        const auto from = static_cast<std::ptrdiff_t>(std::min(header, length));
        const auto lines =
            std::count(whole.begin() + from, whole.begin() + static_cast<std::ptrdiff_t>(length), '\n');
        const std::size_t expected =
            std::array<std::size_t, 4>{0, 1, 3, 23}[static_cast<std::size_t>(lines)];
        // What a disk that loses power leaves behind the end of what it wrote may be zeros.
        for (const std::string& behind :
             {std::string("\0\n7 8\n", 6), std::string(5, '\0'), std::string()}) {
            CAPTURE(length, behind);
            put(path, whole.substr(0, length) + behind);
            REQUIRE(done(part, 120).size() == expected);
        }
        journal(part, 3, request).add(50, 51);
        REQUIRE(done(part, 120).size() == expected + 1);
    }
}

TEST_CASE("a journal of another run is refused by what differs") {
    const scratch directory;
    const fs::path part = directory / "volume.h5.part";
    put(part, "volume");
    journal(part, 0, request).add(0, 3);
    const auto refusal = [&](const std::string& asked) {
        std::string said = message_of<std::runtime_error>([&] { finished_slices(part, 10, asked); });
        CHECK(message_of<std::runtime_error>([&] { journal notes(part, 0, asked); }) == said);
        return said;
    };
    CHECK_THAT(
        refusal("scan = scan.h5\nfilter = hann\ncenter = 296.2"),
        ContainsSubstring("volume.h5.part.done.0: is of another run: \"filter = shepp\", expected "
                          "\"filter = hann\"; without --resume the run starts afresh"));
    CHECK_THAT(refusal("scan = scan.h5\nfilter = shepp"),
               ContainsSubstring("\"center = 296.2\", expected \"\""));
    CHECK_THAT(refusal(request + "\nbin = 2"), ContainsSubstring("\"\", expected \"bin = 2\""));
    CHECK_THAT(message_of<std::runtime_error>([&] { finished_slices(part, 2, request); }),
               ContainsSubstring("has slices up to 3, expected up to 2"));
    CHECK(contents(directory / "volume.h5.part.done.0").ends_with("0 3\n"));
}

TEST_CASE("a part that is kept, and only that, outlives what ends the work") {
    const scratch directory;
    const fs::path name = directory / "volume.h5";
    { common::staged_file lost(name, false); }
    CHECK(directory.files() == 0);
    {
        common::staged_file kept(name, false);
        put(kept.part(), "half");
        kept.keep();
    }
    CHECK(contents(directory / "volume.h5.part") == "half");
    {
        common::staged_file gone_on_with(name, false, common::part_file::as_left);
        CHECK(contents(gone_on_with.part()) == "half");
        gone_on_with.keep();
        gone_on_with.commit();
    }
    CHECK(contents(name) == "half");
    {
        put(directory / "volume.h5.part", "half");
        const common::staged_file anew(name, true);
        CHECK(contents(anew.part()).empty());
    }
    CHECK(directory.files() == 1);
}

namespace {

constexpr std::size_t slices = 4000, size = 16;

float value_of(std::size_t slice) { return static_cast<float>(slice) + 0.5f; }

// Writes every other slice as fast as it can until it is killed.
[[noreturn]] void write_until_killed(const fs::path& part, std::size_t rank,
                                     const std::vector<bool>& finished) {
    volume_writer volume(part);
    journal notes(part, rank, request);
    for (std::size_t slice = rank; slice < slices; slice += 2) {
        if (finished[slice]) continue;
        const std::vector<float> values(size * size, value_of(slice));
        volume.write(slice, 1, values.data());
        volume.sync();
        notes.add(slice, slice + 1);
    }
    for (;;) pause();
}

} // namespace

TEST_CASE("whenever two ranks are killed, what their journals count is in the volume") {
    const scratch directory;
    const fs::path part = directory / "volume.h5.part";
    create_volume(part, slices, size, {});
    std::size_t before = 0;
    for (const int microseconds : {0, 700, 1900, 4100}) {
        const std::vector<bool> finished = finished_slices(part, slices, request);
        std::array<pid_t, 2> ranks{};
        for (std::size_t rank = 0; rank < 2; ++rank) {
            ranks[rank] = fork();
            if (ranks[rank] == 0) write_until_killed(part, rank, finished);
        }
        for (int i = 0; i < 20000 && done(part, slices).size() < before + 4; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
        for (const pid_t rank : ranks) kill(rank, SIGKILL);
        for (const pid_t rank : ranks) waitpid(rank, nullptr, 0);

        const numbers now = done(part, slices);
        CHECK(now.size() >= before + 4);
        before = now.size();
        const volume_reader volume(part);
        for (const std::size_t slice : now)
            REQUIRE(volume.read(slice) == std::vector<float>(size * size, value_of(slice)));
    }
}
