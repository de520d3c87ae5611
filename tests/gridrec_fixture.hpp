// SPDX-License-Identifier: BSD-3-Clause
//
// One slice in, one image out, for the tests of gridrec.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "fft_kernels.hpp"
#include "phantoms.hpp"
#include "reference.hpp"

#include <destrier/gridrec.hpp>

namespace reference {

template <class T, class U>
std::vector<T> as(const std::vector<U>& x) {
    return std::vector<T>(x.begin(), x.end());
}

template <class T, class A = destrier::default_arch>
class reconstruction {
public:
    reconstruction(const std::vector<double>& theta, std::size_t columns,
                   const destrier::gridrec::options& o)
        : plan_(theta, columns, o) {}

    template <class U>
    std::vector<T> slice(const std::vector<U>& sinogram, double center, int threads = 1) const {
        return slices(sinogram, {center}, 1, threads);
    }

    /// Several slices in one call; centers one or as many as slices.
    template <class U>
    std::vector<T> slices(const std::vector<U>& sinogram, const std::vector<double>& centers,
                          std::size_t count, int threads = 1) const {
        const std::vector<T> g = as<T>(sinogram);
        const std::size_t n = plan_.columns();
        std::vector<T> f(count * n * n);
        auto work = plan_.make_workspace(threads);
        plan_.apply(destrier::view<const T, 3>(g.data(), {count, plan_.angles(), n}), centers,
                    destrier::view<T, 3>(f.data(), {count, n, n}), work);
        return f;
    }

private:
    destrier::gridrec::plan<T, A> plan_;
};

template <class T>
double total(const std::vector<T>& x) {
    double sum = 0;
    for (const T v : x) sum += v;
    return sum;
}

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

template <class T, class U>
double largest_difference(const std::vector<T>& a, const std::vector<U>& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        most = d <= most ? most : d; // NaN counts
    }
    return most;
}

/// The pixels of one square slice that lie in the field of view.
template <class T>
std::vector<double> in_field(const std::vector<T>& f) {
    const auto n = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(f.size()))));
    std::vector<double> out;
    for (std::size_t i = 0; i < f.size(); ++i) {
        if (in_field_of_view(i / n, i % n, n)) out.push_back(static_cast<double>(f[i]));
    }
    return out;
}

} // namespace reference
