#!/bin/sh
# SPDX-License-Identifier: MIT
# The example with two timelines that two processes share uses complete frames only: all of them, or
# those before the one in which the producer is killed.
# usage: shared-frames.sh SOURCE_ROOT SHARED_FRAMES_PROGRAM
set -eu
expected() { # frame in which it is killed
    i=1
    while [ $i -lt "$1" ]; do
        echo "frame $i: complete"
        i=$((i + 1))
    done
    [ "$1" -eq 9 ] || echo "frame $1 is not used: Owner died"
}

output=$("$2")
[ "$output" = "$(expected 9)" ] || { echo "$2 says: $output"; exit 1; }
for frame in 1 2 3 8; do
    output=$("$2" $frame)
    [ "$output" = "$(expected $frame)" ] || { echo "$2 $frame says: $output"; exit 1; }
done
for bad in x 0 '1 2'; do
    # shellcheck disable=SC2086 # a list of words
    if output=$("$2" $bad 2>&1); then echo "$2 $bad succeeds"; exit 1; fi
    [ "$output" = 'usage: shared-frames [FRAME]' ]
done
