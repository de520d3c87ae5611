#!/usr/bin/env bash
# The main jobs from nothing:
#   examples/demo.sh [--no-install] [SCAN.h5 ...] [PSF.fits PREPROC.fits ...] [--observation OBS.h5 ...]
# Installs what is missing (Debian, Ubuntu; --no-install leaves that out), builds destrier-tomo,
# destrier-spectra and destrier-map for this machine, makes a scan of a phantom and reconstructs it, makes an
# exposure of a spectrograph and extracts its spectra, makes observations of the sky and a map of them; then
# the scans given, the exposures given, each after its point-spread function, and the observations given, if
# any. What it makes is in build/demo/results.
set -euo pipefail

packages=(
    g++ cmake ninja-build
    libxsimd-dev
    libhdf5-dev libcli11-dev libtiff-dev libpng-dev
    libcfitsio-dev zlib1g-dev libopenblas-dev liblapack-dev libhealpix-cxx-dev
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

# extract PSF PREPROC NAME: the spectra and the picture go to results/NAME.fits and .png.
extract() {
    echo "== $2"
    "$spectra" extract --psf "$1" --image "$2" -o "$results/$3.fits" --picture "$results/$3.png" --overwrite
    made+=("$results/$3.fits" "$results/$3.png")
}

# map_of NAME ARGUMENTS: the maps and the picture go to results/NAME.fits and .png.
map_of() {
    local name=$1
    shift
    echo "== a map: $name"
    "$map" solve "$@" -o "$results/$name.fits" --picture "$results/$name.png" --overwrite
    made+=("$results/$name.fits" "$results/$name.png")
}

usage() {
    echo "usage: examples/demo.sh [--no-install] [SCAN.h5 ...] [PSF.fits PREPROC.fits ...]" \
        "[--observation OBS.h5 ...]" >&2
    exit 2
}

install=true scans=() exposures=() observations=() made=()
while (($#)); do
    case $1 in
        --no-install) install=false ;;
        --observation)
            (($# > 1)) || usage
            shift
            observations+=("$(realpath -- "$1")")
            ;;
        -*) usage ;;
        *.fits | *.fits.gz) exposures+=("$(realpath -- "$1")") ;;
        *) scans+=("$(realpath -- "$1")") ;;
    esac
    shift
done
if ((${#exposures[@]} % 2)); then
    echo "expected a point-spread function before each exposure" >&2
    exit 2
fi
cd "$(dirname "$0")/.."

if $install; then
    if command -v apt-get >/dev/null; then install_missing
    else echo "no apt-get here; the demo needs what these packages hold: ${packages[*]}"; fi
fi

build=$PWD/build/demo
results=$build/results
tomo=$build/examples/tomography/destrier-tomo
spectra=$build/examples/spectroscopy/destrier-spectra
map=$build/examples/mapmaking/destrier-map
echo "== building"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDESTRIER_BUILD_TESTS=OFF
cmake --build "$build" --target destrier-tomo destrier-spectra destrier-map -j "$(nproc)"
mkdir -p "$results"

echo "== a scan of a phantom"
"$tomo" simulate -o "$results/phantom_scan.h5" --columns 512 --rows 96 --angles 601 --noise 20000 --overwrite
reconstruct "$results/phantom_scan.h5" phantom
for scan in ${scans[@]+"${scans[@]}"}; do
    name=$(basename "$scan")
    reconstruct "$scan" "${name%.*}"
done

echo "== an exposure of a spectrograph of 25 fibres"
"$spectra" psf -o "$results/psf.fits" --overwrite
"$spectra" simulate --psf "$results/psf.fits" -o "$results/preproc.fits" --overwrite
extract "$results/psf.fits" "$results/preproc.fits" frame
for ((i = 0; i + 1 < ${#exposures[@]}; i += 2)); do
    name=$(basename "${exposures[i + 1]}")
    extract "${exposures[i]}" "${exposures[i + 1]}" "frame-${name%%.fits*}"
done

echo "== observations of a satellite that sees the whole sky"
"$map" simulate -o "$results/satellite.h5" --observations 4 --duration 7200 --detectors 8 --year 0.3333 \
    --sky-nside 64 --overwrite
map_of sky "$results"/satellite-?.h5 --nside 64 --prior
for observation in ${observations[@]+"${observations[@]}"}; do
    name=$(basename "$observation")
    map_of "map-${name%.*}" "$observation" --nside 256
done

echo "== made"
printf '%s\n' "${made[@]}"
