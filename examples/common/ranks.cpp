// SPDX-License-Identifier: BSD-3-Clause
#include "ranks.hpp"

#if defined(DESTRIER_EXAMPLE_MPI)
#include <algorithm>
#include <array>
#include <string_view>

#define OMPI_SKIP_MPICXX 1 // the C++ bindings that MPI 3 has removed
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <unistd.h>
#endif

namespace common {

#if defined(DESTRIER_EXAMPLE_MPI)

namespace {

// Launchers tell the processes of each other in variables of these names: Open MPI's, PMI and PMIx (MPICH, Intel
// MPI, Slurm's srun), MVAPICH's, HPE's.
bool launched_for_mpi() {
    constexpr std::array<std::string_view, 5> names = {"OMPI_COMM_WORLD_", "PMI_", "PMIX_",
                                                       "MV2_COMM_WORLD_", "PALS_"};
    for (char** variable = environ; *variable != nullptr; ++variable) {
        for (const std::string_view name : names) {
            if (std::string_view(*variable).starts_with(name)) return true;
        }
    }
    return false;
}

bool mpi_runs() {
    int initialised = 0;
    MPI_Initialized(&initialised);
    return initialised != 0;
}

std::size_t ranks_on_this_node() {
    MPI_Comm node = MPI_COMM_NULL;
    int size = 1;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &size);
    MPI_Comm_free(&node);
    return static_cast<std::size_t>(size);
}

// MPI counts in int: enough for what is gathered, pieces of at most some hundred megabytes.
int length_of(const std::vector<double>& values) { return static_cast<int>(values.size()); }

} // namespace

ranks::ranks() {
    if (!launched_for_mpi()) return;
    int provided = 0, rank = 0, size = 1;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED,
                    &provided); // no thread but this one calls MPI
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    rank_ = static_cast<std::size_t>(rank);
    size_ = static_cast<std::size_t>(size);
    on_this_node_ = ranks_on_this_node();
}

ranks::~ranks() {
    if (mpi_runs()) MPI_Finalize();
}

std::size_t ranks::lowest_of(std::size_t mine) const {
    unsigned long lowest = mine;
    if (size_ > 1) MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_UNSIGNED_LONG, MPI_MIN, MPI_COMM_WORLD);
    return lowest;
}

std::vector<std::vector<double>> ranks::gather(std::vector<double> mine) const noexcept {
    std::vector<std::vector<double>> all;
    if (!first()) {
        MPI_Send(mine.data(), length_of(mine), MPI_DOUBLE, 0, 0, MPI_COMM_WORLD);
        return all;
    }
    all.push_back(std::move(mine));
    for (int source = 1; source < static_cast<int>(size_); ++source) {
        MPI_Status status;
        int length = 0;
        MPI_Probe(source, 0, MPI_COMM_WORLD, &status);
        MPI_Get_count(&status, MPI_DOUBLE, &length);
        std::vector<double> theirs(static_cast<std::size_t>(length));
        MPI_Recv(theirs.data(), length, MPI_DOUBLE, source, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        all.push_back(std::move(theirs));
    }
    return all;
}

std::vector<double> ranks::sums(std::vector<double> mine) const noexcept {
    add_up(mine);
    return mine;
}

// MPI counts in int, and what it copies to is as long as what it is given.
void ranks::add_up(std::span<double> values) const noexcept {
    constexpr std::size_t piece = std::size_t{1} << 24;
    if (size_ == 1) return;
    for (std::size_t begin = 0; begin < values.size(); begin += piece) {
        const std::size_t count = std::min(piece, values.size() - begin);
        MPI_Allreduce(MPI_IN_PLACE, values.data() + begin, static_cast<int>(count), MPI_DOUBLE, MPI_SUM,
                      MPI_COMM_WORLD);
    }
}

#else

ranks::ranks() = default;
ranks::~ranks() = default;

std::size_t ranks::lowest_of(std::size_t mine) const { return mine; }

std::vector<std::vector<double>> ranks::gather(std::vector<double> mine) const noexcept {
    return {std::move(mine)};
}

std::vector<double> ranks::sums(std::vector<double> mine) const noexcept { return mine; }

void ranks::add_up(std::span<double>) const noexcept {}

#endif

void ranks::add_up_together(std::span<double> values) const {
    if (lowest_of(size_) != size_) throw failed_elsewhere{};
    add_up(values);
}

} // namespace common
