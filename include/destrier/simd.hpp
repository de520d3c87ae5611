// SPDX-License-Identifier: BSD-3-Clause
//
// simd.hpp: the one place that knows xsimd.
//
// Everything destrier asks of a vector unit is here: the architecture a translation unit is compiled
// for, the vector type, fused multiply-add, whole and partial loads and stores, and the in-register
// transpose that turns problems into lanes. It is the same with xsimd 8.1 (Debian 12) and with every
// later one up to 14: what those versions lack, do slowly or get wrong is not used, but written here.
//
//   default_arch        the widest architecture the compiler's flags allow (right for -march=knl too)
//   batch<T, A>         one vector register of T
//   line<T>             lanes of a lane block: 16 floats or 8 doubles on every architecture
//   registers<T, A>     how many registers make a line: 1 (AVX-512), 2 (AVX2), 4 (SSE, NEON)
//   fmadd, fnmadd       a * b + c and c - a * b, fused wherever the hardware can
//   square_root, lesser, greater, rounded_down   of doubles, by lane
//   load_head, store_head   the first n lanes, for the end of a row
//   stream, stream_fence    stores past the caches
//   transpose           W registers of W lanes, in place
//   store_transposed    the same on the way to memory, at half the shuffles
//   load_pieces         a register from equal pieces of memory
//   interleave, deinterleave   two registers of pairs from, and to, two of firsts and seconds
//   add_counted         counts and places in one word each: the sum of counts times what lies there
//   double4<A>          four doubles that belong together, whatever the registers
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <xsimd/xsimd.hpp>

#if !defined(__clang__) && (!defined(__GNUC__) || __GNUC__ < 12)
#error "destrier needs g++ 12 or clang 14 and later (__builtin_shufflevector, C++20)"
#elif __cplusplus < 202002L
#error "destrier needs C++20: compile with -std=c++20"
#elif XSIMD_VERSION_MAJOR * 100 + XSIMD_VERSION_MINOR < 801
#error "destrier needs xsimd 8.1 or later"
#endif

#define DESTRIER_INLINE inline __attribute__((always_inline))

namespace destrier {

// xsimd's own default is unusable on Knights Landing (8.1 and 9.0 pick avx512cd, which has no registers there),
// has no fused multiply-add where the flags allow AVX-VNNI (from 12.1 on), and is of no fixed length with SVE: so
// what matters is named outright.
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
using default_arch = xsimd::avx512bw;
#elif defined(__AVX512F__)
using default_arch = xsimd::avx512f;
#elif defined(__AVX2__) && defined(__FMA__)
using default_arch = xsimd::fma3<xsimd::avx2>;
#elif defined(__aarch64__)
using default_arch = xsimd::neon64;
#else
using default_arch = xsimd::default_arch;
#endif

/// One vector register of T.
template <std::floating_point T, class A = default_arch>
using batch = xsimd::batch<T, A>;

/// Lanes of one register.
template <std::floating_point T, class A = default_arch>
inline constexpr std::size_t width = batch<T, A>::size;

/// Lanes of a lane block, and of one 64-byte line: 16 floats or 8 doubles, whatever the registers.
template <std::floating_point T>
inline constexpr std::size_t line = 64 / sizeof(T);

/// Registers in a line.
template <std::floating_point T, class A = default_arch>
inline constexpr std::size_t registers = line<T> / width<T, A>;

/// Calls f(std::integral_constant<std::size_t, i>) for i = 0 .. N - 1, unrolled at every optimisation
/// level: arrays of registers indexed by i stay in registers. Mark f DESTRIER_UNROLLED.
#define DESTRIER_UNROLLED __attribute__((always_inline))
template <std::size_t N, class F>
DESTRIER_INLINE constexpr void unroll(F&& f) {
    [&]<std::size_t... i>(std::index_sequence<i...>) DESTRIER_UNROLLED {
        (f(std::integral_constant<std::size_t, i>{}), ...);
    }
    (std::make_index_sequence<N>());
}

namespace detail {

template <class A>
inline constexpr bool is_avx512 = std::is_base_of_v<xsimd::avx512f, A>;

// Called with 64 bytes of a frame, it has the compiler align the frame to them and leave the red zone alone.
// What is spilled then lies at multiples of 64 bytes from rsp: 8 bytes of instruction rather than 11.
template <class A>
[[gnu::noinline]] void align_frame(std::byte* bytes) noexcept {
    asm("" : : "r"(bytes) : "memory");
}

} // namespace detail

/// A pointer of which compilers forget what it points into.
template <class T>
DESTRIER_INLINE void opaque(T*& p) noexcept {
    asm("" : "+r"(p));
}

/// a * b + c in one rounding where the architecture has it. (xsimd's avx512f has no fused form before
/// 11.0, and clang never contracts operators on batches.)
template <std::floating_point T, class A>
DESTRIER_INLINE xsimd::batch<T, A> fmadd(xsimd::batch<T, A> a, xsimd::batch<T, A> b,
                                         xsimd::batch<T, A> c) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A> && std::is_same_v<T, float>) {
        return _mm512_fmadd_ps(a, b, c);
    } else if constexpr (detail::is_avx512<A>) {
        return _mm512_fmadd_pd(a, b, c);
    } else
#endif
        return xsimd::fma(a, b, c);
}

/// c - a * b in one rounding where the architecture has it.
template <std::floating_point T, class A>
DESTRIER_INLINE xsimd::batch<T, A> fnmadd(xsimd::batch<T, A> a, xsimd::batch<T, A> b,
                                          xsimd::batch<T, A> c) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A> && std::is_same_v<T, float>) {
        return _mm512_fnmadd_ps(a, b, c);
    } else if constexpr (detail::is_avx512<A>) {
        return _mm512_fnmadd_pd(a, b, c);
    } else
#elif defined(__aarch64__) // where xsimd 8.1 multiplies and subtracts
    if constexpr (std::is_same_v<T, float>) {
        return vfmsq_f32(c, a, b);
    } else if constexpr (std::is_same_v<T, double>) {
        return vfmsq_f64(c, a, b);
    } else
#endif
        return xsimd::fnma(a, b, c);
}

// xsimd's own sqrt, min, max and floor are not used: in those of AVX-512 g++ 12 finds something uninitialised (its
// PR 105593), and the floor of SSE2 leaves the registers.

template <class A>
DESTRIER_INLINE xsimd::batch<double, A> square_root(xsimd::batch<double, A> v) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A>) return _mm512_maskz_sqrt_pd(0xff, v);
#endif
    return xsimd::sqrt(v);
}
template <class A>
DESTRIER_INLINE xsimd::batch<double, A> lesser(xsimd::batch<double, A> a,
                                               xsimd::batch<double, A> b) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A>) return _mm512_maskz_min_pd(0xff, a, b);
#endif
    return xsimd::min(a, b);
}
template <class A>
DESTRIER_INLINE xsimd::batch<double, A> greater(xsimd::batch<double, A> a,
                                                xsimd::batch<double, A> b) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A>) return _mm512_maskz_max_pd(0xff, a, b);
#endif
    return xsimd::max(a, b);
}
/// The whole number below, for |v| < 2^51.
template <class A>
DESTRIER_INLINE xsimd::batch<double, A> rounded_down(xsimd::batch<double, A> v) noexcept {
    using V = xsimd::batch<double, A>;
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A>) return _mm512_maskz_roundscale_pd(0xff, v, 9);
#endif
    if constexpr (!std::is_same_v<A, xsimd::sse2>) return xsimd::floor(v);
    const V nearest = (v + V(0x3p51)) - V(0x3p51);
    return nearest - xsimd::select(nearest > v, V(1.0), V(0.0));
}

/// The first n <= width elements at p, zeros in the other lanes; nothing behind them is read.
template <class A, std::floating_point T>
DESTRIER_INLINE batch<T, A> load_head(const T* p, std::size_t n) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A> && std::is_same_v<T, float>) {
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
    } else if constexpr (detail::is_avx512<A>) {
        return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p);
    } else
#endif
    {
        alignas(64) T lanes[width<T, A>] = {};
        for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
        return batch<T, A>::load_aligned(lanes);
    }
}

/// Stores the first n <= width lanes at p; nothing behind them is written.
template <std::floating_point T, class A>
DESTRIER_INLINE void store_head(T* p, xsimd::batch<T, A> v, std::size_t n) noexcept {
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A> && std::is_same_v<T, float>) {
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
    } else if constexpr (detail::is_avx512<A>) {
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), v);
    } else
#endif
    {
        alignas(64) T lanes[width<T, A>];
        v.store_aligned(lanes);
        for (std::size_t i = 0; i < n; ++i) p[i] = lanes[i];
    }
}

/// Stores a register past the caches: for lines that are written whole and not read again soon.
/// p is aligned to the register; stream_fence comes before another thread reads.
template <std::floating_point T, class A>
DESTRIER_INLINE void stream(T* p, xsimd::batch<T, A> v) noexcept {
#if defined(__x86_64__)
    if constexpr (sizeof(v) == 16 && std::is_same_v<T, float>) return _mm_stream_ps(p, v);
    if constexpr (sizeof(v) == 16 && std::is_same_v<T, double>) return _mm_stream_pd(p, v);
#if defined(__AVX__)
    if constexpr (sizeof(v) == 32 && std::is_same_v<T, float>) return _mm256_stream_ps(p, v);
    if constexpr (sizeof(v) == 32 && std::is_same_v<T, double>) return _mm256_stream_pd(p, v);
#endif
#if defined(__AVX512F__)
    if constexpr (sizeof(v) == 64 && std::is_same_v<T, float>) return _mm512_stream_ps(p, v);
    if constexpr (sizeof(v) == 64 && std::is_same_v<T, double>) return _mm512_stream_pd(p, v);
#endif
#else
    v.store_aligned(p);
#endif
}

/// Makes this thread's streamed stores visible before whatever it stores next.
DESTRIER_INLINE void stream_fence() noexcept {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

namespace detail {

// Every second block of Block lanes, first of a and then of b, within groups of Group lanes: the even
// blocks (Odd = 0) or the odd ones (1). Groups of 128 bits keep the shuffle inside its lane, where
// AVX does it in one instruction (vshufps, vunpckpd); whole blocks of 128 bits are vshuff32x4.
template <std::size_t Block, std::size_t Group, std::size_t Odd, class R, std::size_t... Lane>
DESTRIER_INLINE R every_second(R a, R b, std::index_sequence<Lane...>) noexcept {
    constexpr auto source = [](std::size_t lane) {
        const std::size_t group = lane / Group;
        const std::size_t block = lane % Group / Block;
        const std::size_t half = Group / Block / 2;
        const std::size_t from = group * Group + (2 * (block % half) + Odd) * Block + lane % Block;
        return static_cast<int>(block < half ? from : from + sizeof...(Lane));
    };
    return __builtin_shufflevector(a, b, source(Lane)...);
}

// The lanes of a and b in turn, from those of their first half (Half = 0) or of their second (1).
template <std::size_t Half, class R, std::size_t... Lane>
DESTRIER_INLINE R pairs(R a, R b, std::index_sequence<Lane...>) noexcept {
    constexpr std::size_t w = sizeof...(Lane);
    return __builtin_shufflevector(a, b, static_cast<int>(Half * w / 2 + Lane / 2 + Lane % 2 * w)...);
}

// One perfect unshuffle of N registers, Stride apart; log2(N) of them transpose N x N blocks.
template <std::size_t N, std::size_t Stride, std::size_t Block, std::size_t Group, class R,
          std::size_t W>
DESTRIER_INLINE void unshuffle(R* r, std::index_sequence<W>) noexcept {
    constexpr auto lanes = std::make_index_sequence<W>();
    R out[N];
    unroll<N / 2>([&](auto i) DESTRIER_UNROLLED {
        const R a = r[2 * i * Stride], b = r[(2 * i + 1) * Stride];
        out[i] = every_second<Block, Group, 0>(a, b, lanes);
        out[i + N / 2] = every_second<Block, Group, 1>(a, b, lanes);
    });
    unroll<N>([&](auto i) DESTRIER_UNROLLED { r[i * Stride] = out[i]; });
}

// log2 of a power of two.
constexpr std::size_t log2(std::size_t n) noexcept { return n <= 1 ? 0 : 1 + log2(n / 2); }

// Transposes Group x Group blocks, each within 128 bits of as many registers one after the other.
template <std::size_t Group, class R, std::size_t W>
DESTRIER_INLINE void transpose_quads(R* r, std::index_sequence<W> lanes) noexcept {
    unroll<W / Group>([&](auto g) DESTRIER_UNROLLED {
        unroll<log2(Group)>(
            [&](auto) DESTRIER_UNROLLED { unshuffle<Group, 1, 1, Group>(r + g * Group, lanes); });
    });
}

// Stores 128-bit block At of a register. (Of a __builtin_shufflevector g++ 12 makes a shuffle and a store.)
template <std::size_t At, class R>
DESTRIER_INLINE void store_quad(R r, void* to) noexcept {
#if defined(__AVX512F__)
    if constexpr (sizeof(R) == 64) {
        return _mm_store_ps(static_cast<float*>(to), _mm512_maskz_extractf32x4_ps(0xf, (__m512)r, At));
    } else
#endif
#if defined(__AVX__)
        if constexpr (sizeof(R) == 32) {
        return _mm_store_ps(static_cast<float*>(to), _mm256_extractf128_ps((__m256)r, At));
    } else
#endif
    {
        *static_cast<R*>(to) = r;
    }
}

} // namespace detail

/// A register put together from Pieces equal pieces of memory, of 16 bytes at least, `stride` elements apart.
template <class V, std::size_t Pieces, class T = typename V::value_type>
DESTRIER_INLINE V load_pieces(const T* p, [[maybe_unused]] std::ptrdiff_t stride) noexcept {
    static_assert(sizeof(V) / Pieces >= 16);
    if constexpr (Pieces == 1) return V::load_unaligned(p);
#if defined(__AVX__)
    using R = typename V::register_type;
    [[maybe_unused]] const auto quad = [&](std::ptrdiff_t i) DESTRIER_UNROLLED {
        return _mm_loadu_ps(reinterpret_cast<const float*>(p + i * stride));
    };
    if constexpr (sizeof(V) == 32 && Pieces == 2) {
        return (R)_mm256_insertf128_ps(_mm256_castps128_ps256(quad(0)), quad(1), 1);
    }
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && Pieces == 2) {
        const __m256d first = _mm256_loadu_pd(reinterpret_cast<const double*>(p));
        const __m256d second = _mm256_loadu_pd(reinterpret_cast<const double*>(p + stride));
        return (R)_mm512_maskz_insertf64x4(0xff, _mm512_castpd256_pd512(first), second, 1);
    }
    if constexpr (sizeof(V) == 64 && Pieces == 4) {
        __m512 r = _mm512_castps128_ps512(quad(0));
        r = _mm512_maskz_insertf32x4(0xffff, r, quad(1), 1);
        r = _mm512_maskz_insertf32x4(0xffff, r, quad(2), 2);
        return (R)_mm512_maskz_insertf32x4(0xffff, r, quad(3), 3);
    }
#endif
#endif
}

/// Stores the transpose of rows[0 .. width - 1]: lane j of rows[i] goes to to[j Stride + i]. `to` and Stride
/// are multiples of 16 bytes. Only 128-bit blocks are transposed in registers: they are stored one by one,
/// which a store port does for nothing, where shuffles of whole registers would wait for one port.
template <std::size_t Stride, std::floating_point T, class A>
DESTRIER_INLINE void store_transposed(const xsimd::batch<T, A>* rows, T* to) noexcept {
    using R = typename batch<T, A>::register_type;
    constexpr std::size_t w = width<T, A>, group = 16 / sizeof(T);
    constexpr std::index_sequence<w> lanes;
    R r[w];
    unroll<w>([&](auto i) DESTRIER_UNROLLED { r[i] = rows[i]; });
    detail::transpose_quads<group>(r, lanes);
    unroll<w>([&](auto i) DESTRIER_UNROLLED { // 128-bit block b of r[i] is lane b group + i % group
        unroll<w / group>([&](auto b) DESTRIER_UNROLLED {
            detail::store_quad<b>(r[i], to + (b * group + i % group) * Stride + i / group * group);
        });
    });
}

/// a and b hold the pairs a0 b0 a1 b1 ... of two registers, one after the other: parts the firsts (into a)
/// from the seconds (into b).
template <std::floating_point T, class A>
DESTRIER_INLINE void deinterleave(xsimd::batch<T, A>& a, xsimd::batch<T, A>& b) noexcept {
    using R = typename batch<T, A>::register_type;
    constexpr std::size_t w = width<T, A>;
    constexpr std::make_index_sequence<w> lanes;
    const R first = a, second = b;
    a = detail::every_second<1, w, 0>(first, second, lanes);
    b = detail::every_second<1, w, 1>(first, second, lanes);
}

/// The inverse: pairs in two registers, from the firsts in a and the seconds in b.
template <std::floating_point T, class A>
DESTRIER_INLINE void interleave(xsimd::batch<T, A>& a, xsimd::batch<T, A>& b) noexcept {
    using R = typename batch<T, A>::register_type;
    constexpr std::make_index_sequence<width<T, A>> lanes;
    const R first = a, second = b;
    a = detail::pairs<0>(first, second, lanes);
    b = detail::pairs<1>(first, second, lanes);
}

/// Transposes rows[0 .. width - 1] in registers: lane j of rows[i] becomes lane i of rows[j].
template <std::floating_point T, class A>
DESTRIER_INLINE void transpose(xsimd::batch<T, A>* rows) noexcept {
    using R = typename batch<T, A>::register_type;
    constexpr std::size_t w = width<T, A>;
    constexpr std::size_t group = 16 / sizeof(T); // lanes in 128 bits
    constexpr std::index_sequence<w> lanes;
    R r[w];
    unroll<w>([&](auto i) DESTRIER_UNROLLED { r[i] = rows[i]; });
    detail::transpose_quads<group>(r, lanes);
    unroll<group>([&](auto i) DESTRIER_UNROLLED {
        unroll<detail::log2(w / group)>([&](auto) DESTRIER_UNROLLED {
            detail::unshuffle<w / group, group, group, w>(r + i, lanes);
        });
    });
    unroll<w>([&](auto i) DESTRIER_UNROLLED { rows[i] = r[i]; });
}

/// In lane i < n, sum + (e[i] mod 2^Bits) x[e[i] / 2^Bits]: counts and places in one word each. A register of e is
/// read; of x, what the first n name. x is below 2^31 elements.
template <std::size_t Bits, class T, class A>
DESTRIER_INLINE xsimd::batch<double, A> add_counted(const std::uint32_t* e, std::size_t n, const T* x,
                                                    xsimd::batch<double, A> sum) noexcept {
    using V = xsimd::batch<double, A>;
#if defined(__AVX512F__)
    if constexpr (detail::is_avx512<A>) {
        const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(e));
        const __m256i at = _mm256_srli_epi32(words, Bits);
        const V count =
            _mm512_maskz_cvtepi32_pd(0xff, _mm256_and_si256(words, _mm256_set1_epi32((1 << Bits) - 1)));
        if constexpr (std::is_same_v<T, double>) {
            const auto lanes = static_cast<__mmask8>((1u << n) - 1u);
            return fmadd(count,
                         V(_mm512_mask_i32gather_pd(_mm512_setzero_pd(), lanes, at, x, sizeof(T))), sum);
        } else {
            const __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                                                     _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            const __m256 there = _mm256_mask_i32gather_ps(_mm256_setzero_ps(), x, at,
                                                          _mm256_castsi256_ps(lanes), sizeof(T));
            return fmadd(count, V(_mm512_maskz_cvtps_pd(0xff, there)), sum);
        }
    }
#endif
    alignas(64) double there[V::size] = {}, count[V::size] = {};
    for (std::size_t i = 0; i < n; ++i) {
        there[i] = static_cast<double>(x[e[i] >> Bits]);
        count[i] = e[i] & ((1u << Bits) - 1);
    }
    return fmadd(V::load_aligned(count), V::load_aligned(there), sum);
}

namespace detail {

// A register of doubles from as many p[0], p[1] ... after f, by the compiler's conversion of vectors: xsimd 8.1 has
// none. (Of four lanes g++ 12 makes two conversions and a shuffle.)
template <class Part, class From, class F>
DESTRIER_INLINE Part converted(const From* p, F&& f) noexcept {
    typedef From from __attribute__((vector_size(sizeof(From) * Part::size)));
    typedef double to __attribute__((vector_size(8 * Part::size)));
    from x;
    std::memcpy(&x, p, sizeof x);
    const to y = __builtin_convertvector(f(x), to);
    return Part((typename Part::register_type)y);
}

} // namespace detail

/// Four doubles that belong together, such as a pixel's I, Q, U and a place to spare: one register from AVX on
/// (of AVX-512 a narrow one), two of SSE and NEON.
template <class A = default_arch>
class double4 {
    using arch = std::conditional_t<(width<double, A> > 4), xsimd::fma3<xsimd::avx2>, A>;
    using part = batch<double, arch>;
    static constexpr std::size_t lanes = part::size, parts = 4 / lanes;

public:
    double4() = default;
    DESTRIER_INLINE explicit double4(double x) noexcept {
        unroll<parts>([&](auto i) DESTRIER_UNROLLED { part_[i] = part(x); });
    }

    /// p[0 .. 3], of any alignment.
    DESTRIER_INLINE static double4 load(const double* p) noexcept {
        double4 q;
        unroll<parts>([&](auto i)
                          DESTRIER_UNROLLED { q.part_[i] = part::load_unaligned(p + i * lanes); });
        return q;
    }
    DESTRIER_INLINE static double4 load(const float* p) noexcept {
#if defined(__AVX__)
        if constexpr (lanes == 4) return double4(part(_mm256_cvtps_pd(_mm_loadu_ps(p))));
#endif
        double4 q;
        unroll<parts>([&](auto i) DESTRIER_UNROLLED {
            q.part_[i] =
                detail::converted<part>(p + i * lanes, [](auto x) DESTRIER_UNROLLED { return x; });
        });
        return q;
    }
    /// p[0 .. 3], those bits of each that are in mask[0 .. 3].
    DESTRIER_INLINE static double4 load(const std::int32_t* p, const std::int32_t* mask) noexcept {
#if defined(__AVX__)
        if constexpr (lanes == 4) {
            const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            const __m128i m = _mm_load_si128(reinterpret_cast<const __m128i*>(mask));
            return double4(part(_mm256_cvtepi32_pd(_mm_and_si128(x, m))));
        }
#endif
        double4 q;
        unroll<parts>([&](auto i) DESTRIER_UNROLLED {
            q.part_[i] = detail::converted<part>(p + i * lanes, [&](auto x) DESTRIER_UNROLLED {
                decltype(x) m;
                std::memcpy(&m, mask + i * lanes, sizeof m);
                return x & m;
            });
        });
        return q;
    }
    DESTRIER_INLINE void store(double* p) const noexcept {
        unroll<parts>([&](auto i) DESTRIER_UNROLLED { part_[i].store_unaligned(p + i * lanes); });
    }

    DESTRIER_INLINE friend double4 operator+(double4 a, double4 b) noexcept {
        unroll<parts>([&](auto i) DESTRIER_UNROLLED { a.part_[i] += b.part_[i]; });
        return a;
    }
    DESTRIER_INLINE friend double4 operator*(double4 a, double4 b) noexcept {
        unroll<parts>([&](auto i) DESTRIER_UNROLLED { a.part_[i] *= b.part_[i]; });
        return a;
    }
    DESTRIER_INLINE friend double4 fmadd(double4 a, double4 b, double4 c) noexcept {
        unroll<parts>([&](auto i) DESTRIER_UNROLLED {
            c.part_[i] = destrier::fmadd(a.part_[i], b.part_[i], c.part_[i]);
        });
        return c;
    }
    /// The sum of each one's four.
    DESTRIER_INLINE friend double4 sums(double4 a, double4 b, double4 c, double4 d) noexcept {
#if defined(__AVX__)
        if constexpr (lanes == 4) {
            const __m256d ab = _mm256_hadd_pd(a.part_[0], b.part_[0]);
            const __m256d cd = _mm256_hadd_pd(c.part_[0], d.part_[0]);
            return double4(part(_mm256_add_pd(_mm256_permute2f128_pd(ab, cd, 0x20),
                                              _mm256_permute2f128_pd(ab, cd, 0x31))));
        }
#endif
        double x[4][4], sum[4];
        a.store(x[0]), b.store(x[1]), c.store(x[2]), d.store(x[3]);
        for (int i = 0; i < 4; ++i) sum[i] = (x[i][0] + x[i][1]) + (x[i][2] + x[i][3]);
        return load(sum);
    }

private:
    DESTRIER_INLINE explicit double4(part only) noexcept { part_[0] = only; }

    part part_[parts];
};

} // namespace destrier
