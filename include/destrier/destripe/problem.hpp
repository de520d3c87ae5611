// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/problem.hpp: the normal equations of destriping with offsets, set up once, applied in each iteration.
//
//     (F' N^-1 Z F) a = F' N^-1 Z d,     F' N^-1 Z F = D - B' C B,
//
// with one offset a for each baseline (F), white noise (N, a weight for each chunk), B = P' N^-1 F,
// C = (P' N^-1 P)^-1, and D = F' N^-1 F, which is diagonal. The iteration reads D, C and B (entries.hpp), and neither
// the signal nor flags.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/entries.hpp>
#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/problem_bytes.hpp>
#include <destrier/destripe/problem_options.hpp>
#include <destrier/destripe/sweeps.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// The normal equations of chunks of samples on pixels 0 .. pixels - 1. T is the type of the map within the
/// iteration: double, or float, which halves what is gathered, and whose solutions stall near |r| = 1e-7 |b|.
///
/// Accuracy  of apply: symmetric to 1e-14 of the largest diagonal element, and offsets that are the same in a whole
///           connected piece of the sky give 0 to 1e-13 of it (double)
/// Threads   any number gives the same bits
/// Memory    in bytes, at most (for qu, for intensity):
///             a sample      24 (24, 8), half of it with passes::one, less by the number of samples that a
///                           baseline has in a pixel; 40 (40, 16) in all while it is set up
///             a pixel       64 (40, 24), 200 (136, 64) in all while it is set up
///             a baseline    32, 104 in all while it is set up
///           bytes_of_problem tells it before, bytes() then; apply works in scratch_size() doubles
template <std::floating_point T, stokes S, class A = default_arch>
class problem {
public:
    /// Asks for each chunk twice.
    ///
    /// Throws  std::invalid_argument naming chunk, span, index and value; passes::one over several processes; a
    ///         mask of another size than pixels; 2^28 pixels or baselines and more
    problem(std::size_t pixels, std::size_t chunks, const source& chunk_of,
            const problem_options& options)
        : threads_(thread_count(options.threads)), passes_(options.passes), sum_(options.sum) {
        check(pixels, options);
        map_sums<S, A> sums(pixels, threads_, options.where);
        for (std::size_t k = 0; k < chunks; ++k) {
            const chunk c = chunk_of(k);
            if (!c.baselines.empty()) sums.add(k, c);
        }
        sums.reduce(sum_);
        matrices_ = {sums, options, threads_};
        add_baselines(chunks, chunk_of, options);
        set_rhs(sums, options);
    }

    /// Baselines of all chunks, and those of one chunk.
    std::size_t size() const noexcept { return diagonal_.size(); }
    range amplitudes(std::size_t chunk) const noexcept {
        return {chunk_first_[chunk], chunk_first_[chunk + 1]};
    }
    std::size_t pixels() const noexcept { return matrices_.rcond.size(); }

    /// F' N^-1 Z d and F' N^-1 F, (size()): both are 0 for a baseline without a sample that counts.
    std::span<const double> rhs() const noexcept { return rhs_.span(); }
    std::span<const double> diagonal() const noexcept { return diagonal_.span(); }
    /// (pixels()) of the solve's pixel matrices.
    std::span<const double> rcond() const noexcept { return matrices_.rcond.span(); }

    /// Samples in the solve, of this process; what an iteration reads and writes for them.
    std::size_t samples() const noexcept { return samples_; }
    std::size_t entries() const noexcept { return by_pixel_.size(); }
    /// What it keeps.
    std::size_t bytes() const noexcept {
        const std::size_t doubles = matrices_.covariance.size() + matrices_.rcond.size() +
                                    weight_.size() + diagonal_.size() + rhs_.size();
        return doubles * sizeof(double) + by_pixel_.bytes() + by_baseline_.bytes() +
               chunk_first_.capacity() * sizeof(std::size_t);
    }
    std::size_t entry_bytes() const noexcept {
        return (by_pixel_.size() + by_baseline_.size()) * sizeof(detail::entry<S>);
    }

    /// Elements of double that apply works in.
    std::size_t scratch_size() const noexcept {
        const std::size_t map =
            (pixels() * detail::map_stride<S> * sizeof(T) + sizeof(double) - 1) / sizeof(double);
        const std::size_t sums = sum_ ? pixels() * components<S> : 0;
        return size() + (passes_ == passes::one ? one_pass_parts * size() : map + sums);
    }

    /// out = (F' N^-1 Z F) a.
    ///
    /// Shapes    a and out (size())
    /// Aliasing  none
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size()
    /// Throws    std::invalid_argument on wrong sizes; out untouched
    void apply(std::span<const double> a, std::span<double> out, std::span<double> scratch = {}) const {
        check_size("a", a.size(), size());
        check_size("out", out.size(), size());
        buffer<double> own;
        if (scratch.empty()) scratch = (own = buffer<double>(scratch_size())).span();
        if (scratch.size() < scratch_size()) check_size("scratch", scratch.size(), scratch_size());
        double* const p = scratch.data();
        parallel_for(size(), threads_, [&](std::size_t b) { p[b] = weight_[b] * a[b]; });
        if (passes_ == passes::one) return apply_at_once(p, a, out);
        T* const m = reinterpret_cast<T*>(p + size() + (sum_ ? pixels() * components<S> : 0));
        bin(p, p + size(), m);
        project(m, [&](std::size_t b, double g)
                       DESTRIER_UNROLLED { out[b] = diagonal_[b] * a[b] - weight_[b] * g; });
    }

private:
    static void check_size(const char* name, std::size_t size, std::size_t expected) {
        detail::check_size_of("problem::apply", name, size, expected);
    }
    static void check(std::size_t pixels, const problem_options& options) {
        const std::string call = "destripe::problem: ";
        if (pixels >= detail::most_places) {
            throw std::invalid_argument(call + std::to_string(pixels) +
                                        " pixels, expected less than 2^28");
        }
        detail::check_mask("problem", options, pixels);
        if (!(options.rcond >= 0 && options.rcond <= 1)) {
            throw std::invalid_argument(call + "rcond is " + std::to_string(options.rcond) +
                                        ", expected 0 to 1");
        }
        if (options.passes == destripe::passes::one && options.sum) {
            throw std::invalid_argument(call +
                                        "passes::one is for one process, with sum expected passes::two");
        }
    }

    bool counts(std::int32_t pixel) const noexcept {
        return pixel >= 0 && matrices_.covariance[static_cast<std::size_t>(pixel) * packed<S>] > 0;
    }

    void add_baselines(std::size_t chunks, const source& chunk_of, const problem_options& options) {
        std::vector<std::vector<detail::entry<S>>> parts;
        std::vector<std::size_t> counts;
        std::vector<double> weights, good, signal;
        chunk_first_.push_back(0);
        for (std::size_t k = 0; k < chunks; ++k) {
            const chunk c = chunk_of(k);
            const std::size_t first = counts.size(), all = first + c.baselines.size();
            if (all >= detail::most_places)
                detail::refuse("problem", k, "the 2^28th baseline, expected less");
            counts.resize(all);
            good.resize(all);
            signal.resize(all);
            weights.resize(all, c.weight);
            const auto workers = static_cast<std::size_t>(threads_);
            parts.resize(parts.size() + workers);
            parallel_ranges(c.baselines.size(), threads_,
                            [&](std::size_t begin, std::size_t end, std::size_t worker) {
                                auto& entries = parts[parts.size() - workers + worker];
                                detail::baseline_entries<S, A> gathered;
                                for (std::size_t b = begin; b < end; ++b) {
                                    const std::size_t before = entries.size();
                                    add_baseline(c, c.baselines[b], gathered, good[first + b],
                                                 signal[first + b]);
                                    gathered.append_to(entries);
                                    counts[first + b] = entries.size() - before;
                                }
                            });
            chunk_first_.push_back(all);
        }
        by_baseline_ = detail::joined<S, A>(parts, counts, options.where, threads_);
        by_pixel_ = detail::by_pixel<S, A>(by_baseline_, pixels(), options.where, threads_);
        set_vectors(weights, good, signal, options.where);
    }
    // The samples of one baseline that count: gathered, their number and the sum of their signal.
    void add_baseline(const chunk& c, const baseline& b, detail::baseline_entries<S, A>& gathered,
                      double& good, double& signal) const {
        gathered.clear();
        if (c.weight == 0) return;
        for (std::size_t i = b.begin; i < b.begin + b.length; ++i) {
            if ((!c.flags.empty() && c.flags[i] != 0) || !counts(c.pixels[i])) continue;
            gathered.add(c.pixels[i], c, i);
            good += 1;
            signal += c.signal[i];
        }
    }
    void set_vectors(const std::vector<double>& weights, const std::vector<double>& good,
                     const std::vector<double>& signal, memory where) {
        const std::size_t n = weights.size();
        weight_ = buffer<double>(n, where, threads_);
        diagonal_ = buffer<double>(n, where, threads_);
        rhs_ = buffer<double>(n, where, threads_);
        for (std::size_t b = 0; b < n; ++b) {
            weight_[b] = weights[b];
            diagonal_[b] = weights[b] * good[b];
            rhs_[b] = weights[b] * signal[b];
            samples_ += static_cast<std::size_t>(good[b]);
        }
    }
    // F' N^-1 d - B' C P' N^-1 d. From here on C is in the units of entries, and only what apply needs is kept.
    void set_rhs(const map_sums<S, A>& sums, const problem_options& options) {
        buffer<double> signal(sums.signal().size(), options.where, threads_);
        for (std::size_t p = 0; p < pixels(); ++p) {
            for (std::size_t i = 0, k = 0; i < components<S>; ++i) {
                signal[p * components<S> + i] = sums.signal()[p * components<S> + i] / unit(i);
                for (std::size_t j = i; j < components<S>; ++j, ++k)
                    matrices_.covariance[p * packed<S> + k] *= unit(i) * unit(j);
            }
        }
        buffer<double> m(pixels() * detail::map_stride<S>, options.where, threads_);
        detail::solve_sweep<S, A>(0, pixels(), matrices_.covariance.data(), signal.data(), m.data());
        project(m.data(), [&](std::size_t b, double g) { rhs_[b] -= weight_[b] * g; });
        if (passes_ == destripe::passes::one) by_baseline_ = {};
    }
    // What entries count a component's weights in.
    static constexpr double unit(std::size_t component) noexcept {
        return S == stokes::i || (S == stokes::iqu && component == 0) ? 1 : weight_unit;
    }

    // m = C B p, added up over processes on the way.
    void bin(const double* p, double* y, T* m) const {
        detail::for_each_share(by_pixel_, threads_, [&](std::size_t begin, std::size_t end) {
            if (sum_) return detail::bin_sweep<S, A>(by_pixel_, begin, end, p, y);
            detail::bin_and_solve_sweep<S, A>(by_pixel_, begin, end, p, matrices_.covariance.data(), m);
        });
        if (!sum_) return;
        detail::reduce_in_pieces<A>({y, pixels() * components<S>}, sum_);
        parallel_ranges(pixels(), threads_, [&](std::size_t begin, std::size_t end, std::size_t) {
            detail::solve_sweep<S, A>(begin, end, matrices_.covariance.data(), y, m);
        });
    }
    template <class M, class F>
    void project(const M* m, F&& f) const {
        detail::for_each_share(by_baseline_, threads_, [&](std::size_t begin, std::size_t end) {
            detail::project_sweep<S, A>(by_baseline_, begin, end, m, f);
        });
    }
    void apply_at_once(double* p, std::span<const double> a, std::span<double> out) const {
        double* const g = p + size();
        parallel_for(one_pass_parts, threads_, [&](std::size_t k) {
            double* const mine = g + k * size();
            std::fill_n(mine, size(), 0.0);
            const std::size_t begin = detail::cut(by_pixel_, one_pass_parts, k);
            const std::size_t end = detail::cut(by_pixel_, one_pass_parts, k + 1);
            detail::both_sweep<S, A, T>(by_pixel_, begin, end, p, matrices_.covariance.data(), mine);
        });
        parallel_for(size(), threads_, [&](std::size_t b) {
            double sum = 0;
            for (std::size_t k = 0; k < one_pass_parts; ++k) sum += g[k * size() + b];
            out[b] = diagonal_[b] * a[b] - weight_[b] * sum;
        });
    }

    int threads_;
    destripe::passes passes_;
    reduction sum_;
    std::size_t samples_ = 0;
    std::vector<std::size_t> chunk_first_;
    detail::entry_table<S> by_baseline_, by_pixel_;
    detail::solve_matrices<S, A> matrices_; // C in the units of entries, once set up
    buffer<double> weight_, diagonal_, rhs_;
};

} // namespace destrier::destripe
