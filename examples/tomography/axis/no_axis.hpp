// SPDX-License-Identifier: BSD-3-Clause
//
// no_axis.hpp: what the searches for the rotation axis throw.
#pragma once

#include <stdexcept>

namespace tomo {

/// Thrown where a scan does not tell where its axis is.
class no_axis : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace tomo
