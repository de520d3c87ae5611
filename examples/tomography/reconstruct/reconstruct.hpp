// SPDX-License-Identifier: BSD-3-Clause
//
// reconstruct.hpp: from a scan's file to a volume's.
#pragma once

#include "common/ranks.hpp"
#include "reconstruct/recon_options.hpp"

namespace tomo {

/// All ranks call it; each makes its share of the slices.
void reconstruct(const recon_options& options, const common::ranks& all);

} // namespace tomo
