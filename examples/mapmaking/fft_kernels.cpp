// SPDX-License-Identifier: BSD-3-Clause
#include "fft_kernels.hpp"

DESTRIER_COMPILE_FFT_KERNELS(double)
