#!/bin/sh
# SPDX-License-Identifier: MIT
# The example with a poll loop says how each of its jobs ended, in whatever order.
# usage: poll-loop.sh SOURCE_ROOT POLL_LOOP_PROGRAM
set -eu
output=$("$2")
[ "$(printf '%s\n' "$output" | sed 's/, after [0-9]*\.[0-9]* ms$//' | sort)" = \
    'job 0: 9592 primes below 100000
job 1: 168 primes below 1000
job 2 failed: Numerical argument out of domain
job 3: 1229 primes below 10000' ] || { echo "$2 says: $output"; exit 1; }
