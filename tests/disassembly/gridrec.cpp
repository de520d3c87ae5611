// SPDX-License-Identifier: BSD-3-Clause
//
// Reconstruction as a user gets it, with its transforms; see fft.cpp.
#include <destrier/gridrec.hpp>

template class destrier::gridrec::plan<float>;
template class destrier::gridrec::plan_single<float>;
