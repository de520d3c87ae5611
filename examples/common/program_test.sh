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
