#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the kernel's own tests of its fences, as they are, against the compat headers, and runs
# every subtest. In TAP; skipped if the kernel's source is not there.
# usage: subtests.sh SOURCE_ROOT BUILD_ROOT SANITIZERS [TIMES]
# SANITIZERS are those that the build was made with, or none.
set -eu
source=$1 build=$2 sanitizers=$3 times=${4:-1}
folder=$build/linux
kernel=$folder/kernel

status=0
why=$(sh "$source/scripts/linux-source.sh" "$kernel") || status=$?
if [ $status -eq 77 ]; then
    echo "1..0 # SKIP $why"
    exit 0
fi
[ $status -eq 0 ] || exit $status

# As the kernel is compiled. What it does not mind is not warned of.
flags="-std=gnu11 -O2 -g -pthread -D_GNU_SOURCE -fno-common -funsigned-char -fno-strict-aliasing
    -fwrapv -fno-delete-null-pointer-checks -Wall -Wno-unused-function -Wno-pointer-sign"
link=
case $sanitizers in
    none) ;;
    *) link="-fsanitize=$sanitizers" flags="$flags -fno-omit-frame-pointer $link" ;;
esac
for file in st-dma-fence st-dma-fence-chain st-dma-fence-unwrap st-dma-resv; do
    # shellcheck disable=SC2086 # lists of words
    ${CC:-cc} $flags -I"$source/compat" -I"$source/include" \
        -c "$kernel/drivers/dma-buf/$file.c" -o "$folder/$file.o"
done
# shellcheck disable=SC2086
${CC:-cc} $flags -I"$source/compat" -I"$source/include" -I"$kernel/drivers/dma-buf" \
    -c "$source/tests/linux/subtests.c" -o "$folder/subtests.o"
# shellcheck disable=SC2046,SC2086
${CC:-cc} -pthread $link "$folder"/*.o "$build/compat/libdmafence-linux.a" "$build/libdmafence.a" \
    $(pkg-config --libs liburcu-bp) -o "$folder/subtests"

export TSAN_OPTIONS="${TSAN_OPTIONS:-}:suppressions='$source/tests/linux/thread.supp'"
exec "$folder/subtests" -n "$times"
