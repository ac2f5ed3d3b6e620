#!/bin/sh
# SPDX-License-Identifier: MIT
# Takes what the tests with the kernel's own code need from the kernel's source: the tests of its
# fences, the headers that they are about, and its sync files that a program signals. None of it is
# in this repository.
# usage: linux-source.sh FOLDER
# From the package linux-source-6.12, or from the tree or tarball that LINUX_SRC names. Exits with
# 77, and says what to do, if neither is there.
set -eu
folder=$1
package=/usr/src/linux-source-6.12.tar.xz
from=${LINUX_SRC:-$package}

files=
for file in st-dma-fence.c st-dma-fence-chain.c st-dma-fence-unwrap.c st-dma-resv.c selftest.h \
    selftests.h sw_sync.c sync_debug.h sync_trace.h; do
    files="$files drivers/dma-buf/$file"
done
for header in dma-fence dma-fence-array dma-fence-chain dma-fence-unwrap dma-resv; do
    files="$files include/linux/$header.h"
done

if [ ! -e "$from" ]; then
    if [ -n "${LINUX_SRC:-}" ]; then
        echo "there is no $from, which LINUX_SRC names"
    else
        echo "the package linux-source-6.12 is not installed: install it, or name a tree or a" \
            "tarball of the kernel's source in LINUX_SRC"
    fi
    exit 77
fi

stamp="$from $(stat -c %Y "$from")$files"
if [ -f "$folder/from" ] && [ "$(cat "$folder/from")" = "$stamp" ] && [ ! -d "$from" ]; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
if [ -d "$from" ]; then
    for file in $files; do
        mkdir -p "$folder/$(dirname "$file")"
        cp "$from/$file" "$folder/$file"
    done
else
    # The first part of each name is the tarball's own.
    # shellcheck disable=SC2046,SC2086 # lists of words
    tar -xf "$from" -C "$folder" --strip-components=1 --wildcards $(printf '*/%s ' $files)
    # Others of that name further down in the tree.
    for file in $files; do
        [ -f "$folder/$file" ] || { echo "error: no $file in $from" >&2; exit 1; }
    done
fi
echo "$stamp" >"$folder/from"
