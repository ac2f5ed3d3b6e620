#!/bin/sh
# SPDX-License-Identifier: MIT
# Has allocations and system calls of the library fail, one at a time, in the cases of each test.
# usage: check-inject.sh BUILD [options of tests/inject/inject.py]
set -eu

cd "$(dirname "$0")/.."
build=$1
shift
ninja -C "$build" inject
find "$build/tests/inject" -name 'inject-*' ! -name inject-faulty -type f -perm -u=x -print0 | sort -z |
    xargs -0 python3 tests/inject/inject.py "$@" tests/inject/exceptions.txt
