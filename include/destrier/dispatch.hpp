// SPDX-License-Identifier: BSD-3-Clause
//
// dispatch.hpp: one program for several architectures.
//
// Sources that the CMake function destrier_add_architectures is given are compiled once for each
// architecture, and the program chooses one of them as it runs. What they provide is a table of functions:
//
//   // power.hpp, for both sides
//   struct kernels {
//       double (*power)(std::span<const float> signal);
//   };
//   DESTRIER_DISPATCHED(kernels)
//
//   // power.cpp, compiled once for each architecture
//   DESTRIER_PROVIDES(kernels) {
//       static constexpr kernels table{.power = power};
//       return table;
//   }
//
//   // main.cpp, compiled for any machine
//   const auto best = destrier::choose<kernels, DESTRIER_ARCHITECTURES>();
//   best.architecture;         // "haswell"
//   best->power(signal);
//
//   # CMakeLists.txt
//   add_executable(program main.cpp)
//   destrier_add_architectures(program SOURCES power.cpp ARCHITECTURES knl skylake-avx512 haswell x86-64)
//
// choose takes the first in the list below that was built and that the processor and the operating system
// run. The environment variable DESTRIER_ARCHITECTURE names another.
//
//   skylake_avx512   "skylake-avx512"   AVX-512 F, CD, BW, DQ, VL, and all of haswell
//   knl              "knl"              AVX-512 F, CD, and all of haswell: also runs on CPUs that are no KNL
//   haswell          "haswell"          AVX2, FMA, F16C, BMI, BMI2, LZCNT, MOVBE, POPCNT
//   x86_64           "x86-64"           SSE2
//   armv8_a          "armv8-a"          NEON
//   native           "native"           whatever the build was for; not asked whether it runs
//
// The names are those that compilers know, for -march. What the sources of one architecture emit, inline
// functions of any library among it, stays with that architecture: destrier_add_architectures joins their
// objects into one, in which nothing but the tables is visible from outside. Objects that need construction
// before main are constructed when their architecture is chosen.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace destrier {

/// What a processor and its operating system offer, as CPUID and XGETBV tell it.
struct cpu_features {
    std::uint64_t leaf1_ecx = 0, leaf7_ebx = 0, extended_ecx = 0; ///< leaves 1, 7.0 and 0x80000001
    std::uint64_t xcr0 = 0; ///< the registers that the system keeps for each thread; 0 without XGETBV
};

/// Those of the machine that this runs on.
inline cpu_features this_cpu() noexcept {
    cpu_features cpu;
#if defined(__x86_64__)
    std::uint32_t a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) cpu.leaf1_ecx = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) cpu.leaf7_ebx = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) cpu.extended_ecx = c;
    if (cpu.leaf1_ecx & bit_OSXSAVE) {
        asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
        cpu.xcr0 = std::uint64_t{d} << 32 | a;
    }
#endif
    return cpu;
}

namespace detail {

// What an architecture needs: bits of one word of cpu_features.
struct feature {
    const char* name;
    std::uint64_t cpu_features::*word;
    std::uint64_t bits;
};

inline std::string& append(std::string& list, const std::string& name) {
    if (!list.empty() && !name.empty()) list += ", ";
    return list += name;
}

// `before`, and the names of those that the CPU does not have.
inline std::string lacking(const cpu_features& cpu, std::initializer_list<feature> needed,
                           std::string before = {}) {
    for (const feature& f : needed) {
        if ((cpu.*f.word & f.bits) != f.bits) append(before, f.name);
    }
    return before;
}

} // namespace detail

// The architectures. lacking() names what a CPU would have to have, and is empty where it runs their code; of
// those that run, choose takes the one of highest rank.

struct x86_64 {
    static constexpr const char* name = "x86-64";
    static constexpr int rank = 0;
    static std::string lacking(const cpu_features&) { return {}; }
};
struct armv8_a {
    static constexpr const char* name = "armv8-a";
    static constexpr int rank = 0;
    static std::string lacking(const cpu_features&) { return {}; }
};
struct haswell {
    static constexpr const char* name = "haswell";
    static constexpr int rank = 1;
    static std::string lacking(const cpu_features& cpu) {
        using c = cpu_features;
        return detail::lacking(cpu, {{"AVX2", &c::leaf7_ebx, 1u << 5},
                                     {"FMA", &c::leaf1_ecx, 1u << 12},
                                     {"F16C", &c::leaf1_ecx, 1u << 29},
                                     {"BMI", &c::leaf7_ebx, 1u << 3},
                                     {"BMI2", &c::leaf7_ebx, 1u << 8},
                                     {"LZCNT", &c::extended_ecx, 1u << 5},
                                     {"MOVBE", &c::leaf1_ecx, 1u << 22},
                                     {"POPCNT", &c::leaf1_ecx, 1u << 23},
                                     {"ymm registers kept by the system", &c::xcr0, 0x06}});
    }
};
struct knl {
    static constexpr const char* name = "knl";
    static constexpr int rank = 2;
    static std::string lacking(const cpu_features& cpu) {
        using c = cpu_features;
        return detail::lacking(cpu,
                               {{"AVX512F", &c::leaf7_ebx, 1u << 16},
                                {"AVX512CD", &c::leaf7_ebx, 1u << 28},
                                {"zmm registers kept by the system", &c::xcr0, 0xe6}},
                               haswell::lacking(cpu));
    }
};
struct skylake_avx512 {
    static constexpr const char* name = "skylake-avx512";
    static constexpr int rank = 3;
    static std::string lacking(const cpu_features& cpu) {
        using c = cpu_features;
        return detail::lacking(cpu,
                               {{"AVX512BW", &c::leaf7_ebx, 1u << 30},
                                {"AVX512DQ", &c::leaf7_ebx, 1u << 17},
                                {"AVX512VL", &c::leaf7_ebx, 1u << 31}},
                               knl::lacking(cpu));
    }
};
/// Whatever a build that knows one machine only was for.
struct native {
    static constexpr const char* name = "native";
    static constexpr int rank = 4;
    static std::string lacking(const cpu_features&) { return {}; }
};

/// What an architecture provides: specialised for each by DESTRIER_PROVIDES in a source compiled for it.
template <class Table, class Architecture>
const Table& provided();

/// Declares that every architecture has a Table of its own; outside of all namespaces.
#define DESTRIER_DISPATCHED(Table)                                                                      \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::x86_64>();                                         \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::armv8_a>();                                        \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::haswell>();                                        \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::knl>();                                            \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::skylake_avx512>();                                 \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::native>();

/// Begins the function that returns an architecture's Table, in a source compiled for each.
#define DESTRIER_PROVIDES(Table)                                                                        \
    template <>                                                                                         \
    const Table& destrier::provided<Table, destrier::DESTRIER_ARCHITECTURE>()

// What constructs the static objects of an architecture's sources: their .init_array, under a name from which
// the linker makes two symbols, or none where there is nothing to construct.
#define DESTRIER_INITIALISERS(architecture)                                                             \
    extern "C" {                                                                                        \
    [[gnu::weak,                                                                                        \
      gnu::visibility("hidden")]] extern void (*const __start_destrier_init_##architecture[])();        \
    [[gnu::weak,                                                                                        \
      gnu::visibility("hidden")]] extern void (*const __stop_destrier_init_##architecture[])();         \
    }                                                                                                   \
    namespace detail {                                                                                  \
    [[gnu::visibility("hidden")]] inline void initialise(destrier::architecture) {                      \
        static const bool once = [] {                                                                   \
            const auto* last = __stop_destrier_init_##architecture;                                     \
            for (auto* f = __start_destrier_init_##architecture; f != last; ++f) (*f)();                \
            return true;                                                                                \
        }();                                                                                            \
        static_cast<void>(once);                                                                        \
    }                                                                                                   \
    }
DESTRIER_INITIALISERS(x86_64)
DESTRIER_INITIALISERS(armv8_a)
DESTRIER_INITIALISERS(haswell)
DESTRIER_INITIALISERS(knl)
DESTRIER_INITIALISERS(skylake_avx512)
DESTRIER_INITIALISERS(native)
#undef DESTRIER_INITIALISERS

/// The architecture that runs, and what it provides.
template <class Table>
struct chosen {
    const char* architecture;
    const Table* table;

    const Table* operator->() const noexcept { return table; }
};

namespace detail {

// One of the architectures that a program was built for.
template <class Table>
struct candidate {
    const char* name;
    int rank;
    std::string lacking;
    chosen<Table> (*take)();
};

template <class Table, class Architecture>
chosen<Table> take() {
    initialise(Architecture{});
    return {Architecture::name, &provided<Table, Architecture>()};
}

// The names of those candidates of which `use` is true.
template <class Candidates, class Use>
std::string names(const Candidates& candidates, Use use) {
    std::string list;
    for (const auto& c : candidates) {
        if (use(c)) append(list, c.name);
    }
    return list;
}

} // namespace detail

/// The best of the architectures Built that the CPU runs, or the one that is wanted.
///
/// Domain   wanted: one of their names, null or empty for the best; by default what the environment variable
///          DESTRIER_ARCHITECTURE says
/// Threads  may be called by any, any number of times
/// Throws   std::runtime_error if wanted is none of Built, or if the CPU does not run it: says what was built
///          and what runs
/// Example  choose<kernels, DESTRIER_ARCHITECTURES>(), with what destrier_add_architectures defines
template <class Table, class... Built>
chosen<Table> choose(const char* wanted = std::getenv("DESTRIER_ARCHITECTURE"),
                     const cpu_features& cpu = this_cpu()) {
    std::array built{detail::candidate<Table>{Built::name, Built::rank, Built::lacking(cpu),
                                              &detail::take<Table, Built>}...};
    std::ranges::sort(built, std::ranges::greater(), &detail::candidate<Table>::rank);
    const auto runs = [](const auto& c) { return c.lacking.empty(); };
    const std::string running = detail::names(built, runs);
    const std::string name = wanted ? wanted : "";
    const auto found = name.empty() ? std::ranges::find_if(built, runs)
                                    : std::ranges::find(built, name, &detail::candidate<Table>::name);
    const auto all = [](const auto&) { return true; };
    if (found == built.end() && name.empty()) {
        throw std::runtime_error("destrier: this CPU runs none of " + detail::names(built, all) +
                                 ", which the program was built for; for " + built.back().name +
                                 " it lacks " + built.back().lacking);
    }
    if (found == built.end()) {
        throw std::runtime_error("DESTRIER_ARCHITECTURE is \"" + name + "\", expected one of " +
                                 detail::names(built, all) + ", which the program was built for");
    }
    if (!runs(*found)) {
        throw std::runtime_error("DESTRIER_ARCHITECTURE is \"" + name + "\", for which this CPU lacks " +
                                 found->lacking + "; it runs " + running);
    }
    return found->take();
}

} // namespace destrier
