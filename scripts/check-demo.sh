#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the demo many times, with fences and without: every frame has to be identical with them, and
# some frame of each run wrong without.
# usage: check-demo.sh [-n TIMES] PROGRAM [OPTION]...	the options are the demo's
set -eu

times=1000
if [ "${1:-}" = -n ]; then
    times=$2
    shift 2
fi
program=$1
shift

run=0
while [ "$run" -lt "$times" ]; do
    run=$((run + 1))
    status=0
    "$program" demo --quiet "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        echo "error: run $run of $times with fences ended with status $status" >&2
        exit 1
    fi
    status=0
    "$program" demo --quiet --no-fences "$@" 2>/dev/null || status=$?
    if [ "$status" -ne 3 ]; then
        echo "error: run $run of $times without fences ended with status $status, not 3" >&2
        exit 1
    fi
    [ $((run % 50)) -ne 0 ] || echo "$run of $times runs"
done
echo "$times runs with fences: every frame identical; $times without: wrong frames in each"
