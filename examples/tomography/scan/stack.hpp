// SPDX-License-Identifier: BSD-3-Clause
//
// stack.hpp: projections in memory, as all steps between the file and the reconstruction see them.
#pragma once

#include <destrier/layout.hpp>

namespace tomo {

/// Projections of some detector rows: (angles, rows, columns), columns side by side. p.at(1, r) is the
/// sinogram (angles, columns) of row r.
using projections = destrier::view<float, 3>;
using const_projections = destrier::view<const float, 3>;

} // namespace tomo
