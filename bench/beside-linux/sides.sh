#!/bin/sh
# SPDX-License-Identifier: MIT
# The two sides of bench-linux show their tables and nothing else, and neither finds a fence function
# outside of itself: so neither runs the other's.
# usage: sides.sh SIDE_LINUX SIDE_DMAFENCE
set -eu

symbols() { # module, option of nm
    nm -D "$2" "$1" | sed 's/.* //; s/@.*//' | sort
}

[ "$(symbols "$1" --defined-only | tr '\n' ' ')" = 'bench_shims bench_side ' ]
[ "$(symbols "$2" --defined-only | tr '\n' ' ')" = 'bench_side ' ]
for side in "$1" "$2"; do
    if symbols "$side" --undefined-only | grep -E '^(dma|ww|peer)_'; then
        echo "$side has these from outside"
        exit 1
    fi
done
# And each is what its name says.
symbols "$1" --undefined-only | grep -q '^urcu_qsbr_'
symbols "$2" --undefined-only | grep -q '^urcu_bp_'
