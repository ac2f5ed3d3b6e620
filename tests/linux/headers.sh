#!/bin/sh
# SPDX-License-Identifier: MIT
# Each compat header compiles by itself; a signal_on_any that is true does not; and the run time has
# no names but those with its prefix, and needs none but the library's and the C library's.
# usage: headers.sh SOURCE_ROOT BUILD_ROOT
set -eu
source=$1 build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

compile() { # compiler, more flags...
    compiler=$1
    shift
    "$compiler" -std=gnu11 -Wall -Wextra -Werror "$@" -I"$source/compat" -I"$source/include" \
        -c "$folder/header.c" -o "$folder/header.o"
}

for header in $(cd "$source/compat" && find linux -name '*.h' | sort); do
    # Twice, for the include guard.
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$header" "$header" \
        >"$folder/header.c"
    for compiler in "${CC:-cc}" clang; do
        command -v "$compiler" >/dev/null || continue
        compile "$compiler"
        echo "$header: $compiler"
    done
done

cat >"$folder/header.c" <<'EOC'
#include <linux/dma-fence-array.h>

void *create(struct dma_fence **fences);

void *create(struct dma_fence **fences)
{
	return dma_fence_array_create(1, fences, 1, 1, ANY);
}
EOC
for compiler in "${CC:-cc}" clang; do
    command -v "$compiler" >/dev/null || continue
    for level in -O0 -O2; do
        compile "$compiler" $level -DANY=false
        if compile "$compiler" $level -DANY=true 2>"$folder/log"; then
            echo "$compiler $level: a signal_on_any that is true compiles"
            exit 1
        fi
        grep -q 'signal_on_any must be false' "$folder/log" || { cat "$folder/log"; exit 1; }
    done
done

nm --defined-only "$build/compat/libdmafence-linux.a" 2>/dev/null |
    awk '$2 ~ /[A-Z]/ { print $3 }' >"$folder/names"
[ -s "$folder/names" ]
if grep -v '^linux_' "$folder/names"; then
    echo "the run time has names of others' kind"
    exit 1
fi
