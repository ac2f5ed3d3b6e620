#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: mutant.sh TEST...
# Succeeds if one of the tests, built on a mutant, fails or hangs, and says how it was caught.
set -u
for test in "$@"; do
    # Indented, so that nobody takes its lines for our own results.
    output=$(timeout -s KILL 10 "$test" 2>&1)
    status=$?
    if [ $status -ne 0 ]; then
        printf '%s\n' "$output" | grep -m 3 -E '^not ok|^# .*[Ee]rror|^# .*!=' | sed 's/^/    /'
        [ $status -ge 124 ] && echo "hung"
        echo "caught by ${test##*/} (exit status $status)"
        exit 0
    fi
done
echo "survived"
exit 1
