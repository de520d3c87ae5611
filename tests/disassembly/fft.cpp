// SPDX-License-Identifier: BSD-3-Clause
//
// Transforms as a user gets them, compiled for Knights Landing; check.py reads the object. Those of float are in
// gridrec.cpp.
#include <destrier/fft.hpp>

template class destrier::fft::plan_c2c<double>;
template class destrier::fft::plan_r2c<double>;
template class destrier::fft::plan_2d_c2c<double>;
template class destrier::fft::plan_2d_r2c<double>;
template class destrier::fft::convolution<double>;
