// SPDX-License-Identifier: BSD-3-Clause
//
// fft.hpp: batched Fourier transforms.
//
// Lanes run across the batch: a lane block (layout.hpp) holds 16 float or 8 double transforms side by
// side, so every butterfly is a plain vector operation on whole cache lines, without shuffles, gathers
// or tails, and twiddles are shared by all transforms of a block.
//
//   fft::plan_c2c<float> plan(1024);
//   plan.forward(in, out, scratch);        // X[k] = scale sum_t x[t] exp(-2 pi i k t / n)
//   plan.backward(in, out, scratch);       // x[t] = scale sum_k X[k] exp(+2 pi i k t / n)
//
//   fft::plan_r2c<float> real(1024);       // half spectra, n / 2 + 1 elements
//   real.forward(in, spectra, scratch);
//   real.backward(spectra, out, scratch);
//
//   fft::plan_2d_c2c<float> plane(512, 640);    // and plan_2d_r2c, half planes
//   fft::convolution<float> smooth(response);   // of every transform with one response
//   fft::c2c<float>(shape, strides, strides, axes, true, in, out, 1.0f);   // once, any dimensions
//
// in and out are lane blocks, or views of arrays (transforms, n) in any strides. Rows of a multiple of 16
// float or 8 double elements have a kernel of their own, and columns side by side are as good as blocks; others
// are packed into blocks and back on the way.
//
// Transforms are unnormalised; a scale costs nothing, it is folded into the last pass. A plan is
// immutable: any number of threads may use one, each with scratch of its own. Planning takes milliseconds, and
// neither measures nor remembers anything. Any length will do; those with other factors than 2, 3, 5, 7, 11
// and 13 take three to six times as long (good_size finds the next without).
//
//   fft/plan_c2c.hpp, plan_r2c.hpp, plan_2d.hpp   the plans
//   fft/convolution.hpp, shapes.hpp               convolutions; one-shot transforms of any dimensions
//   fft/arguments.hpp   what plans ask of their arguments
//   fft/arrays.hpp      which kernel for which length and layout
//   fft/rows.hpp        transforms whose elements are side by side
//   fft/columns.hpp     transforms that are side by side themselves
//   fft/large.hpp       transforms larger than caches
//   fft/any_length.hpp  lengths with other factors
//   fft/in_place.hpp    transforms in place, in the order of the passes
//   fft/passes.hpp      the passes over a lane block
//   fft/kernels.hpp     the passes compiled once for a program of many files
//   fft/butterfly.hpp   transforms in registers
//   fft/real.hpp        half spectra
//   fft/convert.hpp     between arrays and lane blocks
//   fft/roots.hpp       roots of unity
#pragma once

#include <cstddef>

#include <destrier/fft/any_length.hpp>
#include <destrier/fft/convolution.hpp>
#include <destrier/fft/plan_2d.hpp>
#include <destrier/fft/plan_c2c.hpp>
#include <destrier/fft/plan_r2c.hpp>
#include <destrier/fft/shapes.hpp>

namespace destrier::fft {

/// The smallest product of 2, 3, 5 and 7 that is n or more; 1 for 0.
///
/// Domain  n <= 2^63
constexpr std::size_t good_size(std::size_t n) noexcept { return n == 0 ? 1 : detail::next_smooth(n); }

/// The same, even: for real transforms.
constexpr std::size_t good_size_real(std::size_t n) noexcept { return 2 * good_size((n + 1) / 2); }

} // namespace destrier::fft
