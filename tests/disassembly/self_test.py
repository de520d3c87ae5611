"""Has check.py read offences.cpp's object: it must name every offence by the function, the rule and the
instruction, and every kernel that is missing, and nothing else.

usage: self_test.py objdump object"""

import contextlib
import io
import re
import sys

from check import check
from kernels import ALL, WHOLE, Kernel

KERNELS = [
    Kernel(r"offences::loop<offences::(?!scatter)\w+, 0>", fma=1),
    Kernel(r"offences::loop<offences::scatter, (\d)>", fma=lambda allowed: 1 + allowed, may=["call"]),
    Kernel(r"offences::loop<offences::spill, 1>", fma=1, spills=1),
    Kernel(r"offences::outside<0>", fma=1),
    Kernel(r"offences::outside<1>", hot=WHOLE),
    Kernel(r"offences::outer<0>", fma=1),
    Kernel(r"offences::outer<1>", hot=ALL),
    Kernel(r"offences::straight"),
    Kernel(r"offences::scalar"),
    Kernel(r"offences::absent"),
]

EXPECTED = {
    "loop<offences::unfused, 0>: fma: 0",
    "loop<offences::spill, 0>: spill: 1",
    "loop<offences::gather, 0>: gather: vgatherdps",
    "loop<offences::scatter, 0>: gather: vscatterdps",
    "loop<offences::ymm, 0>: narrow: vaddps",
    "loop<offences::xmm, 0>: narrow: vmulsd",
    "loop<offences::x87, 0>: narrow: fldt",
    "loop<offences::zeroupper, 0>: narrow: vzeroupper",
    "loop<offences::lengthy, 0>: long: vaddps",
    "loop<offences::call, 0>: call: call",
    "outside<1>: spill: 1",
    "outside<1>: gather: vgatherdps",
    "outer<1>: gather: vgatherdps",
    "no hot loop of offences::straight",
    "no hot loop of offences::scalar",
    "no hot loop of offences::absent",
}


def main(objdump, path):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        failed = check(objdump, path, KERNELS)
    print(output.getvalue())
    complaints = set(re.findall(r"^(?:offences::)?(.*: \w+: \w+|no hot loop .*)", output.getvalue(), re.MULTILINE))
    for missed in sorted(EXPECTED - complaints):
        print("missed:", missed)
    for wrong in sorted(complaints - EXPECTED):
        print("wrong:", wrong)
    return not failed or complaints != EXPECTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
