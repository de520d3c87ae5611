// SPDX-License-Identifier: BSD-3-Clause
//
// Files of options for destrier-tomo recon, as --config reads them. Nothing is reconstructed.
#include <cstdint>
#include <fstream>

#include <CLI/CLI.hpp>

#include "common/ranks.hpp"
#include "fuzz.hpp"
#include "recon_command.hpp"
#include "reconstruct/reconstruct.hpp"

void tomo::reconstruct(const recon_options&, const common::ranks&) {}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::file made(".toml");
    static const common::ranks alone;
    std::ofstream(made.path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    CLI::App app("", "destrier-tomo");
    app.set_config("--config");
    app.fallthrough();
    CLI::App* const recon = app.add_subcommand("recon");
    const auto command = tomo::add_recon(app, *recon, alone);
    try {
        app.parse("recon scan.h5 -o volume.h5 --config " + made.path().string());
        command();
    } catch (const CLI::ParseError&) { // the program says which, and ends with 2
    }
    return 0;
}
