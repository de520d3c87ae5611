#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Has compare.py read results that agree, and some that do not in one way each."""

import pathlib
import subprocess
import sys
import tempfile

COMPARE = pathlib.Path(__file__).with_name("compare.py")
RESULT = "0x1p-20 3 4 0"  # a bound of 1e-6, a vector of length 5

AGREE, DIFFER, LACKING = (0, "at most"), (1, "do not agree"), (1, "not in")
CASES = {  # what the other build has, and how compare.py must end and what it must say
    "0x1p-20 3 4 0": AGREE,
    "0x1p-20 3 4 0x1.3p-18": AGREE,
    "0x1p-20 3 4 0x1.5p-18": DIFFER,
    "0x1p-20 3 4 nan": DIFFER,
    "0x1p-20 3 4 inf": DIFFER,
    "0x1p-20 3 4": DIFFER,
    "0x1p-22 3 4 0x1.3p-18": DIFFER,
    None: LACKING,
}


def comparison(result):
    """How compare.py ends, and what it says, where a second build has this result for the first one's."""
    with tempfile.TemporaryDirectory() as name:
        folders = [pathlib.Path(name, build) for build in ("first", "second")]
        for folder, content in zip(folders, (RESULT, result)):
            folder.mkdir()
            if content is not None:
                (folder / "fft").write_text(content)
        run = subprocess.run([sys.executable, COMPARE, *folders], stdout=subprocess.PIPE, text=True)
        return run.returncode, run.stdout


wrong = 0
for result, (status, words) in CASES.items():
    got, output = comparison(result)
    if got != status or words not in output:
        print(f"for {result} compare.py ends with {got} and says {output}")
        wrong += 1
sys.exit(wrong > 0)
