// SPDX-License-Identifier: BSD-3-Clause
//
// The radix kernels as a user gets them, compiled for Knights Landing; check.py reads the object.
#include <destrier/fft.hpp>

template class destrier::fft::plan_c2c<float>;
template class destrier::fft::plan_c2c<double>;
