#!/usr/bin/env bash
# Tests of destrier-map simulate as its users meet it: simulate.sh DESTRIER-MAP CASE [WMAP.fits]
# Exit code 0: as expected; 1: not; 77: skipped.
set -u
program=$1 case=$2 wmap=${3:-}
here=$(dirname "$(realpath "$0")")
source "$here/../../common/program_test.sh"

skip() {
    echo "skipped: $*"
    exit 77
}

# A survey from space: as many files as observations, each of which can be solved with the others.
case_satellite() {
    succeeds simulate -o sat.h5 --observations 11 --duration 100 --detectors 3 --truth sky.fits --sky-nside 16
    says "sat-00.h5 and on: 3 detectors, 22000 samples each at 20 Hz, of a sky of nside 16"
    says "sky.fits: that sky, in K"
    [[ $(ls sat-*.h5 | wc -l) == 11 && -e sat-10.h5 ]] || fail "files: $(ls)"
    succeeds simulate -o again.h5 --sky sky.fits --duration 100
    succeeds solve sat-*.h5 -o maps.fits --nside 16
}

# Scans from the ground; solved with a baseline for each.
case_ground() {
    succeeds simulate -o ground.h5 --scan ground --duration 600 --observations 2 --every 20000 \
        --azimuth 100:160 --elevation 45 --half-wave-plate 2 --atmosphere 1e-3 --spread 0.1 \
        --flag-fraction 0.01 --flag-spans 10 --nan-where-flagged --layout grid --detectors 8
    says "ground-0.h5 and on: 8 detectors, 24000 samples each"
    succeeds solve ground-0.h5 ground-1.h5 -o maps.fits --nside 32 --baseline intervals
}

# The real sky, as WMAP saw it: its file says no unit.
case_real_sky() {
    [[ -r $wmap ]] || skip "no map at ${wmap:-any path}"
    refuses 1 "says no unit, expected K, mK or uK; --sky-unit says which it is" \
        simulate -o obs.h5 --sky "$wmap"
    succeeds simulate -o obs.h5 --sky "$wmap" --sky-unit mK --noiseless
    says "of a sky of nside 32"
}

# What TOAST makes of the files, where it is installed.
case_toast() {
    local python=${DESTRIER_TOAST_PYTHON:-python3}
    "$python" -c "import toast" >/dev/null 2>&1 || skip "$python has no toast"
    succeeds simulate -o sat.h5 --noiseless --efficiency 0.9 --detectors 5 --dead-every 500 --truth sky.fits
    succeeds simulate -o ground.h5 --scan ground --duration 200 --noiseless --half-wave-plate 1 --sky sky.fits \
        --flag-fraction 0.1
    for file in sat.h5 ground.h5; do
        "$python" "$here/toast_reads.py" "$file" sky.fits >out 2>&1 || fail "$file: $(tail -5 out)"
    done
}

case_errors() {
    local obs=(simulate -o obs.h5)
    refuses 2 "--output is required" simulate
    refuses 2 "--scan: is moon, expected ground|satellite" "${obs[@]}" --scan moon
    refuses 2 "--azimuth: is 100, expected first:last" "${obs[@]}" --azimuth 100
    refuses 2 "--layout" "${obs[@]}" --layout ring
    refuses 1 "nside is 24, expected a power of two" "${obs[@]}" --sky-nside 24
    refuses 1 "the duration is -1, expected a positive number" "${obs[@]}" --duration -1
    refuses 1 "duration x rate is 0.1, expected 2" "${obs[@]}" --duration 1 --rate 0.1
    refuses 1 "the number of detectors is 0" "${obs[@]}" --detectors 0
    refuses 1 "the number of observations is 0" "${obs[@]}" --observations 0
    refuses 1 "next is 10, expected 0, or the duration" "${obs[@]}" --observations 2 --every 10
    refuses 1 "the NET is 0, expected a positive number" "${obs[@]}" --net 0
    refuses 1 "the lowest frequency is 10, expected" "${obs[@]}" --lowest 10
    refuses 1 "the spin period is 0" "${obs[@]}" --spin-period 0
    refuses 1 "the elevation is 90" "${obs[@]}" --scan ground --elevation 90
    refuses 1 "the last azimuth is 100" "${obs[@]}" --scan ground --azimuth 110:100
    refuses 1 "fraction of flagged samples is 1.5, expected 0 to 1" "${obs[@]}" --flag-fraction 1.5
    refuses 1 "dead time to the next is 30, expected" "${obs[@]}" --dead-every 30
    refuses 1 "no/sky.fits" "${obs[@]}" --sky no/sky.fits
    echo "no FITS file" >text.fits
    refuses 1 "text.fits" "${obs[@]}" --sky text.fits
    refuses 1 "cannot create no/obs.h5.part: No such file or directory" simulate -o no/obs.h5
    mkdir obs.h5
    refuses 1 "obs.h5: is a directory, expected a file's name" "${obs[@]}"
}

# Files that exist stay, unless told otherwise; of several observations none is begun.
case_overwrite() {
    echo old >obs-1.h5
    refuses 1 "obs-1.h5: exists; --overwrite replaces it" simulate -o obs.h5 --observations 3 --duration 10
    succeeds simulate -o obs.h5 --observations 3 --duration 10 --overwrite
    [[ $(wc -c <obs-1.h5) -gt 1000 && -z $(ls -d -- *.part 2>/dev/null) ]] || fail "files: $(ls -l)"
}

# A disk that is full while the file is written, stood in for by a limit on the size of files.
case_full_disk() {
    skip_where_files_are_needed
    for kilobytes in 1 8 40 400; do
        (
            allow_files_of "$kilobytes"
            "$program" simulate -o new.h5 >/dev/null 2>said
        )
        code=$?
        [[ $code == 1 ]] || fail "exit code $code at $kilobytes kB"
        [[ $(cat said) == destrier-map:*"File too large"* ]] || fail "at $kilobytes kB: $(cat said)"
        [[ $(ls) == said ]] || fail "left behind: $(ls)"
    done
}

# A batch system's SIGTERM in the middle of the work.
case_interrupted() {
    "$program" simulate -o obs.h5 --observations 2 --detectors 2000 2>said &
    local process=$!
    for _ in $(seq 200); do
        [[ -s obs-0.h5.part ]] && break
        sleep 0.05
    done
    kill -TERM "$process"
    wait "$process"
    local code=$?
    [[ $code == 143 ]] || fail "exit code $code, expected 143"
    [[ $(cat said) == destrier-map:*interrupted* ]] || fail "said: $(cat said)"
    [[ $(ls) == said ]] || fail "left behind: $(ls)"
}

"case_$case"
[[ $failures == 0 ]] && echo "passed: $case"
exit $((failures > 0))
