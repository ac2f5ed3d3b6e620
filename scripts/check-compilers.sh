#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds everything that is installed, warnings being errors, and some tests, which it runs, with
# gcc 12, clang 14 and clang 19: each as it is, with NDEBUG, and optimised at link time; and with gcc for
# 32 bits. Ends in 'N builds good, N failed, N skipped', and fails if one failed.
# usage: check-compilers.sh [build folder prefix] [test...]
set -u

cd "$(dirname "$0")/.." || exit 1
prefix=$(pwd)/${1:-build}-compilers
case ${1:-} in /*) prefix=$1-compilers ;; esac
[ $# -eq 0 ] || shift
# One or two of each part, those that look at a compiler's work (the order of memory accesses, what is
# inlined, unwinding) first.
tests=${*:-base refcount fence-ops callback-run wait array array-orders racy-position chain merge-drops-error
    context lock-many resv ww-lock sync-file syncobj syncobj-wait shared-timeline watcher
    stack annotate hang-watch report trace}
for test in $tests; do
    if [ ! -f "tests/$test.c" ]; then
        echo "error: there is no test '$test', of a tests/$test.c" >&2
        exit 2
    fi
done
good=0 failed=0 skipped=0
mkdir -p "$prefix" || exit 1
cache=
command -v ccache >/dev/null 2>&1 && cache='ccache '

skip() { # name, why
    echo "-- $1: skipped: $2"
    skipped=$((skipped + 1))
}

# Those of the words that are targets of a folder.
targets_among() { # folder, targets...
    folder=$1
    shift
    ninja -C "$folder" -t targets all >"$folder/targets"
    for target in "$@"; do
        grep -q "^$target:" "$folder/targets" && echo "$target"
    done
}

# Those of the tests that are for such a build.
tests_but() { # tests...
    for test in $tests; do
        case " $* " in *" $test "*) ;; *) echo "$test" ;; esac
    done
}

build_and_test() { # name, meson options...
    folder=$prefix/$1
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" -Dtests=enabled -Dbench=disabled -Dexamples=disabled \
            -Dwerror=true "$@" || return
    fi
    ninja -C "$folder" build.ninja || return
    # Of some builds only the library and its tests are there.
    installed=$(targets_among "$folder" softgpu/libsoftgpu.so.0.1.0 tools/dmafence compat/libdmafence-linux.a)
    # shellcheck disable=SC2046,SC2086 # lists of words
    ninja -C "$folder" libdmafence.so.0.1.0 libdmafence.a $installed \
        $([ -z "$tests" ] || printf 'tests/test-%s ' $tests) || return
    # Without a name it would run all tests.
    # shellcheck disable=SC2086 # a list of words
    [ -z "$tests" ] || meson test -C "$folder" --no-rebuild --print-errorlogs $tests
}

build() { # name, meson options...; in the environment what meson is to know
    echo "-- $1"
    if build_and_test "$@" >"$prefix/$1.log" 2>&1; then
        sed -n 's/^Ok: */   tests passed: /p' "$prefix/$1.log"
        good=$((good + 1))
    else
        tail -n 60 "$prefix/$1.log"
        echo "-- $1: failed; the whole of it is in $prefix/$1.log"
        failed=$((failed + 1))
    fi
}

builds_of() { # compiler, C++ compiler, ar
    if ! command -v "$1" >/dev/null 2>&1; then
        skip "$1" "there is none"
        return
    fi
    command -v "$2" >/dev/null 2>&1 && CXX=$2 && export CXX
    all_tests=$tests
    # What names the lines of the test itself, or counts the instructions of the library, is about
    # gcc's: clang joins calls that differ in their line only.
    case $1 in clang*) tests=$(tests_but annotate stack ww-lock) ;; esac
    CC=$cache$1 AR=$3 build "$1"
    CC=$cache$1 AR=$3 build "$1-ndebug" -Db_ndebug=true
    # And where functions of the library are put in the place of their calls, or get other names, a
    # test can neither take the place of one (--wrap) nor find it.
    tests=$(tests_but annotate stack resv)
    CC=$cache$1 AR=$3 build "$1-lto" -Db_lto=true
    tests=$all_tests
    unset CXX
}

# The libraries for 32 bits that are needed, from Debian's packages, unpacked into a folder: the system
# is not told of another architecture, and nothing is installed.
unpack_32_bit() { # folder
    [ ! -f "$1/unpacked" ] || return 0
    rm -rf "$1"
    mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial" "$1/packages" || return
    options="-o Dir::State=$1/state -o Dir::Cache=$1/cache -o Dir::State::status=/dev/null
        -o APT::Sandbox::User=root
        -o APT::Architectures::=$(dpkg --print-architecture) -o APT::Architectures::=i386"
    # Other sources of packages may have none for it; what is needed is asked for next.
    # shellcheck disable=SC2086 # a list of words
    apt-get $options update -q
    # shellcheck disable=SC2086 # a list of words
    (cd "$1/packages" && apt-get $options download liburcu8:i386 liburcu-dev:i386 \
        libcmocka0:i386 libcmocka-dev:i386) || return
    for package in "$1"/packages/*.deb; do
        dpkg -x "$package" "$1" || return
    done
    touch "$1/unpacked"
}

build_32_bit() {
    root=$prefix/i386 libraries=$prefix/i386/usr/lib/i386-linux-gnu
    case $(uname -m) in x86_64) ;; *) skip 32-bit "not an x86-64"; return ;; esac
    echo 'int main(void) { return 0; }' >"$prefix/try.c"
    if ! gcc-12 -m32 "$prefix/try.c" -o "$prefix/try" >/dev/null 2>&1; then
        skip 32-bit "gcc -m32 does not work here (gcc-12-multilib)"
        return
    fi
    if ! "$prefix/try"; then
        skip 32-bit "this kernel does not run such programs"
        return
    fi
    if ! unpack_32_bit "$root" >"$prefix/i386.log" 2>&1; then
        skip 32-bit "liburcu for it cannot be had: $(tail -n 1 "$prefix/i386.log")"
        return
    fi
    includes="['-isystem', '$root/usr/include', '-isystem', '$root/usr/include/i386-linux-gnu']"
    links="['-L$libraries', '-Wl,-rpath,$libraries']"
    cat >"$prefix/32-bit.txt" <<END
[binaries]
c = [${cache:+'ccache', }'gcc-12', '-m32']
cpp = ['g++-12', '-m32']
ar = 'gcc-ar-12'
strip = 'strip'
pkgconfig = 'pkg-config'
[built-in options]
c_args = $includes
cpp_args = $includes
c_link_args = $links
cpp_link_args = $links
[properties]
pkg_config_libdir = '$libraries/pkgconfig'
sys_root = '$root'
needs_exe_wrapper = false
[host_machine]
system = 'linux'
cpu_family = 'x86'
cpu = 'i686'
endian = 'little'
END
    echo "   (32 bits: the library and its tests, without softgpu, the command and compat; and" \
         "without the tests that look for lines, which need libdw)"
    all_tests=$tests tests=$(tests_but annotate stack)
    # A thousand threads have to fit.
    # shellcheck disable=SC3045 # dash has it, too
    ulimit -S -s 1024
    build 32-bit --cross-file "$prefix/32-bit.txt" -Dsoftgpu=disabled
    build 32-bit-ndebug --cross-file "$prefix/32-bit.txt" -Dsoftgpu=disabled -Db_ndebug=true
    tests=$(tests_but resv)
    build 32-bit-lto --cross-file "$prefix/32-bit.txt" -Dsoftgpu=disabled -Db_lto=true
    tests=$all_tests
}

builds_of gcc-12 g++-12 gcc-ar-12
builds_of clang-14 clang++-14 llvm-ar-14
builds_of clang-19 clang++-19 llvm-ar-19
build_32_bit

echo "$good builds good, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
