#!/usr/bin/env bash
# Counts the cache misses of the scatter on the caches of Knights Landing (a core has 32 KiB of L1, and 1 MiB of L2
# for itself while its neighbour rests): in the library's order of samples, and untiled, with and without the padding
# that puts samples half a cell apart (gridrec_misses.cpp). Built for AVX2, as valgrind knows no AVX-512. Takes
# cachegrind a few minutes. Debian's package: valgrind.
#
# A rate is the lines that missed by the lines of the grid that the samples touch: taps x taps cells of two lines
# each. What cachegrind itself counts as references cannot be the measure: it takes a multiply-add of eight lanes
# from memory for eight reads. `all` counts the samples and their values too, which each walk reads once, so that
# they miss whatever the order; `grid` leaves those compulsory lines out.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! type -P valgrind >/dev/null; then
    echo "gridrec_misses.sh: there is no valgrind (Debian: valgrind)" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake -S . -B build/misses -DCMAKE_BUILD_TYPE=Release -DDESTRIER_ARCH_FLAGS=-march=haswell \
    -DDESTRIER_USE_OPENMP=OFF -DDESTRIER_BUILD_BENCH=ON -DDESTRIER_BUILD_TESTS=OFF \
    -DDESTRIER_BUILD_EXAMPLES=OFF >&2
cmake --build build/misses --target gridrec_misses >&2

# Without the string instructions for memset, of which cachegrind counts every byte.
export GLIBC_TUNABLES=glibc.cpu.x86_rep_stosb_threshold=1000000000000
for walk in tiled untiled unpadded; do
    valgrind --tool=cachegrind --log-file="$work/$walk.log" --cachegrind-out-file="$work/$walk.out" \
        --I1=32768,8,64 --D1=32768,8,64 --LL=1048576,16,64 \
        build/misses/bench/gridrec_misses "$walk" >"$work/$walk.size" &
done
wait -n && wait -n && wait -n || { cat "$work"/*.log >&2; exit 1; }

# misses WALK FUNCTION LINES: of all functions of that name, where a sample has LINES compulsory lines.
misses() {
    awk -v walk="$1" -v name="$2" -v compulsory="$3" '
        FNR == NR { samples = $1; touched = $1 * $2; next }
        /^events:/ { for (i = 2; i <= NF; ++i) column[$i] = i } # after a line number, which is the first
        /^fn=/ { counts = index($0, name) > 0 }
        counts && /^[0-9]/ { l1 += $column["D1mr"] + $column["D1mw"]; l2 += $column["DLmr"] + $column["DLmw"] }
        END {
            if (l1 == 0) { print "gridrec_misses.sh: there is no function " name > "/dev/stderr"; exit 1 }
            streamed = samples * compulsory
            printf "%-8s  %8.2f %%  %8.2f %%  %8.2f %%  %8.2f %%  %13.2f\n", walk, 100 * l1 / touched,
                100 * l2 / touched, 100 * (l1 - streamed) / touched, 100 * (l2 - streamed) / touched,
                l2 / samples
        }' "$work/$1.size" "$work/$1.out"
}
echo "walk        all: L1       L2      grid: L1       L2     L2 a sample"
misses tiled 'gridrec::detail::scatter' 2.25 # a value is two lines, and four samples are a line
misses untiled 'untiled_walk' 2
misses unpadded 'untiled_walk' 2
