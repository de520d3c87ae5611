"""The kernels that check.py knows, and what is meant in their hot loops."""

from collections import namedtuple

# name: a pattern that function names contain, as check.py shortens them. fma, spills: the least and the most, or what
# makes them from the numbers that the pattern finds. vector: the registers it works in. may: rules that do not hold.
Kernel = namedtuple("Kernel", "name fma spills vector hot may", defaults=[0, 0, "zmm", "innermost", ()])
ALL, WHOLE = "all", "whole"  # hot: every loop; the whole function, where its loop is in another one

RADICES = [2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 16]


def turned(radix):
    """Multiplications by a twiddle, all but the first element."""
    return 2 * (radix - 1)


def of_radix(radix):
    """With more than 8 elements a butterfly has more values than there are registers (clang: 85 of radix 16)."""
    return 0 if radix <= 8 else 6 * radix


FFT = [
    *(Kernel(rf"fft::pass<({n}), 0, \w+, fft::lines", fma=turned, spills=of_radix, hot=ALL) for n in RADICES),
    *(Kernel(rf"fft::pass<({n}), {end}, \w+, fft::lines", spills=of_radix, hot=ALL)
      for n in [1] + RADICES for end in (1, 2)),
    *(Kernel(rf"fft::pass<({n}), 2, \w+, fft::row<", spills=of_radix, hot=ALL) for n in (2, 4, 8, 16)),
    Kernel(r"fft::pass_in_place<(\d+), ", fma=turned, spills=of_radix),
    Kernel(r"fft::last_pass<(\d+), ", spills=of_radix, may=["long"]),
    # there and back in registers
    Kernel(r"fft::convolve_pass<(\d+), ", fma=lambda n: 2 * n, spills=lambda n: 0 if n < 7 else 14 * n, may=["long"]),
    # A butterfly of a line of elements. Quarters of registers are stored up to 2 KB apart, too far for 8 bytes
    Kernel(r"fft::row_pass<", fma=22, spills=140, may=["long"]),
    Kernel(r"fft::short_rows<(\d+), ", spills=of_radix, may=["long"]),
    Kernel(r"fft::(?:part|join)_spectra<", fma=2),
    Kernel(r"fft::(?:part|join)_row<", fma=2, may=["long"]),
    Kernel(r"fft::column_transform<\w+>::gather"),
    # functions of a tile of a line by a line; or calls of them for all tiles
    Kernel(r"fft::(?:rows_to_block|block_to_rows)<", hot=WHOLE, may=["call", "narrow", "long"]),
]

GRIDREC = [
    # Samples of a cell, up to four at a time: their weights along v and the sums of a row of cells. What of the
    # weights has no register is a multiply-add's operand in memory. The sign of mirrored samples is put on a
    # number, and the fraction that weights come from is one.
    Kernel(r"gridrec::scatter_strip<\w+, (\d), ", fma=lambda taps: 8 * taps, spills=36, may=["narrow", "long"]),
    Kernel(r"gridrec::gather_strip<(\d), ", fma=lambda taps: 2 * taps + 2, may=["long"]),
    Kernel(r"gridrec::single_sweep<\w+>::scatter<(\d)>", fma=lambda taps: 2 * taps, spills=2, may=["narrow", "long"]),
    Kernel(r"gridrec::sweep<\w+>::forward<", may=["long"]),  # ends that are folded, rows that are stored
    Kernel(r"gridrec::single_sweep<\w+>::run<"),
    # the filter, the phase and the weight, as spectra come out of the transform
    Kernel(r"fft::plan_r2c<\w+>::run_forward_into<gridrec::radial_stage", fma=6),
    Kernel(r"gridrec::single_radial<\w+>::run", fma=2),
    Kernel(r"gridrec::single_image<\w+>::run", spills=8),
    # few rows, and rows' ends, go through memory
    Kernel(r"(?:un)?pack_part<", hot=WHOLE, spills=10 ** 6, may=["call", "long"]),
]

LEGENDRE = [
    # 8 registers of points; of what maps them to [-1, 1] clang fuses nothing
    Kernel(r"legendre::horner<(\d), ", fma=lambda terms: 8 * max(terms - 1, 1)),
    # 4 registers of points, 7 for each, and 4 coefficients: none is left
    Kernel(r"legendre::blocks<", fma=16, spills=7),
    Kernel(r"legendre::clenshaw<", fma=32),
    Kernel(r"legendre::reinsch_points<", fma=20),
    # two series at 4 registers of points, 6 for each, and what is common to them
    Kernel(r"legendre::reinsch_series<", fma=20, spills=2),
    Kernel(r"legendre::series_beside_basis<\w+, (\d+), ", fma=lambda terms: 4 * (terms - 1)),
    Kernel(r"legendre::dot_group<", fma=24),
    Kernel(r"legendre::(?:clenshaw|reinsch)_lanes<", fma=16, spills=16, may=["long"]),  # few series, through memory
    Kernel(r"legendre::fill_tile<", fma=4),
    # two chains for 4 registers of thetas; what is stored and loaded are the powers that a lane has still to lose
    Kernel(r"legendre::plm<\w+>::sweep<\w+, legendre::sum_of_tile", fma=16, spills=16, may=["long"]),
    Kernel(r"legendre::(?:products|subtract)<", fma=8),
]

DESTRIPE = [
    # I, Q and U of a pixel are four doubles, a ymm; weights are whole numbers, cut out of their words in one
    Kernel(r"destripe::(?:bin|bin_and_solve|both)_sweep<2", fma=4, vector="ymm", may=["narrow"]),
    Kernel(r"destripe::(?:problem|for_each_share)<.*2>::project<", fma=4, vector="ymm", may=["narrow"]),
    # eight entries at a time, of one word each; what they name lies anywhere
    Kernel(r"destripe::(?:bin|bin_and_solve|both)_sweep<0", fma=2, may=["narrow", "gather"]),
    Kernel(r"destripe::(?:problem|for_each_share)<.*0>::project<", fma=2, may=["narrow", "gather"]),
    Kernel(r"(?:parallel_ranges<)?destripe::summing_passes<>::run(?:_block)?<[123], ", fma=1),
    Kernel(r"destripe::(?:banded_factor<>::forward|for_each_chunk_block<destripe::banded_preconditioner<>::apply)",
           fma=1),
    Kernel(r"destripe::(?:for_each_chunk_block<destripe::offset_prior|cosine_operator<>::add)", fma=4),
    Kernel(r"destripe::(?:gather|scatter)_chunks<", may=["long"]),
    Kernel(r"destripe::pointing_kernel<>::operator", fma=50, spills=4, may=["long"]),
    Kernel(r"destripe::(?:find_azimuths|pixel_finder<>::operator)", fma=4),
    # sample by sample, as they come
    Kernel(r"destripe::template_sums<2>::load", fma=1, vector="xmm", may=["narrow"]),
    Kernel(r"destripe::compressed_rows<3>::project", fma=1, vector="xmm", may=["narrow"]),
]

KERNELS = {"fft": FFT, "gridrec": GRIDREC, "legendre": LEGENDRE, "destripe": DESTRIPE}
