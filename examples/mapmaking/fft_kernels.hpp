// SPDX-License-Identifier: BSD-3-Clause
//
// For files that plan transforms: what all of them share is compiled in fft_kernels.cpp.
#pragma once

#include <destrier/fft/kernels.hpp>

DESTRIER_DECLARE_FFT_KERNELS(double)
