#!/bin/sh
# SPDX-License-Identifier: MIT
# Static analysis of what is installed: clang-tidy, cppcheck, and gcc's -fanalyzer. Fails if any of
# them finds what is not in analyze-known.txt; ends in 'N findings'.
# usage: analyze.sh [build folder prefix] [file...]
set -eu

cd "$(dirname "$0")/.."
folder=${1:-build}-analyze
[ $# -eq 0 ] || shift

# Configured as clang sees it, for clang-tidy; without the tests.
if [ ! -f "$folder/build.ninja" ]; then
    CC=clang-14 meson setup "$folder" -Dtests=disabled -Dbench=disabled -Dexamples=disabled \
        -Dsoftgpu=enabled >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    mv "$folder.log" "$folder/setup.log"
fi
# What is generated is included. This also configures it again if need be.
ninja -C "$folder" tools/page.h >"$folder/ninja.log" || { cat "$folder/ninja.log"; exit 1; }
python3 scripts/analyze.py "$folder" "$@"
