// SPDX-License-Identifier: BSD-3-Clause
//
// ranks.hpp: the processes that share the work: those that mpirun started, or this one alone. The only file,
// with ranks.cpp, that knows of MPI; without it (DESTRIER_EXAMPLE_MPI not defined) there is one rank.
//
// All ranks make the same calls in the same order.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace common {

/// Thrown by together() where this rank is well and another is not.
struct failed_elsewhere {};

class ranks {
public:
    /// Starts MPI if a launcher of MPI (mpirun, srun) started this process, and not otherwise: on some machines
    /// it cannot start by itself.
    ranks();
    ranks(const ranks&) = delete;
    ranks& operator=(const ranks&) = delete;
    ~ranks();

    std::size_t rank() const noexcept { return rank_; }
    std::size_t size() const noexcept { return size_; }
    bool first() const noexcept { return rank_ == 0; }
    std::size_t on_this_node() const noexcept { return on_this_node_; } // those that share its cores

    /// Calls f() on every rank and waits for all. If it throws on any, all throw: the lowest of those ranks what
    /// f threw, the others failed_elsewhere, so that the user reads of it once and no rank waits for another
    /// that is gone. Not to be called within f.
    template <class F>
    void together(F&& f) const {
        std::exception_ptr thrown;
        try {
            f();
        } catch (const failed_elsewhere&) { // by add_up_together(): all know of it
            throw;
        } catch (...) {
            thrown = std::current_exception();
        }
        const std::size_t failed = lowest_of(thrown ? rank_ : size_);
        if (failed == size_) return;
        if (failed == rank_) std::rethrow_exception(thrown);
        throw failed_elsewhere{};
    }

    /// What each rank brings, at rank 0, in the order of the ranks; empty on the others. A rank without the memory
    /// for it ends the program, as the others could not know.
    std::vector<std::vector<double>> gather(std::vector<double> mine) const noexcept;

    /// Element by element, the sums over the ranks, on every rank.
    std::vector<double> sums(std::vector<double> mine) const noexcept;
    /// The same in place, of any number of values.
    void add_up(std::span<double> values) const noexcept;
    /// The same within the f of together(): throws failed_elsewhere where another rank has left its f already.
    void add_up_together(std::span<double> values) const;

private:
    std::size_t lowest_of(std::size_t mine) const;

    std::size_t rank_ = 0, size_ = 1, on_this_node_ = 1;
};

} // namespace common
