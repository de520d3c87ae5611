// Reconstructs a disc from its projections, 16 slices at a time, and prints its value.
#include <destrier/gridrec.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

int main() {
    const std::size_t slices = 16, angles = 400, columns = 256;
    const double center = 127.2;               // of rotation, in detector pixels
    const double x = 30, y = -20, radius = 60; // the disc

    std::vector<double> theta(angles);
    std::vector<float> sinogram(slices * angles * columns), volume(slices * columns * columns);
    for (std::size_t i = 0; i < angles; ++i) theta[i] = std::numbers::pi * double(i) / double(angles);
    for (std::size_t i = 0; i < sinogram.size(); ++i) { // the disc's chords
        const double t = theta[i / columns % angles];
        const double s = double(i % columns) - center - x * std::cos(t) - y * std::sin(t);
        sinogram[i] = float(2 * std::sqrt(std::fmax(0, radius * radius - s * s)));
    }

    using namespace destrier;
    const gridrec::plan<float> plan(theta, columns, {.filter = gridrec::filter::shepp()});
    auto work = plan.make_workspace(/*threads*/ 2);
    plan.apply(view<const float, 3>(sinogram.data(), {slices, angles, columns}), {&center, 1},
               view<float, 3>(volume.data(), {slices, columns, columns}), work);

    // Pixel (row, column) lies at x = column - columns / 2, y = columns / 2 - row: this one at (55, -10).
    std::printf("a disc of value 1 comes back as %.3f\n", volume[(128 + 10) * columns + 128 + 55]);
}
