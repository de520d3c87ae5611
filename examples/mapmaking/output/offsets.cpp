// SPDX-License-Identifier: BSD-3-Clause
#include "output/offsets.hpp"

#include <array>
#include <string>
#include <utility>

#include "common/hdf5.hpp"

namespace mapmaking {
namespace {

constexpr std::array<const char*, 5> names{"chunk", "first_sample", "samples", "offset", "weight"};

void write(common::h5::file& file, const std::string& name, const std::vector<double>& values,
           hid_t type) {
    common::h5::dataset data = file.create_dataset(name, {values.size()}, {type});
    data.write_from(0, values);
    data.close();
}

} // namespace

void append_offset(std::vector<double>& to, const found_offset& o) {
    for (const std::size_t n : {o.chunk, o.samples.begin, o.samples.length})
        to.push_back(static_cast<double>(n));
    to.push_back(o.offset);
    to.push_back(o.weight);
}

void write_offset_file(const std::filesystem::path& path, const work& all,
                       const std::vector<std::vector<double>>& parts) {
    common::h5::file file = common::h5::file::create(path);
    std::array<std::vector<double>, names.size()> columns;
    for (const std::vector<double>& part : parts) {
        for (std::size_t i = 0; i < part.size(); ++i) columns[i % names.size()].push_back(part[i]);
    }
    for (std::size_t c = 0; c < names.size(); ++c)
        write(file, names[c], columns[c], c < 3 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE);
    std::string detectors, observations;
    for (const detector_chunk& c : all.chunks) {
        detectors += all.observations[c.observation].detectors[c.detector].name + "\n";
        observations += all.observations[c.observation].name + "\n";
    }
    file.write_text("detector", detectors);
    file.write_text("observation", observations);
    file.close();
}

} // namespace mapmaking
