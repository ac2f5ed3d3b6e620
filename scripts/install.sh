#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what has been set up in a build folder.
# usage: install.sh BUILD PREFIX [DESTDIR]
set -eu
build=$1 prefix=$2 destdir=${3:-}

case $prefix in
    /*) ;;
    *) echo "error: PREFIX must be an absolute path, not '$prefix'" >&2; exit 1 ;;
esac
case $destdir in
    '' | /*) ;;
    *) destdir=$PWD/$destdir ;;
esac
unset DESTDIR

meson configure "$build" "-Dprefix=$prefix"
if [ -n "$destdir" ]; then
    meson install -C "$build" --destdir "$destdir"
else
    meson install -C "$build"
    # So that programs find it. Fails without root, when there is nothing that it could do, either.
    ldconfig 2>/dev/null || true
fi
