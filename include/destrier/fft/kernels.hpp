// SPDX-License-Identifier: BSD-3-Clause
//
// The passes of transforms, compiled once for a program of many files instead of in each that plans: they are half to
// three quarters of what such a file takes to compile, 10 seconds for an element type.
//
//   #include <destrier/fft/kernels.hpp>
//   DESTRIER_DECLARE_FFT_KERNELS(float)    // in a header, for every file that plans
//   DESTRIER_COMPILE_FFT_KERNELS(float)    // in one file
//
// Both stand outside of any namespace, and take float or double, for the architecture that the file is compiled for.
#pragma once

#include <cstddef>
#include <cstdint>

#include <destrier/fft/in_place.hpp>
#include <destrier/fft/passes.hpp>
#include <destrier/fft/rows.hpp>
#include <destrier/simd.hpp>

#define DESTRIER_DECLARE_FFT_KERNELS(T) DESTRIER_DETAIL_FFT_KERNELS(extern, T)
#define DESTRIER_COMPILE_FFT_KERNELS(T) DESTRIER_DETAIL_FFT_KERNELS(, T)

// Prefix is extern or nothing.
#define DESTRIER_DETAIL_FFT_KERNELS(Prefix, T)                                                          \
    namespace destrier::fft::detail {                                                                   \
    Prefix template void pass<ending::none, default_arch>(lines<const T>, lines<T>, const stage&,       \
                                                          const T*, T) noexcept;                        \
    Prefix template void pass<ending::last, default_arch>(lines<const T>, lines<T>, const stage&,       \
                                                          const T*, T) noexcept;                        \
    Prefix template void pass<ending::last_scaled, default_arch>(lines<const T>, lines<T>,              \
                                                                 const stage&, const T*, T) noexcept;   \
    Prefix template void pass<ending::last_scaled, default_arch>(lines<const T>, row<T, false>,         \
                                                                 const stage&, const T*, T) noexcept;   \
    Prefix template void pass<ending::last_scaled, default_arch>(lines<const T>, row<T, true>,          \
                                                                 const stage&, const T*, T) noexcept;   \
    Prefix template void pass_in_place<turning::before, default_arch>(lines<const T>, lines<T>,         \
                                                                      const stage&, std::size_t,        \
                                                                      const T*) noexcept;               \
    Prefix template void pass_in_place<turning::after, default_arch>(lines<const T>, lines<T>,          \
                                                                     const stage&, std::size_t,         \
                                                                     const T*) noexcept;                \
    Prefix template void last_pass<default_arch>(std::size_t, lines<const T>, lines<T>, std::size_t,    \
                                                 const std::uint32_t*, std::size_t, T) noexcept;        \
    Prefix template void convolve_pass<default_arch>(std::size_t, lines<const T>, lines<T>,             \
                                                     std::size_t, const T*) noexcept;                   \
    }
