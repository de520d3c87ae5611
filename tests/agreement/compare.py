#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what the tests of several builds left (results.hpp): compare.py FOLDER...

Each file of a folder is a result: its bound, then its numbers. All folders must hold the same results, and any
two of a result may differ by its bound, relative in L2. Status 1 says that some do not.
"""

import itertools
import math
import pathlib
import sys


def read(path):
    bound, *values = map(float.fromhex, path.read_text().split())
    return bound, values


def difference(a, b):
    """Of b from a, relative; infinite where it is no number or they differ in length."""
    if len(a) != len(b):
        return math.inf
    size = math.hypot(*a)
    d = math.hypot(*(x - y for x, y in zip(a, b)))
    return d / size if d < math.inf and 0 < size < math.inf else math.inf


def compare(folders):
    """Prints a line for every result; the number of those that do not agree."""
    names = sorted({path.name for folder in folders for path in folder.glob("*")})
    if not names:
        print("there are no results")
    wrong = int(not names)
    for name in names:
        lacking = [str(folder) for folder in folders if not (folder / name).exists()]
        if lacking:
            print(f"{name}: not in {', '.join(lacking)}")
            wrong += 1
            continue
        results = {folder: read(folder / name) for folder in folders}
        bound = min(result[0] for result in results.values())
        worst, a, b = max((difference(results[a][1], results[b][1]), str(a), str(b))
                          for a, b in itertools.combinations(folders, 2))
        agree = worst <= bound
        wrong += not agree
        print(f"{name}: {worst:.1e}, at most {bound:.1e}" +
              ("" if agree else f": {a} and {b} do not agree"))
    return wrong


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: compare.py FOLDER FOLDER...")
    sys.exit(compare([pathlib.Path(folder) for folder in sys.argv[1:]]) > 0)
