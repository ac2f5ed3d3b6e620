#!/bin/sh
# SPDX-License-Identifier: MIT
# Copies a file with the example program, and compares the copy with the original.
# usage: demo.sh program [file]		without a file it makes one of 64 MiB of random bytes
set -eu

program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

if [ -n "${2:-}" ]; then
    original=$2
else
    original=$folder/original
    head -c 67108864 /dev/urandom >"$original"
fi
"$program" "$original" "$folder/copy"
if cmp "$original" "$folder/copy"; then
    echo "The copy is the original, byte for byte."
else
    echo "error: the copy differs from the original" >&2
    exit 1
fi
