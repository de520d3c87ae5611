// SPDX-License-Identifier: BSD-3-Clause
//
// legendre.hpp: Legendre series, bases, derivatives, quadrature.
//
// Series are coefficients c_0 .. c_n of P_0 .. P_n, points any numbers; a domain [a, b] takes the caller's points
// to [-1, 1]. Nothing here needs points in order, aligned or in whole registers.
//
//   legendre::eval          one series at many points; many series at the same points; one point
//   legendre::eval_each     a point for each series
//   legendre::basis         P_k(x_i) as a matrix, in the layout of the caller's choice
//   legendre::for_each_tile P_k(x_i) tile by tile, nothing materialised
//   legendre::derivative, integral, to_monomial, from_monomial    of a series, as a series
//   legendre::fit           the series nearest to weighted data
//   legendre::eval_points, eval_grid   series of two variables
//   legendre::gauss         nodes and weights of Gauss-Legendre quadrature, to 10^6 nodes and beyond
//   legendre::plm           associated functions, normalised for spherical harmonics
//   hermite_e, chebyshev    eval and basis of their families
//
//     std::vector<double> x = ..., y(x.size());           // wavelengths, Angstrom
//     const std::vector<double> c = {2092, 2157, 61.5};   // a trace's position on the detector
//     legendre::eval<double>(x, c, y, {.domain = {5543, 7826}});
//
// Accuracy is a choice: `fast` loses up to n^2 / 2 halves of the last place near the ends of the domain, where P_n
// is steep and x itself is seldom better known; `tight` does not. Bounds stand beside accuracy in eval.hpp.
#pragma once

#include <destrier/legendre/basis.hpp>
#include <destrier/legendre/calculus.hpp>
#include <destrier/legendre/domain.hpp>
#include <destrier/legendre/eval.hpp>
#include <destrier/legendre/families.hpp>
#include <destrier/legendre/family.hpp>
#include <destrier/legendre/fit.hpp>
#include <destrier/legendre/gauss.hpp>
#include <destrier/legendre/plm.hpp>
#include <destrier/legendre/surface.hpp>
