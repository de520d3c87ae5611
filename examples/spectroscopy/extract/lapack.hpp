// SPDX-License-Identifier: BSD-3-Clause
//
// lapack.hpp: the LAPACK and BLAS routines in use, by their Fortran names (strings are followed, behind all other
// arguments, by their lengths).
#pragma once

#include <cstddef>

extern "C" {
void dpbtrf_(const char* uplo, const int* n, const int* kd, double* ab, const int* ldab, int* info,
             std::size_t);
void dpbtrs_(const char* uplo, const int* n, const int* kd, const int* nrhs, const double* ab,
             const int* ldab, double* b, const int* ldb, int* info, std::size_t);
void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t);
void dpotri_(const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t);
void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda, double* w,
             double* work, const int* lwork, int* iwork, const int* liwork, int* info, std::size_t,
             std::size_t);
void dsyrk_(const char* uplo, const char* trans, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* beta, double* c, const int* ldc, std::size_t,
            std::size_t);
void dgemv_(const char* trans, const int* m, const int* n, const double* alpha, const double* a,
            const int* lda, const double* x, const int* incx, const double* beta, double* y,
            const int* incy, std::size_t);

// OpenBLAS's own; other libraries do not have it.
void openblas_set_num_threads(int) __attribute__((weak));
}

namespace spectra {

/// Keeps BLAS to the thread that calls it: threads share patches, not matrices.
inline void use_one_blas_thread() {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

} // namespace spectra
