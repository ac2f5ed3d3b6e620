#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports what the public headers declare and nothing else; the static one has
# no name outside the library's own prefix, bar one of <sys/sdt.h>; the soname is there.
# usage: symbols.sh SOURCE_ROOT BUILD_ROOT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# A declaration at the head of a line, that is no inline function: its name is before the "(".
cat "$1"/include/dmafence/*.h | grep -v '^static inline' |
    sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(dma_[a-z]*_[a-z_]*\)(.*/\1/p' | sort -u >"$folder/declared"
nm -D --defined-only "$2/libdmafence.so" |
    awk '$2 ~ /[A-Z]/ && $2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort -u >"$folder/exported"
[ -s "$folder/declared" ]
diff "$folder/declared" "$folder/exported"
echo "$(wc -l <"$folder/exported") names declared and exported"

nm --defined-only "$2/libdmafence.a" 2>/dev/null | awk '$2 ~ /[A-Z]/ { print $3 }' |
    grep -Ev '^(dma_(fence|resv|ww)_|_\.stapsdt\.base$)' && { echo "the static library has names of others' kind"; exit 1; }
objdump -p "$2/libdmafence.so" | grep SONAME | grep 'libdmafence\.so\.[0-9]*$'
