#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library says of each probe where it is, and with as many arguments as it should have.
# usage: probes.sh SOURCE_ROOT BUILD_ROOT
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

if ! printf '#include <sys/sdt.h>\n' | ${CC:-cc} -E -x c - >/dev/null 2>&1; then
    echo 'there is no <sys/sdt.h>: the library has no probes'
    exit 77
fi
# Name and number of arguments, of those of this provider.
LC_ALL=C readelf -n "$2/libdmafence.so" | awk '
    $1 == "Provider:" { provider = $2 }
    $1 == "Name:" { name = $2 }
    $1 == "Arguments:" { print provider, name, NF - 1 }' | sort -u >"$folder/found"
cat >"$folder/expected" <<'EXPECTED'
dmafence callback 2
dmafence destroy 1
dmafence enable 1
dmafence init 3
dmafence signal 4
dmafence wait_any_begin 2
dmafence wait_any_end 2
dmafence wait_begin 1
dmafence wait_end 2
EXPECTED
diff "$folder/expected" "$folder/found"
