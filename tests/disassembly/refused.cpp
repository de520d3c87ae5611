// SPDX-License-Identifier: BSD-3-Clause
//
// What Knights Landing lacks, and its assembler has to refuse: the first is AVX-512DQ, the second AVX-512VL.
void dq() { asm volatile("vxorps %%zmm1, %%zmm1, %%zmm1" : : : "xmm1"); }
void vl() { asm volatile("vmovaps %%ymm17, %%ymm18" : : : "xmm0"); }
