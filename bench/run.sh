#!/usr/bin/env bash
# Builds the benchmarks for this machine, runs them all, prints one table and draws one picture.
# Arguments go to each of them: bench/run.sh --benchmark_filter=1501
# What they report in full stays in build/bench/*.json, the picture in build/bench/bench.png. Debian's
# packages: libbenchmark-dev; to measure against, libfftw3-dev; python3 for the table, and
# python3-matplotlib for the picture. Without arguments, numpy, numba and scipy are measured beside the
# Legendre kernels too, and ducc0 and finufft beside gridrec, in tables of their own, as far as PYTHON (python3
# unless it is set) has them.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset bench >&2
cmake --build --preset bench -j "$(nproc)" >&2

# What was measured, for those who read the results elsewhere: kept in each file.
cpu=$(LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -1 | tr -d ',=')
compiler=$(sed -n 's/^set(CMAKE_CXX_COMPILER_\(ID\|VERSION\) "\(.*\)")/\2/p' \
    build/bench/CMakeFiles/*/CMakeCXXCompiler.cmake | head -2 | paste -sd ' ')
context="cpu=${cpu:-$(uname -m)},compiler=$compiler"

results=()
for program in build/bench/bench/bench_*; do
    [[ -f $program && -x $program ]] || continue
    echo "running $(basename "$program")" >&2
    results+=("build/bench/$(basename "$program").json")
    "$program" --benchmark_context="$context" \
        --benchmark_out="${results[-1]}" --benchmark_out_format=json "$@" >/dev/null
done

# User seconds, the least of five, that a program takes to compile which includes all of destrier and does nothing.
seconds_to_include() {
    local TIMEFORMAT=%U
    for _ in 1 2 3 4 5; do
        time "${CXX:-c++}" -std=c++20 -O2 -march=native -fopenmp -I include -x c++ -c -o /dev/null - \
            <<<'#include <destrier/destrier.hpp>'
    done 2>&1 | sort -n | head -n 1
}
echo "destrier/destrier.hpp is compiled in $(seconds_to_include) s" >&2

status=0
python3 bench/table.py "${results[@]}" || status=$?
if (($# == 0)); then
    for kernel in legendre gridrec; do
        echo "running ${kernel}_peers.py" >&2
        "${PYTHON:-python3}" "bench/${kernel}_peers.py" "build/bench/bench/bench_$kernel" || status=$?
    done
fi

# Debian's package serves Debian's python3, which need not be the first in PATH.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import matplotlib' 2>/dev/null; then
        "$python" bench/plot.py build/bench/bench.png "${results[@]}" || status=$?
        exit "$status"
    fi
done
echo "no picture: Python has no matplotlib (Debian: python3-matplotlib)" >&2
exit "$status"
