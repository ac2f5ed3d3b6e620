#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles by itself, as C11 and as C++17, without a warning.
# usage: headers.sh SOURCE_ROOT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
warnings='-Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow'

for header in "$1"/include/dmafence/*.h "$1"/softgpu/include/softgpu/*.h; do
    name=${header%/*}
    name=${name##*/}/${header##*/}
    # Twice, for the include guard.
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" \
        >"$folder/header.c"
    cp "$folder/header.c" "$folder/header.cc"
    # shellcheck disable=SC2086 # a list of words
    for compiler in "${CC:-cc}" clang; do
        command -v "$compiler" >/dev/null || continue
        "$compiler" -std=c11 $warnings -I"$1/include" \
            -I"$1/softgpu/include" -c "$folder/header.c" -o "$folder/header.o"
        echo "$name: $compiler, C11"
    done
    # shellcheck disable=SC2086
    for compiler in "${CXX:-c++}" clang++; do
        command -v "$compiler" >/dev/null || continue
        "$compiler" -std=c++17 $warnings -I"$1/include" \
            -I"$1/softgpu/include" -c "$folder/header.cc" \
            -o "$folder/header.o"
        echo "$name: $compiler, C++17"
    done
done
