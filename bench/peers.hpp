// SPDX-License-Identifier: BSD-3-Clause
//
// peers.hpp: the transforms that the benchmarks time, and what FFTW and MKL take for them.
//
//   transform_case c{.shape = {1024}, .batch = 16};       // 16 complex transforms of length 1024
//   peers::fftw_seconds<float>(c)                         // of one thread; NaN without FFTW
//   peers::mkl_seconds<float>(c)
//   peers::measure<float>(state, c, run, right);          // a row: ours, and how it stands beside both
//
// A case's arrays are contiguous, transform after transform, row after row: the peers' best layout, and
// the one in which everybody's results, ours too, are held against the sum itself before anything is
// timed. A peer whose result is wrong says so on stderr and is left out. In place, the rows of real
// numbers are padded to those of their half spectra.
//
// Repeated in place, an unnormalised transform soon gives infinities: vector units take them as they
// take any number.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

#if defined(DESTRIER_BENCH_FFTW)
#include <fftw3.h>
#endif
#if defined(DESTRIER_BENCH_MKL)
#define MKL_DEPRECATED_MSG(message) // DFTI_INPUT_..., which it would have replaced, are in every MKL
#include <mkl_dfti.h>
#endif

#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

#include "limits.hpp"

namespace peers {

using destrier::buffer;

enum class transform { c2c, r2c, c2r };

/// Forward transforms, or, for c2r, backward ones; all unnormalised.
struct transform_case {
    std::vector<std::size_t> shape; ///< (n) or (rows, columns), of the real numbers where there are any
    std::size_t batch = 1;
    transform kind = transform::c2c;
    bool in_place = false;

    auto operator<=>(const transform_case&) const = default;

    std::size_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
    std::size_t columns() const { return shape.back(); }
};

/// What a case reads, or writes: an array (batch, rows, pitch) of real or complex numbers.
struct side {
    bool complex;
    std::size_t batch, rows, columns, pitch; // columns of each pitch hold numbers

    std::size_t parts() const { return complex ? 2 : 1; }
    std::size_t distance() const { return rows * pitch; }
    std::size_t size() const { return batch * distance() * parts(); } // in T
};

/// One side of a case as an array: all rows of its batch.
template <class T>
destrier::view<std::complex<T>, 2> complexes(T* data, const side& s) {
    return {reinterpret_cast<std::complex<T>*>(data), {s.batch * s.rows, s.columns}};
}
template <class T>
destrier::view<T, 2> reals(T* data, const side& s) {
    return {data, {s.batch * s.rows, s.columns}};
}
inline side side_of(const transform_case& c, bool complex) {
    const std::size_t half = c.columns() / 2 + 1;
    if (complex) {
        const std::size_t columns = c.kind == transform::c2c ? c.columns() : half;
        return {true, c.batch, c.rows(), columns, columns};
    }
    return {false, c.batch, c.rows(), c.columns(), c.in_place ? 2 * half : c.columns()};
}
inline side input(const transform_case& c) { return side_of(c, c.kind != transform::r2c); }
inline side output(const transform_case& c) { return side_of(c, c.kind != transform::c2r); }

/// The nominal 5 N log2(N) flop of complex transforms, half of it for real ones, whatever is really done.
inline double flops(const transform_case& c) {
    const auto points = static_cast<double>(c.rows() * c.columns());
    return (c.kind == transform::c2c ? 5 : 2.5) * points * std::log2(points) *
           static_cast<double>(c.batch);
}
/// Bytes of the input and of the output.
template <class T>
double bytes(const transform_case& c) {
    return static_cast<double>((input(c).size() + output(c).size()) * sizeof(T));
}

// Data and their check

/// The i-th of a sequence of numbers without pattern in [-1, 1), exact in float.
inline double noise(std::uint64_t i) {
    i = (i + 1) * 0x9e3779b97f4a7c15u;
    i = (i ^ (i >> 32)) * 0xd6e8feb86659fd93u;
    return static_cast<double>((i ^ (i >> 32)) >> 44) * 0x1p-19 - 1;
}

/// Every number of the input is known from its place alone. Of half spectra, the columns that must be
/// symmetric in themselves are zero.
inline std::complex<double> input_value(const transform_case& c, std::size_t which, std::size_t row,
                                        std::size_t column) {
    const side from = input(c);
    const bool at_edge = column == 0 || 2 * column == c.columns();
    if (c.kind == transform::c2r && at_edge) return 0;
    const std::size_t i = ((which * from.rows + row) * from.pitch + column) * from.parts();
    return {noise(i), from.complex ? noise(i + 1) : 0};
}

/// The arrays of a case, the input filled.
template <class T>
class arrays {
public:
    explicit arrays(const transform_case& c)
        : in_(input(c).size()), out_(c.in_place ? 0 : output(c).size()) {
        const side from = input(c);
        T* p = in_.data();
        for (std::size_t line = 0; line < from.batch * from.rows; ++line, p += from.pitch * from.parts())
            for (std::size_t column = 0; column < from.columns; ++column) {
                const auto x = input_value(c, line / from.rows, line % from.rows, column);
                p[column * from.parts()] = static_cast<T>(x.real());
                if (from.complex) p[2 * column + 1] = static_cast<T>(x.imag());
            }
    }
    T* in() { return in_.data(); }
    T* out() { return out_.empty() ? in_.data() : out_.data(); }

private:
    buffer<T> in_, out_;
};

// exp(sign 2 pi i k t / n) for t = 0 .. n - 1
inline std::vector<std::complex<double>> turns(std::size_t k, std::size_t n, double sign) {
    std::vector<std::complex<double>> w(n);
    for (std::size_t t = 0; t < n; ++t) {
        const double turn = static_cast<double>(k * t % n) / static_cast<double>(n);
        w[t] = std::polar(1.0, sign * 2 * std::numbers::pi * turn);
    }
    return w;
}

/// One number of the output by the sum, in double.
inline std::complex<double> direct(const transform_case& c, std::size_t which, std::size_t row,
                                   std::size_t column) {
    const double sign = c.kind == transform::c2r ? 1 : -1;
    const auto down = turns(row, c.rows(), sign), across = turns(column, c.columns(), sign);
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < c.rows(); ++i) {
        std::complex<double> part = 0;
        for (std::size_t j = 0; j < input(c).columns; ++j)
            part += input_value(c, which, i, j) * across[j];
        sum += part * down[i];
    }
    return c.kind == transform::c2r ? 2 * sum.real() : sum; // the other half adds the conjugate
}

/// Whether out holds the transforms of the case's data: some numbers of the first and of the last one.
template <class T>
bool is_transform(const transform_case& c, const T* out) {
    const side to = output(c);
    const double tolerance = 100 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                             std::sqrt(static_cast<double>(c.rows() * c.columns()));
    const std::size_t places[][2] = {
        {0, 0}, {c.rows() / 3, to.columns / 3}, {c.rows() - 1, to.columns / 2}};
    for (const std::size_t which : {std::size_t{0}, c.batch - 1})
        for (const auto& [row, column] : places) {
            const T* const p = out + ((which * to.rows + row) * to.pitch + column) * to.parts();
            const std::complex<double> got(p[0], to.complex ? p[1] : 0);
            if (!(std::abs(got - direct(c, which, row, column)) <= tolerance)) return false;
        }
    return true;
}

/// Seconds of f, the fastest of several groups of calls that are long beside a look at the clock.
template <class F>
double seconds_of(F&& f) {
    const auto calls = 1 + static_cast<std::size_t>(20e-6 / limits::fastest(f));
    const double seconds = limits::fastest([&] {
        for (std::size_t call = 0; call < calls; ++call) f();
    });
    return seconds / static_cast<double>(calls);
}

// The peers

inline constexpr double absent = std::numeric_limits<double>::quiet_NaN();

inline void complain(const transform_case& c, const char* peer, const char* what) {
    constexpr const char* kinds[] = {"c2c", "r2c", "c2r"};
    std::fprintf(stderr, "%s, %zu x %s of %zu x %zu: %s\n", peer, c.batch,
                 kinds[static_cast<int>(c.kind)], c.rows(), c.columns(), what);
}

// Seconds of execute(in, out), which is a peer at work on a case; absent if it does not give the transform.
template <class T, class F>
double seconds_if_right(const transform_case& c, const char* peer, F&& execute) {
    arrays<T> data(c);
    execute(data.in(), data.out());
    if (is_transform(c, data.out())) return seconds_of([&] { execute(data.in(), data.out()); });
    complain(c, peer, "wrong transform, left out");
    return absent;
}

#if defined(DESTRIER_BENCH_FFTW)
template <class T>
struct fftw; // the two precisions of its C interface
template <>
struct fftw<float> {
    static constexpr auto c2c = &fftwf_plan_many_dft;
    static constexpr auto r2c = &fftwf_plan_many_dft_r2c;
    static constexpr auto c2r = &fftwf_plan_many_dft_c2r;
    static constexpr auto run_c2c = &fftwf_execute_dft;
    static constexpr auto run_r2c = &fftwf_execute_dft_r2c;
    static constexpr auto run_c2r = &fftwf_execute_dft_c2r;
    static constexpr auto destroy = &fftwf_destroy_plan;
    static constexpr auto limit = &fftwf_set_timelimit;
    using complex = fftwf_complex;
    using plan = fftwf_plan;
};
template <>
struct fftw<double> {
    static constexpr auto c2c = &fftw_plan_many_dft;
    static constexpr auto r2c = &fftw_plan_many_dft_r2c;
    static constexpr auto c2r = &fftw_plan_many_dft_c2r;
    static constexpr auto run_c2c = &fftw_execute_dft;
    static constexpr auto run_r2c = &fftw_execute_dft_r2c;
    static constexpr auto run_c2r = &fftw_execute_dft_c2r;
    static constexpr auto destroy = &fftw_destroy_plan;
    static constexpr auto limit = &fftw_set_timelimit;
    using complex = fftw_complex;
    using plan = fftw_plan;
};

/// FFTW's plan of a case. What it tries on its way overwrites both arrays.
template <class T>
class fftw_plan_of {
public:
    using api = fftw<T>;

    static constexpr double most_seconds = 20;

    fftw_plan_of(const transform_case& c, unsigned effort) : kind_(c.kind) {
        buffer<T> in(input(c).size()), out(c.in_place ? 0 : output(c).size());
        api::limit(most_seconds);
        const auto start = std::chrono::steady_clock::now();
        plan_ = make(c, in.data(), c.in_place ? in.data() : out.data(), effort);
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        if (spent.count() >= most_seconds)
            complain(c, "FFTW", "out of time, so with the best plan it had found until then");
    }
    fftw_plan_of(const fftw_plan_of&) = delete;
    fftw_plan_of& operator=(const fftw_plan_of&) = delete;
    ~fftw_plan_of() { api::destroy(plan_); }

    void operator()(T* in, T* out) const {
        switch (kind_) {
        case transform::c2c: return api::run_c2c(plan_, complex(in), complex(out));
        case transform::r2c: return api::run_r2c(plan_, in, complex(out));
        case transform::c2r: return api::run_c2r(plan_, complex(in), out);
        }
    }

private:
    static auto* complex(T* p) { return reinterpret_cast<typename api::complex*>(p); }

    static typename api::plan make(const transform_case& c, T* in, T* out, unsigned effort) {
        const auto integer = [](std::size_t n) { return static_cast<int>(n); };
        const std::vector<int> n(c.shape.begin(), c.shape.end());
        const int rank = integer(n.size()), many = integer(c.batch);
        const int from = integer(input(c).distance()), to = integer(output(c).distance());
        switch (c.kind) {
        case transform::c2c:
            return api::c2c(rank, n.data(), many, complex(in), nullptr, 1, from, complex(out), nullptr,
                            1, to, FFTW_FORWARD, effort);
        case transform::r2c:
            return api::r2c(rank, n.data(), many, in, nullptr, 1, from, complex(out), nullptr, 1, to,
                            effort);
        case transform::c2r:
            return api::c2r(rank, n.data(), many, complex(in), nullptr, 1, from, out, nullptr, 1, to,
                            effort);
        }
        return {};
    }

    transform kind_;
    typename api::plan plan_;
};

/// Seconds of FFTW's best plan; effort is one of its planner flags.
template <class T>
double fftw_seconds(const transform_case& c, unsigned effort) {
    static std::map<std::pair<transform_case, unsigned>, double> known;
    const auto [place, is_new] = known.try_emplace({c, effort});
    if (is_new) place->second = seconds_if_right<T>(c, "FFTW", fftw_plan_of<T>(c, effort));
    return place->second;
}
/// With patience for arrays of one dimension in cache; beyond, where a single trial takes a tenth of a
/// second, memory is the limit and plans are alike.
template <class T>
double fftw_seconds(const transform_case& c) {
    const bool patient = c.shape.size() == 1 && bytes<T>(c) <= double{1 << 26};
    return fftw_seconds<T>(c, patient ? FFTW_PATIENT : FFTW_MEASURE);
}
#else
template <class T>
double fftw_seconds(const transform_case&) {
    return absent;
}
#endif

#if defined(DESTRIER_BENCH_MKL)
/// MKL's plan of a case.
template <class T>
class mkl_plan_of {
public:
    explicit mkl_plan_of(const transform_case& c) : backward_(c.kind == transform::c2r) {
        const bool real = c.kind != transform::c2c;
        create(sizeof(T) == 4 ? DFTI_SINGLE : DFTI_DOUBLE, real ? DFTI_REAL : DFTI_COMPLEX, c.shape);
        set(DFTI_PLACEMENT, c.in_place ? DFTI_INPLACE : DFTI_NOT_INPLACE);
        set(DFTI_NUMBER_OF_TRANSFORMS, integer(c.batch));
        set(DFTI_INPUT_DISTANCE, integer(input(c).distance()));
        set(DFTI_OUTPUT_DISTANCE, integer(output(c).distance()));
        if (real) set(DFTI_CONJUGATE_EVEN_STORAGE, DFTI_COMPLEX_COMPLEX);
        if (c.shape.size() == 2) {
            set_strides(DFTI_INPUT_STRIDES, input(c));
            set_strides(DFTI_OUTPUT_STRIDES, output(c));
        }
        set(DFTI_THREAD_LIMIT, integer(1));
        const MKL_LONG status = DftiCommitDescriptor(plan_);
        if (status != DFTI_NO_ERROR) complain(c, "MKL", DftiErrorMessage(status));
    }
    mkl_plan_of(const mkl_plan_of&) = delete;
    mkl_plan_of& operator=(const mkl_plan_of&) = delete;
    ~mkl_plan_of() { DftiFreeDescriptor(&plan_); }

    void operator()(T* in, T* out) const {
        if (backward_) {
            if (in == out)
                DftiComputeBackward(plan_, in);
            else
                DftiComputeBackward(plan_, in, out);
        } else {
            if (in == out)
                DftiComputeForward(plan_, in);
            else
                DftiComputeForward(plan_, in, out);
        }
    }

private:
    static MKL_LONG integer(std::size_t n) { return static_cast<MKL_LONG>(n); }

    // In parentheses, it is MKL's function and not the macro, which takes constants only.
    void create(DFTI_CONFIG_VALUE precision, DFTI_CONFIG_VALUE domain,
                const std::vector<std::size_t>& shape) {
        const std::vector<MKL_LONG> n(shape.begin(), shape.end());
        if (n.size() == 1)
            (DftiCreateDescriptor)(&plan_, precision, domain, 1, n[0]);
        else
            (DftiCreateDescriptor)(&plan_, precision, domain, integer(n.size()), n.data());
    }
    template <class V>
    void set(DFTI_CONFIG_PARAM what, V value) {
        DftiSetValue(plan_, what, value);
    }
    void set_strides(DFTI_CONFIG_PARAM what, const side& s) {
        MKL_LONG strides[] = {0, integer(s.pitch), 1};
        DftiSetValue(plan_, what, strides);
    }

    bool backward_;
    DFTI_DESCRIPTOR_HANDLE plan_ = nullptr;
};

/// Seconds of MKL on one thread.
template <class T>
double mkl_seconds(const transform_case& c) {
    static std::map<transform_case, double> known;
    const auto [place, is_new] = known.try_emplace(c);
    if (is_new) place->second = seconds_if_right<T>(c, "MKL", mkl_plan_of<T>(c));
    return place->second;
}
#else
template <class T>
double mkl_seconds(const transform_case&) {
    return absent;
}
#endif

// Rows

/// What every row of one thread reports beside its time; `seconds` is ours for the case.
template <class T>
void report(benchmark::State& state, const transform_case& c, double seconds) {
    state.counters["flops"] = flops(c) / seconds;
    state.counters["bytes"] = bytes<T>(c) / seconds;
    state.counters["of_peak"] = flops(c) / seconds / limits::fma_peak<T>();
    const double footprint = c.in_place ? bytes<T>(c) / 2 : bytes<T>(c);
    if (footprint > static_cast<double>(limits::l2_bytes()))
        state.counters["of_copy"] = bytes<T>(c) / seconds / limits::copy_bandwidth(1);
    const double fftw = fftw_seconds<T>(c), mkl = mkl_seconds<T>(c);
    if (fftw > 0) state.counters["vs_fftw"] = fftw / seconds;
    if (mkl > 0) state.counters["vs_mkl"] = mkl / seconds;
}

/// A row: run() once, which must make right() true, then timed.
template <class T, class Run, class Right>
void measure(benchmark::State& state, const transform_case& c, Run&& run, Right&& right) {
    run();
    if (!right()) return state.SkipWithError("wrong transform");
    for (auto _ : state) run();
    report<T>(state, c, seconds_of(run));
}

} // namespace peers
