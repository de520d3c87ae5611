// SPDX-License-Identifier: BSD-3-Clause
//
// Few slices: gridrec::plan_single against the defining sum and against the plan of many slices, and many
// axes of one slice.

#include "gridrec_fixture.hpp"

#include <destrier/gridrec/single.hpp>

using namespace reference;
using namespace destrier;
using gridrec::accuracy;
using gridrec::filter;

namespace {

// `count` slices (angles, n) by a plan_single.
template <class T, class A = default_arch>
std::vector<T> slices_of(const gridrec::plan_single<T, A>& plan, const std::vector<T>& g,
                         const std::vector<double>& centers, std::size_t count, int threads = 1) {
    const std::size_t n = plan.columns();
    std::vector<T> f(count * n * n);
    auto work = plan.make_workspace(threads);
    plan.apply(view<const T, 3>(g.data(), {count, plan.angles(), n}), centers,
               view<T, 3>(f.data(), {count, n, n}), work);
    return f;
}

template <class T>
std::vector<T> part_of(const std::vector<T>& all, std::size_t size, std::size_t i) {
    return {all.begin() + static_cast<std::ptrdiff_t>(i * size),
            all.begin() + static_cast<std::ptrdiff_t>((i + 1) * size)};
}

// A head and the sum that defines its image, for the tests of every width.
struct known_image {
    explicit known_image(std::size_t columns)
        : n(columns), center(0.5 * static_cast<double>(n) - 1.3),
          g(sinogram(shepp_logan(0.475 * static_cast<double>(n)), theta, n, center)) {
        const std::size_t radial = gridrec::radial_size(n);
        truth = in_field(direct_reconstruction(g, theta, n, radial,
                                               filter::ramlak().response(radial, theta.size()), center));
    }

    std::size_t n;
    double center;
    std::vector<double> theta = angles(41, 1.5 * pi, 0.02); // some of them mirrored
    std::vector<double> g, truth;
};

} // namespace

TEMPLATE_LIST_TEST_CASE("plan_single is as close to the defining sum as each preset says", "[gridrec]",
                        unrolled_lanes) {
    using T = typename TestType::T;
    // a power of two, a prime, and an even number that is neither
    static const std::vector<known_image> images{known_image(128), known_image(127), known_image(100)};
    for (const known_image& image : images) {
        for (const auto& [preset, limit] :
             {std::pair{accuracy::fast, 3e-4}, std::pair{accuracy::standard, 3e-5},
              std::pair{accuracy::accurate, 5e-6}}) {
            const gridrec::plan_single<T, typename TestType::A> plan(
                image.theta, image.n, {.filter = filter::ramlak(), .accuracy = preset});
            const auto f = slices_of(plan, as<T>(image.g), {image.center}, 1);
            INFO("columns " << image.n << ", limit " << limit);
            CHECK(relative_error(in_field(f), image.truth) <= limit);
        }
    }
}

TEST_CASE("plan_single follows every option as plan does", "[gridrec]") {
    const auto theta = angles(45, 2 * pi, 0.1);
    std::vector<double> weights;
    for (std::size_t p = 0; p < theta.size(); ++p)
        weights.push_back(0.05 + 0.002 * static_cast<double>(p));
    for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{61}}) {
        const auto g = random_numbers<float>(theta.size() * n);
        const double center = 0.4 * static_cast<double>(n);
        const std::size_t radial = gridrec::radial_size(n, 3);
        std::vector<double> each;
        for (std::size_t p = 0; p < theta.size(); ++p) {
            for (const double a : filter::hann().response(radial, 1)) {
                each.push_back(a * (1 + 0.1 * static_cast<double>(p)));
            }
        }
        gridrec::options o{.accuracy = accuracy::accurate, .padding = 3};
        const auto agree = [&] {
            const auto f = slices_of(gridrec::plan_single<float>(theta, n, o), g, {center}, 1);
            return relative_error(f, reconstruction<float>(theta, n, o).slice(g, center));
        };
        CHECK(agree() <= 1e-5);
        o.filter = filter::custom(each);
        CHECK(agree() <= 1e-5);
        o.weights = weights;
        CHECK(agree() <= 1e-5);
        o.edge = gridrec::edge::replicate;
        CHECK(agree() <= 1e-5);
    }
}

TEST_CASE("plan_single: slices, axes and threads do not know of each other", "[gridrec]") {
    const std::size_t n = 90, slices = 4;
    const auto theta = angles(33);
    const std::vector<double> centers{44, 45.5, 31, 47.25};
    auto g = random_numbers<float>(slices * theta.size() * n);
    const gridrec::plan_single<float> plan(theta, n);
    const auto f = slices_of(plan, g, centers, slices);
    for (std::size_t i = 0; i < slices; ++i) {
        const auto alone = slices_of(plan, part_of(g, theta.size() * n, i), {centers[i]}, 1);
        CHECK(same_bits(alone, part_of(f, n * n, i)));
    }
    for (const int threads : {2, 3, 7, 40}) {
        CHECK(same_bits(slices_of(plan, g, centers, slices, threads), f));
    }

    g[2 * theta.size() * n + 17] = std::numeric_limits<float>::quiet_NaN();
    g[2 * theta.size() * n + 99] = std::numeric_limits<float>::infinity();
    const auto spoilt = slices_of(plan, g, centers, slices);
    CHECK(std::isnan(part_of(spoilt, n * n, 2)[n * n / 2]));
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        CHECK(same_bits(part_of(spoilt, n * n, i), part_of(f, n * n, i)));
    }

    const auto nothing = slices_of(plan, std::vector<float>(theta.size() * n), {40}, 1);
    CHECK(std::all_of(nothing.begin(), nothing.end(), [](float v) { return v == 0; }));
}

TEST_CASE("plan_single takes strides as they come and writes nothing else", "[gridrec]") {
    const std::size_t n = 48, slices = 2, count = 30;
    const auto theta = angles(count);
    const auto g = random_numbers<float>(slices * count * n);
    const std::vector<double> center{24};
    const gridrec::plan_single<float> plan(theta, n);
    const auto expected = slices_of(plan, g, center, slices);
    // columns two apart and backwards, images with their columns last but one and room between pixels
    std::vector<float> apart(2 * g.size()), f(3 * expected.size(), -77.0f);
    for (std::size_t i = 0; i < g.size(); ++i) apart[apart.size() - 1 - 2 * i] = g[i];
    auto work = plan.make_workspace();
    plan.apply(view<const float, 3>(apart.data() + apart.size() - 1, {slices, count, n},
                                    {-2 * 30 * 48, -2 * 48, -2}),
               center, view<float, 3>(f.data(), {slices, n, n}, {3 * 48 * 48, 3, 3 * 48}), work);
    for (std::size_t s = 0; s < slices; ++s) {
        for (std::size_t row = 0; row < n; ++row) {
            for (std::size_t k = 0; k < n; ++k) {
                const std::size_t at = 3 * ((s * n + k) * n + row);
                REQUIRE(f[at] == expected[(s * n + row) * n + k]);
                REQUIRE((f[at + 1] == -77 && f[at + 2] == -77));
            }
        }
    }
}

TEST_CASE("plan_single names what is wrong", "[gridrec]") {
    using plan = gridrec::plan_single<float>;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> theta = angles(10);
    CHECK_THROWS_WITH(plan(std::vector<double>{}, 64),
                      ContainsSubstring("gridrec::plan_single: theta is empty"));
    CHECK_THROWS_WITH(plan(std::vector<double>{0, nan}, 64), ContainsSubstring("theta[1]"));
    CHECK_THROWS_WITH(plan(theta, 0), ContainsSubstring("columns is 0"));
    CHECK_THROWS_WITH(plan(theta, 64, {.padding = 1.5}), ContainsSubstring("padding is 1.5"));
    CHECK_THROWS_WITH(plan(theta, 64, {.weights = {1, 2}}),
                      ContainsSubstring("weights has 2 elements, theta has 10"));
    CHECK_THROWS_WITH(plan(theta, 64, {.filter = filter::custom({1, 2, 3})}),
                      ContainsSubstring("3 values, expected 65"));
    CHECK_THROWS_WITH(plan(std::vector<double>(40, 0.1), std::size_t{1} << 24),
                      ContainsSubstring("exceed 2^29 samples"));

    const plan p(theta, 64);
    auto work = p.make_workspace(2);
    CHECK(p.workspace_bytes(2) == work.bytes());
    std::vector<float> g(2 * 10 * 64), f(2 * 64 * 64, 7.0f);
    const std::vector<double> center{32};
    const view<const float, 3> sinogram(g.data(), {2, 10, 64});
    const view<float, 3> volume(f.data(), {2, 64, 64});
    CHECK_THROWS_WITH(p.apply(view<const float, 3>(g.data(), {2, 9, 64}), center, volume, work),
                      ContainsSubstring("sinogram is (2, 9, 64), expected (slices, angles, columns) = "
                                        "(2, 10, 64)"));
    CHECK_THROWS_WITH(p.apply(sinogram, center, view<float, 3>(f.data(), {1, 64, 64}), work),
                      ContainsSubstring("volume is (1, 64, 64)"));
    CHECK_THROWS_WITH(p.apply(sinogram, std::vector<double>{1, 2, 3}, volume, work),
                      ContainsSubstring("center has 3 elements"));
    CHECK_THROWS_WITH(p.apply(sinogram, std::vector<double>{32, nan}, volume, work),
                      ContainsSubstring("center[1]"));
    auto other = plan(theta, 80).make_workspace();
    CHECK_THROWS_WITH(p.apply(sinogram, center, volume, other),
                      ContainsSubstring("work space is that of another plan"));
    CHECK(std::all_of(f.begin(), f.end(), [](float v) { return v == 7; }));
}

TEST_CASE("many axes of one slice are one batch of a view that stands still", "[gridrec]") {
    const std::size_t n = 64, count = line<float>;
    const auto theta = angles(40);
    const auto g = random_numbers<float>(theta.size() * n);
    std::vector<double> centers(count);
    for (std::size_t i = 0; i < count; ++i) centers[i] = 28 + 0.5 * static_cast<double>(i);
    const gridrec::plan<float> plan(theta, n);
    auto work = plan.make_workspace();
    std::vector<float> f(count * n * n);
    plan.apply(view<const float, 3>(g.data(), {count, theta.size(), n}, {0, 64, 1}), centers,
               view<float, 3>(f.data(), {count, n, n}), work);
    const reconstruction<float> single(theta, n, {});
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(same_bits(single.slice(g, centers[i]), part_of(f, n * n, i)));
    }
}
