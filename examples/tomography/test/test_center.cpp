// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "axis/center.hpp"
#include "axis/phase_correlation.hpp"
#include "common/hdf5.hpp"
#include "reference.hpp"
#include "simulate/phantom.hpp"

using namespace tomo;
using namespace reference;

namespace {

constexpr double pi = std::numbers::pi;

std::vector<double> equally_spaced(std::size_t angles, double range) {
    std::vector<double> theta(angles);
    for (std::size_t i = 0; i < angles; ++i) {
        theta[i] = range * static_cast<double>(i) / static_cast<double>(angles);
    }
    return theta;
}

// Line integrals in memory, (angles, rows, columns).
class in_memory : public line_integral_source {
public:
    in_memory(std::vector<double> theta, std::size_t rows, std::size_t columns)
        : theta_(std::move(theta)), rows_(rows), columns_(columns),
          values_(theta_.size() * rows * columns) {}

    std::size_t angles() const override { return theta_.size(); }
    std::size_t rows() const override { return rows_; }
    std::size_t columns() const override { return columns_; }
    const std::vector<double>& theta() const override { return theta_; }

    void read(row_range rows, projections out) const override {
        for (std::size_t p = 0; p < angles(); ++p) read_projection(p, rows, out.at(0, p));
    }
    void read_projection(std::size_t angle, row_range rows,
                         destrier::view<float, 2> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row) {
            for (std::size_t k = 0; k < columns_; ++k) {
                out(row, k) = values_[(angle * rows_ + rows.first + row) * columns_ + k];
            }
        }
    }
    std::vector<float>& values() { return values_; }

private:
    std::vector<double> theta_;
    std::size_t rows_, columns_;
    std::vector<float> values_;
};

// The phantom of `width` columns, with the noise of ten thousand photons a pixel.
in_memory phantom_scan(double center, std::size_t columns, std::size_t width,
                       std::vector<double> theta) {
    constexpr std::size_t rows = 6;
    in_memory scan(std::move(theta), rows, columns);
    const phantom object(width);
    std::mt19937 random(1);
    std::normal_distribution<double> normal(0, 0.01);
    float* next = scan.values().data();
    for (const double angle : scan.theta()) {
        for (std::size_t row = 0; row < rows; ++row) {
            std::vector<double> line(columns);
            object.project(height_of(row, rows), angle, center, line);
            for (const double v : line)
                *next++ = static_cast<float>(v + std::exp(v / 2) * normal(random));
        }
    }
    return scan;
}

axis find(const line_integral_source& scan, center_method method,
          half_scan half = half_scan::automatic) {
    return find_axis(scan, {0, scan.rows()}, method, half, 1);
}

} // namespace

TEST_CASE("opposite pairs are found over half a turn and over a whole one") {
    std::vector<double> theta = equally_spaced(360, 2 * pi);
    for (const opposite_pair& pair : opposite_pairs(theta)) {
        CHECK(std::abs(theta[pair.second] - theta[pair.first]) == Approx(pi));
        CHECK(pair.missing == Approx(0).margin(1e-12));
    }
    theta.resize(179);
    const std::vector<opposite_pair> nearly = opposite_pairs(theta);
    REQUIRE(!nearly.empty());
    CHECK(nearly.front().missing == Approx(2 * pi / 180));
}

TEST_CASE("all methods find the axis of a phantom") {
    const double center = GENERATE(81.2, 76.9);
    CAPTURE(center);
    const in_memory scan = phantom_scan(center, 160, 150, equally_spaced(240, pi));
    const axis pc = find(scan, center_method::phase_correlation), vo = find(scan, center_method::vo),
               entropy = find(scan, center_method::entropy), both = find(scan, center_method::automatic);
    CHECK(pc.center == Approx(center).margin(0.3));
    CHECK(vo.center == Approx(center).margin(0.1));
    CHECK(entropy.center == Approx(center).margin(0.1));
    CHECK(both.center == vo.center);
    CHECK(both.phase_correlation == pc.phase_correlation);
    CHECK(both.missing_degrees == Approx(180.0 / 240));
    CHECK(both.warning.empty());
    CHECK(pc.method == "phase correlation");
    CHECK(vo.method == "Vo double wedge");
    CHECK(both.method == "Vo double wedge");
    CHECK(entropy.method == "entropy");
    CHECK(!pc.vo);
    CHECK(!vo.phase_correlation);
    CHECK(!both.entropy);
    CHECK(!both.overlap);
}

TEST_CASE("a whole turn tells by itself whether it is a half acquisition") {
    const std::vector<double> theta = equally_spaced(300, 2 * pi);
    const in_memory half = phantom_scan(135.4, 160, 260, theta);
    CHECK(find(half, center_method::automatic).center == Approx(135.4).margin(0.05));
    CHECK(find(half, center_method::automatic).method == "overlap");
    CHECK(find(half, center_method::automatic, half_scan::no).method != "overlap");

    const in_memory full = phantom_scan(77.3, 160, 150, theta);
    const axis found = find(full, center_method::automatic);
    CHECK(found.method == "Vo double wedge");
    CHECK(found.center == Approx(77.3).margin(0.1));
    CHECK(*found.overlap == Approx(77.3).margin(0.05));
    CHECK(find(full, center_method::automatic, half_scan::yes).method == "overlap");
    CHECK(!find(full, center_method::automatic, half_scan::no).overlap);
}

TEST_CASE("what one method cannot tell another one may") {
    // Vo's method wants 64 columns.
    const in_memory narrow = phantom_scan(28.3, 60, 56, equally_spaced(100, pi));
    const axis found = find(narrow, center_method::automatic);
    CHECK(found.method == "phase correlation");
    CHECK(found.center == Approx(28.3).margin(0.5));
    CHECK_THAT(found.warning,
               ContainsSubstring("Vo's method finds no axis: the detector has 60 columns"));

    // Without the last 8 degrees no two projections are opposite, and Vo's method has a gap.
    const in_memory open = phantom_scan(81.2, 160, 150, equally_spaced(230, pi * 172 / 180));
    CHECK(find(open, center_method::entropy).center == Approx(81.2).margin(0.3));
}

TEST_CASE("methods that disagree are reported") {
    in_memory scan = phantom_scan(81.2, 160, 150, equally_spaced(240, pi));
    // The last projection, which is opposite to the first, slipped by ten pixels.
    for (std::size_t row = 0; row < scan.rows(); ++row) {
        const auto end = scan.values().end() - static_cast<std::ptrdiff_t>(row * 160);
        std::rotate(end - 160, end - 150, end);
    }
    CHECK_THAT(find(scan, center_method::automatic).warning,
               ContainsSubstring("disagree by more than a pixel; compare with --center "));
}

TEST_CASE("a scan that does not tell where its axis is makes an error") {
    const auto failure = [](const in_memory& scan, center_method method,
                            half_scan half = half_scan::automatic) {
        return message_of<no_axis>([&] { find(scan, method, half); });
    };
    const in_memory quarter = phantom_scan(81.2, 160, 150, equally_spaced(100, pi / 2));
    CHECK_THAT(
        failure(quarter, center_method::automatic),
        ContainsSubstring("no two projections are half a turn apart to 5 degrees; half a turn has a "
                          "gap of 90.9"));
    CHECK_THAT(failure(quarter, center_method::phase_correlation),
               ContainsSubstring("half a turn apart"));
    CHECK_THAT(failure(quarter, center_method::vo), ContainsSubstring("has a gap"));
    CHECK_THAT(failure(quarter, center_method::automatic, half_scan::yes),
               ContainsSubstring("this is no whole turn"));
    CHECK_THROWS_AS(find(quarter, center_method::number), std::invalid_argument);
}

TEST_CASE("all methods find the axis of the tooth") {
    const std::filesystem::path path = std::string(DESTRIER_TEST_DATA) + "/tomography/tooth.h5";
    if (!std::filesystem::exists(path)) {
        std::cout << "skipped: there is no " << path << '\n';
        return;
    }
    constexpr std::size_t angles = 181, rows = 2, columns = 640, frames = 10, frame = rows * columns;
    const common::h5::file file = common::h5::file::open(path);
    const std::vector<double> counts = file.open_dataset("/exchange/data").read_all(),
                              white = file.open_dataset("/exchange/data_white").read_all(),
                              dark = file.open_dataset("/exchange/data_dark").read_all();
    in_memory tooth(equally_spaced(angles, pi), rows, columns);
    for (std::size_t i = 0; i < tooth.values().size(); ++i) {
        double bright = 0, black = 0;
        for (std::size_t f = 0; f < frames; ++f) {
            bright += white[f * frame + i % frame] / frames;
            black += dark[f * frame + i % frame] / frames;
        }
        tooth.values()[i] = static_cast<float>(-std::log((counts[i] - black) / (bright - black)));
    }
    for (const center_method method :
         {center_method::phase_correlation, center_method::vo, center_method::entropy}) {
        const axis found = find(tooth, method);
        CAPTURE(found.method);
        CHECK(std::abs(found.center - 296.2) < 0.5);
    }
}
