#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared libraries export what their public headers declare and nothing else; the static ones
# have no name outside the library's own prefix, bar one of <sys/sdt.h>; the soname is there.
# usage: symbols.sh SOURCE_ROOT BUILD_ROOT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# A declaration at the head of a line, that is no inline function: its name is before the "(".
library() { # path without suffix, what a declaration's name is like, own prefixes, header...
    path=$1 declared=$2 prefixes=$3
    shift 3
    cat "$@" | grep -v '^static inline' |
        sed -n "s/^[a-z][a-z0-9_ ]*[ *]\\($declared\\)(.*/\\1/p" | sort -u >"$folder/declared"
    nm -D --defined-only "$path.so" |
        awk '$2 ~ /[A-Z]/ && $2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        sort -u >"$folder/exported"
    [ -s "$folder/declared" ]
    diff "$folder/declared" "$folder/exported"
    echo "${path##*/}: $(wc -l <"$folder/exported") names declared and exported"

    nm --defined-only "$path.a" 2>/dev/null | awk '$2 ~ /[A-Z]/ { print $3 }' |
        grep -Ev "^($prefixes|_\\.stapsdt\\.base\$)" && {
        echo "the static library has names of others' kind"
        exit 1
    }
    objdump -p "$path.so" | grep SONAME | grep "${path##*/}\\.so\\.[0-9]*\$"
}

library "$2/libdmafence" 'dma_[a-z]*_[a-z_]*' 'dma_(fence|resv|ww)_' "$1"/include/dmafence/*.h
if [ -e "$2/softgpu/libsoftgpu.so" ]; then
    library "$2/softgpu/libsoftgpu" 'softgpu_[a-z0-9_]*' 'softgpu_' \
        "$1"/softgpu/include/softgpu/*.h
fi
