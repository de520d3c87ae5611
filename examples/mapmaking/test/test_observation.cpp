// SPDX-License-Identifier: BSD-3-Clause
//
// Observations are read as TOAST reads them, cut into baselines, and shared among ranks.
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "common/test_files.hpp"
#include "observation/baselines.hpp"
#include "observation/observation.hpp"
#include "observation/work.hpp"
#include "simulate/toast_file.hpp"

#include "reference.hpp"

using namespace mapmaking;
using namespace reference;
namespace fs = std::filesystem;

namespace {

using spans = std::vector<std::pair<std::size_t, std::size_t>>;

spans as_pairs(const std::vector<interval>& intervals) {
    spans pairs;
    for (const interval& i : intervals) pairs.emplace_back(i.begin, i.end);
    return pairs;
}
spans as_pairs(const std::vector<destrier::destripe::baseline>& baselines) {
    spans pairs;
    for (const auto& b : baselines) pairs.emplace_back(b.begin, b.begin + b.length);
    return pairs;
}

/// A file that goes when the test ends: two detectors, 20 samples at 2 Hz, intervals 2 .. 8 and 10 .. 19.
class small_file {
public:
    small_file() { write(); }
    fs::path path() const { return directory_ / "obs.h5"; }

    std::vector<double> signal = std::vector<double>(20, 1.5);
    std::vector<std::uint8_t> flags = std::vector<std::uint8_t>(20, 0);

    void write() {
        new_observation o;
        o.name = "small";
        o.rate = 2;
        o.field_of_view = 5;
        o.detectors = make_focal_plane({.detectors = 2, .efficiency = 0.9});
        o.noise = {{.net = 2}, {.net = 4}};
        for (int i = 0; i < 20; ++i) {
            o.shared.times.push_back(1e9 + 0.5 * i);
            for (const double q : {0.0, 0.6, 0.0, 0.8}) o.shared.boresight.push_back(q);
            o.shared.flags.push_back(i == 3 ? 4 : i == 4 ? 16 : 0);
            for (auto* const v : {&o.shared.position, &o.shared.velocity}) v->insert(v->end(), 3, 0.0);
        }
        o.shared.intervals = {{"scanning", {{2, 8}, {10, 19}}}};
        observation_writer writer(path(), o);
        for (const std::size_t d : {0u, 1u}) writer.write(d, signal, flags);
        writer.close();
    }

private:
    common::scratch directory_;
};

} // namespace

TEST_CASE("TOAST's own observation is read as TOAST reads it", "[observation]") {
    const fs::path path = fs::path(DESTRIER_TEST_DATA) / "mapmaking/toast-observation.h5";
    if (!fs::exists(path)) {
        WARN("skipped: no " << path);
        return;
    }
    const observation o = read_observation(path);
    CHECK(o.name == "south-0-0_w25");
    CHECK(o.samples == 1000);
    CHECK(o.unit == "K");
    CHECK(o.has_half_wave_plate);
    REQUIRE(o.detectors.size() == 2);
    const detector& a = o.detectors[0];
    CHECK(a.name == "w25_p000_SAT_f150_A");
    CHECK(a.row == 0);
    CHECK(a.quaternion[0] == Approx(-0.03941909));
    CHECK(a.quaternion[3] == Approx(-0.75164275));
    CHECK(a.gamma == Approx(82.36700936400277 * std::numbers::pi / 180));
    CHECK(a.efficiency == 1);
    CHECK(a.weight == 1623683.875);
    REQUIRE(a.noise.frequency.size() == 68);
    CHECK(a.noise.frequency.back() == 5);
    CHECK(a.noise.density.back() == Approx(6.1588345e-08));

    const time_streams streams(o, {});
    CHECK(streams.rate() == Approx(10.000009536752259).epsilon(1e-12));
    CHECK(as_pairs(streams.intervals("scanning")) == spans{{0, 95},
                                                           {135, 230},
                                                           {270, 365},
                                                           {405, 500},
                                                           {540, 635},
                                                           {675, 770},
                                                           {810, 905},
                                                           {945, 1000}});
    CHECK(as_pairs(streams.intervals("throw")).size() == 8);
    CHECK(streams.intervals("elnod").empty());
    CHECK_THROWS_WITH(streams.intervals("nowhere"),
                      ContainsSubstring("has no intervals nowhere; it has elnod scan_leftright"));
    std::size_t flagged = 0;
    for (const std::uint8_t f : streams.shared_flags()) flagged += f != 0;
    CHECK(flagged == 280);
}

TEST_CASE("detectors have their weights, noise and flags", "[observation]") {
    small_file file;
    const observation o = read_observation(file.path());
    REQUIRE(o.detectors.size() == 2);
    CHECK(o.rate == Approx(2));
    CHECK(o.detectors[1].row == 1);
    CHECK(o.detectors[0].efficiency == Approx(0.9));
    CHECK(o.detectors[0].weight == Approx(4 * o.detectors[1].weight).epsilon(1e-6));
    CHECK(o.detectors[0].noise.density.front() == Approx(o.detectors[1].noise.density.front() / 4));
    CHECK(read_observation(file.path(), {.masks = {}, .uniform_weights = true}).detectors[1].weight ==
          1);

    const auto flags_of = [&](const flag_masks& masks) {
        std::vector<std::uint8_t> flags(20);
        time_streams(o, masks).read_flags(o.detectors[1], flags);
        return flags;
    };
    file.flags[7] = 2;
    file.flags[8] = 8;
    file.write();
    std::vector<std::uint8_t> expected(20, 0);
    expected[3] = 4; // turning around
    expected[7] = 2;
    CHECK(flags_of({}) == expected);
    expected[4] = 16; // the Sun is up
    expected[8] = 8;
    CHECK(flags_of({255, 255}) == expected);
    CHECK(flags_of({0, 0}) == std::vector<std::uint8_t>(20, 0));
}

TEST_CASE("a signal that is no number is refused, unless it is flagged", "[observation]") {
    small_file file;
    file.signal[9] = std::numeric_limits<double>::quiet_NaN();
    file.write();
    const observation o = read_observation(file.path());
    const time_streams streams(o, {});
    std::vector<double> signal(20);
    std::vector<std::uint8_t> flags(20, 0);
    CHECK_THROWS_WITH(streams.read_signal(o.detectors[1], flags, signal),
                      ContainsSubstring("/detdata/signal: detector " + o.detectors[1].name +
                                        ", sample 9 is nan, expected a finite number, or a flag"));
    flags[9] = 1;
    streams.read_signal(o.detectors[1], flags, signal);
    CHECK(signal[10] == 1.5);
}

TEST_CASE("a file that claims more samples than it holds is refused before memory is taken",
          "[observation]") {
    const common::scratch directory;
    common::h5::file file = common::h5::file::create(directory / "o.h5");
    file.set_attribute("/", "observation_detectors", std::string("[\"a\"]"));
    file.create_dataset("/shared/times", {std::size_t{1} << 40}, {H5T_NATIVE_DOUBLE, {1024}}).close();
    file.close();
    CHECK_THROWS_WITH(read_observation(directory / "o.h5"),
                      ContainsSubstring("/shared/times: shape is (1099511627776), but the file holds no "
                                        "more than 0 bytes of it"));
}

TEST_CASE("flags of a detector that are no byte are refused", "[observation]") {
    const common::scratch directory;
    common::h5::file file = common::h5::file::create(directory / "o.h5");
    file.set_attribute("/", "observation_detectors", std::string("[\"a\"]"));
    file.set_attribute("/", "observation_detector_flags", std::string("{\"a\": 1e9}"));
    file.close();
    CHECK_THROWS_WITH(read_observation(directory / "o.h5"),
                      ContainsSubstring("observation_detector_flags has 1000000000 for a, expected 0 to "
                                        "255"));
}

TEST_CASE("baselines are as long as asked for, within intervals or over them", "[observation]") {
    const small_file file;
    const observation o = read_observation(file.path());
    const time_streams streams(o, {});
    // The last sample is in an interval that ends at its time.
    CHECK(as_pairs(streams.intervals("scanning")) == spans{{2, 8}, {10, 20}});

    const auto made = [&](const baseline_options& how) { return make_baselines(streams, how); };
    CHECK(as_pairs(made({.seconds = 4}).baselines) == spans{{0, 8}, {8, 16}, {16, 20}});
    CHECK(made({.seconds = 4}).outside.empty());
    CHECK(as_pairs(made({.seconds = 2, .intervals = "scanning"}).baselines) ==
          spans{{2, 6}, {6, 8}, {10, 14}, {14, 18}, {18, 20}});
    CHECK(as_pairs(made({.seconds = 0, .intervals = "scanning"}).baselines) == spans{{2, 8}, {10, 20}});
    const observation_baselines contiguous =
        made({.seconds = 5, .intervals = "scanning", .contiguous = true});
    CHECK(as_pairs(contiguous.baselines) == spans{{0, 10}, {10, 20}});
    CHECK(contiguous.outside ==
          std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(made({.seconds = 1e-9}).baselines.size() == 20);
}

TEST_CASE("lengths of baselines are read with their unit", "[observation]") {
    baseline_options how;
    const auto seconds = [&](const std::string& text) {
        const std::string complaint = read_baseline(text, how);
        return complaint.empty() ? how.seconds : -1;
    };
    CHECK(seconds("1s") == 1);
    CHECK(seconds("2.5s") == 2.5);
    CHECK(seconds("100ms") == Approx(0.1));
    CHECK(seconds("5min") == 300);
    CHECK(seconds("1h") == 3600);
    CHECK(seconds("intervals") == 0);
    for (const char* const text : {"", "s", "1", "1 s", "1d", "-1s", "nans", "infs", "0s", "interval"})
        CHECK(seconds(text) == -1);
}

TEST_CASE("ranks share all chunks, each once, about evenly", "[observation]") {
    const small_file one, two, three;
    const std::vector<fs::path> paths{one.path(), two.path(), three.path()};
    for (const std::size_t ranks : {1u, 2u, 3u, 4u, 6u, 9u}) {
        std::size_t next = 0;
        for (std::size_t r = 0; r < ranks; ++r) {
            const work w = plan_work(paths, {}, false, r, ranks);
            CHECK(w.chunks.size() == 6);
            CHECK(w.mine.begin == next);
            CHECK(w.size() <= 6 / ranks + 1);
            CHECK(w.my_samples() == 20 * w.size());
            next = w.mine.end;
        }
        CHECK(next == 6);
    }
    CHECK_THROWS_WITH(plan_work({paths[0], paths[0]}, {}, false, 0, 1),
                      ContainsSubstring("is given twice"));
}
