// SPDX-License-Identifier: BSD-3-Clause
//
// Loops that break the rules of check.py, each named as the rule that it breaks; self_test.py expects check.py to find
// these offences and no others. Nothing here is ever run.
#include <cstddef>

namespace destrier::offences {

struct innocent { // all that comes near an offence
    static void step() {
        asm volatile("vbroadcastss 4(%%rdx), %%zmm0\n\t"
                     "vfmadd231ps 8128(%%rdx), %%zmm0, %%zmm0\n\t"
                     "vmulps 68(%%rip), %%zmm0, %%zmm0\n\t"
                     "vmovq %%xmm0, %%rcx\n\t"
                     "vpxor %%xmm0, %%xmm0, %%xmm0\n\t"
                     "movq -8(%%rsp), %%rcx\n\t"
                     "vmulps -64(%%rsp)%{1to16%}, %%zmm0, %%zmm0\n\t"
                     ".nops 9, 9"
                     :
                     :
                     : "xmm0", "rcx");
    }
};
struct unfused {
    static void step() { asm volatile("vaddps %%zmm1, %%zmm0, %%zmm0" : : : "xmm0"); }
};
struct spill {
    static void step() { asm volatile("vmovaps %%zmm0, -64(%%rsp)" : : : "memory"); }
};
struct gather {
    static void step() { asm volatile("vgatherdps (%%rdx, %%zmm1, 4), %%zmm0 %{%%k1%}" : : : "xmm0"); }
};
struct scatter {
    static void step() {
        asm volatile("vscatterdps %%zmm0, (%%rdx, %%zmm1, 4) %{%%k1%}" : : : "memory");
    }
};
struct ymm {
    static void step() { asm volatile("vaddps %%ymm1, %%ymm0, %%ymm0" : : : "xmm0"); }
};
struct xmm {
    static void step() { asm volatile("vmulsd %%xmm1, %%xmm0, %%xmm0" : : : "xmm0"); }
};
struct x87 {
    static void step() { asm volatile("fldt 8(%%rdx)" : : : "memory"); }
};
struct zeroupper {
    static void step() { asm volatile("vzeroupper"); }
};
struct call {
    static void step() { asm volatile("call *%%rdx" : : : "memory"); }
};
struct lengthy {
    static void step() { asm volatile("vaddps 68(%%rdx), %%zmm0, %%zmm0" : : : "xmm0"); }
};

// Has a multiply-add in its loop, unless it is that which is wrong.
template <class Offence, std::size_t Allowed = 0>
[[gnu::noinline]] void loop(std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        if constexpr (!__is_same(Offence, unfused)) innocent::step();
        Offence::step();
    }
}

template void loop<innocent>(std::size_t) noexcept;
template void loop<unfused>(std::size_t) noexcept;
template void loop<spill>(std::size_t) noexcept;
template void loop<spill, 1>(std::size_t) noexcept; // is allowed
template void loop<gather>(std::size_t) noexcept;
template void loop<scatter>(std::size_t) noexcept;
template void loop<ymm>(std::size_t) noexcept;
template void loop<xmm>(std::size_t) noexcept;
template void loop<x87>(std::size_t) noexcept;
template void loop<zeroupper>(std::size_t) noexcept;
template void loop<call>(std::size_t) noexcept;
template void loop<lengthy>(std::size_t) noexcept;

// Offences before and behind the loop are none, but for a function that is hot as a whole.
template <int>
[[gnu::noinline]] void outside(std::size_t n) noexcept {
    spill::step();
    for (std::size_t i = 0; i < n; ++i) innocent::step();
    gather::step();
}
template void outside<0>(std::size_t) noexcept;
template void outside<1>(std::size_t) noexcept;

// An offence in the outer of two loops is none, but where all of them are hot.
template <int>
[[gnu::noinline]] void outer(std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        gather::step();
        for (std::size_t j = 0; j < n; ++j) innocent::step();
    }
}
template void outer<0>(std::size_t) noexcept;
template void outer<1>(std::size_t) noexcept;

// Neither a loop, nor one of vectors.
[[gnu::noinline]] void straight() noexcept { innocent::step(); }
[[gnu::noinline]] void scalar(std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) xmm::step();
}

} // namespace destrier::offences
