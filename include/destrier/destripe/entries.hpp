// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/entries.hpp: what the iteration reads, made once.
//
// Of all samples of a baseline in one pixel only their number and the sums of their weights c and s matter to
// destriping with offsets: B = P' N^-1 F. An entry holds them, and either the pixel (in the order of baselines) or
// the baseline (in the order of pixels):
//
//     at   pixel or baseline, 28 bits, and the number of samples, 1 to 15, in 4
//     c, s sums in units of weight_unit, exact
//
// 12 bytes an entry, 4 for intensity alone; as each holds one sample or more, this is what the iteration reads for
// a sample at most. Baselines that cross a pixel with more than 15 samples take several entries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <destrier/destripe/bucketed.hpp>
#include <destrier/destripe/chunk.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe::detail {

inline constexpr std::uint32_t count_bits = 4, most_samples = 15;
inline constexpr std::size_t most_places = std::size_t{1} << (32 - count_bits);

struct intensity_entry {
    std::uint32_t at;
};
struct polarised_entry {
    std::uint32_t at;
    std::int32_t c, s;
};
template <stokes S>
using entry = std::conditional_t<S == stokes::i, intensity_entry, polarised_entry>;

template <class E>
DESTRIER_INLINE std::size_t place(const E& e) noexcept {
    return e.at >> count_bits;
}
template <class E>
DESTRIER_INLINE std::uint32_t samples(const E& e) noexcept {
    return e.at & most_samples;
}

// So many entries lie behind a table's last, so that whole registers can be read from any of them on.
inline constexpr std::size_t entries_behind = 8;

// Entries of places 0 .. n - 1, one place after another: those of place k are first[k] .. first[k + 1] - 1.
template <stokes S>
struct entry_table {
    buffer<entry<S>> entries;
    buffer<std::size_t> first;

    std::size_t places() const noexcept { return first.empty() ? 0 : first.size() - 1; }
    std::size_t size() const noexcept { return first.empty() ? 0 : first[places()]; }
    std::size_t bytes() const noexcept {
        return entries.size() * sizeof(entry<S>) + first.size() * sizeof(std::size_t);
    }
};

// Cuts places 0 .. places - 1 so that part k of `parts` has its share of the entries; for it and k + 1.
template <stokes S>
std::size_t cut(const entry_table<S>& table, std::size_t parts, std::size_t k) noexcept {
    if (k == parts) return table.places();
    const std::size_t entries = part(table.size(), parts, k).begin;
    return static_cast<std::size_t>(
        std::lower_bound(table.first.begin(), table.first.end() - 1, entries) - table.first.begin());
}

// Calls f(first place, last place + 1) for shares of the table, in parallel.
template <stokes S, class F>
void for_each_share(const entry_table<S>& table, int threads, F&& f) {
    const auto shares = static_cast<std::size_t>(thread_count(threads));
    parallel_for(shares, threads, [&](std::size_t k) {
        const std::size_t begin = cut(table, shares, k), end = cut(table, shares, k + 1);
        if (begin < end) f(begin, end);
    });
}

// The entries of one baseline's samples, by ascending pixel. Reused from baseline to baseline.
template <stokes S, class A>
class baseline_entries {
public:
    void clear() noexcept { samples_.clear(); }
    void add(std::int32_t pixel, [[maybe_unused]] const chunk& c, std::size_t i) {
        sample one{static_cast<std::uint32_t>(pixel), 1, 0, 0};
        if constexpr (S != stokes::i) {
            one.c = fixed_weight(c.cosine[i]);
            one.s = fixed_weight(c.sine[i]);
        }
        if (samples_.empty() || !merge(samples_.back(), one)) samples_.push_back(one);
    }
    void append_to(std::vector<entry<S>>& entries) {
        const auto by_pixel = [](const sample& a, const sample& b) { return a.pixel < b.pixel; };
        if (!std::is_sorted(samples_.begin(), samples_.end(), by_pixel)) {
            std::stable_sort(samples_.begin(), samples_.end(), by_pixel);
        }
        for (std::size_t i = 0; i < samples_.size();) {
            sample sum = samples_[i++];
            while (i < samples_.size() && merge(sum, samples_[i])) ++i;
            if constexpr (S == stokes::i) {
                entries.push_back({sum.pixel << count_bits | sum.n});
            } else {
                entries.push_back({sum.pixel << count_bits | sum.n, sum.c, sum.s});
            }
        }
    }

private:
    struct sample {
        std::uint32_t pixel, n;
        std::int32_t c, s;
    };
    static bool merge(sample& sum, const sample& next) noexcept {
        if (sum.pixel != next.pixel || sum.n + next.n > most_samples) return false;
        sum.n += next.n;
        sum.c += next.c;
        sum.s += next.s;
        return true;
    }

    std::vector<sample> samples_;
};

// Puts the parts that chunks have left, in order, into one table.
template <stokes S, class A>
entry_table<S> joined(std::vector<std::vector<entry<S>>>& parts, const std::vector<std::size_t>& counts,
                      memory where, int threads) {
    entry_table<S> table;
    table.first = buffer<std::size_t>(counts.size() + 1, where, threads);
    for (std::size_t b = 0; b < counts.size(); ++b) table.first[b + 1] = table.first[b] + counts[b];
    table.entries = buffer<entry<S>>(table.size() + entries_behind, where, threads);
    std::size_t at = 0;
    for (auto& entries : parts) {
        std::copy(entries.begin(), entries.end(), table.entries.begin() + at);
        at += entries.size();
        entries = std::vector<entry<S>>(); // {} would keep its memory
    }
    return table;
}

// Whose baseline each entry is.
template <stokes S, class A>
buffer<std::uint32_t> baselines_of(const entry_table<S>& table, memory where, int threads) {
    buffer<std::uint32_t> all(table.size(), where, threads);
    parallel_for(table.places(), threads, [&](std::size_t b) {
        std::fill(all.begin() + table.first[b], all.begin() + table.first[b + 1],
                  static_cast<std::uint32_t>(b));
    });
    return all;
}

// An entry of a baseline, on its way to its pixel.
template <stokes S>
struct routed {
    std::uint32_t pixel;
    entry<S> e;
};

// The same entries in the order of pixels, those of a pixel in the order of baselines: sorted into ranges of pixels
// by all threads, and within each range by one.
template <stokes S, class A>
entry_table<S> by_pixel(const entry_table<S>& baselines, std::size_t pixels, memory where, int threads) {
    constexpr std::size_t ranges = 256;
    const std::size_t each = pixels / ranges + 1;
    buffer<routed<S>> ranged(baselines.size(), where, threads);
    std::vector<std::size_t> starts;
    {
        const buffer<std::uint32_t> baseline = baselines_of<S, A>(baselines, where, threads);
        starts = counting_sort(
            baselines.size(), ranges, threads,
            [&](std::size_t i) { return place(baselines.entries[i]) / each; },
            [&](std::size_t at, std::size_t i) {
                entry<S> e = baselines.entries[i];
                const auto pixel = static_cast<std::uint32_t>(place(e));
                e.at = baseline[i] << count_bits | samples(e);
                ranged[at] = {pixel, e};
            });
    }
    entry_table<S> table;
    table.first = buffer<std::size_t>(pixels + 1, where, threads);
    table.entries = buffer<entry<S>>(baselines.size() + entries_behind, where, threads);
    parallel_for(ranges, threads, [&](std::size_t r) {
        const std::size_t first = std::min(r * each, pixels), last = std::min(first + each, pixels);
        const routed<S>* const from = ranged.data() + starts[r];
        entry<S>* const to = table.entries.data() + starts[r];
        const auto begins = counting_sort(
            starts[r + 1] - starts[r], last - first, 1,
            [&](std::size_t i) { return from[i].pixel - first; },
            [&](std::size_t at, std::size_t i) { to[at] = from[i].e; });
        for (std::size_t p = first; p < last; ++p) table.first[p] = starts[r] + begins[p - first];
    });
    table.first[pixels] = baselines.size();
    return table;
}

} // namespace destrier::destripe::detail
