#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the kernel's own tests of its fences on the library, many times in a row: as they are, and
# under AddressSanitizer with UndefinedBehaviorSanitizer; and compares the list of functions in
# docs/porting.md with the kernel's headers. One line for each subtest; the last line is
# 'N passed, N failed'.
# usage: check-linux.sh [-n times] [build folder prefix]
# LINUX_SRC names a tree or a tarball of the kernel's source, instead of the package's.
set -eu
usage() {
    echo "usage: check-linux.sh [-n times] [build folder prefix]" >&2
    exit 2
}

times=1
while getopts n: option; do
    case $option in
        n) times=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
case $times in
    '' | *[!0-9]* | 0*) usage ;;
esac
case ${LINUX_SRC:-/} in
    /*) ;;
    *) LINUX_SRC=$PWD/$LINUX_SRC && export LINUX_SRC ;;
esac
cd "$(dirname "$0")/.."
prefix=${1:-build}
case $prefix in
    /*) root= ;;
    *) root=$PWD/ ;;
esac
log=$(mktemp)
trap 'rm -f "$log" "$log.all"' EXIT INT TERM

# Adds up what was said about each subtest, in the order in which it was first said.
summary() { # how the tests were built
    awk -v lane="$1" '
        /^(ok|not ok) / {
            good = /^ok/
            sub(/^(not )?ok [0-9]+ - /, "")
            if (!($0 in total))
                names[++count] = $0
            total[$0]++
            bad[$0] += !good
        }
        END {
            for (i = 1; i <= count; i++) {
                name = names[i]
                printf "%s  %s: %s (%d of %d)\n", bad[name] ? "FAIL" : "ok  ", lane, name,
                    total[name] - bad[name], total[name]
            }
        }'
}

run() { # how the tests were built, command...
    lane=$1 status=0
    shift
    "$@" >"$log" || status=$?
    grep -v '^ok\|^1\.\.[1-9]' "$log" || true
    if grep -q '^1\.\.0 # SKIP' "$log"; then
        echo "error: there is no source of the kernel" >&2
        exit 1
    fi
    # It crashed, did not compile, or has leaked, say.
    if [ $status -ne 0 ] && ! grep -q '^not ok' "$log"; then
        echo "not ok 0 - exit status $status" >>"$log"
    fi
    summary "$lane" <"$log" | tee -a "$log.all"
}

lane() { # folder, how, sanitizers, meson options...
    folder=$1 how=$2 sanitizers=$3
    shift 3
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" "$@" >"$log" || { cat "$log"; exit 1; }
    elif [ $# -gt 0 ]; then
        meson configure "$folder" "$@"
    fi
    ninja -C "$folder" libdmafence.a compat/libdmafence-linux.a >"$log" || { cat "$log"; exit 1; }
    ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1 \
        run "$how" sh tests/linux/subtests.sh "$PWD" "$root$folder" "$sanitizers" "$times"
}

: >"$log.all"
lane "$prefix" plain none
lane "$prefix-address" sanitizers address,undefined -Db_sanitize=address,undefined -Db_lundef=false
run 'docs/porting.md' sh tests/linux/table.sh "$PWD" "$root$prefix"
passed=$(grep -c '^ok' "$log.all" || true)
failed=$(grep -c '^FAIL' "$log.all" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
