#!/usr/bin/env bash
# Installs what the tests need (Debian, Ubuntu; --no-install leaves that out), builds them and runs
# them: for this machine, under the sanitizers, and for other architectures, as far as this CPU and qemu
# run them; --all-architectures takes every one, several compilers, the thread sanitizer and clang-tidy. Compares
# what they computed.
# Prints the sum over all runs as its last line.
set -euo pipefail
cd "$(dirname "$0")/.."

presets=(dev sanitize knl avx2 neon fuzz)
all_presets=("${presets[@]}" sse2 avx512 knl-clang knl-er portable tsan)

packages=(
    g++ binutils cmake ninja-build python3
    libxsimd-dev catch2 libhwloc-dev pkgconf
    libhdf5-dev hdf5-tools libcli11-dev libtiff-dev libpng-dev
    libcfitsio-dev fitsverify libhealpix-cxx-dev libopenblas-dev liblapack-dev zlib1g-dev libopenmpi-dev
    openmpi-bin
    clang libclang-rt-dev libomp-dev
)
if [[ $(uname -m) == x86_64 ]]; then packages+=(g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user); fi

# What a preset asks of an x86-64 CPU, and what commands.
declare -A cpu_flags=(
    [knl]="avx512f avx512cd" [knl-clang]="avx512f avx512cd" [knl-er]="avx512er avx512pf"
    [avx512]="avx512bw avx512dq avx512vl" [avx2]="avx2 fma" [sse2]="sse2"
)
declare -A commands=(
    [knl-clang]="clang++" [fuzz]="clang++" [tsan]="clang++" [neon]="aarch64-linux-gnu-g++ qemu-aarch64"
)

# Why a preset cannot be built here; nothing if it can.
obstacle_to_building() {
    local command machine
    machine=$(uname -m)
    if [[ -v cpu_flags[$1] && $machine != x86_64 ]]; then
        echo "this is no x86-64 machine but $machine"
        return
    fi
    for command in ${commands[$1]:-}; do
        command -v "$command" >/dev/null || { echo "there is no $command"; return; }
    done
    case $1 in
        knl | knl-er) "${CXX:-c++}" -march=knl -x c++ -fsyntax-only /dev/null 2>/dev/null ||
            echo "${CXX:-c++} does not know -march=knl" ;;
        neon) [[ $machine != aarch64 ]] || echo "dev is it on this machine" ;;
        fuzz) clang_links address,fuzzer-no-link || echo "clang++ has no libFuzzer (libclang-rt-dev)" ;;
        tsan) clang_links thread || echo "clang++ has no thread sanitizer (libclang-rt-dev)" ;;
    esac
}

clang_links() { clang++ -fsanitize="$1" -fopenmp -x c++ - -o /dev/null <<<'int main() {}' 2>/dev/null; }

# Why what a preset builds cannot be run here; nothing if it can.
obstacle_to_running() {
    local flag
    for flag in ${cpu_flags[$1]:-}; do
        grep -qw "$flag" /proc/cpuinfo || { echo "this CPU has no $flag"; return; }
    done
}

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
results_to_compare=()

# Builds and tests one preset. What does not build counts as one failure.
run_preset() {
    local obstacle options=()
    obstacle=$(obstacle_to_building "$1")
    if [[ $obstacle ]]; then
        echo "== preset $1 left out: $obstacle"
        return
    fi
    echo "== preset $1"
    SECONDS=0
    local results=$PWD/build/$1/results.xml
    rm -rf "$results" "build/$1/agreement"
    obstacle=$(obstacle_to_running "$1")
    # CMake has Catch2 list its cases once they are linked.
    if [[ $obstacle ]]; then options=(-DCMAKE_CROSSCOMPILING_EMULATOR=true); fi
    if ! { cmake --preset "$1" "${options[@]}" && cmake --build --preset "$1" -j "$(nproc)"; } </dev/null; then
        echo "preset $1 does not build"
        failed=$((failed + 1))
        return
    fi
    if [[ $obstacle ]]; then
        echo "skipped: preset $1 is built but not run, as $obstacle"
        skipped=$((skipped + 1))
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
    if [[ $1 != @(sanitize|tsan|fuzz|portable) ]]; then results_to_compare+=("build/$1/agreement"); fi
    echo "== preset $1 took $SECONDS s"
}

# The number that the results file states first for this word: that of the whole run.
count() {
    sed -n "s/.*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" 2>/dev/null | head -n 1 | grep . || echo 0
}

# Has what the presets computed compared; that is one test.
compare_results() {
    echo "== agreement of ${results_to_compare[*]}"
    if ((${#results_to_compare[@]} < 2)); then
        echo "skipped: needs the results of two architectures"
        skipped=$((skipped + 1))
    elif python3 tests/agreement/compare.py "${results_to_compare[@]}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

# Has clang-tidy read all that dev compiles, for what .clang-tidy lists; that is one test. It does not know the options
# of what is compiled for several architectures.
read_by_clang_tidy() {
    echo "== clang-tidy"
    if ! command -v run-clang-tidy >/dev/null; then
        echo "skipped: there is no run-clang-tidy (clang-tidy)"
        skipped=$((skipped + 1))
    elif run-clang-tidy -quiet -j "$(nproc)" -p build/dev '^(?!.*/dispatch/)'; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

install=yes
all=no
for argument in "$@"; do
    case $argument in
        --no-install) install=no ;;
        --all-architectures) all=yes presets=("${all_presets[@]}") ;;
        *) echo "usage: tests/run.sh [--no-install] [--all-architectures]" >&2; exit 2 ;;
    esac
done
if [[ $install == yes ]]; then
    if command -v apt-get >/dev/null; then install_missing
    else echo "no apt-get here; the tests need what these packages hold: ${packages[*]}"; fi
fi

for preset in "${presets[@]}"; do
    run_preset "$preset"
done
compare_results
if [[ $all == yes ]]; then read_by_clang_tidy; fi

if ((skipped)); then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
((failed == 0))
