#!/bin/sh
# SPDX-License-Identifier: MIT
# The example that copies: files of awkward sizes; and it says clearly what is wrong with bad input.
# usage: copy.sh SOURCE_ROOT COPY_PROGRAM
set -eu
copy=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

for size in 0 1 65535 65536 65537 262144 262145 5000000; do
    head -c "$size" /dev/urandom >"$folder/original"
    rm -f "$folder/copy"
    "$copy" "$folder/original" "$folder/copy"
    cmp "$folder/original" "$folder/copy"
done

fails() { # message, arguments...
    message=$1
    shift
    if output=$("$copy" "$@" 2>&1); then
        echo "copy $*: succeeds"
        exit 1
    fi
    case $output in
        *"$message"*) ;;
        *) echo "copy $*: says '$output' instead of '$message'"; exit 1 ;;
    esac
    [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ]
}
fails 'usage:'
fails 'usage:' one
fails 'cannot open' "$folder/nothing" "$folder/copy"
fails 'not a regular file' "$folder" "$folder/copy"
fails 'cannot create' "$folder/original" "$folder/original"
fails 'cannot create' "$folder/original" "$folder/no/folder"

# A full device: the error of the one side ends both.
if [ -w /dev/full ]; then
    ln -s /dev/full "$folder/full"
    fails 'cannot create' "$folder/original" "$folder/full"
fi
