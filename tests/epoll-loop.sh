#!/bin/sh
# SPDX-License-Identifier: MIT
# The example with an epoll loop gets the callbacks of another process's fences in there, those of
# one that failed and of one whose engine went away among them.
# usage: epoll-loop.sh SOURCE_ROOT EPOLL_LOOP_PROGRAM
set -eu
output=$("$2")
[ "$(printf '%s\n' "$output" | sort)" = '5 fences were seen to by the loop
job 0: done
job 1: done
job 2: Input/output error
job 3: done
job 4: Owner died' ] || { echo "$2 says: $output"; exit 1; }
