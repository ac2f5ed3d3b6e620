#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs all tests: as they are, under ThreadSanitizer, and under AddressSanitizer with
# UndefinedBehaviorSanitizer. The last line is 'N passed, N failed'.
# usage: check.sh [build folder prefix]
set -u

cd "$(dirname "$0")/.." || exit 1
prefix=${1:-build}
status=0

lane() { # folder, meson options...
    folder=$1
    shift
    echo "== $folder"
    # A folder that does not build has no log, which counts as a failure.
    rm -f "$folder/meson-logs/testlog.json"
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" "$@" || return
    else
        meson configure "$folder" "$@" || return
    fi
    ninja -C "$folder" || return
    meson test -C "$folder" --no-rebuild --print-errorlogs || status=1
}

lane "$prefix" -Dtests=enabled -Dbench=enabled -Dexamples=enabled -Dwerror=true
lane "$prefix-thread" -Dtests=enabled -Dbench=disabled -Dexamples=disabled -Dwerror=true \
    -Db_sanitize=thread -Db_lundef=false
lane "$prefix-address" -Dtests=enabled -Dbench=disabled -Dexamples=disabled -Dwerror=true \
    -Db_sanitize=address,undefined -Db_lundef=false

python3 scripts/count-tests.py "$prefix" "$prefix-thread" "$prefix-address" || status=1
exit $status
