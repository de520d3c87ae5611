// SPDX-License-Identifier: BSD-3-Clause
//
// Legendre series as a user gets them; see fft.cpp.
#include <destrier/legendre.hpp>

#include <array>
#include <span>

namespace destrier::legendre {

template void eval<double>(std::span<const double>, std::span<const double>, std::span<double>,
                           const eval_options&);
template void eval<double>(std::span<const double>, view<const double, 2>, view<double, 2>,
                           const eval_options&);
template void eval_each<double>(std::span<const double>, view<const double, 2>, std::span<double>,
                                const eval_options&);
template void basis<double>(std::span<const double>, view<double, 2>, domain, int);
template void fit<double>(std::span<const double>, view<const double, 2>, std::span<const double>,
                          view<double, 2>, domain, int);
template void gauss<double>(std::span<double>, std::span<double>, domain, int);
template class plm<double>;

// A sum of associated functions, which are not stored.
std::array<batch<double>, plm<double>::registers>
sum_of_tile(const plm<double>& functions, std::span<const double> theta, const double* a) {
    std::array<batch<double>, plm<double>::registers> sum;
    sum.fill(batch<double>(0.0));
    functions.tile(theta, [&, a](std::size_t l, const auto& lambda) DESTRIER_UNROLLED {
        unroll<plm<double>::registers>(
            [&](auto r) DESTRIER_UNROLLED { sum[r] = fmadd(batch<double>(a[l]), lambda[r], sum[r]); });
    });
    return sum;
}

} // namespace destrier::legendre
