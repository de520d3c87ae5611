// SPDX-License-Identifier: BSD-3-Clause
//
// solve.hpp: from the normal equations of a patch to its spectra.
//
// With C the inverse of A^T W A, f = C A^T W p are the fluxes of least squares. Their errors are correlated and large,
// as f is the image deconvolved. For the block C_f of one fibre, Q = C_f^(-1/2), the rows of R = Q / s sum to 1 if s
// are the sums of Q's rows; R f has independent errors of inverse variance s^2, and R is its resolution.
#pragma once

#include <cstddef>
#include <vector>

#include <destrier/memory.hpp>

#include "extract/normal_equations.hpp"
#include "extract/stages.hpp"

namespace spectra {

/// How the normal equations are solved. Both give the same spectra.
enum class algorithm {
    banded, ///< Cholesky factor of the banded matrix; blocks of C only of the fibres that are kept
    eigh    ///< eigenvectors of the whole dense matrix, as gpu_specter
};

struct patch_solution {
    std::vector<double> deconvolved; // f, of all unknowns
    // Of the fibres that are kept, at all wavelengths of the patch:
    std::vector<double> flux, ivar; // (kept fibres, waves)
    std::vector<double> resolution; // (kept fibres, waves, waves), symmetric rows over their sums
    bool clipped = false;           // the matrix was not positive definite, and was made so
};

/// Solves patches; keeps its work space from patch to patch.
class solver {
public:
    /// `equations` are regularised; a banded solution overwrites their band.
    void solve(const patch& at, normal_equations& equations, algorithm how, patch_solution& out,
               stage_clock& clock);

private:
    bool solve_banded(const patch& at, normal_equations& equations, patch_solution& out,
                      stage_clock& clock);
    void solve_dense(const patch& at, const normal_equations& equations, patch_solution& out,
                     stage_clock& clock);
    void invert_columns(const normal_equations& factor, std::size_t fiber, std::size_t fibers,
                        std::size_t waves);
    void multiply_columns(std::size_t unknowns, std::size_t fiber, std::size_t fibers,
                          std::size_t waves);
    bool eigenvectors(double* a, std::size_t n, double least);
    void decorrelate(std::size_t waves, double power);
    void resolve(const patch& at, std::size_t kept, patch_solution& out) const;

    std::size_t pitch_ = 0;                     // of columns_
    destrier::buffer<double> columns_;          // (unknowns, pitch): columns of the factor's inverse
    std::vector<double> block_, scaled_, root_; // (waves, waves)
    std::vector<double> dense_, eigenvalues_, work_;
    std::vector<int> int_work_;
};

} // namespace spectra
