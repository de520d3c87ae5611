// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec against truths: analytic objects, the defining sum, the adjoint by dot product. On every
// vector width; the properties that do not depend on it are in test_gridrec_properties.cpp.

#include "agreement/results.hpp"
#include "gridrec_fixture.hpp"

using namespace reference;
using namespace destrier;
using gridrec::accuracy;
using gridrec::filter;

TEMPLATE_LIST_TEST_CASE("gridrec recovers Gaussians exactly", "[gridrec]", lanes) {
    using T = typename TestType::T;
    const std::size_t n = 128;
    const double center = 62.6;
    const std::vector<gaussian> blobs{
        {0, 0, 6}, {20, 11, 4, 0.7}, {-31, 15, 3, 1.3}, {9, -37, 2.5, -0.4}};
    const auto theta = angles(128);
    const reconstruction<T, typename TestType::A> r(
        theta, n, {.filter = filter::ramlak(), .accuracy = accuracy::accurate});
    const auto f = r.slice(sinogram(blobs, theta, n, center), center);
    const auto truth = image(blobs, n);
    const double limit = std::is_same_v<T, float> ? 1e-5 : 2e-6;
    CHECK(largest_difference(f, truth) <= limit);
    CHECK(std::abs(total(in_field(f)) / total(in_field(truth)) - 1) <= 1e-5);
}

TEMPLATE_LIST_TEST_CASE("gridrec is as close to the defining sum as each preset says", "[gridrec]",
                        lanes) {
    using T = typename TestType::T;
    // a power of two, a prime, and an even number that is neither
    for (const std::size_t n : {std::size_t{128}, std::size_t{127}, std::size_t{100}}) {
        const auto theta = angles(67, pi, 0.02);
        const double center = 0.5 * static_cast<double>(n) - 1.3;
        const auto g = sinogram(shepp_logan(0.475 * static_cast<double>(n)), theta, n, center);
        const std::size_t radial = gridrec::radial_size(n);
        const auto truth = direct_reconstruction(
            g, theta, n, radial, filter::ramlak().response(radial, theta.size()), center);
        for (const auto& [preset, limit] :
             {std::pair{accuracy::fast, 3e-4}, std::pair{accuracy::standard, 3e-5},
              std::pair{accuracy::accurate, 5e-6}}) {
            const reconstruction<T, typename TestType::A> r(
                theta, n, {.filter = filter::ramlak(), .accuracy = preset});
            INFO("columns " << n << ", limit " << limit);
            CHECK(relative_error(in_field(r.slice(g, center)), in_field(truth)) <= limit);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("apply and apply_adjoint are adjoint", "[gridrec]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const std::size_t n = 45, slices = line<T> + 3;
    const auto theta = angles(31, 2 * pi, 0.1); // over the full circle: mirrored angles too
    std::vector<double> center(slices);
    for (std::size_t i = 0; i < slices; ++i) center[i] = 20 + 0.3 * static_cast<double>(i);
    for (const auto edge : {gridrec::edge::zero, gridrec::edge::replicate}) {
        for (const auto preset : {accuracy::fast, accuracy::standard, accuracy::accurate}) {
            const gridrec::plan<T, A> plan(theta, n, {.accuracy = preset, .edge = edge});
            auto work = plan.make_workspace(2);
            const auto g = random_numbers<T>(slices * theta.size() * n, 1);
            const auto f = random_numbers<T>(slices * n * n, 2);
            std::vector<T> forward(f.size()), back(g.size());
            const std::array in{slices, theta.size(), n}, out{slices, n, n};
            plan.apply(view<const T, 3>(g.data(), in), center, view<T, 3>(forward.data(), out), work);
            plan.apply_adjoint(view<const T, 3>(f.data(), out), center, view<T, 3>(back.data(), in),
                               work);
            const double scale = std::sqrt(dot(forward, forward) * dot(f, f));
            CHECK(std::abs(dot(forward, f) - dot(g, back)) <= 4 * epsilon<T> * scale);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("project gives line integrals", "[gridrec]", lanes) {
    using T = typename TestType::T;
    using A = typename TestType::A;
    const std::size_t n = 96;
    const double center = 47.2;
    const std::vector<gaussian> blobs{{3, -8, 5}, {-20, 17, 3.5, 0.6}};
    const auto theta = angles(24, 2 * pi, 0.05);
    const gridrec::plan<T, A> plan(theta, n, {.accuracy = accuracy::accurate});
    auto work = plan.make_workspace();
    const auto f = as<T>(image(blobs, n));
    std::vector<T> g(theta.size() * n);
    plan.project(view<const T, 3>(f.data(), {1, n, n}), std::span(&center, 1),
                 view<T, 3>(g.data(), {1, theta.size(), n}), work);
    const auto truth = sinogram(blobs, theta, n, center);
    CHECK(largest_difference(g, truth) <= 1e-5 * *std::max_element(truth.begin(), truth.end()));
}

TEMPLATE_LIST_TEST_CASE("an image is left for comparison between architectures", "[gridrec]", lanes) {
    using T = typename TestType::T;
    const std::size_t n = 96;
    const auto theta = angles(50);
    const reconstruction<T, typename TestType::A> r(theta, n, {});
    const auto f = r.slice(sinogram(shepp_logan(45), theta, n, 48), 48);
    leave_for_comparison("gridrec", std::is_same_v<T, float> ? 2e-6 : 1e-14, f);
}
