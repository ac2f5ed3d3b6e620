#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: soak.sh [build folder prefix] [minutes] [seed]
# Everything at once, a third of the time as it is, a third under ThreadSanitizer and a third under
# AddressSanitizer with UndefinedBehaviorSanitizer. Without a seed each lane has another one, and
# says which. Ends in 'N passed, N failed'.
set -u

cd "$(dirname "$0")/.." || exit 1
prefix=${1:-build}
minutes=${2:-10}
seed=${3:-}
passed=0
failed=0
# In each lane: a third of them. None at all would be a run that nothing can fail in.
seconds=$(awk -v minutes="$minutes" 'BEGIN { print minutes * 20 }')
if ! printf '%s\n' "$minutes" | grep -Eqx '[0-9]+(\.[0-9]+)?' || [ "$seconds" = 0 ]; then
    echo "error: '$minutes' is no number of minutes above 0" >&2
    exit 2
fi

export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

lane() { # folder, meson options...
    folder=$1
    shift
    echo "== $folder"
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" "$@" >/dev/null
    else
        meson configure "$folder" "$@"
    fi &&
    ninja -C "$folder" tests/soak/soak >/dev/null &&
    "$folder/tests/soak/soak" --seconds "$seconds" \
        --seed "${seed:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}" &&
    passed=$((passed + 1)) || failed=$((failed + 1))
}

lane "$prefix" -Dtests=enabled
lane "$prefix-thread" -Dtests=enabled -Dbench=disabled -Dexamples=disabled \
    -Db_sanitize=thread -Db_lundef=false
lane "$prefix-address" -Dtests=enabled -Dbench=disabled -Dexamples=disabled \
    -Db_sanitize=address,undefined -Db_lundef=false

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
