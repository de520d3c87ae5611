#!/usr/bin/env bash
# The main job from nothing: examples/demo.sh [--no-install] [SCAN.h5 ...]
# Installs what is missing (Debian, Ubuntu; --no-install leaves that out), builds destrier-tomo for
# this machine, makes a scan of a phantom and reconstructs it; then the scans given, if any. What it
# makes is in build/demo/results.
set -euo pipefail

packages=(
    g++ cmake ninja-build
    libxsimd-dev
    libhdf5-dev libcli11-dev libtiff-dev libpng-dev
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

# reconstruct SCAN NAME: the volume and the picture go to results/NAME.h5 and .png.
reconstruct() {
    echo "== $1"
    "$tomo" recon "$1" -o "$results/$2.h5" --picture "$results/$2.png" --overwrite
    made+=("$results/$2.h5" "$results/$2.png")
}

install=true scans=() made=()
for argument in "$@"; do
    case $argument in
        --no-install) install=false ;;
        -*) echo "usage: examples/demo.sh [--no-install] [SCAN.h5 ...]" >&2; exit 2 ;;
        *) scans+=("$(realpath -- "$argument")") ;;
    esac
done
cd "$(dirname "$0")/.."

if $install; then
    if command -v apt-get >/dev/null; then install_missing
    else echo "no apt-get here; the demo needs what these packages hold: ${packages[*]}"; fi
fi

build=$PWD/build/demo
results=$build/results
tomo=$build/examples/tomography/destrier-tomo
echo "== building"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDESTRIER_BUILD_TESTS=OFF
cmake --build "$build" --target destrier-tomo -j "$(nproc)"
mkdir -p "$results"

echo "== a scan of a phantom"
"$tomo" simulate -o "$results/phantom_scan.h5" --columns 512 --rows 96 --angles 601 --noise 20000 --overwrite
reconstruct "$results/phantom_scan.h5" phantom
for scan in ${scans[@]+"${scans[@]}"}; do
    name=$(basename "$scan")
    reconstruct "$scan" "${name%.*}"
done

echo "== made"
printf '%s\n' "${made[@]}"
