// SPDX-License-Identifier: BSD-3-Clause
//
// Arithmetic of 113 bits, for truths that long double's 64 would not be enough for: plain three-term
// recurrences lose n^2 roundings near the ends of their interval.
#pragma once

#include <cfloat>
#include <cmath>

namespace reference {

#if LDBL_MANT_DIG >= 113 || !defined(__SIZEOF_FLOAT128__)
using quad = long double;
#else
__extension__ using quad = __float128;
#endif

inline quad absolute(quad x) { return x < 0 ? -x : x; }

/// By Newton's method from long double's.
inline quad square_root(quad x) {
    if (!(x > 0)) return 0;
    quad root = std::sqrt(static_cast<long double>(x));
    for (int i = 0; i < 2; ++i) root = (root + x / root) / 2;
    return root;
}

/// sin and cos of an angle in [0, pi]: series at a part of it, then doubled.
struct sine_cosine {
    quad sine, cosine;
};
inline sine_cosine sine_cosine_of(quad angle) {
    int doublings = 0;
    for (; angle > static_cast<quad>(0.125); ++doublings) angle /= 2;
    quad sine = 0, versine = 0, term = angle; // versine is 1 - cos
    for (int i = 1; i < 30; i += 2) {
        sine += term;
        term *= angle / (i + 1);
        versine += term;
        term *= -angle / (i + 2);
    }
    for (; doublings > 0; --doublings) {
        sine = 2 * sine * (1 - versine);
        versine = 2 * versine * (2 - versine);
    }
    return {sine, 1 - versine};
}

} // namespace reference
