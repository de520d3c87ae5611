// SPDX-License-Identifier: BSD-3-Clause
//
// destripe/compressed_rows.hpp: sparse matrices of N numbers an element: collected, and then compressed by rows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <destrier/memory.hpp>
#include <destrier/parallel.hpp>
#include <destrier/simd.hpp>

namespace destrier::destripe::detail {

template <std::size_t N>
struct element {
    std::int32_t row, column;
    std::array<double, N> value;

    DESTRIER_INLINE bool same_place(const element& other) const noexcept {
        return row == other.row && column == other.column;
    }
    DESTRIER_INLINE void add(const element& other) noexcept {
        for (std::size_t k = 0; k < N; ++k) value[k] += other.value[k];
    }
};

// A matrix's elements as they come, summed where they come together. What is open, since the last close, takes no
// more than twice what it takes merged, or `shortest` elements.
template <std::size_t N, class A>
class element_list {
public:
    // Nothing where the row is negative.
    void add(const element<N>& e) {
        if (e.row < 0) return;
        if (all_.size() > closed_ && all_.back().same_place(e)) return all_.back().add(e);
        if (all_.size() - closed_ == limit_) {
            merge();
            limit_ = std::max(shortest, 2 * (all_.size() - closed_));
        }
        all_.push_back(e);
    }
    // Merges what is open, times scale. Elements that come later are kept apart from it.
    void close(double scale) {
        merge();
        for (; closed_ < all_.size(); ++closed_) {
            for (double& v : all_[closed_].value) v *= scale;
        }
        limit_ = shortest;
    }
    std::span<const element<N>> elements() const noexcept { return all_; }

private:
    static constexpr std::size_t shortest = std::size_t{1} << 15;

    void merge() {
        const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(closed_);
        std::stable_sort(begin, all_.end(), [](const element<N>& a, const element<N>& b) {
            return a.row != b.row ? a.row < b.row : a.column < b.column;
        });
        auto last = begin;
        for (auto e = begin; e != all_.end(); ++e) {
            if (e == last) continue;
            if (last->same_place(*e))
                last->add(*e);
            else
                *++last = *e;
        }
        if (begin != all_.end()) all_.erase(last + 1, all_.end());
    }

    std::vector<element<N>> all_;
    std::size_t closed_ = 0, limit_ = shortest;
};

// Elements row by row: column and N numbers.
template <std::size_t N, class A>
class compressed_rows {
public:
    compressed_rows() = default;
    // for_each(f) calls f(row, column, value) for every element, the same ones each time; those of a row stay in
    // that order.
    template <class ForEach>
    compressed_rows(std::size_t rows, memory where, int threads, ForEach&& for_each)
        : first_(rows + 1, where, threads) {
        using value = std::array<double, N>;
        for_each([&](std::int32_t row, std::int32_t, const value&) { ++first_[index(row) + 1]; });
        for (std::size_t r = 0; r < rows; ++r) first_[r + 1] += first_[r];
        column_ = buffer<std::int32_t>(size(), where, threads);
        value_ = buffer<value>(size(), where, threads);
        std::vector<std::size_t> next(first_.begin(), first_.end());
        for_each([&](std::int32_t row, std::int32_t column, const value& v) {
            const std::size_t at = next[index(row)]++;
            column_[at] = column;
            value_[at] = v;
        });
    }

    std::size_t rows() const noexcept { return first_.empty() ? 0 : first_.size() - 1; }
    std::size_t size() const noexcept { return first_.empty() ? 0 : first_[rows()]; }

    // Calls f(row) for all rows, in parallel: threads have equal shares of rows and elements together.
    template <class F>
    void for_each_row(int threads, F&& f) const {
        const auto cost_before = [&](std::size_t row) { return first_[row] + row; };
        parallel_ranges(size() + rows(), threads, [&](std::size_t begin, std::size_t end, std::size_t) {
            for (std::size_t row = first_row_from(begin); row < rows() && cost_before(row) < end;
                 ++row) {
                f(row);
            }
        });
    }

    // sum over the row's elements of value times x[column]
    std::array<double, N> gather(std::size_t row, const double* x) const noexcept {
        return sum(row, [&](std::size_t e, std::array<double, N>& sums) DESTRIER_UNROLLED {
            for (std::size_t k = 0; k < N; ++k) sums[k] += value_[e][k] * x[column_[e]];
        });
    }
    // sum over the row's elements of value times the N numbers of x at column
    double project(std::size_t row, const double* x) const noexcept {
        const auto sums = sum(row, [&](std::size_t e, std::array<double, N>& to) DESTRIER_UNROLLED {
            const double* const m = x + index(column_[e]) * N;
            for (std::size_t k = 0; k < N; ++k) to[k] += value_[e][k] * m[k];
        });
        double total = 0;
        for (const double v : sums) total += v;
        return total;
    }
    // The element on the diagonal.
    double diagonal(std::size_t row) const noexcept {
        double sum = 0;
        for (std::size_t e = first_[row]; e < first_[row + 1]; ++e) {
            if (index(column_[e]) == row) sum += value_[e][0];
        }
        return sum;
    }

private:
    static std::size_t index(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }

    // The first row whose cost_before is at least this.
    std::size_t first_row_from(std::size_t cost) const noexcept {
        std::size_t low = 0, high = rows();
        while (low < high) {
            const std::size_t middle = low + (high - low) / 2;
            if (first_[middle] + middle < cost)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
    // Sums over a row's elements, of the even and of the odd ones apart, so that additions overlap.
    template <class F>
    DESTRIER_INLINE std::array<double, N> sum(std::size_t row, F&& f) const noexcept {
        std::array<double, N> even{}, odd{};
        std::size_t e = first_[row];
        const std::size_t end = first_[row + 1];
        for (; e + 2 <= end; e += 2) {
            f(e, even);
            f(e + 1, odd);
        }
        if (e < end) f(e, even);
        for (std::size_t k = 0; k < N; ++k) even[k] += odd[k];
        return even;
    }

    buffer<std::size_t> first_; // (rows + 1)
    buffer<std::int32_t> column_;
    buffer<std::array<double, N>> value_;
};

} // namespace destrier::destripe::detail
