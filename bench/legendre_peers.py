"""Times numpy, numba and scipy beside bench_legendre and prints one table: legendre_peers.py [PROGRAM]

PROGRAM is build/bench/bench/bench_legendre unless it is given. Every peer that this Python has takes part, on
one thread: `pip install numpy numba scipy` gets them all. Program and peers take turns, several rounds of them,
each with the fastest of its runs, so that what disturbs the machine disturbs both; a ratio is the median of the
rounds' ratios. Each side is verified before it is timed. Exits with 1 where a result is wrong."""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
import typing

from python_peers import optional, say_missing
from table import time as as_time

ROUNDS = 5


np = optional("numpy")
legendre = np and optional("numpy.polynomial.legendre")
numba = np and optional("numba")
special = np and optional("scipy.special")


# Peers

def numba_legval(degree):
    """Clenshaw's recurrence as one writes it for numba, a point after another: legval(x, c, y)."""
    k = np.arange(degree + 1)
    slope, back = (2 * k + 1) / (k + 1), (k + 1) / (k + 2)

    @numba.njit
    def legval(x, c, y):
        for i in range(x.size):
            total, ahead = 0.0, 0.0
            for k in range(c.size - 1, -1, -1):
                total, ahead = c[k] + slope[k] * x[i] * total - back[k] * ahead, total
            y[i] = total

    return legval


def scipy_series(x, c):
    return sum(c_k * special.eval_legendre(k, x) for k, c_k in enumerate(c))


def one_series(points, degree):
    """Peers for a series at many points, each a function that returns the values."""
    rng = np.random.default_rng(1)
    x, c = rng.uniform(-1, 1, points), rng.uniform(-1, 1, degree + 1)
    at = x if points > 1 else x[0]
    peers = {"numpy legval": lambda: legendre.legval(at, c)}
    if numba:
        legval, y = numba_legval(degree), np.empty(points)

        def with_numba():
            legval(x, c, y)
            return y

        peers["numba loop"] = with_numba
    if special:
        peers["scipy eval_legendre"] = lambda: scipy_series(at, c)
    return peers, series(x, c)


def many_series(sets, points, degree):
    rng = np.random.default_rng(2)
    x, c = rng.uniform(-1, 1, points), rng.uniform(-1, 1, (sets, degree + 1))
    y = np.empty((sets, points))
    peers = {
        "numpy legval": lambda: legendre.legval(x, c.T),
        "numpy C @ legvander": lambda: c @ legendre.legvander(x, degree).T,
        "numpy C @ legvander, out=": lambda: np.matmul(c, legendre.legvander(x, degree).T, out=y),
    }
    if numba:
        legval, z = numba_legval(degree), np.empty((sets, points))

        def with_numba():
            for s in range(sets):
                legval(x, c[s], z[s])
            return z

        peers["numba loop"] = with_numba
    return peers, np.array([series(x, c_s) for c_s in c])


def matrix(points, terms):
    x = np.random.default_rng(3).uniform(-1, 1, points)
    return {"numpy legvander": lambda: legendre.legvander(x, terms - 1)}, np.array(list(polynomials(x, terms))).T


def quadrature(n):
    """Nodes and weights; of the truth, the integrals of 1, x and x^2."""
    def moments(rule):
        x, w = rule()
        return np.array([w.sum(), w @ x, w @ x**2])

    rules = {"numpy leggauss": lambda: legendre.leggauss(n)}
    if special:
        rules["scipy roots_legendre"] = lambda: special.roots_legendre(n)
    return rules, np.array([2, 0, 2 / 3]), moments


# Truth

def polynomials(x, terms):
    """P_0(x) .. by the recurrence in extended precision."""
    x = x.astype(np.longdouble)
    before, p = np.zeros_like(x), np.ones_like(x)
    for k in range(terms):
        yield p
        before, p = p, ((2 * k + 1) * x * p - k * before) / (k + 1)


def series(x, c):
    return sum(np.longdouble(c_k) * p for c_k, p in zip(c, polynomials(x, len(c))))


# Times

def fastest(run):
    """Seconds of the fastest of several groups of calls that are long beside a look at the clock."""
    calls, groups, best, total = 1, 0, float("inf"), 0.0
    while groups < 3 or total < 0.1:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        seconds = time.perf_counter() - start
        groups, best, total = groups + 1, min(best, seconds / calls), total + seconds
        if seconds < 20e-6:
            calls *= 2
    return best


def ours(program, row, values):
    """Seconds of a row of the program: the fastest of several runs too."""
    command = [program, f"--benchmark_filter=^{row}$", "--benchmark_min_time=0.01", "--benchmark_format=json"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    runs = json.loads(output)["benchmarks"] if output.strip() else []
    if len(runs) != 1 or runs[0].get("error_occurred"):
        sys.exit(f"{program}: {row}: " + (runs[0]["error_message"] if runs else "no such row"))
    return runs[0]["ns_value"] * 1e-9 * values


@dataclasses.dataclass
class Case:
    label: str
    row: str  # of the program
    values: int  # that come out
    peers: typing.Callable  # () -> peers by name, the truth, and what of a peer's result it is the truth of
    at_least: dict = dataclasses.field(default_factory=dict)  # the ratio that each peer should reach


CASES = [
    Case("1 point, degree 6", "one<double>/points:1/degree:6", 1, lambda: one_series(1, 6)),
    Case("74 points, degree 6", "one<double>/points:74/degree:6", 74, lambda: one_series(74, 6),
         {"numpy legval": 300}),
    Case("4096 points, degree 8", "one<double>/points:4096/degree:8", 4096, lambda: one_series(4096, 8)),
    Case("10^6 points, degree 8", "one<double>/points:1000000/degree:8", 10**6,
         lambda: one_series(10**6, 8), {"numpy legval": 40}),
    Case("25 x 2400, degree 6", "many<double>/sets:25/points:2400/degree:6", 25 * 2400,
         lambda: many_series(25, 2400, 6), {"numpy legval": 30, "numpy C @ legvander": 3}),
    Case("500 x 6000, degree 8", "many<double>/sets:500/points:6000/degree:8", 500 * 6000,
         lambda: many_series(500, 6000, 8), {"numpy C @ legvander": 1.5, "numpy C @ legvander, out=": 1.5}),
    Case("basis, 10^6 x 9", "basis_by_term<double>/points:1000000/terms:9", 9 * 10**6, lambda: matrix(10**6, 9)),
    Case("gauss, n = 64", "gauss<double>/n:64", 64, lambda: quadrature(64)),
    Case("gauss, n = 1000", "gauss<double>/n:1000", 1000, lambda: quadrature(1000)),
]


def verified(case):
    """The case's peers by name; none without numpy."""
    if not np:
        return {}
    peers, truth, *of = case.peers()
    of = of[0] if of else lambda run: run()
    for name, run in peers.items():
        error = np.max(np.abs(of(run) - truth))
        if not error < 1e-12:
            sys.exit(f"{name}: {case.label}: an error of {error}")
    return peers


def measure(program, case):
    """Rows of the table: for each peer the medians of our time, its time and their ratio."""
    peers = verified(case)
    us, them = [], {name: [] for name in peers}
    for _ in range(ROUNDS if peers else 1):
        us.append(ours(program, case.row, case.values))
        for name, run in peers.items():
            them[name].append(fastest(run))
    time_of_us = as_time(statistics.median(us))
    if not peers:
        return [[case.label, time_of_us, "", "", "", ""]]
    rows = []
    for name, seconds in them.items():
        ratio = statistics.median(theirs / our for theirs, our in zip(seconds, us))
        least = f"{case.at_least[name]:g}" if name in case.at_least else ""
        rows.append(["" if rows else case.label, "" if rows else time_of_us, name,
                     as_time(statistics.median(seconds)), f"{ratio:.3g}", least])
    return rows


def main(program):
    say_missing({"numpy": np, "numba": numba, "scipy": special})
    rows = [["one thread", "destrier", "peer", "time", "ratio", "at least"]]
    for case in CASES:
        rows += measure(program, case)
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    for row in rows:
        cells = [f"{cell:{'<' if i in (0, 2) else '>'}{width}}" for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/bench/bench/bench_legendre")
