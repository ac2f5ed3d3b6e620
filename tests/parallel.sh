#!/bin/sh
# SPDX-License-Identifier: MIT
# The example that submits to several engines gets the right sum, and the error of the one that fails.
# usage: parallel.sh SOURCE_ROOT PARALLEL_PROGRAM
set -eu
output=$("$2")
# n (n + 1) (2 n + 1) / 6 for a million
[ "$output" = 'the job is done: the sum of the squares is 333333833333500000
engine 2 failed: Bad address
the job failed: Bad address' ] || { echo "$2 says: $output"; exit 1; }
