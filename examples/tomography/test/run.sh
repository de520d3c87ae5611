#!/usr/bin/env bash
# Tests of the program as its users meet it: run.sh DESTRIER-TOMO ODD-SCANS CASE [TOOTH.h5]
# Exit code 0: as expected; 1: not; 77: skipped.
set -u
tomo=$1 odd_scans=$2 case=$3 tooth=${4:-}
program=$tomo
source "$(dirname "$(realpath "$0")")/../../common/program_test.sh"

# axis_within LOW HIGH: both axes that the last run found lie between.
axis_within() {
    local found
    found=$(sed -nE 's/^(rotation axis:|              ) *([0-9.]+) by (phase|Vo).*/\2/p' out)
    [[ $(wc -w <<<"$found") == 2 ]] || fail "expected two axes in: $(cat out)"
    for axis in $found; do
        awk -v a="$axis" -v low="$1" -v high="$2" 'BEGIN { exit !(a >= low && a <= high) }' ||
            fail "axis $axis, expected $1 to $2"
    done
}

# The real scan: both methods find its axis, and all three outputs are made.
case_tooth() {
    if [[ ! -r $tooth ]]; then
        echo "skipped: no tooth.h5 at ${tooth:-any path}"
        exit 77
    fi
    succeeds recon "$tooth" -o volume.h5 --tiff stack --picture picture.png
    axis_within 295.7 296.7
    says "2 slices of 640 x 640"
    [[ $(ls stack) == $'slice_00000.tif\nslice_00001.tif' ]] || fail "TIFF files: $(ls stack)"
    [[ $(head -c 4 picture.png | tail -c 3) == PNG ]] || fail "picture.png is no PNG file"
    succeeds recon "$tooth" -o second.h5 --rows 1:2 --center 296.2 --accuracy accurate --filter hann --flat median
    says "296.2, as given"
}

# A phantom comes back as what it was, whatever the file's type, the chunks and the threads.
case_phantom() {
    local size=(--columns 128 --rows 40) half=(--angles 201)
    succeeds simulate -o scan.h5 "${size[@]}" "${half[@]}" --truth truth.h5
    succeeds recon scan.h5 -o volume.h5
    axis_within 61.24 61.64
    succeeds recon scan.h5 -o volume.h5 --center 61.44 --overwrite
    succeeds compare truth.h5 volume.h5 --rmse 1e-3 # the skull is 3.1e-2, the brain 6e-3
    ratio=$(sed -E 's/.*means ([0-9.]+),.*/\1/' out)
    awk -v r="$ratio" 'BEGIN { exit !(r > 0.999 && r < 1.001) }' || fail "ratio of the means is $ratio"

    succeeds recon scan.h5 -o chunks.h5 --center 61.44 --memory 9M
    says " 16 slices at once"
    succeeds compare volume.h5 chunks.h5 --rmse 0
    succeeds recon scan.h5 -o threads.h5 --center 61.44 --threads 1
    succeeds compare volume.h5 threads.h5 --rmse 0

    succeeds simulate -o gzip.h5 "${size[@]}" "${half[@]}" --gzip 4
    succeeds recon gzip.h5 -o from_gzip.h5 --center 61.44 --memory 9M
    succeeds compare volume.h5 from_gzip.h5 --rmse 0

    succeeds simulate -o float.h5 "${size[@]}" "${half[@]}" --type float
    succeeds recon float.h5 -o from_float.h5 --center 61.44
    succeeds compare volume.h5 from_float.h5 --rmse 2e-5

    succeeds simulate -o turn.h5 "${size[@]}" --angles 402 --range 360
    succeeds recon turn.h5 -o from_turn.h5
    axis_within 61.24 61.64
    succeeds recon turn.h5 -o from_turn.h5 --center 61.44 --overwrite
    succeeds compare truth.h5 from_turn.h5 --rmse 1e-3
}

# An axis far from the middle, with the object reaching beyond the detector: Vo's method still finds it.
case_axis() {
    succeeds simulate -o scan.h5 --columns 256 --rows 4 --angles 300 --center 80
    succeeds recon scan.h5 -o volume.h5
    says " 80.0"
    says "warning: the two methods disagree"
    succeeds simulate -o scan.h5 --columns 256 --rows 16 --angles 300 --noise 2000 --center 130.3 --overwrite
    succeeds recon scan.h5 -o volume.h5 --overwrite
    axis_within 129.9 130.7
}

# Scans that are unusual and fine.
case_unusual() {
    "$odd_scans" . || fail odd_scans
    succeeds recon plain.h5 -o plain_volume.h5
    axis_within 40.15 40.35
    says "guarded: 0 of 21600"
    succeeds recon radians.h5 -o radians_volume.h5
    succeeds compare plain_volume.h5 radians_volume.h5 --rmse 1e-8
    succeeds recon no_theta.h5 -o no_theta_volume.h5
    says "warning: no_theta.h5 has no /exchange/theta: assuming 90 angles equally spaced over 180 degrees"
    succeeds compare plain_volume.h5 no_theta_volume.h5 --rmse 1e-8
    succeeds recon bad_samples.h5 -o bad_volume.h5 --center 40.25
    says "guarded: 2 of 21600 samples not above 1e-5 of the beam, taken as that; 2 not finite"
    says "; 1 pixels without beam"
    succeeds recon quarter_turn.h5 -o quarter_volume.h5 --center 40.25
    succeeds compare plain_volume.h5 quarter_volume.h5
}

# Everything that is wrong with a scan or a command line.
case_errors() {
    "$odd_scans" . || fail odd_scans
    echo "This is text." >text.h5
    head -c 20000 plain.h5 >truncated.h5
    mkdir directory.h5 full_stack && touch full_stack/slice_00000.tif
    succeeds recon plain.h5 -o there.h5
    succeeds recon plain.h5 -o moved.h5 --center 39
    rm -f out

    refuses 1 "missing.h5: no such file" recon missing.h5 -o v.h5
    refuses 1 "directory.h5: not a regular file" recon directory.h5 -o v.h5
    refuses 1 "text.h5: not an HDF5 file" recon text.h5 -o v.h5
    refuses 1 "truncated.h5: cannot open this HDF5 file: truncated file" recon truncated.h5 -o v.h5
    refuses 1 "no_data.h5: has no data set /exchange/data" recon no_data.h5 -o v.h5
    refuses 1 "no_white.h5: has no data set /exchange/data_white" recon no_white.h5 -o v.h5
    refuses 1 "no_dark.h5: has no data set /exchange/data_dark" recon no_dark.h5 -o v.h5
    refuses 1 "text_data.h5:/exchange/data: holds no numbers" recon text_data.h5 -o v.h5
    refuses 1 "short_theta.h5:/exchange/theta: shape is (89), expected (90)" recon short_theta.h5 -o v.h5
    refuses 1 "nan_theta.h5:/exchange/theta: angle 7 is nan, expected a finite number" recon nan_theta.h5 -o v.h5
    refuses 1 'units are "furlongs", expected degrees or radians' recon odd_units.h5 -o v.h5
    refuses 1 "shape is (90, 240), expected (angles, rows, columns)" recon flat_data.h5 -o v.h5
    refuses 1 "data_white: shape is (2, 1, 240), expected (frames, 3, 80)" recon wide_white.h5 -o v.h5
    refuses 1 "data_dark: shape is (1, 6, 80), expected (frames, 3, 80)" recon tall_dark.h5 -o v.h5
    refuses 1 "nowhere brighter than the dark" recon no_beam.h5 -o v.h5 --center 40
    refuses 1 "cannot find the rotation axis" recon quarter_turn.h5 -o v.h5

    refuses 1 "--rows 2:9 does not fit" recon plain.h5 -o v.h5 --rows 2:9
    refuses 1 "--rows 2:2 does not fit" recon plain.h5 -o v.h5 --rows 2:2
    refuses 1 "--center 5000 is far outside the detector: expected -40.5 to 119.5" recon plain.h5 -o v.h5 --center 5000
    refuses 1 "--memory of 1 MiB is too small: 3 slices at once need" recon plain.h5 -o v.h5 --memory 1M
    refuses 1 "there.h5: exists; --overwrite replaces it" recon plain.h5 -o there.h5
    refuses 1 "there.h5: exists; --overwrite replaces it" recon plain.h5 -o v.h5 --picture there.h5
    refuses 1 "there.h5: is a file, expected a directory" recon plain.h5 -o v.h5 --tiff there.h5
    refuses 1 "full_stack: is not empty; --overwrite replaces it" recon plain.h5 -o v.h5 --tiff full_stack/
    refuses 1 "directory.h5: is a directory" recon plain.h5 -o directory.h5
    refuses 1 "plain.h5: is the scan itself" recon plain.h5 -o plain.h5 --overwrite
    refuses 1 "v.h5: is both the volume and the picture" recon plain.h5 -o v.h5 --picture v.h5
    refuses 1 "cannot create nowhere/v.h5.part: No such file or directory" recon plain.h5 -o nowhere/v.h5
    refuses 1 "/dev/full: is not a regular file" recon plain.h5 -o /dev/full
    if [[ $(id -u) != 0 ]]; then
        mkdir locked && chmod a-w locked
        refuses 1 "cannot create locked/v.h5.part: Permission denied" recon plain.h5 -o locked/v.h5
    fi
    refuses 1 "there.h5: exists; --overwrite replaces it" simulate -o there.h5
    refuses 1 "expected two volumes" compare there.h5 plain.h5
    refuses 1 "expected at most 1e-06" compare there.h5 moved.h5 --rmse 1e-6

    refuses 2 "" recon
    refuses 2 "" frobnicate
    refuses 2 "--filter" recon plain.h5 -o v.h5 --filter bogus
    refuses 2 "--accuracy" recon plain.h5 -o v.h5 --accuracy perfect
    refuses 2 "is mode, expected mean or median" recon plain.h5 -o v.h5 --flat mode
    refuses 2 "--threads" recon plain.h5 -o v.h5 --threads -3
    refuses 2 "--memory" recon plain.h5 -o v.h5 --memory lots
    refuses 2 "is left, expected auto or a number of pixels" recon plain.h5 -o v.h5 --center left
    refuses 2 "is nan, expected auto or a number of pixels" recon plain.h5 -o v.h5 --center nan
    refuses 2 "is 3, expected first:last" recon plain.h5 -o v.h5 --rows 3
    refuses 2 "is -1:2, expected first:last" recon plain.h5 -o v.h5 --rows=-1:2
    refuses 2 "--columns" simulate -o v.h5 --columns 3
    refuses 2 "is int8, expected uint16 or float" simulate -o v.h5 --type int8
}

# Outputs replace what was there only when asked to, and then whole.
case_overwrite() {
    "$odd_scans" . || fail odd_scans
    mkdir stack && touch stack/notes.txt stack/slice_99999.tif
    echo old >volume.h5
    echo old >picture.png
    succeeds recon plain.h5 -o volume.h5 --tiff stack --picture picture.png --overwrite --rows 1:
    succeeds recon plain.h5 -o again.h5 --rows 1:3
    succeeds compare volume.h5 again.h5 --rmse 0
    [[ $(ls stack | tr '\n' ' ') == "notes.txt slice_00001.tif slice_00002.tif " ]] || fail "stack: $(ls stack)"
    [[ -z $(ls -d -- *.part 2>/dev/null) ]] || fail "left behind: $(ls)"
}

# A disk that is full while the volume is written, stood in for by a limit on the size of files.
case_full_disk() {
    "$odd_scans" . || fail odd_scans
    for kilobytes in 1 8 40; do
        for command in "recon plain.h5 -o volume.h5" "simulate -o new.h5 --gzip 1" "simulate -o new.h5"; do
            # shellcheck disable=SC2086 # the words of the command
            (
                trap '' XFSZ
                ulimit -f "$kilobytes"
                "$tomo" $command >/dev/null 2>said
            )
            code=$?
            [[ $code == 1 ]] || fail "exit code $code at $kilobytes kB of: $command"
            [[ $(cat said) == destrier-tomo:*"File too large"* ]] || fail "of: $command -- $(cat said)"
            [[ -z $(ls -d new* volume* 2>/dev/null) ]] || fail "left behind by: $command -- $(ls)"
        done
    done
}

# A batch system's SIGTERM in the middle of the work.
case_interrupted() {
    "$tomo" simulate -o scan.h5 --columns 512 --rows 512 --angles 2000 --gzip 6 2>said &
    local process=$!
    for _ in $(seq 200); do
        [[ -s scan.h5.part ]] && break
        sleep 0.05
    done
    kill -TERM "$process"
    wait "$process"
    local code=$?
    [[ $code == 143 ]] || fail "exit code $code, expected 143"
    [[ $(cat said) == "destrier-tomo: interrupted, nothing was written" ]] || fail "said: $(cat said)"
    [[ $(ls) == said ]] || fail "left behind: $(ls)"
}

"case_$case"
[[ $failures == 0 ]] && echo "passed: $case"
exit $((failures > 0))
