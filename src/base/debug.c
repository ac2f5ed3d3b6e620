/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/report.h>

#include "base/debug.h"

uint32_t dma_fence_debug_flags;

void dma_fence_debug_set(enum debug what)
{
	atomic_fetch_or_relaxed(&dma_fence_debug_flags, what);
}

void dma_fence_debug_clear(enum debug what)
{
	atomic_fetch_and_relaxed(&dma_fence_debug_flags, ~(uint32_t)what);
}

static const struct debug_word *find(const char *word, size_t length)
{
	const struct debug_word *known;

	for (known = dma_fence_debug_words; known->word; known++) {
		if (strlen(known->word) == length && !memcmp(known->word, word, length))
			return known;
	}
	return NULL;
}

/* Goes through the words. Starts what they name, or counts those that name nothing. */
static unsigned int go_through(const char *words, bool start, bool tell)
{
	unsigned int unknown = 0;
	size_t length;

	for (; words && *words; words += length + (words[length] == ',')) {
		const struct debug_word *known;

		length = strcspn(words, ",");
		if (!length)
			continue;
		known = find(words, length);
		if (known && start)
			known->start();
		if (!known && tell)
			fprintf(stderr,
				"dmafence: DMA_FENCE_DEBUG: nothing is known by the name of "
				"'%.*s'\n",
				(int)length, words);
		unknown += !known;
	}
	return unknown;
}

int dma_fence_debug(const char *words)
{
	if (go_through(words, false, false))
		return -EINVAL;
	go_through(words, true, false);
	return 0;
}

void dma_fence_debug_start(void)
{
	go_through(getenv("DMA_FENCE_DEBUG"), true, true);
}
