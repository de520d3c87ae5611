"""Reads the disassembly of the radix kernels and says whether their loops are what Knights Landing wants.

usage: check.py objdump object [radix ...]     (GNU objdump, and the radices that the object must hold)

Prints a row for every kernel: the instructions of the loop over k, and of the loops around it; of the loop
over k, its floating-point instructions and those with an operand on the stack, scalar and zmm; of all loops,
the bytes of the longest instruction and the offences:

  spill   a zmm operand on the stack, in a radix of at most 8
  gather  a gather or a scatter
  narrow  arithmetic in xmm, ymm or x87 registers, or vzeroupper
  long    an instruction of more than 8 bytes, which is decoded alone (padding apart, and what loads the
          shuffles of a kernel that writes rows, for which there is no register)
  call    what it does is not seen here

Names every offence and every radix that is missing, and exits with 1 where there are any."""

import re
import subprocess
import sys
from collections import namedtuple

Instruction = namedtuple("Instruction", "address length mnemonic operands")
Kernel = namedtuple("Kernel", "name radix type code")
Report = namedtuple("Report", "inner outer offences")

# Radix, ending, architecture, T, and where it writes to, which is not named where it is lines<T>.
SYMBOL = re.compile(r"destrier::fft::detail::pass<(\d+)u?l?, \([\w:]+\)(\d), [\w:]+, ([\w:]+)(?:, (.*))?>\(")
ENDINGS = ["none", "last", "last_scaled"]
PREFIXES = {"bnd", "cs", "data16", "lock", "notrack", "rep", "repz", "repnz"}
RULES = ["spill", "gather", "narrow", "long", "call"]
MOST_BYTES = 8
MOST_RADIX_WITHOUT_SPILLS = 8


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


def kernel(symbol, lines):
    radix, ending, of, to = symbol.groups(default="")
    of, to = (re.sub(r"\w+::|\s", "", part) for part in (of, to))
    parts = [radix, ENDINGS[int(ending)], of] + ([to] if to not in ("", f"lines<{of}>") else [])
    return Kernel(f"pass<{', '.join(parts)}>", int(radix), of, [i for i in map(instruction, lines) if i])


def kernels(text):
    """The kernels of a disassembly, which has a block of lines for every function."""
    for block in text.split("\n\n"):
        first, *others = block.strip().split("\n")
        symbol = SYMBOL.search(first)
        if symbol:
            yield kernel(symbol, others)


# Loops.

def target(i):
    """Where a jump goes; None for what is no jump."""
    match = re.match(r"[0-9a-f]+\b", i.operands) if i.mnemonic.startswith("j") else None
    return int(match[0], 16) if match else None


def edges(code):
    """Pairs of addresses: an instruction and one that may follow it."""
    for i, following in zip(code, code[1:] + [None]):
        if target(i) is not None:
            yield i.address, target(i)
        if following and i.mnemonic not in ("jmp", "ret", "ud2"):
            yield i.address, following.address


def reachable(start, pairs):
    """The addresses that pairs lead to from start, start among them."""
    following = {}
    for source, destination in pairs:
        following.setdefault(source, []).append(destination)
    seen, ahead = {start}, [start]
    while ahead:
        new = set(following.get(ahead.pop(), ())) - seen
        seen |= new
        ahead += new
    return seen


def loops(code):
    """For every jump backwards: the addresses on all ways round through it, and those between its ends."""
    forward = list(edges(code))
    backward = [(destination, source) for source, destination in forward]
    for i in code:
        to = target(i)
        if to is not None and to <= i.address:
            around = reachable(to, forward) & reachable(i.address, backward)
            if i.address in around:
                yield around, {address for address in around if to <= address <= i.address}


# Judging them.

def is_arithmetic(i):
    return re.match(r"v(add|sub|mul|fn?m(add|sub)\d+)[ps][sd]$", i.mnemonic) is not None


def is_padding(i):
    return i.mnemonic.startswith("nop")


def is_narrow(i):
    if i.mnemonic == "vzeroupper" or i.mnemonic.startswith("f"):
        return True
    # Moves are no arithmetic, and a register's exclusive or with itself is how compilers clear a zmm.
    clears = "xor" in i.mnemonic and len(set(i.operands.split(","))) == 1
    return (re.search("%[xy]mm", i.operands) is not None and "%zmm" not in i.operands
            and not i.mnemonic.startswith("vmov") and not clears)


def stack_access(code):
    """What finds operands on the stack: rbp addresses it where it holds the frame, elsewhere anything."""
    framed = any(i.mnemonic == "mov" and i.operands == "%rsp,%rbp" for i in code)
    return re.compile(r"\(%r[sb]p" if framed else r"\(%rsp")


def broken_rules(i, radix, writes_rows, on_stack):
    if "%zmm" in i.operands and on_stack.search(i.operands) and radix <= MOST_RADIX_WITHOUT_SPILLS:
        yield "spill"
    if "gather" in i.mnemonic or "scatter" in i.mnemonic:
        yield "gather"
    if is_narrow(i):
        yield "narrow"
    loads_shuffle = writes_rows and i.mnemonic.startswith("vmov") and "(%rip)" in i.operands
    if i.length > MOST_BYTES and not is_padding(i) and not loads_shuffle:
        yield "long"
    if i.mnemonic == "call":
        yield "call"


def judge(kernel):
    """The loop over k, which is the smallest with the most arithmetic; the rest of the loops; offences."""
    found = list(loops(kernel.code))
    bodies = [[i for i in kernel.code if i.address in span] for _, span in found]
    inner = max(bodies, key=lambda body: (sum(map(is_arithmetic, body)), -len(body)), default=[])
    looped = [i for i in kernel.code if any(i.address in around for around, _ in found)]
    on_stack = stack_access(kernel.code)
    offences = [(rule, i) for i in looped for rule in broken_rules(i, kernel.radix, "row<" in kernel.name, on_stack)]
    return Report(inner, [i for i in looped if i not in inner], offences)


# Saying so.

def row(kernel, report):
    on_stack = stack_access(kernel.code)
    stack = ["%zmm" in i.operands for i in report.inner if on_stack.search(i.operands)]
    longest = max((i.length for i in report.inner + report.outer if not is_padding(i)), default=0)
    return [kernel.name, len(report.inner), len(report.outer), sum(map(is_arithmetic, report.inner)),
            stack.count(False), stack.count(True), longest,
            *(sum(rule == found for found, _ in report.offences) for rule in RULES)]


def print_table(rows):
    widths = [max(len(str(r[column])) for r in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        print(f"{first:<{widths[0]}}  " +
              "  ".join(f"{cell:>{width}}" for cell, width in zip(others, widths[1:])))


def complaints(judged, radices):
    for kernel, report in judged:
        if not report.inner:
            yield f"{kernel.name}: no loop found"
        for rule, i in report.offences:
            yield f"{kernel.name}: {rule}: {i.mnemonic} {i.operands} ({i.length} bytes at {i.address:#x})"
    held = {(kernel.radix, kernel.type) for kernel, _ in judged}
    for radix in radices:
        for of in ("float", "double"):
            if (int(radix), of) not in held:
                yield f"no kernel of radix {radix} for {of}"


def main(objdump, path, *radices):
    judged = [(kernel, judge(kernel)) for kernel in kernels(disassembly(objdump, path))]
    print_table([["kernel", "k loop", "around", "fp", "scalar stack", "zmm stack", "longest", *RULES]] +
                [row(*pair) for pair in judged])
    found = list(complaints(judged, radices))
    for complaint in found:
        print(complaint)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
