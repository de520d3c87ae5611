// SPDX-License-Identifier: BSD-3-Clause
//
// The passes of transforms, declared to be compiled in fft_kernels.cpp: half of what a file that plans
// transforms takes to compile, and a dozen do.
#pragma once

#include <cstddef>
#include <cstdint>

#include <destrier/fft/in_place.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/rows.hpp>

// Declares (Extern: extern) or compiles (Extern: nothing) them for the build's architecture.
#define DESTRIER_TEST_FFT_KERNELS(Extern, T)                                                            \
    namespace destrier::fft::detail {                                                                   \
    Extern template void pass<ending::none, default_arch>(lines<const T>, lines<T>, const stage&,       \
                                                          const T*, T) noexcept;                        \
    Extern template void pass<ending::last, default_arch>(lines<const T>, lines<T>, const stage&,       \
                                                          const T*, T) noexcept;                        \
    Extern template void pass<ending::last_scaled, default_arch>(lines<const T>, lines<T>,              \
                                                                 const stage&, const T*, T) noexcept;   \
    Extern template void pass<ending::last_scaled, default_arch>(lines<const T>, row<T, false>,         \
                                                                 const stage&, const T*, T) noexcept;   \
    Extern template void pass<ending::last_scaled, default_arch>(lines<const T>, row<T, true>,          \
                                                                 const stage&, const T*, T) noexcept;   \
    Extern template void pass_in_place<turning::before, default_arch>(lines<const T>, lines<T>,         \
                                                                      const stage&, std::size_t,        \
                                                                      const T*) noexcept;               \
    Extern template void pass_in_place<turning::after, default_arch>(lines<const T>, lines<T>,          \
                                                                     const stage&, std::size_t,         \
                                                                     const T*) noexcept;                \
    Extern template void last_pass<default_arch>(std::size_t, lines<const T>, lines<T>, std::size_t,    \
                                                 const std::uint32_t*, std::size_t, T) noexcept;        \
    Extern template void convolve_pass<default_arch>(std::size_t, lines<const T>, lines<T>,             \
                                                     std::size_t, const T*) noexcept;                   \
    }

DESTRIER_TEST_FFT_KERNELS(extern, float)
DESTRIER_TEST_FFT_KERNELS(extern, double)
