// SPDX-License-Identifier: BSD-3-Clause
//
// destripe_peers.hpp: the normal equations of offsets as others compute them, over the same samples.
//
//   chain   TOAST's flow of data, one kernel after another over timestreams as long as the data: zero, expand the
//           offsets, bin them, weight the map, zero, expand again, subtract the scanned map, weight, project. Double
//           timestreams, 64-bit pixels that are split into submap and rest, double weights side by side,
//           divisions by a baseline length known at run time, a flag of its own and a shared one for each sample.
//   madam   libmadam's: 32-bit pixels numbered without gaps, float weights, flagged samples on a pixel to spare,
//           B p added up sample by sample, and B' m from it, sample by sample; every thread goes through all
//           samples and takes those on its own pixels, with sums of its own for all baselines.
//
// Both were written for this comparison, from a description of which arrays those programs go through and how; both
// have the same numbers to work on, in the same order of time, and give D a - B' C B a. What the chain's originals do
// beyond that (computing the pointing again for each iteration, clearing timestreams twice) is left out.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

namespace destripe_peers {

using destrier::buffer;
using destrier::destripe::components;
using destrier::destripe::packed;
using destrier::destripe::stokes;

/// A detector's samples, of which those in pixels whose covariance is 0 are flagged.
struct detector {
    std::span<const std::int32_t> pixels;
    std::span<const float> cosine, sine;
    double weight;
};

/// Detectors of equally many samples, and baselines of equally many of these, but for each detector's last.
struct survey {
    std::vector<detector> detectors;
    std::size_t samples, baseline_length, pixels;

    std::size_t baselines() const { return (samples + baseline_length - 1) / baseline_length; }
    std::size_t amplitudes() const { return detectors.size() * baselines(); }
};

/// I, Q and U's weights in sample i.
template <stokes S, class W>
void weights_of(const detector& d, std::size_t i, W* w) {
    if constexpr (S == stokes::i) {
        w[0] = 1;
    } else {
        constexpr std::size_t q = S == stokes::iqu ? 1 : 0;
        if constexpr (q == 1) w[0] = 1;
        w[q] = d.cosine[i];
        w[q + 1] = d.sine[i];
    }
}

/// x = C x for one pixel, C packed.
template <stokes S>
void multiply(const double* c, double* x) {
    constexpr std::size_t n = components<S>;
    double y[n] = {};
    for (std::size_t i = 0, k = 0; i < n; ++i) {
        y[i] += c[k++] * x[i];
        for (std::size_t j = i + 1; j < n; ++j, ++k) {
            y[i] += c[k] * x[j];
            y[j] += c[k] * x[i];
        }
    }
    for (std::size_t i = 0; i < n; ++i) x[i] = y[i];
}

template <stokes S>
class chain {
    static constexpr std::size_t nnz = components<S>;

public:
    chain(const survey& all, std::span<const double> covariance, std::size_t submaps, int threads)
        : threads_(threads), samples_(all.samples),
          step_length_(static_cast<std::int64_t>(all.baseline_length)),
          submap_pixels_(static_cast<std::int64_t>(all.pixels / submaps)), baselines_(all.baselines()),
          local_submap_(submaps), covariance_(covariance), map_(all.pixels * nnz),
          shared_flags_(all.samples) {
        for (std::size_t i = 0; i < submaps; ++i) local_submap_[i] = static_cast<std::int64_t>(i);
        for (const detector& d : all.detectors) {
            auto& s = streams_.emplace_back(all.samples);
            s.weight = d.weight;
            for (std::size_t i = 0; i < all.samples; ++i) {
                s.pixels[i] = d.pixels[i];
                weights_of<S>(d, i, &s.weights[nnz * i]);
                s.flags[i] = !(covariance[static_cast<std::size_t>(d.pixels[i]) * packed<S>] > 0);
            }
        }
    }

    void apply(std::span<const double> a, std::span<double> out) {
        zero_signal();
        add_offsets(a);
        build_noise_weighted();
        for (std::size_t p = 0; p < map_.size() / nnz; ++p) {
            multiply<S>(&covariance_[p * packed<S>], &map_[p * nnz]);
        }
        zero_signal();
        add_offsets(a);
        subtract_map();
        for_each_sample([](stream& s, std::size_t i) { s.signal[i] *= s.weight; });
        project(out);
    }

private:
    struct stream {
        explicit stream(std::size_t n) : pixels(n), signal(n), weights(n * nnz), flags(n) {}
        buffer<std::int64_t> pixels;
        buffer<double> signal, weights;
        buffer<std::uint8_t> flags;
        double weight = 1;
    };

    template <class F>
    void for_each_sample(F f) {
        for (stream& s : streams_) {
            destrier::parallel_for(samples_, threads_, [&](std::size_t i) { f(s, i); });
        }
    }
    bool is_good(const stream& s, std::size_t i) const {
        return s.flags[i] == 0 && shared_flags_[i] == 0 && s.pixels[i] >= 0;
    }
    std::size_t amplitude(const stream& s, std::size_t i) const {
        return static_cast<std::size_t>(&s - streams_.data()) * baselines_ +
               static_cast<std::size_t>(static_cast<std::int64_t>(i) / step_length_);
    }

    void zero_signal() {
        for_each_sample([](stream& s, std::size_t i) { s.signal[i] = 0; });
    }
    void add_offsets(std::span<const double> a) {
        for_each_sample([&](stream& s, std::size_t i) { s.signal[i] += a[amplitude(s, i)]; });
    }
    // Every thread looks at all samples, and owns some of the submaps.
    void build_noise_weighted() {
        for (double& x : map_) x = 0;
        destrier::parallel_ranges(
            local_submap_.size(), threads_, [&](std::size_t begin, std::size_t end, std::size_t) {
                const auto first = static_cast<std::int64_t>(begin),
                           last = static_cast<std::int64_t>(end);
                for (const stream& s : streams_) {
                    for (std::size_t i = 0; i < samples_; ++i) {
                        if (!is_good(s, i)) continue;
                        const std::int64_t submap = s.pixels[i] / submap_pixels_;
                        const std::int64_t local = local_submap_[static_cast<std::size_t>(submap)];
                        if (local < first || local >= last) continue;
                        const std::int64_t rest = s.pixels[i] - submap * submap_pixels_;
                        double* const y =
                            &map_[static_cast<std::size_t>(local * submap_pixels_ + rest) * nnz];
                        const double scaled = s.weight * s.signal[i];
                        for (std::size_t k = 0; k < nnz; ++k) y[k] += scaled * s.weights[nnz * i + k];
                    }
                }
            });
    }
    void subtract_map() {
        for_each_sample([&](stream& s, std::size_t i) {
            const std::int64_t submap = s.pixels[i] / submap_pixels_;
            const std::int64_t local = local_submap_[static_cast<std::size_t>(submap)];
            const std::int64_t rest = s.pixels[i] - submap * submap_pixels_;
            const double* const m = &map_[static_cast<std::size_t>(local * submap_pixels_ + rest) * nnz];
            double sum = 0;
            for (std::size_t k = 0; k < nnz; ++k) sum += m[k] * s.weights[nnz * i + k];
            s.signal[i] -= sum;
        });
    }
    void project(std::span<double> out) {
        for (double& x : out) x = 0;
        for_each_sample([&](stream& s, std::size_t i) {
            if (is_good(s, i)) std::atomic_ref(out[amplitude(s, i)]) += s.signal[i];
        });
    }

    int threads_;
    std::size_t samples_;
    std::int64_t step_length_, submap_pixels_;
    std::size_t baselines_;
    std::vector<std::int64_t> local_submap_;
    std::span<const double> covariance_;
    buffer<double> map_;
    buffer<std::uint8_t> shared_flags_;
    std::vector<stream> streams_;
};

template <stokes S>
class madam {
    static constexpr std::size_t nnz = components<S>;

public:
    madam(const survey& all, std::span<const double> covariance, int threads)
        : threads_(static_cast<std::size_t>(threads)), length_(all.baseline_length),
          spare_(static_cast<std::int32_t>(all.pixels)), detectors_(all.detectors),
          covariance_(covariance), map_((all.pixels + 1) * nnz), good_(all.amplitudes()),
          sums_(threads_ * all.amplitudes()), baselines_(all.baselines()) {
        for (detector& d : detectors_) {
            auto& pixels = pixels_.emplace_back(d.pixels.size());
            for (std::size_t i = 0; i < pixels.size(); ++i) {
                const auto p = static_cast<std::size_t>(d.pixels[i]);
                const bool good = covariance[p * packed<S>] > 0;
                pixels[i] = good ? d.pixels[i] : spare_;
                if (good) good_[pixels_.size() * baselines_ - baselines_ + i / length_] += d.weight;
            }
            d.pixels = pixels.span();
        }
    }

    void apply(std::span<const double> a, std::span<double> out) {
        for (double& x : map_) x = 0;
        for_own_pixels([&](std::int32_t first, std::int32_t last, std::size_t) {
            for_each_baseline([&](const detector& d, std::size_t b, std::size_t begin, std::size_t end) {
                add(d, begin, end, d.weight * a[b], first, last);
            });
        });
        const auto pixels = static_cast<std::size_t>(spare_);
        for (std::size_t p = 0; p < pixels; ++p) {
            multiply<S>(&covariance_[p * packed<S>], &map_[p * nnz]);
        }
        for (std::size_t k = 0; k < nnz; ++k) map_[pixels * nnz + k] = 0;
        for (double& x : sums_) x = 0;
        for_own_pixels([&](std::int32_t first, std::int32_t last, std::size_t thread) {
            double* const sums = sums_.data() + thread * good_.size();
            for_each_baseline([&](const detector& d, std::size_t b, std::size_t begin, std::size_t end) {
                sums[b] = d.weight * gather(d, begin, end, first, last);
            });
        });
        for (std::size_t b = 0; b < out.size(); ++b) {
            double sum = 0;
            for (std::size_t t = 0; t < threads_; ++t) sum += sums_[t * good_.size() + b];
            out[b] = good_[b] * a[b] - sum;
        }
    }

private:
    // f(first, last, thread), pixels first .. last - 1 being the thread's; the spare one is the last thread's.
    template <class F>
    void for_own_pixels(F f) {
        const std::size_t places = map_.size() / nnz;
        destrier::parallel_for(threads_, static_cast<int>(threads_), [&](std::size_t t) {
            const destrier::range own = destrier::part(places, threads_, t);
            f(static_cast<std::int32_t>(own.begin), static_cast<std::int32_t>(own.end), t);
        });
    }
    template <class F>
    void for_each_baseline(F f) {
        std::size_t b = 0;
        for (const detector& d : detectors_) {
            for (std::size_t begin = 0; begin < d.pixels.size(); begin += length_, ++b) {
                f(d, b, begin, std::min(begin + length_, d.pixels.size()));
            }
        }
    }
    void add(const detector& d, std::size_t begin, std::size_t end, double value, std::int32_t first,
             std::int32_t last) {
        for (std::size_t i = begin; i < end; ++i) {
            const std::int32_t pixel = d.pixels[i];
            if (pixel < first || pixel >= last) continue;
            float w[nnz];
            weights_of<S>(d, i, w);
            double* const y = &map_[static_cast<std::size_t>(pixel) * nnz];
            for (std::size_t k = 0; k < nnz; ++k) y[k] += value * static_cast<double>(w[k]);
        }
    }
    double gather(const detector& d, std::size_t begin, std::size_t end, std::int32_t first,
                  std::int32_t last) const {
        double sum = 0;
        for (std::size_t i = begin; i < end; ++i) {
            const std::int32_t pixel = d.pixels[i];
            if (pixel < first || pixel >= last) continue;
            float w[nnz];
            weights_of<S>(d, i, w);
            const double* const m = &map_[static_cast<std::size_t>(pixel) * nnz];
            for (std::size_t k = 0; k < nnz; ++k) sum += m[k] * static_cast<double>(w[k]);
        }
        return sum;
    }

    std::size_t threads_, length_;
    std::int32_t spare_;
    std::vector<detector> detectors_;
    std::vector<buffer<std::int32_t>> pixels_;
    std::span<const double> covariance_;
    buffer<double> map_, good_, sums_;
    std::size_t baselines_;
};

} // namespace destripe_peers
