// SPDX-License-Identifier: BSD-3-Clause
//
// destripe.hpp: maps of the sky from time-ordered data with slow noise.
//
// The data are d = P m + F a + n: a sky map m, seen by pointing P, offsets a that are constant over short baselines
// (F), in place of the slow noise, and white noise n with covariance N. Destriping finds
//
//     (F' N^-1 Z F + C_a^-1) a = F' N^-1 Z d,   Z = I - P C P' N^-1,   C = (P' N^-1 P)^-1,
//     m = C P' N^-1 (d - F a),
//
// where C_a is what is known of the offsets beforehand, if anything (Keihanen et al., A&A 428, 287 (2004);
// Kurki-Suonio et al., A&A 506, 1511 (2009)).
//
//     using destripe::stokes;
//     destripe::source chunk_of = [&](std::size_t k) -> destripe::chunk { ... };     // a detector's samples
//     destripe::problem<double, stokes::iqu> problem(pixels, chunks, chunk_of, {});  // set up once
//     auto result = destripe::solve(destripe::normal_equations(problem), problem.rhs());
//     destripe::map_sums<stokes::iqu> sums(pixels);
//     for (each chunk) sums.add(k, chunk_of(k), model);                              // model: expand_offsets
//     auto maps = destripe::make_maps(sums, 1e-6);
//
// Samples and baselines may have any lengths, flags and gaps; maps may be finer than the solve's, of fewer
// detectors or of half the time, from the same offsets. Nothing here knows of files or processes: a solve that
// spans several is given a sum over them (reduction), and each brings its own chunks, or none.
//
//   destripe/chunk.hpp            what goes in: a detector's samples, flags, weight and baselines
//   destripe/pointing.hpp         from quaternions to HEALPix pixels and polarisation weights
//   destripe/pixel_set.hpp        those pixels that were hit, numbered without gaps
//   destripe/map_sums.hpp         hits, pixel matrices' sums and noise-weighted maps; maps from them
//   destripe/pixel_matrices.hpp   inverses and reciprocal condition numbers
//   destripe/problem_options.hpp, problem.hpp     the normal equations of offsets
//   destripe/entries.hpp, sweeps.hpp   what they consist of, and the loops over it
//   destripe/noise.hpp, prior.hpp, banded.hpp   noise spectra, C_a^-1, and its preconditioner
//   destripe/templates.hpp, template_problem.hpp   other templates: polynomials, periodic signals, one's own
//   destripe/solver.hpp           conjugate gradients
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include <destrier/destripe/banded.hpp>
#include <destrier/destripe/chunk.hpp>
#include <destrier/destripe/map_sums.hpp>
#include <destrier/destripe/noise.hpp>
#include <destrier/destripe/pixel_matrices.hpp>
#include <destrier/destripe/pixel_set.hpp>
#include <destrier/destripe/pointing.hpp>
#include <destrier/destripe/prior.hpp>
#include <destrier/destripe/problem.hpp>
#include <destrier/destripe/solver.hpp>
#include <destrier/destripe/template_problem.hpp>
#include <destrier/destripe/templates.hpp>

namespace destrier::destripe {

/// model += F a of one chunk: each baseline's offset, in its samples.
///
/// Shapes  offsets: one a baseline; model: one a sample
/// Throws  std::invalid_argument on other numbers of offsets, and baselines that end behind the model
template <class A = default_arch>
void expand_offsets(std::span<const baseline> baselines, std::span<const double> offsets,
                    std::span<double> model) {
    if (offsets.size() != baselines.size()) {
        throw std::invalid_argument("destripe::expand_offsets: offsets has " +
                                    std::to_string(offsets.size()) + " elements, baselines has " +
                                    std::to_string(baselines.size()));
    }
    for (std::size_t b = 0; b < baselines.size(); ++b) {
        const baseline& at = baselines[b];
        if (at.length > model.size() || at.begin > model.size() - at.length) {
            throw std::invalid_argument("destripe::expand_offsets: baseline " + std::to_string(b) +
                                        " ends at " + std::to_string(at.begin + at.length) +
                                        ", model has " + std::to_string(model.size()) + " elements");
        }
        for (double& m : model.subspan(at.begin, at.length)) m += offsets[b];
    }
}

/// What solve() is given for a problem (or template_problem) without a prior: its equations, and their diagonal as
/// the preconditioner. The problem must outlive it.
template <class A = default_arch, class Problem>
linear_system normal_equations(const Problem& problem, const reduction& sum = {}) {
    auto scratch = std::make_shared<buffer<double>>(problem.scratch_size());
    return {
        .size = problem.size(),
        .apply = [&problem, scratch](std::span<const double> in,
                                     std::span<double> out) { problem.apply(in, out, scratch->span()); },
        .precondition =
            [&problem](std::span<const double> in, std::span<double> out) {
                for (std::size_t b = 0; b < in.size(); ++b) {
                    const double d = problem.diagonal()[b];
                    out[b] = d > 0 ? in[b] / d : 0;
                }
            },
        .sum = sum};
}

/// The same with the prior of the offsets, and the preconditioner made for both. All three must outlive it.
template <class A = default_arch, class Problem>
linear_system normal_equations(const Problem& problem, const offset_prior<A>& prior,
                               const banded_preconditioner<A>& band, const reduction& sum = {}) {
    linear_system equations = normal_equations<A>(problem, sum);
    auto scratch = std::make_shared<buffer<double>>(std::max(prior.scratch_size(), band.scratch_size()));
    equations.apply = [apply = equations.apply, &prior, scratch](std::span<const double> in,
                                                                 std::span<double> out) {
        apply(in, out);
        prior.add(in, out, scratch->span());
    };
    equations.precondition = [&band, scratch](std::span<const double> in, std::span<double> out) {
        band.apply(in, out, scratch->span());
    };
    return equations;
}

} // namespace destrier::destripe
