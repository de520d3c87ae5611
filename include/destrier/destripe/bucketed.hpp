// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/bucketed.hpp: elements put in the order of their keys, by several threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <destrier/parallel.hpp>

namespace destrier::destripe::detail {

// Calls put(place, i) once for every i = 0 .. n - 1, place being i's among all elements in the order of
// key(i) < keys, elements of one key in the order of i. Both are called from several threads, and where each
// element goes does not depend on how many. Returns the places where keys begin, and n behind them.
//
// Each thread has a counter for each key, so keys should be few: to sort by many, put elements into buckets
// of neighbouring keys first, then sort every bucket by itself.
template <class Key, class Put>
std::vector<std::size_t> counting_sort(std::size_t n, std::size_t keys, int threads, const Key& key,
                                       const Put& put) {
    const std::size_t workers = std::min(static_cast<std::size_t>(thread_count(threads)), n);
    std::vector<std::size_t> next(workers *
                                  keys); // (workers, keys): how many, then where the next one goes
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        std::size_t* const count = next.data() + worker * keys;
        for (std::size_t i = begin; i < end; ++i) ++count[key(i)];
    });
    std::vector<std::size_t> starts(keys + 1);
    std::size_t place = 0;
    for (std::size_t k = 0; k < keys; ++k) {
        starts[k] = place;
        for (std::size_t worker = 0; worker < workers; ++worker) {
            const std::size_t count = next[worker * keys + k];
            next[worker * keys + k] = place;
            place += count;
        }
    }
    starts[keys] = place;
    parallel_ranges(n, threads, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        std::size_t* const to = next.data() + worker * keys;
        for (std::size_t i = begin; i < end; ++i) put(to[key(i)]++, i);
    });
    return starts;
}

} // namespace destrier::destripe::detail
