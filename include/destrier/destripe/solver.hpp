// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/solver.hpp: A x = b by preconditioned conjugate gradients, A symmetric and positive semi-definite.
//
// What is solved is known only by what it does to a vector, and each process holds a part of the vectors; dot
// products are summed over the processes, a few at a time. A may be singular if b is in its range: destriping's
// A is, by a constant for each part of the sky that no scan connects with the others. What the start has of
// such vectors stays in x.
//
//   linear_system system{.size = n, .apply = ..., .precondition = ...};
//   const solution s = solve(system, b, {.tolerance = 1e-10});
//   s.x; s.reason; s.cause;       // solution, why it ended, in words with numbers
//
// The residual that the recursion carries along is not the residual: rounding parts them. b - A x is computed
// every `refresh` iterations and at the end, `converged` is said of it alone, and where the two disagree the
// recursion starts again from the true one. Where that does not help, A is applied no more accurately than that,
// and the solve ends as stalled. All comparisons are relative to |b|, so that units do not matter.
//
// Source  Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409; Notay, SIAM J. Sci. Comput. 22 (2000)
//         1444 (flexible); van der Vorst and Ye, SIAM J. Sci. Comput. 22 (2000) 835 (true residuals)
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <destrier/destripe/chunk.hpp>
#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe {

/// A x = b without b; spans are of this process's part.
struct linear_system {
    std::size_t size = 0; // of this process's part, may be 0
    std::function<void(std::span<const double>, std::span<double>)> apply; // out = A in
    // out = M^-1 in, about A^-1, symmetric and positive; empty on all processes: none
    std::function<void(std::span<const double>, std::span<double>)> precondition = {};
    reduction sum = {}; // over processes
};

enum class stop {
    converged,  // |b - A x| <= tolerance |b|
    iterations, // as many as were allowed
    stalled,    // no progress
    diverged,   // the residual grew or is no number, or A or M is not positive
    interrupted // after_iteration returned false
};

constexpr const char* name_of(stop reason) noexcept {
    switch (reason) {
    case stop::converged: return "converged";
    case stop::iterations: return "iterations";
    case stop::stalled: return "stalled";
    case stop::diverged: return "diverged";
    case stop::interrupted: return "interrupted";
    }
    return "";
}

/// |b - A x| / |b| as computed from x after an iteration.
struct true_residual {
    std::size_t iteration;
    double relative;
};

/// A solve between two iterations, as plain vectors and numbers. Written somewhere and read back, all of it, it
/// goes on with the same bits, those of the residuals too, as if nothing had been between; x, r, p and best_x are
/// this process's part, all else is the same on all of them. A state whose residuals are empty is a solve not
/// begun; its x, if it has one, is the start.
struct solver_state {
    std::vector<double> x, r, p;   // (size) solution, residual as the recursion has it, direction
    std::vector<double> residuals; // |r| / |b| after 0, 1, ... iterations
    std::vector<true_residual> true_residuals; // where b - A x was computed
    double b_norm = 0;                         // |b|
    double rz = 0;                             // r' M^-1 r
    double relative = 0;                       // |r| / |b|
    double mark = 0;                           // |r| / |b| that progress is measured from
    std::size_t mark_iteration = 0;            // and when it was reached
    double best = 0;                           // smallest |r| / |b| before the last step
    std::vector<double> best_x;                // (size) and x there
    double restarted_from = std::numeric_limits<double>::infinity(); // true residual at the last restart
    double restarted_with = 0;                                       // and the recursion's there
    double operator_norm = 0;                                        // largest |A p| / |p| yet

    std::size_t iterations() const noexcept { return residuals.empty() ? 0 : residuals.size() - 1; }
};

struct solve_options {
    double tolerance = 1e-8;      // |b - A x| / |b|
    std::size_t iterations = 500; // at most, those before a resumption included
    bool flexible = false; // Polak-Ribiere: for an M that is not quite symmetric, or not quite constant
    std::size_t refresh = 50;  // iterations between true residuals; 0: only where the solve may end
    std::size_t patience = 200; // iterations in which the residual has to fall by a tenth; 0: forever
    int threads = 0;           // for the solver's own vector operations; 0: all
    // Called after each iteration, when the state may be saved; false on any process stops all of them. It is
    // called on all processes after the same iterations.
    std::function<bool(const solver_state&)> after_iteration = {};
};

struct solution {
    std::vector<double>
        x; // (size) this process's part; the best one if stalled or diverged, else the last
    std::size_t iterations = 0; // those before a resumption included
    stop reason = stop::converged;
    std::string cause;             // why it ended, with numbers
    std::vector<double> residuals; // |r| / |b| after 0, 1, ... iterations, as the recursion has it
    std::vector<true_residual> true_residuals; // |b - A x| / |b| where it was computed
    double residual = 0;                       // |b - A x| / |b| at the end
};

namespace detail {

// Sums of so many elements are made by themselves, whatever the number of threads, and added in order.
inline constexpr std::size_t summed_elements = 1024;

// A register of consecutive elements, and the first `count` lanes of one for the last elements.
template <class A>
struct whole_register {
    using V = batch<double, A>;
    DESTRIER_INLINE V load(const double* p) const noexcept { return V::load_unaligned(p); }
    DESTRIER_INLINE void store(double* p, V v) const noexcept { v.store_unaligned(p); }
};
template <class A>
struct register_head {
    using V = batch<double, A>;
    std::size_t count;
    DESTRIER_INLINE V load(const double* p) const noexcept { return load_head<A>(p, count); }
    DESTRIER_INLINE void store(double* p, V v) const noexcept { store_head(p, v, count); }
};

// Passes over vectors of n elements that leave sums behind, which are the same for any number of threads.
template <class A>
class summing_passes {
    using V = batch<double, A>;
    static constexpr std::size_t most_sums = 3;

public:
    summing_passes(std::size_t n, int threads)
        : n_(n), threads_(thread_count(threads)), block_sums_(blocks() * most_sums) {}

    // f(lanes, i, sums) for the elements from i on: loads and stores by `lanes`, adds to sums[0 .. Sums - 1].
    template <std::size_t Sums, class F>
    std::array<double, Sums> run(F f) {
        static_assert(Sums <= most_sums);
        parallel_ranges(blocks(), threads_, [&](std::size_t begin, std::size_t end, std::size_t) {
            for (std::size_t b = begin; b < end; ++b) run_block<Sums>(b, f);
        });
        std::array<double, Sums> totals{};
        for (std::size_t k = 0; k < Sums; ++k) totals[k] = total(k);
        return totals;
    }

private:
    std::size_t blocks() const noexcept { return (n_ + summed_elements - 1) / summed_elements; }

    template <std::size_t Sums, class F>
    void run_block(std::size_t b, const F& f) noexcept {
        const std::size_t end = std::min(n_, (b + 1) * summed_elements);
        std::size_t i = b * summed_elements;
        std::array<V, Sums> sums;
        sums.fill(V(0.0));
        for (; i + V::size <= end; i += V::size) f(whole_register<A>{}, i, sums);
        if (i < end) f(register_head<A>{end - i}, i, sums);
        unroll<Sums>([&](auto k) DESTRIER_UNROLLED {
            alignas(64) double lanes[V::size];
            sums[k].store_aligned(lanes);
            double sum = 0;
            for (const double lane : lanes) sum += lane;
            block_sums_[b * most_sums + k] = sum;
        });
    }

    // Neumaier's sum of the blocks.
    double total(std::size_t k) const noexcept {
        double sum = 0, lost = 0;
        for (std::size_t at = k; at < block_sums_.size(); at += most_sums) {
            const double v = block_sums_[at], next = sum + v;
            lost += std::abs(sum) >= std::abs(v) ? (sum - next) + v : (v - next) + sum;
            sum = next;
        }
        return std::isfinite(sum) ? sum + lost : sum;
    }

    std::size_t n_;
    int threads_;
    buffer<double> block_sums_; // (blocks, most_sums)
};

inline std::string short_number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", v);
    return text;
}

[[noreturn]] inline void refuse_solve(const std::string& what) {
    throw std::invalid_argument("destripe::solve: " + what);
}

inline void check_size(const char* name, std::size_t size, std::size_t expected) {
    if (size != expected) {
        refuse_solve(std::string(name) + " has " + std::to_string(size) + " elements, the system has " +
                     std::to_string(expected));
    }
}

inline void check_solve(const linear_system& system, std::span<const double> b, const solve_options& o,
                        const solver_state& s) {
    if (!system.apply) refuse_solve("the system has no function to apply it");
    check_size("b", b.size(), system.size);
    if (!s.x.empty() || !s.residuals.empty()) check_size("x", s.x.size(), system.size);
    if (!s.residuals.empty()) {
        check_size("r", s.r.size(), system.size);
        check_size("p", s.p.size(), system.size);
        check_size("best_x", s.best_x.size(), system.size);
    }
    if (!(o.tolerance > 0) || !std::isfinite(o.tolerance)) {
        refuse_solve("tolerance is " + short_number(o.tolerance) + ", expected a number above 0");
    }
}

template <class A>
class conjugate_gradients {
    // Where the recursion's residual and the true one differ by more, the recursion starts again.
    static constexpr double agreement = 0.1;
    static constexpr double progress = 0.9, progress_of_restart = 0.5;
    static constexpr double growth = 1e3;
    // Of |A| |p|^2: a p'Ap that is 0 but for rounding, and the largest negative one that an A applied in single
    // precision may give.
    static constexpr double rounding = std::numeric_limits<double>::epsilon(), inaccuracy = 1e-6;
    static constexpr double asymmetry_seen = 1e-6, flatness_seen = 1e-6;

public:
    conjugate_gradients(const linear_system& system, std::span<const double> b, const solve_options& o,
                        solver_state& s)
        : system_(system), b_(b), options_(o), s_(s), passes_(system.size, o.threads), q_(system.size),
          z_(system.precondition ? system.size : 0) {}

    // All of the solution but x, which is the state's.
    solution run() {
        if (begin()) {
            while (go_on()) {
            }
        }
        solution out;
        out.iterations = s_.iterations();
        out.reason = reason_;
        out.cause = std::move(cause_);
        out.residuals = s_.residuals;
        out.true_residuals = s_.true_residuals;
        if (out.true_residuals.back().iteration != out.iterations) {
            out.true_residuals.push_back({out.iterations, compute_residual()});
        }
        out.residual = out.true_residuals.back().relative;
        return out;
    }

private:
    // The functions that return bool return whether the solve goes on.

    bool end(stop reason, std::string cause) {
        reason_ = reason;
        cause_ = std::move(cause);
        return false;
    }

    bool begin() {
        const bool begun = !s_.residuals.empty();
        const double steps = static_cast<double>(s_.residuals.size());
        enum { square, nonzero, processes, sum, squares, warm, opening_sums };
        std::array<double, opening_sums> opening{norm2(b_),     any_nonzero(b_) ? 1.0 : 0.0, 1.0, steps,
                                                 steps * steps, s_.x.empty() ? 0.0 : 1.0};
        reduce(opening);
        if (opening[processes] * opening[squares] != opening[sum] * opening[sum]) {
            refuse_solve("the processes' states are of different iterations, here " +
                         std::to_string(s_.iterations()));
        }
        if (!std::isfinite(opening[square])) {
            refuse_solve("|b|^2 is " + short_number(opening[square]) + ", expected a finite number");
        }
        if (opening[nonzero] == 0) return answer_zero();
        constexpr double smallest = std::numeric_limits<double>::min() / (rounding * rounding);
        if (opening[square] < smallest) {
            refuse_solve("|b|^2 is " + short_number(opening[square]) +
                         ", expected a unit in which it is " + short_number(smallest) + " or more");
        }
        const double b_norm = std::sqrt(opening[square]);
        if (begun) return resume(b_norm);
        s_.b_norm = b_norm;
        return start(opening[warm] > 0);
    }

    bool answer_zero() {
        s_ = {};
        for (auto* v : {&s_.x, &s_.r, &s_.p, &s_.best_x}) v->assign(system_.size, 0.0);
        s_.residuals = {0.0};
        s_.true_residuals = {{0, 0.0}};
        return end(stop::converged, "b is 0");
    }

    bool resume(double b_norm) {
        if (!(std::abs(b_norm - s_.b_norm) <= 1e-10 * b_norm)) {
            refuse_solve("the state is of a b with |b| = " + short_number(s_.b_norm) +
                         ", this one has " + short_number(b_norm));
        }
        return true;
    }

    bool start(bool warm) {
        s_.x.resize(system_.size);
        s_.p.assign(system_.size, 0.0);
        s_.relative = 1;
        if (warm) {
            s_.relative = compute_residual();
            s_.r = q_;
        } else {
            s_.r.assign(b_.begin(), b_.end());
        }
        s_.residuals = {s_.relative};
        s_.true_residuals = {{0, s_.relative}};
        s_.mark = s_.best = s_.relative;
        s_.best_x = s_.x;
        if (!std::isfinite(s_.relative)) {
            return end(stop::diverged, "|b - A x| is " + short_number(s_.relative) +
                                           " at the start: it, or what A makes of it, is not finite");
        }
        return s_.relative <= options_.tolerance || point_downhill();
    }

    // p = M^-1 r
    bool point_downhill() {
        const double* const z = precondition();
        std::array<double, 1> rz =
            passes_.template run<1>([r = s_.r.data(), z, p = s_.p.data()](auto lanes, std::size_t i,
                                                                          auto& sums) DESTRIER_UNROLLED {
                const auto z_i = lanes.load(z + i);
                sums[0] = fmadd(lanes.load(r + i), z_i, sums[0]);
                lanes.store(p + i, z_i);
            });
        reduce(rz);
        s_.rz = rz[0];
        return s_.rz > 0 || end_by_preconditioner(s_.rz);
    }

    bool go_on() {
        if (check_due() && !check()) return false;
        if (s_.iterations() >= options_.iterations) {
            return end(stop::iterations, "the residual is " + short_number(s_.relative) +
                                             after_iterations() + ", the last that was allowed");
        }
        const double curvature = apply_to_direction();
        if (!(curvature > 0 && std::isfinite(curvature))) return leave_flat_direction(curvature);
        return step(curvature) && agree_to_go_on();
    }

    bool patience_ended() const noexcept {
        return options_.patience > 0 && s_.iterations() - s_.mark_iteration >= options_.patience;
    }

    bool check_due() const noexcept {
        if (s_.relative <= options_.tolerance || patience_ended()) return true;
        return options_.refresh > 0 && s_.iterations() % options_.refresh == 0 &&
               s_.true_residuals.back().iteration != s_.iterations();
    }

    // Compares x with what the recursion says of it.
    bool check() {
        const double now = record_residual();
        if (!std::isfinite(now)) return end_by_number("|b - A x|", now);
        if (now <= options_.tolerance) return end_converged(now);
        if (!agree(now, s_.relative)) return restart(now);
        if (!patience_ended()) return true;
        if (left_best()) return restart(now);
        return end(stop::stalled, "the residual is " + short_number(now) + " and was " +
                                      short_number(s_.mark) + " at iteration " +
                                      std::to_string(s_.mark_iteration) + diagnosis(""));
    }

    static bool agree(double now, double by_recursion) noexcept {
        return std::abs(now - by_recursion) <= agreement * by_recursion;
    }

    // Whether there was a better x than this one.
    bool left_best() const noexcept { return !(s_.relative <= s_.best); }

    // Goes on from the best x itself, unless that has been of no use.
    bool restart(double now) {
        const double by_recursion = left_best() ? s_.best : s_.relative;
        if (left_best()) now = go_back();
        if (now <= progress_of_restart * s_.restarted_from) {
            s_.restarted_from = now;
            s_.restarted_with = by_recursion;
            return begin_again(now);
        }
        const bool agreed = agree(s_.restarted_from, s_.restarted_with);
        std::string cause = "the residual is " + short_number(now) + " and was " +
                            short_number(s_.restarted_from) + " at a restart, the recursion's was " +
                            short_number(s_.restarted_with) + " there" +
                            diagnosis(agreed ? "" : ": the operator's accuracy ends there");
        begin_again(now);
        return end(stop::stalled, std::move(cause));
    }

    // To the best x; returns its residual, of which q is the vector.
    double go_back() {
        s_.x = s_.best_x;
        return record_residual();
    }

    // r = q, which is b - A x
    bool begin_again(double now) {
        std::swap(s_.r, q_);
        s_.relative = s_.mark = s_.best = now;
        s_.mark_iteration = s_.iterations();
        return point_downhill();
    }

    // Ends as diverged, with the best x.
    bool give_up(std::string cause) {
        if (left_best()) begin_again(go_back());
        return end(stop::diverged, std::move(cause));
    }

    // q = A p; returns p'Ap, or 0 where it cannot be told from 0.
    double apply_to_direction() {
        system_.apply(s_.p, q_);
        std::array<double, 3> sums = products(s_.p, q_);
        reduce(sums);
        const auto [pq, pp, qq] = sums;
        const double stretch = pp > 0 ? std::sqrt(qq / pp) : 0;
        s_.operator_norm = std::max(s_.operator_norm, stretch);
        slope_ = s_.operator_norm > 0 ? stretch / s_.operator_norm : 0;
        const double nothing = (pq < 0 ? inaccuracy : rounding) * s_.operator_norm * pp;
        return std::abs(pq) <= nothing ? 0.0 : pq;
    }

    bool leave_flat_direction(double curvature) {
        if (!std::isfinite(curvature)) return end_by_number("p'Ap", curvature);
        if (curvature < 0) {
            return give_up("p'Ap is " + short_number(curvature) + after_iterations() +
                           ": the matrix is not positive");
        }
        const double now = record_residual();
        if (!std::isfinite(now)) return end_by_number("|b - A x|", now);
        if (now <= options_.tolerance) return end_converged(now);
        return restart(now);
    }

    bool step(double curvature) {
        const double alpha = s_.rz / curvature;
        if (s_.relative <= s_.best) remember_x();
        std::array<double, 3> sums{move(alpha)};
        const double* const z = precondition();
        if (system_.precondition) {
            std::tie(sums[1], sums[2]) = new_products(z);
        } else {
            sums[1] = sums[0];
        }
        reduce(sums);
        const auto [rr, rz, zq] = sums;
        note(std::sqrt(rr) / s_.b_norm);
        if (!(s_.relative <= growth * std::max(1.0, s_.residuals.front()))) return end_by_growth();
        if (!(rz > 0) && !(s_.relative <= options_.tolerance)) return end_by_preconditioner(rz);
        // z'(r - previous r) is -alpha z'q
        const double beta = options_.flexible && system_.precondition ? -alpha * zq / s_.rz : rz / s_.rz;
        s_.rz = rz;
        passes_.template run<0>([z, beta = batch<double, A>(beta),
                                 p = s_.p.data()](auto lanes, std::size_t i, auto&) DESTRIER_UNROLLED {
            lanes.store(p + i, fmadd(beta, lanes.load(p + i), lanes.load(z + i)));
        });
        return true;
    }

    void note(double relative) {
        s_.relative = relative;
        s_.residuals.push_back(relative);
        if (relative <= progress * s_.mark) {
            s_.mark = relative;
            s_.mark_iteration = s_.iterations();
        }
    }

    bool agree_to_go_on() {
        const bool go_on = !options_.after_iteration || options_.after_iteration(s_);
        std::array<double, 1> against{go_on ? 0.0 : 1.0};
        reduce(against);
        return against[0] == 0 || end(stop::interrupted, "interrupted" + after_iterations());
    }

    bool end_converged(double now) {
        return end(stop::converged, "the residual is " + short_number(now) + ", " +
                                        short_number(options_.tolerance) + " was asked for");
    }
    bool end_by_number(const char* what, double value) {
        return give_up(what + (" is " + short_number(value)) + after_iterations() +
                       ": A gives what is not a number, or overflows");
    }
    bool end_by_growth() {
        return give_up("the residual is " + short_number(s_.relative) + after_iterations() +
                       ", it was " + short_number(s_.residuals.front()) + " at the start" +
                       diagnosis(": b may not be in the range of the matrix"));
    }
    bool end_by_preconditioner(double rz) {
        return end(stop::diverged, "r'M^-1 r is " + short_number(rz) + after_iterations() +
                                       ", expected above 0: the preconditioner is not positive");
    }
    std::string after_iterations() const {
        return " after iteration " + std::to_string(s_.iterations());
    }

    // What may be the cause of no progress, found with what the solve has at hand.
    std::string diagnosis(const std::string& otherwise) {
        std::vector<double> u(system_.size), v(system_.size);
        system_.apply(s_.p, u);
        system_.apply(b_, v);
        if (const double a = asymmetry_of(s_.p, u, b_, v); a > asymmetry_seen) {
            return ": the matrix is not symmetric, by " + short_number(a);
        }
        if (system_.precondition && !options_.flexible) {
            system_.precondition(s_.r, u);
            system_.precondition(b_, v);
            if (const double m = asymmetry_of(s_.r, u, b_, v); m > asymmetry_seen) {
                return ": the preconditioner is not symmetric, by " + short_number(m) +
                       ", flexible may help";
            }
        }
        if (slope_ > flatness_seen) return otherwise;
        return otherwise + "; along the last direction the matrix is " + short_number(slope_) +
               " of its size, b may have a part where it is 0";
    }

    // |y'Ax - x'Ay| as a part of what it could be.
    double asymmetry_of(std::span<const double> x, std::span<const double> ax, std::span<const double> y,
                        std::span<const double> ay) {
        const std::array<double, 3> one = products(y, ax), other = products(x, ay);
        std::array<double, 6> sums{one[0], one[1], one[2], other[0], other[1], other[2]};
        reduce(sums);
        const double most = std::sqrt(sums[1] * sums[2]) + std::sqrt(sums[4] * sums[5]);
        return most > 0 ? std::abs(sums[0] - sums[3]) / most : 0;
    }

    void reduce(std::span<double> sums) const {
        if (system_.sum) system_.sum(sums);
    }

    static bool any_nonzero(std::span<const double> v) noexcept {
        return std::any_of(v.begin(), v.end(), [](double e) { return e != 0; });
    }

    double norm2(std::span<const double> v) {
        return passes_.template run<1>([v = v.data()](auto lanes, std::size_t i, auto& sums)
                                           DESTRIER_UNROLLED {
                                               const auto v_i = lanes.load(v + i);
                                               sums[0] = fmadd(v_i, v_i, sums[0]);
                                           })[0];
    }

    // u'v, u'u, v'v of this process's part
    std::array<double, 3> products(std::span<const double> u, std::span<const double> v) {
        return passes_.template run<3>(
            [u = u.data(), v = v.data()](auto lanes, std::size_t i, auto& sums) DESTRIER_UNROLLED {
                const auto u_i = lanes.load(u + i), v_i = lanes.load(v + i);
                sums[0] = fmadd(u_i, v_i, sums[0]);
                sums[1] = fmadd(u_i, u_i, sums[1]);
                sums[2] = fmadd(v_i, v_i, sums[2]);
            });
    }

    void remember_x() {
        s_.best = s_.relative;
        passes_.template run<0>(
            [x = s_.x.data(), best = s_.best_x.data()](auto lanes, std::size_t i, auto&)
                DESTRIER_UNROLLED { lanes.store(best + i, lanes.load(x + i)); });
    }

    // x += alpha p, r -= alpha q; returns this process's r'r
    double move(double alpha) {
        return passes_.template run<1>(
            [a = batch<double, A>(alpha), x = s_.x.data(), r = s_.r.data(), p = s_.p.data(),
             q = q_.data()](auto lanes, std::size_t i, auto& sums) DESTRIER_UNROLLED {
                lanes.store(x + i, fmadd(a, lanes.load(p + i), lanes.load(x + i)));
                const auto r_i = fnmadd(a, lanes.load(q + i), lanes.load(r + i));
                lanes.store(r + i, r_i);
                sums[0] = fmadd(r_i, r_i, sums[0]);
            })[0];
    }

    // This process's r'z and z'q
    std::pair<double, double> new_products(const double* z) {
        const auto totals =
            passes_.template run<2>([z, r = s_.r.data(), q = q_.data()](auto lanes, std::size_t i,
                                                                        auto& sums) DESTRIER_UNROLLED {
                const auto z_i = lanes.load(z + i);
                sums[0] = fmadd(lanes.load(r + i), z_i, sums[0]);
                sums[1] = fmadd(z_i, lanes.load(q + i), sums[1]);
            });
        return {totals[0], totals[1]};
    }

    // q = b - A x; returns |q| / |b|
    double compute_residual() {
        system_.apply(s_.x, q_);
        std::array<double, 1> square = passes_.template run<1>(
            [b = b_.data(), q = q_.data()](auto lanes, std::size_t i, auto& sums) DESTRIER_UNROLLED {
                const auto r_i = lanes.load(b + i) - lanes.load(q + i);
                lanes.store(q + i, r_i);
                sums[0] = fmadd(r_i, r_i, sums[0]);
            });
        reduce(square);
        return std::sqrt(square[0]) / s_.b_norm;
    }

    double record_residual() {
        if (s_.true_residuals.back().iteration == s_.iterations()) s_.true_residuals.pop_back();
        s_.true_residuals.push_back({s_.iterations(), compute_residual()});
        return s_.true_residuals.back().relative;
    }

    // M^-1 r
    const double* precondition() {
        if (!system_.precondition) return s_.r.data();
        system_.precondition(s_.r, z_);
        return z_.data();
    }

    const linear_system& system_;
    std::span<const double> b_;
    const solve_options& options_;
    solver_state& s_;
    summing_passes<A> passes_;
    std::vector<double> q_, z_;
    double slope_ = 1; // |A p| / |p| / operator_norm
    stop reason_ = stop::converged;
    std::string cause_;
};

} // namespace detail

/// Solves A x = b from a state on, which is left where the solve ended: it may go on with more iterations, a
/// smaller tolerance, or after an interruption. The bits are those of a solve that never stopped.
///
/// Shapes   b (system.size); the state's vectors too, where it has any
/// Accuracy `converged` is said of b - A x itself; reported and true residual within 10 % down to 1e-11 where A
///          is applied in double precision
/// Threads  any number gives the same bits if the system's functions do. All processes call it together, all with
///          a preconditioner or none, and get the same reason, cause and residuals, provided that sum gives all of
///          them the same bits; it is called three times an iteration, with 3, 3 and 1 numbers
/// Memory   48 bytes an element, 56 with a preconditioner, b included; 8 for the x returned; a stall 16 more
/// Throws   std::invalid_argument, before anything is written: sizes disagree, no function to apply, tolerance
///          not above 0, threads below 0, b not finite, or the state of another b or of different iterations on
///          different processes; what the system's functions throw
template <class A = default_arch>
solution solve(const linear_system& system, std::span<const double> b, const solve_options& o,
               solver_state& resumed) {
    detail::check_solve(system, b, o, resumed);
    solution out = detail::conjugate_gradients<A>(system, b, o, resumed).run();
    out.x = resumed.x;
    return out;
}

/// Solves A x = b, from x = start on, or from 0 on where start is empty.
///
/// Shapes   b, start (system.size)
/// Accuracy, Threads, Memory, Throws  as above
template <class A = default_arch>
solution solve(const linear_system& system, std::span<const double> b, const solve_options& o = {},
               std::span<const double> start = {}) {
    solver_state state;
    state.x.assign(start.begin(), start.end());
    if (!start.empty()) detail::check_size("start", start.size(), system.size);
    detail::check_solve(system, b, o, state);
    solution out = detail::conjugate_gradients<A>(system, b, o, state).run();
    out.x = std::move(state.x);
    return out;
}

} // namespace destrier::destripe
