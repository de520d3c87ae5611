// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec at the size it is for: detectors of 2048 columns. Left out of what runs at every change.

#include "gridrec_fixture.hpp"

#include <destrier/fft.hpp>
#include <destrier/gridrec/single.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

using namespace reference;
using namespace destrier;
using gridrec::accuracy;
using gridrec::filter;

namespace {

constexpr std::size_t full = 2048, full_angles = 3217; // the angles that match the columns: pi / 2 times

std::vector<float> slice_of(const std::vector<float>& all, std::size_t size, std::size_t i) {
    return {all.begin() + static_cast<std::ptrdiff_t>(i * size),
            all.begin() + static_cast<std::ptrdiff_t>((i + 1) * size)};
}

std::size_t pixel_at(double x, double y) {
    return static_cast<std::size_t>(full / 2 - y) * full + static_cast<std::size_t>(full / 2 + x);
}

double mean(double sum, std::size_t count) { return sum / static_cast<double>(count); }

// Some of the pixels in the field of view, anywhere.
std::vector<std::size_t> some_pixels(std::size_t n, std::size_t count) {
    std::mt19937 generator(4);
    std::uniform_int_distribution<std::size_t> any(0, n * n - 1);
    std::vector<std::size_t> pixels;
    while (pixels.size() < count) {
        const std::size_t i = any(generator);
        if (in_field_of_view(i / n, i % n, n)) pixels.push_back(i);
    }
    return pixels;
}

// The defining sum at some pixels. (By a fast transform, which has tests of its own, and then term by term.)
std::vector<double> direct_pixels(const std::vector<double>& g, const std::vector<double>& theta,
                                  std::size_t n, const filter& f, double center,
                                  const std::vector<std::size_t>& pixels) {
    using complex = std::complex<double>;
    const std::size_t radial = gridrec::radial_size(n), bins = radial / 2 + 1;
    const auto response = f.response(radial, theta.size());
    const fft::plan_r2c<double> plan(radial);
    std::vector<double> padded(radial), image(pixels.size());
    std::vector<complex> spectrum(bins);
    for (std::size_t p = 0; p < theta.size(); ++p) {
        std::copy_n(g.begin() + static_cast<std::ptrdiff_t>(p * n), n, padded.begin());
        plan.forward(view<const double, 2>(padded.data(), {1, radial}),
                     view<complex, 2>(spectrum.data(), {1, bins}));
        for (std::size_t j = 0; j < bins; ++j) {
            const double twice = j == 0 || j == radial / 2 ? 1 : 2;
            spectrum[j] *= response[j] * twice * pi / static_cast<double>(radial * theta.size());
        }
        for (std::size_t i = 0; i < pixels.size(); ++i) {
            const point at = pixel(pixels[i] / n, pixels[i] % n, n);
            const double s = at.x * std::cos(theta[p]) + at.y * std::sin(theta[p]) + center;
            const complex step = std::polar(1.0, 2 * pi * s / static_cast<double>(radial));
            complex sum = 0;
            for (std::size_t j = bins; j-- > 0;) { // Horner
                sum = complex(sum.real() * step.real() - sum.imag() * step.imag() + spectrum[j].real(),
                              sum.real() * step.imag() + sum.imag() * step.real() + spectrum[j].imag());
            }
            image[i] += sum.real();
        }
    }
    return image;
}

} // namespace

TEST_CASE("2048 columns: objects known exactly", "[gridrec][slow]") {
    const auto theta = angles(full_angles);
    const double center = 1023.4, radius = 0.39 * full;
    const std::vector<gaussian> blobs{
        {0, 0, 6}, {320, 176, 4, 0.7}, {-496, 240, 3, 1.3}, {144, -592, 2.5, -0.4}};
    const auto head = shepp_logan(1024);
    const std::vector<ellipse> disc{{1, radius, radius, 0, 0, 0}};
    std::vector<gaussian> rings{{0, 0, 3}};
    for (const double r : {0.25, 0.5, 0.75, 0.9}) {
        for (int direction = 0; direction < 8; ++direction) {
            const double turn = 2 * pi * direction / 8;
            rings.push_back(
                {std::round(1024 * r * std::cos(turn)), std::round(1024 * r * std::sin(turn)), 3});
        }
    }
    std::vector<float> g;
    const auto add = [&](const std::vector<double>& one) { g.insert(g.end(), one.begin(), one.end()); };
    add(sinogram(blobs, theta, full, center));
    add(sinogram(head, theta, full, center));
    add(sinogram(disc, theta, full, center));
    add(sinogram(rings, theta, full, center));
    const reconstruction<float> r(theta, full,
                                  {.filter = filter::ramlak(), .accuracy = accuracy::accurate});
    const auto f = r.slices(g, {center}, 4, 0);

    { // Gaussians
        const auto found = slice_of(f, full * full, 0);
        const auto truth = image(blobs, full);
        CHECK(largest_difference(in_field(found), in_field(truth)) <= 1e-5);
        CHECK(std::abs(total(in_field(found)) / total(in_field(truth)) - 1) <= 1e-5);
    }
    { // the Shepp-Logan head
        const auto found = slice_of(f, full * full, 1);
        double squares = 0, mass = 0, outside = 0;
        std::size_t outside_count = 0;
        const auto pixels = some_pixels(full, 40000);
        for (const std::size_t i : pixels) {
            const point middle = pixel(i / full, i % full, full);
            double truth = 0; // the mean over the pixel
            for (int k = 0; k < 64; ++k) {
                const point p{middle.x + (k % 8 + 0.5) / 8 - 0.5, middle.y + (k / 8 + 0.5) / 8 - 0.5};
                for (const ellipse& e : head) truth += e.at(p) / 64;
            }
            squares += std::pow(static_cast<double>(found[i]) - truth, 2);
            if (std::hypot(middle.x / (0.69 * 1024 + 3), middle.y / (0.92 * 1024 + 3)) > 1) {
                outside += static_cast<double>(found[i]);
                ++outside_count;
            }
        }
        for (const ellipse& e : head) mass += e.value * pi * e.a * e.b;
        CHECK(std::sqrt(mean(squares, pixels.size())) <= 0.0105);
        CHECK(std::abs(total(in_field(found)) / mass - 1) <= 2e-4);
        CHECK(std::abs(mean(outside, outside_count)) <= 2e-4);
    }
    { // a disc
        const auto found = slice_of(f, full * full, 2);
        double inside = 0, outside = 0, rim = 0, middle = 0;
        std::size_t inside_count = 0, outside_count = 0, rim_count = 0, middle_count = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const point p = pixel(i / full, i % full, full);
            const double distance = std::hypot(p.x, p.y), value = static_cast<double>(found[i]);
            if (distance < 0.8 * radius) inside += value, ++inside_count;
            if (distance < 0.3 * radius) middle += value, ++middle_count;
            if (distance > 0.7 * radius && distance < 0.8 * radius) rim += value, ++rim_count;
            if (distance > radius + 3 && distance < 1023) outside += value, ++outside_count;
        }
        CHECK(std::abs(mean(inside, inside_count) - 1) <= 1.5e-3);
        CHECK(std::abs(mean(outside, outside_count)) <= 1e-3);
        CHECK(std::abs(mean(rim, rim_count) - mean(middle, middle_count)) <= 1e-3);
    }
    { // the same gain everywhere
        const auto found = slice_of(f, full * full, 3);
        for (const gaussian& ring : rings) {
            INFO("x " << ring.x << " y " << ring.y);
            CHECK(std::abs(found[pixel_at(ring.x, ring.y)] - 1) <= 2e-4);
        }
        CHECK(std::all_of(found.begin(), found.end(), [](float v) { return std::isfinite(v); }));
    }
}

TEST_CASE("2048 columns, and a prime number: the defining sum", "[gridrec][slow]") {
    for (const std::size_t n : {full, std::size_t{2039}}) {
        const auto theta = angles(1501, pi, 0.02);
        const double center = 0.5 * static_cast<double>(n) - 1.3;
        const auto g = sinogram(shepp_logan(0.475 * static_cast<double>(n)), theta, n, center);
        const auto pixels = some_pixels(n, 300);
        const auto truth = direct_pixels(g, theta, n, filter::ramlak(), center, pixels);
        const auto error = [&](const std::vector<float>& f) {
            std::vector<float> some;
            for (const std::size_t i : pixels) some.push_back(f[i]);
            return relative_error(some, truth);
        };
        for (const auto& [preset, limit] :
             {std::pair{accuracy::fast, 3e-4}, std::pair{accuracy::standard, 3e-5},
              std::pair{accuracy::accurate, 5e-6}}) {
            INFO("columns " << n << ", limit " << limit);
            const gridrec::options o{.filter = filter::ramlak(), .accuracy = preset};
            CHECK(error(reconstruction<float>(theta, n, o).slice(g, center, 0)) <= limit);

            const gridrec::plan_single<float> single(theta, n, o);
            auto work = single.make_workspace(0);
            const auto one = as<float>(g);
            std::vector<float> f(n * n);
            single.apply(view<const float, 3>(one.data(), {1, theta.size(), n}), std::span(&center, 1),
                         view<float, 3>(f.data(), {1, n, n}), work);
            CHECK(error(f) <= limit);
        }
    }
}

TEST_CASE("2048 columns: the same bits in any company, for any number of threads", "[gridrec][slow]") {
    const std::size_t slices = line<float> + 1;
    const auto theta = angles(75);
    const std::size_t size = theta.size() * full;
    auto g = random_numbers<float>(slices * size);
    const reconstruction<float> r(theta, full, {});
    const auto f = r.slices(g, {1030}, slices, 1);
    CHECK(same_bits(r.slices(g, {1030}, slices, 2), f));
    CHECK(same_bits(r.slices(g, {1030}, slices, 5), f));
    const auto third = slice_of(f, full * full, 3), last = slice_of(f, full * full, slices - 1);
    CHECK(same_bits(r.slice(slice_of(g, size, 3), 1030), third));
    CHECK(same_bits(r.slice(slice_of(g, size, slices - 1), 1030), last));

    g[2 * size + 5] = std::numeric_limits<float>::quiet_NaN();
    g[4 * size + 5] = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < size; ++i) g[5 * size + i] *= 1e6f;
    const auto beside = r.slices(g, {1030}, slices, 2);
    CHECK(same_bits(slice_of(beside, full * full, 3), third));
    CHECK(same_bits(slice_of(beside, full * full, slices - 1), last));
}

#if defined(__linux__)
TEST_CASE("513 slices of 2048 x 2048, more than 2^32 elements apart", "[gridrec][slow]") {
    // Every slice at a place of its own, with nothing between them that could be written; in memory for 16,
    // each of which stands at 32 places or 33.
    const std::size_t slices = 513, kept = 16, size = full * full, apart = 2 * size;
    const std::size_t bytes = size * sizeof(float);
    static_assert(513 * 2 * full * full > std::size_t{1} << 32);
    const int file = ::memfd_create("slices", 0);
    REQUIRE(file >= 0);
    REQUIRE(::ftruncate(file, static_cast<off_t>(kept * bytes)) == 0);
    void* const reserved = ::mmap(nullptr, slices * apart * sizeof(float), PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(reserved != MAP_FAILED);
    float* const volume = static_cast<float*>(reserved);
    for (std::size_t i = 0; i < slices; ++i) {
        REQUIRE(::mmap(volume + i * apart, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
                       static_cast<off_t>(i % kept * bytes)) != MAP_FAILED);
    }

    const auto theta = angles(20);
    const auto g = random_numbers<float>(theta.size() * full);
    std::vector<double> centers(slices);
    for (std::size_t i = 0; i < slices; ++i) centers[i] = 900 + 0.5 * static_cast<double>(i);
    const gridrec::plan<float> plan(theta, full);
    auto work = plan.make_workspace(0);
    plan.apply(
        view<const float, 3>(g.data(), {slices, theta.size(), full}, {0, full, 1}), centers,
        view<float, 3>(volume, {slices, full, full}, {static_cast<std::ptrdiff_t>(apart), full, 1}),
        work);
    // what is there now is the last 16
    const reconstruction<float> alone(theta, full, {});
    for (const std::size_t i : {slices - kept, slices - 7, slices - 1}) {
        const auto expected = alone.slice(g, centers[i]);
        CHECK(std::equal(expected.begin(), expected.end(), volume + i * apart));
    }
    ::munmap(reserved, slices * apart * sizeof(float));
    ::close(file);
}
#endif
