// SPDX-License-Identifier: BSD-3-Clause
#include "extract/solve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <destrier/simd.hpp>

#include "extract/lapack.hpp"

namespace spectra {
namespace {

using V = destrier::batch<double>;
constexpr std::size_t lanes = destrier::width<double>;

// Columns of the factor's inverse that are worked on together, in registers: with two rows of them, AVX2's 16 registers
// and the 32 of AVX-512 suffice.
constexpr std::size_t column_registers = 5;
constexpr std::size_t column_group = column_registers * lanes;
// Register tile of multiply_columns: rows, and registers of columns.
constexpr std::size_t tile_rows = 4, tile_registers = 2, tile_columns = tile_registers * lanes;

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Eigenvalues below this part of the largest are rounding errors.
constexpr double rounding = std::numeric_limits<double>::epsilon();

int to_int(std::size_t n) { return static_cast<int>(n); }

} // namespace

void solver::solve(const patch& at, normal_equations& equations, algorithm how, patch_solution& out,
                   stage_clock& clock) {
    out.clipped = false;
    out.deconvolved = equations.weighted_light;
    out.flux.assign(at.kept_fibers * at.waves, 0.0);
    out.ivar.assign(at.kept_fibers * at.waves, 0.0);
    out.resolution.assign(at.kept_fibers * at.waves * at.waves, 0.0);
    if (how == algorithm::banded) {
        const std::vector<double> band = equations.band;
        if (solve_banded(at, equations, out, clock)) return;
        equations.band = band;
    }
    solve_dense(at, equations, out, clock);
}

// False if the matrix is not positive definite.
bool solver::solve_banded(const patch& at, normal_equations& equations, patch_solution& out,
                          stage_clock& clock) {
    const int n = to_int(equations.unknowns), half = to_int(equations.half_bandwidth), rows = half + 1,
              one = 1;
    const int waves = to_int(at.waves);
    int info = 0;
    dpbtrf_("U", &n, &half, equations.band.data(), &rows, &info, 1);
    if (info != 0) return false;
    dpbtrs_("U", &n, &half, &one, equations.band.data(), &rows, out.deconvolved.data(), &n, &info, 1);
    clock.ends(stage::factorise);
    for (std::size_t kept = 0; kept < at.kept_fibers; ++kept) {
        invert_columns(equations, at.kept_fiber + kept, at.fibers, at.waves);
        multiply_columns(equations.unknowns, at.kept_fiber + kept, at.fibers, at.waves);
        // The root of the inverse of C_f, not the inverse of its root: C is large where little is known, and its
        // eigenvectors would be found to within rounding of that.
        dpotrf_("L", &waves, block_.data(), &waves, &info, 1);
        if (info != 0) return false;
        dpotri_("L", &waves, block_.data(), &waves, &info, 1);
        clock.ends(stage::inverse);
        eigenvectors(block_.data(), at.waves, rounding);
        decorrelate(at.waves, 0.5);
        resolve(at, kept, out);
        clock.ends(stage::square_root);
    }
    return true;
}

// columns_ = L^-1 E, with E the unit vectors of one fibre's unknowns: lanes are columns. A column is zero above its
// unit; groups of columns start there.
void solver::invert_columns(const normal_equations& factor, std::size_t fiber, std::size_t fibers,
                            std::size_t waves) {
    const std::size_t n = factor.unknowns, half = factor.half_bandwidth;
    pitch_ = round_up(waves, column_registers * std::max(lanes, tile_rows));
    if (columns_.size() != n * pitch_) columns_ = destrier::buffer<double>(n * pitch_);
    for (std::size_t group = 0; group < pitch_; group += column_group) {
        double* const columns = columns_.data() + group;
        const std::size_t start = group * fibers + fiber;
        // The right-hand side; its zeros start where tiles of columns do that reach into this group.
        for (std::size_t i = (group - std::min(group, tile_columns)) * fibers; i < n; ++i) {
            std::fill_n(columns + i * pitch_, column_group, 0.0);
        }
        for (std::size_t c = group; c < std::min(group + column_group, waves); ++c) {
            columns_[(c * fibers + fiber) * pitch_ + c] = 1;
        }
        for (std::size_t i = start; i < n; i += 2) {
            const bool pair = i + 1 < n;
            const double* row0 = factor.row(i) + half - i; // row0[k] is L(i, k)
            const double* row1 = pair ? factor.row(i + 1) + half - (i + 1) : row0;
            V sum0[column_registers], sum1[column_registers];
            destrier::unroll<column_registers>([&](auto r) DESTRIER_UNROLLED {
                sum0[r] = V::load_aligned(columns + i * pitch_ + r * lanes);
                sum1[r] = V::load_aligned(columns + (pair ? i + 1 : i) * pitch_ + r * lanes);
            });
            std::size_t k = std::max(start, i - std::min(i, half));
            if (k + half == i && k < i) { // out of row 1's band
                destrier::unroll<column_registers>([&](auto r) DESTRIER_UNROLLED {
                    sum0[r] = destrier::fnmadd(
                        V(row0[k]), V::load_aligned(columns + k * pitch_ + r * lanes), sum0[r]);
                });
                ++k;
            }
            for (; k < i; ++k) {
                const V l0(row0[k]), l1(row1[k]);
                destrier::unroll<column_registers>([&](auto r) DESTRIER_UNROLLED {
                    const V x = V::load_aligned(columns + k * pitch_ + r * lanes);
                    sum0[r] = destrier::fnmadd(l0, x, sum0[r]);
                    sum1[r] = destrier::fnmadd(l1, x, sum1[r]);
                });
            }
            const V inverse0(1 / row0[i]);
            destrier::unroll<column_registers>([&](auto r) DESTRIER_UNROLLED {
                sum0[r] *= inverse0;
                sum0[r].store_aligned(columns + i * pitch_ + r * lanes);
            });
            if (!pair) continue;
            const V below(half > 0 ? row1[i] : 0), inverse1(1 / row1[i + 1]);
            destrier::unroll<column_registers>([&](auto r) DESTRIER_UNROLLED {
                sum1[r] = destrier::fnmadd(below, sum0[r], sum1[r]) * inverse1;
                sum1[r].store_aligned(columns + (i + 1) * pitch_ + r * lanes);
            });
        }
    }
}

// block_ = columns_^T columns_, its lower triangle to LAPACK: C of one fibre.
void solver::multiply_columns(std::size_t unknowns, std::size_t fiber, std::size_t fibers,
                              std::size_t waves) {
    block_.resize(waves * waves);
    for (std::size_t c0 = 0; c0 < waves; c0 += tile_rows) {
        for (std::size_t d0 = c0 / tile_columns * tile_columns; d0 < waves; d0 += tile_columns) {
            V sum[tile_rows * tile_registers];
            destrier::unroll<tile_rows * tile_registers>([&](auto i)
                                                             DESTRIER_UNROLLED { sum[i] = V(0.0); });
            for (std::size_t i = std::max(c0, d0) * fibers + fiber; i < unknowns; ++i) {
                const double* row = columns_.data() + i * pitch_;
                V right[tile_registers];
                destrier::unroll<tile_registers>(
                    [&](auto r) DESTRIER_UNROLLED { right[r] = V::load_aligned(row + d0 + r * lanes); });
                destrier::unroll<tile_rows>([&](auto c) DESTRIER_UNROLLED {
                    const V left(row[c0 + c]);
                    destrier::unroll<tile_registers>([&](auto r) DESTRIER_UNROLLED {
                        sum[c * tile_registers + r] =
                            destrier::fmadd(left, right[r], sum[c * tile_registers + r]);
                    });
                });
            }
            destrier::unroll<tile_rows>([&](auto c) DESTRIER_UNROLLED {
                alignas(64) double tile[tile_columns];
                destrier::unroll<tile_registers>([&](auto r) DESTRIER_UNROLLED {
                    sum[c * tile_registers + r].store_aligned(tile + r * lanes);
                });
                if (c0 + c < waves) {
                    std::copy_n(tile, std::min(tile_columns, waves - d0),
                                &block_[(c0 + c) * waves + d0]);
                }
            });
        }
    }
}

// The whole inverse from eigenvectors: C = V u^-1 V^T.
void solver::solve_dense(const patch& at, const normal_equations& equations, patch_solution& out,
                         stage_clock& clock) {
    constexpr double least = 1e-14; // of the largest eigenvalue, below which others are raised to it
    const std::size_t n = equations.unknowns, half = equations.half_bandwidth, waves = at.waves;
    dense_.assign(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i - std::min(i, half); j <= i; ++j)
            dense_[j * n + i] = equations.row(i)[half + j - i];
    }
    out.clipped = eigenvectors(dense_.data(), n, least);
    for (std::size_t k = 0; k < n; ++k) {
        const double scale = 1 / std::sqrt(eigenvalues_[k]);
        for (std::size_t i = 0; i < n; ++i) dense_[k * n + i] *= scale;
    }
    const int size = to_int(n), one = 1, block_size = to_int(waves);
    const double unity = 1, zero = 0;
    std::vector<double> projected(n);
    dgemv_("T", &size, &size, &unity, dense_.data(), &size, equations.weighted_light.data(), &one, &zero,
           projected.data(), &one, 1);
    dgemv_("N", &size, &size, &unity, dense_.data(), &size, projected.data(), &one, &zero,
           out.deconvolved.data(), &one, 1);
    clock.ends(stage::factorise);

    std::vector<double> rows(waves * n);
    block_.resize(waves * waves);
    for (std::size_t kept = 0; kept < at.kept_fibers; ++kept) {
        for (std::size_t k = 0; k < n; ++k) {
            for (std::size_t wave = 0; wave < waves; ++wave) {
                rows[k * waves + wave] = dense_[k * n + at.unknown(at.kept_fiber + kept, wave)];
            }
        }
        dsyrk_("L", "N", &block_size, &size, &unity, rows.data(), &block_size, &zero, block_.data(),
               &block_size, 1, 1);
        clock.ends(stage::inverse);
        eigenvectors(block_.data(), waves, rounding);
        decorrelate(waves, -0.5);
        resolve(at, kept, out);
        clock.ends(stage::square_root);
    }
}

// Eigenvectors replace the symmetric a, of which the lower triangle counts; eigenvalues go to eigenvalues_, those below
// `least` times the largest are raised to it. Whether any was.
bool solver::eigenvectors(double* a, std::size_t n, double least) {
    const int size = to_int(n);
    eigenvalues_.resize(n);
    int info = 0, query = -1, int_size = 0;
    double size_of_work = 0;
    dsyevd_("V", "L", &size, a, &size, eigenvalues_.data(), &size_of_work, &query, &int_size, &query,
            &info, 1, 1);
    int work_size = static_cast<int>(size_of_work);
    work_.resize(std::max(work_.size(), static_cast<std::size_t>(work_size)));
    int_work_.resize(std::max(int_work_.size(), static_cast<std::size_t>(int_size)));
    dsyevd_("V", "L", &size, a, &size, eigenvalues_.data(), work_.data(), &work_size, int_work_.data(),
            &int_size, &info, 1, 1);
    if (info != 0) {
        throw std::runtime_error("extract: LAPACK's dsyevd found no eigenvectors of a matrix of " +
                                 std::to_string(n) + " rows (info " + std::to_string(info) + ")");
    }
    const double floor = least * eigenvalues_.back();
    const bool raised = eigenvalues_.front() < floor;
    for (double& u : eigenvalues_) u = std::max(u, floor);
    return raised;
}

// root_ = V u^power V^T, of the eigenvectors in block_.
void solver::decorrelate(std::size_t waves, double power) {
    scaled_.resize(waves * waves);
    root_.resize(waves * waves);
    for (std::size_t k = 0; k < waves; ++k) {
        const double scale = std::pow(eigenvalues_[k], power / 2);
        for (std::size_t i = 0; i < waves; ++i) scaled_[k * waves + i] = block_[k * waves + i] * scale;
    }
    const int n = to_int(waves);
    const double unity = 1, zero = 0;
    dsyrk_("L", "N", &n, &n, &unity, scaled_.data(), &n, &zero, root_.data(), &n, 1, 1);
    for (std::size_t j = 0; j < waves; ++j) {
        for (std::size_t i = j + 1; i < waves; ++i) root_[i * waves + j] = root_[j * waves + i];
    }
}

// The resolution from the root, and what it makes of the deconvolved flux.
void solver::resolve(const patch& at, std::size_t kept, patch_solution& out) const {
    const std::size_t waves = at.waves;
    for (std::size_t i = 0; i < waves; ++i) {
        const double* root = &root_[i * waves];
        double sum = 0, flux = 0;
        for (std::size_t j = 0; j < waves; ++j) {
            sum += root[j];
            flux += root[j] * out.deconvolved[at.unknown(at.kept_fiber + kept, j)];
        }
        double* row = &out.resolution[(kept * waves + i) * waves];
        for (std::size_t j = 0; j < waves; ++j) row[j] = root[j] / sum;
        out.flux[kept * waves + i] = flux / sum;
        out.ivar[kept * waves + i] = sum * sum;
    }
}

} // namespace spectra
