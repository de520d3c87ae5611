#!/usr/bin/env bash
# Tests of the program as its users meet it: run.sh DESTRIER-SPECTRA SPECTRA-CHECK CASE [DATA-DIRECTORY]
# Exit code 0: as expected; 1: not; 77: skipped.
set -u
spectra=$1 check=$2 case=$3 data=${4:-}
program=$spectra
source "$(dirname "$(realpath "$0")")/../../common/program_test.sh"

# A PSF and an exposure, small enough for a test: 25 fibres, 101 bins.
make_exposure() {
    succeeds psf -o psf.fits --rows 150
    succeeds simulate --psf psf.fits -o preproc.fits "$@"
}

# What was put in comes out, blurred by the resolution, with the errors that are told.
case_simulated() {
    succeeds psf -o psf.fits --rows 900
    succeeds simulate --psf psf.fits -o preproc.fits
    succeeds extract --psf psf.fits --image preproc.fits -o frame.fits --picture picture.png --model
    says "frame.fits: 25 fibres, 607 bins from 5761"
    says "square root"
    says "patches/s"
    says "scaled to 500 fibres"
    # 15000 pulls: their mean is known to 0.008, their spread to 0.006
    holds "bins > 15100 && mean > -0.03 && mean < 0.03 && std > 0.97 && std < 1.03" pulls frame.fits preproc-truth.fits
    holds "wrong == 0 && bad_fit < 20" bits frame.fits
    [[ $(head -c 4 picture.png | tail -c 3) == PNG ]] || fail "picture.png is no PNG file"

    # Without noise there is left what 11 diagonals do not hold of the resolution, and the seams between patches.
    succeeds simulate --psf psf.fits -o clean.fits --noiseless --bad-pixels 0 --cosmics 0 --dead-columns 0
    succeeds extract --psf psf.fits --image clean.fits -o clean_frame.fits
    holds "bins == 15175 && largest < 0.2 && std < 0.01" pulls clean_frame.fits clean-truth.fits
}

# Both algorithms give the same spectra.
case_algorithms() {
    make_exposure
    succeeds extract --psf psf.fits --image preproc.fits -o banded.fits
    succeeds extract --psf psf.fits --image preproc.fits -o eigh.fits --algorithm eigh
    holds "bins > 2400 && pull < 1e-4 && center < 1e-5" against banded.fits eigh.fits # float32 leaves 1e-5
}

# Threads and ranks share the work, and the bytes do not tell.
case_shared() {
    succeeds psf -o psf.fits --rows 120 --fibers 60
    succeeds simulate --psf psf.fits -o one.fits --threads 1
    succeeds simulate --psf psf.fits -o preproc-two.fits --threads 2
    same one-truth.fits preproc-two-truth.fits
    same one.fits preproc-two.fits
    succeeds simulate --psf psf.fits -o preproc-two.fits --seed 2 --overwrite
    mkdir frames threads ranks2 ranks3
    local work=(extract --psf psf.fits --image one.fits --image preproc-two.fits --model)
    succeeds "${work[@]}" --threads 1 -o frames
    [[ $(ls frames) == $'frame-one.fits\nframe-two.fits' ]] || fail "frames: $(ls frames)"
    succeeds "${work[@]}" --threads 3 -o threads/
    same frames/frame-one.fits threads/frame-one.fits
    same frames/frame-two.fits threads/frame-two.fits
    succeeds extract --psf psf.fits --image preproc-two.fits --model -o alone.fits
    same alone.fits frames/frame-two.fits

    require_mpi
    for ranks in 2 3; do
        with_ranks "$ranks" "${work[@]}" -o "ranks$ranks" >out 2>&1 || fail "$ranks ranks: $(cat out)"
        says "(ranks x threads: $ranks x 1)"
        same frames/frame-one.fits "ranks$ranks/frame-one.fits"
        same frames/frame-two.fits "ranks$ranks/frame-two.fits"
    done
}

# What goes wrong on one rank ends all of them, and is said once.
case_ranks_fail() {
    make_exposure
    require_mpi
    mkdir frames
    head -c 100000 preproc.fits >truncated.fits
    local message
    for arguments in "--image preproc.fits --image truncated.fits -o frames" "--image missing.fits -o frame.fits" \
        "--image preproc.fits -o psf.fits --overwrite" "--image preproc.fits -o frame.fits --fibers 3:77"; do
        # shellcheck disable=SC2086 # the words of the arguments
        timeout 60 mpirun --oversubscribe -n 3 "$spectra" extract --psf psf.fits $arguments >out 2>&1
        code=$?
        [[ $code == 1 ]] || fail "exit code $code, expected 1, of: $arguments"
        message=$(grep -c '^destrier-spectra: ' out)
        [[ $message == 1 ]] || fail "$message messages of: $arguments -- $(cat out)"
        [[ -z $(ls -- *.part frames/*.part 2>/dev/null) ]] || fail "left behind by: $arguments -- $(ls)"
    done
    timeout 60 mpirun --oversubscribe -n 2 "$spectra" extract --psf psf.fits >out 2>&1
    [[ $(grep -c -- "--image is required" out) == 1 ]] || fail "said: $(cat out)"
}

# A fibre comes out the same whichever others are wanted.
case_selected() {
    make_exposure
    succeeds extract --psf psf.fits --image preproc.fits -o all.fits
    succeeds extract --psf psf.fits --image preproc.fits -o some.fits --fibers 7:12
    says "some.fits: 5 fibres"
    holds "pull == 0 && center == 0" against some.fits all.fits 7
    succeeds extract --psf psf.fits --image preproc.fits -o bins.fits --wavelength 5770:5790:0.5
    says "41 bins from 5770 to 5790"
}

# Exposures with something odd about them.
case_odd() {
    make_exposure --bad-pixels 0.02
    mkdir odd frames
    "$check" odd preproc.fits odd || fail odd
    succeeds extract --psf psf.fits --image preproc.fits -o frames/frame.fits

    # What is masked does not matter, and what is no number is as good as masked.
    for name in nan_where_masked nan; do
        mkdir $name
        cp odd/$name.fits $name/preproc.fits
        succeeds extract --psf psf.fits --image $name/preproc.fits -o $name/frame.fits
        holds "bins > 2000 && pull == 0 && center == 0" against $name/frame.fits frames/frame.fits
        [[ $("$check" bits $name/frame.fits) == $("$check" bits frames/frame.fits) ]] || fail "bits of $name"
    done
    succeeds extract --psf psf.fits --image odd/all_masked.fits -o masked.fits
    holds "all == 2525 && some == 2525 && of == 2525 && wrong == 0" bits masked.fits
    succeeds extract --psf psf.fits --image odd/no_mask.fits -o no_mask.fits
    holds "all == 0 && some == 0 && wrong == 0" bits no_mask.fits
    succeeds extract --psf psf.fits --image odd/other_camera.fits -o other.fits
    says "warning: odd/other_camera.fits is of camera b7, psf.fits of r0"
    gzip -k preproc.fits
    mkdir zipped
    succeeds extract --psf psf.fits --image preproc.fits.gz -o zipped
    holds "pull == 0" against zipped/frame-preproc.fits frames/frame.fits
    # Bins beside the CCD know nothing.
    succeeds extract --psf psf.fits --image preproc.fits -o beside.fits --wavelength 5756:5770:0.8
    holds "all > 25 && wrong == 0" bits beside.fits
}

# Everything that is wrong with a file or a command line.
case_errors() {
    make_exposure
    "$check" odd preproc.fits . || fail odd
    echo "This is text." >text.fits
    head -c 100000 preproc.fits >truncated.fits
    head -c 20000 psf.fits >short_psf.fits
    mkdir directory.fits frames
    touch there.fits there.png
    rm -f out

    local with=(extract --psf psf.fits --image preproc.fits)
    refuses 1 "missing.fits" extract --psf missing.fits --image preproc.fits -o f.fits
    refuses 1 "missing.fits: no such file" extract --psf psf.fits --image missing.fits -o f.fits
    refuses 1 "text.fits: " extract --psf text.fits --image preproc.fits -o f.fits
    refuses 1 "text.fits: " extract --psf psf.fits --image text.fits -o f.fits
    refuses 1 "preproc.fits[0]: PSFTYPE is missing" extract --psf preproc.fits --image preproc.fits -o f.fits
    refuses 1 "directory.fits: " extract --psf psf.fits --image directory.fits -o f.fits
    refuses 1 "truncated.fits: truncated or corrupt" extract --psf psf.fits --image truncated.fits -o f.fits
    refuses 1 "short_psf.fits: truncated or corrupt" extract --psf short_psf.fits --image preproc.fits -o f.fits
    refuses 1 "no_ivar.fits: has no HDU IVAR" extract --psf psf.fits --image no_ivar.fits -o f.fits
    refuses 1 "half.fits: is of 239 x 75 pixels, expected 239 x 150 pixels as psf.fits is for" \
        extract --psf psf.fits --image half.fits -o f.fits

    refuses 1 "--fibers 20:26 does not fit: the PSF has 25 fibres" "${with[@]}" -o f.fits --fibers 20:26
    refuses 1 "is far outside of the PSF's range: expected 5760 to 5843" "${with[@]}" -o f.fits --wavelength 7000:7100:1
    refuses 1 "none of it falls on the CCD" "${with[@]}" -o f.fits --wavelength 5842.5:5844:0.5
    refuses 1 "psf.fits: is read as well" "${with[@]}" -o psf.fits --overwrite
    refuses 1 "preproc.fits: is read as well" "${with[@]}" -o ./preproc.fits --overwrite
    refuses 1 "f.fits: is to be written twice" "${with[@]}" -o f.fits --picture ./f.fits
    refuses 1 "there.fits: exists; --overwrite replaces it" "${with[@]}" -o there.fits
    refuses 1 "there.png: exists; --overwrite replaces it" "${with[@]}" -o f.fits --picture there.png
    refuses 1 "cannot create nowhere/f.fits.part: No such file or directory" "${with[@]}" -o nowhere/f.fits
    refuses 1 "/dev/full: is not a regular file" "${with[@]}" -o /dev/full
    refuses 1 "frame.fits: is no directory" "${with[@]}" --image no_mask.fits -o frame.fits
    refuses 1 "nowhere/: is no directory" "${with[@]}" -o nowhere/
    refuses 1 "frames/frame-preproc.fits: is to be written twice" "${with[@]}" --image ./preproc.fits -o frames
    refuses 1 "--picture shows one exposure" "${with[@]}" --image no_mask.fits -o frames --picture p.png
    refuses 1 "--psf is given 2 times and --image 1 times" "${with[@]}" --psf psf.fits -o f.fits
    if [[ $(id -u) != 0 ]]; then
        mkdir locked && chmod a-w locked
        refuses 1 "cannot create locked/f.fits.part: Permission denied" "${with[@]}" -o locked/f.fits
    fi

    refuses 1 "preproc.fits: exists; --overwrite replaces it" simulate --psf psf.fits -o preproc.fits
    refuses 1 "psf.fits: is read as well" simulate --psf psf.fits -o psf.fits --overwrite
    refuses 1 "preproc.fits: has no table with columns wavelength and flux" \
        simulate --psf psf.fits --sky preproc.fits -o f.fits
    refuses 1 "psf.fits: has no table with columns wavelength and throughput" \
        simulate --psf psf.fits --throughput psf.fits -o f.fits
    refuses 1 "there.fits: exists" psf -o there.fits
    refuses 1 "f.fits.gz: is written uncompressed" "${with[@]}" -o f.fits.gz
    refuses 1 "f.fits.gz: is written uncompressed" simulate --psf psf.fits -o f.fits.gz
    refuses 1 "f.fits.gz: is written uncompressed" psf -o f.fits.gz

    refuses 2 "" extract
    refuses 2 "" frobnicate
    refuses 2 "--algorithm" "${with[@]}" -o f.fits --algorithm magic
    refuses 2 "--threads" "${with[@]}" -o f.fits --threads -3
    refuses 2 "--psferr" "${with[@]}" -o f.fits --psferr 2
    refuses 2 "is 5760:7620, expected first:last:step" "${with[@]}" -o f.fits --wavelength 5760:7620
    refuses 2 "is 5760:7620:0, expected a step above 0" "${with[@]}" -o f.fits --wavelength 5760:7620:0
    refuses 2 "is 7620:5760:1, expected 0 < first < last" "${with[@]}" -o f.fits --wavelength 7620:5760:1
    refuses 2 "expected at most 100000 steps" "${with[@]}" -o f.fits --wavelength 5760:7620:1e-9
    refuses 2 "expected at least one step" "${with[@]}" -o f.fits --wavelength 5760:5761:2
    refuses 2 "is 3, expected first:last" "${with[@]}" -o f.fits --fibers 3
    refuses 2 "is 5:5, expected first < last" "${with[@]}" -o f.fits --fibers 5:5
    refuses 2 "--read-noise" simulate --psf psf.fits -o f.fits --read-noise -1
    refuses 2 "--rows" psf -o f.fits --rows 3
}

# Outputs replace what was there only when asked to.
case_overwrite() {
    make_exposure
    echo old >frame.fits
    echo old >picture.png
    succeeds extract --psf psf.fits --image preproc.fits -o frame.fits --picture picture.png --overwrite
    succeeds extract --psf psf.fits --image preproc.fits -o again.fits
    same frame.fits again.fits
    [[ $(head -c 4 picture.png | tail -c 3) == PNG ]] || fail "picture.png is no PNG file"
    succeeds simulate --psf psf.fits -o preproc.fits --seed 1 --overwrite
    succeeds extract --psf psf.fits --image preproc.fits -o again.fits --overwrite
    same frame.fits again.fits
    [[ -z $(ls -d -- *.part 2>/dev/null) ]] || fail "left behind: $(ls)"
}

# A disk that is full while outputs are written, stood in for by a limit on the size of files.
case_full_disk() {
    skip_where_files_are_needed
    make_exposure
    local before
    before=$(ls)
    for kilobytes in 1 20 100; do
        for command in "extract --psf psf.fits --image preproc.fits -o new.fits --model" \
            "simulate --psf psf.fits -o new.fits" "psf -o new.fits --fibers 500"; do
            # shellcheck disable=SC2086 # the words of the command
            said=$(
                allow_files_of "$kilobytes"
                "$spectra" $command 2>&1 >/dev/null
            )
            code=$?
            [[ $code == 1 ]] || fail "exit code $code at $kilobytes kB of: $command"
            [[ $said == "destrier-spectra: cannot write "* ]] || fail "of: $command -- $said"
            [[ $(ls) == "$before" ]] || fail "left behind by: $command -- $(ls)"
        done
    done
}

# A batch system's SIGTERM in the middle of the work.
case_interrupted() {
    succeeds psf -o psf.fits --rows 8192
    succeeds simulate --psf psf.fits -o preproc.fits
    rm out
    "$spectra" extract --psf psf.fits --image preproc.fits -o frame.fits --algorithm eigh --threads 1 2>said >/dev/null &
    local process=$!
    sleep 1
    kill -TERM "$process"
    wait "$process"
    local code=$?
    [[ $code == 143 ]] || fail "exit code $code, expected 143"
    [[ $(cat said) == "destrier-spectra: interrupted, nothing half-written is left" ]] || fail "said: $(cat said)"
    [[ $(ls | tr '\n' ' ') == "preproc-truth.fits preproc.fits psf.fits said " ]] || fail "left behind: $(ls)"

    has_mpi || return
    mpirun --oversubscribe -n 2 "$spectra" extract --psf psf.fits --image preproc.fits -o frame.fits --algorithm eigh \
        --threads 1 2>said >/dev/null &
    process=$!
    sleep 2
    kill -TERM "$process"
    wait "$process" && fail "exit code 0 of mpirun"
    [[ $(grep -c "^destrier-spectra: interrupted" said) == 1 ]] || fail "said: $(cat said)"
    [[ $(ls | tr '\n' ' ') == "preproc-truth.fits preproc.fits psf.fits said " ]] || fail "left behind: $(ls)"
}

# The simulated exposure of a real PSF and sky, against gpu_specter and the truth.
case_real() {
    local psf=$data/psf-r0-00051060.fits preproc=$data/preproc-r0-bundle00.fits.gz
    local reference=$data/reference-r0-bundle00.fits.gz
    if [[ ! -r $psf || ! -r $preproc || ! -r $reference ]]; then
        echo "skipped: no files in ${data:-any directory}"
        exit 77
    fi
    local grid=(--wavelength 5760:7620:0.8)
    succeeds extract --psf "$psf" --image "$preproc" -o frame.fits --fibers 0:25 "${grid[@]}"
    says "235 patches"
    holds "bins == 58150 && mean > -0.02 && mean < 0.02 && std > 0.97 && std < 1.03" pulls frame.fits "$reference"
    holds "bins == 58150 && pull < 5e-4 && center < 1e-4" against frame.fits "$reference"
    holds "wrong == 0" bits frame.fits
    succeeds extract --psf "$psf" --image "$preproc" -o eigh.fits --fibers 10:15 "${grid[@]}" --algorithm eigh
    holds "bins == 11630 && pull < 5e-4 && center < 1e-4" against eigh.fits "$reference" 10

    # And an exposure of one's own from the same files.
    succeeds simulate --psf "$psf" --sky "$data/sky-uves.fits" --throughput "$data/throughput.fits" -o own.fits \
        --fibers 50:60 --wavelength 6200:6600:0.8
    succeeds extract --psf "$psf" --image own.fits -o own_frame.fits --fibers 50:60 --wavelength 6200:6600:0.8
    holds "bins > 4900 && mean > -0.05 && mean < 0.05 && std > 0.96 && std < 1.04" pulls own_frame.fits own-truth.fits
}

"case_$case"
[[ $failures == 0 ]] && echo "passed: $case"
exit $((failures > 0))
