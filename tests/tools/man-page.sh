#!/bin/sh
# SPDX-License-Identifier: MIT
# The man page is one, for whatever is there that reads man pages.
# usage: man-page.sh SOURCE_ROOT
set -eu
page=$1/tools/dmafence.1
checked=

quiet() { # what, command...
    what=$1
    shift
    said=$("$@" 2>&1) || { echo "$what fails: $said"; exit 1; }
    [ -z "$said" ] || { echo "$what warns: $said"; exit 1; }
    checked=yes
    echo "$what has nothing to say"
}

if command -v groff >/dev/null; then
    quiet groff groff -mandoc -Tutf8 -ww -z "$page"
fi
if command -v mandoc >/dev/null; then
    quiet mandoc mandoc -T lint -W warning "$page"
fi
# Bare systems have a man that only says that there are no man pages.
if text=$(MANPAGER=cat MANWIDTH=80 man --warnings -l "$page" 2>&1) &&
    echo "$text" | grep -q 'EXIT STATUS'; then
    if echo "$text" | grep -i warning; then exit 1; fi
    checked=yes
    echo "man shows it"
fi
[ -n "$checked" ] || { echo "there is no groff, mandoc or man"; exit 77; }
