"""Draws the results of Google Benchmark's JSON files as one picture: plot.py OUT.png FILES...

Left, a roofline for float and one for double (names that do not say float): every row of one thread
with counters `flops` and `bytes`, at its nominal flop a byte of input and output, under the limits
that bench_limits measured in the same run. Right, the ratios `vs_...` to the peers,
of one thread too."""

import collections
import json
import re
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

# Okabe and Ito's colours, which colour-blind readers tell apart too.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A4A21", "#555555", "#8B8000",
           "#000000", "#882255"]
MARKERS = "osD^vPX*phd"
PEERS = {"vs_fftw": "FFTW", "vs_mkl": "MKL", "vs_tomopy": "TomoPy", "vs_tomopy_padded": "TomoPy, padded"}
GREY = "#666666"


class Row:
    """A benchmark `family<type>/key:value/...` of the file bench_<kernel>.json."""

    def __init__(self, kernel, run):
        self.run = run
        family, *arguments = run["name"].split("/")
        self.precision = "float" if "float" in family else "double"
        words = re.sub("<.*>", "", family).split("_")
        room = [word for word in kernel.split("_") if word not in words]
        self.family = ": ".join(filter(None, (" ".join(room), " ".join(words))))
        self.group = f"{self.family}, {self.precision}" if "<" in family else self.family
        pairs = [a.partition(":") for a in arguments]
        self.threads = next((int(v) for k, _, v in pairs if k == "threads"), 1)
        self.label = ", ".join(filter(None, (self.words(k, v) for k, _, v in pairs)))

    @staticmethod
    def words(key, value):
        """What an argument, key:value, is called; nothing for those that say how time was taken, or by
        how many threads: all that is drawn is one thread's."""
        if key in ("real_time", "process_time", "manual_time", "iterations", "min_time", "repeats",
                   "threads"):
            return ""
        return f"{key} {value}".strip()

    def has(self, *counters):
        return all(self.run.get(c, 0) > 0 for c in counters)

    def peers(self):
        return [c for c in self.run if c.startswith("vs_") and self.has(c)]

    @property
    def intensity(self):
        return self.run["flops"] / self.run["bytes"]


def read(files):
    """Rows, the limits' runs by name, and what the files say of machine and compiler."""
    rows, limits, context = [], {}, {}
    for name in files:
        with open(name) as file:
            text = file.read()
        if not text:  # where a filter left nothing to run
            continue
        data = json.loads(text)
        context |= data["context"]
        kernel = re.sub(r".*bench_|\.json$", "", name)
        runs = {run["name"]: run for run in data["benchmarks"]
                if run.get("run_type") != "aggregate" and not run.get("error_occurred")}
        if kernel == "limits":
            limits = runs
        else:
            rows += [Row(kernel, run) for run in runs.values()]
    return rows, limits, context


def value(limits, prefix, counter):
    return next((run[counter] for name, run in limits.items() if name.startswith(prefix)), None)


# Left

def bounds(rows, peak, bandwidths):
    """Axes that show every point, and every limit where it bends."""
    ridges = [peak / b for b, _ in bandwidths] if peak else []
    x = [r.intensity for r in rows] + ridges
    y = [r.run["flops"] / 1e9 for r in rows] + ([peak / 1e9] if peak else [])
    return (min(x) / 3.5, max(x) * 2.5), (min(y) / 1.7, max(y) * 1.6)


def slope(axes):
    """Degrees on the paper of a line of slope 1 on log-log axes."""
    (x0, x1), (y0, y1) = np.log10(axes.get_xlim()), np.log10(axes.get_ylim())
    box = axes.get_window_extent()
    return np.degrees(np.arctan2(box.height / (y1 - y0), box.width / (x1 - x0)))


def draw_limits(axes, peak, bandwidths):
    left, right = axes.get_xlim()
    bottom = axes.get_ylim()[0]
    ridges = [peak / b for b, _ in bandwidths] or [left]
    axes.plot([min(ridges), right], [peak / 1e9] * 2, color="black", lw=1.6, zorder=1)
    axes.annotate(f"FMA peak of a core, {peak / 1e9:.0f} Gflop/s", (right, peak / 1e9), (-6, 5),
                  textcoords="offset points", ha="right", fontsize=10)
    for bandwidth, text in bandwidths:
        start = max(left, bottom * 1e9 / bandwidth)
        axes.plot([start, peak / bandwidth], [start * bandwidth / 1e9, peak / 1e9], color="black", lw=1.6,
                  zorder=1)
        at = (peak / bandwidth) / 1.1  # the text ends below the ridge
        axes.annotate(f"{text}, {bandwidth / 1e9:.0f} GB/s", (at, at * bandwidth / 1e9), (3, -4),
                      textcoords="offset points", ha="right", va="top", rotation_mode="anchor",
                      rotation=slope(axes), fontsize=10)


def roofline(axes, precision, rows, limits, styles):
    peak = value(limits, f"fma_peak<{precision}>", "flops")
    bandwidths = [(value(limits, name, "bytes_per_second"), text) for name, text in
                  (("l2_read", "L2 read"), ("stream/copy/threads:1/", "STREAM copy"))]
    bandwidths = [b for b in bandwidths if b[0]]
    axes.set(xscale="log", yscale="log", ylabel="Gflop/s, nominal")
    x, y = bounds(rows, peak, bandwidths)
    axes.set(xlim=x, ylim=y)
    if peak:
        draw_limits(axes, peak, bandwidths)
    for row in rows:
        colour, marker = styles[row.family]
        beyond = row.has("of_copy") or row.has("of_store")
        axes.plot(row.intensity, row.run["flops"] / 1e9, marker, ms=7, mew=1.4, mec=colour,
                  mfc="white" if beyond else colour, alpha=0.9, zorder=3)
    axes.set_title(f"{precision}, one thread", loc="left", fontsize=12, fontweight="bold")
    plain(axes.xaxis)
    plain(axes.yaxis)
    axes.grid(True, which="major", color="#dddddd", lw=0.8)


def plain(axis):
    """Numbers as people write them, at 1, 2, 5, 10, 20, ... where the axis has no places of its own."""
    if isinstance(axis.get_major_locator(), LogLocator):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda x, _: ""))


def draw_rooflines(figure, place, rows, limits):
    rows = [r for r in rows if r.has("flops", "bytes")]
    if not rows:
        return
    families = list(dict.fromkeys(r.family for r in rows))
    styles = {f: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, f in enumerate(families)}
    precisions = [p for p in ("float", "double") if any(r.precision == p for r in rows)]
    grid = place.subgridspec(len(precisions) + 1, 1, height_ratios=[1] * len(precisions) + [0.36], hspace=0.22)
    for i, precision in enumerate(precisions):
        axes = figure.add_subplot(grid[i])
        roofline(axes, precision, [r for r in rows if r.precision == precision], limits, styles)
    axes.set_xlabel("nominal flop a byte of input and output")
    handles = [Line2D([], [], color=c, marker=m, ls="", ms=7, mew=1.4, label=f) for f, (c, m) in styles.items()]
    handles.append(Line2D([], [], color=GREY, marker="o", mfc="white", ls="", ms=7, mew=1.4,
                          label="hollow: data beyond L2"))
    legend = figure.add_subplot(grid[-1])
    legend.axis("off")
    legend.legend(handles=handles, loc="lower left", ncol=2, frameon=False, fontsize=11,
                  bbox_to_anchor=(-0.03, -0.1), borderaxespad=0)


# Right

def columns_of(groups, lines):
    """The groups in two columns, as even as whole groups allow."""
    names, total, first = list(groups), sum(map(lines, groups.values())), []
    while names and sum(lines(groups[g]) for g in first) + lines(groups[names[0]]) / 2 <= total / 2:
        first.append(names.pop(0))
    return [c for c in (first, names) if c]


def place_rows(names, groups):
    """(line, text, row or None) from the top; a group's name takes a line, and so does a gap."""
    line, placed = 0.0, []
    for name in names:
        placed.append((line, name, None))
        placed += [(line + 1 + i, row.label, row) for i, row in enumerate(groups[name])]
        line += len(groups[name]) + 1.6
    return placed


def draw_row(axes, line, row, peers, reach):
    axes.text(-0.015, line, row.label, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=10)
    own = row.peers()
    thickness = 0.84 / max(len(own), 2)
    for i, peer in enumerate(own):
        end = min(row.run[peer], reach[1])
        axes.barh(line - 0.42 + (i + 0.5) * thickness, end - 1, thickness, left=1,
                  color=COLOURS[peers.index(peer)], zorder=2)
    cut = [row.run[peer] for peer in own if row.run[peer] > reach[1]]
    axes.text(1.01, line, "  ".join(f"{ratio:.2g}" for ratio in cut), transform=axes.get_yaxis_transform(),
              ha="left", va="center", fontsize=9)


def draw_bars(axes, placed, peers, reach, height):
    axes.set(xscale="log", xlim=reach, ylim=(height - 0.4, -0.8), yticks=[])
    for line, text, row in placed:
        if row:
            draw_row(axes, line, row, peers, reach)
        else:
            axes.text(0, line, text, transform=axes.get_yaxis_transform(), ha="left", va="center",
                      fontweight="bold", fontsize=11, zorder=4,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes.axvline(1, color="black", lw=1.2, zorder=3)
    ticks = [t for t in (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5) if reach[0] <= t <= reach[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    plain(axes.xaxis)
    axes.grid(True, axis="x", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.set_xlabel("peer's time / ours; right of 1 ours is faster")


def draw_ratios(figure, place, rows):
    peers = list(dict.fromkeys(peer for r in rows for peer in r.peers()))
    groups = collections.defaultdict(list)
    for row in rows:
        if row.peers():
            groups[row.group].append(row)
    if not groups:
        return
    ratios = [row.run[peer] for row in rows for peer in row.peers()]
    # Far ratios are cut, and written beside, so that those around 1 can be told apart.
    reach = min(min(ratios) / 1.1, 0.8), max(min(max(ratios) * 1.1, 5), 1.25)
    columns = [place_rows(c, groups) for c in columns_of(groups, lambda g: len(g) + 1.6)]
    height = max(30, *(c[-1][0] + 1 for c in columns))  # few rows stay as thin as many
    grid = place.subgridspec(1, len(columns), wspace=0.2)
    for i, placed in enumerate(columns):
        draw_bars(figure.add_subplot(grid[i]), placed, peers, reach, height)
    handles = [Patch(color=COLOURS[i], label=f"against {PEERS.get(p, p[3:])}") for i, p in enumerate(peers)]
    figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.97, 0.957), ncol=len(peers),
                  frameon=False, fontsize=11)


def title(context):
    # Benchmark writes what run.sh told it of the machine beside its own context.
    machine = context.get("cpu") or context.get("host_name", "unknown machine")
    parts = [re.sub(r"\((R|TM)\)", "", machine), f"{context.get('num_cpus', '?')} CPUs"]
    parts += [context[key] for key in ("compiler", "flags") if context.get(key)]
    return "  ·  ".join(parts + [context.get("date", "")[:10]])


def main(picture, files):
    rows, limits, context = read(files)
    rows = [r for r in rows if r.threads == 1 and (r.has("flops", "bytes") or r.peers())]
    if not rows:
        print("nothing to draw", file=sys.stderr)
        return
    plt.rcParams.update({"font.size": 11, "axes.linewidth": 0.8})
    figure = plt.figure(figsize=(16, 12), dpi=100)
    grid = figure.add_gridspec(1, 2, width_ratios=[1, 1.25], left=0.05, right=0.965, top=0.91, bottom=0.055,
                               wspace=0.14)
    draw_rooflines(figure, grid[0], rows, limits)
    draw_ratios(figure, grid[1], rows)
    figure.text(0.05, 0.968, "destrier", fontsize=17, fontweight="bold", va="center")
    figure.text(0.135, 0.967, title(context), fontsize=12, va="center", color=GREY)
    figure.savefig(picture)
    print(f"drew {picture}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
