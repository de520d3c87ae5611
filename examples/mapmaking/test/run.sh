#!/usr/bin/env bash
# Tests of destrier-map solve as its users meet it: run.sh DESTRIER-MAP MAP-CHECK CASE [DATA-DIRECTORY]
# Exit code 0: as expected; 1: not; 77: skipped.
set -u
program=$1 check=$2 case=$3 data=${4:-}
source "$(dirname "$(realpath "$0")")/../../common/program_test.sh"
export OMP_NUM_THREADS=1 # unless --threads says more: other tests run beside

# Two observations of 4 detectors, small enough for a test, with flags and NaN: obs-0.h5 and obs-1.h5.
make_observations() {
    succeeds simulate -o obs.h5 --observations 2 --duration "${duration:-3600}" --rate 5 --detectors 4 --sky-nside 16 \
        --flag-fraction 0.02 --flag-spans 4 --nan-where-flagged "$@"
}
observations=(obs-0.h5 obs-1.h5)

is_png() {
    [[ $(head -c 4 "$1" | tail -c 3) == PNG ]] || fail "$1 is no PNG file"
}

# Waits until a solve has saved its state for the first time.
wait_for_state() {
    for _ in $(seq 10000); do
        [[ -e state ]] && return
        sleep 0.01
    done
    fail "no checkpoint was there in time"
}

# The sky comes back: to rounding without noise, with noise as close to white noise as destriping gets.
case_solved() {
    make_observations --truth sky.fits
    succeeds solve "${observations[@]}" -o maps.fits --nside 16 --picture picture.png --offsets offsets.h5
    says "2 observations, 8 chunks of a detector's samples, 144000 samples"
    says "40 bytes a sample while setting up, 24 in iterations"
    says "converged after"
    says "ns per sample and iteration"
    says "GB/s that this machine reads"
    is_png picture.png
    holds "pixels > 1000 && destriped < 1.8 && binned > 2" sky maps.fits sky.fits
    succeeds solve "${observations[@]}" -o prior.fits --nside 16 --prior
    holds "pixels > 1000 && destriped < 1.10" sky prior.fits sky.fits
    succeeds solve "${observations[@]}" -o intensity.fits --nside 16 --prior --stokes I
    says "16 bytes a sample while setting up, 8 in iterations"

    # Without noise there are no offsets to be found, and the sky is that of the simulation.
    succeeds simulate -o clean.h5 --duration 3600 --rate 5 --detectors 4 --sky sky.fits --noiseless
    succeeds solve clean.h5 -o clean.fits --nside 16
    succeeds solve clean.h5 -o ring.fits --nside 16 --order ring --partial
    holds "map == 0 && binned == 0 && hits == 0" against clean.fits ring.fits
    holds "pixels > 500 && destriped < 1e-8 && binned < 1e-8" sky clean.fits sky.fits

    # Half the memory, and the same.
    succeeds solve "${observations[@]}" -o one_pass.fits --nside 16 --one-pass
    says "40 bytes a sample while setting up, 12 in iterations"
    holds "map < 1e-9 && binned == 0 && hits == 0" against maps.fits one_pass.fits

    # Finer maps than the solve's have as many samples.
    succeeds solve "${observations[@]}" -o fine.fits --nside 32 --solve-nside 16 --float32
}

# Threads and ranks share the work: the bytes do not tell of threads, and hardly of ranks.
case_shared() {
    make_observations
    local work=(solve "${observations[@]}" --nside 16 --prior)
    succeeds "${work[@]}" -o one.fits --threads 1
    succeeds "${work[@]}" -o three.fits --threads 3
    same one.fits three.fits
    require_mpi
    for ranks in 2 3 10; do # of 10, two have nothing to do
        with_ranks "$ranks" "${work[@]}" -o "ranks$ranks.fits" --offsets "offsets$ranks.h5" >out 2>&1 ||
            fail "$ranks ranks: $(cat out)"
        says "(ranks x threads: $ranks x 1)"
        holds "map < 1e-12 && binned < 1e-12 && hits == 0 && rcond < 1e-12 && invcov < 1e-12" \
            against one.fits "ranks$ranks.fits"
    done

    # Without a prior the solve takes more iterations, in which rounding grows.
    succeeds solve "${observations[@]}" -o plain.fits --nside 16
    with_ranks 2 solve "${observations[@]}" -o two.fits --nside 16 >out 2>&1 || fail "2 ranks: $(cat out)"
    holds "map < 1e-11 && binned < 1e-12 && hits == 0" against plain.fits two.fits
}

# What goes wrong on one rank ends all of them, and is said once.
case_ranks_fail() {
    make_observations
    "$check" odd obs-0.h5 . || fail odd
    require_mpi
    local messages
    for arguments in "nan_signal.h5 obs-1.h5 -o maps.fits" "obs-0.h5 missing.h5 -o maps.fits" \
        "obs-0.h5 long_boresight.h5 -o maps.fits" "obs-0.h5 obs-1.h5 -o obs-1.h5 --overwrite" \
        "obs-0.h5 obs-1.h5 -o maps.fits --memory 1k"; do
        # shellcheck disable=SC2086 # the words of the arguments
        OMP_NUM_THREADS=1 timeout 60 mpirun --oversubscribe -n 3 "$program" solve --nside 16 $arguments >out 2>&1
        code=$?
        [[ $code == 1 ]] || fail "exit code $code, expected 1, of: $arguments"
        messages=$(grep -v warning: out | grep -c '^destrier-map: ')
        [[ $messages == 1 ]] || fail "$messages messages of: $arguments -- $(cat out)"
        [[ -z $(ls -- *.part maps.fits 2>/dev/null) ]] || fail "left behind by: $arguments -- $(ls)"
    done
}

# A solve that was stopped goes on and ends with the same bytes.
case_checkpoint() {
    make_observations
    local work=(solve "${observations[@]}" --nside 16 --threads 1)
    succeeds "${work[@]}" -o whole.fits
    succeeds "${work[@]}" -o part.fits --iterations 20 --checkpoint state
    says "warning: the residual is"
    says "state: kept, to go on from with more --iterations"
    refuses 1 'state: is a checkpoint of another solve: "baseline: 1 s", expected "baseline: 2 s"' \
        "${work[@]}" -o maps.fits --checkpoint state --baseline 2s
    refuses 1 "obs-0.h5: is read as well" "${work[@]}" -o maps.fits --checkpoint obs-0.h5
    cp state kept
    succeeds "${work[@]}" -o maps.fits --checkpoint state
    says "state: going on after iteration 20"
    same whole.fits maps.fits
    [[ ! -e state ]] || fail "the checkpoint of a solve that converged is still there"

    # Killed without a word.
    "$program" "${work[@]}" -o killed.fits --checkpoint state --checkpoint-every 1 >/dev/null 2>&1 &
    local process=$!
    wait_for_state
    kill -KILL "$process"
    wait "$process" 2>/dev/null
    succeeds "${work[@]}" -o killed.fits --checkpoint state
    says "state: going on after iteration"
    same whole.fits killed.fits

    # Other samples than those it is of; no checkpoint at all.
    cp kept state
    succeeds simulate -o obs.h5 --observations 2 --duration 3600 --rate 5 --detectors 4 --sky-nside 16 \
        --flag-fraction 0.02 --flag-spans 4 --nan-where-flagged --seed 2 --overwrite
    refuses 1 "state: is a checkpoint of other samples" "${work[@]}" -o maps.fits --checkpoint state --overwrite
    echo "This is text." >state
    refuses 1 "state: not an HDF5 file" "${work[@]}" -o maps.fits --checkpoint state --overwrite
    cp obs-0.h5 state
    refuses 1 "state: is no checkpoint" "${work[@]}" -o maps.fits --checkpoint state --overwrite

    has_mpi || return
    with_ranks 3 "${work[@]}" -o ranks.fits --iterations 20 --checkpoint ranks >out 2>&1 || fail "$(cat out)"
    with_ranks 2 "${work[@]}" -o ranks.fits --overwrite --checkpoint ranks >out 2>&1 || fail "$(cat out)"
    says "ranks: going on after iteration 20"
    succeeds "${work[@]}" -o whole.fits --overwrite
    holds "map < 1e-9 && binned < 1e-12" against whole.fits ranks.fits
}

# Maps of parts of the data add up to those of all.
case_splits() {
    make_observations
    local work=(solve "${observations[@]}" --nside 16 --prior)
    succeeds "${work[@]}" -o all.fits --splits halves
    [[ $(ls all*) == $'all-half1.fits\nall-half2.fits\nall.fits' ]] || fail "files: $(ls)"
    holds "parts == 2 && hits == 0 && invcov < 1e-12" sum all.fits all-half1.fits all-half2.fits
    succeeds "${work[@]}" -o each.fits --splits detectors
    [[ $(ls each-*.fits | wc -l) == 4 ]] || fail "files: $(ls)"
    holds "parts == 4 && hits == 0 && invcov < 1e-12" sum each.fits each-*.fits
    same all.fits each.fits
    touch there-half2.fits
    refuses 1 "there-half2.fits: exists" "${work[@]}" -o there.fits --splits halves
}

# Observations with something odd about them, and fine.
case_odd() {
    make_observations
    "$check" odd obs-0.h5 . || fail odd
    local maps=(--nside 16 --prior)
    succeeds solve flagged.h5 -o flagged.fits "${maps[@]}"
    for name in nan_boresight_flagged nan_signal_flagged; do
        succeeds solve "$name.h5" -o "$name.fits" "${maps[@]}"
        same flagged.fits "$name.fits"
    done
    succeeds solve obs-0.h5 -o plain.fits "${maps[@]}"
    succeeds solve obs-0.h5 empty.h5 -o with_empty.fits "${maps[@]}"
    same plain.fits with_empty.fits
    succeeds solve zero_weight.h5 -o zero_weight.fits "${maps[@]}"
    says "warning: zero_weight.h5: 1 of 4 detectors are left out, flagged or of weight 0"
    says "3 chunks"
    succeeds solve no_density.h5 -o no_density.fits --nside 16
    succeeds solve no_noise.h5 -o uniform.fits --nside 16 --weights uniform
    succeeds solve obs-0.h5 other_plane.h5 -o mixed.fits "${maps[@]}" --mixed-focal-planes
    succeeds solve obs-0.h5 -o long.fits --nside 16 --baseline 1h
    succeeds solve obs-0.h5 -o short.fits --nside 16 --baseline 1ms --iterations 10
}

# Everything that is wrong with observations or a command line.
case_errors() {
    make_observations
    "$check" odd obs-0.h5 . || fail odd
    succeeds simulate -o plane.h5 --duration 60 --detectors 2 --sky-nside 16
    echo "This is text." >text.h5
    head -c 100000 obs-0.h5 >truncated.h5
    mkdir directory.h5
    touch there.fits there.png
    rm -f out

    local maps=(-o maps.fits --nside 16)
    refuses 1 "missing.h5: no such file" solve missing.h5 "${maps[@]}"
    refuses 1 "directory.h5: not a regular file" solve directory.h5 "${maps[@]}"
    refuses 1 "text.h5: not an HDF5 file" solve text.h5 "${maps[@]}"
    refuses 1 "truncated.h5: cannot open this HDF5 file: truncated file" solve truncated.h5 "${maps[@]}"
    refuses 1 "no_signal.h5: has no data set /detdata/signal" solve no_signal.h5 "${maps[@]}"
    refuses 1 "no_flags.h5: has no data set /detdata/flags" solve no_flags.h5 "${maps[@]}"
    refuses 1 "no_shared_flags.h5: has no data set /shared/flags" solve no_shared_flags.h5 "${maps[@]}"
    refuses 1 "no_boresight.h5: has no data set /shared/boresight_radec" solve no_boresight.h5 "${maps[@]}"
    refuses 1 "no_times.h5: has no data set /shared/times" solve no_times.h5 "${maps[@]}"
    refuses 1 "no_focal_plane.h5: has no data set /instrument/focalplane" solve no_focal_plane.h5 "${maps[@]}"
    refuses 1 "no_noise.h5: has no data set /metadata/noise_model/detector_weights" solve no_noise.h5 "${maps[@]}"
    refuses 1 "no_detectors.h5: has no attribute observation_detectors" solve no_detectors.h5 "${maps[@]}"
    refuses 1 "/detdata/signal: shape is (100), expected (4, 18000)" solve flat_signal.h5 "${maps[@]}"
    refuses 1 "/detdata/signal: shape is (2, 100), expected (4, 18000)" solve short_signal.h5 "${maps[@]}"
    refuses 1 "/shared/boresight_radec: shape is (100, 4), expected (18000, 4)" solve short_boresight.h5 "${maps[@]}"
    refuses 1 "compressed.h5:/detdata/signal: is compressed" solve compressed.h5 "${maps[@]}"
    refuses 1 "long_boresight.h5:/shared/boresight_radec" solve long_boresight.h5 "${maps[@]}"
    refuses 1 "1234" solve long_boresight.h5 "${maps[@]}"
    refuses 1 "nan_boresight.h5:/shared/boresight_radec" solve nan_boresight.h5 "${maps[@]}"
    refuses 1 "/instrument/focalplane: quaternion of " solve long_detector.h5 "${maps[@]}"
    refuses 1 "nan_signal.h5:/detdata/signal: detector D00A, sample 321 is nan" solve nan_signal.h5 "${maps[@]}"
    refuses 1 "sample 321 is inf" solve infinite_signal.h5 "${maps[@]}"
    refuses 1 "empty.h5: no sample is left" solve empty.h5 "${maps[@]}"
    refuses 1 "all_flagged.h5: no sample is left: all are flagged" solve all_flagged.h5 "${maps[@]}"
    refuses 1 "backwards.h5:/shared/times: time 1000 is 0 and follows" solve backwards.h5 "${maps[@]}"
    refuses 1 "zero_weights.h5: no detector is left" solve zero_weights.h5 "${maps[@]}"
    refuses 1 "detector_weights: weight of D00A is -1, expected 0 or more" solve negative_weight.h5 "${maps[@]}"
    refuses 1 "detector_weights: weight of D00A is nan, expected 0 or more" solve nan_weight.h5 "${maps[@]}"
    refuses 1 "no_density.h5:/metadata/noise_model: has no noise density of detector D00A" \
        solve no_density.h5 "${maps[@]}" --prior
    refuses 1 "Hz is -3, expected a number above 0" solve negative_density.h5 "${maps[@]}" --prior
    refuses 1 "picowatt.h5:/metadata/noise_model/detector_weights: unit is \"1 / K2\", expected \"1 / pW2\"" \
        solve picowatt.h5 "${maps[@]}"
    refuses 1 "millikelvin.h5:/detdata/signal: unit is \"mK\", expected \"K\" as in obs-0.h5" \
        solve obs-0.h5 millikelvin.h5 "${maps[@]}"
    refuses 1 "other_plane.h5:/instrument/focalplane: detector D00A is at another place" \
        solve obs-0.h5 other_plane.h5 "${maps[@]}"
    refuses 1 "plane.h5:/instrument/focalplane: has 2 detectors, obs-0.h5 has 4" solve obs-0.h5 plane.h5 "${maps[@]}"
    refuses 1 "obs-0.h5: is given twice" solve obs-0.h5 ./obs-0.h5 "${maps[@]}"
    refuses 1 "obs-0.h5: has no intervals driving; it has" solve obs-0.h5 "${maps[@]}" --interval driving
    refuses 1 "missing.fits" solve obs-0.h5 "${maps[@]}" --mask missing.fits
    refuses 1 "obs-0.h5" solve obs-0.h5 "${maps[@]}" --mask obs-0.h5

    local with=(solve obs-0.h5)
    refuses 1 "obs-0.h5: is read as well" "${with[@]}" -o obs-0.h5 --nside 16 --overwrite
    refuses 1 "there.fits: exists; --overwrite replaces it" "${with[@]}" -o there.fits --nside 16
    refuses 1 "there.png: exists; --overwrite replaces it" "${with[@]}" "${maps[@]}" --picture there.png
    refuses 1 "maps.fits: is to be written twice" "${with[@]}" "${maps[@]}" --picture ./maps.fits
    refuses 1 "maps.fits: is to be written twice" "${with[@]}" "${maps[@]}" --checkpoint maps.fits
    refuses 1 "directory.h5: is a directory" "${with[@]}" -o directory.h5 --nside 16
    refuses 1 "cannot create nowhere/maps.fits.part: No such file or directory" \
        "${with[@]}" -o nowhere/maps.fits --nside 16
    refuses 1 "/dev/full: is not a regular file" "${with[@]}" -o /dev/full --nside 16
    refuses 1 "bytes for each of 72000 samples" "${with[@]}" "${maps[@]}" --memory 1M
    refuses 1 "(1 MiB) are available to this rank; more ranks" "${with[@]}" "${maps[@]}" --memory 1M
    refuses 1 "--solve-nside is 32, expected at most --nside, which is 16" "${with[@]}" "${maps[@]}" --solve-nside 32
    refuses 1 "--baseline is intervals, expected baselines of one length" \
        "${with[@]}" "${maps[@]}" --baseline intervals --prior
    refuses 1 "--weights is uniform, expected noise with --prior" "${with[@]}" "${maps[@]}" --weights uniform --prior

    refuses 2 "observations is required" solve "${maps[@]}"
    refuses 2 "--nside is required" solve obs-0.h5 -o maps.fits
    refuses 2 "--output is required" solve obs-0.h5 --nside 16
    refuses 2 "is 100, expected a power of two from 1 to 8192" "${with[@]}" -o maps.fits --nside 100
    refuses 2 "is 16384, expected a power of two from 1 to 8192" "${with[@]}" -o maps.fits --nside 16384
    refuses 2 "is -1, expected a power of two from 1 to 8192" "${with[@]}" -o maps.fits --nside=-1
    refuses 2 "is 5, expected a time above 0 such as 1s" "${with[@]}" "${maps[@]}" --baseline 5
    refuses 2 "is 0s, expected a time above 0 such as 1s" "${with[@]}" "${maps[@]}" --baseline 0s
    refuses 2 "is V, expected I|IQU|QU" "${with[@]}" "${maps[@]}" --stokes V
    refuses 2 "--iterations" "${with[@]}" "${maps[@]}" --iterations many
    refuses 2 "--tolerance" "${with[@]}" "${maps[@]}" --tolerance 0
    refuses 2 "--det-mask" "${with[@]}" "${maps[@]}" --det-mask 256
    refuses 2 "--threads" "${with[@]}" "${maps[@]}" --threads -3
    refuses 2 "--memory" "${with[@]}" "${maps[@]}" --memory lots
    refuses 2 "" frobnicate
}

# Outputs replace what was there only when asked to.
case_overwrite() {
    make_observations
    for name in maps.fits picture.png offsets.h5; do echo old >"$name"; done
    local work=(solve "${observations[@]}" --nside 16 --prior)
    succeeds "${work[@]}" -o maps.fits --picture picture.png --offsets offsets.h5 --overwrite
    succeeds "${work[@]}" -o again.fits
    same maps.fits again.fits
    is_png picture.png
    [[ -z $(ls -d -- *.part 2>/dev/null) ]] || fail "left behind: $(ls)"
}

# A disk that is full while outputs are written, stood in for by a limit on the size of files.
case_full_disk() {
    skip_where_files_are_needed
    make_observations
    rm -f out
    local before
    before=$(ls)
    for kilobytes in 1 20 300; do
        said=$(
            allow_files_of "$kilobytes"
            "$program" solve "${observations[@]}" -o new.fits --nside 64 --prior --picture new.png \
                --checkpoint new.state --checkpoint-every 1000 2>&1 >/dev/null
        )
        code=$?
        [[ $code == 1 ]] || fail "exit code $code at $kilobytes kB"
        [[ $said == "destrier-map: cannot write "* ]] || fail "at $kilobytes kB: $said"
        [[ $(ls) == "$before" ]] || fail "left behind at $kilobytes kB: $(ls)"
    done
    said=$(
        trap '' XFSZ
        ulimit -f 20
        "$program" solve "${observations[@]}" -o new.fits --nside 16 --checkpoint state --checkpoint-every 1 2>&1 >/dev/null
    )
    code=$?
    [[ $code == 1 && $said == "destrier-map: cannot "*state.part* ]] || fail "exit code $code: $said"
    [[ $(ls) == "$before" ]] || fail "left behind: $(ls)"
}

# A batch system's SIGTERM in the middle of the work: the checkpoint is written, and nothing else.
case_interrupted() {
    duration=36000 make_observations
    rm -f out
    local work=(solve "${observations[@]}" -o maps.fits --nside 64 --iterations 1000000 --tolerance 1e-30
        --checkpoint state --checkpoint-every 5)
    "$program" "${work[@]}" --threads 1 2>said >/dev/null &
    local process=$!
    wait_for_state
    kill -TERM "$process"
    wait "$process"
    local code=$?
    [[ $code == 143 ]] || fail "exit code $code, expected 143"
    [[ $(cat said) == "destrier-map: interrupted, nothing half-written is left" ]] || fail "said: $(cat said)"
    [[ $(ls | tr '\n' ' ') == "obs-0.h5 obs-1.h5 said state " ]] || fail "left behind: $(ls)"

    has_mpi || return
    rm state
    OMP_NUM_THREADS=1 mpirun --oversubscribe -n 2 "$program" "${work[@]}" --threads 1 2>said >/dev/null &
    process=$!
    wait_for_state
    kill -TERM "$process"
    wait "$process" && fail "exit code 0 of mpirun"
    [[ $(grep -c "^destrier-map: interrupted" said) == 1 ]] || fail "said: $(cat said)"
    [[ $(ls | tr '\n' ' ') == "obs-0.h5 obs-1.h5 said state " ]] || fail "left behind: $(ls)"
}

# The file that TOAST wrote, and a survey of the sky that WMAP saw, with its mask.
case_real() {
    local toast=$data/toast-observation.h5 sky mask
    sky=$(echo "$data"/wmap_band_iqumap*.fits)
    mask=$(echo "$data"/wmap_temperature_analysis_mask*.fits)
    if [[ ! -r $toast || ! -r $sky || ! -r $mask ]]; then
        echo "skipped: no files in ${data:-any directory}"
        exit 77
    fi
    succeeds solve "$toast" -o toast.fits --nside 64 --picture toast.png
    says "1 observation, 2 chunks of a detector's samples, 2000 samples"
    says "converged after"
    succeeds solve "$toast" -o scans.fits --nside 64 --baseline intervals --stokes I
    succeeds solve "$toast" -o left.fits --nside 64 --interval scan_leftright
    is_png toast.png

    succeeds simulate --sky "$sky" --sky-unit mK -o obs.h5 --observations 4 --duration 7200 --rate 5 --detectors 4 \
        --truth truth.fits
    local survey=(solve obs-0.h5 obs-1.h5 obs-2.h5 obs-3.h5 --nside 32)
    succeeds "${survey[@]}" -o maps.fits --prior --picture maps.png
    is_png maps.png
    holds "pixels > 1000 && destriped < 1.10 && binned > 1.5" sky maps.fits truth.fits
    succeeds "${survey[@]}" -o masked.fits --prior --mask "$mask"
    holds "pixels > 1000 && destriped < 1.15" sky masked.fits truth.fits
}

"case_$case"
[[ $failures == 0 ]] && echo "passed: $case"
exit $((failures > 0))
