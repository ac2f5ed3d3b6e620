#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: mutant.sh TEST [ARGUMENT]...
# Succeeds if the test, built on a mutant, fails, crashes or hangs, and says which. It is not waited
# for after the first of its cases that fails. Is skipped if the test says that it has left something
# out here, and the rest of it sees nothing.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

mkfifo "$folder/output"
timeout -s KILL 20 "$@" >"$folder/output" 2>&1 &
pid=$!
failed=
skipped=
while [ -z "$failed" ] && read -r line; do
    case $line in
        'not ok'*) failed=$line ;;
        *'# SKIP'*) skipped=$line ;;
    esac
done <"$folder/output"
if [ -n "$failed" ]; then
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    echo "caught: $failed"
    exit 0
fi
wait $pid
status=$?
case $status in
    0)
        [ -z "$skipped" ] || { echo "$skipped"; exit 77; }
        echo "survived"
        exit 1
        ;;
    124 | 137) echo "caught: hangs" ;;
    126 | 127) echo "cannot be run"; exit 1 ;;
    *) echo "caught: ends with status $status" ;;
esac
