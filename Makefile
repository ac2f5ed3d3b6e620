# SPDX-License-Identifier: MIT
# For people: everything is in meson.build. Each target installs the Debian packages that are
# missing, after it has said so; elsewhere it names what is missing.

BUILD  ?= build
PREFIX ?= /usr/local
TIMES  ?= 20
RUNS   ?= 1000
MINUTES ?= 10

.PHONY: all demo check check-compilers check-demo check-inject check-ledger check-linux check-model \
	check-qemu analyze bench coverage fuzz soak install clean setup setup-softgpu

all: setup
	@ninja -C $(BUILD)

# Frames through a GPU made of threads, and the proof that each came out right; leaves them, and a
# page that shows how, in $(BUILD)/demo: make demo [FILE=a PNG or a Y4M video]
demo: setup-softgpu
	@ninja -C $(BUILD) tools/dmafence
	@sh scripts/demo.sh $(BUILD)/tools/dmafence $(BUILD)/demo "$$FILE"

# All tests; ends in 'N passed, N failed'
check:
	@sh scripts/install-packages.sh test
	@sh scripts/check.sh $(BUILD)

# The kernel's own tests of its fences, as they are, on the library, each TIMES times, and again under
# sanitizers: make check-linux [TIMES=20] [LINUX_SRC=tree or tarball]. 'make check' does it once.
check-linux:
	@sh scripts/install-packages.sh linux
	@sh scripts/check-linux.sh -n $(TIMES) $(BUILD)

# The exhaustive scheduler to its full extent, about 15 minutes. 'make check' has a short form of it.
check-model: setup
	@sh scripts/install-packages.sh test
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD) tests/model/model
	@python3 scripts/check-model.py $(BUILD)

# Allocations and system calls of the library failed, one at a time, in the cases of each test: from
# each place in the library once in each program, some 10 minutes; with OPTIONS=--all each of them:
# make check-inject [OPTIONS=of tests/inject/inject.py]. 'make check' does it in five of the programs.
check-inject: setup
	@sh scripts/install-packages.sh test
	@meson configure $(BUILD) -Dtests=enabled
	@sh scripts/check-inject.sh $(BUILD) $(OPTIONS)

# Ten million fences with the ledger on, some of them at fault: about a minute. 'make check' has
# fewer.
check-ledger: setup
	@sh scripts/install-packages.sh test
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD) tests/test-ledger-many
	@LEDGER_FENCES=10000000 $(BUILD)/tests/test-ledger-many

# The demo as it is, RUNS times: about an hour for 1,000, or less with OPTIONS of it, such as
# '--frames 12'. Each has to come out identical, and each wrong without fences:
# make check-demo [RUNS=1000] [OPTIONS=]. 'make check' does it a few times.
check-demo: setup-softgpu
	@ninja -C $(BUILD) tools/dmafence
	@sh scripts/check-demo.sh -n $(RUNS) $(BUILD)/tools/dmafence $(OPTIONS)

# How much of the code the tests run, in a build of its own: a table of lines and branches, and an
# error where that is too little. 5 to 10 minutes on two processors; $(BUILD)-coverage/coverage/index.html
# shows each line.
coverage:
	@sh scripts/install-packages.sh coverage
	@sh scripts/coverage.sh $(BUILD)

# Inputs that a fuzzer makes up, under sanitizers: make fuzz [MINUTES=10] [TARGETS='fd-import ...'].
# What is worth keeping stays in $(BUILD)-fuzz; each finding is a line that names the input, and ends
# it with an error. 'make check' goes through the inputs that are in the repository.
fuzz:
	@sh scripts/install-packages.sh fuzz
	@sh scripts/fuzz.sh -m "$(MINUTES)" $(BUILD)-fuzz $(TARGETS)

# The tests of the kernel's own sync files and sync objects on Debian's kernel in an emulated machine,
# about a minute; the first time it downloads that, 125 MB: make check-qemu [LINUX_SRC=tree or tarball]
check-qemu:
	@sh scripts/install-packages.sh test
	@sh scripts/check-qemu.sh $(BUILD) || [ $$? -eq 77 ]

# Everything at once for MINUTES: a third of them as it is, with forks, a third under ThreadSanitizer,
# a third under AddressSanitizer: make soak [MINUTES=10] [SEED=]. 'make check' has 5 s of each.
soak:
	@sh scripts/install-packages.sh test
	@sh scripts/soak.sh $(BUILD) "$(MINUTES)" "$(SEED)"

# What each path costs, as ratios to the floors of this machine, and to Linux's own fence code if its
# source is there: make bench [LINUX_SRC=a tree or a tarball of 6.12]; writes $(BUILD)/bench-*.csv
bench: setup-softgpu
	@ninja -C $(BUILD) bench/bench-fence bench/bench-containers bench/bench-resv \
		bench/bench-fds bench/bench-softgpu tools/dmafence
	@$(BUILD)/bench/bench-fence -o $(BUILD)/bench-fence.csv
	@$(BUILD)/bench/bench-containers -o $(BUILD)/bench-containers.csv
	@$(BUILD)/bench/bench-resv -o $(BUILD)/bench-resv.csv
	@$(BUILD)/bench/bench-fds -o $(BUILD)/bench-fds.csv
	@$(BUILD)/bench/bench-softgpu -o $(BUILD)/bench-softgpu.csv
	@$(BUILD)/tools/dmafence demo 2>/dev/null
	@source=$$(python3 bench/linux-peer/kernel-source.py find) && \
	if [ -n "$$source" ]; then \
		meson configure $(BUILD) "-Dlinux_source=$$source" && \
		ninja -C $(BUILD) bench/beside-linux/bench-linux && \
		$(BUILD)/bench/beside-linux/bench-linux -o $(BUILD)/bench-linux.csv; \
	fi

# Static analysis of what is installed, some minutes: clang-tidy, cppcheck, and gcc's -fanalyzer. Ends
# in 'N findings'; what is none is in scripts/analyze-known.txt: make analyze [FILES=some of them]
analyze:
	@sh scripts/install-packages.sh test
	@sh scripts/install-packages.sh analyze
	@sh scripts/analyze.sh $(BUILD) $(FILES)

# With gcc 12, clang 14 and clang 19, with NDEBUG, optimised at link time, and for 32 bits; in each some
# tests: make check-compilers [TESTS='base wait ...']
check-compilers:
	@sh scripts/install-packages.sh test
	@sh scripts/install-packages.sh compilers
	@sh scripts/check-compilers.sh $(BUILD) $(TESTS)

# make install [PREFIX=/usr/local] [DESTDIR=]
install: setup
	@sh scripts/install.sh $(BUILD) '$(PREFIX)' '$(DESTDIR)'

setup:
	@sh scripts/install-packages.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)

# A folder that was configured without libpng has no softgpu.
setup-softgpu: setup
	@ninja -C $(BUILD) -t query tools/dmafence >/dev/null 2>&1 || \
		meson configure $(BUILD) -Dsoftgpu=enabled

clean:
	rm -rf $(BUILD) $(BUILD)-thread $(BUILD)-address $(BUILD)-coverage $(BUILD)-fuzz \
		$(BUILD)-analyze $(BUILD)-compilers
