// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/template_problem.hpp: the normal equations of destriping with any families of templates.
//
//     (F' N^-1 Z F) a = F' N^-1 Z d,     F' N^-1 Z F = G - B' C B,
//
// with B = P' N^-1 F and G = F' N^-1 F, both sparse and set up once, and C = (P' N^-1 P)^-1. The iteration reads
// them and nothing else. Amplitudes are those of the first family, then those of the second, and so on.
//
//     const offsets slow(baselines);
//     const periodic_bins ground(azimuth, 72, 2 * std::numbers::pi);
//     const template_problem<stokes::iqu> p(pixels, chunks, chunk_of, {}, slow, ground);
//     const linear_system system{.size = p.size(), .apply = [&](auto a, auto out) { p.apply(a, out); }};
//     const auto a = solve(system, p.rhs()).x;
//     expand(ground, k, std::span(a).subspan(p.offset_of(1), ground.size()), 0, model);
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/pixel_matrices.hpp>
#include <destrier/destripe/problem_options.hpp>
#include <destrier/destripe/template_sums.hpp>
#include <destrier/destripe/templates.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// The normal equations of chunks of samples on pixels 0 .. pixels - 1, for templates of any families. Families
/// may be degenerate, among them or with the sky: the equations then have many solutions, all with the same
/// Z F a, and conjugate gradients find one.
///
/// A chunk's samples count as in problem; where it has no baselines, all that are on the map and not flagged. Those
/// without a template anywhere are samples of the sky alone.
///
/// Accuracy  of apply: symmetric to 1e-14 of the largest diagonal element
/// Threads   any number gives the same bits
/// Memory    an element of B, a template in a pixel, 56 bytes (intensity: 24); one of G, a pair of templates that meet
///           in a sample, 12 bytes on either side of the diagonal; while they are set up, up to 2.4 times as much;
///           4 doubles an amplitude and 8 a pixel. What takes most are templates that pass many pixels: n elements
///           of B, for n samples in as many pixels
template <stokes S, class A = default_arch>
class template_problem {
public:
    /// Asks for each chunk twice. Of the options, passes is of no concern.
    ///
    /// Throws  std::invalid_argument naming chunk, span, index and value, or family, term and sample where a family
    ///         hands out what is not its own or not finite; a mask of another size than pixels; 2^31 amplitudes or
    ///         pixels and more; what families throw
    template <template_family... Families>
        requires(sizeof...(Families) > 0)
    template_problem(std::size_t pixels, std::size_t chunks, const source& chunk_of,
                     const problem_options& options, const Families&... families)
        : threads_(thread_count(options.threads)), sum_(options.sum) {
        (add_family(families.size(), families.terms()), ...);
        set_up(pixels, chunks, chunk_of, options,
               [&](std::size_t k, range samples, std::span<std::int32_t> amplitude,
                   std::span<double> value) {
                   std::size_t slot = 0;
                   (fill_rows(families, slot, k, samples, amplitude, value), ...);
               });
    }

    /// Amplitudes of all families; where those of a family, counted from 0, begin.
    std::size_t size() const noexcept { return family_first_.back(); }
    std::size_t offset_of(std::size_t family) const { return family_first_.at(family); }
    std::size_t pixels() const noexcept { return matrices_.rcond.size(); }

    /// F' N^-1 Z d and the diagonal of F' N^-1 F, (size()): both are 0 for a template without a sample that counts.
    std::span<const double> rhs() const noexcept { return rhs_; }
    std::span<const double> diagonal() const noexcept { return diagonal_; }
    /// (pixels()) of the solve's pixel matrices.
    std::span<const double> rcond() const noexcept { return matrices_.rcond.span(); }

    /// Elements of B and of G, which say what memory and an iteration take.
    std::size_t map_elements() const noexcept { return by_pixel_.size(); }
    std::size_t normal_elements() const noexcept { return normal_.size(); }

    /// Elements of double that apply works in.
    std::size_t scratch_size() const noexcept { return pixels() * components<S>; }

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
        const std::span<double> m = scratch.first(scratch_size());
        by_pixel_.for_each_row(threads_, [&](std::size_t pixel) {
            const auto sums = by_pixel_.gather(pixel, a.data());
            std::copy(sums.begin(), sums.end(),
                      m.begin() + static_cast<std::ptrdiff_t>(pixel * sums.size()));
        });
        if (sum_) detail::reduce_in_pieces<A>(m, sum_);
        destripe::apply<S, A>(matrices_.covariance.span(), m, m, threads_);
        by_amplitude_.for_each_row(threads_, [&](std::size_t i) {
            out[i] = normal_.gather(i, a.data())[0] - by_amplitude_.project(i, m.data());
        });
    }

private:
    static void check_size(const char* name, std::size_t size, std::size_t expected) {
        detail::check_size_of("template_problem::apply", name, size, expected);
    }
    static void check(std::size_t pixels, const problem_options& options) {
        if (pixels > std::numeric_limits<std::int32_t>::max()) {
            detail::refuse_template("template_problem",
                                    std::to_string(pixels) + " pixels, expected less than 2^31");
        }
        detail::check_mask("template_problem", options, pixels);
    }
    void add_family(std::size_t amplitudes, std::size_t terms) {
        const std::size_t family = family_first_.size() - 1, begin = size();
        const std::size_t end = begin + detail::checked_amplitudes("template_problem", amplitudes, 1);
        family_first_.push_back(detail::checked_amplitudes("template_problem", end, 1));
        for (std::size_t term = 0; term < terms; ++term) slots_.push_back({family, term, begin, end});
    }
    // A family's rows into its slots of (slots, samples), terms in parallel.
    template <class Family>
    void fill_rows(const Family& family, std::size_t& slot, std::size_t k, range samples,
                   std::span<std::int32_t> amplitude, std::span<double> value) const {
        const std::size_t n = samples.end - samples.begin;
        parallel_for(family.terms(), threads_, [&](std::size_t term) {
            const std::size_t at = (slot + term) * n;
            family.row(k, term, samples, amplitude.subspan(at, n), value.subspan(at, n));
        });
        slot += family.terms();
    }

    void set_up(std::size_t pixels, std::size_t chunks, const source& chunk_of,
                const problem_options& options, const detail::template_rows& rows) {
        check(pixels, options);
        map_sums<S, A> sums(pixels, threads_, options.where);
        for (std::size_t k = 0; k < chunks; ++k) sums.add(k, chunk_of(k));
        sums.reduce(sum_);
        matrices_ = {sums, options, threads_};
        detail::template_sums<S, A> templates(slots_, threads_);
        add_chunks(sums, chunks, chunk_of, templates, rows);
        compress(templates, options.where);
    }
    // The second pass over the data: B, G, and F' N^-1 (d - P m), m the map without any template.
    void add_chunks(const map_sums<S, A>& sums, std::size_t chunks, const source& chunk_of,
                    detail::template_sums<S, A>& templates, const detail::template_rows& rows) {
        buffer<double> map(scratch_size());
        destripe::apply<S, A>(matrices_.covariance.span(), sums.signal(), map.span(), threads_);
        rhs_.assign(size(), 0);
        for (std::size_t k = 0; k < chunks; ++k) {
            const chunk c = chunk_of(k);
            detail::check_chunk<S>("template_problem", k, c);
            if (c.weight > 0) templates.add(k, c, {matrices_.covariance.span(), map.span()}, rows, rhs_);
        }
    }
    void compress(const detail::template_sums<S, A>& templates, memory where) {
        by_pixel_ = {pixels(), where, threads_, [&](auto&& f) {
                         templates.for_each_with_sky([&](std::int32_t amplitude, std::int32_t pixel,
                                                         const auto& v) { f(pixel, amplitude, v); });
                     }};
        by_amplitude_ = {size(), where, threads_, [&](auto&& f) { templates.for_each_with_sky(f); }};
        normal_ = {size(), where, threads_, [&](auto&& f) { templates.for_each_normal(f); }};
        diagonal_.resize(size());
        for (std::size_t i = 0; i < size(); ++i) diagonal_[i] = normal_.diagonal(i);
    }

    int threads_;
    reduction sum_;
    std::vector<std::size_t> family_first_ = {0};
    std::vector<detail::template_slot> slots_; // terms of all families
    detail::solve_matrices<S, A> matrices_;
    detail::compressed_rows<components<S>, A> by_pixel_, by_amplitude_; // B and B'
    detail::compressed_rows<1, A> normal_;                              // G
    std::vector<double> rhs_, diagonal_;
};

} // namespace destrier::destripe
