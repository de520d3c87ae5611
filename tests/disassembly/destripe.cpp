// SPDX-License-Identifier: BSD-3-Clause
//
// Destriping as a user gets it; see fft.cpp.
#include <destrier/destripe.hpp>

namespace destrier::destripe {

template class problem<double, stokes::iqu>;
template class problem<double, stokes::i>;
template class template_problem<stokes::iqu>;
template class map_sums<stokes::iqu>;
template class offset_prior<>;
template class banded_preconditioner<>;
template solution solve<>(const linear_system&, std::span<const double>, const solve_options&,
                          solver_state&);
template void pixelise<>(const sphere&, std::span<const double>, std::span<std::int32_t>, int);
template void expand_pointing<>(std::span<const double>, const detector_pointing&,
                                std::span<const double>, const sphere&, std::span<std::int32_t>,
                                std::span<float>, std::span<float>, int);

} // namespace destrier::destripe
