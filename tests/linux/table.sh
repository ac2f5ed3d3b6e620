#!/bin/sh
# SPDX-License-Identifier: MIT
# The table of functions in docs/porting.md is complete. In TAP; skipped if the kernel's source is
# not there.
# usage: table.sh SOURCE_ROOT BUILD_ROOT
set -eu
kernel=$2/linux/kernel
status=0
why=$(sh "$1/scripts/linux-source.sh" "$kernel") || status=$?
if [ $status -eq 77 ]; then
    echo "1..0 # SKIP $why"
    exit 0
fi
[ $status -eq 0 ] || exit $status
exec python3 "$1/tests/linux/table.py" "$kernel" "$1"
