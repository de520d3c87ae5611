// SPDX-License-Identifier: BSD-3-Clause
//
// fft/shapes.hpp: transforms of N-dimensional arrays, in one call.
//
//   fft::c2c(shape, stride_in, stride_out, axes, forward, in, out, fct, nthreads);
//   fft::r2c(shape_in, stride_in, stride_out, axes, forward, in, out, fct, nthreads);
//   fft::c2r(shape_out, stride_in, stride_out, axes, forward, in, out, fct, nthreads);
//
// The arguments are those of pocketfft, whose place these functions can take: strides in bytes, of
// either sign; forward means exp(-2 pi i k t / n); fct multiplies the result; nthreads 0 means all.
// An array is transformed axis by axis, as views (transforms, n), the largest that its strides allow.
//
// Where they do more than pocketfft, or less:
//   - strides are multiples of the element's size; that of an axis of one element may be anything
//   - the result without axes, or with none longer than 1, is fct times the input
//   - plans are made anew in every call: for many calls of one length, keep a plan (fft.hpp)
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <destrier/fft/arguments.hpp>
#include <destrier/fft/plan_c2c.hpp>
#include <destrier/fft/plan_r2c.hpp>
#include <destrier/layout.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::fft {

using shape_t = std::vector<std::size_t>;
using stride_t = std::vector<std::ptrdiff_t>; // in bytes

/// What a transform of n points is multiplied by. numpy's names speak of a pair of transforms:
///
///   numpy              forward   backward
///   "backward", None   none      by_n
///   "ortho"            ortho     ortho
///   "forward"          by_n      none
enum class norm {
    none, ///< 1
    by_n, ///< 1 / n
    ortho ///< 1 / sqrt(n)
};

/// The number that norm stands for, to be given as fct or scale.
///
/// Domain  n >= 1: the product of the lengths transformed, for half spectra those of the real array
template <std::floating_point T>
T scale_of(norm how, std::size_t n) noexcept {
    const auto points = static_cast<double>(n);
    if (how == norm::none) return T(1);
    return static_cast<T>(1 / (how == norm::by_n ? points : std::sqrt(points)));
}

namespace detail {

// One axis of the array that is read and of the array that is written; strides in elements.
template <class A>
struct array_axis {
    std::size_t extent;
    std::ptrdiff_t in, out;
};

template <class A>
using array_axes = std::vector<array_axis<A>>;

// The strides of one array as the caller gives them.
struct byte_strides {
    const char* name;
    const stride_t& strides;
    std::size_t element;
};

template <class A>
[[noreturn]] void refuse(const char* call, const std::string& why) {
    throw std::invalid_argument(std::string(call) + ": " + why);
}

template <class A>
std::string name_stride(const byte_strides& s, std::size_t axis) {
    return std::string(s.name) + "[" + std::to_string(axis) + "] is " + std::to_string(s.strides[axis]) +
           " bytes";
}

template <class A>
void check_entries(const char* call, const byte_strides& s, std::size_t expected) {
    if (s.strides.size() == expected) return;
    refuse<A>(call, std::string(s.name) + " has " + std::to_string(s.strides.size()) +
                        " entries, expected " + std::to_string(expected));
}

template <class A>
void check_axes(const char* call, std::span<const std::size_t> axes, std::size_t rank) {
    for (const std::size_t axis : axes) {
        if (axis >= rank) {
            refuse<A>(call, "axis is " + std::to_string(axis) + ", expected less than " +
                                std::to_string(rank));
        }
        if (std::count(axes.begin(), axes.end(), axis) > 1) {
            refuse<A>(call, "axis " + std::to_string(axis) + " is named more than once");
        }
    }
}

template <class A>
std::ptrdiff_t stride_in_elements(const char* call, const byte_strides& s, std::size_t axis,
                                  std::size_t extent) {
    if (extent <= 1) return 1; // never followed, and 1 is what plans like best
    const auto element = static_cast<std::ptrdiff_t>(s.element);
    if (s.strides[axis] % element != 0) {
        refuse<A>(call, name_stride<A>(s, axis) + ", expected a multiple of " + std::to_string(element));
    }
    return s.strides[axis] / element;
}

template <class A>
array_axes<A> checked_arrays(const char* call, const shape_t& shape, const byte_strides& in,
                             const byte_strides& out, std::span<const std::size_t> axes) {
    check_entries<A>(call, in, shape.size());
    check_entries<A>(call, out, shape.size());
    check_axes<A>(call, axes, shape.size());
    array_axes<A> array;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        array.push_back({shape[i], stride_in_elements<A>(call, in, i, shape[i]),
                         stride_in_elements<A>(call, out, i, shape[i])});
        if (array[i].out == 0) refuse<A>(call, name_stride<A>(out, i) + ", elements would coincide");
    }
    return array;
}

template <class A>
bool is_empty(const array_axes<A>& array) {
    return std::any_of(array.begin(), array.end(), [](const auto& a) { return a.extent == 0; });
}

template <class A>
void check_data(const char* call, const void* in, const void* out) {
    if (in && out) return;
    refuse<A>(call, std::string(in ? "out" : "in") + " is null, the array is not empty");
}

template <class A>
void check_in_place(const char* call, const array_axes<A>& array, const byte_strides& in,
                    const byte_strides& out) {
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (array[i].in == array[i].out) continue;
        refuse<A>(call, "in is out, but " + name_stride<A>(in, i) + ", " + name_stride<A>(out, i));
    }
}

// What half spectra and real numbers ask for besides.
template <class A>
void check_real(const char* call, std::span<const std::size_t> axes, const array_axes<A>& array,
                const void* in, const void* out) {
    if (axes.empty()) refuse<A>(call, "axes has 0 entries, expected 1 or more");
    if (is_empty(array)) return;
    check_data<A>(call, in, out);
    if (in == out) refuse<A>(call, "in is out, expected different memory");
}

template <class A>
std::ptrdiff_t reach(const array_axis<A>& a) noexcept {
    return std::abs(a.in) + std::abs(a.out);
}

// The axes from far to near, those that one pair of strides runs through joined.
template <class A>
array_axes<A> merged(array_axes<A> axes) {
    std::erase_if(axes, [](const auto& a) { return a.extent == 1; });
    std::stable_sort(axes.begin(), axes.end(),
                     [](const auto& a, const auto& b) { return reach(a) > reach(b); });
    array_axes<A> joined;
    for (const array_axis<A>& a : axes) {
        const auto n = static_cast<std::ptrdiff_t>(a.extent);
        if (!joined.empty() && joined.back().in == n * a.in && joined.back().out == n * a.out) {
            joined.back() = {joined.back().extent * a.extent, a.in, a.out};
        } else {
            joined.push_back(a);
        }
    }
    return joined;
}

// All transforms along one axis: `across` leads from one to the next of a view, `outer` to other views.
template <class A>
struct batches {
    array_axis<A> across{1, 1, 1};
    array_axes<A> outer;

    std::size_t views() const noexcept {
        std::size_t n = 1;
        for (const array_axis<A>& a : outer) n *= a.extent;
        return n;
    }
    // How far a view is from the first; the nearest axis turns fastest.
    array_axis<A> offset(std::size_t number) const noexcept {
        array_axis<A> at{1, 0, 0};
        for (auto a = outer.rbegin(); a != outer.rend(); number /= a->extent, ++a) {
            const auto i = static_cast<std::ptrdiff_t>(number % a->extent);
            at.in += i * a->in;
            at.out += i * a->out;
        }
        return at;
    }
};

// Across goes the nearest axis that fills half of the lanes of a block, so that neighbours in memory are
// neighbours in a register; the longest, where none does or where the transforms themselves are nearest.
template <class A>
batches<A> batches_along(array_axes<A> axes, std::size_t axis, std::size_t lanes) {
    const array_axis<A> along = axes[axis];
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(axis));
    batches<A> b;
    b.outer = merged(std::move(axes));
    if (b.outer.empty()) return b;
    const bool columns = reach(b.outer.back()) < reach(along);
    const auto suits = [&](const auto& a) { return columns && 2 * a.extent >= lanes; };
    const auto chosen =
        std::min_element(b.outer.begin(), b.outer.end(), [&](const auto& x, const auto& y) {
            if (suits(x) != suits(y)) return suits(x);
            return suits(x) ? reach(x) < reach(y) : x.extent > y.extent;
        });
    b.across = *chosen;
    b.outer.erase(chosen);
    return b;
}

// Calls run(in, out, scratch) with views (transforms, n) that together hold every transform once; in and
// out are the first transform. What threads share are the blocks of all views, so that many small views
// feed them as well as a large one.
template <std::floating_point T, class A, class In, class Out, class Run>
void for_each_view(const batches<A>& b, view<In, 1> in, view<Out, 1> out, std::size_t scratch_size,
                   int threads, const Run& run) {
    const std::size_t blocks = (b.across.extent + line<T> - 1) / line<T>, tasks = blocks * b.views();
    const std::size_t team = std::min(static_cast<std::size_t>(thread_count(threads)), tasks);
    buffer<T> scratch(team * scratch_size);
    parallel_ranges(
        tasks, static_cast<int>(team), [&](std::size_t task, std::size_t end, std::size_t w) {
            while (task < end) {
                const std::size_t block = task % blocks, count = std::min(blocks - block, end - task);
                const std::size_t first = block * line<T>;
                const std::size_t transforms = std::min(count * line<T>, b.across.extent - first);
                const array_axis<A> at = b.offset(task / blocks);
                const view<In, 2> x(in.data() + at.in, {b.across.extent, in.extent(0)},
                                    {b.across.in, in.stride(0)});
                const view<Out, 2> y(out.data() + at.out, {b.across.extent, out.extent(0)},
                                     {b.across.out, out.stride(0)});
                run(x.slice(0, first, transforms), y.slice(0, first, transforms),
                    scratch.span().subspan(w * scratch_size, scratch_size));
                task += count;
            }
        });
}

template <class A>
bool any_long(const array_axes<A>& array, std::span<const std::size_t> axes) {
    return std::any_of(axes.begin(), axes.end(), [&](std::size_t i) { return array[i].extent > 1; });
}

template <std::floating_point T, class A>
void transform_axis(const array_axes<A>& array, std::size_t axis, const plan_c2c<T, A>& plan,
                    bool forward, const std::complex<T>* in, std::complex<T>* out, T fct, int threads) {
    const array_axis<A> along = array[axis];
    for_each_view<T>(batches_along(array, axis, line<T>),
                     view<const std::complex<T>, 1>(in, {along.extent}, {along.in}),
                     view<std::complex<T>, 1>(out, {along.extent}, {along.out}),
                     plan.array_scratch_size(), threads,
                     [&](const auto& x, const auto& y, std::span<T> scratch) {
                         forward ? plan.forward(x, y, scratch, fct) : plan.backward(x, y, scratch, fct);
                     });
}

// Along every axis longer than 1: the first of them from in to out, the others in place.
template <std::floating_point T, class A>
void transform_axes(array_axes<A> array, std::span<const std::size_t> axes, bool forward,
                    const std::complex<T>* in, std::complex<T>* out, T fct, int threads) {
    std::optional<plan_c2c<T, A>> plan;
    for (const std::size_t axis : axes) {
        const std::size_t n = array[axis].extent;
        if (n == 1) continue;
        if (!plan || plan->size() != n) plan.emplace(n);
        transform_axis(array, axis, *plan, forward, in, out, fct, threads);
        for (array_axis<A>& a : array) a.in = a.out;
        in = out;
        fct = T(1);
    }
}

// Neighbours are visited one after the other, whichever way they lie.
template <class A, class T>
void conjugate(view<std::complex<T>, 2> v) noexcept {
    const std::size_t outer = std::abs(v.stride(0)) < std::abs(v.stride(1)) ? 1 : 0;
    for (std::size_t i = 0; i < v.extent(outer); ++i) {
        const view<std::complex<T>, 1> row = v.at(outer, i);
        for (std::size_t j = 0; j < row.extent(0); ++j) row(j) = std::conj(row(j));
    }
}

// Exchanges elements t and n - t: exp(+i x t) for exp(-i x t).
template <class A, class T>
void reverse_time(view<T, 2> v) noexcept {
    const std::size_t transforms = v.extent(0), n = v.extent(1), pairs = (n - 1) / 2;
    const bool columns = std::abs(v.stride(0)) < std::abs(v.stride(1));
    for (std::size_t i = 0; i < (columns ? pairs : transforms); ++i) {
        for (std::size_t j = 0; j < (columns ? transforms : pairs); ++j) {
            const std::size_t p = columns ? j : i, t = 1 + (columns ? i : j);
            std::swap(v(p, t), v(p, n - t));
        }
    }
}

// Here and below, `array` has the shape of the real numbers.
template <std::floating_point T, class A>
void real_to_spectra(const array_axes<A>& array, std::size_t axis, bool forward, const T* in,
                     std::complex<T>* out, T fct, int threads) {
    const array_axis<A> along = array[axis];
    const plan_r2c<T, A> plan(along.extent);
    for_each_view<T>(
        batches_along(array, axis, line<T>), view<const T, 1>(in, {along.extent}, {along.in}),
        view<std::complex<T>, 1>(out, {plan.spectrum_size()}, {along.out}), plan.array_scratch_size(),
        threads, [&](const auto& x, const auto& y, std::span<T> scratch) {
            plan.forward(x, y, scratch, fct);
            if (!forward) conjugate<A>(y);
        });
}

template <std::floating_point T, class A>
void spectra_to_real(const array_axes<A>& array, std::size_t axis, bool forward,
                     const std::complex<T>* in, T* out, T fct, int threads) {
    const array_axis<A> along = array[axis];
    const plan_r2c<T, A> plan(along.extent);
    for_each_view<T>(batches_along(array, axis, line<T>),
                     view<const std::complex<T>, 1>(in, {plan.spectrum_size()}, {along.in}),
                     view<T, 1>(out, {along.extent}, {along.out}), plan.array_scratch_size(), threads,
                     [&](const auto& x, const auto& y, std::span<T> scratch) {
                         plan.backward(x, y, scratch, fct);
                         if (forward) reverse_time<A>(y);
                     });
}

constexpr int threads_of(std::size_t nthreads) noexcept {
    constexpr std::size_t most = std::numeric_limits<int>::max();
    return static_cast<int>(std::min(nthreads, most));
}

template <std::floating_point T, class A>
void r2c(const shape_t& shape, const stride_t& stride_in, const stride_t& stride_out,
         std::span<const std::size_t> axes, bool forward, const T* in, std::complex<T>* out, T fct,
         int threads) {
    constexpr const char* call = "fft::r2c";
    auto array = checked_arrays<A>(call, shape, {"stride_in", stride_in, sizeof *in},
                                   {"stride_out", stride_out, sizeof *out}, axes);
    check_real(call, axes, array, in, out);
    if (is_empty(array)) return;
    const std::size_t last = axes.back();
    real_to_spectra(array, last, forward, in, out, fct, threads);
    array[last].extent = array[last].extent / 2 + 1;
    for (array_axis<A>& a : array) a.in = a.out;
    transform_axes<T>(array, axes.first(axes.size() - 1), forward, out, out, T(1), threads);
}

template <std::floating_point T, class A>
void c2r(const shape_t& shape, const stride_t& stride_in, const stride_t& stride_out,
         std::span<const std::size_t> axes, bool forward, const std::complex<T>* in, T* out, T fct,
         int threads) {
    constexpr const char* call = "fft::c2r";
    auto array = checked_arrays<A>(call, shape, {"stride_in", stride_in, sizeof *in},
                                   {"stride_out", stride_out, sizeof *out}, axes);
    check_real(call, axes, array, in, out);
    if (is_empty(array)) return;
    const std::size_t last = axes.back();
    const auto others = axes.first(axes.size() - 1);
    if (!any_long(array, others)) return spectra_to_real(array, last, forward, in, out, fct, threads);

    array_axes<A> spectra = array;
    spectra[last].extent = array[last].extent / 2 + 1;
    std::size_t size = 1;
    for (std::size_t i = array.size(); i-- > 0;) {
        array[i].in = spectra[i].out = static_cast<std::ptrdiff_t>(size);
        size = product_of({size, spectra[i].extent}, "the spectra of fft::c2r");
    }
    buffer<std::complex<T>> space(size, {}, threads);
    transform_axes<T>(spectra, others, forward, in, space.data(), T(1), threads);
    spectra_to_real<T>(array, last, forward, space.data(), out, fct, threads);
}

} // namespace detail

/// Complex transforms along some axes:
/// out[k, ..] = fct sum in[t, ..] exp(-+2 pi i (k t / n + ..)), the minus for forward.
///
/// Shapes    in, out shape; strides one an axis, in bytes; axes in any order, none twice
/// Aliasing  out may be in, with the same strides; no other overlap, and no two elements of out in one
///           place; elements of in may share theirs (a stride of 0)
/// Accuracy  L2 relative error on random data <= 0.7 eps(T) sqrt(log2 n), n the number of points
///           transformed, or 2; asserted in tests/test_fft_shapes.cpp, as for r2c and c2r
/// Threads   0 = all; any number gives the same bits
/// Memory    plans, and one block of transforms a thread
/// Throws    std::invalid_argument on lists of different lengths, axes out of range or named twice,
///           strides that are no multiple of the element's size, null pointers to arrays that are not
///           empty, and where Aliasing is seen not to hold; out untouched
template <std::floating_point T, class A = default_arch>
void c2c(const shape_t& shape, const stride_t& stride_in, const stride_t& stride_out,
         const shape_t& axes, bool forward, const std::complex<T>* in, std::complex<T>* out, T fct,
         std::size_t nthreads = 1) {
    constexpr const char* call = "fft::c2c";
    const detail::byte_strides strides_in{"stride_in", stride_in, sizeof *in};
    const detail::byte_strides strides_out{"stride_out", stride_out, sizeof *out};
    auto array = detail::checked_arrays<A>(call, shape, strides_in, strides_out, axes);
    if (detail::is_empty(array)) return;
    detail::check_data<A>(call, in, out);
    if (in == out) detail::check_in_place(call, array, strides_in, strides_out);
    const int threads = detail::threads_of(nthreads);
    if (detail::any_long(array, std::span(axes))) {
        return detail::transform_axes<T>(array, axes, forward, in, out, fct, threads);
    }
    // Transforms of one element, which multiply by fct, along an axis that is there in any array.
    array.push_back({1, 1, 1});
    detail::transform_axis(array, array.size() - 1, plan_c2c<T, A>(1), forward, in, out, fct, threads);
}

/// Transforms of real numbers: half spectra along the last of axes, complex transforms along the others.
///
/// Shapes    in shape_in; out the same, but n / 2 + 1 elements along the last of axes where in has n;
///           strides one an axis, in bytes; one axis at least, none twice
/// Aliasing  none
/// Accuracy  as c2c
/// Threads   0 = all; any number gives the same bits
/// Memory    plans, and one block of transforms a thread
/// Throws    as c2c; out untouched
template <std::floating_point T, class A = default_arch>
void r2c(const shape_t& shape_in, const stride_t& stride_in, const stride_t& stride_out,
         const shape_t& axes, bool forward, const T* in, std::complex<T>* out, T fct,
         std::size_t nthreads = 1) {
    detail::r2c<T, A>(shape_in, stride_in, stride_out, axes, forward, in, out, fct,
                      detail::threads_of(nthreads));
}
/// The same along one axis.
template <std::floating_point T, class A = default_arch>
void r2c(const shape_t& shape_in, const stride_t& stride_in, const stride_t& stride_out,
         std::size_t axis, bool forward, const T* in, std::complex<T>* out, T fct,
         std::size_t nthreads = 1) {
    detail::r2c<T, A>(shape_in, stride_in, stride_out, std::span(&axis, 1), forward, in, out, fct,
                      detail::threads_of(nthreads));
}

/// Half spectra to real numbers: complex transforms along all axes but the last, then the sums over the
/// spectra and their mirror images along that one.
///
/// Shapes    out shape_out; in the same, but n / 2 + 1 elements along the last of axes where out has n;
///           strides one an axis, in bytes; one axis at least, none twice. Along the last axis the
///           imaginary parts of element 0 and, for even n, of element n / 2 count as zero
/// Aliasing  none; in is left as it is
/// Accuracy  as c2c
/// Threads   0 = all; any number gives the same bits
/// Memory    plans, one block of transforms a thread, and for several axes a copy of in
/// Throws    as c2c; out untouched
template <std::floating_point T, class A = default_arch>
void c2r(const shape_t& shape_out, const stride_t& stride_in, const stride_t& stride_out,
         const shape_t& axes, bool forward, const std::complex<T>* in, T* out, T fct,
         std::size_t nthreads = 1) {
    detail::c2r<T, A>(shape_out, stride_in, stride_out, axes, forward, in, out, fct,
                      detail::threads_of(nthreads));
}
/// The same along one axis.
template <std::floating_point T, class A = default_arch>
void c2r(const shape_t& shape_out, const stride_t& stride_in, const stride_t& stride_out,
         std::size_t axis, bool forward, const std::complex<T>* in, T* out, T fct,
         std::size_t nthreads = 1) {
    detail::c2r<T, A>(shape_out, stride_in, stride_out, std::span(&axis, 1), forward, in, out, fct,
                      detail::threads_of(nthreads));
}

} // namespace destrier::fft
