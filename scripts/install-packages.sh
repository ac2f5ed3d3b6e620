#!/bin/sh
# SPDX-License-Identifier: MIT
# Sees to it that what building and testing needs is there. What is missing is installed from
# Debian's packages, said beforehand; where that cannot be done, it is named.
# usage: install-packages.sh [--check] [build|test|linux|qemu|fuzz|coverage|analyze|compilers]
# 'build' is what the library and its demo need; 'test', which is what it does unless told, what the
# tests need, too; 'linux' also what the kernel's own tests are taken from; 'qemu' what a kernel is
# run with as well; 'fuzz' a compiler with a fuzzer; 'coverage' what adds up counters; 'analyze' what
# looks at the sources; 'compilers' those that they are to compile with. With --check it only names,
# and installs nothing.
set -eu

check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
case ${1:-test} in
    build | test | linux | qemu | fuzz | coverage | analyze | compilers) purpose=${1:-test} ;;
    *)
        echo "usage: install-packages.sh [--check]" \
             "[build|test|linux|qemu|fuzz|coverage|analyze|compilers]" >&2
        exit 2
        ;;
esac

missing=
describe=

need() { # package, what for, command that succeeds if it is there
    package=$1 what=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        missing="$missing $package"
        describe="$describe
  $package	$what"
    fi
}

header() {
    printf '#include <%s>\n' "$1" | ${CC:-cc} -E -x c -
}

# Two of its headers that cmocka's wants before it.
cmocka() {
    printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n#include <cmocka.h>\n' |
        ${CC:-cc} -E -x c -
}

fuzzer() {
    test -e "$(clang-14 -print-resource-dir)/lib/linux/libclang_rt.fuzzer-$(uname -m).a"
}

compiles_32_bit() {
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' | gcc-12 -m32 -x c - -o /dev/null
}

need gcc 'C compiler' command -v "${CC:-cc}"
need libc6-dev 'C library headers' header stdio.h
need meson 'build system' command -v meson
need ninja-build 'build system' command -v ninja
need pkg-config 'finds libraries' command -v pkg-config
need liburcu-dev 'RCU' pkg-config --exists liburcu-bp
need libpng-dev 'pictures, in the demo' pkg-config --exists libpng
if [ "$purpose" != build ]; then
    need make 'make check' command -v make
    need g++ 'C++ compiler: the headers are C++, too' command -v "${CXX:-c++}"
    need binutils 'nm, addr2line: the exported names, traces' command -v nm
    need python3 'counts the tests' command -v python3
    need libcmocka-dev 'unit tests' cmocka
    need libdw-dev 'lines of code in reports' header elfutils/libdwfl.h
    need libuv1-dev 'an example with its event loop' pkg-config --exists libuv
    need systemtap-sdt-dev 'probes for tracers outside' header sys/sdt.h
    need libdrm-dev "tests of the kernel's sync objects" pkg-config --exists libdrm
fi
case $purpose in
    linux | qemu)
        if [ -z "${LINUX_SRC:-}" ]; then
            need linux-source-6.12 "the kernel's own tests (or name another source in LINUX_SRC)" \
                test -e /usr/src/linux-source-6.12.tar.xz
        fi
        if [ -z "${LINUX_SRC:-}" ] || [ "$purpose" = qemu ]; then
            need xz-utils 'takes files out of packages' command -v xz
        fi
        ;;
esac
if [ "$purpose" = qemu ]; then
    need qemu-system-x86 'runs a kernel' command -v qemu-system-x86_64
    need busybox-static "the guest's programs" command -v busybox
    need gcc-12 'what the kernel is compiled with' command -v gcc-12
    need kmod 'the order of its modules' command -v modprobe
    need cpio "packs the guest's files" command -v cpio
fi
if [ "$purpose" = fuzz ]; then
    need clang-14 'a compiler with a fuzzer' command -v clang-14
    need libclang-rt-14-dev 'the fuzzer, and sanitizers' fuzzer
fi
if [ "$purpose" = coverage ]; then
    need gcovr 'adds up what was counted' command -v gcovr
fi
if [ "$purpose" = analyze ]; then
    need clang-14 'whose view of the sources clang-tidy has' command -v clang-14
    need clang-tidy-14 'static analysis' command -v clang-tidy-14
    need cppcheck 'static analysis' command -v cppcheck
    need gcc-12 'static analysis' command -v gcc-12
fi
if [ "$purpose" = compilers ]; then
    need gcc-12 'a compiler' command -v gcc-12
    need g++-12 'a compiler' command -v g++-12
    need clang-14 'a compiler' command -v clang-14
    need llvm-14 'archives of what it optimises at link time' command -v llvm-ar-14
    need clang-19 'a compiler' command -v clang-19
    need llvm-19 'archives of what it optimises at link time' command -v llvm-ar-19
    if [ "$(uname -m)" = x86_64 ]; then
        need gcc-12-multilib 'programs of 32 bits' compiles_32_bit
    fi
fi

[ -n "$missing" ] || exit 0

if [ -n "$check" ]; then
    echo "missing:$describe"
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: these are missing and there is no apt-get to install them with; please install" \
         "them with your system's package manager (the names are Debian's):$describe" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "error: these packages are missing, and installing them needs root; please run" \
         "'apt-get install$missing' as root:$describe" >&2
    exit 1
fi

echo "Installing Debian packages that are missing:$describe"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q || echo "apt-get update failed; going on with the package lists that are there" >&2
# shellcheck disable=SC2086 # a list of words
apt-get install -q -y --no-install-recommends $missing
