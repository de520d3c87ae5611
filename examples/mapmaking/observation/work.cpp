// SPDX-License-Identifier: BSD-3-Clause
#include "observation/work.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

namespace mapmaking {
namespace {

namespace fs = std::filesystem;

void require_same_unit(const observation& first, const observation& other) {
    if (other.unit == first.unit) return;
    throw std::runtime_error(other.path.string() + ":/detdata/signal: unit is \"" + other.unit +
                             "\", expected \"" + first.unit + "\" as in " + first.path.string());
}

void require_detectors(const work& w) {
    if (!w.chunks.empty()) return;
    const observation& first = w.observations.front();
    const std::string many =
        w.observations.size() > 1 ? " and " + std::to_string(w.observations.size() - 1) + " more" : "";
    throw std::runtime_error(first.path.string() + many + ": no detector is left: of " +
                             std::to_string(first.unused.size()) +
                             ", all are flagged in observation_detector_flags or have weight 0 in "
                             "/metadata/noise_model/detector_weights");
}

// The first chunk of a rank: those before it have about rank / ranks of the samples.
std::size_t first_chunk(const work& w, std::size_t rank, std::size_t ranks) {
    const double all = static_cast<double>(w.samples());
    double before = 0;
    std::size_t k = 0;
    for (; k < w.chunks.size() && rank > 0; ++k) {
        const auto n = static_cast<double>(w.observations[w.chunks[k].observation].samples);
        if ((before + n / 2) * static_cast<double>(ranks) > all * static_cast<double>(rank)) break;
        before += n;
    }
    return k;
}

} // namespace

std::size_t work::samples() const {
    std::size_t sum = 0;
    for (const observation& o : observations) sum += o.samples * o.detectors.size();
    return sum;
}

std::size_t work::my_samples() const {
    std::size_t sum = 0;
    for (std::size_t k = 0; k < size(); ++k) sum += observation_of(k).samples;
    return sum;
}

std::size_t work::my_longest() const {
    std::size_t longest = 0;
    for (std::size_t k = 0; k < size(); ++k) longest = std::max(longest, observation_of(k).samples);
    return longest;
}

work plan_work(const std::vector<fs::path>& paths, const observation_options& options,
               bool mixed_focal_planes, std::size_t rank, std::size_t ranks) {
    work w;
    std::set<fs::path> known;
    for (const fs::path& path : paths) {
        if (!known.insert(path.lexically_normal()).second)
            throw std::runtime_error(path.string() + ": is given twice");
        w.observations.push_back(read_observation(path, options));
        require_same_unit(w.observations.front(), w.observations.back());
        if (!mixed_focal_planes) require_same_focal_plane(w.observations.front(), w.observations.back());
    }
    for (std::size_t o = 0; o < w.observations.size(); ++o) {
        for (std::size_t d = 0; d < w.observations[o].detectors.size(); ++d) w.chunks.push_back({o, d});
    }
    require_detectors(w);
    w.mine.begin = first_chunk(w, rank, ranks);
    w.mine.end = rank + 1 == ranks ? w.chunks.size() : first_chunk(w, rank + 1, ranks);
    return w;
}

} // namespace mapmaking
