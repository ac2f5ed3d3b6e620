#!/bin/sh
# SPDX-License-Identifier: MIT
# A failure is printed with its steps and a line that runs them again; wrong arguments are refused.
# usage: replay.sh MODEL
set -u
model=$1
fail() { echo "$*"; exit 1; }

for pair in LOST_WAKEUP:array/array-arm-1 EARLY_SIGNALED:array/array-query-2 \
    RACY_POSITION:array/array-passed-member SIGNAL_WAKES_NOBODY:fence/signal-wait \
    FREED_TOO_SOON:rcu/defer-reader; do
    mutant=${pair%:*}
    output=$("$model" --mutant $mutant "${pair#*:}") && fail "$mutant: nothing is found"
    what=$(printf '%s\n' "$output" | sed -n '/^not ok/{n;s/^# [a-z ]*: //p;q}')
    again=$(printf '%s\n' "$output" | sed -n 's/^# again: [^ ]* //p' | head -n 1)
    [ -n "$what" ] && [ -n "$again" ] || fail "$mutant: no failure, or no line to run it again: $output"
    printf '%s\n' "$output" | grep -q '^ *2  [a-dgm]  ' || fail "$mutant: no steps: $output"
    # The line is for a shell, quotes and all.
    replayed=$(eval "\"$model\" $again") && fail "$mutant: run again nothing is wrong: $again"
    printf '%s\n' "$replayed" | tail -n 1 | grep -qF "$(printf '%s' "$what" | cut -c 1-40)" ||
        fail "$mutant: run again it is not '$what': $replayed"
done

refused() { # status, text, arguments...
    status=$1 text=$2
    shift 2
    output=$("$model" "$@" 2>&1)
    [ $? -eq "$status" ] || fail "$*: another exit status than $status: $output"
    printf '%s\n' "$output" | grep -q "$text" || fail "$*: does not say '$text': $output"
}
refused 2 'there is no scenario' array/no-such
refused 2 'there is no scenario' array no-such
refused 2 'there is no mutant' --mutant NO_SUCH array
refused 2 'there is no mutant' --hunt NO_SUCH
refused 2 usage --no-such
refused 2 usage --replay array/array-arm-1
refused 2 'is not one scenario' --replay array a1
refused 2 'is not a number' --random many
refused 1 'does not fit' --replay array/array-arm-1 zzz
refused 1 'does not fit' --replay classic/store-buffering d1
refused 1 'goes on behind the end' --replay classic/store-buffering a2b2m1a1
