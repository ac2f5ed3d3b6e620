#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: mutant.sh TEST [ARGUMENT]...
# Succeeds if the test, built on a mutant, fails, crashes or hangs, and says which. It is not waited
# for after the first of its cases that fails.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

mkfifo "$folder/output"
timeout -s KILL 20 "$@" >"$folder/output" 2>&1 &
pid=$!
if failed=$(grep -m 1 '^not ok' "$folder/output"); then
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    echo "caught: $failed"
    exit 0
fi
wait $pid
status=$?
case $status in
    0) echo "survived"; exit 1 ;;
    124 | 137) echo "caught: hangs" ;;
    126 | 127) echo "cannot be run"; exit 1 ;;
    *) echo "caught: ends with status $status" ;;
esac
