// SPDX-License-Identifier: BSD-3-Clause
#include "fft_kernels.hpp"

DESTRIER_TEST_FFT_KERNELS(, float)
DESTRIER_TEST_FFT_KERNELS(, double)
