#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of the kernel's own sync files and sync objects where there are some for certain:
# on Debian's kernel in an emulated machine, with its drivers vgem and virtio-gpu, and sw_sync. What
# is downloaded for that is unpacked in the build folder, and not installed. The last line is
# 'N passed, N failed'. Exits with 77, and says why, if a package cannot be had.
# usage: check-qemu.sh [build folder prefix]
# LINUX_SRC names a tree or a tarball of the kernel's source, instead of the package's.
set -eu
seconds=180 # that the guest may take; it takes some ten
series=6.12
case ${LINUX_SRC:-/} in
    /*) ;;
    *) LINUX_SRC=$PWD/$LINUX_SRC && export LINUX_SRC ;;
esac
cd "$(dirname "$0")/.."
prefix=${1:-build}
mkdir -p "$prefix/qemu"
folder=$(cd "$prefix/qemu" && pwd)
log=$folder/log

skip() { # why
    echo "skipped: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
}

quietly() { # command...
    "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
}

# The kernel, and the headers that its modules are compiled with. The newest, once; no other is
# looked for as long as that is there.
unpack() { # package
    (cd "$folder/download" && apt-get download -q "$1") >"$log" 2>&1 || return 1
    dpkg-deb -x "$folder"/download/"$1"_*.deb "$folder/packages"
    rm "$folder"/download/"$1"_*.deb
}

get_kernel() {
    command -v apt-get >/dev/null || skip "there is no apt-get to get a kernel with"
    [ "$(id -u)" -ne 0 ] || apt-get update -q >"$log" 2>&1 || cat "$log"
    pattern="linux-image-\($series\.[0-9.]*+[a-z0-9.]*-amd64\)-unsigned"
    release=$(apt-cache search --names-only "^linux-image-$series" |
        sed -n "s/^$pattern .*/\1/p" | sort -V | tail -n 1)
    [ -n "$release" ] || skip "apt-get knows no package linux-image-$series*-amd64-unsigned"
    echo "Downloading Debian's kernel $release and its headers into $folder"
    rm -rf "$folder/packages" "$folder/download"
    mkdir -p "$folder/packages" "$folder/download"
    for package in "linux-image-$release-unsigned" "linux-headers-$release" \
        "linux-headers-${release%-amd64}-common" "linux-kbuild-${release%-amd64}"; do
        unpack "$package" || { cat "$log"; skip "the package $package cannot be had"; }
    done
    # They expect to be in /usr/src.
    headers=$folder/packages/usr/src/linux-headers-$release
    sed -i "s|^include /usr/src|include $folder/packages/usr/src|" "$headers/Makefile"
    quietly depmod -b "$folder/packages" "$release"
    echo "$release" >"$folder/release"
}

# sw_sync, from the kernel's source.
build_module() {
    status=0
    why=$(sh scripts/linux-source.sh "$folder/source") || status=$?
    [ $status -ne 77 ] || [ -n "${LINUX_SRC:-}" ] || skip "$why"
    [ $status -eq 0 ] || { echo "error: $why" >&2; exit 1; }
    module=$folder/source/drivers/dma-buf
    cp tests/qemu/sw-sync-module.c "$module/"
    # shellcheck disable=SC2016 # make's variable
    printf '%s\n' 'obj-m := sw_sync_module.o' 'sw_sync_module-y := sw_sync.o sw-sync-module.o' \
        'ccflags-y := -I$(src)' >"$module/Makefile"
    # Types for tracers (BTF) would take a program that is not needed for anything else.
    quietly make -C "$folder/packages/usr/src/linux-headers-$release" "M=$module" \
        CONFIG_DEBUG_INFO_BTF_MODULES= modules
}

# What the guest has in memory: busybox, the modules in the order in which they are loaded, the
# tests and the libraries that these are linked with: those of the kernel's sync files, with their
# mutants, and those of ours, which rely on what this kernel does with the times of a pipe.
make_initramfs() {
    root=$folder/root
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/modules" \
        "$root/tests" "$root/mutants"
    install -m 755 tests/qemu/init "$root/init"
    cp tests/mutant.sh "$root/"
    for driver in virtio-gpu vgem; do
        modprobe -d "$folder/packages" -S "$release" -D "$driver"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$folder/modules"
    while read -r path; do
        name=$(basename "$path" .xz)
        case $path in
            *.xz) xz -dc "$path" >"$root/modules/$name" ;;
            *) cp "$path" "$root/modules/$name" ;;
        esac
        echo "$name"
    done <"$folder/modules" >"$root/modules/order"
    strip --strip-debug -o "$root/modules/sw_sync.ko" "$module/sw_sync_module.ko"
    echo sw_sync.ko >>"$root/modules/order"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for program in "$prefix"/tests/kernel-mutant-*[A-Z]; do
        strip --strip-debug -o "$root/mutants/$(basename "$program")" "$program"
    done
    for name in $tests; do
        strip --strip-debug -o "$root/tests/$name" "$prefix/tests/test-$name"
    done
    # Their libraries, and the loader. The mutants are linked with the same.
    for program in "$root/bin/busybox" "$root"/tests/*; do
        ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$root$(dirname "$library")"
            cp -L "$library" "$root$library"
        done
    done
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$folder/initramfs"
}

[ "$(uname -m)" = x86_64 ] || skip "the tests are built for $(uname -m), the kernel is not"
sh scripts/install-packages.sh qemu || skip "packages are missing"
if [ -f "$folder/release" ]; then
    release=$(cat "$folder/release")
else
    get_kernel
fi
build_module
if [ -f "$prefix/build.ninja" ]; then
    quietly meson configure "$prefix" -Dtests=enabled
else
    quietly meson setup "$prefix" -Dtests=enabled
fi
tests='kernel-sync-file sync-file'
# shellcheck disable=SC2086 # several words
quietly ninja -C "$prefix" $(printf 'tests/test-%s ' $tests) kernel-mutants
make_initramfs

# A panic ends it: it restarts, which ends the machine.
echo "Linux $release in qemu"
status=0
timeout -s KILL $seconds qemu-system-x86_64 -accel tcg -m 512 -smp 2 -nodefaults -display none \
    -no-reboot -serial stdio -device virtio-gpu-pci \
    -kernel "$folder/packages/boot/vmlinuz-$release" -initrd "$folder/initramfs" \
    -append 'console=ttyS0 quiet panic=-1 oops=panic tsc=reliable' </dev/null >"$folder/console" 2>&1 || status=$?
tr -d '\r' <"$folder/console" >"$log"

# All that was planned has to have been said, and nothing of it left out.
grep -av '^1\.\.' "$log" || true
passed=$(grep -a '^ok ' "$log" | grep -acv '# SKIP' || true)
failed=$(grep -ac '^not ok \|# SKIP' "$log" || true)
planned=$(sed -n 's/^1\.\.//p' "$log" | awk '{ planned += $1 } END { print planned + 0 }')
fail() { # what
    failed=$((failed + 1))
    echo "failed: $1; the last that it said:"
    tail -n 20 "$log"
}
if [ $status -eq 137 ]; then
    fail "the guest did not end within $seconds s"
elif ! grep -aq '^guest: exit status' "$log"; then
    fail "the guest did not come to the end, or qemu failed with exit status $status"
elif ! grep -aq '^guest: exit status 0' "$log" && [ "$failed" -eq 0 ]; then
    fail 'a test program failed'
elif [ $((passed + failed)) -ne "$planned" ]; then
    fail "of $planned tests $((passed + failed)) have ended"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
