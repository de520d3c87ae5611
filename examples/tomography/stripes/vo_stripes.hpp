// SPDX-License-Identifier: BSD-3-Clause
//
// vo_stripes.hpp: stripes as columns whose values are not distributed like their neighbours'.
//
// Three steps, after Vo, Atwood and Drakopoulos (their algorithms 6, 5 and 3):
//
//   dead    columns that change from angle to angle much less, or much more, than those around them are replaced,
//           by a line between their nearest neighbours;
//   large   every column is sorted by value. Where the mean of a sorted column stands out of a median over
//           large_size columns, that median takes the place of the whole sorted column;
//   small   a median over small_size columns of the sorted sinogram, rank by rank.
//
// Then every value goes back to the angle that it came from. As what is wrong with a pixel may be any rising function
// of the light that it sees, not a constant alone, this takes out stripes that come and go.
//
// Four things are not the paper's, as line integrals of an object without stripes suffered from them, or stripes were
// missed. The dead step compares logarithms of fluctuations, the ratio of a dead column being 0 and never far from
// 1. The large step compares means by their differences and leaves columns that do not stand out as they are, where
// the paper divides all by the ratio: line integrals are 0 in air, and an error of gain is a constant added. A stripe
// has to have edges (outlying_columns.hpp). And beyond its ends a row goes on as its last element in the first two
// steps, so that the object's mirror image does not outweigh a margin of air.
//
// Source  Vo, Atwood, Drakopoulos, Opt. Express 26 (2018) 28396, doi:10.1364/OE.26.028396
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <destrier/layout.hpp>
#include <destrier/memory.hpp>

#include "stripes/outlying_columns.hpp"
#include "stripes/running_median.hpp"

namespace tomo {

class vo_stripes {
public:
    /// For sinograms (angles, columns).
    vo_stripes(std::size_t angles, std::size_t columns, double snr, std::size_t large_size,
               std::size_t small_size);

    /// For one thread: about 16 bytes for each element of a sinogram.
    class work_space {
    public:
        explicit work_space(const vo_stripes& plan);
        std::size_t bytes() const; // of what grows with the angles

    private:
        friend vo_stripes;
        destrier::buffer<float> values;         // (columns, pitch)
        destrier::buffer<std::int32_t> sorted;  // the same as keys, each column in order
        destrier::buffer<std::int32_t> medians; // of sorted, over columns
        destrier::buffer<std::uint32_t> angles; // that sorted ones come from
        destrier::buffer<std::int32_t> window;
        std::vector<std::uint64_t> words; // of the sort
        std::vector<float> column;
        std::vector<float> list, around; // a value a column
        list_median median;
        outlying_columns outlying;
    };

    void remove(destrier::view<float, 2> sinogram, work_space& work) const;

private:
    void replace_dead(work_space& work) const;
    void interpolate(std::span<const char> dead, work_space& work) const;
    void sort(work_space& work) const;
    void take_medians(std::size_t window, beyond_ends beyond, work_space& work) const;
    void replace_large(work_space& work) const;
    void put_back(work_space& work) const;

    std::size_t angles_, columns_, pitch_; // pitch: elements from column to column
    double snr_;
    std::size_t large_size_, small_size_;
};

} // namespace tomo
