// SPDX-License-Identifier: BSD-3-Clause
#include "stripes/stripes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include <destrier/parallel.hpp>

#include "stripes/fourier_wavelet.hpp"
#include "stripes/mean_stripes.hpp"
#include "stripes/vo_stripes.hpp"

namespace tomo {
namespace {

// Stripes wider than a 128th of the detector are left to the object.
std::size_t chosen_levels(std::size_t columns) {
    return static_cast<std::size_t>(std::bit_width(std::max<std::size_t>(columns / 128, 2))) - 1;
}

std::size_t most_levels(std::size_t columns) {
    return static_cast<std::size_t>(std::bit_width(columns)) - 1;
}

template <class Number>
void require(bool good, const std::string& option, Number value, const std::string& expected) {
    if (good) return;
    throw std::runtime_error("stripes: " + option + " is " + std::to_string(value) + ", expected " +
                             expected);
}

void require_positive(const std::string& option, double value) {
    require(value > 0 && std::isfinite(value), option, value, "a number above 0");
}

void require_window(const std::string& option, std::size_t value) {
    require(value >= 3 && value % 2 == 1, option, value, "an odd number of columns from 3");
}

void check_fourier_wavelet(const stripe_options& options, std::size_t columns) {
    const std::size_t most = most_levels(columns);
    require(options.levels <= most, "levels", options.levels,
            "0 (chosen) to " + std::to_string(most) + " for " + std::to_string(columns) + " columns");
    require_positive("sigma", options.sigma);
    require(options.wavelet >= 1 && options.wavelet <= highest_wavelet_order, "wavelet", options.wavelet,
            "1 to " + std::to_string(highest_wavelet_order));
}

// f(the plan of the chosen method), if there is one.
template <class F>
void with_method(const stripe_options& options, std::size_t angles, std::size_t columns, F&& f) {
    switch (options.method) {
    case stripe_method::none: return;
    case stripe_method::fourier_wavelet: {
        const std::size_t levels = options.levels > 0 ? options.levels : chosen_levels(columns);
        return f(fourier_wavelet(angles, columns, levels, options.wavelet, options.sigma));
    }
    case stripe_method::titarenko:
        return f(mean_stripes(least_squares_profile(columns, options.alpha), columns, options.blocks));
    case stripe_method::smoothing:
        return f(mean_stripes(running_mean(columns, options.window), columns, 1));
    case stripe_method::vo:
        return f(vo_stripes(angles, columns, options.snr, options.large_size, options.small_size));
    }
}

} // namespace

void check(const stripe_options& options, std::size_t angles, std::size_t columns) {
    switch (options.method) {
    case stripe_method::none: return;
    case stripe_method::fourier_wavelet: return check_fourier_wavelet(options, columns);
    case stripe_method::titarenko:
        require_positive("alpha", options.alpha);
        return require(options.blocks >= 1 && options.blocks <= angles, "blocks", options.blocks,
                       "1 to the " + std::to_string(angles) + " angles");
    case stripe_method::smoothing: return require_window("window", options.window);
    case stripe_method::vo:
        require_positive("snr", options.snr);
        require_window("large_size", options.large_size);
        return require_window("small_size", options.small_size);
    }
}

std::size_t stripe_scratch_bytes(const stripe_options& options, std::size_t angles, std::size_t columns,
                                 int threads) {
    std::size_t bytes = 0;
    with_method(options, angles, columns, [&]<class Method>(const Method& method) {
        bytes = typename Method::work_space(method).bytes();
    });
    return bytes * static_cast<std::size_t>(destrier::thread_count(threads));
}

void remove_stripes(projections line_integrals, const stripe_options& options, int threads) {
    if (line_integrals.size() == 0) return;
    const auto [angles, rows, columns] = line_integrals.extents();
    check(options, angles, columns);
    with_method(options, angles, columns, [&, rows = rows]<class Method>(const Method& method) {
        destrier::parallel_ranges(rows, threads, [&](std::size_t begin, std::size_t end, std::size_t) {
            typename Method::work_space work(method);
            for (std::size_t row = begin; row < end; ++row) {
                method.remove(line_integrals.at(1, row), work);
            }
        });
    });
}

} // namespace tomo
