// SPDX-License-Identifier: BSD-3-Clause
//
// version.hpp: the version of destrier. CMake reads it from here; nobody else writes it.
#pragma once

#define DESTRIER_VERSION_MAJOR 0
#define DESTRIER_VERSION_MINOR 6
#define DESTRIER_VERSION_PATCH 0
