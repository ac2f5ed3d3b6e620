# SPDX-License-Identifier: MIT
# For people: everything is in meson.build. Each target installs the Debian packages that are
# missing, after it has said so; elsewhere it names what is missing.

BUILD  ?= build
PREFIX ?= /usr/local

.PHONY: all demo check bench install clean packages

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja: packages
	@test -f $@ || meson setup $(BUILD)

# Copies a file through fences, and compares: make demo [FILE=...]
demo: $(BUILD)/build.ninja
	@ninja -C $(BUILD) examples/copy
	@sh scripts/demo.sh $(BUILD)/examples/copy $(FILE)

# All tests; ends in 'N passed, N failed'
check: packages
	@sh scripts/check.sh $(BUILD)

# What each path costs, as ratios to the floors of this machine; writes $(BUILD)/bench.csv
bench: $(BUILD)/build.ninja
	@ninja -C $(BUILD) bench/bench-fence
	@$(BUILD)/bench/bench-fence -o $(BUILD)/bench.csv

# make install [PREFIX=/usr/local] [DESTDIR=]
install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

packages:
	@sh scripts/install-packages.sh

clean:
	rm -rf $(BUILD) $(BUILD)-thread $(BUILD)-address
