/* SPDX-License-Identifier: MIT */
/* What the demo was told on its command line. */
#ifndef TOOLS_DEMO_OPTIONS_H
#define TOOLS_DEMO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define DEMO_MOST_POOL	   64
#define DEMO_MOST_INJECTED 16

/* Frames to which something is to happen. */
struct demo_injected {
	uint64_t frames[DEMO_MOST_INJECTED];
	unsigned int num;
};

struct demo_options {
	/* NULL: the test card, or none */
	const char *input;
	const char *output;
	const char *trace;
	const char *report;
	/* 0: all that there are, or 120 of what has no end */
	uint64_t frames;
	uint32_t width;
	uint32_t height;
	unsigned int pool;
	unsigned int bands;
	unsigned int level;
	/* Without an output: as what to encode all the same. */
	bool video;
	bool no_fences;
	bool quiet;
	struct demo_injected hangs;
	struct demo_injected faults;
};

bool demo_injected_has(const struct demo_injected *injected, uint64_t frame);

/* Returns 0: go on; 1: all is done, there was --help; or -1, and has said what makes no sense. */
int demo_options_parse(struct demo_options *options, int argc, char **argv);

#endif
