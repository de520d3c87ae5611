// SPDX-License-Identifier: BSD-3-Clause
#include "reference.hpp"

#include <destrier/dispatch.hpp>

// What destrier_add_architectures makes of sources is tested in dispatch/; here, what choose takes on which CPU.

struct answers {
    int value;
};
DESTRIER_DISPATCHED(answers)

#define PROVIDE(architecture, number)                                                                   \
    template <>                                                                                         \
    const answers& destrier::provided<answers, destrier::architecture>() {                              \
        static constexpr answers table{number};                                                         \
        return table;                                                                                   \
    }
PROVIDE(x86_64, 1)
PROVIDE(haswell, 2)
PROVIDE(knl, 3)
PROVIDE(skylake_avx512, 4)
#undef PROVIDE

using namespace destrier;

namespace {

// CPUs of these kinds, under Linux; the first is older than XGETBV.
constexpr cpu_features nehalem{.leaf1_ecx = 0x00b8e3bd, .leaf7_ebx = 0, .extended_ecx = 0x1, .xcr0 = 0};
constexpr cpu_features haswell_cpu{
    .leaf1_ecx = 0x7ffafbff, .leaf7_ebx = 0x000027ab, .extended_ecx = 0x21, .xcr0 = 0x7};
constexpr cpu_features knl_cpu{
    .leaf1_ecx = 0x7ff8f3bf, .leaf7_ebx = 0x1c0d23ab, .extended_ecx = 0x121, .xcr0 = 0xe7};
constexpr cpu_features skylake_cpu{
    .leaf1_ecx = 0x7ffefbff, .leaf7_ebx = 0xd39ffffb, .extended_ecx = 0x121, .xcr0 = 0xe7};

cpu_features with_registers(cpu_features cpu, std::uint64_t xcr0) {
    cpu.xcr0 = xcr0;
    return cpu;
}

// In an order that is not that of their ranks.
chosen<answers> chosen_by(const char* wanted, const cpu_features& cpu) {
    return choose<answers, knl, x86_64, skylake_avx512, haswell>(wanted, cpu);
}

std::string best_of(const cpu_features& cpu) { return chosen_by(nullptr, cpu).architecture; }

} // namespace

TEST_CASE("the best architecture that a CPU runs is chosen", "[dispatch]") {
    CHECK(best_of(nehalem) == "x86-64");
    CHECK(best_of(haswell_cpu) == "haswell");
    CHECK(best_of(knl_cpu) == "knl");
    CHECK(best_of(skylake_cpu) == "skylake-avx512");
    CHECK(chosen_by("", skylake_cpu)->value == 4);
    CHECK(chosen_by(nullptr, knl_cpu)->value == 3);
}

TEST_CASE("registers that the system does not keep are not used", "[dispatch]") {
    CHECK(best_of(with_registers(skylake_cpu, 0x07)) == "haswell");
    CHECK(best_of(with_registers(skylake_cpu, 0x03)) == "x86-64");
    CHECK(best_of(with_registers(skylake_cpu, 0x67)) == "haswell"); // no zmm16 to 31
    CHECK(best_of(with_registers(knl_cpu, 0)) == "x86-64");
}

TEST_CASE("a feature that is lacking counts", "[dispatch]") {
    for (const std::uint64_t bit : {12u, 22u, 23u, 29u}) { // FMA, MOVBE, POPCNT, F16C
        cpu_features cpu = skylake_cpu;
        cpu.leaf1_ecx &= ~(std::uint64_t{1} << bit);
        CHECK(best_of(cpu) == "x86-64");
    }
    for (const std::uint64_t bit : {17u, 30u, 31u}) { // DQ, BW, VL
        cpu_features cpu = skylake_cpu;
        cpu.leaf7_ebx &= ~(std::uint64_t{1} << bit);
        CHECK(best_of(cpu) == "knl");
    }
}

TEST_CASE("an architecture can be asked for by name", "[dispatch]") {
    for (const char* name : {"x86-64", "haswell", "knl", "skylake-avx512"}) {
        CHECK(chosen_by(name, skylake_cpu).architecture == std::string(name));
    }
}

TEST_CASE("an architecture that is not there, or does not run, is an error that says what is",
          "[dispatch]") {
    CHECK_THROWS_WITH(
        chosen_by("haswel", skylake_cpu),
        "DESTRIER_ARCHITECTURE is \"haswel\", expected one of skylake-avx512, knl, haswell, "
        "x86-64, which the program was built for");
    CHECK_THROWS_WITH(
        chosen_by("skylake-avx512", knl_cpu),
        "DESTRIER_ARCHITECTURE is \"skylake-avx512\", for which this CPU lacks AVX512BW, AVX512DQ, "
        "AVX512VL; it runs knl, haswell, x86-64");
    CHECK_THROWS_WITH(
        (choose<answers, knl, haswell>(nullptr, nehalem)),
        "destrier: this CPU runs none of knl, haswell, which the program was built for; for haswell "
        "it lacks AVX2, FMA, F16C, BMI, BMI2, LZCNT, MOVBE, ymm registers kept by the system");
}

TEST_CASE("this CPU runs what this test was compiled for", "[dispatch]") {
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
    CHECK(skylake_avx512::lacking(this_cpu()).empty());
#elif defined(__AVX512F__)
    CHECK(knl::lacking(this_cpu()) == "");
#elif defined(__AVX2__) && defined(__FMA__)
    CHECK(haswell::lacking(this_cpu()) == "");
#endif
    CHECK(native::lacking(this_cpu()).empty());
}
