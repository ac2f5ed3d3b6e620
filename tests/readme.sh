#!/bin/sh
# SPDX-License-Identifier: MIT
# The example in the README is examples/readme.c, to the letter, and says what the README says.
# usage: readme.sh SOURCE_ROOT README_PROGRAM
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$1/README.md" >"$folder/readme.c"
diff "$folder/readme.c" "$1/examples/readme.c"
[ "$("$2")" = hello ]
for word in 'make demo' 'make check' 'make bench'; do
    grep -q "$word" "$1/README.md" || { echo "README.md does not name '$word'"; exit 1; }
done
# Every file and folder that the documents link to is there.
for document in "$1"/README.md "$1"/docs/*.md; do
    for link in $(grep -o '](\([^)#:]*\))' "$document" | sed 's/](\(.*\))/\1/'); do
        [ -e "$(dirname "$document")/$link" ] || { echo "$document: no $link"; exit 1; }
    done
done
