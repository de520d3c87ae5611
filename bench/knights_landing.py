"""Prints the tables of knights_landing.md: what instructions and bytes say of Knights Landing, and the same
reckoning for the Sapphire Rapids that README's times are of.

usage: knights_landing.py directory

The directory has the objects that the tests "gate: ... with g++" leave, such as build/dev/tests/disassembly/g++."""

import math
import pathlib
import re
import sys
from collections import Counter, namedtuple

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "disassembly"))
sys.dont_write_bytecode = True
import check  # noqa: E402
from kernels import WHOLE, Kernel  # noqa: E402

# Instructions decoded and bytes of them fetched in a cycle, long ones decoded alone or not; cycles of a shuffle of two
# registers, of a conversion between widths and of a gather of 8 lanes, and whether what shuffles does arithmetic too;
# bytes of L1, and those that a core gets from L2 in a cycle; bytes a second of memory for all cores, and for one alone.
Machine = namedtuple(
    "Machine", "ghz cores decoded fetched alone shuffle convert gather shared l1 from_l2 memory one_core")
KNL = Machine(1.2, 68, 2, 16, True, 2, 5, 5, False, 32 << 10, 32, 450e9, 10e9)
DDR = KNL._replace(memory=87e9)
SPR = Machine(3.45, 2, 6, 32, False, 1, 1, 5, True, 48 << 10, 48, 30e9, 15.5e9)

COLUMNS, ANGLES, GRID, TAPS = 2048, 1501, 2304, 6  # gridrec's case, accuracy fast
LANES = 16                                       # slices of a batch
RADICES = {64: (8, 8), 256: (16, 16), 1024: (16, 8, 8), 4096: (16, 16, 16),  # fft::detail::radices_of
           2048: (16, 16, 8), 2304: (16, 12, 12), 1152: (12, 12, 8)}


# Counting.

class Object:
    def __init__(self, path):
        self.functions = list(check.functions(check.disassembly("objdump", path)))

    def loops(self, name, **how):
        """Hot loops of the functions whose names match, by their arithmetic, most first."""
        kernel = Kernel(name, **how)
        found = [loop for function, code in self.functions if re.match(name, function)
                 for loop in check.hot_loops(kernel, code)]
        assert found, name
        return sorted(found, key=lambda loop: -sum(map(check.is_arithmetic, loop)))

    def loop(self, name, **how):
        return self.loops(name, **how)[0]


def counts(loop):
    c = Counter(n=len(loop), bytes=sum(i.length for i in loop), long=sum(map(check.is_long, loop)))
    for i in loop:
        vector = re.search("%[xyz]mm", i.operands) is not None
        c["fp"] += check.is_arithmetic(i)
        c["fused"] += check.is_fused(i)
        c["load"] += check.is_load(i)
        c["store"] += check.is_store(i)
        c["convert"] += vector and i.mnemonic.startswith("vcvt")
        c["gather"] += "gather" in i.mnemonic
        c["shuffle"] += check.is_shuffle(i) and not check.is_store(i)
    return c


def cycles(machine, c):
    """Of the busiest of what decodes, fetches, adds and multiplies, shuffles and converts, loads and stores."""
    shuffles = machine.shuffle * c["shuffle"]
    return max((c["n"] + machine.alone * c["long"]) / machine.decoded, c["bytes"] / machine.fetched,
               (c["fp"] + machine.shared * shuffles) / 2,
               shuffles + machine.convert * c["convert"] + machine.gather * c["gather"],
               (c["load"] + c["store"]) / 2, c["store"])


def scaled(c, times):
    return Counter({key: value * times for key, value in c.items()})


def print_head(*columns):
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))


# FFT.

def passes(float_object, n):
    """Counts of a transform of a lane block of n elements, and how many passes there are."""
    total, radices = Counter(), RADICES[n]
    for k, r in enumerate(radices):
        ending = 0 if k + 1 < len(radices) else 1
        loop = float_object.loop(rf"fft::pass<{r}, {ending}, float, fft::lines")
        total += scaled(counts(loop), n // r)
    return total, len(radices)


def transform_cycles(machine, float_object, n):
    """The core's, and those of what each pass reads from L2, and fetches from there to write to, where both
    blocks are more than L1."""
    c, count = passes(float_object, n)
    beyond = max(0, 1 - machine.l1 / (2 * n * 128))
    return cycles(machine, c) + beyond * count * n * 256 / machine.from_l2


def fft_table(float_object):
    print_head("lane blocks", "instructions an element", "arithmetic", "KNL, a core", "68 cores", "Sapphire Rapids",
               "measured")
    for n, measured in ((64, 137), (256, 133), (1024, 90), (4096, 82)):
        c, _ = passes(float_object, n)
        flop = 5 * n * math.log2(n) * LANES
        knl, spr = (flop / transform_cycles(m, float_object, n) * m.ghz for m in (KNL, SPR))
        print(f"| {n} | {c['n'] / n:.0f} | {c['fp'] / n:.0f} | {knl:.0f} Gflop/s | {knl * KNL.cores / 1e3:.1f} Tflop/s "
              f"| {spr:.0f} Gflop/s | {measured}: {measured / spr:.0%} |")


# Gridrec.

def groups():
    """How many groups of 1, 2, 3, 4 and more samples of one cell the scatter meets; samples.hpp."""
    cells = Counter()
    radial = 2 * COLUMNS
    for p in range(ANGLES):
        theta = math.pi * p / ANGLES
        sign = -1 if math.cos(theta) < 0 else 1
        du, dv = (sign * f(theta) * GRID / radial for f in (math.cos, math.sin))
        for j in range(COLUMNS + 1):
            cells[math.ceil(du * j - TAPS / 2), math.ceil(dv * j - TAPS / 2), sign] += 1
    runs = Counter()
    for samples in cells.values():
        runs[samples - samples % 4] += 1
        runs[samples % 4] += 1
    del runs[0]
    return runs


def scatter(float_object):
    name = rf"gridrec::scatter_strip<false, {TAPS}, float>"
    found = [counts(loop) for loop in float_object.loops(name)]
    by_fused = {c["fused"]: c for c in sorted(found, key=lambda c: c["n"])}
    of_group = {size: by_fused[2 * TAPS * size] for size in (1, 2, 3, 4)}
    # in a row of cells: sum up, or add to them what was summed up
    more = min((c for c in found if c["fused"] == 2 * TAPS), key=lambda c: c["n"])
    evaluate = by_fused[9]
    inner = sum(c["n"] for c in found)
    whole = len(float_object.loop(name, hot=WHOLE))
    around = Counter(n=(whole - inner) / 5, bytes=7 * (whole - inner) / 5)  # what is left, of five kinds of groups
    total = Counter()
    for size, many in groups().items():
        total += scaled(around, many) + scaled(evaluate, many * size)
        total += scaled(of_group[size], many * TAPS) if size in of_group else (
            scaled(more, many * TAPS * size) + scaled(of_group[1], many * TAPS))
    return total


def transpose(tiles):
    """Of 16 x 16 floats; simd.hpp."""
    return scaled(Counter(n=64 + 2 * 16, bytes=7 * 96, shuffle=64, load=16, store=16), tiles)


def gridrec_stages(float_object):
    """Of a batch: names, counts with the transforms apart, transforms (length, how many), bytes, measured seconds."""
    part = float_object.loop(r"fft::plan_r2c<float>::run_forward_into<gridrec::radial_stage")
    join = float_object.loop(r"fft::join_spectra<float>")
    store_row = min((loop for loop in float_object.loops(r"gridrec::sweep<float>::forward<6>")
                     if any("vmovnt" in i.mnemonic for i in loop)), key=len)
    tiles = COLUMNS // 16
    rows = GRID // 2 + 1
    return [
        ("radial", transpose(ANGLES * tiles) + scaled(counts(part), ANGLES * COLUMNS / 2), (COLUMNS, ANGLES),
         64 * ANGLES * COLUMNS + 128 * ANGLES * (COLUMNS + 1), 16 * 4.4e-3),
        ("grid", scatter(float_object) + scaled(counts(store_row), rows * COLUMNS), (GRID, rows),
         144 * ANGLES * (COLUMNS + 1) + 128 * rows * COLUMNS, 16 * 9.5e-3),
        ("image", transpose(COLUMNS * tiles) + scaled(counts(join), COLUMNS * GRID / 4), (GRID // 2, COLUMNS),
         128 * rows * COLUMNS + 64 * COLUMNS ** 2, 16 * 5.6e-3),
    ]


def window_bytes():
    """What the grid's window takes to and from memory where L2 does not hold it: a strip's samples reach 16 rows,
    each row is transformed there and back, and cleared."""
    row = (GRID + 10) * 128
    return row * (GRID // 2 + 1) * (2 * 2 + 2 + 1)


def seconds(machine, float_object, stage, cores):
    """A slice's: of all cores, and of memory."""
    _, c, (n, many), size, _ = stage
    busy = (cycles(machine, c) + many * transform_cycles(machine, float_object, n)) / (machine.ghz * 1e9 * cores)
    return (busy + size / (machine.one_core if cores == 1 else machine.memory)) / LANES


def gridrec_table(float_object):
    print_head("a slice", "10^6 instructions", "arithmetic", "MB", "MB, KNL", "Sapphire Rapids, a core", "measured",
               "KNL, a core", "68 cores, MCDRAM", "68 cores, DDR")
    rows = []
    for stage in gridrec_stages(float_object):
        name, c, (n, many), size, measured = stage
        c = c + scaled(passes(float_object, n)[0], many)
        outside = size + (window_bytes() if name == "grid" else 0)
        on_knl = stage[:3] + (outside, measured)
        rows.append([c["n"] / LANES / 1e6, c["fp"] / LANES / 1e6, size / LANES / 1e6, outside / LANES / 1e6,
                     1e3 * seconds(SPR, float_object, stage, 1), 1e3 * measured / LANES,
                     1e3 * seconds(KNL, float_object, on_knl, 1), 1e3 * seconds(KNL, float_object, on_knl, KNL.cores),
                     1e3 * seconds(DDR, float_object, on_knl, DDR.cores)])
    for name, row in zip(["radial", "grid", "image", "all"], rows + [[sum(column) for column in zip(*rows)]]):
        print(f"| {name} | " + " | ".join(f"{x:.0f}" for x in row[:4]) + " | " +
              " | ".join(f"{x:.3g} ms" for x in row[4:]) + " |")


# The others.

def legendre_table(double_object):
    print_head("values of degree", "instructions", "arithmetic", "KNL, a core", "68 cores", "Sapphire Rapids",
               "measured")
    # registers of points and series in the loop, and a value's nanoseconds: README's
    for degree, registers, sets, measured in ((6, 4, 1, 9.7e3 / 6e4), (12, 2, 2, 18.7e3 / 6e4)):
        c = counts(min(double_object.loops(
            rf"legendre::series_beside_basis<legendre_family, {degree + 1}, {registers}, "), key=len))
        values = registers * sets * 8
        knl, spr = (cycles(m, c) / values / m.ghz for m in (KNL, SPR))
        print(f"| {degree} | {c['n'] / values:.1f} | {c['fp'] / values:.2f} | {knl:.2f} ns | {knl / KNL.cores:.4f} ns "
              f"| {spr:.2f} ns | {measured:.2f} ns: {spr / measured:.0%} |")


def destripe_table(double_object):
    print_head("an entry", "instructions", "conversions", "bytes", "KNL, a core", "68 cores", "MCDRAM", "DDR",
               "Sapphire Rapids, a core", "its memory", "measured")
    for what, stokes, entries, size, vector, sample in (("I, Q, U", 2, 4, 24, "ymm", 2.3),
                                                        ("I", 0, 16, 8, "zmm", 0.60)):
        loops = [counts(double_object.loop(rf"destripe::{name}", vector=vector)) for name in
                 (rf"bin_and_solve_sweep<{stokes}", rf"problem<double, {stokes}>::project<")]
        knl, spr = (sum(cycles(m, c) for c in loops) / entries / m.ghz for m in (KNL, SPR))
        memory = [1e9 * size / bytes_s for bytes_s in (KNL.memory, DDR.memory, SPR.one_core)]
        total = scaled(sum(loops, Counter()), 1 / entries)
        print(f"| {what} | {total['n']:.1f} | {total['convert']:.2g} | {size} | {knl:.2f} ns "
              f"| {knl / KNL.cores:.3f} ns | {memory[0]:.3f} ns | {memory[1]:.2f} ns | {spr:.2f} ns "
              f"| {memory[2]:.2f} ns | {1.05 * sample:.2f} ns |")


def main(directory):
    objects = {name: Object(f"{directory}/{name}.o") for name in ("gridrec", "legendre", "destripe")}
    fft_table(objects["gridrec"])
    print()
    gridrec_table(objects["gridrec"])
    print()
    legendre_table(objects["legendre"])
    print()
    destripe_table(objects["destripe"])


if __name__ == "__main__":
    main(*sys.argv[1:])
