// SPDX-License-Identifier: BSD-3-Clause
#include "axis/entropy.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numbers>
#include <numeric>
#include <vector>

#include <destrier/gridrec.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

#include "fft_kernels.hpp"
#include "scan/angles.hpp"

namespace tomo {
namespace {

namespace gridrec = destrier::gridrec;
using destrier::buffer;
using destrier::view;

constexpr std::size_t lanes = destrier::line<float>;
constexpr std::size_t gray_values = 128; // of the histogram; half or twice as many do as well
// The finest slices have no more columns than this: more would show the axis no better.
constexpr std::size_t most_columns = 1024;
// The coarsest have no fewer.
constexpr std::size_t least_columns = 96;

struct gray_scale {
    float low, high;
};

// From where few values are smaller to where few are larger, and a quarter beyond.
gray_scale scale_of(std::vector<float> values) {
    const auto few = static_cast<std::ptrdiff_t>(values.size() / 1000);
    std::nth_element(values.begin(), values.begin() + few, values.end());
    const float low = values[static_cast<std::size_t>(few)];
    std::nth_element(values.begin(), values.end() - 1 - few, values.end());
    const float high = *(values.end() - 1 - few), more = (high - low) / 4;
    return {low - more, high + more};
}

// Pixels of a slice and how much each counts: those that all candidates see, fewer and fewer towards the
// end, for there a structure that is in with one candidate is out with the next.
class field_of_view {
public:
    field_of_view(std::size_t size, double radius) : weight_(size * size) {
        const auto origin = static_cast<double>(size / 2);
        for (std::size_t i = 0; i < size * size; ++i) {
            const double y = static_cast<double>(i / size) - origin,
                         x = static_cast<double>(i % size) - origin;
            const double from_axis = std::hypot(x, y) / radius;
            if (from_axis >= 1) continue;
            const double fall = std::cos(std::numbers::pi / 2 * std::max(5 * from_axis - 4, 0.0));
            weight_[i] = static_cast<float>(fall * fall);
        }
    }

    gray_scale scale(const float* slice) const {
        std::vector<float> values;
        for (std::size_t i = 0; i < weight_.size(); ++i) {
            if (weight_[i] > 0) values.push_back(slice[i]);
        }
        return scale_of(std::move(values));
    }

    // Each value is shared between the two nearest of the histogram.
    double entropy(const float* slice, const gray_scale& scale) const {
        std::array<double, gray_values + 1> histogram{};
        constexpr auto top = static_cast<float>(gray_values);
        const float range = scale.high - scale.low, per_value = range > 0 ? top / range : 0;
        for (std::size_t i = 0; i < weight_.size(); ++i) {
            if (weight_[i] == 0) continue;
            const float x =
                std::min(std::max(0.0f, (slice[i] - scale.low) * per_value), top * 0.999999f);
            const auto below = static_cast<std::size_t>(x);
            const float above = x - static_cast<float>(below);
            histogram[below] += weight_[i] * (1 - above);
            histogram[below + 1] += weight_[i] * above;
        }
        const double all = std::accumulate(histogram.begin(), histogram.end(), 0.0);
        double sum = 0;
        for (const double count : histogram) {
            if (count > 0) sum -= count / all * std::log(count / all);
        }
        return sum;
    }

private:
    std::vector<float> weight_;
};

// A slice with `factor` columns in one, ready to be reconstructed about any axis.
class resolution {
public:
    resolution(view<const float, 2> sinogram, std::span<const double> theta, std::size_t factor,
               int threads)
        : factor_(factor), columns_(sinogram.extent(1) / factor), order_(thinned(theta, columns_)),
          plan_(plan_for(theta, order_, columns_)), work_(plan_.make_workspace(threads)),
          sinogram_(order_.size() * columns_), slices_(lanes * columns_ * columns_), threads_(threads) {
        destrier::parallel_for(order_.size(), threads, [&](std::size_t p) {
            for (std::size_t k = 0; k < columns_ * factor; ++k) {
                sinogram_[p * columns_ + k / factor] +=
                    sinogram(order_[p], k) / static_cast<float>(factor);
            }
        });
    }

    // One for each axis; sixteen are as fast as one.
    std::vector<double> entropies(const std::vector<double>& axes) {
        std::vector<double> centers;
        for (const double axis : axes) centers.push_back(on_wide_columns(axis));
        const field_of_view seen(columns_, radius_of(centers));
        std::vector<double> found(axes.size());
        // The middle ones first: the gray scale is that of the middle one of all.
        const std::size_t batches = (axes.size() + lanes - 1) / lanes;
        gray_scale scale{};
        for (std::size_t i = 0; i < batches; ++i) {
            const std::size_t first = (batches / 2 + i) % batches * lanes,
                              count = std::min(lanes, axes.size() - first);
            reconstruct(std::span(centers).subspan(first, count));
            if (i == 0) scale = seen.scale(slice(std::min(axes.size() / 2 - first, count - 1)));
            destrier::parallel_for(count, threads_, [&](std::size_t lane) {
                found[first + lane] = seen.entropy(slice(lane), scale);
            });
        }
        return found;
    }

private:
    // In order of angle, and no more than two for each column: as many again show nothing new.
    static std::vector<std::size_t> thinned(std::span<const double> theta, std::size_t columns) {
        std::vector<std::size_t> order(theta.size()), some;
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return theta[a] < theta[b]; });
        const std::size_t step = std::max<std::size_t>(theta.size() / (2 * columns), 1);
        for (std::size_t i = 0; i < order.size(); i += step) some.push_back(order[i]);
        return some;
    }

    static gridrec::plan<float> plan_for(std::span<const double> theta,
                                         const std::vector<std::size_t>& order, std::size_t columns) {
        std::vector<double> angles;
        for (const std::size_t i : order) angles.push_back(theta[i]);
        gridrec::options how;
        // Noise scatters gray values as a wrong axis does: a ramp that falls off again lets less of it in.
        how.filter = gridrec::filter::parzen();
        how.accuracy = gridrec::accuracy::fast;
        how.edge = gridrec::edge::replicate;
        how.weights = angle_weights(angles);
        return gridrec::plan<float>(angles, columns, how);
    }

    double on_wide_columns(double axis) const {
        const auto factor = static_cast<double>(factor_);
        return (axis - (factor - 1) / 2) / factor;
    }
    // To the detector's end, from whichever axis is nearest to it.
    double radius_of(const std::vector<double>& centers) const {
        const auto [low, high] = std::minmax_element(centers.begin(), centers.end());
        return std::min(*low, static_cast<double>(columns_ - 1) - *high);
    }

    void reconstruct(std::span<const double> centers) {
        const auto row = static_cast<std::ptrdiff_t>(columns_);
        plan_.apply(view<const float, 3>(sinogram_.data(), {centers.size(), order_.size(), columns_},
                                         {0, row, 1}),
                    centers, view<float, 3>(slices_.data(), {centers.size(), columns_, columns_}),
                    work_);
    }
    const float* slice(std::size_t lane) const { return slices_.data() + lane * columns_ * columns_; }

    std::size_t factor_, columns_;
    std::vector<std::size_t> order_;
    gridrec::plan<float> plan_;
    gridrec::workspace<float> work_;
    buffer<float> sinogram_, slices_;
    int threads_;
};

std::size_t least_of(const std::vector<double>& values) {
    return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

// The best of axes `step` apart over the whole range.
double best_in_range(resolution& slices, double first, double last, double step) {
    std::vector<double> axes;
    const auto steps = static_cast<std::size_t>(std::ceil((last - first) / step));
    for (std::size_t i = 0; i <= steps; ++i) {
        axes.push_back(std::min(first + step * static_cast<double>(i), last));
    }
    const std::size_t best = least_of(slices.entropies(axes));
    if (best == 0 || best == steps) {
        char text[128];
        std::snprintf(text, sizeof text,
                      "the slice's entropy is least at the end of the range, %.2f of %.2f to %.2f",
                      axes[best], first, last);
        throw no_axis(text);
    }
    return axes[best];
}

// Where the parabola that fits seven values best is least, in steps from the middle one.
double least_of_parabola(std::span<const double, 7> values) {
    double slope = 0, curvature = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        const double t = static_cast<double>(i) - 3;
        slope += t * values[i] / 28;
        curvature += (t * t - 4) * values[i] / 84;
    }
    return curvature > 0 ? std::clamp(-slope / (2 * curvature), -3.0, 3.0) : 0;
}

// The best axis near `middle`, from sixteen of them `step` apart; from others where it is not among
// their middle ones.
double best_nearby(resolution& slices, double middle, double step) {
    constexpr int most_tries = 8;
    for (int i = 0; i < most_tries; ++i) {
        std::vector<double> axes;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            axes.push_back(middle + step * (static_cast<double>(lane) - lanes / 2));
        }
        const std::vector<double> entropies = slices.entropies(axes);
        const std::size_t best = least_of(entropies);
        middle = axes[best];
        if (best < 3 || best + 3 >= lanes) continue;
        return middle + step * least_of_parabola(std::span(entropies).subspan(best - 3).first<7>());
    }
    throw no_axis("the slice's entropy has no minimum: it falls and falls");
}

} // namespace

double entropy_axis(view<const float, 2> sinogram, std::span<const double> theta, double near,
                    double reach, int threads) {
    const std::size_t columns = sinogram.extent(1);
    const auto width = static_cast<double>(columns);
    if (columns < 64) {
        throw no_axis("the detector has " + std::to_string(columns) + " columns, expected 64 or more");
    }
    if (!(near - reach >= width / 8) || !(near + reach <= width * 7 / 8)) {
        char text[128];
        std::snprintf(text, sizeof text, "the range %.2f to %.2f is not within %.2f to %.2f",
                      near - reach, near + reach, width / 8, width * 7 / 8);
        throw no_axis(text);
    }
    const std::size_t finest = (columns + most_columns - 1) / most_columns;
    std::size_t factor = finest;
    const auto pixels = [&] { return static_cast<double>(factor); };
    while (2 * reach > (lanes - 1) * pixels() && columns / (4 * factor) >= least_columns) factor *= 4;

    double axis = near;
    for (bool is_first = true;; is_first = false, factor /= 4) {
        resolution slices(sinogram, theta, factor, threads);
        axis = is_first ? best_in_range(slices, near - reach, near + reach, pixels())
                        : best_nearby(slices, axis, 0.8 * pixels());
        if (factor == finest) return best_nearby(slices, axis, pixels() / 8);
    }
}

} // namespace tomo
