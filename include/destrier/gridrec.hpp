// SPDX-License-Identifier: BSD-3-Clause
//
// gridrec.hpp: tomographic reconstruction by gridding in Fourier space, and forward projection.
//
// Every projection's spectrum is a line through the two-dimensional spectrum of the slice. gridrec puts
// all of them on a Cartesian grid, each sample shared among the cells around it, transforms the grid
// into the image, and divides out what the sharing did. The geometry is worked out once, in double
// precision, and serves all slices: 16 (float) or 8 (double) of them lie in the lanes of every vector.
//
//   gridrec::plan<float> plan(theta, columns, {.filter = gridrec::filter::shepp()});
//   auto work = plan.make_workspace(threads);
//   plan.apply(sinogram, center, volume, work);
//
// A work space is for one batch of slices; given a budget of bytes, make_workspace(threads, budget), it is
// for as many at once as keep the threads busy and fit, or for fewer threads where one batch hardly fits. The
// results are the same bits.
//
// Conventions, N = columns
//   Pixel (row, column) lies at x = column - floor(N / 2), y = floor(N / 2) - row: the rotation axis
//   meets the centre of pixel (floor(N / 2), floor(N / 2)). Detector pixel k lies at s = k, and a point
//   projects to s = x cos(theta) + y sin(theta) + center. The image is in 1 / pixel: a disc of value 1,
//   whose projections are its chords in pixels, comes back as 1.
//
// What is computed, exactly (to the accuracy of the preset):
//   f(x, y) = sum_p weight[p] / P sum_{j = -P/2}^{P/2} A[j] G_p[j] exp(2 pi i j s / P),
// with G_p the transform of projection p padded to P = radial_size(columns, padding), A the filter's
// response, and the terms at +-P/2 counted half.
//
//   gridrec/options.hpp          what is asked for
//   gridrec/filter.hpp           filters and their responses
//   gridrec/kernel.hpp           the gridding kernel, accuracy presets
//   gridrec/angular_weights.hpp  what each angle counts for
//   gridrec/plan.hpp             the plan: line<T> slices at a time, and back; of its stages
//     gridrec/samples.hpp        where samples fall, and in which order they are taken
//     gridrec/radial.hpp         projections to spectra
//     gridrec/scatter.hpp        samples to the cells around them
//     gridrec/sweep.hpp          spectra to the grid, transformed along one axis, in a window in cache
//     gridrec/image.hpp          the grid to the image
//   gridrec/single.hpp           the plan for a few slices, one at a time
//
// Source  O'Sullivan, IEEE Trans. Med. Imaging 4 (1985) 200; Dowd et al., Proc. SPIE 3772 (1999) 224
#pragma once

#include <destrier/gridrec/angular_weights.hpp>
#include <destrier/gridrec/filter.hpp>
#include <destrier/gridrec/kernel.hpp>
#include <destrier/gridrec/options.hpp>
#include <destrier/gridrec/plan.hpp>
#include <destrier/gridrec/single.hpp>
