#!/bin/sh
# SPDX-License-Identifier: MIT
# kernel-source.py takes what it is to take, and says so when that is not what it should be.
# usage: kernel-source-test.sh KERNEL_SOURCE_PY
set -eu
script=$1
sums=$(dirname "$script")/kernel-files.sha256
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

files='dma-fence.c dma-fence-array.c dma-fence-chain.c dma-fence-unwrap.c dma-resv.c sort.c'
take() { # source
    # shellcheck disable=SC2086 # a list of words
    "$script" take "$1" "$folder/out" $files kernel-headers.h
}

fails_with() { # text, command...
    text=$1
    shift
    if output=$("$@" 2>&1); then echo "succeeds: $*"; exit 1; fi
    case $output in *"$text"*) ;; *) echo "does not say '$text': $output"; exit 1 ;; esac
}

# A tree, with a space in its name, in which every file has other contents than it should.
tree="$folder/a tree"
while read -r _ name; do
    mkdir -p "$tree/$(dirname "$name")"
    echo "/* $name */" >"$tree/$name"
done <"$sums"
output=$(take "$tree")
[ "$(echo "$output" | grep -c '^note: ')" = "$(wc -l <"$sums")" ]
[ "$(cat "$folder/out/dma-fence.c")" = '/* drivers/dma-buf/dma-fence.c */' ]
[ "$(cat "$folder/out/include/linux/dma-resv.h")" = '/* include/linux/dma-resv.h */' ]
[ "$(grep -c '^#include <linux/dma-.*\.h>$' "$folder/out/kernel-headers.h")" = 5 ]

# The same as a tarball.
tar -C "$folder" -cJf "$folder/tree.tar.xz" 'a tree'
rm -r "$folder/out"
[ "$(take "$folder/tree.tar.xz" | grep -c '^note: ')" = "$(wc -l <"$sums")" ]
[ "$(cat "$folder/out/sort.c")" = '/* lib/sort.c */' ]

# What is not as it should be.
rm "$tree/lib/sort.c"
fails_with 'cannot read lib/sort.c' take "$tree"
tar -C "$folder" -cJf "$folder/tree.tar.xz" 'a tree'
fails_with 'lib/sort.c is not in' take "$folder/tree.tar.xz"
echo nonsense >"$folder/tree.tar.xz"
fails_with 'cannot read' take "$folder/tree.tar.xz"
fails_with 'other sources' "$script" take "$tree" "$folder/out" sort.c

[ "$(LINUX_SRC=$tree "$script" find)" = "$tree" ]
export LINUX_SRC=/nonexistent
fails_with 'LINUX_SRC is /nonexistent' "$script" find
