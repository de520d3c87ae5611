// SPDX-License-Identifier: BSD-3-Clause
//
// Reconstructs 16 slices from 20 noisy projections, directly and by iterating, and prints how far each is from
// the truth.
//
// An iteration projects the image it has, puts what the measured projections differ by back into it (the adjoint
// of projecting), and takes off what is below 0, as no object is; with Nesterov's momentum this is FISTA (Beck and
// Teboulle, SIAM J. Imaging Sci. 2 (2009) 183).
#include <destrier/gridrec.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <vector>

namespace {

using namespace destrier;
using floats = std::vector<float>;

constexpr std::size_t slices = 16, angles = 20, columns = 128;
constexpr double center = 63.4, noise = 0.5; // in pixels, of chords up to 104
constexpr std::array sinogram_shape{slices, angles, columns}, volume_shape{slices, columns, columns};

constexpr struct disc {
    double x, y, radius, value;
} object[] = {
    {0, 0, 52, 1}, {-20, 12, 16, -0.7}, {22, 18, 10, 1}, {12, -24, 14, -1}, {-18, -26, 5, 1.5}};

std::vector<double> theta() {
    std::vector<double> t(angles);
    for (std::size_t i = 0; i < angles; ++i) t[i] = std::numbers::pi * double(i) / angles;
    return t;
}

floats measured() { // the discs' chords, with noise of its own in each slice
    std::mt19937 generator(1);
    std::normal_distribution<double> normal(0, noise);
    const std::vector<double> directions = theta();
    floats g(slices * angles * columns);
    for (std::size_t i = 0; i < g.size(); ++i) {
        const double t = directions[i / columns % angles];
        double sum = normal(generator);
        for (const disc& d : object) {
            const double s = double(i % columns) - center - d.x * std::cos(t) - d.y * std::sin(t);
            sum += d.value * 2 * std::sqrt(std::fmax(0, d.radius * d.radius - s * s));
        }
        g[i] = float(sum);
    }
    return g;
}

double error(const floats& volume) { // root mean square, relative to the object's
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < volume.size(); ++i) {
        const double x = double(i % columns) - columns / 2,
                     y = columns / 2 - double(i / columns % columns);
        double truth = 0;
        for (const disc& d : object) // the part of the pixel that is inside
            truth += d.value * std::clamp(d.radius - std::hypot(x - d.x, y - d.y) + 0.5, 0.0, 1.0);
        difference += (volume[i] - truth) * (volume[i] - truth);
        size += truth * truth;
    }
    return std::sqrt(difference / size);
}

double dot(const floats& a, const floats& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
    return sum;
}

double best_direct(const floats& g) {
    double best = std::numeric_limits<double>::infinity();
    for (const char* const name : {"shepp", "cosine", "hann", "parzen"}) {
        const gridrec::plan<float> plan(theta(), columns, {.filter = gridrec::filter::named(name)});
        auto work = plan.make_workspace();
        floats f(slices * columns * columns);
        plan.apply(view<const float, 3>(g.data(), sinogram_shape), {&center, 1},
                   view<float, 3>(f.data(), volume_shape), work);
        std::printf("directly, filter %-7s error %.4f\n", name, error(f));
        best = std::min(best, error(f));
    }
    return best;
}

} // namespace

int main() {
    const floats g = measured();
    const double direct = best_direct(g);

    // Without filter and weights, apply is the adjoint of project.
    const gridrec::plan<float> plan(
        theta(), columns,
        {.filter = gridrec::filter::none(), .weights = std::vector<double>(angles, 1.0)});
    auto work = plan.make_workspace();
    floats f(slices * columns * columns), before = f, ahead = f, back = f, p(g.size());
    const auto project = [&](const floats& from, floats& to) {
        plan.project(view<const float, 3>(from.data(), volume_shape), {&center, 1},
                     view<float, 3>(to.data(), sinogram_shape), work);
    };
    const auto put_back = [&](const floats& from, floats& to) {
        plan.apply(view<const float, 3>(from.data(), sinogram_shape), {&center, 1},
                   view<float, 3>(to.data(), volume_shape), work);
    };
    put_back(g, back);
    project(back, p);
    const bool adjoint = std::abs(dot(g, p) / dot(back, back) - 1) < 1e-5;

    const float step = 1.0f / float(angles * columns); // 1 / a bound of the largest eigenvalue
    double iterated = 0;
    for (int k = 1; k <= 30; ++k) {
        const float momentum = float(k - 1) / float(k + 2);
        for (std::size_t i = 0; i < f.size(); ++i) ahead[i] = f[i] + momentum * (f[i] - before[i]);
        project(ahead, p);
        for (std::size_t i = 0; i < p.size(); ++i) p[i] = g[i] - p[i];
        put_back(p, back);
        before = f;
        for (std::size_t i = 0; i < f.size(); ++i) f[i] = std::max(0.0f, ahead[i] + step * back[i]);
        iterated = error(f);
        std::printf("iteration %d: error %.4f\n", k, iterated);
    }
    std::printf("%s, error %.1f times smaller than the best direct one\n",
                adjoint ? "adjoint" : "NOT adjoint", direct / iterated);
    return adjoint && iterated < direct ? 0 : 1;
}
