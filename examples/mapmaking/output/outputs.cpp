// SPDX-License-Identifier: BSD-3-Clause
#include "output/outputs.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <system_error>

namespace mapmaking {
namespace {

namespace fs = std::filesystem;

// A name as a part of a file's.
std::string plain(std::string name) {
    for (char& c : name) {
        if (c == '/' || c == '\0') c = '_';
    }
    return name;
}

std::vector<std::string> detector_names(const work& all) {
    std::vector<std::string> names;
    for (const observation& o : all.observations) {
        for (const detector& d : o.detectors) {
            if (std::find(names.begin(), names.end(), d.name) == names.end()) names.push_back(d.name);
        }
    }
    return names;
}

void require_other_file(const fs::path& input, const fs::path& output) {
    std::error_code none_there;
    if (fs::equivalent(input, output, none_there))
        throw std::runtime_error(output.string() + ": is read as well, expected another file's name");
}

} // namespace

std::vector<selection> selections_of(const solve_options& options, const work& all) {
    std::vector<selection> selections{{}};
    if (options.splits == splits::detectors) {
        for (const std::string& name : detector_names(all)) selections.push_back({plain(name), name});
    }
    if (options.splits == splits::halves) {
        selections.push_back({.name = "half1", .half = 1});
        selections.push_back({.name = "half2", .half = 2});
    }
    return selections;
}

fs::path file_of(const solve_options& options, const selection& which) {
    if (which.name.empty()) return options.output;
    fs::path name = options.output;
    name.replace_filename(options.output.stem().string() + "-" + which.name +
                          options.output.extension().string());
    return name;
}

void require_outputs(const solve_options& options, const std::vector<selection>& selections) {
    std::vector<fs::path> outputs, inputs = options.observations;
    for (const selection& which : selections) outputs.push_back(file_of(options, which));
    for (const fs::path& other : {options.picture, options.offsets}) {
        if (!other.empty()) outputs.push_back(other);
    }
    if (!options.mask.empty()) inputs.push_back(options.mask);
    std::set<fs::path> names;
    if (!options.checkpoint.empty()) names.insert(options.checkpoint.lexically_normal());
    for (const fs::path& output : outputs) {
        if (!names.insert(output.lexically_normal()).second)
            throw std::runtime_error(output.string() +
                                     ": is to be written twice, expected different names");
        for (const fs::path& input : inputs) require_other_file(input, output);
        const common::staged_file probe(output, options.overwrite);
    }
    if (options.checkpoint.empty()) return;
    for (const fs::path& input : inputs) require_other_file(input, options.checkpoint);
    const common::staged_file probe(options.checkpoint, true);
}

} // namespace mapmaking
