// SPDX-License-Identifier: BSD-3-Clause
//
// Kernels named as the radix kernels are, in place of T the rule of check.py that their loop breaks;
// self_test.py expects check.py to find these offences and no others. Nothing here is ever run.
#include <cstddef>

namespace destrier::fft::detail {

enum class ending { none, last, last_scaled };

struct innocent { // all that comes near an offence
    static void step() {
        asm volatile("vbroadcastss 4(%%rdx), %%zmm0\n\t"
                     "vaddps 8128(%%rdx), %%zmm0, %%zmm0\n\t"
                     "vmovq %%xmm0, %%rcx\n\t"
                     "vpxor %%xmm0, %%xmm0, %%xmm0\n\t"
                     "movq -8(%%rsp), %%rcx\n\t"
                     ".nops 9, 9"
                     :
                     :
                     : "xmm0", "rcx");
    }
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

template <std::size_t R, ending End, class A, class T>
[[gnu::noinline]] void pass(std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) T::step();
}

template void pass<8, ending::none, void, innocent>(std::size_t) noexcept;
template void pass<8, ending::none, void, spill>(std::size_t) noexcept;
template void pass<9, ending::none, void, spill>(std::size_t) noexcept; // allowed there
template void pass<8, ending::none, void, gather>(std::size_t) noexcept;
template void pass<8, ending::none, void, scatter>(std::size_t) noexcept;
template void pass<8, ending::none, void, ymm>(std::size_t) noexcept;
template void pass<8, ending::none, void, xmm>(std::size_t) noexcept;
template void pass<8, ending::none, void, x87>(std::size_t) noexcept;
template void pass<8, ending::none, void, zeroupper>(std::size_t) noexcept;
template void pass<8, ending::none, void, call>(std::size_t) noexcept;
template void pass<8, ending::none, void, lengthy>(std::size_t) noexcept;

struct outside {}; // offences before and behind the loop are none
template <>
[[gnu::noinline]] void pass<8, ending::none, void, outside>(std::size_t n) noexcept {
    spill::step();
    for (std::size_t i = 0; i < n; ++i) innocent::step();
    gather::step();
}

struct outer {}; // an offence in the outer of two loops is one
template <>
[[gnu::noinline]] void pass<8, ending::none, void, outer>(std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        gather::step();
        for (std::size_t j = 0; j < n; ++j) innocent::step();
    }
}

struct straight {}; // a kernel without a loop is not one
template <>
[[gnu::noinline]] void pass<8, ending::none, void, straight>(std::size_t) noexcept {
    innocent::step();
}

} // namespace destrier::fft::detail
