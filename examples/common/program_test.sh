# What tests of programs share; sourced with `program` set to the one under test. They run in a directory of their
# own that is gone afterwards, and count what went wrong in `failures`.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# is_watched_by SANITIZER: the program is compiled for it, asan or tsan.
is_watched_by() {
    grep -q "__$1_init" "$program"
}

# allow_files_of KILOBYTES: no file may grow beyond from here on, as on a full disk.
allow_files_of() {
    trap '' XFSZ
    ulimit -f "$1"
}

# The thread sanitizer writes a file of its own as programs start.
skip_where_files_are_needed() {
    if is_watched_by tsan; then
        echo "skipped: the thread sanitizer needs room for a file"
        exit 77
    fi
}

# succeeds ARGUMENTS: the program exits with 0; its output is left in `out`.
succeeds() {
    "$program" "$@" >out 2>&1 || fail "exit code $? of: $* -- $(cat out)"
}

# refuses CODE TEXT ARGUMENTS: the program exits with CODE, saying TEXT, and no file comes or goes.
refuses() {
    local expected=$1 text=$2 before said code
    shift 2
    before=$(ls -R)
    said=$("$program" "$@" 2>&1)
    code=$?
    [[ $code == "$expected" ]] || fail "exit code $code, expected $expected, of: $*"
    [[ $said == *"$text"* ]] || fail "of: $* -- expected '$text', got: $said"
    [[ $code == 2 || $(grep "^$(basename "$program"): " <<<"$said" | grep -vc warning:) == 1 ]] ||
        fail "not one line of: $* -- $said"
    [[ $(ls -R) == "$before" ]] || fail "files changed by: $* -- $(ls -R)"
}

# says TEXT: the last successful run has printed it.
says() {
    grep -qF -- "$1" out || fail "expected '$1' in: $(cat out)"
}

# same A B: the files hold the same bytes.
same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

# holds CONDITION ARGUMENTS: what the program named by `check` prints, name and value in turn, fulfils the condition,
# such as 'mean < 0.1 && std < 1'.
holds() {
    local condition=$1 found
    shift
    found=$("$check" "$@" 2>&1) || fail "$* -- $found"
    awk -v condition="$condition" '{
        for (i = 1; i < NF; ++i) if ($(i + 1) ~ /^[-+0-9.e]+$/) value[$i] = $(i + 1)
        n = split(condition, parts, " && ")
        for (k = 1; k <= n; ++k) {
            split(parts[k], word, " ")
            v = value[word[1]]
            if (v == "" || (word[2] == "<" && !(v + 0 < word[3] + 0)) || (word[2] == ">" && !(v + 0 > word[3] + 0)) ||
                (word[2] == "==" && v + 0 != word[3] + 0)) exit 1
        }
    }' <<<"$found" || fail "expected $condition of: $* -- $found"
}

# with_ranks N ARGUMENTS: under mpirun, where N may be more than there are cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
with_ranks() {
    local ranks=$1
    shift
    OMP_NUM_THREADS=1 mpirun --oversubscribe -n "$ranks" "$program" "$@"
}

# Whether there is an mpirun, and the program knows of it. From here on leaks do not count: Open MPI has its own.
has_mpi() {
    export ASAN_OPTIONS=detect_leaks=0
    [[ $(with_ranks 2 --version 2>/dev/null | wc -l) == 1 ]]
}

# Skips the rest of the case without.
require_mpi() {
    if ! has_mpi; then
        ((failures)) && exit 1
        echo "skipped: no mpirun, or a program without MPI"
        exit 77
    fi
}
