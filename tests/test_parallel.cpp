// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <atomic>
#include <stdexcept>

// The one test that includes the umbrella: it compiles and holds what the others take one by one.
#include <destrier/destrier.hpp>

using namespace destrier;

namespace {

std::size_t parts_of(std::size_t n, int threads) {
    return std::min(n, static_cast<std::size_t>(thread_count(threads)));
}

// What each worker of parallel_ranges was given; assertions wait until no thread but ours runs.
std::vector<range> ranges_given(std::size_t n, int threads) {
    std::vector<range> given(parts_of(n, threads), range{n + 1, n + 1});
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        given[worker] = {begin, end};
    });
    return given;
}

bool visits_all_once(std::size_t n, int threads) {
    std::vector<std::atomic<int>> visits(n);
    parallel_for(n, threads, [&](std::size_t i) { ++visits[i]; });
    return std::all_of(visits.begin(), visits.end(), [](const auto& v) { return v == 1; });
}

} // namespace

TEST_CASE("the umbrella tells the version", "[parallel]") {
    CHECK(DESTRIER_VERSION_MAJOR + DESTRIER_VERSION_MINOR + DESTRIER_VERSION_PATCH > 0);
}

TEST_CASE("parts cover a range exactly, in order, and differ by one at most", "[parallel]") {
    for (std::size_t parts = 1; parts <= 9; ++parts) {
        for (std::size_t n = 0; n <= 40; ++n) {
            std::size_t next = 0, previous = n;
            for (std::size_t k = 0; k < parts; ++k) {
                const range r = part(n, parts, k);
                const std::size_t length = r.end - r.begin;
                REQUIRE(r.begin == next);
                REQUIRE((length == n / parts || length == n / parts + 1));
                REQUIRE(length <= previous);
                next = r.end;
                previous = length;
            }
            REQUIRE(next == n);
        }
    }
}

TEST_CASE("parallel_ranges gives worker k the k-th part", "[parallel]") {
    for (const int threads : {1, 2, 3, 7}) {
        for (std::size_t n = 0; n <= 16; ++n) {
            const auto given = ranges_given(n, threads);
            for (std::size_t k = 0; k < given.size(); ++k) {
                const range expected = part(n, given.size(), k);
                REQUIRE(given[k].begin == expected.begin);
                REQUIRE(given[k].end == expected.end);
            }
        }
    }
}

TEST_CASE("parallel_for visits every element once", "[parallel]") {
    for (const int threads : {0, 1, 2, 3, 4}) {
        for (const std::size_t n : {0u, 1u, 2u, 3u, 4u, 5u, 11u, 1000u}) {
            CHECK(visits_all_once(n, threads));
        }
    }
}

TEST_CASE("nested parallel loops visit every element once", "[parallel]") {
    constexpr std::size_t rows = 5, columns = 7;
    std::vector<std::atomic<int>> visits(rows * columns);
    parallel_for(rows, 3, [&](std::size_t row) {
        parallel_for(columns, 3, [&](std::size_t column) { ++visits[row * columns + column]; });
    });
    CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& v) { return v == 1; }));
}

TEST_CASE("of several exceptions the lowest worker's is rethrown, after all have run", "[parallel]") {
    constexpr int threads = 4;
    const std::size_t parts = parts_of(20, threads); // 1 without OpenMP
    for (std::size_t lowest = 0; lowest < parts; ++lowest) {
        std::atomic<std::size_t> runs = 0;
        const auto message = reference::message_of<std::runtime_error>([&] {
            parallel_ranges(20, threads, [&](std::size_t, std::size_t, std::size_t worker) {
                ++runs;
                if (worker >= lowest) throw std::runtime_error(std::to_string(worker));
            });
        });
        CHECK(message == std::to_string(lowest));
        CHECK(runs == parts);
    }
}

TEST_CASE("an exception from a nested loop reaches the caller", "[parallel]") {
    const auto message = reference::message_of<std::runtime_error>([] {
        parallel_for(4, 2, [](std::size_t i) {
            parallel_for(4, 2, [i](std::size_t j) {
                if (i == 1 && j == 1) throw std::runtime_error("inner");
            });
        });
    });
    CHECK(message == "inner");
}

TEST_CASE("a negative number of threads is refused before anything runs", "[parallel]") {
    bool ran = false;
    const auto run = [&](std::size_t) { ran = true; };
    CHECK(reference::message_of([&] { parallel_for(3, -2, run); }) ==
          "destrier: threads is -2, expected 0 (all) or more");
    CHECK(!ran);
    CHECK_THROWS_AS(thread_count(-1), std::invalid_argument);
    CHECK(thread_count(0) >= 1);
}
