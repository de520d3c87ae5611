// SPDX-License-Identifier: BSD-3-Clause
//
// Everything; each header also stands alone.
#pragma once

#include <destrier/budget.hpp>
#include <destrier/destripe.hpp>
#include <destrier/fft.hpp>
#include <destrier/gridrec.hpp>
#include <destrier/layout.hpp>
#include <destrier/legendre.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>
#include <destrier/version.hpp>
