"""Reads the disassembly of hot loops and says whether they are what Knights Landing wants.

usage: check.py objdump object kernels...     (GNU objdump; the lists of kernels.py that the object must hold)

A function's hot loops are its innermost ones that work on vectors, and compute where multiply-adds are meant, or
what else kernels.py says, which also has what is meant to be otherwise in them.

  fma     fewer fused multiply-adds in the loop that has most of them than are meant
  spill   more whole vectors loaded from the stack and stored there in one loop than are allowed
  gather  a gather or a scatter
  narrow  arithmetic in xmm, ymm or x87 registers, or vzeroupper
  long    an instruction of more than 8 bytes, which is decoded alone (padding apart, and what loads a constant)
  call    what it does is not seen here

Prints a row for every function: of its hot loop with the most arithmetic the instructions, those of floating point
and the fused ones among them, loads, stores, shuffles and bytes; the most spills of a loop; the number of long
instructions; the offences. Names every offence and every kernel that is missing, and exits with 1 where there are
any."""

import re
import subprocess
import sys
from collections import namedtuple

from kernels import ALL, KERNELS, WHOLE

Instruction = namedtuple("Instruction", "address length mnemonic operands")
Report = namedtuple("Report", "name loop spills offences")

RULES = ["fma", "spill", "gather", "narrow", "long", "call"]
MOST_BYTES = 8
PREFIXES = {"bnd", "cs", "data16", "lock", "notrack", "rep", "repz", "repnz"}


# Reading the object.

def disassembly(objdump, path):
    command = [objdump, "-d", "-C", "-w", path]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def instruction(line):
    """An instruction from "  4c0:\t62 f1 7c 48 28 c1 \tvmovaps %zmm1,%zmm0"; None from other lines."""
    fields = line.split("\t")
    if len(fields) < 3:
        return None
    words = fields[2].split("#")[0].split()
    while len(words) > 1 and words[0] in PREFIXES:
        del words[0]
    return Instruction(int(fields[0].rstrip(":"), 16), len(fields[1].split()), words[0], " ".join(words[1:]))


def name_of(symbol):
    """fft::pass<8, 1, float> from void destrier::fft::detail::pass<8ul, (ending)1, xsimd::avx512f, float>(...)."""
    noise = r"destrier::|detail::|, xsimd::avx512f\b|xsimd::avx512f(, )?|\([\w:]+\)(?=\d)|(?<=\d)ul\b"
    text = re.sub(noise, "", symbol)
    start = depth = 0
    for at, character in enumerate(text):
        depth += (character in "<{") - (character in ">}")
        if depth == 0 and character == " ":
            start = at + 1
        elif depth == 0 and character == "(" and not text[:at].endswith("operator"):
            return text[start:at]
    return text[start:]


def functions(text):
    """Names and instructions; a disassembly has a block of lines for every function."""
    for block in text.split("\n\n"):
        first, *others = block.strip().split("\n")
        symbol = re.match(r"[0-9a-f]+ <(.*destrier::.*)>:$", first)
        if symbol:
            yield name_of(symbol[1]), [i for i in map(instruction, others) if i]


# Instructions.

def is_arithmetic(i):
    return re.match(r"v(add|sub|mul|div|sqrt|min|max|fn?m(add|sub)\d+)[ps][sd]$", i.mnemonic) is not None


def is_fused(i):
    return re.match(r"vfn?m(add|sub)\d", i.mnemonic) is not None


# Loops.

def target(i):
    """Where a jump goes; None for what is no jump."""
    match = re.match(r"[0-9a-f]+\b", i.operands) if i.mnemonic.startswith("j") else None
    return int(match[0], 16) if match else None


def flow(code):
    """Blocks of instructions that jumps neither enter nor leave but at the ends, and the numbers of those that
    may follow each."""
    places = {i.address: place for place, i in enumerate(code)}
    ends = {place + 1 for place, i in enumerate(code) if target(i) is not None or i.mnemonic in ("jmp", "ret", "ud2")}
    starts = sorted({0} | ends - {len(code)} | {places[target(i)] for i in code if target(i) in places})
    blocks = [code[a:b] for a, b in zip(starts, starts[1:] + [len(code)])]
    numbers = {block[0].address: number for number, block in enumerate(blocks)}
    following = []
    for number, block in enumerate(blocks):
        last = block[-1]
        next_ones = {numbers.get(target(last))}
        if last.mnemonic not in ("jmp", "ret", "ud2"):
            next_ones.add(number + 1)
        following.append({n for n in next_ones if n in range(len(blocks))})
    return blocks, following


def reachable(start, following):
    seen, ahead = set(), list(following(start))
    while ahead:
        new = ahead.pop()
        if new not in seen:
            seen.add(new)
            ahead += following(new)
    return seen


def cycles(nodes, following):
    """The largest sets of nodes of which each leads to all."""
    rest = set(nodes)
    leading = {n: set() for n in nodes}
    for n in nodes:
        for f in following[n] & nodes:
            leading[f].add(n)
    while rest:
        n = min(rest)
        cycle = reachable(n, lambda m: following[m] & rest) & reachable(n, lambda m: leading[m] & rest)
        if cycle:
            yield cycle
        rest -= cycle | {n}


def loops(nodes, following):
    """Pairs of a loop's blocks and whether it is an innermost one; those within are what is left without the block
    by which it is entered."""
    for cycle in cycles(nodes, following):
        entered = [n for n in cycle if any(n in following[m] for m in range(len(following)) if m not in cycle)]
        inner = list(loops(cycle - {min(entered, default=min(cycle))}, following))
        yield cycle, not inner
        yield from inner


def hot_loops(kernel, code):
    if kernel.hot == WHOLE:
        return [code]
    blocks, following = flow(code)
    found = []
    for cycle, innermost in loops(set(range(len(blocks))), following):
        body = [i for number in sorted(cycle) for i in blocks[number]]
        works = [i for i in body if "%" + kernel.vector in i.operands and (is_arithmetic(i) or not kernel.fma)]
        if works and (innermost or kernel.hot == ALL):
            found.append(body)
    return found


# Judging them.

def is_narrow(i):
    if i.mnemonic == "vzeroupper" or i.mnemonic.startswith("f"):
        return True
    # Moves are no arithmetic, and a register's exclusive or with itself is how compilers clear a zmm.
    clears = "xor" in i.mnemonic and len(set(i.operands.split(","))) == 1
    return (re.search("%[xy]mm", i.operands) is not None and "%zmm" not in i.operands
            and not i.mnemonic.startswith("vmov") and not clears)


def is_long(i):
    return i.length > MOST_BYTES and not i.mnemonic.startswith("nop") and "(%rip)" not in i.operands


def is_shuffle(i):
    return re.match(r"v(p?unpck|p?shuf|perm|extract|insert|align)", i.mnemonic) is not None


def is_store(i):
    return i.operands.endswith(")") and not i.mnemonic.startswith(("prefetch", "cmp", "test", "vcomi", "vucomi"))


def is_load(i):
    return "(" in i.operands and not is_store(i) and not i.mnemonic.startswith(("lea", "prefetch", "nop"))


def spilled(code):
    """What says whether an instruction moves a whole vector from or to the stack: rbp addresses it where it holds the
    frame, elsewhere anything."""
    framed = any(i.mnemonic == "mov" and i.operands == "%rsp,%rbp" for i in code)
    on_stack = re.compile(r"\(%r[sb]p" if framed else r"\(%rsp")
    return lambda i: ("%zmm" in i.operands and on_stack.search(i.operands) and "{1to" not in i.operands
                      and "broadcast" not in i.mnemonic)


def broken_rules(i):
    if "gather" in i.mnemonic or "scatter" in i.mnemonic:
        yield "gather"
    if is_narrow(i):
        yield "narrow"
    if is_long(i):
        yield "long"
    if i.mnemonic == "call":
        yield "call"


def limit(of, match):
    """A number, or what a function makes of the numbers in a kernel's name."""
    return of(*map(int, match.groups())) if callable(of) else of


def judge(kernel, match, name, code):
    found = hot_loops(kernel, code)
    is_spill = spilled(code)
    loop = max(found, key=lambda body: (sum(map(is_arithmetic, body)), -len(body)), default=[])
    fused = max((sum(map(is_fused, body)) for body in found), default=0)
    spills = max((sum(map(bool, map(is_spill, body))) for body in found), default=0)
    offences = {(rule, i) for body in found for i in body for rule in broken_rules(i) if rule not in kernel.may}
    offences = sorted(offences, key=lambda offence: (offence[0], offence[1].address))
    if fused < limit(kernel.fma, match):
        offences.append(("fma", f"{fused}, {limit(kernel.fma, match)} are meant"))
    if spills > limit(kernel.spills, match):
        offences.append(("spill", f"{spills}, {limit(kernel.spills, match)} are allowed"))
    return Report(name, loop, spills, offences)


# Saying so.

HEAD = ["function", "loop", "fp", "fused", "loads", "stores", "shuffles", "bytes", "spills", "long", *RULES]


def row(report):
    counts = [sum(map(counted, report.loop)) for counted in
              (is_arithmetic, is_fused, is_load, is_store, is_shuffle)]
    return [report.name[:60], len(report.loop), *counts, sum(i.length for i in report.loop), report.spills,
            sum(map(is_long, report.loop)), *(sum(rule == found for found, _ in report.offences) for rule in RULES)]


def print_table(rows):
    widths = [max(len(str(r[column])) for r in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        print(f"{first:<{widths[0]}}  " +
              "  ".join(f"{cell:>{width}}" for cell, width in zip(others, widths[1:])))


def complaints(reports):
    for report in reports:
        for rule, what in report.offences:
            if isinstance(what, Instruction):
                what = f"{what.mnemonic} {what.operands} ({what.length} bytes at {what.address:#x})"
            yield f"{report.name}: {rule}: {what}"


def check(objdump, path, kernels):
    reports, found = [], set()
    for name, code in functions(disassembly(objdump, path)):
        for kernel in kernels:
            match = re.match(kernel.name, name)
            report = judge(kernel, match, name, code) if match else None
            if report and report.loop:
                reports.append(report)
                found.add(kernel.name)
    print_table([HEAD] + [row(report) for report in reports])
    missing = [f"no hot loop of {kernel.name}" for kernel in kernels if kernel.name not in found]
    wrong = list(complaints(reports)) + missing
    for complaint in wrong:
        print(complaint)
    return bool(wrong)


def main(objdump, path, *lists):
    return check(objdump, path, [kernel for name in lists for kernel in KERNELS[name]])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
