// SPDX-License-Identifier: BSD-3-Clause
//
// layout.hpp: how data lies.
//
// A view is a pointer with extents and strides: a caller's array of any order, nothing owned.
//
// A lane block holds line<T> problems side by side (16 of float, 8 of double, on every architecture):
//
//     [block][element][part][lane]      part: re and im, or one alone;  lane fastest
//
// so that every element of every part is one 64-byte line, and one vector operation serves as many
// problems as there are lanes. n problems are ceil(n / line) blocks; lanes without a problem hold
// zeros. The layout is stable: data may live in it, in files and between programs.
//
// pack and unpack carry arrays [problem][element] into blocks and back, by transposes in registers:
// real, interleaved complex or split complex, any stride, float, double and (in) std::uint16_t. A
// step, a function of the vector and its place, can be applied on the way, at no extra pass:
//
//     pack(view<const std::uint16_t, 2>(counts, {problems, elements}), blocks,
//          [&](auto x, lane_position at) { return x - load(dark, at); });
#pragma once

#include <array>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier {

/// A pointer with Rank extents and strides. Strides count elements and may be negative or zero.
template <class T, std::size_t Rank>
class view {
public:
    using element_type = T;

    constexpr view() = default;
    /// Contiguous, the last index fastest.
    constexpr view(T* data, std::array<std::size_t, Rank> extents) noexcept
        : data_(data), extents_(extents) {
        std::ptrdiff_t stride = 1;
        for (std::size_t r = Rank; r-- > 0;) {
            strides_[r] = stride;
            stride *= static_cast<std::ptrdiff_t>(extents[r]);
        }
    }
    constexpr view(T* data, std::array<std::size_t, Rank> extents,
                   std::array<std::ptrdiff_t, Rank> strides) noexcept
        : data_(data), extents_(extents), strides_(strides) {}
    /// A view of what may be changed is also one of what may not.
    template <class U>
        requires(!std::is_const_v<U> && std::same_as<const U, T>)
    constexpr view(const view<U, Rank>& other) noexcept
        : data_(other.data()), extents_(other.extents()), strides_(other.strides()) {}

    constexpr T* data() const noexcept { return data_; }
    constexpr std::size_t extent(std::size_t r) const noexcept { return extents_[r]; }
    constexpr std::ptrdiff_t stride(std::size_t r) const noexcept { return strides_[r]; }
    constexpr std::array<std::size_t, Rank> extents() const noexcept { return extents_; }
    constexpr std::array<std::ptrdiff_t, Rank> strides() const noexcept { return strides_; }
    constexpr std::size_t size() const noexcept {
        std::size_t n = 1;
        for (const std::size_t e : extents_) n *= e;
        return n;
    }

    template <class... I>
        requires(sizeof...(I) == Rank)
    constexpr T& operator()(I... i) const noexcept {
        std::size_t r = 0;
        std::ptrdiff_t offset = 0;
        ((offset += strides_[r++] * static_cast<std::ptrdiff_t>(i)), ...);
        return data_[offset];
    }

    /// Indices begin .. begin + count - 1 of one axis.
    constexpr view slice(std::size_t axis, std::size_t begin, std::size_t count) const noexcept {
        view part = *this;
        part.data_ += strides_[axis] * static_cast<std::ptrdiff_t>(begin);
        part.extents_[axis] = count;
        return part;
    }
    /// One index of one axis; the axis is gone.
    constexpr view<T, Rank - 1> at(std::size_t axis, std::size_t index) const noexcept
        requires(Rank > 1) {
        std::array<std::size_t, Rank - 1> extents{};
        std::array<std::ptrdiff_t, Rank - 1> strides{};
        for (std::size_t r = 0, k = 0; r < Rank; ++r) {
            if (r == axis) continue;
            extents[k] = extents_[r];
            strides[k++] = strides_[r];
        }
        return {data_ + strides_[axis] * static_cast<std::ptrdiff_t>(index), extents, strides};
    }

private:
    T* data_ = nullptr;
    std::array<std::size_t, Rank> extents_{};
    std::array<std::ptrdiff_t, Rank> strides_{};
};

/// Where in a set of lane blocks a register lies: its first lane.
struct lane_position {
    std::size_t block, element, part, lane;
};

/// Lane blocks [block][element][part][lane] in the caller's memory; Parts is 1 (real) or 2 (re, im).
///
/// Shapes  data (ceil(problems / line) * elements * Parts * line), 64-byte aligned
/// Throws  std::invalid_argument if data is not aligned
template <class T, std::size_t Parts>
class blocks {
public:
    using value_type = std::remove_const_t<T>;
    static constexpr std::size_t line = destrier::line<value_type>;
    static constexpr std::size_t parts = Parts;

    constexpr blocks() = default;
    blocks(T* data, std::size_t elements, std::size_t problems)
        : data_(data), elements_(elements), problems_(problems) {
        if (reinterpret_cast<std::uintptr_t>(data) % 64 != 0) {
            throw std::invalid_argument("layout: lane blocks must start on a 64-byte line");
        }
    }
    template <class U>
        requires(!std::is_const_v<U> && std::same_as<const U, T>)
    blocks(const blocks<U, Parts>& other)
    noexcept : data_(other.data()), elements_(other.elements()), problems_(other.problems()) {}

    /// Elements of T that `problems` problems of `elements` elements take.
    static constexpr std::size_t size_for(std::size_t elements, std::size_t problems) noexcept {
        return (problems + line - 1) / line * elements * Parts * line;
    }

    T* data() const noexcept { return data_; }
    std::size_t elements() const noexcept { return elements_; }
    std::size_t problems() const noexcept { return problems_; }
    std::size_t count() const noexcept { return (problems_ + line - 1) / line; }
    /// Problems in block b: line, or what is left for the last one.
    std::size_t problems_in(std::size_t b) const noexcept {
        return std::min(line, problems_ - b * line);
    }
    T* block(std::size_t b) const noexcept { return data_ + b * elements_ * Parts * line; }
    T* at(std::size_t b, std::size_t element, std::size_t part = 0) const noexcept {
        return block(b) + (element * Parts + part) * line;
    }
    T* at(lane_position p) const noexcept { return at(p.block, p.element, p.part) + p.lane; }

private:
    T* data_ = nullptr;
    std::size_t elements_ = 0, problems_ = 0;
};

template <class T>
using real_blocks = blocks<T, 1>;
template <class T>
using complex_blocks = blocks<T, 2>;

/// The step that does nothing.
struct no_step {
    template <class V>
    DESTRIER_INLINE V operator()(V x, lane_position) const noexcept {
        return x;
    }
};

namespace detail {

// The rows of up to line<T> problems, as pack and unpack see them: real numbers at
// data[problem * problem_stride + element * element_stride].
template <class S>
struct rows {
    S* data;
    std::ptrdiff_t problem_stride, element_stride;
    std::size_t problems;
};

template <class A, std::floating_point T, class S>
DESTRIER_INLINE batch<T, A> load_row(const S* p, std::ptrdiff_t stride, std::size_t n) noexcept {
    constexpr std::size_t w = width<T, A>;
    if constexpr (std::is_same_v<S, T>) {
        if (stride == 1) return n == w ? batch<T, A>::load_unaligned(p) : load_head<A>(p, n);
    }
    alignas(64) T lanes[w] = {};
    if (stride == 1 && n == w) { // the loop compilers turn into a widening load
        for (std::size_t i = 0; i < w; ++i) lanes[i] = static_cast<T>(p[i]);
    } else {
        for (std::size_t i = 0; i < n; ++i) {
            lanes[i] = static_cast<T>(p[static_cast<std::ptrdiff_t>(i) * stride]);
        }
    }
    return batch<T, A>::load_aligned(lanes);
}

template <class A, std::floating_point T, class D>
DESTRIER_INLINE void store_row(D* p, std::ptrdiff_t stride, batch<T, A> v, std::size_t n) noexcept {
    constexpr std::size_t w = width<T, A>;
    if constexpr (std::is_same_v<D, T>) {
        if (stride == 1) {
            if (n == w) return v.store_unaligned(p);
            return store_head(p, v, n);
        }
    }
    alignas(64) T lanes[w];
    v.store_aligned(lanes);
    for (std::size_t i = 0; i < n; ++i) {
        p[static_cast<std::ptrdiff_t>(i) * stride] = static_cast<D>(lanes[i]);
    }
}

// Elements first .. first + n - 1 (n <= width) of all problems of a block into their lines. `line_at(e)`
// is where the line of element e starts, `step(x, e, lane)` what happens to it on the way.
template <class A, std::floating_point T, class S, class LineAt, class Step>
DESTRIER_INLINE void pack_tile(const rows<const S>& in, std::size_t first, std::size_t n,
                               LineAt&& line_at, Step&& step) noexcept {
    constexpr std::size_t w = width<T, A>;
    const S* p = in.data + static_cast<std::ptrdiff_t>(first) * in.element_stride;
    for (std::size_t lane = 0; lane < line<T>; lane += w) {
        batch<T, A> tile[w];
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            const std::size_t problem = lane + i;
            tile[i] = problem < in.problems
                          ? load_row<A, T>(p + static_cast<std::ptrdiff_t>(problem) * in.problem_stride,
                                           in.element_stride, n)
                          : batch<T, A>(T(0));
        });
        transpose<T, A>(tile);
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            if (i < n) step(tile[i], first + i, lane).store_aligned(line_at(first + i) + lane);
        });
    }
}

template <class A, std::floating_point T, class D, class LineAt, class Step>
DESTRIER_INLINE void unpack_tile(const rows<D>& out, std::size_t first, std::size_t n, LineAt&& line_at,
                                 Step&& step) noexcept {
    constexpr std::size_t w = width<T, A>;
    D* p = out.data + static_cast<std::ptrdiff_t>(first) * out.element_stride;
    for (std::size_t lane = 0; lane < line<T> && lane < out.problems; lane += w) {
        batch<T, A> tile[w];
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            tile[i] = i < n ? step(batch<T, A>::load_aligned(line_at(first + i) + lane), first + i, lane)
                            : batch<T, A>(T(0));
        });
        transpose<T, A>(tile);
        unroll<w>([&](auto i) DESTRIER_UNROLLED {
            const std::size_t problem = lane + i;
            if (problem < out.problems) {
                store_row<A, T>(p + static_cast<std::ptrdiff_t>(problem) * out.problem_stride,
                                out.element_stride, tile[i], n);
            }
        });
    }
}

// Every tile of every block; tiles are what threads share, so that one block feeds them all too.
template <class A, std::floating_point T, class Tile>
void for_each_tile(std::size_t block_count, std::size_t elements, int threads, Tile&& tile) {
    constexpr std::size_t w = width<T, A>;
    const std::size_t tiles = (elements + w - 1) / w;
    parallel_for(block_count * tiles, threads, [&](std::size_t i) {
        const std::size_t first = i % tiles * w;
        tile(i / tiles, first, std::min(w, elements - first));
    });
}

inline void check_shape(const char* what, std::size_t problems, std::size_t elements,
                        std::size_t block_problems, std::size_t block_elements) {
    if (problems == block_problems && elements == block_elements) return;
    const auto shape = [](std::size_t p, std::size_t e) {
        return std::to_string(p) + " problems of " + std::to_string(e) + " elements";
    };
    throw std::invalid_argument(std::string(what) + ": the array holds " + shape(problems, elements) +
                                ", the blocks hold " + shape(block_problems, block_elements));
}

// One part of complex problems, or the only part of real ones.
template <class A, class S, class T, std::size_t Parts, class Step>
void pack_part(view<const S, 2> in, blocks<T, Parts> out, std::size_t part, const Step& step,
               int threads) {
    for_each_tile<A, T>(
        out.count(), out.elements(), threads, [&](std::size_t b, std::size_t first, std::size_t n) {
            const rows<const S> rows{in.data() + static_cast<std::ptrdiff_t>(b * line<T>) * in.stride(0),
                                     in.stride(0), in.stride(1), out.problems_in(b)};
            pack_tile<A, T>(
                rows, first, n, [&](std::size_t e) { return out.at(b, e, part); },
                [&](batch<T, A> x, std::size_t e, std::size_t lane) {
                    return step(x, lane_position{b, e, part, lane});
                });
        });
}

template <class A, class D, class T, std::size_t Parts, class Step>
void unpack_part(blocks<const T, Parts> in, std::size_t part, view<D, 2> out, const Step& step,
                 int threads) {
    for_each_tile<A, T>(
        in.count(), in.elements(), threads, [&](std::size_t b, std::size_t first, std::size_t n) {
            const rows<D> rows{out.data() + static_cast<std::ptrdiff_t>(b * line<T>) * out.stride(0),
                               out.stride(0), out.stride(1), in.problems_in(b)};
            unpack_tile<A, T>(
                rows, first, n, [&](std::size_t e) { return in.at(b, e, part); },
                [&](batch<T, A> x, std::size_t e, std::size_t lane) {
                    return step(x, lane_position{b, e, part, lane});
                });
        });
}

// An array of complex numbers as one of reals: each element's parts side by side (Pair), or the one
// part alone at twice the strides.
template <class R, class C>
view<R, 2> parts_side_by_side(view<C, 2> v) noexcept {
    return {reinterpret_cast<R*>(v.data()), {v.extent(0), 2 * v.extent(1)}, {2 * v.stride(0), 1}};
}
template <class R, class C>
view<R, 2> one_part(view<C, 2> v, std::size_t part) noexcept {
    return {reinterpret_cast<R*>(v.data()) + part, v.extents(), {2 * v.stride(0), 2 * v.stride(1)}};
}

// A step of complex problems, told of elements and parts where the reals are counted through.
template <class Step>
struct step_of_pairs {
    const Step& step;
    template <class V>
    DESTRIER_INLINE V operator()(V x, lane_position at) const {
        return step(x, {at.block, at.element / 2, at.element % 2, at.lane});
    }
};

template <class S>
concept packable = std::same_as<S, float> || std::same_as<S, double> || std::same_as<S, std::uint16_t>;

// What a view or blocks of T or of const T hold.
template <class T>
using plain = std::remove_const_t<T>;
template <class C>
using part_of = typename plain<C>::value_type;
template <class C>
concept complex_number =
    std::same_as<plain<C>, std::complex<float>> || std::same_as<plain<C>, std::complex<double>>;

} // namespace detail

/// Packs real problems into lane blocks, converting to T.
///
/// Shapes    in (problems, elements), any strides; out the same, in blocks
/// Aliasing  none
/// Accuracy  exact where T holds the values of S
/// Threads   any number gives the same bits
/// Memory    allocates nothing; lanes without a problem are set to step(0)
/// Throws    std::invalid_argument if the shapes differ; out untouched
template <class A = default_arch, class S, std::floating_point T, class Step = no_step>
    requires detail::packable<detail::plain<S>>
void pack(view<S, 2> in, real_blocks<T> out, const Step& step = {}, int threads = 1) {
    detail::check_shape("pack", in.extent(0), in.extent(1), out.problems(), out.elements());
    detail::pack_part<A, detail::plain<S>>(in, out, 0, step, threads);
}

/// Packs interleaved complex problems; otherwise as the real form.
template <class A = default_arch, detail::complex_number C, std::floating_point T, class Step = no_step>
void pack(view<C, 2> in, complex_blocks<T> out, const Step& step = {}, int threads = 1) {
    using S = detail::part_of<C>;
    detail::check_shape("pack", in.extent(0), in.extent(1), out.problems(), out.elements());
    const view<const detail::plain<C>, 2> source = in;
    if (in.stride(1) == 1) { // a transpose of the reals is the de-interleave
        const real_blocks<T> reals(out.data(), 2 * out.elements(), out.problems());
        detail::pack_part<A, S>(detail::parts_side_by_side<const S>(source), reals, 0,
                                detail::step_of_pairs<Step>{step}, threads);
    } else {
        for (const std::size_t part : {0u, 1u}) {
            detail::pack_part<A, S>(detail::one_part<const S>(source, part), out, part, step, threads);
        }
    }
}

/// Packs split complex problems, real and imaginary parts in arrays of their own.
template <class A = default_arch, class S, std::floating_point T, class Step = no_step>
    requires detail::packable<detail::plain<S>>
void pack(view<S, 2> re, view<S, 2> im, complex_blocks<T> out, const Step& step = {}, int threads = 1) {
    detail::check_shape("pack (re)", re.extent(0), re.extent(1), out.problems(), out.elements());
    detail::check_shape("pack (im)", im.extent(0), im.extent(1), out.problems(), out.elements());
    detail::pack_part<A, detail::plain<S>>(re, out, 0, step, threads);
    detail::pack_part<A, detail::plain<S>>(im, out, 1, step, threads);
}

/// Unpacks lane blocks into real problems; the mirror of pack, with the step before the transpose.
///
/// Shapes    in as blocks; out (problems, elements), any strides that do not make elements coincide
/// Aliasing  none
/// Threads   any number gives the same bits
/// Memory    allocates nothing; lanes without a problem are not stored
/// Throws    std::invalid_argument if the shapes differ; out untouched
template <class A = default_arch, class T, std::floating_point D, class Step = no_step>
    requires std::floating_point<detail::plain<T>>
void unpack(real_blocks<T> in, view<D, 2> out, const Step& step = {}, int threads = 1) {
    detail::check_shape("unpack", out.extent(0), out.extent(1), in.problems(), in.elements());
    detail::unpack_part<A, D, detail::plain<T>, 1>(in, 0, out, step, threads);
}

/// Unpacks into interleaved complex problems.
template <class A = default_arch, class T, detail::complex_number C, class Step = no_step>
    requires std::floating_point<detail::plain<T>>
void unpack(complex_blocks<T> in, view<C, 2> out, const Step& step = {}, int threads = 1) {
    using D = detail::part_of<C>;
    detail::check_shape("unpack", out.extent(0), out.extent(1), in.problems(), in.elements());
    if (out.stride(1) == 1) {
        const real_blocks<const detail::plain<T>> reals(in.data(), 2 * in.elements(), in.problems());
        detail::unpack_part<A, D, detail::plain<T>, 1>(reals, 0, detail::parts_side_by_side<D>(out),
                                                       detail::step_of_pairs<Step>{step}, threads);
    } else {
        for (const std::size_t part : {0u, 1u}) {
            detail::unpack_part<A, D, detail::plain<T>, 2>(in, part, detail::one_part<D>(out, part),
                                                           step, threads);
        }
    }
}

/// Unpacks into split complex problems.
template <class A = default_arch, class T, std::floating_point D, class Step = no_step>
    requires std::floating_point<detail::plain<T>>
void unpack(complex_blocks<T> in, view<D, 2> re, view<D, 2> im, const Step& step = {}, int threads = 1) {
    detail::check_shape("unpack (re)", re.extent(0), re.extent(1), in.problems(), in.elements());
    detail::check_shape("unpack (im)", im.extent(0), im.extent(1), in.problems(), in.elements());
    detail::unpack_part<A, D, detail::plain<T>, 2>(in, 0, re, step, threads);
    detail::unpack_part<A, D, detail::plain<T>, 2>(in, 1, im, step, threads);
}

} // namespace destrier
