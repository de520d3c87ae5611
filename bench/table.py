"""Prints the results of Google Benchmark's JSON files as one table: name, time, rate, counters.

Exits with 1 where a benchmark reported an error, such as a wrong result."""

import json
import sys

# What Google Benchmark says of every run; all other numbers are the benchmark's own counters.
COMMON = {
    "family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads",
    "iterations", "real_time", "cpu_time", "bytes_per_second", "items_per_second",
}
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def scaled(value, unit, steps):
    """value with the largest of the steps (factor, prefix) that leaves at least 1 before the point."""
    factor, prefix = next((s for s in steps if abs(value) >= s[0]), steps[-1])
    return f"{value / factor:.4g} {prefix}{unit}"


def time(seconds):
    return scaled(seconds, "s", [(1, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")])


def rate(value, unit=""):
    return scaled(value, unit, [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")])


def row(run):
    if run.get("error_occurred"):
        return [run["name"], "ERROR", run.get("error_message", ""), ""]
    rates = [rate(run[key], unit) for key, unit in
             (("bytes_per_second", "B/s"), ("items_per_second", "/s")) if key in run]
    counters = [f"{key}={rate(value).strip()}" for key, value in run.items()
                if key not in COMMON and isinstance(value, (int, float)) and not isinstance(value, bool)]
    if run.get("label"):
        counters.append(f"({run['label']})")
    return [run["name"], time(run["real_time"] * UNITS[run["time_unit"]]), " ".join(rates),
            " ".join(counters)]


def main(files):
    rows = [["benchmark", "time", "rate", "counters"]]
    for name in files:
        with open(name) as file:
            text = file.read()
        if text:  # empty where a filter left nothing to run
            rows += [row(run) for run in json.loads(text)["benchmarks"]]
    widths = [max(len(r[column]) for r in rows) for column in range(3)]
    for name, spent, per_second, counters in rows:
        print(f"{name:<{widths[0]}}  {spent:>{widths[1]}}  {per_second:>{widths[2]}}  {counters}".rstrip())
    return any(r[1] == "ERROR" for r in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
