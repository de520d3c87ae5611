#!/usr/bin/env bash
# Installs what the tests need (Debian, Ubuntu; --no-install leaves that out), builds them and runs
# them: for this machine, under the sanitizers, and as Knights Landing code where the CPU has AVX-512.
# Prints the sum over all runs as its last line.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    g++ binutils cmake ninja-build python3
    libxsimd-dev catch2
    libhdf5-dev hdf5-tools libcli11-dev libtiff-dev libpng-dev
    libcfitsio-dev fitsverify libhealpix-cxx-dev libopenblas-dev liblapack-dev zlib1g-dev libopenmpi-dev
    openmpi-bin
)

install_missing() {
    local missing=() package
    for package in "${packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    if ((${#missing[@]})); then
        local root=()
        ((EUID == 0)) || root=(sudo)
        echo "installing ${missing[*]}"
        "${root[@]}" apt-get update -q </dev/null
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
    fi
}

passed=0 failed=0 skipped=0

# Builds and tests one preset. What does not build counts as one failure.
run_preset() {
    echo "== preset $1"
    local results=$PWD/build/$1/results.xml
    rm -f "$results"
    if ! { cmake --preset "$1" && cmake --build --preset "$1" -j "$(nproc)"; } </dev/null; then
        echo "preset $1 does not build"
        failed=$((failed + 1))
        return
    fi
    local status=0
    ctest --preset "$1" -j "$(nproc)" --output-junit "$results" </dev/null || status=$?
    local tests failures disabled skips
    tests=$(count "$results" tests) failures=$(count "$results" failures)
    disabled=$(count "$results" disabled) skips=$(count "$results" skipped)
    passed=$((passed + tests - failures - disabled - skips))
    skipped=$((skipped + disabled + skips))
    # A run that ends badly without naming a test has failed too.
    if ((status != 0 && failures == 0)); then failures=1; fi
    failed=$((failed + failures))
}

# The number that the results file states first for this word: that of the whole run.
count() {
    sed -n "s/.*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" 2>/dev/null | head -n 1 | grep . || echo 0
}

case "${1:-}" in
    "")
        if command -v apt-get >/dev/null; then install_missing
        else echo "no apt-get here; the tests need what these packages hold: ${packages[*]}"; fi ;;
    --no-install) ;;
    *) echo "usage: tests/run.sh [--no-install]" >&2; exit 2 ;;
esac

run_preset dev
run_preset sanitize
if ! grep -qw avx512f /proc/cpuinfo; then
    echo "== preset knl left out: this CPU has no AVX-512"
elif ! "${CXX:-c++}" -march=knl -x c++ -fsyntax-only /dev/null 2>/dev/null; then
    echo "== preset knl left out: ${CXX:-c++} does not know -march=knl"
else
    run_preset knl
fi

if ((skipped)); then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
((failed == 0))
