// SPDX-License-Identifier: BSD-3-Clause
//
// What must hold of gridrec whatever the vector width: scale, position, independence, symmetry,
// filters, errors.

#include "gridrec_fixture.hpp"

#include <limits>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

using namespace reference;
using namespace destrier;
using gridrec::accuracy;
using gridrec::filter;

namespace {

template <class T>
std::vector<T> slice_of(const std::vector<T>& all, std::size_t size, std::size_t i) {
    return {all.begin() + static_cast<std::ptrdiff_t>(i * size),
            all.begin() + static_cast<std::ptrdiff_t>((i + 1) * size)};
}

} // namespace

TEST_CASE("the Shepp-Logan head comes back with its mass", "[gridrec]") {
    const std::size_t n = 256;
    const auto theta = angles(402);
    const auto head = shepp_logan(128);
    const auto g = sinogram(head, theta, n, 128);
    const auto truth = image(head, n, 8);
    for (const auto& [f, limit] :
         {std::pair{filter::ramlak(), 0.0285}, std::pair{filter::shepp(), 0.0220}}) {
        const reconstruction<float> r(theta, n, {.filter = f});
        const auto result = r.slice(g, 128);
        double squares = 0, outside = 0;
        std::size_t inside_count = 0, outside_count = 0;
        for (std::size_t i = 0; i < n * n; ++i) {
            if (!in_field_of_view(i / n, i % n, n)) continue;
            const double d = static_cast<double>(result[i]) - truth[i];
            squares += d * d;
            ++inside_count;
            const point p = pixel(i / n, i % n, n);
            if (std::hypot(p.x / (0.69 * 128 + 3), p.y / (0.92 * 128 + 3)) > 1) {
                outside += static_cast<double>(result[i]);
                ++outside_count;
            }
        }
        INFO(f.name());
        CHECK(std::sqrt(squares / static_cast<double>(inside_count)) <= limit);
        CHECK(std::abs(total(in_field(result)) / total(in_field(truth)) - 1) <= 2e-4);
        CHECK(std::abs(outside / static_cast<double>(outside_count)) <= 2e-4);
    }
}

TEST_CASE("a disc of value 1 comes back as 1, without cupping", "[gridrec]") {
    const std::size_t n = 256;
    const double radius = 0.39 * n;
    const auto theta = angles(402);
    const std::vector<ellipse> disc{{1, radius, radius, 0, 0, 0}};
    const reconstruction<float> r(theta, n, {.filter = filter::ramlak()});
    const auto f = r.slice(sinogram(disc, theta, n, 128), 128);
    double inside = 0, outside = 0, rim = 0, middle = 0;
    std::size_t inside_count = 0, outside_count = 0, rim_count = 0, middle_count = 0;
    for (std::size_t i = 0; i < n * n; ++i) {
        const point p = pixel(i / n, i % n, n);
        const double distance = std::hypot(p.x, p.y), value = static_cast<double>(f[i]);
        if (distance < 0.8 * radius) inside += value, ++inside_count;
        if (distance < 0.3 * radius) middle += value, ++middle_count;
        if (distance > 0.7 * radius && distance < 0.8 * radius) rim += value, ++rim_count;
        if (distance > radius + 3 && in_field_of_view(i / n, i % n, n))
            outside += value, ++outside_count;
    }
    CHECK(std::abs(inside / static_cast<double>(inside_count) - 1) <= 1.5e-3);
    CHECK(std::abs(outside / static_cast<double>(outside_count)) <= 1e-3);
    CHECK(std::abs(rim / static_cast<double>(rim_count) - middle / static_cast<double>(middle_count)) <=
          1e-3);
}

TEST_CASE("the gain is the same everywhere in the field of view", "[gridrec]") {
    const std::size_t n = 129;
    const auto theta = angles(240);
    const reconstruction<float> r(theta, n,
                                  {.filter = filter::ramlak(), .accuracy = accuracy::accurate});
    for (const double radius : {0.0, 0.25, 0.5, 0.75, 0.85}) {
        for (int direction = 0; direction < 8; ++direction) {
            const double turn = 2 * pi * direction / 8;
            const double x = std::round(64 * radius * std::cos(turn)),
                         y = std::round(64 * radius * std::sin(turn));
            const std::vector<gaussian> blob{{x, y, 3}};
            const auto f = r.slice(sinogram(blob, theta, n, 64), 64);
            const auto row = static_cast<std::size_t>(64 - y), column = static_cast<std::size_t>(64 + x);
            INFO("x " << x << " y " << y);
            CHECK(std::abs(f[row * n + column] - 1) <= 2e-4);
            CHECK(std::all_of(f.begin(), f.end(), [](float v) { return std::isfinite(v); }));
        }
    }
}

TEST_CASE("moving the data and the axis together changes nothing", "[gridrec]") {
    const std::size_t n = 160;
    const auto theta = angles(150);
    const std::vector<gaussian> blobs{{4, 5, 4}, {-20, 10, 3, 0.5}, {10, -25, 5, 0.8}};
    const reconstruction<float> r(theta, n, {});
    const auto f = r.slice(sinogram(blobs, theta, n, 80), 80);
    const auto moved = [&](double center) {
        return largest_difference(in_field(f),
                                  in_field(r.slice(sinogram(blobs, theta, n, center), center)));
    };
    CHECK(moved(87) <= 2e-6);
    CHECK(moved(80.37) <= 1e-5);
}

TEST_CASE("the axis may lie outside the detector", "[gridrec]") {
    const std::size_t n = 64;
    const auto theta = angles(90);
    const std::vector<gaussian> blob{{0, 0, 3}};
    // an object the detector does not see leaves its projections zero, and the image too
    const reconstruction<float> r(theta, n, {});
    const auto f = r.slice(sinogram(blob, theta, n, -30), -30);
    CHECK(std::all_of(f.begin(), f.end(), [](float v) { return std::abs(v) < 1e-3; }));
}

TEST_CASE("each slice has the axis it is given", "[gridrec]") {
    const std::size_t n = 64, slices = 19;
    const auto theta = angles(45);
    const reconstruction<float> r(theta, n, {});
    const auto g = random_numbers<float>(slices * theta.size() * n);
    std::vector<double> centers(slices);
    for (std::size_t i = 0; i < slices; ++i) centers[i] = 25 + 0.77 * static_cast<double>(i);
    const auto together = r.slices(g, centers, slices);
    for (std::size_t i = 0; i < slices; ++i) {
        const auto alone = r.slice(slice_of(g, theta.size() * n, i), centers[i]);
        CHECK(same_bits(alone, slice_of(together, n * n, i)));
    }
}

TEST_CASE("what lies in the other slices does not matter", "[gridrec]") {
    const std::size_t n = 40, size = 33 * n;
    const auto theta = angles(33);
    const reconstruction<float> r(theta, n, {});
    const auto sinograms = random_numbers<float>(33 * size);
    const auto alone = r.slice(slice_of(sinograms, size, 0), 19.5);
    for (std::size_t count = 1; count <= 33; ++count) {
        for (const float bad :
             {1e6f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            std::vector<float> g(count * size, bad);
            const std::size_t here = count / 2;
            std::copy_n(sinograms.begin(), size, g.begin() + static_cast<std::ptrdiff_t>(here * size));
            REQUIRE(same_bits(slice_of(r.slices(g, {19.5}, count), n * n, here), alone));
        }
    }
}

TEST_CASE("threads and grouping do not change a bit", "[gridrec]") {
    const std::size_t n = 90, slices = 21;
    const auto theta = angles(70, 2 * pi);
    const auto g = random_numbers<float>(slices * theta.size() * n);
    for (const auto preset : {accuracy::fast, accuracy::standard, accuracy::accurate}) {
        const reconstruction<float> r(theta, n, {.accuracy = preset, .edge = gridrec::edge::replicate});
        const auto one = r.slices(g, {44.2}, slices, 1);
        CHECK(same_bits(one, r.slices(g, {44.2}, slices, 2)));
        CHECK(same_bits(one, r.slices(g, {44.2}, slices, 5)));
        const auto last = r.slice(slice_of(g, theta.size() * n, slices - 1), 44.2);
        CHECK(same_bits(last, slice_of(one, n * n, slices - 1)));
    }
}

TEST_CASE("gridrec is linear, and nothing gives nothing", "[gridrec]") {
    const std::size_t n = 80;
    const auto theta = angles(60);
    const reconstruction<float> r(theta, n, {});
    const auto a = random_numbers<float>(theta.size() * n, 3),
               b = random_numbers<float>(theta.size() * n, 4);
    std::vector<float> sum(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + 3 * b[i];
    const auto fa = r.slice(a, 40), fb = r.slice(b, 40), fs = r.slice(sum, 40);
    std::vector<float> expected(fs.size());
    for (std::size_t i = 0; i < fs.size(); ++i) expected[i] = fa[i] + 3 * fb[i];
    CHECK(relative_error(in_field(fs), in_field(expected)) <= 2e-6);
    const auto zero = r.slice(std::vector<float>(a.size()), 40);
    CHECK(std::all_of(zero.begin(), zero.end(), [](float v) { return v == 0; }));
}

TEST_CASE("without a filter the mean is kept", "[gridrec]") {
    // Back-projection of a constant: at the origin, every angle sees 1, with weights that add up to pi.
    const std::size_t n = 64;
    const auto theta = angles(50);
    const reconstruction<float> r(theta, n, {.filter = filter::none()});
    const auto f = r.slice(std::vector<float>(theta.size() * n, 1.0f), 32);
    CHECK(f[32 * n + 32] == Approx(pi).epsilon(2e-3));
}

TEST_CASE("turning the object turns the image", "[gridrec]") {
    const std::size_t n = 101, middle = 50;
    const auto head = shepp_logan(48);
    const auto theta = angles(120);
    const reconstruction<float> r(theta, n, {.accuracy = accuracy::accurate});
    const auto f = r.slice(sinogram(head, theta, n, 50), 50);

    SECTION("by 90 degrees, exactly") {
        auto ahead = theta;
        for (double& t : ahead) t += pi / 2;
        const reconstruction<float> turned(ahead, n, {.accuracy = accuracy::accurate});
        const auto g = turned.slice(sinogram(head, theta, n, 50), 50);
        double most = 0;
        for (std::size_t i = 0; i < n * n; ++i) { // (x, y) goes to (-y, x)
            const point p = pixel(i / n, i % n, n);
            const auto row = static_cast<std::size_t>(static_cast<double>(middle) - p.x);
            const auto column = static_cast<std::size_t>(static_cast<double>(middle) - p.y);
            if (in_field_of_view(i / n, i % n, n)) {
                most = std::max(most, std::abs(static_cast<double>(g[row * n + column] - f[i])));
            }
        }
        CHECK(most <= 1e-5);
    }
    SECTION("half a turn seen in mirror-imaged data") {
        auto behind = theta;
        for (double& t : behind) t += pi;
        auto g = sinogram(head, theta, n, 50);
        for (std::size_t p = 0; p < theta.size(); ++p) {
            std::reverse(g.begin() + static_cast<std::ptrdiff_t>(p * n),
                         g.begin() + static_cast<std::ptrdiff_t>((p + 1) * n));
        }
        const reconstruction<float> turned(behind, n, {.accuracy = accuracy::accurate});
        CHECK(relative_error(turned.slice(g, 50), f) <= 2e-6);
    }
    SECTION("the order of the angles") {
        auto shuffled = theta;
        std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(5));
        const reconstruction<float> other(shuffled, n, {.accuracy = accuracy::accurate});
        CHECK(relative_error(other.slice(sinogram(head, shuffled, n, 50), 50), f) <= 2e-6);
    }
    SECTION("a full turn is half a turn twice") {
        const auto round = angles(240, 2 * pi);
        const reconstruction<float> other(round, n, {.accuracy = accuracy::accurate});
        CHECK(relative_error(in_field(other.slice(sinogram(head, round, n, 50), 50)), in_field(f)) <=
              2e-5);
    }
}

TEST_CASE("angular weights even out angles that are uneven", "[gridrec]") {
    const std::size_t n = 128;
    const std::vector<gaussian> blobs{{6, 2, 6}, {-22, 18, 5, 0.7}};
    std::vector<double> theta = angles(200);
    for (const double t : angles(100, pi / 2, pi / 400))
        theta.push_back(t); // one half is twice as dense
    const auto weights = gridrec::angular_weights(theta);
    CHECK(total(weights) == Approx(pi));
    const reconstruction<float> r(theta, n, {.filter = filter::ramlak(), .weights = weights});
    const auto f = r.slice(sinogram(blobs, theta, n, 64), 64);
    CHECK(largest_difference(f, image(blobs, n)) <= 1e-4);
}

TEST_CASE("angular weights know equal angles and the half turn", "[gridrec]") {
    CHECK(gridrec::angular_weights(std::vector<double>{0.3}).front() == Approx(pi));
    const auto ends = gridrec::angular_weights(std::vector<double>{0, pi / 2, pi});
    CHECK(ends[0] == Approx(pi / 4));
    CHECK(ends[1] == Approx(pi / 2));
    CHECK(ends[2] == Approx(pi / 4));
    CHECK_THROWS_WITH(gridrec::angular_weights(std::vector<double>{}),
                      ContainsSubstring("theta is empty"));
}

TEST_CASE("filters have the responses of their formulae", "[gridrec]") {
    const std::size_t radial = 180, bins = radial / 2 + 1;
    const auto ramp = filter::ramlak().response(radial, 1);
    // the transform of the spatial ramp, term by term
    for (std::size_t j = 0; j < bins; ++j) {
        double sum = 0.25;
        for (int n = -89; n <= 90; ++n) {
            if (n % 2 != 0) {
                sum -= std::cos(2 * pi * static_cast<double>(j) * n / radial) / (pi * pi * n * n);
            }
        }
        CHECK(std::abs(ramp[j] - sum) <= 1e-12);
        CHECK(std::abs(ramp[j] - static_cast<double>(j) / radial) <= 2.0 / radial);
    }
    CHECK(ramp[0] > 0);

    const auto window = [&](const filter& f, std::size_t j) {
        return f.response(radial, 1)[j] / ramp[j];
    };
    for (std::size_t j = 0; j < bins; ++j) {
        const double x = static_cast<double>(j) / radial;
        CHECK(std::abs(window(filter::shepp(), j) - (j == 0 ? 1 : std::sin(pi * x) / (pi * x))) <= 1e-6);
        CHECK(std::abs(window(filter::cosine(), j) - std::cos(pi * x)) <= 1e-6);
        CHECK(std::abs(window(filter::hann(), j) - (0.5 + 0.5 * std::cos(2 * pi * x))) <= 1e-6);
        CHECK(std::abs(window(filter::hamming(), j) - (0.54 + 0.46 * std::cos(2 * pi * x))) <= 1e-6);
        CHECK(std::abs(window(filter::butterworth(0.2, 3), j) - 1 / (1 + std::pow(x / 0.2, 6))) <= 1e-6);
        CHECK(window(filter::parzen(), j) <= 1 + 1e-12);
        CHECK(filter::none().response(radial, 1)[j] == 1);
        if (j > 0) {
            CHECK(window(filter::hann(), j) <= window(filter::hann(), j - 1));
            CHECK(window(filter::hamming(), j) <= window(filter::hamming(), j - 1));
            CHECK(window(filter::parzen(), j) <= window(filter::parzen(), j - 1));
        }
    }
    CHECK(std::abs(window(filter::hann(), bins - 1)) <= 1e-12);
    CHECK(window(filter::hamming(), bins - 1) == Approx(0.08));
    CHECK(window(filter::parzen(), 45) == Approx(0.25)); // both its pieces meet at half the cutoff
    CHECK(window(filter::hann(0.25), 46) == 0);
}

TEST_CASE("a custom filter is used as it is, for all angles or for each", "[gridrec]") {
    const std::size_t n = 60;
    const auto theta = angles(40);
    const auto g = random_numbers<float>(theta.size() * n);
    const auto response = filter::shepp().response(gridrec::radial_size(n), theta.size());
    std::vector<double> each;
    for (std::size_t p = 0; p < theta.size(); ++p)
        each.insert(each.end(), response.begin(), response.end());
    const auto expected = reconstruction<float>(theta, n, {.filter = filter::shepp()}).slice(g, 30);
    CHECK(same_bits(reconstruction<float>(theta, n, {.filter = filter::custom(response)}).slice(g, 30),
                    expected));
    CHECK(same_bits(reconstruction<float>(theta, n, {.filter = filter::custom(each)}).slice(g, 30),
                    expected));
}

TEST_CASE("replicated edges continue an object wider than the detector", "[gridrec]") {
    // A disc twice as wide as the detector: zero padding leaves a bright rim, replication does not.
    const std::size_t n = 128;
    const auto theta = angles(200);
    const std::vector<ellipse> disc{{1, 128, 128, 0, 0, 0}};
    const auto g = sinogram(disc, theta, n, 64);
    const auto rim_excess = [&](gridrec::edge edge) {
        const auto f = reconstruction<float>(theta, n, {.edge = edge}).slice(g, 64);
        return std::abs(static_cast<double>(f[64 * n + 4] - f[64 * n + 64]));
    };
    CHECK(rim_excess(gridrec::edge::zero) > 0.3);
    CHECK(rim_excess(gridrec::edge::replicate) < 0.3 * rim_excess(gridrec::edge::zero));
}

TEST_CASE("strides are taken as they come", "[gridrec]") {
    const std::size_t n = 48, slices = 5, count = 30;
    const auto theta = angles(count);
    const auto g = random_numbers<float>(slices * count * n);
    const reconstruction<float> r(theta, n, {});
    const auto expected = r.slices(g, {24}, slices);
    // projections first, as scans are stored, and an image upside down
    std::vector<float> projections(g.size()), f(expected.size());
    for (std::size_t s = 0; s < slices; ++s)
        for (std::size_t p = 0; p < count; ++p)
            for (std::size_t k = 0; k < n; ++k)
                projections[(p * slices + s) * n + k] = g[(s * count + p) * n + k];
    const gridrec::plan<float> plan(theta, n);
    auto work = plan.make_workspace();
    const double center = 24;
    const auto stride = static_cast<std::ptrdiff_t>(n);
    plan.apply(view<const float, 3>(projections.data(), {slices, count, n},
                                    {stride, static_cast<std::ptrdiff_t>(slices) * stride, 1}),
               std::span(&center, 1),
               view<float, 3>(f.data() + (n - 1) * n, {slices, n, n}, {stride * stride, -stride, 1}),
               work);
    for (std::size_t s = 0; s < slices; ++s)
        for (std::size_t row = 0; row < n; ++row)
            for (std::size_t k = 0; k < n; ++k)
                REQUIRE(f[(s * n + row) * n + k] == expected[(s * n + n - 1 - row) * n + k]);
}

#if defined(__linux__)
TEST_CASE("arrays of more than 2^32 elements are indexed right", "[gridrec]") {
    // Three slices 2^31 elements apart, in memory that exists only where it is touched.
    const std::size_t n = 32, apart = std::size_t{1} << 31, bytes = 3 * apart * sizeof(float);
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                     -1, 0);
    REQUIRE(p != MAP_FAILED);
    float* const far = static_cast<float*>(p);
    const auto theta = angles(20);
    const auto g = random_numbers<float>(3 * theta.size() * n);
    const auto expected = reconstruction<float>(theta, n, {}).slices(g, {16}, 3);
    const gridrec::plan<float> plan(theta, n);
    auto work = plan.make_workspace();
    const double center = 16;
    plan.apply(view<const float, 3>(g.data(), {3, theta.size(), n}), std::span(&center, 1),
               view<float, 3>(far, {3, n, n},
                              {static_cast<std::ptrdiff_t>(apart), static_cast<std::ptrdiff_t>(n), 1}),
               work);
    for (std::size_t s = 0; s < 3; ++s) {
        CHECK(std::equal(far + s * apart, far + s * apart + n * n,
                         expected.begin() + static_cast<std::ptrdiff_t>(s * n * n)));
    }
    ::munmap(p, bytes);
}
#endif

TEST_CASE("what is wrong is named", "[gridrec]") {
    using plan = gridrec::plan<float>;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> theta = angles(10);
    CHECK_THROWS_WITH(plan(std::vector<double>{}, 64), ContainsSubstring("theta is empty"));
    CHECK_THROWS_WITH(plan(std::vector<double>{0, nan}, 64), ContainsSubstring("theta[1]"));
    CHECK_THROWS_WITH(plan(theta, 0), ContainsSubstring("columns is 0"));
    CHECK_THROWS_WITH(plan(theta, std::size_t{1} << 40), ContainsSubstring("columns is 1099511627776"));
    CHECK_THROWS_WITH(plan(theta, 64, {.padding = 1.5}), ContainsSubstring("padding is 1.5"));
    CHECK_THROWS_WITH(plan(theta, 64, {.padding = nan}), ContainsSubstring("padding"));
    CHECK_THROWS_WITH(plan(theta, 64, {.weights = {1, 2}}),
                      ContainsSubstring("weights has 2 elements, theta has 10"));
    CHECK_THROWS_WITH(plan(theta, 64, {.filter = filter::custom({1, 2, 3})}),
                      ContainsSubstring("3 values, expected 65"));
    CHECK_THROWS_WITH(filter::named("shep"), ContainsSubstring("unknown filter 'shep'"));
    CHECK_THROWS_WITH(filter::hann(0), ContainsSubstring("cutoff of hann"));
    CHECK_THROWS_WITH(filter::butterworth(0.2, -1), ContainsSubstring("order of butterworth"));

    const plan p(theta, 64);
    auto work = p.make_workspace();
    std::vector<float> g(2 * 10 * 64), f(2 * 64 * 64, 7.0f);
    const std::vector<double> center{32};
    const view<const float, 3> sinogram(g.data(), {2, 10, 64});
    const view<float, 3> volume(f.data(), {2, 64, 64});
    CHECK_THROWS_WITH(p.apply(view<const float, 3>(g.data(), {2, 9, 64}), center, volume, work),
                      ContainsSubstring("sinogram is (2, 9, 64)"));
    CHECK_THROWS_WITH(p.apply(sinogram, center, view<float, 3>(f.data(), {1, 64, 64}), work),
                      ContainsSubstring("volume is (1, 64, 64)"));
    CHECK_THROWS_WITH(p.apply(sinogram, std::vector<double>{1, 2, 3}, volume, work),
                      ContainsSubstring("center has 3 elements"));
    CHECK_THROWS_WITH(p.apply(sinogram, std::vector<double>{1000}, volume, work),
                      ContainsSubstring("center[0] is 1000"));
    CHECK_THROWS_WITH(p.apply(sinogram, std::vector<double>{32, nan}, volume, work),
                      ContainsSubstring("center[1]"));
    auto other = plan(theta, 65).make_workspace();
    CHECK_THROWS_WITH(p.apply(sinogram, center, volume, other),
                      ContainsSubstring("work space is that of another plan"));
    CHECK(std::all_of(f.begin(), f.end(), [](float v) { return v == 7; }));
    CHECK(p.workspace_bytes() == work.bytes());
}
