// SPDX-License-Identifier: BSD-3-Clause
#include "axis/vo.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include <destrier/fft.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>

#include "fft_kernels.hpp"

namespace tomo {
namespace {

using destrier::buffer;
using destrier::complex_blocks;
using destrier::real_blocks;
using destrier::view;

constexpr std::size_t lanes = destrier::line<float>;
constexpr double pi = std::numbers::pi;

// Orders up to this one are left out: they hold what drifts during a scan, beam and detector.
constexpr double slow_orders = 5;
// Frequencies above this one are left out, in cycles a pixel: towards 1/2 the noise of a pixel and of
// its mirror image agree wherever the axis is a whole or half number of pixels.
constexpr double highest_frequency = 0.4;
// The coarse search sees about so many projections: what it loses is detail it has no use for.
constexpr std::size_t coarse_projections = 192;

using scores = std::array<double, lanes>; // of sixteen candidates

void add(scores& sum, const scores& part) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sum[lane] += part[lane];
}

// Sinograms in order of angle over half a turn, the first at angle 0.
struct half_turn {
    std::vector<double> angle;
    view<const float, 3> sinograms; // (slices, angles, columns)

    std::size_t size() const noexcept { return angle.size(); }
    std::size_t columns() const noexcept { return sinograms.extent(2); }
};

// Which projections make half a turn, in order.
std::vector<std::size_t> order_of_half_turn(std::span<const double> theta) {
    std::vector<std::size_t> order(theta.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return theta[a] < theta[b]; });
    // A scan that goes on repeats what mirroring gives.
    const auto repeated = [&](std::size_t i) { return theta[i] - theta[order.front()] > pi - 1e-6; };
    order.erase(std::find_if(order.begin(), order.end(), repeated), order.end());
    return order;
}

std::vector<float> in_order(view<const float, 3> sinograms, const std::vector<std::size_t>& order) {
    std::vector<float> sorted;
    sorted.reserve(sinograms.extent(0) * order.size() * sinograms.extent(2));
    for (std::size_t slice = 0; slice < sinograms.extent(0); ++slice) {
        for (const std::size_t p : order) {
            for (std::size_t k = 0; k < sinograms.extent(2); ++k)
                sorted.push_back(sinograms(slice, p, k));
        }
    }
    return sorted;
}

// Every step-th projection.
half_turn thinned(const half_turn& all, std::size_t step) {
    half_turn some;
    for (std::size_t i = 0; i < all.size(); i += step) some.angle.push_back(all.angle[i]);
    const auto [slices, angles, columns] = all.sinograms.strides();
    some.sinograms =
        view<const float, 3>(all.sinograms.data(), {all.sinograms.extent(0), some.size(), all.columns()},
                             {slices, angles * static_cast<std::ptrdiff_t>(step), columns});
    return some;
}

void require_no_gap(const half_turn& half) {
    double widest = pi - half.angle.back();
    for (std::size_t i = 1; i < half.size(); ++i)
        widest = std::max(widest, half.angle[i] - half.angle[i - 1]);
    if (widest > 5 * pi / 180) {
        throw no_axis("half a turn has a gap of " + std::to_string(widest * 180 / pi) +
                      " degrees without projections, expected at most 5");
    }
}

// What is cut out of the detector: pixels center - half_width .. center + half_width - 1.
struct window {
    std::size_t half_width;
    std::vector<float> weight; // flat in its inner half, falling as cos^2 to 0 at its ends

    // The widest one, up to this, whose length the Fourier transform likes.
    explicit window(std::size_t most) : half_width(most) {
        while (destrier::fft::good_size(2 * half_width) != 2 * half_width) --half_width;
        for (std::size_t i = 0; i < 2 * half_width; ++i) {
            const double x = std::abs(static_cast<double>(i) / static_cast<double>(half_width) - 1);
            const double fall = std::cos(pi * std::max(x - 0.5, 0.0));
            weight.push_back(static_cast<float>(fall * fall));
        }
    }
    std::size_t length() const noexcept { return weight.size(); }
};

// Packs pieces of detector rows through the window into lane blocks.
void pack_windowed(view<const float, 2> pieces, const window& w, real_blocks<float> out) {
    destrier::pack(pieces, out,
                   [&](auto x, destrier::lane_position at) { return x * w.weight[at.element]; });
}

// One angle of the whole turn, between two neighbours among the measured projections and their mirror
// images half a turn on.
struct tap {
    std::size_t projection;
    float direct, mirrored; // weights; one of them is 0
};
using taps = std::array<tap, 2>;

// n equal steps over the whole turn.
std::vector<taps> whole_turn(const half_turn& half, std::size_t n) {
    const std::size_t measured = half.size();
    const auto angle_of = [&](std::size_t i) {
        return half.angle[i % measured] + pi * static_cast<double>(i / measured);
    };
    std::vector<taps> turn(n);
    for (std::size_t row = 0, i = 0; row < n; ++row) {
        const double angle = 2 * pi * static_cast<double>(row) / static_cast<double>(n);
        while (i + 1 < 2 * measured && angle_of(i + 1) <= angle) ++i;
        const double along = (angle - angle_of(i)) / (angle_of(i + 1) - angle_of(i));
        for (const std::size_t side : {0u, 1u}) {
            const std::size_t j = (i + side) % (2 * measured);
            const auto weight = static_cast<float>(side == 0 ? 1 - along : along);
            turn[row][side] = {j % measured, j < measured ? weight : 0, j < measured ? 0 : weight};
        }
    }
    return turn;
}

// The spectra of sixteen candidates at one frequency: [projection][re|im][lane]. A mirror image has
// the conjugate spectrum, each candidate being the origin of its own.
using candidate_lines = const float*;

// Transforms along the angle and adds up what lies outside the wedge.
class wedge {
public:
    wedge(const half_turn& half, std::size_t length)
        : length_(length), plan_(destrier::fft::good_size(2 * half.size())),
          turn_(whole_turn(half, plan_.size())),
          orders_per_bin_(2 * pi * static_cast<double>(half.columns()) / 4 /
                          static_cast<double>(length)) {
        const auto highest = static_cast<std::size_t>(highest_frequency * static_cast<double>(length));
        while (bins_ < highest && first_order(bins_ + 1) <= plan_.size() / 2) ++bins_;
    }

    // Bins 1 .. bins() have something outside; bin k is the frequency k / length, in cycles a pixel.
    std::size_t bins() const noexcept { return bins_; }
    std::size_t length() const noexcept { return length_; }
    std::size_t orders_size() const { return complex_blocks<float>::size_for(plan_.size(), lanes); }
    std::size_t scratch_size() const { return plan_.scratch_size(); }

    // orders holds orders_size() elements, scratch scratch_size().
    scores outside(std::size_t bin, candidate_lines lines, std::span<float> orders,
                   std::span<float> scratch) const {
        const complex_blocks<float> rows(orders.data(), plan_.size(), lanes);
        for (std::size_t row = 0; row < turn_.size(); ++row)
            resample(turn_[row], lines, rows.at(0, row));
        plan_.forward(rows, rows, scratch);
        return sum_outside(rows, first_order(bin));
    }

private:
    // The radius is a quarter of the detector, as Vo has it: what little of a larger object this counts
    // as outside is the same for all candidates.
    std::size_t first_order(std::size_t bin) const {
        return static_cast<std::size_t>(orders_per_bin_ * static_cast<double>(bin) + slow_orders) + 1;
    }

    static void resample(const taps& both, candidate_lines lines, float* out) {
        const auto& [a, b] = both;
        const float *x = lines + a.projection * 2 * lanes, *y = lines + b.projection * 2 * lanes;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            out[lane] = (a.direct + a.mirrored) * x[lane] + (b.direct + b.mirrored) * y[lane];
            out[lanes + lane] =
                (a.direct - a.mirrored) * x[lanes + lane] + (b.direct - b.mirrored) * y[lanes + lane];
        }
    }

    // Orders first .. n - first, which are first .. n / 2 of either sign.
    static scores sum_outside(complex_blocks<const float> orders, std::size_t first) {
        std::array<float, lanes> magnitudes{};
        for (std::size_t m = first; m <= orders.elements() - first; ++m) {
            const float *re = orders.at(0, m, 0), *im = orders.at(0, m, 1);
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                magnitudes[lane] += std::sqrt(re[lane] * re[lane] + im[lane] * im[lane]);
            }
        }
        scores sum{};
        std::copy(magnitudes.begin(), magnitudes.end(), sum.begin());
        return sum;
    }

    std::size_t length_;
    destrier::fft::plan_c2c<float> plan_;
    std::vector<taps> turn_;
    double orders_per_bin_;
    std::size_t bins_ = 0;
};

// Adds up all bins, in parallel; lines_of(bin, space) gives the candidates' spectra, in space
// (lines_size elements) or elsewhere.
template <class LinesOf>
scores sum_over_bins(const wedge& w, std::size_t lines_size, int threads, LinesOf&& lines_of) {
    std::vector<scores> of_bin(w.bins());
    destrier::parallel_ranges(w.bins(), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
        buffer<float> orders(w.orders_size()), scratch(w.scratch_size()), lines(lines_size);
        for (std::size_t i = begin; i < end; ++i) {
            of_bin[i] = w.outside(i + 1, lines_of(i + 1, lines.data()), orders.span(), scratch.span());
        }
    });
    scores sum{};
    for (const scores& part : of_bin) add(sum, part);
    return sum;
}

// Candidates first .. first + 15, in whole pixels: each row is cut out sixteen times, a pixel apart.
scores score_whole_pixels(const half_turn& half, const wedge& w, const window& cut, std::size_t first,
                          int threads) {
    const destrier::fft::plan_r2c<float> plan(cut.length());
    const std::size_t lines_size = half.size() * 2 * lanes;
    buffer<float> spectra((w.bins() + 1) * lines_size, {}, threads); // [bin][projection][re|im][lane]
    scores sum{};
    for (std::size_t slice = 0; slice < half.sinograms.extent(0); ++slice) {
        destrier::parallel_ranges(
            half.size(), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
                buffer<float> pieces(real_blocks<float>::size_for(cut.length(), lanes));
                buffer<float> spectrum(complex_blocks<float>::size_for(plan.spectrum_size(), lanes));
                buffer<float> scratch(plan.scratch_size());
                const real_blocks<float> in(pieces.data(), cut.length(), lanes);
                const complex_blocks<float> out(spectrum.data(), plan.spectrum_size(), lanes);
                for (std::size_t p = begin; p < end; ++p) {
                    const float* row = &half.sinograms(slice, p, first - cut.half_width);
                    pack_windowed(view<const float, 2>(row, {lanes, cut.length()}, {1, 1}), cut, in);
                    plan.forward(in, out, scratch.span());
                    for (std::size_t bin = 0; bin <= w.bins(); ++bin) {
                        std::copy_n(out.at(0, bin), 2 * lanes,
                                    spectra.data() + bin * lines_size + p * 2 * lanes);
                    }
                }
            });
        add(sum, sum_over_bins(w, 0, threads, [&](std::size_t bin, float*) {
                return spectra.data() + bin * lines_size;
            }));
    }
    return sum;
}

// Every whole pixel of the middle half.
std::size_t best_whole_pixel(const half_turn& half, int threads) {
    const window cut(half.columns() / 4);
    const wedge w(half, cut.length());
    const std::size_t first = cut.half_width, last = half.columns() - cut.half_width;
    double least = std::numeric_limits<double>::infinity();
    std::size_t best = first;
    for (std::size_t from = first; from <= last; from += lanes) {
        const std::size_t begin = std::min(from, last - (lanes - 1)); // the last sixteen end at `last`
        const scores here = score_whole_pixels(half, w, cut, begin, threads);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            if (here[lane] < least) {
                least = here[lane];
                best = begin + lane;
            }
        }
    }
    if (best == first || best == last) {
        throw no_axis("no place in the middle half of the detector, " + std::to_string(first) + " to " +
                      std::to_string(last) + ", is better than its neighbours");
    }
    return best;
}

// Moves about the best whole pixel, by phases on spectra that are computed once.
class refinement {
public:
    refinement(const half_turn& half, std::size_t center, int threads)
        : half_(half), cut_(std::min(center, half.columns() - center)), wedge_(half, cut_.length()),
          threads_(threads) {
        const destrier::fft::plan_r2c<float> plan(cut_.length());
        const std::size_t n = half.size(), elements = plan.spectrum_size();
        buffer<float> pieces(real_blocks<float>::size_for(cut_.length(), n), {}, threads);
        const real_blocks<float> in(pieces.data(), cut_.length(), n);
        for (std::size_t slice = 0; slice < half.sinograms.extent(0); ++slice) {
            spectra_.emplace_back(complex_blocks<float>::size_for(elements, n), destrier::memory{},
                                  threads);
            pack_windowed(half.sinograms.at(0, slice).slice(1, center - cut_.half_width, cut_.length()),
                          cut_, in);
            plan.forward(in, complex_blocks<float>(spectra_.back().data(), elements, n), {}, 1, threads);
        }
    }

    // The best of sixteen moves, `step` apart and about `middle`.
    double best_move(double middle, double step) const {
        std::array<double, lanes> moves;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            moves[lane] = middle + step * (static_cast<double>(lane) - lanes / 2);
        }
        scores sum{};
        for (const buffer<float>& spectrum : spectra_) {
            const complex_blocks<const float> rows(spectrum.data(), cut_.length() / 2 + 1, half_.size());
            add(sum, sum_over_bins(wedge_, half_.size() * 2 * lanes, threads_,
                                   [&](std::size_t bin, float* lines) {
                                       move(rows, bin, moves, lines);
                                       return lines;
                                   }));
        }
        return moves[static_cast<std::size_t>(std::min_element(sum.begin(), sum.end()) - sum.begin())];
    }

private:
    // With the origin moved by d, the spectrum has turned by exp(2 pi i u d).
    void move(complex_blocks<const float> rows, std::size_t bin, const std::array<double, lanes>& moves,
              float* lines) const {
        std::array<float, lanes> cosine, sine;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double phase =
                2 * pi * static_cast<double>(bin) * moves[lane] / static_cast<double>(cut_.length());
            cosine[lane] = static_cast<float>(std::cos(phase));
            sine[lane] = static_cast<float>(std::sin(phase));
        }
        for (std::size_t p = 0; p < half_.size(); ++p) {
            const float re = rows.at(p / lanes, bin, 0)[p % lanes],
                        im = rows.at(p / lanes, bin, 1)[p % lanes];
            float* out = lines + p * 2 * lanes;
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                out[lane] = re * cosine[lane] - im * sine[lane];
                out[lanes + lane] = re * sine[lane] + im * cosine[lane];
            }
        }
    }

    const half_turn& half_;
    window cut_;
    wedge wedge_;
    int threads_;
    std::vector<buffer<float>> spectra_; // one a slice: (angles) spectra
};

} // namespace

double vo_axis(view<const float, 3> sinograms, std::span<const double> theta, int threads) {
    if (sinograms.extent(2) < 64) {
        throw no_axis("the detector has " + std::to_string(sinograms.extent(2)) +
                      " columns, expected 64 or more");
    }
    const std::vector<std::size_t> order = order_of_half_turn(theta);
    const std::vector<float> sorted = in_order(sinograms, order);
    half_turn half;
    for (const std::size_t i : order) half.angle.push_back(theta[i] - theta[order.front()]);
    half.sinograms =
        view<const float, 3>(sorted.data(), {sinograms.extent(0), half.size(), sinograms.extent(2)});
    require_no_gap(half);

    const std::size_t step = std::max<std::size_t>(half.size() / coarse_projections, 1);
    const std::size_t center = best_whole_pixel(thinned(half, step), threads);
    const refinement refine(half, center, threads);
    const double near = refine.best_move(0, 1.0 / 8);
    return static_cast<double>(center) + refine.best_move(near, 1.0 / 64);
}

} // namespace tomo
