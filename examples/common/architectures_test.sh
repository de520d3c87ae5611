#!/usr/bin/env bash
# architectures_test.sh PROGRAM ARCHITECTURE: makes PROGRAM's small data and does its job as ARCHITECTURE; exits with
# 77 where this CPU does not run it. A reconstruction must agree with that of any machine's code.
set -euo pipefail
program=$1 architecture=$2
baseline=x86-64
[[ $(uname -m) == x86_64 ]] || baseline=armv8-a
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

as() {
    DESTRIER_ARCHITECTURE=$1 "$program" "${@:2}"
}

if ! as "$architecture" --version 2>why; then
    cat why
    grep -q "this CPU lacks" why && exit 77
    exit 1
fi
[[ $(as "$architecture" --version) == *", $architecture" ]]

case ${program##*/} in
    destrier-tomo)
        as $baseline simulate -o scan.h5 --columns 64 --rows 20 --angles 91 >/dev/null
        as $baseline recon scan.h5 -o reference.h5 >/dev/null
        as "$architecture" recon scan.h5 -o volume.h5 | tee log
        as $baseline compare reference.h5 volume.h5 --rmse 1e-6 ;;
    destrier-spectra)
        as $baseline psf -o psf.fits >/dev/null
        as $baseline simulate --psf psf.fits -o image.fits --fibers 0:5 >/dev/null
        as "$architecture" extract --psf psf.fits --image image.fits -o frame.fits --fibers 0:5 \
            --wavelength 5800:5860:0.8 | tee log ;;
    destrier-map)
        as $baseline simulate -o obs.h5 --duration 1200 >/dev/null
        as "$architecture" solve obs.h5 -o maps.fits --nside 32 | tee log ;;
esac
[[ $(head -n 1 log) == *", $architecture" ]]
