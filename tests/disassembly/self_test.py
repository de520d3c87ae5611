"""Has check.py read offences.cpp's object: it must exit with 1, name every offence by the kernel, the rule
and the instruction, and name nothing else.

usage: self_test.py objdump object"""

import pathlib
import re
import subprocess
import sys

EXPECTED = {
    "pass<8, none, spill>: spill: vmovaps",
    "pass<8, none, gather>: gather: vgatherdps",
    "pass<8, none, scatter>: gather: vscatterdps",
    "pass<8, none, outer>: gather: vgatherdps",
    "pass<8, none, ymm>: narrow: vaddps",
    "pass<8, none, xmm>: narrow: vmulsd",
    "pass<8, none, x87>: narrow: fldt",
    "pass<8, none, zeroupper>: narrow: vzeroupper",
    "pass<8, none, lengthy>: long: vaddps",
    "pass<8, none, call>: call: call",
    "pass<8, none, straight>: no loop found",
    "no kernel of radix 8 for float",
    "no kernel of radix 8 for double",
}


def main(objdump, path):
    check = pathlib.Path(__file__).with_name("check.py")
    run = subprocess.run([sys.executable, check, objdump, path, "8"], capture_output=True, text=True)
    print(run.stdout + run.stderr)
    complaints = re.findall(r"^(pass<.*>: \w+: \w+|pass<.*>: no .*|no .*)", run.stdout, re.MULTILINE)
    for missed in sorted(EXPECTED - set(complaints)):
        print("missed:", missed)
    for wrong in sorted(set(complaints) - EXPECTED):
        print("wrong:", wrong)
    return run.returncode != 1 or set(complaints) != EXPECTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
