#!/bin/sh
# SPDX-License-Identifier: MIT
# How much of the code the tests run: builds it with counters, runs all tests but those of mutants and
# of the scheduler, which compile the code once more in a form of their own, and hands what was
# counted to coverage.py. Exits with 1 if a test failed, or too little is run.
# usage: coverage.sh [build folder prefix]
set -u

cd "$(dirname "$0")/.." || exit 1
folder=${1:-build}-coverage
status=0

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
${CC:-cc} -O2 -c tests/coverage/exit.c -o "$folder/exit.o" || exit 1

# Without the optimiser, which merges branches, and leaves out functions. All threads count.
set -- -Dtests=enabled -Dbench=disabled -Dexamples=enabled -Dwerror=true -Db_coverage=true \
    -Doptimization=0 "-Dc_args=-fprofile-update=atomic -DCOVERAGE" \
    "-Dc_link_args=--coverage $folder/exit.o"
if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" "$@" || exit 1
else
    meson configure "$folder" "$@" || exit 1
fi
# What is to be built is read from it: not from what it was before the sources were changed.
ninja -C "$folder" build.ninja >/dev/null || exit 1
targets=$(python3 scripts/coverage.py --targets "$folder" mutants model) || exit 1
# shellcheck disable=SC2086 # a list of words
ninja -C "$folder" $targets || exit 1

# Not what an earlier run has counted.
find "$folder" -name '*.gcda' -exec rm -f {} +
# Counting takes time. The kernel's own tests are linked by their own script, without what counts.
meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 3 \
    --no-suite mutants --no-suite model --no-suite linux || status=1

mkdir -p "$folder/coverage"
gcovr --root . --filter 'src/' --filter 'include/' --filter 'softgpu/' --filter 'tools/' \
    --exclude-unreachable-branches --json "$folder/coverage.json" \
    --html-details "$folder/coverage/index.html" "$folder" || exit 1
echo "each line: $folder/coverage/index.html"
python3 scripts/coverage.py "$folder/coverage.json" tests/coverage/exceptions.txt || status=1
python3 scripts/count-tests.py "$folder" || status=1
exit $status
