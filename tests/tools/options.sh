#!/bin/bash
# SPDX-License-Identifier: MIT
# Help, man page and completion know the same subcommands and options, and the same variables of the
# environment as the sources. Completion completes.
# usage: options.sh SOURCE_ROOT DMAFENCE
set -eu
source=$1 dmafence=$(realpath "$2")
man=$source/tools/dmafence.1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# shellcheck source=/dev/null
. "$source/tools/completion/dmafence"

# What bash offers after these words, the last of which may be unfinished. One a line.
completions() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _dmafence
    printf '%s\n' "${COMPREPLY[@]}" | sort
}
same() { # what, file, file
    diff -u "$2" "$3" || { echo "$1: they differ"; exit 1; }
    [ -s "$2" ] || { echo "$1: there is nothing"; exit 1; }
    echo "$1: $(tr '\n' ' ' <"$2")"
}

# The long options that a line of help begins with, after short ones.
options_in_help() { # subcommand
    # shellcheck disable=SC2086 # nothing, or a word
    "$dmafence" $1 --help | sed -nE 's/^  (-[a-zA-Z], )?(--[a-z-]+).*/\2/p' | sort
}
# Those of the items of a part of the man page.
options_in_man() { # subcommand
    sed -n "/^\.Ss $1/,/^\.S[hs] [^$1]/p" "$man" |
        sed -nE 's/^\.It (Fl [a-z] , )?Fl Fl ([a-z-]+).*/--\2/p' | sort
}
for subcommand in demo info; do
    options_in_help $subcommand >"$folder/help"
    options_in_man $subcommand >"$folder/man"
    completions dmafence $subcommand -- >"$folder/completion"
    same "help and man page of $subcommand" "$folder/help" "$folder/man"
    same "help and completion of $subcommand" "$folder/help" "$folder/completion"
done

"$dmafence" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort >"$folder/help"
completions dmafence '' | grep -v -e -- | sort >"$folder/completion"
sed -nE 's/^\.Cm ([a-z]+)$/\1/p' "$man" | sort -u >"$folder/man"
same "subcommands in help and man page" "$folder/help" "$folder/man"
same "subcommands in help and completion" "$folder/help" "$folder/completion"
options_in_help '' >"$folder/help"
completions dmafence -- >"$folder/completion"
same "options without a subcommand" "$folder/help" "$folder/completion"

# What the libraries look for, but for the one that is libdw's. The compatibility layer is neither.
grep -rhoE 'getenv\("[A-Z_]+"' "$source/src" "$source/softgpu" | sed 's/.*"\(.*\)"/\1/' |
    grep -v DEBUGINFOD_URLS | sort -u >"$folder/sources"
sed -nE 's/^\.It Ev ([A-Z_]+)$/\1/p' "$man" | sort >"$folder/man"
same "variables in the sources and in the man page" "$folder/sources" "$folder/man"
while read -r name; do
    # In a folder of its own, for one of them is the name of a file.
    (cd "$folder" && env "$name=x" "$dmafence" info 2>/dev/null) | sed -nE "s/^  ($name) +x$/\1/p"
done <"$folder/sources" >"$folder/info"
same "variables in the sources and in info" "$folder/sources" "$folder/info"

# The words of DMA_FENCE_DEBUG.
sed -nE 's/^\t\{ "([a-z]+)", .*/\1/p' "$source/src/diag/words.c" | sort >"$folder/sources"
sed -n '/^\.It Ev DMA_FENCE_DEBUG/,/^\.It Ev DMA_FENCE_HANG/p' "$man" |
    sed -nE 's/^\.Ql ([a-z]+) :$/\1/p' | sort >"$folder/man"
same "words of DMA_FENCE_DEBUG" "$folder/sources" "$folder/man"

expect() { # what is expected, words...
    expected=$1
    shift
    offered=$(completions "$@" | tr '\n' ' ')
    [ "${offered% }" = "$expected" ] || { echo "$*: offers '$offered', not '$expected'"; exit 1; }
}
mkdir "$folder/files" "$folder/files/a folder"
cd "$folder/files"
touch 'clip one.y4m' clip.png other
expect demo dmafence d
expect 'demo info' dmafence help ''
expect demo dmafence help d
expect '' dmafence nonsense ''
expect '--frames' dmafence demo --fr
expect '--report' dmafence demo --quiet --rep
expect 'a folder clip one.y4m clip.png other' dmafence demo --input ''
expect 'clip one.y4m clip.png' dmafence demo --quiet --input cl
# As bash splits "--report=ot".
expect 'other' dmafence demo --report = ot
expect 'a folder clip one.y4m clip.png other' dmafence demo --trace =
expect 'png y4m' dmafence demo --encode ''
expect 'y4m' dmafence demo --encode y
expect '' dmafence demo --frames ''
expect '--quiet' dmafence demo --frames 3 --qu
expect '--json' dmafence info --j
[ "$(complete -p dmafence)" = 'complete -F _dmafence dmafence' ]
echo "completes"
