// SPDX-License-Identifier: BSD-3-Clause
#include "extract/extract.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <string>

#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

#include "extract/lapack.hpp"
#include "extract/normal_equations.hpp"
#include "extract/spots.hpp"

namespace spectra {
namespace {

using V = destrier::batch<double>;
constexpr std::size_t lanes = destrier::width<double>;

// to += scale * spot, row by row.
void add_spot(const double* spot, std::size_t ny, std::size_t spot_pitch, double scale, double* to,
              std::size_t pitch) {
    for (std::size_t row = 0; row < ny; ++row) {
        for (std::size_t ix = 0; ix < spot_pitch; ix += lanes) {
            double* const pixels = to + row * pitch + ix;
            const V sum = destrier::fmadd(V(scale), V::load_aligned(spot + row * spot_pitch + ix),
                                          V::load_unaligned(pixels));
            sum.store_unaligned(pixels);
        }
    }
}

// The sum of the image under a spot, weighted with it.
double seen_by(const double* spot, std::size_t ny, std::size_t spot_pitch, const double* image,
               std::size_t pitch) {
    V sum(0.0);
    for (std::size_t row = 0; row < ny; ++row) {
        for (std::size_t ix = 0; ix < spot_pitch; ix += lanes) {
            sum = destrier::fmadd(V::load_aligned(spot + row * spot_pitch + ix),
                                  V::load_unaligned(image + row * pitch + ix), sum);
        }
    }
    alignas(64) double lane[lanes];
    sum.store_aligned(lane);
    double total = 0;
    for (const double x : lane) total += x;
    return total;
}

// Columns of patches, one by one, into the arrays of a bundle.
class column_extractor {
public:
    column_extractor(const psf& p, const exposure& e, std::span<const float> weights, fiber_span wanted,
                     const extract_options& options, bundle_spectra& out)
        : psf_(p), ccd_(e), weights_(weights), wanted_(wanted), options_(options), out_(out),
          clock_(seconds), deconvolved_(out.fibers * options.patches.waves) {}

    /// `wavelengths` are those of the patches; `done` is called after each of them.
    void extract(fiber_span fibers, std::span<const double> wavelengths, std::span<const patch> patches,
                 model_piece* model, const std::function<void()>& done) {
        clock_.ends(stage::rest);
        evaluate_spots(psf_, fibers.begin, fibers.end - fibers.begin, wavelengths, spots_);
        clock_.ends(stage::spots);
        std::fill(deconvolved_.begin(), deconvolved_.end(), 0.0);
        for (const patch& at : patches) {
            extract(at);
            done();
        }
        if (model) make_model(patches.front(), *model);
        clock_.ends(stage::rest);
    }

    stage_seconds seconds = {};
    std::size_t clipped = 0;

private:
    void extract(const patch& at) {
        cut_out(at, spots_, ccd_, weights_, options_.patches.row_padding, image_);
        if (image_.empty()) return;
        places_.place(at, spots_, image_);
        accumulator_.accumulate(at, places_, image_, equations_);
        const bool seen = *std::max_element(equations_.weight.begin(), equations_.weight.end()) > 0;
        clock_.ends(stage::accumulate);
        if (!seen) return;
        regularise(equations_);
        solver_.solve(at, equations_, options_.algorithm, solution_, clock_);
        clipped += solution_.clipped ? 1 : 0;
        compare_with_image();
        for (std::size_t kept = 0; kept < at.kept_fibers; ++kept) {
            const std::size_t fiber = spots_.first_fiber + at.first_fiber + at.kept_fiber + kept;
            if (fiber >= wanted_.begin && fiber < wanted_.end) keep(at, kept, fiber - wanted_.begin);
        }
        clock_.ends(stage::rest);
    }

    // chi2_ becomes the squared deviation of the image from the model, in units of the variance of both; usable_ 1
    // where a pixel counts.
    void compare_with_image() {
        const std::size_t n = image_.ny * image_.pitch;
        chi2_.assign(n, 0.0);
        usable_.assign(n, 0.0);
        for (std::size_t i = 0; i < places_.spot.size(); ++i) {
            if (!places_.spot[i]) continue;
            add_spot(places_.spot[i], places_.ny, places_.pitch, solution_.deconvolved[i],
                     &chi2_[places_.offset[i]], image_.pitch);
        }
        for (std::size_t i = 0; i < n; ++i) {
            const double model = chi2_[i], weight = image_.weight[i],
                         deviation = image_.pixel[i] - model;
            const double model_error = options_.psf_error * model;
            usable_[i] = weight > 0 ? 1 : 0;
            chi2_[i] = weight > 0 ? deviation * deviation / (model_error * model_error + 1 / weight) : 0;
        }
    }

    void keep(const patch& at, std::size_t kept, std::size_t fiber) {
        const std::size_t bins = options_.wavelength.size(), waves = at.waves;
        const std::size_t diagonals = spots_.ny, half = diagonals / 2;
        const double* resolution = &solution_.resolution[kept * waves * waves];
        for (std::size_t k = 0; k < at.kept_waves; ++k) {
            const std::size_t wave = at.kept_wave + k, bin = at.first_bin + k;
            const std::size_t i = at.unknown(at.kept_fiber + kept, wave), to = fiber * bins + bin;
            for (std::size_t d = 0; d < diagonals; ++d) {
                if (wave + d < half || wave + d - half >= waves)
                    continue; // padding is less than half a spot
                const std::size_t row = wave + d - half;
                if (equations_.weight[at.unknown(at.kept_fiber + kept, row)] > 0) {
                    out_.resolution[(fiber * diagonals + d) * bins + bin] =
                        resolution[row * waves + wave];
                }
            }
            out_.pixmask_fraction[to] = equations_.masked_fraction[i];
            if (!(equations_.weight[i] > 0)) continue;
            out_.flux[to] = solution_.flux[kept * waves + wave];
            out_.ivar[to] = solution_.ivar[kept * waves + wave];
            deconvolved_[fiber * options_.patches.waves + k] = solution_.deconvolved[i];
            const double usable = seen_by(places_.spot[i], places_.ny, places_.pitch,
                                          &usable_[places_.offset[i]], image_.pitch);
            const double chi2 = seen_by(places_.spot[i], places_.ny, places_.pitch,
                                        &chi2_[places_.offset[i]], image_.pitch);
            out_.chi2pix[to] = usable > 0 ? chi2 / usable : 0;
        }
    }

    // What the fluxes of a column look like on the CCD.
    void make_model(const patch& at, model_piece& model) const {
        const std::size_t skipped = wanted_.begin - spots_.first_fiber;
        const extent all =
            covered(spots_, ccd_, {skipped, skipped + out_.fibers}, at.kept_wave, at.kept_waves);
        if (all.empty()) return;
        model.x0 = all.x_begin;
        model.y0 = all.y_begin;
        model.nx = static_cast<std::size_t>(all.x_end - all.x_begin) + spots_.pitch - spots_.nx;
        model.ny = static_cast<std::size_t>(all.y_end - all.y_begin);
        model.electrons.assign(model.nx * model.ny, 0.0);
        for (std::size_t fiber = 0; fiber < out_.fibers; ++fiber) {
            for (std::size_t k = 0; k < at.kept_waves; ++k) {
                const double flux = deconvolved_[fiber * options_.patches.waves + k];
                if (flux == 0) continue; // as with all bins beside the CCD
                const std::size_t i = (skipped + fiber) * spots_.wavelengths + at.kept_wave + k;
                const std::size_t x = static_cast<std::size_t>(spots_.x0[i] - model.x0);
                const std::size_t y = static_cast<std::size_t>(spots_.y0[i] - model.y0);
                add_spot(spots_.spot(skipped + fiber, at.kept_wave + k), spots_.ny, spots_.pitch, flux,
                         &model.electrons[y * model.nx + x], model.nx);
            }
        }
    }

    const psf& psf_;
    const exposure& ccd_;
    std::span<const float> weights_;
    fiber_span wanted_;
    const extract_options& options_;
    bundle_spectra& out_;
    stage_clock clock_;
    spot_table spots_;
    patch_image image_;
    patch_spots places_;
    accumulator accumulator_;
    normal_equations equations_;
    solver solver_;
    patch_solution solution_;
    std::vector<double> deconvolved_;   // (fibers, kept waves) of the column
    std::vector<double> chi2_, usable_; // as image_
};

void check(const psf& p, const exposure& e, std::span<const float> weights) {
    const auto shape = [](std::size_t nx, std::size_t ny) {
        return std::to_string(nx) + " x " + std::to_string(ny);
    };
    if (e.image.size() != e.nx * e.ny || weights.size() != e.nx * e.ny) {
        throw std::invalid_argument("extract: " + std::to_string(e.image.size()) + " pixels and " +
                                    std::to_string(weights.size()) + " weights, expected " +
                                    shape(e.nx, e.ny));
    }
    if (p.nx != 0 && p.ny != 0 && (p.nx != e.nx || p.ny != e.ny)) {
        throw std::invalid_argument("extract: the image has " + shape(e.nx, e.ny) +
                                    " pixels, the PSF is for " + shape(p.nx, p.ny));
    }
}

double median_of(std::vector<double>& values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// Medians of chi2pix over the bins with errors, along one axis of (fibers, bins).
std::vector<double> chi2_medians(const frame& f, bool of_fibers) {
    const std::size_t bins = f.wavelength.size();
    const std::size_t outer = of_fibers ? f.fibers : bins, inner = of_fibers ? bins : f.fibers;
    std::vector<double> medians(outer), values;
    for (std::size_t o = 0; o < outer; ++o) {
        values.clear();
        for (std::size_t i = 0; i < inner; ++i) {
            const std::size_t at = of_fibers ? o * bins + i : i * bins + o;
            if (f.ivar[at] > 0) values.push_back(f.chi2pix[at]);
        }
        medians[o] = median_of(values);
    }
    return medians;
}

void set_mask(frame& f) {
    constexpr double too_much = 5;              // times the median
    constexpr std::size_t fibers_that_tell = 3; // of one bin
    const std::size_t bins = f.wavelength.size();
    const std::vector<double> of_fiber = chi2_medians(f, true), of_bin = chi2_medians(f, false);
    f.mask.assign(f.fibers * bins, 0);
    for (std::size_t fiber = 0; fiber < f.fibers; ++fiber) {
        for (std::size_t bin = 0; bin < bins; ++bin) {
            const std::size_t i = fiber * bins + bin;
            const double chi2 = f.chi2pix[i];
            if (f.pixmask_fraction[i] > 0.5) f.mask[i] |= mask_bit::some_bad_pixels;
            if (!(f.ivar[i] > 0)) f.mask[i] |= mask_bit::all_bad_pixels;
            if (f.ivar[i] > 0 && chi2 > too_much * of_fiber[fiber] &&
                (f.fibers < fibers_that_tell || chi2 > too_much * of_bin[bin])) {
                f.mask[i] |= mask_bit::bad_2d_fit;
            }
        }
    }
}

// Widths of the bins: to the middles between them and their neighbours.
std::vector<double> widths_of(std::span<const double> middles) {
    const std::size_t n = middles.size();
    std::vector<double> widths(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t before = i > 0 ? i - 1 : 0, after = std::min(i + 1, n - 1);
        widths[i] = (middles[after] - middles[before]) / static_cast<double>(after - before);
    }
    return widths;
}

void add_model(const model_piece& piece, std::vector<double>& image, std::size_t nx, std::size_t ny) {
    for (std::size_t row = 0; row < piece.ny; ++row) {
        const int y = piece.y0 + static_cast<int>(row);
        if (y < 0 || y >= static_cast<int>(ny)) continue;
        for (std::size_t column = 0; column < piece.nx; ++column) {
            const int x = piece.x0 + static_cast<int>(column);
            if (x < 0 || x >= static_cast<int>(nx)) continue;
            image[static_cast<std::size_t>(y) * nx + static_cast<std::size_t>(x)] +=
                piece.electrons[row * piece.nx + column];
        }
    }
}

} // namespace

std::vector<fiber_span> bundles_of(const extract_options& options) {
    const std::size_t size = options.patches.bundle, end = options.first_fiber + options.fibers;
    std::vector<fiber_span> bundles;
    for (std::size_t begin = options.first_fiber; begin < end; begin = bundles.back().end) {
        bundles.push_back({begin, std::min(end, begin / size * size + size)});
    }
    return bundles;
}

bundle_spectra extract_bundle(const psf& p, const exposure& e, std::span<const float> weights,
                              fiber_span wanted, const extract_options& options,
                              const patch_progress& progress) {
    check(p, e, weights);
    use_one_blas_thread();
    const std::size_t bins = options.wavelength.size();
    const bundle_plan plan = plan_bundle(wanted, p.fibers, bins, options.patches);
    const std::vector<double> wavelengths = padded_wavelengths(options.wavelength, options.patches);
    const int threads = destrier::thread_count(options.threads);

    bundle_spectra out;
    out.first_fiber = wanted.begin;
    out.fibers = wanted.end - wanted.begin;
    out.patches = plan.patches.size();
    const std::size_t values = out.fibers * bins;
    for (std::vector<double>* array : {&out.flux, &out.ivar, &out.chi2pix}) array->assign(values, 0.0);
    out.pixmask_fraction.assign(values, 1.0);
    out.resolution.assign(values * (2 * p.half_y + 1), 0.0);
    if (options.model) out.model.resize(plan.columns);

    // A column's spots are evaluated where they are used, from the fastest memory; the padding, a third, twice.
    std::atomic<std::size_t> next = 0;
    std::size_t done = 0;
    std::mutex one_at_a_time;
    const auto count_patch = [&] {
        const std::lock_guard lock(one_at_a_time);
        ++done;
        if (progress) progress(done, plan.patches.size());
    };
    const std::size_t workers = std::min(static_cast<std::size_t>(threads), plan.columns);
    destrier::parallel_for(workers, threads, [&](std::size_t) {
        column_extractor extractor(p, e, weights, wanted, options, out);
        for (std::size_t column; (column = next++) < plan.columns;) {
            const std::span<const patch> patches = plan.column(column);
            const patch& first = patches.front();
            extractor.extract(plan.spots, std::span(wavelengths).subspan(first.first_bin, first.waves),
                              patches, options.model ? &out.model[column] : nullptr, count_patch);
        }
        const std::lock_guard lock(one_at_a_time);
        out.clipped += extractor.clipped;
        for (std::size_t s = 0; s < stage_count; ++s) out.seconds[s] += extractor.seconds[s];
    });
    return out;
}

void bundle_spectra::append_to(std::vector<double>& to) const {
    for (const std::size_t n : {first_fiber, fibers, patches, clipped, model.size()}) {
        to.push_back(static_cast<double>(n));
    }
    to.insert(to.end(), seconds.begin(), seconds.end());
    const auto append = [&to](const std::vector<double>& array) {
        to.push_back(static_cast<double>(array.size()));
        to.insert(to.end(), array.begin(), array.end());
    };
    for (const auto* array : {&flux, &ivar, &chi2pix, &pixmask_fraction, &resolution}) append(*array);
    for (const model_piece& piece : model) {
        to.push_back(piece.x0);
        to.push_back(piece.y0);
        to.push_back(static_cast<double>(piece.nx));
        append(piece.electrons);
    }
}

bundle_spectra bundle_spectra::take_from(std::span<const double>& from) {
    const auto take = [&from] {
        const double x = from.front();
        from = from.subspan(1);
        return x;
    };
    const auto take_size = [&take] { return static_cast<std::size_t>(take()); };
    const auto take_array = [&](std::vector<double>& array) {
        const std::size_t size = take_size();
        const std::span<const double> values = from.first(size);
        array.assign(values.begin(), values.end());
        from = from.subspan(values.size());
    };
    bundle_spectra b;
    for (std::size_t* n : {&b.first_fiber, &b.fibers, &b.patches, &b.clipped}) *n = take_size();
    b.model.resize(take_size());
    for (double& s : b.seconds) s = take();
    for (auto* array : {&b.flux, &b.ivar, &b.chi2pix, &b.pixmask_fraction, &b.resolution})
        take_array(*array);
    for (model_piece& piece : b.model) {
        piece.x0 = static_cast<int>(take());
        piece.y0 = static_cast<int>(take());
        piece.nx = take_size();
        take_array(piece.electrons);
        piece.ny = piece.nx > 0 ? piece.electrons.size() / piece.nx : 0;
    }
    return b;
}

frame finish_frame(std::span<const bundle_spectra> bundles, const psf& p, const exposure& e,
                   const extract_options& options) {
    const std::size_t bins = options.wavelength.size();
    frame f;
    f.first_fiber = options.first_fiber;
    f.fibers = options.fibers;
    f.diagonals = 2 * p.half_y + 1;
    f.wavelength = options.wavelength;
    f.camera = e.camera.empty() ? p.camera : e.camera;
    f.nx = e.nx;
    f.ny = e.ny;
    const std::size_t values = f.fibers * bins;
    for (auto* array : {&f.flux, &f.ivar, &f.chi2pix, &f.pixmask_fraction}) array->resize(values);
    f.resolution.resize(values * f.diagonals);
    std::vector<double> model(options.model ? e.nx * e.ny : 0);
    for (const bundle_spectra& b : bundles) {
        const auto to = static_cast<std::ptrdiff_t>((b.first_fiber - options.first_fiber) * bins);
        std::copy(b.flux.begin(), b.flux.end(), f.flux.begin() + to);
        std::copy(b.ivar.begin(), b.ivar.end(), f.ivar.begin() + to);
        std::copy(b.chi2pix.begin(), b.chi2pix.end(), f.chi2pix.begin() + to);
        std::copy(b.pixmask_fraction.begin(), b.pixmask_fraction.end(), f.pixmask_fraction.begin() + to);
        std::copy(b.resolution.begin(), b.resolution.end(),
                  f.resolution.begin() + to * static_cast<std::ptrdiff_t>(f.diagonals));
        if (!options.model) continue;
        for (const model_piece& piece : b.model) add_model(piece, model, e.nx, e.ny);
    }
    f.model.assign(model.begin(), model.end());
    const std::vector<double> widths = widths_of(options.wavelength);
    for (std::size_t i = 0; i < values; ++i) {
        f.flux[i] /= widths[i % bins];
        f.ivar[i] *= widths[i % bins] * widths[i % bins];
    }
    set_mask(f);
    return f;
}

} // namespace spectra
