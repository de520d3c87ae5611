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

# rmse A B: how far two volumes are apart.
rmse() {
    "$tomo" compare "$1" "$2" | sed -nE 's/.* rmse ([^,]+),.*/\1/p'
}

# within VALUE LOW HIGH
within() {
    awk -v v="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(v != "" && v + 0 >= low && v + 0 <= high) }' ||
        fail "${4:-found} $1, expected $2 to $3"
}

# same_volume A B: to the last bit.
same_volume() {
    succeeds compare "$1" "$2" --rmse 0
}

# least_memory ARGUMENTS: MiB that the program asks for where it has too few, and two more, as what it has itself varies.
least_memory() {
    local asked
    asked=$("$tomo" "$@" --memory 1M 2>&1 | sed -nE 's/.*expected ([0-9]+) MiB or more.*/\1/p')
    echo $((asked + 2))
}

is_png() {
    [[ $(head -c 4 "$1" | tail -c 3) == PNG ]] || fail "$1 is no PNG file"
}

has_sanitizers() {
    is_watched_by asan || is_watched_by tsan
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
    is_png picture.png
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

    succeeds recon scan.h5 -o threads.h5 --center 61.44 --threads 1
    same_volume volume.h5 threads.h5

    succeeds simulate -o gzip.h5 "${size[@]}" "${half[@]}" --gzip 4
    succeeds recon gzip.h5 -o from_gzip.h5 --center 61.44
    same_volume volume.h5 from_gzip.h5

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

# As little memory as will do, as much as there is, and parts of the rows: the same slices.
case_memory() {
    local work=(recon scan.h5 --center 61.44) least peak
    succeeds simulate -o scan.h5 --columns 128 --rows 37 --angles 201
    succeeds "${work[@]}" -o volume.h5
    says " 32 slices at once" # and 5 more
    least=$(least_memory "${work[@]}" -o v.h5)
    refuses 1 "MiB or more" "${work[@]}" -o v.h5 --memory $((least - 5))M
    succeeds "${work[@]}" -o least.h5 --memory "${least}M"
    says " one by one"
    succeeds compare volume.h5 least.h5 --rmse 1e-7 # the skull is 3.1e-2; sums are rounded in another order

    succeeds simulate -o large.h5 --columns 320 --rows 34 --angles 400
    succeeds recon large.h5 -o large_volume.h5 --center 153.6
    for steps in "153.6 --stripes fw" "153.6 --stripes vo --zingers 0.5" "153.6 --bin 2" "153.6" "auto" "try:152:156:0.25" \
        "153.6 --paganin 100 --pixel-size 1 --distance 2 --energy 20"; do
        # shellcheck disable=SC2206 # the words of the steps
        work=(recon large.h5 --overwrite --center $steps)
        if [[ $steps == auto ]]; then # for which the search would be asked
            has_sanitizers && continue # they keep what the search has given back
            least=$((least + 5))
        else
            least=$(least_memory "${work[@]}" -o v.h5)
        fi
        for memory in "$least" $((2 * least)); do
            succeeds "${work[@]}" -o v.h5 --memory "${memory}M"
            peak=$(sed -nE 's/.*peak memory ([0-9]+) MiB.*/\1/p' out)
            # What the system counts; sanitizers have their own besides.
            has_sanitizers || within "$peak" 1 "$memory" "peak memory with --memory ${memory}M $steps"
            [[ $steps == 153.6 ]] || continue
            [[ $memory != "$least" ]] || grep -qE " [0-9] slices at once" out || fail "said: $(cat out)"
            succeeds compare large_volume.h5 v.h5 --rmse 1e-7
        done
    done
}

# Each step takes out what was put in, and does little where there is nothing.
case_steps() {
    local size=(--columns 128 --rows 4 --angles 201) work=(--center 61.44)
    succeeds simulate -o clean.h5 "${size[@]}" --truth truth.h5
    succeeds recon clean.h5 -o clean_volume.h5 "${work[@]}"

    # rmse against the object: 2.4e-3 with zingers, 9.4e-4 without, which is the phantom's on 201 angles.
    succeeds simulate -o zingers.h5 "${size[@]}" --zingers 1e-3
    succeeds recon zingers.h5 -o raw.h5 "${work[@]}"
    within "$(rmse truth.h5 raw.h5)" 2e-3 1 "rmse with zingers"
    succeeds recon zingers.h5 -o removed.h5 "${work[@]}" --zingers 0.3 --flat median
    says "zingers: 0.3 above the median of 3 x 3"
    within "$(sed -nE 's/^zingers: ([0-9]+) replaced/\1/p' out)" 60 120 "zingers"
    within "$(rmse truth.h5 removed.h5)" 0 9.6e-4 "rmse without zingers"
    succeeds recon clean.h5 -o clean_removed.h5 "${work[@]}" --zingers 0.3
    says "zingers: 0 replaced"
    same_volume clean_volume.h5 clean_removed.h5

    # 3.0e-3 with stripes; what each method leaves, and does to a scan without.
    succeeds simulate -o stripes.h5 "${size[@]}" --stripes 0.02
    succeeds recon stripes.h5 -o raw.h5 "${work[@]}" --overwrite
    within "$(rmse truth.h5 raw.h5)" 2.8e-3 1 "rmse with stripes"
    local method left
    for method in "fw 2.5e-3" "ti 1.6e-3" "sf 1.7e-3" "vo 1.4e-3"; do
        read -r method left <<<"$method"
        succeeds recon stripes.h5 -o "$method.h5" "${work[@]}" --stripes "$method"
        says "stripes: $method"
        within "$(rmse truth.h5 "$method.h5")" 0 "$left" "rmse after $method"
        succeeds recon clean.h5 -o "clean_$method.h5" "${work[@]}" --stripes "$method"
        within "$(rmse truth.h5 "clean_$method.h5")" 0 1.4e-3 "rmse of $method without stripes"
    done

    # Binning: the same object with pixels twice as wide.
    succeeds simulate -o fine.h5 --columns 256 --rows 9 --angles 201
    succeeds recon fine.h5 -o binned.h5 --bin 2 --center 122.88
    says "binned 2 x 2"
    succeeds compare truth.h5 binned.h5 --rmse 8.2e-4
    succeeds recon fine.h5 -o found.h5 --bin 2
    axis_within 122.6 123.1
    succeeds recon fine.h5 -o rows.h5 --bin 2 --center 122.88 --rows 3:7
    says "rows 4:6"

    # A retrieved phase: 0.12 with the fringes, 3.5e-3 without.
    local beam=(--pixel-size 1 --distance 20 --energy 20)
    succeeds simulate -o phase.h5 --columns 128 --rows 40 --angles 201 --phase 100 "${beam[@]}" --truth object.h5
    succeeds recon phase.h5 -o fringes.h5 "${work[@]}"
    within "$(rmse object.h5 fringes.h5)" 0.05 1 "rmse with fringes"
    succeeds recon phase.h5 -o retrieved.h5 "${work[@]}" --paganin 100 "${beam[@]}"
    says "phase retrieval reads 50 rows more on either side"
    within "$(rmse object.h5 retrieved.h5)" 0 4e-3 "rmse with the phase retrieved"
}

# What of the scan is made use of, and where its axis is.
case_choices() {
    local size=(--columns 128 --rows 6 --angles 402) work=(--center 61.44)
    succeeds simulate -o scan.h5 "${size[@]}" --truth truth.h5
    succeeds recon scan.h5 -o volume.h5 "${work[@]}"
    for method in pc vo entropy; do
        succeeds recon scan.h5 -o "$method.h5" --center "$method"
        within "$(sed -nE 's/.* ([0-9.]+) by .*, used/\1/p' out)" 61.2 61.7 "axis by $method"
    done

    printf '# row center\n5 66.44\n0 56.44 # a tilted axis\n' >centers.txt
    succeeds recon scan.h5 -o tilted.h5 --center centers.txt
    says "rotation axis: 56.44 to 66.44, one a slice, from centers.txt"
    succeeds recon scan.h5 -o third.h5 --center 59.44 --rows 3:4 # is (63.44 - 61.44) off
    succeeds recon scan.h5 -o tilted3.h5 --center centers.txt --rows 3:4
    within "$(rmse third.h5 tilted3.h5)" 1e-3 1 "rmse of other axes"
    succeeds recon scan.h5 -o fourth.h5 --center 62.44 --rows 3:4
    same_volume fourth.h5 tilted3.h5

    succeeds recon scan.h5 -o trial.h5 --center try:60.44:62.44:0.25 --picture trial.png --tiff trial
    says "rotation axis: 9 to try, 60.44 to 62.44"
    [[ $(ls trial | wc -l) == 9 ]] || fail "trial: $(ls trial)"
    is_png trial.png
    succeeds recon scan.h5 -o one.h5 --center try:61.44:61.44:1
    succeeds recon scan.h5 -o row.h5 "${work[@]}" --rows 3:4
    same_volume one.h5 row.h5

    succeeds recon scan.h5 -o every_other.h5 "${work[@]}" --projections ::2
    says "in use: 201 projections, columns 0:128"
    succeeds simulate -o coarse.h5 --columns 128 --rows 6 --angles 201
    succeeds recon coarse.h5 -o from_coarse.h5 "${work[@]}"
    succeeds compare every_other.h5 from_coarse.h5 --rmse 2e-7
    succeeds recon scan.h5 -o columns.h5 "${work[@]}" --columns 1:127
    says "slices of 126 x 126"
    succeeds recon scan.h5 -o blocked.h5 "${work[@]}" --blocked 30:40 --blocked 100:103
    says "no projections between 29"
    says "no projections between 99"
    within "$(rmse volume.h5 blocked.h5)" 1e-4 1.5e-3 "rmse with blocked angles"

    # Half of the detector, a whole turn, and the axis near its edge: as good as the whole of it.
    succeeds simulate -o turn.h5 --columns 255 --rows 2 --angles 600 --range 360 --center 127
    succeeds recon turn.h5 -o whole.h5 --center 127
    succeeds recon turn.h5 -o half.h5 --center 127 --columns 0:148
    says "half acquisition"
    says "slices of 255 x 255"
    succeeds compare whole.h5 half.h5 --rmse 2e-6
    succeeds recon turn.h5 -o found.h5 --columns 100:255
    within "$(sed -nE 's/.* ([0-9.]+) by the overlap.*, used/\1/p' out)" 126.95 127.05 "axis by the overlap"
}

# A run that was stopped or killed is gone on with; what comes out is what comes out of one go.
case_resume() {
    local work=(recon scan.h5 --center 245.76) process code
    succeeds simulate -o scan.h5 --columns 512 --rows 96 --angles 400
    succeeds "${work[@]}" -o whole.h5
    succeeds "${work[@]}" -o volume.h5 --resume
    says "resume: 0 of 96 slices are there already"
    rm volume.h5 volume.toml

    # stop SIGNAL: ends a run once some slices are finished.
    stop() {
        "$tomo" "${work[@]}" -o volume.h5 --threads 1 --rows 0:96 >said 2>&1 &
        process=$!
        for _ in $(seq 2000); do
            grep -qE '^[0-9]+ [0-9]+$' volume.h5.part.done.0 2>/dev/null && break
            sleep 0.01
        done
        kill "-$1" "$process"
        wait "$process" 2>/dev/null
        code=$?
    }
    stop KILL
    [[ $code == 137 ]] || fail "exit code $code, expected 137: $(cat said)"
    [[ -e volume.h5.part && ! -e volume.h5 ]] || fail "files: $(ls)"
    rm volume.toml.part
    refuses 1 '"accuracy = standard", expected "accuracy = fast"; without --resume the run starts afresh' \
        "${work[@]}" -o volume.h5 --resume --accuracy fast
    succeeds "${work[@]}" -o volume.h5 --resume --memory 200M
    grep -qE "^resume: [1-9][0-9]* of 96 slices are there already" out || fail "nothing was gone on with: $(cat out)"
    same_volume whole.h5 volume.h5
    [[ -z $(ls -d -- *.part* 2>/dev/null) ]] || fail "left behind: $(ls)"

    rm volume.h5 volume.toml
    stop TERM
    [[ $code == 143 ]] || fail "exit code $code, expected 143: $(cat said)"
    grep -qx "destrier-tomo: interrupted; finished slices are kept: --resume goes on with them" said ||
        fail "said: $(cat said)"
    [[ $(echo volume*) == "volume.h5.part volume.h5.part.done.0" ]] || fail "files: $(ls)"
    if has_mpi; then
        with_ranks 2 "${work[@]}" -o volume.h5 --resume >out 2>&1 || fail "$(cat out)"
        grep -qE "^resume: [1-9][0-9]* of 96 slices are there already" out || fail "nothing was gone on with: $(cat out)"
    else
        succeeds "${work[@]}" -o volume.h5 --resume
    fi
    same_volume whole.h5 volume.h5
    [[ -z $(ls -d -- *.part* 2>/dev/null) ]] || fail "left behind: $(ls)"

    rm volume.h5 volume.toml
    stop TERM
    succeeds "${work[@]}" -o volume.h5
    same_volume whole.h5 volume.h5
    [[ -z $(ls -d -- *.part* 2>/dev/null) ]] || fail "left behind: $(ls)"
}

# Several processes write one volume and one stack, the same as one process does.
case_shared() {
    local work=(recon scan.h5 --tiff-type uint8)
    succeeds simulate -o scan.h5 --columns 128 --rows 37 --angles 201
    succeeds "${work[@]}" -o one.h5 --tiff one --picture one.png
    require_mpi
    for ranks in 1 2 3; do
        with_ranks "$ranks" "${work[@]}" -o "$ranks.h5" --tiff "$ranks" --picture "$ranks.png" >out 2>&1 ||
            fail "$ranks ranks: $(cat out)"
        [[ $(grep -c "37 slices of 128 x 128" out) == 1 ]] || fail "said: $(cat out)"
        same one.h5 "$ranks.h5"
        diff -r one "$ranks" || fail "one and $ranks differ"
        same one.png "$ranks.png"
    done
    with_ranks 3 recon scan.h5 -o few.h5 --rows 7:9 --center 61.44 >out 2>&1 || fail "$(cat out)"
    succeeds recon scan.h5 -o few1.h5 --rows 7:9 --center 61.44
    same few1.h5 few.h5

    local code
    for arguments in "missing.h5 -o v.h5" "scan.h5 -o one.h5" "scan.h5 -o v.h5 --memory 1M" \
        "scan.h5 -o v.h5 --center 4000" "scan.h5 -o nowhere/v.h5"; do
        # shellcheck disable=SC2086 # the words of the arguments
        with_ranks 3 recon $arguments >out 2>&1
        code=$?
        [[ $code == 1 ]] || fail "exit code $code, expected 1, of: $arguments"
        [[ $(grep -v warning: out | grep -c '^destrier-tomo: ') == 1 ]] || fail "of: $arguments -- $(cat out)"
    done
    [[ -z $(ls -d -- *.part* v.h5 2>/dev/null) ]] || fail "left behind: $(ls)"
}

# The same slices as numbers of other kinds; a run repeated from what it left.
case_outputs() {
    "$odd_scans" . || fail odd_scans
    succeeds recon plain.h5 -o volume.h5 --tiff float --picture picture.png --stripes sf --zingers 0.5
    is_png picture.png
    succeeds recon plain.h5 -o v16.h5 --tiff u16 --tiff-type uint16 --rows 1:3
    says "u16: the same as TIFF files, "
    [[ $(ls u16) == $'slice_00001.tif\nslice_00002.tif' ]] || fail "u16: $(ls u16)"
    succeeds recon plain.h5 -o v8.h5 --tiff u8 --tiff-type uint8 --tiff-range=-0.01:0.03
    says "u8: the same as TIFF files, -0.01 to 0.03 from black to white"
    local bytes
    for kind in "float 4" "u16 2" "u8 1"; do
        read -r kind bytes <<<"$kind"
        within "$(stat -c %s "$kind/slice_00001.tif")" $((80 * 80 * bytes)) $((80 * 80 * bytes + 1200)) "bytes in $kind"
    done

    mkdir elsewhere
    (cd elsewhere && "$tomo" recon --config ../volume.toml -o again.h5 --tiff again --picture again.png) >out 2>&1 ||
        fail "$(cat out)"
    says "stripes: sf"
    same_volume volume.h5 elsewhere/again.h5
    diff -r float elsewhere/again || fail "stacks differ"
    same picture.png elsewhere/again.png
    diff <(grep -vE '^(output|tiff|picture)=' volume.toml) <(grep -vE '^(output|tiff|picture)=' elsewhere/again.toml) ||
        fail "configurations differ"
    refuses 1 "volume.h5: exists; --overwrite replaces it" recon --config volume.toml
    succeeds recon --config volume.toml --overwrite
    same_volume volume.h5 elsewhere/again.h5
    rm volume.h5 picture.png && rm -r float
    succeeds recon --config volume.toml # which it then writes again
    same_volume volume.h5 elsewhere/again.h5
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
    succeeds recon unsaid_radians.h5 -o unsaid_volume.h5
    says "unsaid_radians.h5:/exchange/theta"
    says "taken as radians; --theta-units degrees overrides"
    succeeds compare plain_volume.h5 unsaid_volume.h5 --rmse 1e-8
    succeeds recon mistaken_radians.h5 -o told_volume.h5 --theta-units radians
    succeeds compare plain_volume.h5 told_volume.h5 --rmse 1e-8
    succeeds recon stopped.h5 -o stopped_volume.h5 --center 40.25
    says "stopped.h5:/exchange/theta: has 90 angles, /exchange/data 60 projections: taken for a scan that was stopped"
    says "no projections between 118"
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
    succeeds simulate -o damaged.h5 --columns 128 --rows 8 --angles 200 --gzip 1
    printf 'noise%.0s' {1..800} | dd of=damaged.h5 bs=1 seek=100000 conv=notrunc 2>/dev/null
    mkdir directory.h5 full_stack && touch full_stack/slice_00000.tif
    succeeds recon plain.h5 -o there.h5
    succeeds recon plain.h5 -o moved.h5 --center 39
    rm -f out

    refuses 1 "missing.h5: no such file" recon missing.h5 -o v.h5
    refuses 1 "directory.h5: not a regular file" recon directory.h5 -o v.h5
    refuses 1 "text.h5: not an HDF5 file" recon text.h5 -o v.h5
    refuses 1 "truncated.h5: cannot open this HDF5 file: truncated file" recon truncated.h5 -o v.h5
    refuses 1 "cannot read damaged.h5:/exchange/data" recon damaged.h5 -o v.h5 --center 60
    refuses 1 "no_data.h5: has no data set /exchange/data" recon no_data.h5 -o v.h5
    refuses 1 "no_white.h5: has no data set /exchange/data_white" recon no_white.h5 -o v.h5
    refuses 1 "no_dark.h5: has no data set /exchange/data_dark" recon no_dark.h5 -o v.h5
    refuses 1 "text_data.h5:/exchange/data: holds no numbers" recon text_data.h5 -o v.h5
    refuses 1 "short_theta.h5:/exchange/theta: shape is (89), expected (90)" recon short_theta.h5 -o v.h5
    refuses 1 "nan_theta.h5:/exchange/theta: angle 7 is nan, expected a finite number" recon nan_theta.h5 -o v.h5
    refuses 1 'units are "furlongs", expected degrees or radians' recon odd_units.h5 -o v.h5
    refuses 1 "are degrees by their units, but look like radians" recon mistaken_radians.h5 -o v.h5
    refuses 1 "are radians by their units, but look like degrees" recon mistaken_degrees.h5 -o v.h5
    refuses 1 "shape is (90, 240), expected (angles, rows, columns)" recon flat_data.h5 -o v.h5
    refuses 1 "data_white: shape is (2, 1, 240), expected (frames, 3, 80)" recon wide_white.h5 -o v.h5
    refuses 1 "data_dark: shape is (1, 6, 80), expected (frames, 3, 80)" recon tall_dark.h5 -o v.h5
    refuses 1 "no_beam.h5: rows 0:3: the white frames are nowhere brighter than the dark ones" recon no_beam.h5 -o v.h5 --center 40
    refuses 1 "cannot find the rotation axis" recon quarter_turn.h5 -o v.h5

    refuses 1 "--rows 2:9 does not fit" recon plain.h5 -o v.h5 --rows 2:9
    refuses 1 "--rows 2:2 does not fit" recon plain.h5 -o v.h5 --rows 2:2
    refuses 1 "--center 5000 is far outside the detector: expected -40.5 to 119.5" recon plain.h5 -o v.h5 --center 5000
    refuses 1 "--projections 10:91 does not fit" recon plain.h5 -o v.h5 --projections 10:91
    refuses 1 "--columns 80: does not fit" recon plain.h5 -o v.h5 --columns 80:
    refuses 1 "--blocked leaves no projection" recon plain.h5 -o v.h5 --blocked 0:180
    refuses 1 "--bin 8 does not fit: of 3 rows x 80 columns" recon plain.h5 -o v.h5 --bin 8
    refuses 1 "--bin 2 leaves nothing of rows 1:3" recon plain.h5 -o v.h5 --bin 2 --rows 1:3
    refuses 1 "--center 130 is far outside the detector" recon plain.h5 -o v.h5 --center try:30:5000:100
    echo "0 5000" >far.txt
    refuses 1 "far.txt: of row 0: center 5000 is far outside" recon plain.h5 -o v.h5 --center far.txt
    refuses 1 "far.txt" recon plain.h5 -o v.h5 --center far.txt
    echo "zero 40" >words.txt
    refuses 1 "words.txt" recon plain.h5 -o v.h5 --center words.txt
    refuses 1 "--half yes: the angles leave more than 5 degrees of a whole turn" \
        recon plain.h5 -o v.h5 --half yes --center 20
    refuses 1 "stripes: " recon plain.h5 -o v.h5 --stripes fw --stripe-levels 40
    refuses 1 "zingers: " recon plain.h5 -o v.h5 --zingers 0.5 --zinger-size 4
    refuses 1 "--memory of 1 MiB is too small to find the rotation axis: expected" recon plain.h5 -o v.h5 --memory 1M
    refuses 1 "--memory of 1 MiB is too small: expected" recon plain.h5 -o v.h5 --memory 1M --center 40
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
    refuses 2 "is mode, expected mean|median" recon plain.h5 -o v.h5 --flat mode
    refuses 2 "--threads" recon plain.h5 -o v.h5 --threads -3
    refuses 2 "--memory" recon plain.h5 -o v.h5 --memory lots
    refuses 2 "is left, expected auto, pc, vo, entropy, a number of pixels" recon plain.h5 -o v.h5 --center left
    refuses 2 "is nan, expected auto, pc, vo, entropy, a number of pixels" recon plain.h5 -o v.h5 --center nan
    refuses 2 "is 3, expected first:last" recon plain.h5 -o v.h5 --rows 3
    refuses 2 "is -1:2, expected first:last" recon plain.h5 -o v.h5 --rows=-1:2
    refuses 2 "is 0:9:0, expected first:last or first:last:step" recon plain.h5 -o v.h5 --projections 0:9:0
    refuses 2 "is 9:1, expected from:to in degrees" recon plain.h5 -o v.h5 --blocked 9:1
    refuses 2 "is 1:1, expected low:high" recon plain.h5 -o v.h5 --tiff-range 1:1
    refuses 2 "expected" recon plain.h5 -o v.h5 --center try:1:2
    refuses 2 "--pixel-size" recon plain.h5 -o v.h5 --paganin 100
    refuses 2 "is -3, expected a positive number" recon plain.h5 -o v.h5 --distance -3
    refuses 2 "missing.toml" recon plain.h5 -o v.h5 --config missing.toml
    echo 'recon.colour="red"' >odd.toml
    refuses 2 "recon.colour" recon plain.h5 -o v.h5 --config odd.toml
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
    skip_where_files_are_needed
    "$odd_scans" . || fail odd_scans
    for kilobytes in 1 8 40; do
        for command in "recon plain.h5 -o volume.h5" "simulate -o new.h5 --gzip 1" "simulate -o new.h5"; do
            # shellcheck disable=SC2086 # the words of the command
            (
                allow_files_of "$kilobytes"
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
    [[ $(cat said) == "destrier-tomo: interrupted, nothing half-written is left" ]] || fail "said: $(cat said)"
    [[ $(ls) == said ]] || fail "left behind: $(ls)"
}

"case_$case"
[[ $failures == 0 ]] && echo "passed: $case"
exit $((failures > 0))
