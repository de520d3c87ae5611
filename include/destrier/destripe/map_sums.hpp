// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/map_sums.hpp: samples summed up in the pixels that they fall on, and the maps these sums make.
//
//     P' N^-1 P          the inverse covariance, a symmetric matrix a pixel
//     P' N^-1 (d - F a)  the signal, weighted by the inverse of its noise
//     hits               how many samples
//
// The map m = (P' N^-1 P)^-1 P' N^-1 (d - F a) takes a system of at most 3 x 3 in each pixel. Sums of parts of
// the data (detectors, halves) add up to those of all.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/destripe/bucketed.hpp>
#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/counted.hpp>
#include <destrier/destripe/pixel_matrices.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

namespace detail {

// Where samples are summed up.
struct pixel_sums {
    double *hits, *matrices, *signal;
};

// How many samples, or runs of them, ahead their sums are called for.
inline constexpr std::size_t prefetch_distance = 16, runs_ahead = 8;

template <stokes S>
DESTRIER_INLINE void prefetch_sums(const pixel_sums& of, std::int32_t counted) noexcept {
    const auto pixel = static_cast<std::size_t>(std::max(counted, 0));
    __builtin_prefetch(of.hits + pixel, 1);
    __builtin_prefetch(of.matrices + pixel * packed<S>, 1);
    if constexpr (S == stokes::iqu) __builtin_prefetch(of.matrices + pixel * packed<S> + 5, 1);
    __builtin_prefetch(of.signal + pixel * components<S>, 1);
}

// Adds `count` samples from `begin` on; counted: what counted_pixels has for them. Out of line: whichever way
// samples come here, they are added by the same instructions, and so with the same rounding.
template <stokes S, class A>
[[gnu::noinline]] void add_samples(const chunk& chunk, std::span<const double> model, std::size_t begin,
                                   std::size_t count, const std::int32_t* counted,
                                   const pixel_sums& to) noexcept {
    const double weight = chunk.weight;
    for (std::size_t i = 0; i < count; ++i) {
        if (i + prefetch_distance < count) prefetch_sums<S>(to, counted[i + prefetch_distance]);
        if (counted[i] < 0) continue;
        const auto pixel = static_cast<std::size_t>(counted[i]);
        double* const m = to.matrices + pixel * packed<S>;
        double* const y = to.signal + pixel * components<S>;
        const double d = cleaned(chunk, model, begin + i);
        to.hits[pixel] += 1;
        if constexpr (S == stokes::i) {
            m[0] += weight;
            y[0] += weight * d;
        } else {
            const double c = rounded_weight(chunk.cosine[begin + i]);
            const double s = rounded_weight(chunk.sine[begin + i]);
            const double wc = weight * c, ws = weight * s;
            if constexpr (S == stokes::qu) {
                m[0] += wc * c;
                m[1] += wc * s;
                m[2] += ws * s;
                y[0] += wc * d;
                y[1] += ws * d;
            } else {
                m[0] += weight;
                m[1] += wc;
                m[2] += ws;
                m[3] += wc * c;
                m[4] += wc * s;
                m[5] += ws * s;
                y[0] += weight * d;
                y[1] += wc * d;
                y[2] += ws * d;
            }
        }
    }
}

// Samples one after the other that fall on the same block of 64 pixels, whole cache lines of all sums, or do
// not count.
struct sample_run {
    std::uint32_t begin, count;
};
inline constexpr std::size_t longest_run = 256; // or a telescope at rest would be one thread's work
inline std::int32_t block_of(std::int32_t pixel) noexcept { return pixel / 64; }

// Lists the runs among samples begin .. end - 1, of which each begins with one that counts; returns how many.
template <class A>
std::size_t find_runs(const std::int32_t* counted, std::size_t begin, std::size_t end,
                      sample_run* runs) noexcept {
    std::size_t found = 0;
    for (std::size_t i = begin; i < end;) {
        const std::size_t first = i;
        const std::int32_t pixel = counted[i++];
        if (pixel < 0) continue;
        const std::size_t stop = std::min(end, first + longest_run);
        while (i < stop && (counted[i] < 0 || block_of(counted[i]) == block_of(pixel))) ++i;
        runs[found++] = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(i - first)};
    }
    return found;
}

// Adds up over processes in pieces, whose elements an int can count.
template <class A>
void reduce_in_pieces(std::span<double> x, const reduction& sum) {
    constexpr std::size_t piece = std::size_t{1} << 24;
    for (std::size_t at = 0; at < x.size(); at += piece) {
        sum(x.subspan(at, std::min(piece, x.size() - at)));
    }
}

} // namespace detail

/// Sums of samples in pixels 0 .. pixels - 1, to which chunks are added one after the other.
///
/// Accuracy  in each pixel samples are added in the order of time, c and s as rounded_weight() has them
/// Threads   the same bits for any number of them
/// Memory    10 doubles a pixel for iqu, 6 for qu, 3 for i; while adding with several threads,
///           1.25 MiB for each of them
/// Example   map_sums<stokes::iqu> sums(pixels);
///           for (std::size_t k = 0; k < chunks.size(); ++k) sums.add(k, chunks[k], model_of(chunks[k]));
///           const sky_maps maps = make_maps(sums, 1e-6);
template <stokes S, class A = default_arch>
class map_sums {
public:
    /// Throws  std::invalid_argument if there are more pixels than 32-bit numbers for them, or threads < 0
    explicit map_sums(std::size_t pixels, int threads = 0, memory where = {})
        : threads_(thread_count(threads)), hits_(checked(pixels), where, threads),
          matrices_(pixels * packed<S>, where, threads),
          signal_(pixels * components<S>, where, threads) {}

    /// Adds chunk k, less the model: all of its samples that count, or all baselines' if it has any.
    ///
    /// Shapes  model (n), or empty for none: what is subtracted from the signal
    /// Throws  std::invalid_argument for shapes that disagree, a weight that is negative or not finite, baselines
    ///         that overlap; where a sample counts, for a pixel that is none of the map's, c or s beyond 4 in
    ///         size, signal or model that is not finite. Names the chunk, the span, the index and the value;
    ///         nothing of the chunk is added then
    void add(std::size_t k, const chunk& c, std::span<const double> model = {}) {
        constexpr const char* call = "map_sums::add";
        const std::size_t n = c.pixels.size();
        detail::check_chunk<S>(call, k, c);
        if (!model.empty()) detail::check_length(call, k, "model", model.size(), n);
        if (c.weight == 0) return;
        const int threads = static_cast<int>(std::min(static_cast<std::size_t>(threads_), 1 + n / 4096));
        detail::check_counted<S, A>(call, k, c, model, pixels(), threads);
        if (threads == 1) return add_in_order(c, model);
        const std::size_t piece = std::min(n, samples_a_thread * static_cast<std::size_t>(threads));
        for (std::size_t begin = 0; begin < n; begin += piece) {
            add_by_buckets(c, model, begin, std::min(begin + piece, n), threads);
        }
    }

    /// Adds up over processes, which then all have the sums of all.
    void reduce(const reduction& sum) {
        if (!sum) return;
        detail::reduce_in_pieces<A>(hits_.span(), sum);
        detail::reduce_in_pieces<A>(matrices_.span(), sum);
        detail::reduce_in_pieces<A>(signal_.span(), sum);
    }

    std::size_t pixels() const noexcept { return hits_.size(); }
    /// (pixels) whole numbers
    std::span<const double> hits() const noexcept { return hits_.span(); }
    /// (pixels, packed<S>)
    std::span<const double> inverse_covariance() const noexcept { return matrices_.span(); }
    /// (pixels, components<S>)
    std::span<const double> signal() const noexcept { return signal_.span(); }

private:
    static constexpr std::size_t samples_a_thread = 1 << 16; // in buckets at a time

    static std::size_t checked(std::size_t pixels) {
        constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
        if (pixels > most) {
            throw std::invalid_argument("destripe::map_sums: pixels is " + std::to_string(pixels) +
                                        ", expected " + std::to_string(most) + " or fewer");
        }
        return pixels;
    }

    detail::pixel_sums sums() noexcept { return {hits_.data(), matrices_.data(), signal_.data()}; }

    void add_in_order(const chunk& c, std::span<const double> model) {
        detail::each_piece<A>(
            c, 0, c.pixels.size(), [&](std::size_t begin, std::size_t end, const std::int32_t* counted) {
                detail::add_samples<S, A>(c, model, begin, end - begin, counted, sums());
            });
    }

    // Blocks of pixels are dealt to buckets in turn, so that samples of any part of the sky spread over them;
    // a bucket's runs of samples, in the order of time, are added by one thread.
    void add_by_buckets(const chunk& c, std::span<const double> model, std::size_t begin,
                        std::size_t end, int threads) {
        const std::size_t n = end - begin;
        if (counted_.size() < n) {
            counted_ = buffer<std::int32_t>(n, {}, threads);
            found_ = buffer<detail::sample_run>(n, {}, threads);
            runs_ = buffer<detail::sample_run>(n, {}, threads);
        }
        const std::size_t found = find_runs(c, begin, n, threads);
        const std::size_t buckets = std::bit_ceil(8 * static_cast<std::size_t>(threads));
        const auto bucket_of = [&](std::size_t i) {
            const std::int32_t block = detail::block_of(counted_[found_[i].begin]);
            return static_cast<std::size_t>(block) & (buckets - 1);
        };
        const std::vector<std::size_t> starts =
            detail::counting_sort(found, buckets, threads, bucket_of,
                                  [&](std::size_t place, std::size_t i) { runs_[place] = found_[i]; });
        const auto whole = [&](std::size_t at) {
            return *std::lower_bound(starts.begin(), starts.end(), at);
        };
        parallel_ranges(found, threads, [&](std::size_t from, std::size_t to, std::size_t) {
            for (std::size_t i = whole(from); i < whole(to); ++i) {
                if (i + detail::runs_ahead < found) {
                    detail::prefetch_sums<S>(sums(), counted_[runs_[i + detail::runs_ahead].begin]);
                }
                const auto [first, count] = runs_[i];
                detail::add_samples<S, A>(c, model, begin + first, count, counted_.data() + first,
                                          sums());
            }
        });
    }

    // The runs among the n samples from `begin` on, into found_; returns how many.
    std::size_t find_runs(const chunk& c, std::size_t begin, std::size_t n, int threads) {
        std::vector<range> parts(static_cast<std::size_t>(threads));
        parallel_ranges(n, threads, [&](std::size_t from, std::size_t to, std::size_t worker) {
            detail::counted_pixels<A>(c, begin + from, begin + to, counted_.data() + from);
            parts[worker] = {
                from, from + detail::find_runs<A>(counted_.data(), from, to, found_.data() + from)};
        });
        std::size_t found = 0;
        for (const range& r : parts) {
            std::copy(found_.data() + r.begin, found_.data() + r.end, found_.data() + found);
            found += r.end - r.begin;
        }
        return found;
    }

    int threads_;
    buffer<double> hits_, matrices_, signal_;
    buffer<std::int32_t> counted_; // work space of a piece
    buffer<detail::sample_run> found_, runs_;
};

/// Maps and what is known of their noise.
struct sky_maps {
    buffer<double> map;        ///< (pixels, components<S>), 0 where a pixel is cut
    buffer<double> covariance; ///< (pixels, packed<S>), of the map's noise; 0 where a pixel is cut
    buffer<double> rcond;      ///< (pixels), of the inverse covariance
};

/// The map of these sums. Pixels whose rcond is below the threshold, and those without hits, are cut.
///
/// Threads  the same bits for any number of them
/// Throws   std::invalid_argument if the threshold is negative or NaN
template <stokes S, class A>
sky_maps make_maps(const map_sums<S, A>& sums, double rcond_threshold, int threads = 0) {
    const std::size_t n = sums.pixels();
    sky_maps maps = {buffer<double>(n * components<S>, {}, threads),
                     buffer<double>(n * packed<S>, {}, threads), buffer<double>(n, {}, threads)};
    invert<S, A>(sums.inverse_covariance(), rcond_threshold, maps.covariance.span(), maps.rcond.span(),
                 threads);
    apply<S, A>(maps.covariance.span(), sums.signal(), maps.map.span(), threads);
    return maps;
}

} // namespace destrier::destripe
