#!/usr/bin/env bash
# Builds the benchmarks for this machine, runs them all and prints one table.
# Arguments go to each of them: bench/run.sh --benchmark_filter=1501
# What they report in full stays in build/bench/*.json. Debian's packages: libbenchmark-dev and, to
# measure against, libfftw3-dev; python3 prints the table.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset bench >&2
cmake --build --preset bench -j "$(nproc)" >&2

results=()
for program in build/bench/bench/bench_*; do
    [[ -f $program && -x $program ]] || continue
    echo "running $(basename "$program")" >&2
    results+=("build/bench/$(basename "$program").json")
    "$program" --benchmark_out="${results[-1]}" --benchmark_out_format=json "$@" >/dev/null
done
python3 bench/table.py "${results[@]}"
