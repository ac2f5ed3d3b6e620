#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the targets of tests/fuzz under libFuzzer, with AddressSanitizer and UndefinedBehaviorSanitizer,
# for so many minutes in all, JOBS at a time (2, unless told). Inputs that come to something new stay
# in FOLDER/inputs, for the next time; what crashes, hangs, leaks, or takes too much memory goes to
# FOLDER/findings, and is named in a line. Ends with a summary; with 1 if anything was found.
# usage: [JOBS=N] fuzz.sh [-m MINUTES] [-k] FOLDER [TARGET]...
# -k: keeps: instead, the smallest set of inputs that comes to what all that there are come to
#     replaces that of the repository, of each target.
set -eu
usage() {
    echo "usage: [JOBS=N] fuzz.sh [-m MINUTES] [-k] FOLDER [TARGET]..." >&2
    exit 2
}

minutes=10 keep=
while getopts m:k option; do
    case $option in
        m) minutes=$OPTARG ;;
        k) keep=yes ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
jobs=${JOBS:-2}
for number in "$minutes" "$jobs"; do
    case $number in
        '' | *[!0-9]* | 0*) usage ;;
    esac
done
[ $# -gt 0 ] || usage
folder=$1
shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)
for target in "$@"; do
    if [ ! -d "tests/fuzz/corpus/$target" ]; then
        echo "error: there is no target '$target', but there are: $(ls tests/fuzz/corpus | xargs)" >&2
        exit 2
    fi
done

log=$folder/build.log
if [ ! -f "$folder/build.ninja" ]; then
    CC=clang-14 meson setup "$folder" -Dfuzz=true -Dtests=enabled -Dbench=disabled \
        -Dexamples=disabled -Dsoftgpu=enabled -Db_sanitize=address,undefined -Db_lundef=false \
        >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
ninja -C "$folder" fuzzers >"$log" 2>&1 || { cat "$log"; exit 1; }
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

fuzzer() { # target, arguments...
    name=$1
    shift
    # What an input may take, in seconds and MiB.
    "$folder/tests/fuzz/fuzz-$name" -timeout=20 -rss_limit_mb=2560 -verbosity=1 "$@"
}

if [ -n "$keep" ]; then
    for target in "$@"; do
        kept=$folder/kept
        rm -rf "$kept"
        mkdir -p "$folder/inputs/$target" "$kept"
        # How often a place was passed makes no difference: there would be many times as many.
        fuzzer "$target" -set_cover_merge=1 -use_counters=0 "$kept" "tests/fuzz/corpus/$target" \
            "$folder/inputs/$target" >"$folder/$target.log" 2>&1 ||
            { cat "$folder/$target.log"; exit 1; }
        rm -rf "tests/fuzz/corpus/$target"
        mv "$kept" "tests/fuzz/corpus/$target"
        echo "$target: $(ls "tests/fuzz/corpus/$target" | wc -l) inputs"
    done
    exit 0
fi

[ $# -ge "$jobs" ] || jobs=$#
seconds=$((minutes * 60 * jobs / $#))
findings=$folder/findings
mkdir -p "$findings"
echo "Fuzzing $# targets, $jobs at a time, $seconds s each"

one() { # target
    target=$1 dictionary=tests/fuzz/$1.dict
    mkdir -p "$folder/inputs/$target"
    set -- -max_total_time="$seconds" -print_final_stats=1
    [ ! -f "$dictionary" ] || set -- "$@" -dict="$dictionary"
    status=0
    fuzzer "$target" "$@" -artifact_prefix="$findings/$target-" "$folder/inputs/$target" \
        "tests/fuzz/corpus/$target" >"$folder/$target.log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        input=$(sed -n 's/.*Test unit written to //p' "$folder/$target.log" | tail -n 1)
        why=$(sed -n 's/^SUMMARY: //p; /: does not hold: /p' "$folder/$target.log" | head -n 1)
        echo "$target: ${why:-exit status $status}: ${input:-see $folder/$target.log}" |
            tee "$folder/$target.failed"
    fi
}

# As many at a time as there are jobs: each takes the next. What an earlier run has left says nothing.
for target in "$@"; do
    rm -rf "$folder/turn-$target" "$folder/$target.failed"
    : >"$folder/$target.log"
done
worker() {
    for target in "$@"; do
        mkdir "$folder/turn-$target" 2>/dev/null || continue
        one "$target"
    done
}
job=0
while [ "$job" -lt "$jobs" ]; do
    job=$((job + 1))
    worker "$@" &
done
wait
for target in "$@"; do rm -rf "$folder/turn-$target"; done

stat_of() { # target, name
    sed -n "s/^stat::$2: *//p" "$folder/$1.log" | tail -n 1
}
found=0
printf '%-18s %12s %8s %9s %9s\n' target executions seconds coverage findings
for target in "$@"; do
    executions=$(stat_of "$target" number_of_executed_units)
    took=$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$folder/$target.log" | tail -n 1)
    if [ -z "$took" ] && [ ! -f "$folder/$target.failed" ]; then
        echo "$target: has not come to its end" | tee "$folder/$target.failed"
    fi
    failed=0
    [ ! -f "$folder/$target.failed" ] || failed=1
    found=$((found + failed))
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$folder/$target.log" | tail -n 1)
    printf '%-18s %12s %8s %9s %9s\n' "$target" "${executions:--}" \
        "${took:--}" "${covered:--}" "$failed"
done
if [ "$found" -gt 0 ]; then
    echo "error: of $# targets $found have a finding: see $findings" >&2
    exit 1
fi
