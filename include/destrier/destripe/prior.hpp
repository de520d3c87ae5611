// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/prior.hpp: what the noise model says of offsets before any data, C_a^-1.
//
//   std::vector<prior_chunk> chunks = {{0, 3600, 0}, {3600, 3600, 1}};    // amplitudes, and whose noise they are
//   offset_prior prior(models, chunks, 1.0, rate);
//   prior.add(a, out);                                                    // out += C_a^-1 a
//
// A chunk's block of C_a^-1 has the eigenvalues 1 / P_a(k / (2 n T)), k = 0 .. n - 1 (noise.hpp), and their
// eigenvectors are cosines, cos(pi k (j + 1/2) / n): it is what the circulant matrix of 2 n offsets makes of a
// chunk followed by its mirror image. It is symmetric and positive definite by construction, nothing is truncated,
// and far from the ends it is the inverse of the offsets' covariance. Near the ends it is very nearly so: there a
// block of the circulant itself, which TOAST takes, would say that the offsets beyond the ends are 0, and pull
// those within towards it (the error of the first of 60 baselines of 1 s, for a knee at 0.1 Hz and a slope of 1.7,
// is more than ten times as large then; with mirror images it is the least possible within a percent).
//
// Chunks of the same number of baselines lie side by side in lane blocks, each lane with eigenvalues of its own. The
// cosine transform is a real one of n numbers, the even ones of the chunk and then the odd ones backwards.
//
// Source  Makhoul, IEEE Trans. ASSP 28 (1980) 27, doi:10.1109/TASSP.1980.1163351, for the cosine transform
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <destrier/destripe/noise.hpp>
#include <destrier/fft/plan_r2c.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// Amplitudes first .. first + count - 1 are offsets of baselines one after the other in time; `noise` is the
/// number of their noise model.
struct prior_chunk {
    std::size_t first, count, noise;
};

namespace detail {

// Chunks of one length, side by side in a lane block.
struct chunk_block {
    static constexpr std::size_t lanes = line<double>;

    std::size_t length, chunks;
    std::array<std::size_t, lanes> first;
    std::size_t plan;        // of this length
    std::size_t amplitude;   // how many there are in the lanes of the blocks before
    std::size_t eigenvalues; // where they begin
};

// f(e, tile) with the next registers of elements, one for each chunk of `lane` .. lane + width - 1.
template <class A, class Tile>
DESTRIER_INLINE void for_each_tile_of(const chunk_block& b, Tile&& tile) noexcept {
    constexpr std::size_t w = width<double, A>;
    for (std::size_t e = 0; e < b.length; e += w) {
        const std::size_t count = std::min(w, b.length - e);
        for (std::size_t lane = 0; lane < b.lanes; lane += w) tile(e, count, lane);
    }
}

// Element e of the chunks to line place(e); lanes without a chunk get zeros.
template <class A, class Place>
void gather_chunks(const chunk_block& b, const double* x, double* to, const Place& place) noexcept {
    constexpr std::size_t w = width<double, A>;
    for_each_tile_of<A>(b, [&](std::size_t e, std::size_t count, std::size_t lane) DESTRIER_UNROLLED {
        batch<double, A> tile[w];
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            tile[i] = lane + i < b.chunks
                          ? destrier::detail::load_row<A, double>(x + b.first[lane + i] + e, 1, count)
                          : batch<double, A>(0.0);
        });
        transpose<double, A>(tile);
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            if (i < count) tile[i].store_aligned(to + place(e + i) * b.lanes + lane);
        });
    });
}

// Line place(e) to, or with Add onto, element e of the chunks.
template <bool Add, class A, class Place>
void scatter_chunks(const chunk_block& b, const double* from, double* x, const Place& place) noexcept {
    constexpr std::size_t w = width<double, A>;
    for_each_tile_of<A>(b, [&](std::size_t e, std::size_t count, std::size_t lane) DESTRIER_UNROLLED {
        batch<double, A> tile[w];
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            tile[i] = i < count ? batch<double, A>::load_aligned(from + place(e + i) * b.lanes + lane)
                                : batch<double, A>(0.0);
        });
        transpose<double, A>(tile);
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            if (lane + i >= b.chunks) return;
            double* const to = x + b.first[lane + i] + e;
            if constexpr (Add) tile[i] = tile[i] + destrier::detail::load_row<A, double>(to, 1, count);
            destrier::detail::store_row<A, double>(to, 1, tile[i], count);
        });
    });
}

// Calls f(block, worker) for the blocks, cut among threads by their amplitudes.
template <class F>
void for_each_chunk_block(const std::vector<chunk_block>& blocks, int threads, const F& f) {
    if (blocks.empty()) return;
    const std::size_t all = blocks.back().amplitude + blocks.back().length;
    const auto begins_before = [](const chunk_block& b, std::size_t at) { return b.amplitude < at; };
    parallel_ranges(all, threads, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        auto b = std::lower_bound(blocks.begin(), blocks.end(), begin, begins_before);
        for (; b != blocks.end() && b->amplitude < end; ++b) f(*b, worker);
    });
}

inline void check_amplitudes(const char* call, const char* name, std::size_t has, std::size_t size) {
    if (has == size) return;
    throw std::invalid_argument(std::string(call) + ": " + name + " has " + std::to_string(has) +
                                " elements, expected " + std::to_string(size) + ", one an amplitude");
}

// Symmetric matrices with the eigenvectors cos(pi k (j + 1/2) / n), on a lane block.
template <class A>
class cosine_operator {
    static constexpr std::size_t lanes = chunk_block::lanes;

public:
    explicit cosine_operator(std::size_t n) : n_(n), transform_(n), turns_(2 * (n / 2 + 1)) {
        for (std::size_t k = 0; k <= n / 2; ++k) {
            const double angle =
                std::numbers::pi * static_cast<double>(k) / (2 * static_cast<double>(n));
            turns_[2 * k] = std::cos(angle);
            turns_[2 * k + 1] = std::sin(angle);
        }
    }
    std::size_t size() const noexcept { return n_; }
    // What add wants: the elements, their spectrum, and what the transform wants.
    std::size_t room() const {
        return lanes * (n_ + 2 * transform_.spectrum_size()) + transform_.scratch_size(1);
    }

    // out += the operator with these eigenvalues (lines 0 .. n) of a
    void add(const chunk_block& b, const double* eigenvalues, const double* a, double* out,
             double* room) const noexcept {
        const auto place = [n = n_](std::size_t e)
                               DESTRIER_UNROLLED { return e % 2 == 0 ? e / 2 : n - 1 - e / 2; };
        double* const spectrum = room + lanes * n_;
        double* const space = spectrum + lanes * 2 * transform_.spectrum_size();
        gather_chunks<A>(b, a, room, place);
        transform_.run_forward(room, spectrum, space);
        multiply(spectrum, eigenvalues);
        transform_.run_backward(fft::detail::lines<const double>::at(spectrum), room, space,
                                1 / static_cast<double>(n_));
        scatter_chunks<true, A>(b, room, out, place);
    }

private:
    // An element of the spectrum, turned by -pi k / (2 n), is cosine coefficient k and, in the imaginary part,
    // coefficient n - k negative.
    void multiply(double* spectrum, const double* eigenvalues) const noexcept {
        using V = batch<double, A>;
        for (std::size_t k = 0; k <= n_ / 2; ++k) {
            const V c(turns_[2 * k]), s(turns_[2 * k + 1]);
            double* const re = spectrum + 2 * k * lanes;
            double* const im = re + lanes;
            for (std::size_t lane = 0; lane < lanes; lane += V::size) {
                const V x = V::load_aligned(re + lane), y = V::load_aligned(im + lane);
                const V a = fmadd(c, x, s * y) * V::load_aligned(eigenvalues + k * lanes + lane);
                const V b = fnmadd(c, y, s * x) * V::load_aligned(eigenvalues + (n_ - k) * lanes + lane);
                fmadd(c, a, s * b).store_aligned(re + lane);
                fnmadd(c, b, s * a).store_aligned(im + lane);
            }
        }
    }

    std::size_t n_;
    fft::plan_r2c<double, A> transform_;
    buffer<double> turns_;
};

} // namespace detail

template <class A>
class banded_preconditioner;

/// C_a^-1, block diagonal over chunks.
///
/// Domain    chunks one after the other, from amplitude 0 on; those of no amplitude are legal. All baselines count
///           as equally long, a short one at the end too
/// Units     amplitudes the signal's, out 1 / the signal's
/// Accuracy  symmetric to 1e-14 and eigenvalues to 1e-13 of the largest; the inverse of the covariance of the
///           averages of 1/f^1.7 noise to 1 % of its diagonal in the interior; asserted in
///           tests/test_destripe_prior.cpp
/// Threads   over blocks of eight chunks of one length; any number and any grouping give the same bits. NaN
///           stays in its chunk
/// Memory    8 bytes an amplitude in whole blocks, and tables for each length
template <class A = default_arch>
class offset_prior {
public:
    /// Throws  std::invalid_argument naming the chunk, or the model and its entry, where they are outside of their
    ///         domain
    offset_prior(std::span<const noise_model> models, std::span<const prior_chunk> chunks,
                 double baseline_seconds, double rate, int threads = 0)
        : threads_(thread_count(threads)) {
        size_ = checked_size(models.size(), chunks);
        const std::vector<prior_chunk> sorted = by_length(chunks);
        make_blocks(sorted);
        set_eigenvalues(models, sorted, baseline_seconds, rate);
    }

    /// Amplitudes.
    std::size_t size() const noexcept { return size_; }
    /// Doubles that add wants as scratch.
    std::size_t scratch_size() const { return workers() * room(); }

    /// out += C_a^-1 a
    ///
    /// Shapes    a, out (size())
    /// Aliasing  none
    /// Memory    allocates nothing, unless scratch is empty: then scratch_size()
    /// Throws    std::invalid_argument on wrong sizes; out untouched
    void add(std::span<const double> a, std::span<double> out, std::span<double> scratch = {}) const {
        constexpr const char* call = "destripe::offset_prior::add";
        detail::check_amplitudes(call, "a", a.size(), size());
        detail::check_amplitudes(call, "out", out.size(), size());
        const fft::detail::scratch_space<double> space(scratch, scratch_size(), call);
        for_each_block([&](const detail::chunk_block& b, std::size_t worker) {
            operators_[b.plan].add(b, eigenvalues_.data() + b.eigenvalues, a.data(), out.data(),
                                   space.data() + worker * room());
        });
    }

private:
    friend class banded_preconditioner<A>;
    static constexpr std::size_t lanes = detail::chunk_block::lanes;

    static std::size_t checked_size(std::size_t models, std::span<const prior_chunk> chunks) {
        std::size_t end = 0;
        const auto refuse = [](std::size_t k, const char* name, std::size_t is,
                               const std::string& expected) {
            throw std::invalid_argument("destripe::offset_prior: chunks[" + std::to_string(k) + "]." +
                                        name + " is " + std::to_string(is) + ", expected " + expected);
        };
        for (std::size_t k = 0; k < chunks.size(); ++k) {
            if (chunks[k].first != end) {
                refuse(k, "first", chunks[k].first, std::to_string(end) + ", where the one before ends");
            }
            if (chunks[k].noise >= models) {
                refuse(k, "noise", chunks[k].noise,
                       "less than " + std::to_string(models) + ", the number of noise models");
            }
            end += chunks[k].count;
        }
        return end;
    }

    static std::vector<prior_chunk> by_length(std::span<const prior_chunk> chunks) {
        std::vector<prior_chunk> sorted;
        std::copy_if(chunks.begin(), chunks.end(), std::back_inserter(sorted),
                     [](const prior_chunk& c) { return c.count > 0; });
        std::sort(sorted.begin(), sorted.end(), [](const prior_chunk& x, const prior_chunk& y) {
            return std::tie(x.count, x.noise, x.first) < std::tie(y.count, y.noise, y.first);
        });
        return sorted;
    }

    void make_blocks(const std::vector<prior_chunk>& sorted) {
        std::size_t amplitude = 0, eigenvalues = 0;
        for (std::size_t k = 0; k < sorted.size();) {
            const std::size_t n = sorted[k].count;
            if (operators_.empty() || operators_.back().size() != n) operators_.emplace_back(n);
            detail::chunk_block b{n, 0, {}, operators_.size() - 1, amplitude, eigenvalues};
            for (; b.chunks < lanes && k < sorted.size() && sorted[k].count == n; ++k) {
                b.first[b.chunks++] = sorted[k].first;
            }
            blocks_.push_back(b);
            amplitude += n;
            eigenvalues += lanes * (n + 1);
        }
        eigenvalues_ = buffer<double>(eigenvalues, {}, threads_);
    }

    // Of each noise model at each length once.
    void set_eigenvalues(std::span<const noise_model> models, const std::vector<prior_chunk>& sorted,
                         double baseline_seconds, double rate) {
        std::vector<std::size_t> kinds, kind_of(sorted.size());
        for (std::size_t k = 0; k < sorted.size(); ++k) {
            const auto& c = sorted[k];
            if (k == 0 || c.count != sorted[k - 1].count || c.noise != sorted[k - 1].noise) {
                kinds.push_back(k);
            }
            kind_of[k] = kinds.size() - 1;
        }
        std::vector<std::vector<double>> spectra(kinds.size());
        parallel_for(kinds.size(), threads_, [&](std::size_t i) {
            const prior_chunk& c = sorted[kinds[i]];
            detail::check_noise_model<A>("destripe::offset_prior",
                                         "models[" + std::to_string(c.noise) + "]", models[c.noise]);
            spectra[i] = offset_spectrum<A>(models[c.noise], rate, baseline_seconds, 2 * c.count);
        });
        std::size_t k = 0;
        for (const detail::chunk_block& b : blocks_) {
            for (std::size_t lane = 0; lane < b.chunks; ++lane, ++k) {
                const std::vector<double>& spectrum = spectra[kind_of[k]];
                for (std::size_t i = 0; i <= b.length; ++i) {
                    eigenvalues_[b.eigenvalues + i * lanes + lane] = 1 / spectrum[i];
                }
            }
        }
    }

    template <class F>
    void for_each_block(const F& f) const {
        detail::for_each_chunk_block(blocks_, static_cast<int>(workers()), f);
    }
    std::size_t workers() const noexcept {
        return std::min(static_cast<std::size_t>(threads_), blocks_.size());
    }
    // Of one worker: the longest chunks are the last, but not every length is as easy.
    std::size_t room() const {
        std::size_t most = 0;
        for (const auto& o : operators_) most = std::max(most, o.room());
        return most;
    }

    int threads_;
    std::size_t size_ = 0;
    std::vector<detail::cosine_operator<A>> operators_; // one a length
    std::vector<detail::chunk_block> blocks_;
    buffer<double> eigenvalues_; // of each block (n + 1, lanes)
};

} // namespace destrier::destripe
