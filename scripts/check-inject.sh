#!/bin/sh
# SPDX-License-Identifier: MIT
# Has each allocation and each system call of the library fail once, in each case of each test.
# usage: check-inject.sh BUILD [options of tests/inject/inject.py]
set -eu

cd "$(dirname "$0")/.."
build=$1
shift
ninja -C "$build" inject
find "$build/tests/inject" -name 'inject-*' -type f -perm -u=x | sort |
    xargs python3 tests/inject/inject.py "$@" tests/inject/exceptions.txt
