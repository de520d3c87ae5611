// SPDX-License-Identifier: BSD-3-Clause
//
// wavelet.hpp: Daubechies' wavelets, and one level of the discrete wavelet transform along either axis of an image.
//
// With the 2 p taps h of the low-pass filter and g[k] = (-1)^k h[2 p - 1 - k] of the high-pass one,
//
//   low[i] = sum_k h[k] x[2 i + k - 2 p + 2],   high[i] = sum_k g[k] x[2 i + k - 2 p + 2],
//   x[t] = sum_i h[t - 2 i + 2 p - 2] low[i] + g[t - 2 i + 2 p - 2] high[i],
//
// where x goes on as its mirror image beyond either end, ... x[1] x[0] x[0] x[1] ... Of n elements there are
// n / 2 + p - 1 coefficients of either kind (n even), enough to have all n back.
//
// Source  Daubechies, Ten Lectures on Wavelets (1992), chapter 6; Mallat, A Wavelet Tour of Signal Processing
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <destrier/layout.hpp>

namespace tomo {

/// The highest order of daubechies().
inline constexpr std::size_t highest_wavelet_order = 20;

/// The low-pass filter with `order` zeros at the highest frequency: 2 order taps whose sum is sqrt(2), those of
/// least phase, most of the weight at the front.
///
/// Domain    order 1 (Haar's) to highest_wavelet_order
/// Accuracy  orthogonal to its even shifts to 1e-14
std::vector<double> daubechies(std::size_t order);

/// One level of the transform.
///
/// Accuracy  synthesis of an analysis gives the row back to 1e-6 of its largest element
/// Threads   immutable
/// Memory    nothing is allocated but by the constructor
class wavelet {
public:
    /// Domain  as daubechies()
    explicit wavelet(std::size_t order);

    std::size_t order() const noexcept { return low_.size() / 2; }
    /// Coefficients of either kind of n elements.
    std::size_t coefficients(std::size_t n) const noexcept { return (n - 1) / 2 + order(); }
    /// Elements that analyse and synthesise want as room, for rows of n.
    std::size_t room(std::size_t n) const noexcept { return 2 * (coefficients(n) + order() - 1); }

    /// Both kinds of a row; low and high have coefficients(row.size()) elements.
    void analyse(std::span<const float> row, std::span<float> low, std::span<float> high,
                 std::span<float> room) const;
    /// The row whose low ones and high ones these are.
    void synthesise(std::span<const float> low, std::span<const float> high, std::span<float> row,
                    std::span<float> room) const;

    /// The low ones of every column: image (n, columns) to low (coefficients(n), columns), rows contiguous.
    void analyse_low(destrier::view<const float, 2> image, destrier::view<float, 2> low) const;
    /// The image whose low ones of every column these are, and whose high ones are 0.
    void synthesise_low(destrier::view<const float, 2> low, destrier::view<float, 2> image) const;

private:
    std::vector<float> low_, high_; // filters
};

} // namespace tomo
