// SPDX-License-Identifier: BSD-3-Clause
//
// For the dozen files that plan transforms: their passes are compiled in fft_kernels.cpp.
#pragma once

#include <destrier/fft/kernels.hpp>

DESTRIER_DECLARE_FFT_KERNELS(float)
DESTRIER_DECLARE_FFT_KERNELS(double)
