// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/pixel_set.hpp: the pixels of a sphere that samples fall on.
//
// Detectors see a part of the sky; maps hold that part alone. Pixels are marked, then numbered one after the
// other in ascending order, so that neighbours stay neighbours. A bit a pixel, and for each 64 of them how
// many were marked before, is all that is kept: 201 MB for a sphere of nside 8192.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// Those pixels of a sphere that were hit.
///
/// Threads  the same for any number of them
/// Memory   16 bytes for each 64 pixels of the sphere, 4 for each of the set
/// Example  pixel_set seen(12 * nside * nside);
///          for (const auto& detector : detectors) seen.mark(detector.pixels, detector.flags);
///          seen.close();
///          seen.renumber(pixels, pixels); // 0 .. seen.size() - 1
template <class A = default_arch>
class pixel_set {
public:
    /// Throws  std::invalid_argument if there are more pixels than 32-bit numbers for them, or threads < 0
    explicit pixel_set(std::size_t sphere_pixels, int threads = 0)
        : sphere_(sphere_pixels), threads_(thread_count(threads)) {
        constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
        if (sphere_pixels > most) {
            throw std::invalid_argument("destripe::pixel_set: sphere_pixels is " +
                                        std::to_string(sphere_pixels) + ", expected " +
                                        std::to_string(most) + " or fewer");
        }
        words_.resize((sphere_pixels + 63) / 64);
    }

    /// Adds pixels to the set; negative and flagged ones are passed over.
    ///
    /// Shapes  flags (n), or empty for none
    /// Throws  std::invalid_argument if shapes disagree, or for a pixel beyond the sphere's: names the index and
    ///         the value, nothing is added then; std::logic_error after close
    void mark(std::span<const std::int32_t> pixels, std::span<const std::uint8_t> flags = {}) {
        if (closed_) throw std::logic_error("destripe::pixel_set::mark: the set is closed");
        check(pixels, flags);
        parallel_ranges(pixels.size(), threads_, [&](std::size_t begin, std::size_t end, std::size_t) {
            for (std::size_t i = begin; i < end; ++i) {
                if (!counts(pixels, flags, i)) continue;
                const auto p = static_cast<std::size_t>(pixels[i]);
                const std::atomic_ref<std::uint64_t> seen(words_[p / 64].seen);
                if (!(seen.load(std::memory_order_relaxed) & bit(p))) {
                    seen.fetch_or(bit(p), std::memory_order_relaxed);
                }
            }
        });
    }

    /// Ends the marking: the set becomes the union of all processes', and its pixels get their numbers.
    ///
    /// Threads  sum is called from the calling thread, as often by each process
    /// Throws   std::logic_error if the set is closed already
    void close(const reduction& sum = {}) {
        if (closed_) throw std::logic_error("destripe::pixel_set::close: the set is closed already");
        if (sum) unite(sum);
        std::uint32_t before = 0;
        for (word& w : words_) {
            w.before = before;
            before += static_cast<std::uint32_t>(std::popcount(w.seen));
        }
        pixels_.reserve(before);
        for (std::size_t i = 0; i < words_.size(); ++i) {
            for (std::uint64_t left = words_[i].seen; left != 0; left &= left - 1) {
                const std::size_t lowest = static_cast<std::size_t>(std::countr_zero(left));
                pixels_.push_back(static_cast<std::int32_t>(64 * i + lowest));
            }
        }
        closed_ = true;
    }

    /// How many pixels the set has, once it is closed.
    std::size_t size() const noexcept { return pixels_.size(); }
    /// (size) the sphere's number of each, ascending
    std::span<const std::int32_t> pixels() const noexcept { return pixels_; }

    /// The set's numbers of pixels of the sphere; -1 for those that are not in it.
    ///
    /// Shapes    local (n), as pixels
    /// Aliasing  local may be pixels
    /// Throws    std::invalid_argument if shapes disagree; std::logic_error before close
    void renumber(std::span<const std::int32_t> pixels, std::span<std::int32_t> local) const {
        if (!closed_) throw std::logic_error("destripe::pixel_set::renumber: the set is not closed yet");
        if (local.size() != pixels.size()) {
            throw std::invalid_argument("destripe::pixel_set::renumber: local has " +
                                        std::to_string(local.size()) + " elements, pixels has " +
                                        std::to_string(pixels.size()));
        }
        parallel_for(pixels.size(), threads_, [&](std::size_t i) { local[i] = number_of(pixels[i]); });
    }

private:
    struct word {
        std::uint64_t seen = 0;   // a bit for each of 64 pixels
        std::uint32_t before = 0; // pixels of the set in the words before
    };

    static std::uint64_t bit(std::size_t pixel) noexcept { return std::uint64_t{1} << pixel % 64; }

    static bool counts(std::span<const std::int32_t> pixels, std::span<const std::uint8_t> flags,
                       std::size_t i) noexcept {
        return pixels[i] >= 0 && (flags.empty() || flags[i] == 0);
    }

    void check(std::span<const std::int32_t> pixels, std::span<const std::uint8_t> flags) const {
        if (!flags.empty() && flags.size() != pixels.size()) {
            throw std::invalid_argument("destripe::pixel_set::mark: flags has " +
                                        std::to_string(flags.size()) + " elements, pixels has " +
                                        std::to_string(pixels.size()));
        }
        parallel_for(pixels.size(), threads_, [&](std::size_t i) {
            if (counts(pixels, flags, i) && static_cast<std::size_t>(pixels[i]) >= sphere_) {
                throw std::invalid_argument("destripe::pixel_set::mark: pixels[" + std::to_string(i) +
                                            "] is " + std::to_string(pixels[i]) + ", the sphere has " +
                                            std::to_string(sphere_));
            }
        });
    }

    std::int32_t number_of(std::int32_t pixel) const noexcept {
        const auto p = static_cast<std::size_t>(pixel);
        if (pixel < 0 || p >= sphere_) return -1;
        const word& w = words_[p / 64];
        if (!(w.seen & bit(p))) return -1;
        return static_cast<std::int32_t>(w.before) + std::popcount(w.seen & (bit(p) - 1));
    }

    // As sums of zeros and ones, in pieces of 8 MiB.
    void unite(const reduction& sum) {
        constexpr std::size_t piece = std::size_t{1} << 20;
        std::vector<double> marks;
        for (std::size_t begin = 0; begin < sphere_; begin += piece) {
            marks.resize(std::min(piece, sphere_ - begin));
            for (std::size_t i = 0; i < marks.size(); ++i) {
                marks[i] = (words_[(begin + i) / 64].seen & bit(begin + i)) != 0 ? 1 : 0;
            }
            sum(marks);
            for (std::size_t i = 0; i < marks.size(); ++i) {
                if (marks[i] > 0) words_[(begin + i) / 64].seen |= bit(begin + i);
            }
        }
    }

    std::size_t sphere_;
    int threads_;
    std::vector<word> words_;
    std::vector<std::int32_t> pixels_;
    bool closed_ = false;
};

} // namespace destrier::destripe
