#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts/install-packages.sh names what is missing where it cannot install it, and says what it
# installs where it can.
# usage: packages.sh SOURCE_ROOT
set -eu
script=$1/scripts/install-packages.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# All there: nothing is said or done.
[ -z "$(sh "$script")" ]
[ -z "$(sh "$script" --check)" ]
[ -z "$(sh "$script" --check build)" ]
if sh "$script" nonsense 2>/dev/null; then echo "takes nonsense for a purpose"; exit 1; fi

# A world in which only the shell's own tools are there.
mkdir "$folder/bin"
for tool in sh printf id cat; do
    ln -s "$(command -v $tool || echo /bin/$tool)" "$folder/bin/$tool"
done
sh=$(command -v sh)
lacking() { PATH=$folder/bin CC=cc CXX=c++ "$sh" "$script" "$@"; }
named() { # text
    for package in meson ninja-build liburcu-dev libcmocka-dev libuv1-dev g++ pkg-config; do
        case $1 in
            *"$package"*) ;;
            *) echo "does not name $package: $1"; exit 1 ;;
        esac
    done
}

# No apt-get.
if output=$(lacking 2>&1); then echo "succeeds without apt-get"; exit 1; fi
named "$output"
case $output in *'no apt-get'*) ;; *) echo "does not say why: $output"; exit 1 ;; esac
if output=$(lacking --check); then echo "--check succeeds"; exit 1; fi
named "$output"
if output=$(lacking --check build); then echo "--check build succeeds"; exit 1; fi
case $output in *liburcu-dev*) ;; *) echo "does not name liburcu-dev: $output"; exit 1 ;; esac
case $output in *cmocka* | *libuv*) echo "wants that for building: $output"; exit 1 ;; esac

# apt-get, but not root.
printf '#!%s\necho "apt-get $*" >>"%s/log"\n' "$sh" "$folder" >"$folder/bin/apt-get"
chmod +x "$folder/bin/apt-get"
rm "$folder/bin/id"
printf '#!%s\necho 1000\n' "$sh" >"$folder/bin/id"
chmod +x "$folder/bin/id"
if output=$(lacking 2>&1); then echo "succeeds without root"; exit 1; fi
named "$output"
case $output in *'needs root'*) ;; *) echo "does not say why: $output"; exit 1 ;; esac
[ ! -e "$folder/log" ]

# The kernel's source is for one purpose only, and not where another is named.
case $(lacking --check linux) in
    *xz-utils*) ;;
    *) echo "does not name what the kernel's source needs"; exit 1 ;;
esac
case $(LINUX_SRC=elsewhere lacking --check linux)$(lacking --check test) in
    *linux-source* | *xz-utils*) echo "wants the kernel's source without need"; exit 1 ;;
esac

# A kernel is run for one purpose only.
output=$(lacking --check qemu || true)
for package in qemu-system-x86 busybox-static kmod cpio xz-utils libdrm-dev; do
    case $output in
        *"$package"*) ;;
        *) echo "does not name $package: $output"; exit 1 ;;
    esac
done
case $(lacking --check test)$(lacking --check linux) in
    *qemu* | *busybox*) echo "wants to run a kernel without need"; exit 1 ;;
esac

# The fuzzer, too.
case $(lacking --check fuzz) in
    *clang-14*libclang-rt-14-dev*) ;;
    *) echo "does not name what a fuzzer needs"; exit 1 ;;
esac
case $(lacking --check test) in
    *clang*) echo "wants a fuzzer without need"; exit 1 ;;
esac

# Root: says what, then installs just that.
printf '#!%s\necho 0\n' "$sh" >"$folder/bin/id"
output=$(lacking)
named "$output"
grep -q '^apt-get update' "$folder/log"
named "$(grep '^apt-get install' "$folder/log")"
