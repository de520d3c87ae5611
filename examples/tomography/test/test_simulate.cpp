// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "common/hdf5.hpp"
#include "common/test_files.hpp"
#include "prepare/phase_retrieval.hpp"
#include "reference.hpp"
#include "simulate/phantom.hpp"
#include "simulate/simulate.hpp"

using namespace tomo;
using namespace reference;

namespace {

struct counts {
    std::size_t frames, rows, columns;
    std::vector<float> values;
    float operator()(std::size_t frame, std::size_t row, std::size_t k) const {
        return values[(frame * rows + row) * columns + k];
    }
};

struct simulated {
    counts data, white, dark;
};

counts read(const common::h5::file& file, const std::string& name) {
    const common::h5::dataset set = file.open_dataset(name);
    const std::vector<std::size_t> n = set.extents();
    counts c{n[0], n[1], n[2], std::vector<float>(n[0] * n[1] * n[2])};
    set.read({{0, 0, 0}, {n[0], n[1], n[2]}}, c.values.data());
    return c;
}

simulated run(simulate_options options) {
    const common::scratch directory;
    options.output = directory / "scan.h5";
    simulate(options);
    const common::h5::file file = common::h5::file::open(options.output);
    return {read(file, "/exchange/data"), read(file, "/exchange/data_white"),
            read(file, "/exchange/data_dark")};
}

simulate_options small() {
    simulate_options o;
    o.columns = 64;
    o.rows = 12;
    o.angles = 24;
    o.integers = false;
    return o;
}

// What a perfect camera would make of it; without noise all white and all dark frames are alike.
counts transmission(const simulated& s) {
    counts t = s.data;
    for (std::size_t i = 0; i < t.values.size(); ++i) {
        const std::size_t pixel = i % (t.rows * t.columns);
        const float dark = s.dark.values[pixel], white = s.white.values[pixel];
        t.values[i] = (t.values[i] - dark) / (white - dark);
    }
    return t;
}

double radians(const simulate_options& o, std::size_t angle) {
    return o.range * static_cast<double>(angle) / static_cast<double>(o.angles) * std::numbers::pi / 180;
}

} // namespace

TEST_CASE("a simulated scan holds the phantom's transmissions") {
    simulate_options o = small();
    o.center = 30.3;
    const counts t = transmission(run(o));
    const phantom object(o.columns);
    double worst = 0;
    for (std::size_t angle = 0; angle < o.angles; angle += 5) {
        for (std::size_t row = 0; row < o.rows; ++row) {
            std::vector<double> lines(o.columns);
            object.project(height_of(row, o.rows), radians(o, angle), 30.3, lines);
            for (std::size_t k = 0; k < o.columns; ++k) {
                worst = std::max(worst, std::abs(t(angle, row, k) - std::exp(-lines[k])));
            }
        }
    }
    CHECK(worst < 1e-6);
}

TEST_CASE("a slice of the phantom weighs what its projections weigh") {
    const phantom object(256);
    for (const double z : {0.0, 20.5, -70.0}) {
        double slice = 0;
        for (const float value : object.slice(z, 256, 1)) slice += value;
        for (const double theta : {0.0, 0.7, 2.1}) {
            std::vector<double> row(256);
            object.project(z, theta, 127.6, row);
            double line = 0;
            for (const double value : row) line += value;
            CHECK(slice == Approx(line).epsilon(3e-3));
        }
    }
}

TEST_CASE("noise has the spread of its photons") {
    simulate_options o = small();
    const simulated quiet = run(o);
    o.photons = 400;
    const simulated noisy = run(o);
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < quiet.data.values.size(); ++i) {
        const double beam = quiet.data.values[i] - quiet.dark.values[i % (o.rows * o.columns)];
        const double off = (noisy.data.values[i] - quiet.data.values[i]) / std::sqrt(beam * 50000 / 400);
        sum += off;
        squares += off * off;
    }
    const auto n = static_cast<double>(quiet.data.values.size());
    CHECK(std::abs(sum / n) < 4 / std::sqrt(n));
    CHECK(squares / n == Approx(1).epsilon(4 * std::sqrt(2 / n)));
    CHECK(same_bits(noisy.data.values, run(o).data.values));
    o.threads = 3;
    CHECK(same_bits(noisy.data.values, run(o).data.values));
}

TEST_CASE("zingers add one or two full beams to some counts of all frames, and change nothing else") {
    simulate_options o = small();
    o.photons = 1000;
    const simulated clean = run(o);
    o.zingers = 0.01;
    const simulated hit = run(o);
    std::size_t n = 0;
    for (const auto& [with, without] :
         {std::pair{&hit.data, &clean.data}, {&hit.white, &clean.white}, {&hit.dark, &clean.dark}}) {
        std::size_t here = 0;
        for (std::size_t i = 0; i < with->values.size(); ++i) {
            const float more = with->values[i] - without->values[i];
            if (more == 0) continue;
            ++here;
            CHECK(more > 49990);
            CHECK(more < 100010);
        }
        CHECK(here > 0);
        n += here;
    }
    const auto samples = static_cast<double>((o.angles + 20) * o.rows * o.columns);
    CHECK(std::abs(static_cast<double>(n) - 0.01 * samples) < 4 * std::sqrt(0.01 * samples));
}

TEST_CASE("stripes are of four kinds, and as strong as asked for") {
    simulate_options o = small();
    o.columns = 256;
    o.rows = 64;
    const simulated clean = run(o);
    o.stripes = 0.05;
    const simulated striped = run(o);
    CHECK(same_bits(clean.dark.values, striped.dark.values));
    std::size_t full = 0, fluctuating = 0, large = 0, unresponsive = 0;
    for (std::size_t row = 0; row < o.rows; ++row) {
        for (std::size_t k = 0; k < o.columns; ++k) {
            const float dark = clean.dark(0, row, k);
            const auto gain = [&](std::size_t frame) {
                return (striped.data(frame, row, k) - dark) / (clean.data(frame, row, k) - dark);
            };
            if (striped.white(0, row, k) != clean.white(0, row, k)) {
                ++unresponsive;
                for (std::size_t frame = 0; frame < o.angles; ++frame) {
                    CHECK(striped.data(frame, row, k) == striped.white(3, row, k));
                }
                continue;
            }
            const float first = gain(0), last = gain(o.angles - 1);
            const bool drifts = std::abs(last - first) > 1e-4f, differs = std::abs(first - 1) > 1e-4f;
            fluctuating += drifts;
            CHECK(std::abs(last - first) <= 0.1f);
            if (drifts)
                CHECK(gain(o.angles / 2) - first == Approx((last - first) * 12 / 23).margin(1e-5));
            full += differs && std::abs(first - 1) <= 0.05f;
            large += std::abs(first - 1) > 0.051f;
            CHECK(std::abs(first - 1) <= 0.25f);
        }
    }
    const auto pixels = static_cast<double>(o.rows * o.columns);
    CHECK(static_cast<double>(full) == Approx(pixels / 16).epsilon(0.15));
    CHECK(static_cast<double>(fluctuating) == Approx(pixels / 64).epsilon(0.25));
    CHECK(static_cast<double>(unresponsive) == Approx(pixels / 400).epsilon(0.5));
    CHECK(large > 0);
    CHECK(static_cast<double>(large) < pixels / 100);
}

TEST_CASE("phase retrieval gives back the transmission that propagation turned into fringes") {
    simulate_options o = small();
    o.columns = 96;
    o.rows = 64;
    o.angles = 3;
    o.center = 46.7;
    o.phase = {.pixel_cm = 2e-4, .distance_cm = 1, .energy_kev = 20, .delta_beta = 180};
    const double blur = blur_of(o.phase);
    CHECK(blur > 1);
    const counts seen = transmission(run(o));
    const phase_retrieval filter(o.phase, o.columns);
    std::vector<float> found(seen.values.size());
    filter.apply(const_projections(seen.values.data(), {o.angles, o.rows, o.columns}), 0,
                 projections(found.data(), {o.angles, o.rows, o.columns}), 1);

    // The transmission through the Gaussian of one pixel, brute; beyond the detector the phantom goes on, where
    // the filter repeats the edge: so that the outermost rows are not looked at.
    const phantom object(o.columns);
    constexpr std::size_t reach = 8, near = 16;
    double worst = 0, fringes = 0;
    for (std::size_t angle = 0; angle < o.angles; ++angle) {
        std::vector<std::vector<double>> rows;
        for (std::size_t row = 0; row < o.rows + 2 * reach; ++row) {
            std::vector<double> line(o.columns + 2 * reach);
            object.project(height_of(row, o.rows + 2 * reach), radians(o, angle), 46.7 + reach, line);
            for (double& value : line) value = std::exp(-value);
            rows.push_back(line);
        }
        for (std::size_t row = near; row + near < o.rows; ++row) {
            for (std::size_t k = 0; k < o.columns; ++k) {
                double sum = 0;
                for (std::size_t y = 0; y <= 2 * reach; ++y) {
                    for (std::size_t x = 0; x <= 2 * reach; ++x) {
                        const double dy = double(y) - reach, dx = double(x) - reach;
                        sum += std::exp(-(dx * dx + dy * dy) / 2) / (2 * std::numbers::pi) *
                               rows[row + y][k + x];
                    }
                }
                const std::size_t i = (angle * o.rows + row) * o.columns + k;
                worst = std::max(worst, std::abs(found[i] - sum));
                fringes = std::max(fringes, std::abs(seen.values[i] - sum));
            }
        }
    }
    CAPTURE(blur, worst, fringes);
    CHECK(fringes > 0.15);
    CHECK(worst < 2e-3);
}

TEST_CASE("options of simulations that make no sense are named") {
    const auto said = [](auto change) {
        simulate_options o = small();
        o.output = "never";
        change(o);
        return message_of<std::runtime_error>([&] { simulate(o); });
    };
    CHECK_THAT(said([](simulate_options& o) { o.stripes = 0.3; }),
               ContainsSubstring("--stripes is 0.3, expected 0 to 0.2"));
    CHECK_THAT(said([](simulate_options& o) { o.zingers = std::nan(""); }),
               ContainsSubstring("--zingers is nan, expected 0 to 0.1"));
    CHECK_THAT(said([](simulate_options& o) { o.phase.delta_beta = 100; }),
               ContainsSubstring("pixel size is 0 cm"));
    CHECK_THAT(said([](simulate_options& o) {
                   o.phase = {1e-4, 5, -25, 100};
               }),
               ContainsSubstring("energy is -25 keV"));
    CHECK_THAT(said([](simulate_options& o) {
                   o.phase = {1e-4, 5, 25, -100};
               }),
               ContainsSubstring("delta / beta is -100"));
}
