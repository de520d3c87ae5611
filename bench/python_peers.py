"""What Python's peers have in common: one thread each, and taking part where this Python has them. To be imported
before them, as they read how many threads they may use when they are loaded."""

import os
import sys

for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = "1"


def optional(module):
    try:
        return __import__(module, fromlist=["_"])
    except ImportError:
        return None


def say_missing(peers):
    """Names on standard error what pip would get: peers is {its name for pip: module or None}."""
    missing = [name for name, module in peers.items() if not module]
    if missing:
        print(f"left out: {', '.join(missing)}, which this Python lacks: pip install {' '.join(missing)}",
              file=sys.stderr)
