#!/bin/sh
# SPDX-License-Identifier: MIT
# The dmafence command: what it exits with, that its complaints are one line that says what to do, and
# what 'info' says.
# usage: command.sh DMAFENCE VERSION
set -eu
dmafence=$1 version=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
unset DMA_FENCE_DEBUG DMA_FENCE_TRACE SOFTGPU_CHECK

# Exits with that status, and what it says on both is in $folder.
exits() { # status, arguments...
    expected=$1
    shift
    status=0
    "$dmafence" "$@" >"$folder/out" 2>"$folder/err" || status=$?
    [ "$status" = "$expected" ] || {
        echo "dmafence $*: exits with $status, not $expected"
        cat "$folder/err"
        exit 1
    }
}
says() { # file, text
    grep -qF -e "$2" "$folder/$1" || { echo "does not say '$2':"; cat "$folder/$1"; exit 1; }
}
silent() { # file
    [ ! -s "$folder/$1" ] || { echo "says something:"; cat "$folder/$1"; exit 1; }
}

for arguments in --help -h help 'help help' 'help demo' 'help info' 'demo --help' 'info --help' 'info -h'; do
    # shellcheck disable=SC2086 # a list of words
    exits 0 $arguments
    says out 'usage: dmafence'
    silent err
done
"$dmafence" help info >"$folder/help"
"$dmafence" info --help | cmp - "$folder/help"
for option in --version -V; do
    exits 0 $option
    [ "$(cat "$folder/out")" = "dmafence $version" ] || { cat "$folder/out"; exit 1; }
done
echo "helps"

# What makes no sense: one line, with where help is to be had, and nothing else.
makes_no_sense() { # what it says, where help is, arguments...
    says=$1 where=$2
    shift 2
    exits 2 "$@"
    silent out
    [ "$(wc -l <"$folder/err")" -eq 1 ] || { echo "not one line:"; cat "$folder/err"; exit 1; }
    says err "dmafence: $says"
    says err "(see '$where')"
}
exits 2
silent out
says err 'usage: dmafence'
makes_no_sense "there is no subcommand 'nonsense'" 'dmafence --help' nonsense
makes_no_sense "there is no subcommand 'dmeo', but there is 'demo'" 'dmafence --help' dmeo
makes_no_sense "there is no subcommand 'inf', but there is 'info'" 'dmafence --help' help inf
makes_no_sense "there is no subcommand ''" 'dmafence --help' ''
makes_no_sense "there is no option '--nonsense'" 'dmafence --help' --nonsense
makes_no_sense 'help of one' 'dmafence --help' help demo info
makes_no_sense "there is no option '-x'" 'dmafence info --help' info -jx
makes_no_sense "there is no option '--nonsense'" 'dmafence info --help' info --nonsense
makes_no_sense "there is no option '--json=3'" 'dmafence info --help' info --json=3
makes_no_sense "there is nothing to be done with 'more'" 'dmafence info --help' info --json more
makes_no_sense "there is no subcommand 'two?lines?'" 'dmafence --help' "two
lines$(printf '\033')"
makes_no_sense '' 'dmafence demo --help' demo --nonsense
makes_no_sense '' 'dmafence demo --help' demo --frames
makes_no_sense '' 'dmafence demo --help' demo --frames 0
makes_no_sense '' 'dmafence demo --help' demo nonsense
echo "complains"

if [ -w /dev/full ]; then
    for arguments in info 'info --json' --version --help; do
        status=0
        # shellcheck disable=SC2086
        "$dmafence" $arguments >/dev/full 2>"$folder/err" || status=$?
        [ "$status" = 1 ] || { echo "$arguments: what is not written is a success"; exit 1; }
        says err 'dmafence: cannot write: '
    done
    echo "says what it cannot write"
fi

exits 0 info
for text in 'version  ' 'lines of code in reports' 'kernel   ' 'CPUs that can be used' 'page size' \
    'clock source' 'compute engines' 'nothing is set'; do
    says out "$text"
done
DMA_FENCE_DEBUG=ledger SOFTGPU_CHECK=uaf "$dmafence" info >"$folder/out"
grep -Eq '^  DMA_FENCE_DEBUG +ledger$' "$folder/out"
grep -Eq '^    all of its words known +yes$' "$folder/out"
grep -Eq '^  SOFTGPU_CHECK +uaf$' "$folder/out"
DMA_FENCE_DEBUG=nonsense "$dmafence" info 2>/dev/null >"$folder/out"
grep -Eq '^    all of its words known +no$' "$folder/out"

# What is in the environment can be anything.
DMA_FENCE_TRACE=$(printf '%s/"\\\303\251\377\001.json' "$folder") "$dmafence" info --json >"$folder/json"
python3 - "$folder/json" "$version" <<'PYTHON'
import json
import os
import platform
import sys

info = json.loads(open(sys.argv[1], encoding="utf-8").read())
assert info["library"]["version"] == sys.argv[2], info["library"]
assert platform.release() in info["machine"]["kernel"], info["machine"]
assert info["machine"]["cpus"] == len(os.sched_getaffinity(0)), info["machine"]
assert info["machine"]["page_size"] == os.sysconf("SC_PAGESIZE"), info["machine"]
assert info["environment"]["DMA_FENCE_TRACE"].endswith('/"\\\u00e9\ufffd\x01.json'), info
assert info["softgpu"]["compute_engines"] > 1, info["softgpu"]
PYTHON
echo "informs"
