// SPDX-License-Identifier: BSD-3-Clause
//
// HEALPix maps in FITS files.
#include <cstdint>
#include <vector>

#include "mutated_fits.hpp"
#include "output/sky_map.hpp"

namespace {

mapmaking::sky_map small_map(std::size_t nside) {
    mapmaking::sky_map map{.nside = nside, .columns = {"I_STOKES", "U_STOKES"}, .units = {"K", "K"}};
    for (std::size_t c = 0; c < 2; ++c)
        map.values.emplace_back(map.pixels(), static_cast<double>(c + 1));
    map.values[0][3] = map.values[1][3] = mapmaking::unseen;
    return map;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using mapmaking::coverage, mapmaking::number_type;
    static const fuzz::file made(".fits");
    static const fuzz::sound_fits full([](const std::filesystem::path& path) {
        write_sky_map(path, small_map(16), number_type::float32, coverage::full, {{"POLCCONV", "IAU"}});
    });
    static const fuzz::sound_fits partial([](const std::filesystem::path& path) {
        write_sky_map(path, small_map(2), number_type::float64, coverage::partial);
    });
    fuzz::choices from(data, size);
    fuzz::write_mutated(made, from.ConsumeBool() ? full : partial, from);
    fuzz::expect_read_or_refused(made, [&] {
        const mapmaking::sky_map map = mapmaking::read_sky_map(made.path(), 2);
        if (map.nside > 64) return;
        const mapmaking::sky_map other = resized(reordered(map, mapmaking::ordering::ring), 4);
        kept_pixels(other, 8, mapmaking::ordering::nest);
    });
    return 0;
}
