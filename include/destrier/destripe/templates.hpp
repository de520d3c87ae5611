// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/templates.hpp: what is fitted to time-ordered data beside the sky.
//
// A family of templates is a matrix F with a row for each sample of each chunk and a column for each amplitude. Few
// elements of a row are not zero: `terms` of them at most, and a family hands them out term by term.
//
//   template_family         what a family must be able to do; write your own
//   offsets                 1 in a baseline
//   legendre_polynomials    P_k from one end of an interval to the other
//   periodic_bins           1 while a phase (azimuth, a half-wave plate's angle) is in a bin
//   expand, project         F a added to data, F' d added to amplitudes
//
//     const offsets slow(baselines);                               // std::vector<baseline> of each chunk
//     const periodic_bins ground(azimuth, 72, 2 * std::numbers::pi); // std::span<const double> of each chunk
//     expand(ground, chunk, amplitudes, 0, model);
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/legendre/basis.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// A family of templates:
///
///     f.size()     amplitudes
///     f.terms()    templates that are not zero at a sample, at most
///     f.row(chunk, term, samples, amplitude, value)
///
/// For each of the chunk's samples, row says which amplitude this term belongs to, a negative number for none, and
/// the template's value there. Threads call it for several terms at the same time.
template <class F>
concept template_family = requires(const F& f, std::size_t chunk, std::size_t term, range samples,
                                   std::span<std::int32_t> amplitude, std::span<double> value) {
    { f.size() } -> std::convertible_to<std::size_t>;
    { f.terms() } -> std::convertible_to<std::size_t>;
    { f.row(chunk, term, samples, amplitude, value) } -> std::same_as<void>;
};

namespace detail {

[[noreturn]] inline void refuse_template(const char* family, const std::string& what) {
    throw std::invalid_argument("destripe::" + std::string(family) + ": " + what);
}

// Amplitudes are numbered by 32-bit integers.
inline std::size_t checked_amplitudes(const char* family, std::size_t groups, std::size_t each) {
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
    if (each == 0 || groups <= most / each) return groups * each;
    refuse_template(family, std::to_string(groups) + " times " + std::to_string(each) +
                                " amplitudes, expected 2^31 - 1 in total or fewer");
}

// What row is asked for, and the room that there is for it.
struct row_request {
    std::size_t chunk, term;
    range samples;
    std::size_t amplitude_size, value_size;
};

inline void check_row(const char* family, const row_request& of, std::size_t chunks, std::size_t terms) {
    const auto expect = [&](const char* name, std::size_t is, std::size_t expected, bool fits) {
        if (fits) return;
        refuse_template(family, std::string(name) + " is " + std::to_string(is) + ", there are " +
                                    std::to_string(expected));
    };
    expect("chunk", of.chunk, chunks, of.chunk < chunks);
    expect("term", of.term, terms, of.term < terms);
    const std::size_t n = of.samples.end - of.samples.begin;
    expect("the size of amplitude", of.amplitude_size, n, of.amplitude_size == n);
    expect("the size of value", of.value_size, n, of.value_size == n);
}

// Intervals of all chunks, numbered one after the other.
template <class A>
class interval_table {
public:
    interval_table(const char* family, std::span<const std::vector<baseline>> chunks) {
        for (std::size_t k = 0; k < chunks.size(); ++k) {
            std::size_t end = 0;
            for (const baseline& b : chunks[k]) {
                if (b.begin < end || b.length > std::numeric_limits<std::size_t>::max() - b.begin) {
                    refuse(family, k,
                           "an interval of " + std::to_string(b.length) + " samples from " +
                               std::to_string(b.begin) + " on follows one that ends at " +
                               std::to_string(end));
                }
                end = b.begin + b.length;
            }
            all_.insert(all_.end(), chunks[k].begin(), chunks[k].end());
            first_.push_back(all_.size());
        }
    }

    std::size_t chunks() const noexcept { return first_.size() - 1; }
    std::size_t size() const noexcept { return all_.size(); }

    // Calls f(number, interval, common) for each interval that has samples in common with these.
    template <class F>
    void for_each(std::size_t chunk, range samples, F&& f) const {
        const baseline *const begin = all_.data() + first_[chunk], *const end =
                                                                       all_.data() + first_[chunk + 1];
        const auto ends_before = [](const baseline& b, std::size_t at) {
            return b.begin + b.length <= at;
        };
        for (auto b = std::lower_bound(begin, end, samples.begin, ends_before);
             b != end && b->begin < samples.end; ++b) {
            const range common{std::max(b->begin, samples.begin),
                               std::min(b->begin + b->length, samples.end)};
            if (common.begin < common.end) f(static_cast<std::size_t>(b - all_.data()), *b, common);
        }
    }

private:
    std::vector<baseline> all_;
    std::vector<std::size_t> first_ = {0}; // of a chunk's intervals; one more than there are chunks
};

} // namespace detail

/// 1 in a baseline, 0 elsewhere: an amplitude a baseline, chunk by chunk in the order of time.
///
/// Throws   std::invalid_argument if baselines overlap or come out of order, or there are 2^31 and more; from row,
///          if there is no such chunk or spans are not as long as the range of samples
/// Example  const offsets f({equal_baselines(0, 7200, 100), equal_baselines(0, 3600, 100)});
template <class A = default_arch>
class offsets {
public:
    explicit offsets(std::span<const std::vector<baseline>> chunks) : baselines_("offsets", chunks) {
        detail::checked_amplitudes("offsets", baselines_.size(), 1);
    }
    explicit offsets(const std::vector<std::vector<baseline>>& chunks) : offsets(std::span(chunks)) {}

    std::size_t size() const noexcept { return baselines_.size(); }
    std::size_t terms() const noexcept { return 1; }
    void row(std::size_t chunk, std::size_t term, range samples, std::span<std::int32_t> amplitude,
             std::span<double> value) const {
        detail::check_row("offsets", {chunk, term, samples, amplitude.size(), value.size()},
                          baselines_.chunks(), terms());
        std::fill(amplitude.begin(), amplitude.end(), -1);
        std::fill(value.begin(), value.end(), 1.0);
        baselines_.for_each(chunk, samples, [&](std::size_t number, const baseline&, range common) {
            std::fill_n(amplitude.data() + (common.begin - samples.begin), common.end - common.begin,
                        static_cast<std::int32_t>(number));
        });
    }

private:
    detail::interval_table<A> baselines_;
};

/// P_first .. P_last over intervals, the samples of an interval of n at x = (2 i + 1 - n) / n. Amplitudes are
/// interval by interval, an interval's orders side by side. An order 0 does what an offset of the same samples does:
/// with offsets that fill the intervals, take orders from 1 on.
///
/// Accuracy as legendre::basis
/// Throws   std::invalid_argument if first is above last, last is above 65535, intervals overlap or come out of order,
///          or there are 2^31 amplitudes and more; from row as offsets
/// Example  const legendre_polynomials drift(scans, 1, 3);   // std::vector<baseline> of each chunk
template <class A = default_arch>
class legendre_polynomials {
public:
    legendre_polynomials(std::span<const std::vector<baseline>> intervals, std::size_t first,
                         std::size_t last)
        : intervals_("legendre_polynomials", intervals), first_(first), last_(last) {
        if (first > last) {
            detail::refuse_template("legendre_polynomials", "first order is " + std::to_string(first) +
                                                                ", last order " + std::to_string(last));
        }
        constexpr std::size_t most = 65535; // a table has each, whether or not there are intervals
        if (last > most) {
            detail::refuse_template("legendre_polynomials", "last order is " + std::to_string(last) +
                                                                ", expected " + std::to_string(most) +
                                                                " or less");
        }
        detail::checked_amplitudes("legendre_polynomials", intervals_.size(), terms());
    }
    legendre_polynomials(const std::vector<std::vector<baseline>>& intervals, std::size_t first,
                         std::size_t last)
        : legendre_polynomials(std::span(intervals), first, last) {}

    std::size_t size() const noexcept { return intervals_.size() * terms(); }
    std::size_t terms() const noexcept { return last_ - first_ + 1; }
    void row(std::size_t chunk, std::size_t term, range samples, std::span<std::int32_t> amplitude,
             std::span<double> value) const {
        detail::check_row("legendre_polynomials", {chunk, term, samples, amplitude.size(), value.size()},
                          intervals_.chunks(), terms());
        std::fill(amplitude.begin(), amplitude.end(), -1);
        std::fill(value.begin(), value.end(), 0.0);
        intervals_.for_each(chunk, samples, [&](std::size_t number, const baseline& b, range common) {
            const std::size_t at = common.begin - samples.begin, count = common.end - common.begin;
            std::fill_n(amplitude.data() + at, count,
                        static_cast<std::int32_t>(number * terms() + term));
            evaluate(first_ + term, b, common, value.data() + at);
        });
    }

private:
    // P_order at those of an interval's samples.
    static void evaluate(std::size_t order, const baseline& interval, range samples, double* value) {
        std::vector<double> x(samples.end - samples.begin);
        const double n = static_cast<double>(interval.length);
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] = (static_cast<double>(2 * (samples.begin - interval.begin + i) + 1) - n) / n;
        }
        legendre::for_each_tile<double, A>(x, order + 1, [&](const legendre::basis_tile<double>& tile) {
            std::copy_n(tile.row(order), tile.count, value + tile.first);
        });
    }

    detail::interval_table<A> intervals_;
    std::size_t first_, last_;
};

/// 1 while a phase lies in a bin, 0 elsewhere: bin floor(bins phase / period) of each chunk, whatever whole number
/// of periods is added. Samples without a phase (NaN, infinite) are in no bin. Amplitudes are chunk by chunk. The
/// sum of a chunk's bins is constant: what is between them and offsets of the chunk is in neither.
///
/// Shapes   phases: of each chunk (n); views, whose owner keeps them alive
/// Throws   std::invalid_argument if bins is 0, the period is not a positive finite number, or there are 2^31
///          amplitudes and more; from row as offsets, and if there are fewer phases than samples
/// Example  const periodic_bins ground(azimuth, 72, 2 * std::numbers::pi); // std::vector<std::span<const float>>
template <std::floating_point T, class A = default_arch>
class periodic_bins {
public:
    periodic_bins(std::vector<std::span<const T>> phases, std::size_t bins, double period)
        : phases_(std::move(phases)), bins_(bins), period_(period) {
        if (bins == 0) detail::refuse_template("periodic_bins", "bins is 0, expected 1 or more");
        if (!(period > 0) || !std::isfinite(period)) {
            detail::refuse_template("periodic_bins", "period is " + std::to_string(period) +
                                                         ", expected a positive finite number");
        }
        detail::checked_amplitudes("periodic_bins", phases_.size(), bins);
    }

    std::size_t size() const noexcept { return phases_.size() * bins_; }
    std::size_t terms() const noexcept { return 1; }
    void row(std::size_t chunk, std::size_t term, range samples, std::span<std::int32_t> amplitude,
             std::span<double> value) const {
        detail::check_row("periodic_bins", {chunk, term, samples, amplitude.size(), value.size()},
                          phases_.size(), terms());
        if (samples.end > phases_[chunk].size()) {
            detail::refuse("periodic_bins", chunk,
                           std::to_string(phases_[chunk].size()) + " phases, expected " +
                               std::to_string(samples.end) + " or more");
        }
        std::fill(value.begin(), value.end(), 1.0);
        for (std::size_t i = 0; i < amplitude.size(); ++i) {
            const std::ptrdiff_t bin = bin_of(static_cast<double>(phases_[chunk][samples.begin + i]));
            amplitude[i] = static_cast<std::int32_t>(
                bin < 0 ? -1 : static_cast<std::ptrdiff_t>(chunk * bins_) + bin);
        }
    }

private:
    std::ptrdiff_t bin_of(double phase) const noexcept {
        const double periods = phase / period_, part = periods - std::floor(periods);
        if (!(part >= 0)) return -1;
        // a phase just below 0 is rounded to a whole period
        const auto bin = static_cast<std::size_t>(part * static_cast<double>(bins_));
        return static_cast<std::ptrdiff_t>(std::min(bin, bins_ - 1));
    }

    std::vector<std::span<const T>> phases_;
    std::size_t bins_;
    double period_;
};

namespace detail {

// Calls f(i, amplitude, value) for what is not zero of F at samples first .. first + n - 1, i from 0 on, a piece
// of samples at a time and in it term by term.
template <class A, template_family Family, class F>
void for_each_element(const Family& family, std::size_t chunk, std::size_t first, std::size_t n, F&& f) {
    constexpr std::size_t piece = 512;
    std::int32_t amplitude[piece];
    double value[piece];
    for (std::size_t begin = 0; begin < n; begin += piece) {
        const std::size_t count = std::min(piece, n - begin);
        for (std::size_t term = 0; term < family.terms(); ++term) {
            family.row(chunk, term, {first + begin, first + begin + count}, std::span(amplitude, count),
                       std::span(value, count));
            for (std::size_t i = 0; i < count; ++i) {
                if (amplitude[i] < 0) continue;
                const auto number = static_cast<std::size_t>(amplitude[i]);
                assert(number < family.size());
                f(begin + i, number, value[i]);
            }
        }
    }
}

template <template_family Family>
void check_vector(const char* call, const char* name, std::size_t size, const Family& family) {
    if (size == family.size()) return;
    refuse_template(call, std::string(name) + " has " + std::to_string(size) +
                              " elements, the family has " + std::to_string(family.size()) +
                              " amplitudes");
}

} // namespace detail

/// Adds a family's templates to data: tod += F a.
///
/// Shapes    a (family.size()); tod: samples first, first + 1, ... of the chunk
/// Aliasing  none
/// Accuracy  the adjoint of project to 1e-13 of the product of norms
/// Threads   one; chunks may be expanded at the same time
/// Throws    std::invalid_argument if a has another size; what row throws
template <class A = default_arch, template_family Family>
void expand(const Family& family, std::size_t chunk, std::span<const double> a, std::size_t first,
            std::span<double> tod) {
    detail::check_vector("expand", "a", a.size(), family);
    detail::for_each_element<A>(family, chunk, first, tod.size(),
                                [&](std::size_t i, std::size_t amplitude, double value)
                                    DESTRIER_UNROLLED { tod[i] += value * a[amplitude]; });
}

/// The adjoint of expand: out += F' tod.
///
/// Shapes    tod: samples first, first + 1, ... of the chunk; out (family.size())
/// Aliasing  none
/// Threads   one; no two may share an out
/// Throws    std::invalid_argument if out has another size; what row throws
template <class A = default_arch, template_family Family>
void project(const Family& family, std::size_t chunk, std::span<const double> tod, std::size_t first,
             std::span<double> out) {
    detail::check_vector("project", "out", out.size(), family);
    detail::for_each_element<A>(family, chunk, first, tod.size(),
                                [&](std::size_t i, std::size_t amplitude, double value)
                                    DESTRIER_UNROLLED { out[amplitude] += value * tod[i]; });
}

} // namespace destrier::destripe
