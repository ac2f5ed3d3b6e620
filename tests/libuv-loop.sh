#!/bin/sh
# SPDX-License-Identifier: MIT
# The example with a libuv loop says how each of its jobs ended, in whatever order.
# usage: libuv-loop.sh SOURCE_ROOT [LIBUV_LOOP_PROGRAM]
set -eu
if [ -z "${2:-}" ]; then
    echo 'skipped: libuv (libuv1-dev) was not there when this was built'
    exit 77
fi
output=$("$2")
[ "$(printf '%s\n' "$output" | sort)" = 'job 0: 1 words
job 1: 3 words
job 2 failed: No data available
job 3: 0 words' ] || { echo "$2 says: $output"; exit 1; }
